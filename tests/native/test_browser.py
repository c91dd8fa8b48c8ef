"""The node inside browsers gives the bits of the portable node, and moves AudioParams."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browsing
import numpy as np
import pytest
import soundfile
import soxr

import pyplugin
from pyplugin.automation.knobs import KNOBS
from pyplugin.node.signals import SIGNALS
from pyplugin.support.arrays import Float32

CLIPS = sorted((Path(__file__).parents[1] / "data/clips").glob("*.ogg"))
RATES = (44100, 48000)
SECONDS = 12
HOP = SIGNAL_HOP = 0.1
PAGE = "<!doctype html><title>Test</title>"

IN_CHROMIUM = """async ([file, rate, channels, options]) => {
  const { Tagnode } = await import("./tagnode/index.js");
  const samples = new Float32Array(await (await fetch(file)).arrayBuffer());
  const length = samples.length / channels;
  const context = new OfflineAudioContext(channels, length, rate);
  const buffer = context.createBuffer(channels, length, rate);
  for (let c = 0; c < channels; ++c)
    buffer.copyToChannel(samples.subarray(c * length, (c + 1) * length), c);
  const source = new AudioBufferSourceNode(context, { buffer });
  const node = await Tagnode.create(context, { channels, ...options });
  const frames = [], signals = [];
  node.addEventListener("frame", ({ detail }) => frames.push(
    [detail.start, detail.end, detail.emitted, ...detail.values]));
  node.addEventListener("signals", ({ detail }) => signals.push([...detail.values]));
  source.connect(node).connect(context.destination);
  source.start();
  const output = await context.startRendering();
  for (let before = -1; before !== frames.length + signals.length;) {
    before = frames.length + signals.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const through = output.getChannelData(0).every((value, i) => value === samples[i]);
  return { frames, signals, through, instructions: node.instructions, latency: node.latency,
           labels: node.descriptors };
}"""

IN_NODE = """
import fs from "node:fs";
const [,, folder, wasm, files] = process.argv;
const { Core } = await import(`${folder}/core.js`);
const core = new Core(new WebAssembly.Module(fs.readFileSync(`${folder}/${wasm}`)));
const model = core.model(new Uint8Array(fs.readFileSync(`${folder}/models/scene.tagnode`)));
const results = [];
for (const [file, sampleRate, channels] of JSON.parse(files)) {
  const samples = new Float32Array(fs.readFileSync(file).buffer.slice(0));
  const length = samples.length / channels, maxFrames = 1000;
  const part = (c, at, some) => samples.subarray(c * length + at, c * length + at + some);
  const node = core.node(model, { sampleRate, channels, maxFrames, hop: 0.1, signals: 0.1 });
  const bytes = core.memory.buffer.byteLength, frames = [], signals = [];
  for (let at = 0; at < length; at += maxFrames) {
    const some = Math.min(maxFrames, length - at);
    node.input.forEach((to, c) => to.set(part(c, at, some)));
    node.process(some);
    while (node.read()) frames.push([...node.frame.slice(0, 3), ...node.values]);
    while (node.readSignals()) signals.push([...node.signals]);
  }
  results.push({ frames, signals, grown: core.memory.buffer.byteLength - bytes });
  node.free();
}
const { signals, knobs } = core;
process.stdout.write(JSON.stringify({ results, signals, knobs }));
"""


def audio(clip: Path, rate: int) -> Float32:
    samples, own = soundfile.read(clip, frames=SECONDS * 48000, dtype="float32", always_2d=True)
    return np.ascontiguousarray(soxr.resample(samples, own, rate).T.astype(np.float32))


def native(samples: Float32, rate: int) -> tuple[Any, Float32]:
    with pyplugin.Node(
        rate, len(samples), 2048, model="scene", hop=HOP, signals=SIGNAL_HOP, queue=1024
    ) as node:
        parts, measured = [], []
        for at in range(0, samples.shape[1], 2048):
            parts.append(node.process(samples[:, at : at + 2048]))
            measured.append(node.read_signals().values)
        rows = [
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("start", "end", "emitted", "values")
        ]
        return rows, np.concatenate(measured)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and the samples of the clips at both rates."""
    package = browsing.package()
    folder = tmp_path_factory.mktemp("web")
    shutil.copytree(package, folder / "tagnode")
    (folder / "index.html").write_text(PAGE)
    for clip in CLIPS:
        for rate in RATES:
            audio(clip, rate).tofile(folder / f"{clip.stem}-{rate}.f32")
    return folder


@pytest.fixture(scope="module")
def page(folder: Path, chromium: Any) -> Iterator[Any]:
    with browsing.served(folder) as address:
        page = chromium.new_page()
        page.goto(f"{address}/index.html")
        yield page


def portable(clip: Path, rate: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Float32]:
    monkeypatch.setenv("TAGNODE_ISA", "portable")
    return native(audio(clip, rate), rate)


def assert_equal(found: dict[str, Any], expected: tuple[Any, Float32], rate: float) -> None:
    (start, end, emitted, values), signals = expected
    rows = np.array(found["frames"])
    labels = values.shape[1]
    assert np.array_equal(rows[:, 3 : 3 + labels].astype(np.float32), values)
    positions = np.stack([start, end, emitted], axis=1)
    assert np.array_equal(np.rint(rows[:, :3] * rate), positions)
    measured = np.array(found["signals"])
    assert measured.shape == signals.shape
    # Logarithms are those of another C library, whose last bit may cross a threshold.
    assert np.isclose(measured, signals, rtol=1e-4, atol=1e-4).mean() > 0.999


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.stem)
def test_chromium_gives_the_portable_nodes_bits(
    clip: Path, rate: int, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = audio(clip, rate)
    options = {"signals": SIGNAL_HOP, "hop": HOP}
    found = page.evaluate(IN_CHROMIUM, [f"{clip.stem}-{rate}.f32", rate, len(samples), options])
    assert found["instructions"] == "simd128"
    assert found["through"]
    assert found["labels"][-1] == "head.any.voice"
    assert_equal(found, portable(clip, rate, monkeypatch), rate)
    monkeypatch.delenv("TAGNODE_ISA")
    (_, _, _, values), _ = native(samples, rate)
    rows = np.array(found["frames"])[:, 3 : 3 + values.shape[1]]
    assert np.abs(rows - values).max() <= 0.004


@pytest.fixture(scope="module", params=["tagnode.wasm", "tagnode-portable.wasm"])
def in_node(request: pytest.FixtureRequest, folder: Path) -> Any:
    """All clips in Node.js, and the tables that the module exports."""
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js here: apt-get install nodejs")
    files = [
        (str(folder / f"{clip.stem}-{rate}.f32"), rate, len(audio(clip, rate)))
        for clip in CLIPS
        for rate in RATES
    ]
    program = folder / "all.mjs"
    program.write_text(IN_NODE)
    command = ["node", program, folder / "tagnode", request.param, json.dumps(files)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_node_js_gives_the_portable_nodes_bits(
    in_node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [(clip, rate) for clip in CLIPS for rate in RATES]
    for (clip, rate), found in zip(cases, in_node["results"], strict=True):
        assert_equal(found, portable(clip, rate, monkeypatch), 1)


def test_processing_needs_no_more_memory(in_node: Any) -> None:
    assert {found["grown"] for found in in_node["results"]} == {0}


def test_tables_are_those_of_the_library(in_node: Any) -> None:
    assert [(x["name"], x["low"], x["high"]) for x in in_node["signals"]] == [
        (signal.name, signal.low, signal.high) for signal in SIGNALS.values()
    ]
    assert [knob["name"] for knob in in_node["knobs"]] == list(KNOBS)


MOVED = """async ([file, rate, channels, knobs]) => {
  const { Tagnode } = await import("./tagnode/index.js");
  const samples = new Float32Array(await (await fetch(file)).arrayBuffer());
  const length = samples.length / channels;
  const context = new OfflineAudioContext(1, length, rate);
  const buffer = context.createBuffer(channels, length, rate);
  for (let c = 0; c < channels; ++c)
    buffer.copyToChannel(samples.subarray(c * length, (c + 1) * length), c);
  const source = new AudioBufferSourceNode(context, { buffer });
  const node = await Tagnode.create(context, { channels });
  const one = new ConstantSourceNode(context), gain = new GainNode(context);
  const mapping = node.map("speech", knobs).connect(gain.gain);
  await mapping.ready;
  source.connect(node);
  one.connect(gain).connect(context.destination);
  source.start();
  one.start();
  return [...(await context.startRendering()).getChannelData(0)];
}"""


def test_a_descriptor_moves_a_parameter_to_the_sample(
    page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate, clip = 48000, next(clip for clip in CLIPS if clip.stem == "radio-hour")
    (_, _, emitted, values), _ = portable(clip, rate, monkeypatch)
    length, channels = audio(clip, rate).shape[1], len(audio(clip, rate))
    knobs = {"threshold": 0.5, "hysteresis": 0.1, "attack": 0.1, "release": 0.3, "min": 1.0}
    found = page.evaluate(MOVED, [f"{clip.stem}-{rate}.f32", rate, channels, {**knobs, "max": 0.2}])
    # Gate, one-pole and range, sample by sample.
    gate = np.zeros(length)
    is_open = False
    for at, value in zip(emitted, values[:, 0], strict=True):
        is_open = value >= 0.5 or (is_open and value >= 0.4)
        gate[at:] = is_open
    level, expected = gate[emitted[0]], np.ones(length)
    for n in range(emitted[0], length):
        seconds = 0.1 if gate[n] > level else 0.3
        expected[n] = 1 - 0.8 * level
        level = gate[n] + (level - gate[n]) * np.exp(-1 / (seconds * rate))
    assert np.ptp(found) > 0.5
    assert np.abs(np.array(found) - expected).max() < 1e-3


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ('create(context, { model: "no" })', "There is no model no; there are scene."),
        ('create(context, { model: "./no.tagnode" })', "status 404"),
        ('create(context, { model: "./index.html" })', "does not begin with TAGMODL2"),
        (
            'create(context, { model: "./tagnode/models/scene.tagnode", sha256: "00" })',
            "00 is expected. Fetch it again.",
        ),
        ("create(context, { hop: -1 })", "hop"),
        ("create({})", "https and from localhost only"),
        ('create(context).then((node) => node.map("speach"))', "There is no descriptor speach"),
        ('create(context).then((node) => node.map("speech", { atack: 1 }))', "no knob atack"),
        ('create(context).then((node) => node.map("speech", { attack: -1 }))', "attack"),
        (
            'create(context).then((node) => node.map("speech", { curve: "cube" }))',
            "one of lin, log, exp is expected",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence(page: Any, program: str, sentence: str) -> None:
    found = page.evaluate(
        """async (program) => {
          const { Tagnode } = await import("./tagnode/index.js");
          const context = new OfflineAudioContext(1, 48000, 48000);
          const run = new Function("Tagnode", "context", `return Tagnode.${program}`);
          return run(Tagnode, context).then(() => "nothing", (error) => error.message);
        }""",
        program,
    )
    assert sentence in found


EXAMPLE = Path(__file__).parents[2] / "examples/web/ducking.html"


def test_the_example_ducks_music_under_speech(folder: Path, chromium: Any) -> None:
    shutil.copy(EXAMPLE, folder)
    clips = {clip.stem: clip for clip in CLIPS}
    with browsing.served(folder) as address:
        page = chromium.new_page()
        page.goto(f"{address}/ducking.html")
        page.wait_for_function("document.getElementById('microphone').onclick !== null")
        page.set_input_files("#music", clips["drum-loop"])
        value = "document.getElementById('{}').value"
        page.wait_for_function(f"{value.format('level')} > 0.03")
        page.set_input_files("#voice", clips["speech"])
        page.wait_for_function(f"{value.format('speech')} > 0.9")
        page.wait_for_function(
            f"{value.format('speech')} > 0.5 && {value.format('level')} < 0.03", polling=200
        )
        assert page.inner_text("#problem") == ""


def test_the_code_in_the_documents_runs(page: Any) -> None:
    text = (Path(__file__).parents[2] / "docs/web.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```js\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        said: list[str] = []
        page.on("console", lambda line, said=said: said.append(line.text))
        imports = re.sub(r"import (\{.*?\}) from (\S+);", r"const \1 = await import(\2);", block)
        page.evaluate(f"async () => {{ {imports} }}")
    result = pyplugin.tag(np.zeros(5 * 44100), 44100, hop=HOP)
    last = f"{result.labels[0]} {result.hop:g} {result.window:g} {len(result.times)}"
    assert last in said


KERNELS = Path(__file__).parents[2] / "build/web/ON/browser/test_kernels.wasm"
IN_WASI = """
import fs from "node:fs";
import { WASI } from "node:wasi";
const wasi = new WASI({ version: "preview1", args: ["test_kernels"], returnOnExit: true });
const module = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
process.exit(wasi.start(new WebAssembly.Instance(module, wasi.getImportObject())));
"""


def test_the_kernels_of_simd_give_the_sums_of_plain_c(tmp_path: Path) -> None:
    if not KERNELS.exists() or shutil.which("node") is None:
        pytest.skip("`make web` was not run, or there is no Node.js here")
    program = tmp_path / "wasi.mjs"
    program.write_text(IN_WASI)
    command = ["node", "--no-warnings", program, KERNELS]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    passed, failed = re.search(r"(\d+) passed, (\d+) failed", run.stdout).groups()
    assert int(passed) > 100_000
    assert failed == "0"
