"""The node in Chromium's AudioWorklet beside the native one, and the page of `tagnode serve`."""

import functools
import gzip
import http.server
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

import pyplugin
from benchmarks import browser_dropouts, browser_peers
from benchmarks.machine import version
from benchmarks.report import Figure, Row
from benchmarks.sounds import DEMO
from pyplugin.models import registry
from pyplugin.page.site import Choice, export
from pyplugin.support.shipped import shipped

RATE = 48000
OPTIONS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
CASES = {"scene": (60, 0.1, 2.5), "musicnn-mtt": (20, 0.25, 3.0)}  # seconds, hop, times native's
SONG = 240  # seconds
RENDER = """async ([model, file, seconds, hop, times]) => {
  const { Tagnode } = await import("./tagnode/index.js");
  const samples = new Float32Array(await (await fetch(file)).arrayBuffer());
  const context = new OfflineAudioContext(2, times * seconds * 48000, 48000);
  const buffer = context.createBuffer(2, samples.length / 2, 48000);
  for (let c = 0; c < 2; ++c)
    buffer.copyToChannel(samples.subarray(c * buffer.length, (c + 1) * buffer.length), c);
  const source = new AudioBufferSourceNode(context, { buffer, loop: true });
  const bytes = model && new Uint8Array(await (await fetch(model)).arrayBuffer());
  const node = await Tagnode.create(context, { model: bytes, hop, signals: model ? 0 : 1 });
  source.connect(node).connect(context.destination);
  source.start();
  await context.startRendering();
}"""


def measure(*, long: bool = False) -> list[Figure]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    lacking = [
        *(["Chromium"] if chromium is None else []),
        *(["playwright: pip install 'tagnode[bench]'"] if version("playwright") is None else []),
        *([] if (shipped("browser") / "core.js").is_file() else ["the package: make web"]),
    ]
    if lacking:
        note = f"left out: there is no {lacking[0]}"
        return [Figure("browser", "the node in Chromium", "ms", [], [note])]
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as started:
        folder = Path(name)
        models = {model: registry.get(model) for model in CASES if model != "scene"}
        menu = [Choice(each, each, registry.load(each)) for each in ("scene", *models)]
        export(folder, menu)
        browser = started.chromium.launch(executable_path=chromium, args=OPTIONS)
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(_Quiet, directory=name)
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.wait_for_selector("#model:enabled")
            worklet = _worklet(page, folder)
            figures = [worklet, *_page(page, folder)]
            if long:
                figures.append(browser_dropouts.measure(page, folder, _song(20)))
            return [*figures, *_peers(page, folder, worklet)]
        finally:
            server.shutdown()
            browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012 - as in the base class
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: object) -> None:
        pass


def _song(seconds: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    samples, _ = soundfile.read(DEMO, dtype="float32", always_2d=True)
    two = np.repeat(samples, 2 // samples.shape[1], axis=1)
    times = -(-seconds * RATE // len(two))
    return np.ascontiguousarray(np.tile(two, (times, 1))[: seconds * RATE].T)


def _worklet(page: Any, folder: Path) -> Figure:
    rows = []
    for model, (seconds, hop, limit) in CASES.items():
        samples = _song(seconds)
        taken = _rendered(page, folder, f"models/{model}.tagnode", samples, hop)
        natives = _native(model, samples, hop)
        real_time = 15.0 if model == "scene" else None  # ms a second of audio: 1.5 %
        peer = f"native, {model}"
        ratios = {peer: limit}
        rows.append(Row(f"AudioWorklet, {model}", taken, "", real_time, ratios))
        rows.append(Row(f"native AVX2, {model}", 1e3 * natives / seconds, peer))
    return Figure(
        "browser", "a second of stereo at 48 kHz, processor time (least of 3)", "ms", rows
    )


def _peers(page: Any, folder: Path, worklet: Figure) -> list[Figure]:
    if lacking := browser_peers.missing():
        worklet.notes.append(lacking)
        return []
    song, name = _song(20), f"AudioWorklet, {browser_peers.MODEL}"
    ours = {
        f"{name}, all of it": next(row.value for row in worklet.rows if row.who == name),
        "AudioWorklet, no model: mel frames, all signals": _rendered(page, folder, None, song, 1),
    }
    return [browser_peers.measure(page, folder, song, functools.partial(_used, page), ours)]


def _rendered(page: Any, folder: Path, model: str | None, samples: Any, hop: float) -> float:
    """Return the milliseconds of a second, without what happens once: loading, compiling."""
    samples.tofile(folder / "samples.f32")
    seconds = samples.shape[1] // RATE
    given = [model, "samples.f32", seconds, hop]
    once, thrice = (min(_used(page, RENDER, [*given, n]) for _ in range(3)) for n in (1, 3))
    return 1e3 * (thrice - once) / 2 / seconds


def _used(page: Any, script: str, given: object) -> float:
    """Return the processor time of Chromium's renderers, all of their threads."""
    session = page.context.browser.new_browser_cdp_session()

    def used() -> float:
        found = session.send("SystemInfo.getProcessInfo")["processInfo"]
        return float(sum(each["cpuTime"] for each in found if each["type"] == "renderer"))

    before = used()
    page.evaluate(script, given)
    return used() - before


def _native(model: str, samples: Any, hop: float) -> float:
    """Return the processor time in blocks of 4096, where Python's share is small."""
    os.environ["TAGNODE_ISA"] = "avx2"
    times = []
    try:
        for _ in range(3):
            with pyplugin.Node(RATE, 2, 4096, model=model, hop=hop, offline=True) as node:
                begun = time.process_time()
                for at in range(0, samples.shape[1], 4096):
                    node.analyse(samples[:, at : at + 4096])
                times.append(time.process_time() - begun)
    finally:
        del os.environ["TAGNODE_ISA"]
    return min(times)


def _page(page: Any, folder: Path) -> list[Figure]:
    song = folder / "song.wav"
    soundfile.write(song, _song(SONG).T, RATE, subtype="PCM_16")
    begun = time.perf_counter()
    page.set_input_files("#file", song)
    page.wait_for_selector("#message:text-matches('analysed by')", timeout=120_000)
    taken = time.perf_counter() - begun
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    files = [
        each
        for each in folder.rglob("*")
        if each.suffix in (".html", ".css", ".js", ".svg") or each.name == "tagnode.wasm"
    ]
    weight = sum(len(gzip.compress(each.read_bytes(), 9)) for each in files)
    title = f"the page: a song of {SONG} s dropped and shown, and its first paint"
    rows = [Row("song, scene", taken, limit=3.0), Row("first paint", paint / 1e3, limit=1.0)]
    kilobytes = [Row("page, compressed, without models", weight / 1e3, limit=250)]
    return [
        Figure("browser", title, "s", rows),
        Figure("browser", "the page: size", "kB", kilobytes),
    ]
