"""The processor time of a node for one second of audio, compared with Essentia."""

import tempfile
from pathlib import Path

from benchmarks.freeze import write_musicnn
from benchmarks.machine import version
from benchmarks.measuring import installed, missing, run
from benchmarks.native import NEEDED, built, call
from benchmarks.patch import built_model
from benchmarks.report import Figure, Row
from benchmarks.sounds import demo_48k
from pyplugin.models import registry

HOPS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.992)
BLOCK = 512
SECONDS = 20.16  # about the same number of seconds of results for each hop
ROUNDS = 7
PEER_HOP = 63  # mel frames: 1.008 s, to which pyplugin rounds 1 s
AGAINST = {0.1: {"Essentia": 0.333}}
SCENE = "scene"
SCENE_HOP = 0.1
SCENE_LIMIT = 1.5  # ms: 0.15 % of a core
ESSENTIA = "essentia-tensorflow"
HERE = Path(__file__).parent


def measure(*, long: bool = False) -> list[Figure]:
    if not built():
        return [Figure("node", "processor time", "ms", [], [NEEDED])]
    model = built_model("musicnn-mtt")
    scene = registry.load("scene")
    small = f"{scene.card.patch_frames}:{len(scene.card.labels)}:{scene.path}"
    best: dict[float | str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sound = demo_48k(folder / "music.f32", 40)
        graph = write_musicnn(folder) if installed(ESSENTIA) else None
        for _ in range(ROUNDS):
            for hop in HOPS:
                used = float(call(["stream", model, sound, hop, BLOCK, SECONDS]).stdout)
                best[hop] = min(used / SECONDS, best.get(hop, used))
            used = float(call(["stream", small, sound, SCENE_HOP, BLOCK, SECONDS]).stdout)
            best[SCENE] = min(used / SECONDS, best.get(SCENE, used))
            if graph is not None:
                script = [HERE / "essentia_stream.py", graph, sound, str(PEER_HOP)]
                used = float(run(script, one_core=True).output)
                best[ESSENTIA] = min(used, best.get(ESSENTIA, used))
    rows = [row(hop, seconds * 1e3) for hop, seconds in best.items()]
    title = f"one second of audio at 48 kHz, processor time on one core (least of {ROUNDS})"
    return [Figure("node", title, "ms", rows, missing(ESSENTIA))]


def row(hop: float | str, value: float) -> Row:
    if hop == SCENE:
        return Row(f"inline, scene, hop {SCENE_HOP:g} s", value, limit=SCENE_LIMIT)
    if isinstance(hop, str):
        return Row(f"Essentia {version(ESSENTIA)}, hop 1 s", value, "Essentia")
    return Row(f"inline, musicnn-mtt, hop {hop:g} s", value, against=AGAINST.get(hop, {}))
