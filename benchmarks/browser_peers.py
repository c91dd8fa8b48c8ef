"""TensorFlow.js and essentia.js in the same Chromium as the node, from build/npm/bench."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from benchmarks import tfjs
from benchmarks.patch import built_model, interpreter_of
from benchmarks.report import Figure, Row

MODEL, HOP = "musicnn-mtt", 0.25
LIMIT = 0.3  # times TensorFlow.js's
SECONDS = 5
PACKAGES = Path(__file__).parents[1] / "build" / "npm" / "bench" / "node_modules"
SCRIPTS = {
    "tf-core.js": "@tensorflow/tfjs-core/dist/tf-core.es2017.min.js",
    "tf-converter.js": "@tensorflow/tfjs-converter/dist/tf-converter.es2017.min.js",
    "tf-wasm.js": "@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.es2017.min.js",
    "essentia-model.js": "essentia.js/dist/essentia.js-model.umd.min.js",
}
MODULE = "essentia.js/dist/essentia-wasm.es.js"
BINARIES = "@tensorflow/tfjs-backend-wasm/dist"
SET_UP = """async ([patch, output]) => {
  tf.wasm.setWasmPaths("./");
  await tf.setBackend("wasm");
  const model = await tf.loadGraphModel("network/model.json");
  const { shape } = model.inputs[0], samples = new Float32Array(patch);
  const mel = tf.tensor(samples, shape);
  window.predict = async (times) => {
    let values;
    for (let i = 0; i < times; ++i) {
      const result = model.execute(mel, output);
      values = [...await result.data()];
      result.dispose();
    }
    return values;
  };
  const { EssentiaWASM } = await import("./essentia-wasm.js");
  const extractor = new EssentiaModel.EssentiaTFInputExtractor(EssentiaWASM, "musicnn");
  const mono = new Float32Array(await (await fetch("mono.f32")).arrayBuffer());
  window.extract = (times) => {
    for (let i = 0; i < times; ++i) extractor.computeFrameWise(mono, 256);
  };
  return [await window.predict(2), tf.getBackend()];
}"""

Used = Callable[[str, object], float]
"""Runs a script with one argument, and returns its processor time."""


def missing() -> str:
    """Return what is not there; "" if all is."""
    if all((PACKAGES / script).is_file() for script in SCRIPTS.values()):
        return ""
    return "TensorFlow.js and essentia.js are left out: make build/npm/bench/.done (needs npm)"


def measure(page: Any, folder: Path, song: Any, used: Used, ours: dict[str, float]) -> Figure:
    """Measure them on a page of their own: their scripts compile strings, which ours forbids.

    Parameters
    ----------
    page
        Of the browser; it leaves where it is.
    folder
        What the web server serves.
    song
        Samples at 48 kHz, (channels, samples).
    used
        Measures a script.
    ours
        Names and milliseconds a second of our node with this model and hop, then without a model.
    """
    float_model = built_model(f"{MODEL}-float")
    output = tfjs.write(float_model, folder / "network")
    for name, script in SCRIPTS.items():
        shutil.copyfile(PACKAGES / script, folder / name)
    shutil.copyfile(PACKAGES / MODULE, folder / "essentia-wasm.js")
    for path in (PACKAGES / BINARIES).glob("*.wasm"):
        shutil.copy(path, folder)
    mono = soxr.resample(song.mean(axis=0)[: SECONDS * 48000], 48000, 16000)
    mono.astype(np.float32).tofile(folder / "mono.f32")
    scripts = "".join(f'<script src="{name}"></script>' for name in SCRIPTS)
    (folder / "peers.html").write_text(f"<!doctype html>{scripts}", encoding="utf-8")
    page.goto(page.url.rpartition("/")[0] + "/peers.html")
    litert = interpreter_of(float_model)
    patch = litert.get_tensor(litert.get_input_details()[0]["index"])
    litert.invoke()
    got, backend = page.evaluate(SET_UP, [patch.ravel().tolist(), output])
    apart = float(np.abs(np.array(got) - _result(litert, "activations")).max())
    if apart > 1e-4:
        raise RuntimeError(f"TensorFlow.js computes another network: {apart:.2g} from LiteRT.")
    runs = round(SECONDS / HOP)
    network = _slope(used, "(times) => predict(times)", runs) / SECONDS
    mel = _slope(used, "(times) => extract(times)", 1) / SECONDS
    (whole, all_of_it), (part, mel_only) = ours.items()
    title = f"a second of {MODEL}, one result every {HOP} s, processor time (least of 3)"
    rows = [
        Row(whole, all_of_it, against={"tfjs": LIMIT}),
        Row(part, mel_only),
        Row(f"TensorFlow.js, {backend}: the float network alone", network, "tfjs"),
        Row("essentia.js: its mel frames alone, from 16 kHz mono", mel, "essentia.js"),
    ]
    about = json.loads((PACKAGES / "@tensorflow/tfjs-core/package.json").read_text())["version"]
    note = f"TensorFlow.js {about} is within {apart:.1g} of LiteRT; all in one thread"
    return Figure("browser", title, "ms", rows, [note])


def _result(litert: Any, name: str) -> Any:
    details = {each["name"]: each["index"] for each in litert.get_output_details()}
    return litert.get_tensor(details[name]).ravel()


def _slope(used: Used, script: str, times: int) -> float:
    """Return the milliseconds of some runs, without what happens once."""
    once, thrice = (min(used(script, n * times) for _ in range(3)) for n in (1, 3))
    return 1e3 * (thrice - once) / 2
