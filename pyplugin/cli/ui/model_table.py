"""What ``tagnode models list`` shows of each model, and the same as a table of the documentation.

Run as: ``python -m pyplugin.cli.ui.model_table NAME...``; it measures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.models import registry
from pyplugin.models.importers import importer as importers
from pyplugin.models.registry import ModelStatus
from pyplugin.node.node import Node
from pyplugin.node.runtimes import installed, outside_of
from pyplugin.support.arrays import Float32

_RATE, _BLOCK = 48000, 512
_LEAST_HOPS, _LEAST_SECONDS = 4, 2.0


@dataclass(frozen=True)
class ModelRow:
    """A model in the list.

    Attributes
    ----------
    name, description, licence
        Of the model.
    built
        Whether it is here.
    kind
        The task, as in cards; ``""`` if it is not known before the model is built.
    labels
        How many; ``None`` if that is not known yet.
    size
        Of the file in bytes; 0 if it is not built.
    window, hop
        Seconds; ``None`` if it is not built.
    latency
        Seconds from the end of a window to its result at 48 kHz, at its own hop; ``None`` if it is
        not built or cannot run.
    runtime
        ``"inline"``: in the callback; ``"worker"``: on a thread beside it; ``""``: not known.
    cpu
        Milliseconds of processor time for a second of audio, stereo at 48 kHz, at its own hop, by
        runtime; empty if it was not measured.
    """

    name: str
    description: str
    licence: str
    built: bool
    kind: str = ""
    labels: int | None = None
    size: int = 0
    window: float | None = None
    hop: float | None = None
    latency: float | None = None
    runtime: str = ""
    cpu: dict[str, float] = field(default_factory=dict)


def model_rows(names: Sequence[str] = (), *, measure: bool = False) -> list[ModelRow]:
    """Return the models that there are.

    Parameters
    ----------
    names
        Of those that are wanted; none for all.
    measure
        Whether to measure the processor time of those that are built, some seconds each.
    """
    statuses = [each for each in registry.available() if not names or each.name in names]
    return [_row(each, measure) for each in statuses]


def _row(status: ModelStatus, measure: bool) -> ModelRow:
    summary = importers.names().get(status.name)
    labels = len(summary.labels) if summary is not None and summary.labels else None
    about = summary.description if summary is not None else status.description
    row = ModelRow(status.name, about, status.licence, status.built, "", labels, status.size)
    if status.path is None:
        return row
    try:
        card = registry.info(status.path)
        row = replace(row, kind=card.type, labels=len(card.labels), hop=card.default_hop)
        front_end = card.front_end
        window = card.patch_frames * front_end.hop / front_end.sample_rate
        row = replace(row, window=window)
        model = registry.load(status.path)
        with Node(_RATE, 2, _BLOCK, model=model) as node:
            place = "inline" if node.runtime == "inline" else "worker"
            row = replace(row, runtime=place, latency=node.latency.total / _RATE, hop=node.hop)
        if measure:
            row = replace(row, cpu=_costs(model, place))
    except PypluginError:
        return row  # `models verify` says what is wrong
    return row


def _costs(model: registry.Model, place: str) -> dict[str, float]:
    """Return the milliseconds for a second of audio in each runtime that the model can have."""
    costs = {"inline": cost(model, "inline")} if place == "inline" else {}
    outside = next((name for name in outside_of(model) if installed()[name] is not None), None)
    if outside is not None:
        costs["worker"] = cost(model, outside)
    return costs


def cost(
    model: registry.Model,
    runtime: str,
    *,
    hop: float | None = None,
    audio: Float32 | None = None,
    sample_rate: int = _RATE,
    rounds: int = 2,
) -> float:
    """Return the milliseconds of processor time that a node needs for a second of audio.

    All threads count. The least of some rounds is returned, once the first window is full.

    Parameters
    ----------
    model, runtime, hop
        As for :class:`pyplugin.Node`.
    audio
        (channels, n), some seconds; ``None`` for noise in stereo, of four hops at least.
    sample_rate
        Of it, Hz.
    rounds
        How many.
    """
    if audio is None:
        seconds = max(_LEAST_SECONDS, _LEAST_HOPS * (hop or model.card.default_hop))
        shape = (2, int(np.ceil(seconds * sample_rate)))
        audio = np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)
    blocks = [
        np.ascontiguousarray(audio[:, at : at + sample_rate])
        for at in range(0, audio.shape[1], sample_rate)
    ]
    options = {"model": model, "runtime": runtime, "hop": hop, "offline": True}
    with Node(sample_rate, len(audio), sample_rate, **options) as node:  # type: ignore[arg-type]
        filled = node.first_frames * node.mel_seconds * sample_rate + node.latency.total
        position = 0
        while position < filled:
            for block in blocks:
                node.process(block)
            position += audio.shape[1]
        taken = []
        for _ in range(rounds):
            started = time.process_time()
            for block in blocks:
                node.process(block)
            taken.append(time.process_time() - started)
    return float(min(taken) / (audio.shape[1] / sample_rate) * 1e3)


def as_lines(rows: Sequence[ModelRow]) -> list[str]:
    """Return the list as aligned text, with a heading."""
    measured = any(row.cpu for row in rows)
    head = ["model", "labels", "size", "window", "hop", "latency", "runs", "licence"]
    head[7:7] = ["inline", "worker"] if measured else []
    cells = [head]
    for row in rows:
        line = [row.name, _shown(row.labels, "{}"), _size(row), _shown(row.window, "{:.2f} s")]
        line += [_shown(row.hop, "{:.2f} s"), _shown(row.latency, "{:.2f} s"), row.runtime or "-"]
        if measured:
            line += [_shown(row.cpu.get(key), "{:.1f} ms") for key in ("inline", "worker")]
        cells.append([*line, row.licence or "-"])
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    right = {i for i, name in enumerate(head) if name not in ("model", "runs", "licence")}
    texts = [
        "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in cells)
    ]
    about = ["what it names", *(row.description for row in rows)]
    return [f"{text}  {description}" for text, description in zip(texts, about, strict=True)]


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _size(row: ModelRow) -> str:
    return f"{row.size / 1e6:.1f} MB" if row.built else "not built"


def as_markdown(rows: Sequence[ModelRow]) -> str:
    """Return the list as a table in Markdown, without those that are not built."""
    head = ["model", "labels", "kind", "licence", "size, MB", "window, s", "hop, s", "latency, s"]
    lines = [[*head, "inline, ms/s", "worker, ms/s"]]
    lines.append(["---"] * len(lines[0]))
    for row in rows:
        if row.built:
            cells = [f"`{row.name}`", _shown(row.labels, "{}"), row.kind, row.licence]
            cells += [f"{row.size / 1e6:.1f}"]
            cells += [_shown(value, "{:.2f}") for value in (row.window, row.hop, row.latency)]
            cells += [_shown(row.cpu.get(key), "{:.2g}") for key in ("inline", "worker")]
            lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Print models as a table in Markdown.")
    parser.add_argument("names", nargs="*", help="of models; all by default")
    print(as_markdown(model_rows(parser.parse_args().names, measure=True)))


if __name__ == "__main__":
    _main()
