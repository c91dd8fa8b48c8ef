"""The plugin: an instance of its core, and the VST3 in pedalboard."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import hosts
from benchmarks.measuring import installed
from benchmarks.native import NEEDED, ROOT
from benchmarks.report import Figure, Row
from benchmarks.sounds import demo_48k
from pyplugin.daw import container, installation
from pyplugin.models import registry

BUILD = ROOT / "build" / "bench"
SECONDS = 20
MODELS = {"scene": 1, "musicnn-mtt": 2}
BLOCKS = (64, 512)
START_LIMIT = 60  # ms
STATE_LIMIT = 5  # ms
SIZE_LIMIT = 1024  # KiB


def measure(*, long: bool = False) -> list[Figure]:
    made = build()
    if made is not None:
        return [Figure("plugin", "the plugin", "ms", [], [made])]
    registry.get("musicnn-mtt")
    found = {name: core(number) for name, number in MODELS.items()}
    figures = [starts(found), shares(found)]
    if installed("pedalboard"):
        figures.append(inside_pedalboard())
    return [*figures, hosts.inside(MODELS)]


def build() -> str | None:
    """Build the plugins and the program; return an error message if that fails."""
    scene = ROOT / "build" / "scene.tagnode"
    model = registry.load("scene")
    scene.parent.mkdir(exist_ok=True)
    container.write(scene, model.card, model.data)
    for command in (
        ["make", "-C", ROOT, f"VENV={Path(sys.prefix)}", "plugins"],
        ["cmake", "-S", ROOT / "native" / "bench", "-B", BUILD, f"-DTAGNODE_SCENE={scene}"],
        ["cmake", "--build", BUILD, "--parallel"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return NEEDED
    return None


def core(model: int) -> dict[str, float]:
    command = [str(BUILD / "bench_plugin"), str(model), str(SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def starts(found: dict[str, dict[str, float]]) -> Figure:
    rows = []
    for name, values in found.items():
        rows += [
            Row(f"{name}: create and activate", values["activate_first"] * 1e3, limit=START_LIMIT),
            Row(f"{name}: a further instance", values["activate_again"] * 1e3, limit=START_LIMIT),
            Row(f"{name}: load a state", values["load_state"] * 1e3, limit=STATE_LIMIT),
        ]
    sizes = {about.name: size(form) for form, about in installation.FORMATS.items()}
    notes = [
        "Two instances do "
        + ", ".join(f"{v['two_instances']:.2f} ({n})" for n, v in found.items())
        + " times the work of one.",
        "The binaries have "
        + ", ".join(f"{value:.0f} KiB ({name})" for name, value in sizes.items())
        + f"; {SIZE_LIMIT} at the most are wanted.",
    ]
    return Figure("plugin", "an instance, 48 kHz stereo", "ms", rows, notes)


def size(form: str) -> float:
    about = installation.FORMATS[form]
    path = installation.built_folder() / about.bundle
    return (path / about.binary if about.binary else path).stat().st_size / 1024


def shares(found: dict[str, dict[str, float]]) -> Figure:
    rows = []
    for name, values in found.items():
        for what, words in (("off", "effects off"), ("effects", "all effects")):
            for block in BLOCKS:
                beside = {"99.9 %": 100 * values[f"{what}_{block}_most"]}
                value = 100 * values[f"{what}_{block}_median"]
                rows.append(Row(f"{name}, {block} samples, {words}", value, beside=beside))
    title = f"a callback, share of the time that there is for it, {SECONDS} s of noise"
    return Figure("plugin", title, "% (median)", rows)


def inside_pedalboard() -> Figure:
    """Measure calls of pedalboard, including Python overhead."""
    import tempfile

    import pedalboard

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sound = np.fromfile(demo_48k(Path(folder) / "music.f32", 20), np.float32)
    stereo = np.stack([sound, sound])
    plugin = pedalboard.load_plugin(str(installation.vst3_path()))
    for name in MODELS:
        plugin.model = name
        plugin.parameters["slot_1_source"].raw_value = 32 / 255  # the model's first label
        plugin.slot_1_target = "gain"
        plugin(stereo[:, :48000], 48000)
        for block in BLOCKS:
            taken = []
            for start in range(0, stereo.shape[1] - block, block):
                part = stereo[:, start : start + block]
                begin = time.perf_counter()
                plugin(part, 48000, reset=False)
                taken.append((time.perf_counter() - begin) * 48000 / block)
            p50, most = np.percentile(taken, (50, 99.9)) * 100
            rows.append(
                Row(f"VST3 in pedalboard, {name}, {block} samples", p50, beside={"99.9 %": most})
            )
    title = "a call of a host, share of the time that there is for it"
    return Figure("plugin", title, "% (median)", rows)
