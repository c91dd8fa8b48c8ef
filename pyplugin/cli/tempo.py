"""``tagnode tempo``: Estimate the tempo of recordings over time."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from pyplugin.cli.ui.recordings import each_file, expand_files
from pyplugin.cli.ui.suppress_output import check_plan
from pyplugin.cli.ui.terminal import echo
from pyplugin.node.plan import Plan
from pyplugin.support.cells import readable
from pyplugin.support.printable import printable
from pyplugin.tempo import TempoResult, tempo


@click.command("tempo")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--model",
    metavar="NAME",
    help="A model whose labels are tempi, such as an imported TempoCNN.  [default: onsets]",
)
@click.option("--hop", type=float, help="Seconds between two windows of the model.")
@click.option("--over-time", is_flag=True, help="Also print the tempo whenever it changes.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON object a FILE, with all values."
)
def command(
    files: tuple[str, ...], model: str | None, hop: float | None, *, over_time: bool, as_json: bool
) -> None:
    """Estimate the tempo of recordings, in beats per minute.

    The confidence of the onsets is the share of the time at that tempo; that of a model is its
    probability. 0 BPM stands for no beat. If a FILE cannot be read, this is reported, the others
    are processed, and the exit status is 2.

    \\b
    Examples:
      tagnode tempo song.ogg
      tagnode tempo song.ogg --over-time
      tagnode tempo song.ogg --json
    """
    files, status = expand_files(files)
    if model is not None:
        check_plan(Plan.of(model, hop=hop))

    def write(given: str, result: TempoResult) -> None:
        echo(_json(given, result) if as_json else "\n".join(_lines(given, result, over_time)))

    def work(given: str, report: Callable[[float], object]) -> TempoResult:
        return tempo(given, model=model, hop=hop, progress=report)

    raise SystemExit(max(status, each_file(files, work, write)))


def _lines(given: str, result: TempoResult, over_time: bool) -> list[str]:
    shown = f"{result.overall:.1f} BPM" if result.overall else "no beat"
    lines = [f"{printable(given)}  {shown}  (confidence {result.overall_confidence:.2f})"]
    if over_time:
        before = -1
        for time, bpm in zip(result.times.tolist(), result.bpm.tolist(), strict=True):
            if round(bpm) != before:
                before = round(bpm)
                lines.append(f"  {time:8.1f} s  {before or 'no beat'}")
    return lines


def _json(given: str, result: TempoResult) -> str:
    content = {
        "file": readable(given),
        "bpm": round(result.overall, 3),
        "confidence": round(result.overall_confidence, 4),
        "duration": round(result.duration, 3),
        "times": [round(each, 3) for each in result.times.tolist()],
        "local_bpm": [round(each, 3) for each in result.bpm.tolist()],
        "local_confidence": [round(each, 4) for each in result.confidence.tolist()],
    }
    return json.dumps(content, ensure_ascii=False)
