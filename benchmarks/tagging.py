"""Tagging a minute of music: the processor time of ours and of Essentia with the same weights."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from msgspec import structs

import pyplugin
from benchmarks.freeze import write_musicnn
from benchmarks.machine import version
from benchmarks.measuring import Usage, installed, missing, run
from benchmarks.report import Figure, Row
from benchmarks.sounds import demo
from pyplugin.models import registry

SECONDS = 60
HOP = 62  # mel frames: 0.992 s
ROUNDS = 5
MODELS = {"musicnn-mtt": "int8", "musicnn-mtt-float": "float"}
ESSENTIA = "essentia-tensorflow"
AGREEMENT = 1e-2
HERE = Path(__file__).parent

Commands = dict[str, list[str | Path]]


def measure(*, long: bool = False) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        return in_folder(Path(folder))


def in_folder(folder: Path) -> list[Figure]:
    for name in MODELS:
        registry.get(name)
    audio, hop = demo(folder / "music.wav", SECONDS), str(HOP * 256 / 16000)
    whole: Commands = {
        n: ["-m", "pyplugin", "tag", audio, "--model", n, "--hop", hop] for n in MODELS
    }
    inside: Commands = {n: [HERE / "pyplugin_tag.py", n, audio, str(HOP)] for n in MODELS}
    notes = missing(ESSENTIA)
    if installed(ESSENTIA):
        graph = write_musicnn(folder)
        notes.append(agreement(graph, folder))
        whole[ESSENTIA] = inside[ESSENTIA] = [HERE / "essentia_tag.py", graph, audio, str(HOP)]
    title = f"tag {SECONDS} s of music every {hop} s, processor time on one core"
    rows_whole = rows(least(whole, lambda usage: usage.cpu), {"Essentia": 0.85})
    rows_inside = rows(least(inside, lambda usage: float(usage.output)), {})
    return [
        Figure("tagging", f"{title}, whole process (least of {ROUNDS})", "s", rows_whole, notes),
        Figure("tagging", f"{title}, without imports (least of {ROUNDS})", "s", rows_inside),
    ]


def least(commands: Commands, value: Callable[[Usage], float]) -> dict[str, float]:
    """Run the commands in turn on one core and return the least value of each."""
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(ROUNDS):
        for name, command in commands.items():
            best[name] = min(best[name], value(run(command, one_core=True)))
    return best


def rows(seconds: dict[str, float], against: dict[str, float]) -> list[Row]:
    made = []
    for name, value in seconds.items():
        if name == ESSENTIA:
            made.append(Row(f"Essentia {version('essentia-tensorflow')}", value, "Essentia"))
        else:
            made.append(Row(f"pyplugin, {name} ({MODELS[name]})", value, against=dict(against)))
    return made


def agreement(graph: Path, folder: Path) -> str:
    """Compare activations on the same samples, with Essentia's window, so that times compare."""
    import soxr

    samples, rate = soundfile.read(folder / "music.wav", dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(1), rate, 16000).astype(np.float32)
    np.save(folder / "samples.npy", mono)
    theirs = folder / "activations.npy"
    run([HERE / "essentia_tag.py", graph, folder / "samples.npy", str(HOP), theirs])
    expected = np.load(theirs)
    model = registry.load("musicnn-mtt-float")
    front_end = structs.replace(model.card.front_end, window="hann-symmetric")
    model = dataclasses.replace(model, card=structs.replace(model.card, inference=front_end))
    result = pyplugin.tag(mono, 16000, model=model, hop=HOP * 256 / 16000)
    count = min(len(expected), len(result.activations))
    apart = float(np.abs(expected[:count] - result.activations[:count]).max())
    if apart > AGREEMENT:
        raise RuntimeError(
            f"Essentia's activations are {apart:.2g} from ours: they are not the same network."
        )
    return (
        f"Same network: with the same window, {count} x 50 activations (float) are within "
        f"{apart:.1e} of Essentia's."
    )
