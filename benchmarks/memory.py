"""Memory and speed of tagging a recording of several hours."""

import tempfile
from pathlib import Path

from benchmarks.freeze import write_musicnn
from benchmarks.machine import version
from benchmarks.measuring import installed, missing, run
from benchmarks.report import Figure, Row
from benchmarks.sounds import long_noise
from pyplugin.models import registry

HOURS, LONG_HOURS = 2, 10
MOST = 300  # MiB
HERE = Path(__file__).parent


def measure(*, long: bool = False) -> list[Figure]:
    hours = LONG_HOURS if long else HOURS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        registry.get("musicnn-mtt")
        audio = long_noise(folder / "long.flac", hours)
        used = {
            "tagnode tag": run(
                ["-m", "pyplugin", "tag", audio, "--model", "musicnn-mtt", "--hop", "2.992"]
            )
        }
        if installed("essentia-tensorflow"):
            graph = write_musicnn(folder)
            peer = f"Essentia {version('essentia-tensorflow')}"
            used[peer] = run([HERE / "essentia_tag.py", graph, audio, "187"])
    title = f"tag {hours} h, 16 kHz, every 2.992 s"
    return [
        Figure(
            "memory",
            f"{title}, peak resident memory",
            "MiB",
            [row(n, use.peak, MOST) for n, use in used.items()],
            missing("essentia-tensorflow"),
        ),
        Figure(
            "memory",
            f"{title}, processor time for an hour of sound",
            "s",
            [row(n, use.cpu / hours) for n, use in used.items()],
            [
                f"pyplugin took {used['tagnode tag'].wall:.0f} s of wall time: "
                f"{hours * 3600 / used['tagnode tag'].wall:.0f} times real time."
            ],
        ),
    ]


def row(name: str, value: float, limit: float | None = None) -> Row:
    peer = "Essentia" if "Essentia" in name else ""
    return Row(name, value, peer, None if peer else limit)
