"""Start-up time: the import, and the first result for a short file."""

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.freeze import write_musicnn
from benchmarks.machine import version
from benchmarks.measuring import installed, missing, run
from benchmarks.report import Figure, Row
from benchmarks.sounds import demo
from pyplugin.models import registry

ROUNDS = 15
SECONDS = 4
HERE = Path(__file__).parent


def measure(*, long: bool = False) -> list[Figure]:
    return [imports(), first_result()]


def imports() -> Figure:
    """Measure a function too, since the imports of pyplugin and librosa are lazy."""
    statements = {"import pyplugin": "", "from pyplugin import tag": ""}
    if installed("librosa"):
        statements["from librosa.feature import melspectrogram"] = "librosa"
    if installed("essentia-tensorflow"):
        statements["from essentia.standard import TensorflowPredictMusiCNN"] = "Essentia"
    commands: dict[str, list[str | Path]] = {s: ["-c", s] for s in ("pass", *statements)}
    taken = medians(commands, "wall")
    rows = [Row(s, taken[s] - taken["pass"], peer) for s, peer in statements.items()]
    for row in rows[:2]:
        row.limit = 0.25
    title = f"import, beyond the {taken['pass']:.3f} s of Python itself (median of {ROUNDS})"
    return Figure("startup", title, "s", rows, missing("librosa", "essentia-tensorflow"))


def first_result() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        audio = demo(Path(folder) / "music.wav", SECONDS)
        registry.get("musicnn-mtt")
        commands: dict[str, list[str | Path]] = {
            "tagnode tag --json": [
                "-m",
                "pyplugin",
                "tag",
                audio,
                "--model",
                "musicnn-mtt",
                "--json",
            ]
        }
        if installed("essentia-tensorflow"):
            graph = write_musicnn(Path(folder))
            name = f"Essentia {version('essentia-tensorflow')}"
            commands[name] = [HERE / "essentia_tag.py", graph, audio, "187"]
        taken = medians(commands, "first_line")
    rows = [Row(n, value, "Essentia" if "Essentia" in n else "") for n, value in taken.items()]
    rows[0].limit = 1.0
    title = f"from the command to the first result, {SECONDS} s of music (median of {ROUNDS})"
    return Figure("startup", title, "s", rows, missing("essentia-tensorflow"))


def medians(commands: dict[str, list[str | Path]], of: str) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            taken[name].append(getattr(run(command), of))
    return {name: median(values) for name, values in taken.items()}
