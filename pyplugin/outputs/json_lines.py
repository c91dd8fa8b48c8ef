"""Descriptor frames as JSON Lines."""

from __future__ import annotations

import json
import math
from typing import TextIO

from pyplugin.errors import ReaderGoneError
from pyplugin.outputs.heard import Heard

__all__ = ["JsonLines", "json_line"]


def json_line(heard: Heard) -> str:
    """Return a frame as one line of JSON, without the end of the line.

    Numbers are rounded to 6 decimals; one that is not finite is ``null``.
    """
    line = {
        "v": 1,
        "t": round(heard.time, 6),
        "start": round(heard.start, 6),
        "end": round(heard.end, 6),
        "source": heard.source,
        "model": heard.model,
        "state": heard.state.name.lower(),
        "tags": _rounded(heard.tags),
    }
    if heard.heads:
        line["heads"] = {name: _rounded(values) for name, values in heard.heads.items()}
    if heard.signals:
        line["signals"] = _rounded(heard.signals)
    if heard.parameters:
        line["parameters"] = _rounded(heard.parameters)
    return json.dumps(line, ensure_ascii=False, allow_nan=False)


def _rounded(values: dict[str, float]) -> dict[str, float | None]:
    return {
        name: round(float(value), 6) if math.isfinite(value) else None
        for name, value in values.items()
    }


class JsonLines:
    """Writes a line for each descriptor frame, at once; what moves in between is not written.

    Parameters
    ----------
    stream
        Where to; it stays open.
    """

    failures = 0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def hear(self, heard: Heard) -> None:
        """Write a line.

        Raises
        ------
        ReaderGoneError
            Whoever read the lines has gone, as with ``| head``.
        """
        try:
            self._stream.write(json_line(heard) + "\n")
            self._stream.flush()
        except BrokenPipeError as error:
            raise ReaderGoneError("Whoever read the lines has gone.") from error

    def move(self, time: float, parameters: dict[str, float], signals: dict[str, float]) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing: every line was flushed."""
