"""The time of each callback, as a share of its deadline."""

import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.measuring import missing
from benchmarks.native import NEEDED, built, call, litert
from benchmarks.patch import built_model
from benchmarks.report import Figure, Row
from benchmarks.sounds import demo_48k

RATE, HOP = 48000, 0.25
BLOCKS = (32, 64, 128, 512)
SECONDS, ROUNDS = 20, 5
WORKER_SECONDS = 4  # it runs in real time
TARGETS = {64: 10.0}  # %
PICTURE = Path("bench-output/callback.png")
KINDS = {
    "inline": "inline",
    "worker": "worker (litert), what the audio thread does",
    "litert": "LiteRT in the callback",
    "empty": "nothing but to wait as long as inline's p50",
}

Times = npt.NDArray[np.float64]


def measure(*, long: bool = False) -> list[Figure]:
    if not built():
        return [Figure("callback", "each callback", "%", [], [NEEDED])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sound = demo_48k(folder / "music.f32", SECONDS + 5)
        shares = {block: of_block(block, sound, folder / "times.f32") for block in BLOCKS}
    notes = missing("ai-edge-litert")
    if draw(shares, PICTURE):
        notes.append(f"Drawn in {PICTURE}.")
    return [figure(block, taken, notes) for block, taken in shares.items()]


def of_block(block: int, sound: Path, output: Path) -> dict[str, Times]:
    """Return for each kind the share of the deadline in %, (rounds, callbacks)."""
    library, int8, best = litert(), built_model("musicnn-mtt"), built_model("musicnn-mtt-float")
    models = {"inline": int8}
    if library is not None:
        models |= {"worker": int8, "litert": best}
    models["empty"] = int8
    taken: dict[str, list[Times]] = {kind: [] for kind in models}
    for _ in range(ROUNDS):
        for kind, model in models.items():
            word = f"{wait(taken['inline'], block):.9f}" if kind == "empty" else kind
            seconds = WORKER_SECONDS if kind == "worker" else SECONDS
            core = max(os.sched_getaffinity(0))
            call(
                ["callback", word, library or "", model, sound, HOP, block, seconds, core, output],
                one_core=False,
            )
            taken[kind].append(np.fromfile(output, np.float32) * (100.0 * RATE / block))
    return {kind: np.array(rounds) for kind, rounds in taken.items()}


def wait(inline: list[Times], block: int) -> float:
    return float(np.median(np.array(inline))) / 100 * block / RATE


def figure(block: int, shares: dict[str, Times], notes: list[str]) -> Figure:
    rows = []
    for kind, rounds in shares.items():
        each = np.median(
            rounds, axis=0
        )  # the work is the same in each round: differences are noise
        rows.append(
            Row(
                KINDS[kind],
                float(np.percentile(each, 99.9)),
                limit=TARGETS.get(block) if kind == "inline" else None,
                beside={
                    "p50": float(np.percentile(each, 50)),
                    "p99": float(np.percentile(each, 99)),
                    "max": float(each.max()),
                    "p99.9, any round": float(np.percentile(rounds, 99.9)),
                    "max, any round": float(rounds.max()),
                },
            )
        )
    title = (
        f"{block} frames at 48 kHz, hop {HOP:g} s, % of the {block / RATE * 1e6:.0f} µs until the "
        f"next (each callback: median of {ROUNDS} rounds)"
    )
    return Figure("callback", title, "p99.9", rows, notes if block == BLOCKS[-1] else [])


def draw(shares: dict[int, dict[str, Times]], path: Path) -> bool:
    """Plot the share of callbacks above each duration; return whether matplotlib is installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("agg")
    from matplotlib import pyplot

    colours = {"inline": "#0a7d4f", "worker": "#2a6fbb", "litert": "#c43b2f", "empty": "#8a8a8a"}
    picture, axes = pyplot.subplots(2, 2, figsize=(11, 7.5), sharex=True, sharey=True)
    for axis, (block, kinds) in zip(axes.flat, shares.items(), strict=True):
        for kind, rounds in kinds.items():
            for values, line in ((rounds.ravel(), ":"), (np.median(rounds, axis=0), "-")):
                ordered = np.sort(values)
                above = 100 * (1 - np.arange(len(ordered)) / len(ordered))
                label = KINDS[kind] if line == "-" else None
                axis.step(ordered, above, line, color=colours[kind], label=label, lw=1.6)
        axis.axvline(100, color="black", lw=1)
        axis.set(xscale="log", yscale="log", xlim=(0.03, 1e4), ylim=(1e-3, 120))
        axis.set_title(f"{block} frames, {block / RATE * 1e3:.2f} ms", fontsize=10)
        axis.grid(alpha=0.25)
    axes[0, 0].text(110, 30, "deadline", fontsize=8, rotation=90, va="center")
    for axis in axes[1]:
        axis.set_xlabel("time of a callback, % of what there is until the next")
    for axis in axes[:, 0]:
        axis.set_ylabel("callbacks that take longer, %")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="lower center", ncols=2, frameon=False, fontsize=9)
    picture.suptitle(
        f"musicnn-mtt at 48 kHz, a result every {HOP:g} s. Solid: median of {ROUNDS} rounds; "
        "dotted: all of them",
        fontsize=11,
    )
    picture.tight_layout(rect=(0, 0.07, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=110)
    pyplot.close(picture)
    return True
