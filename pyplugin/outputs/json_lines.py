"""Descriptor frames as JSON Lines."""

import json
import math
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from pyplugin.errors import PypluginError, ReaderGoneError
from pyplugin.outputs.output import DescriptorFrame, Option, OutputContext, OutputKind, Values
from pyplugin.support.printable import UNSEEN


def json_line(frame: DescriptorFrame) -> str:
    """Return a frame as one line of JSON, without the end of the line.

    Numbers are rounded to 6 decimals; one that is not finite is ``null``. Control characters, and
    bytes of file names that are not UTF-8, are escaped.
    """
    line = {
        "v": 1,
        "t": round(frame.time, 6),
        "start": round(frame.start, 6),
        "end": round(frame.end, 6),
        "source": frame.source,
        "model": frame.model,
        "state": frame.state.name.lower(),
        "tags": _rounded(frame.labels),
    }
    if frame.heads:
        line["heads"] = {name: _rounded(values) for name, values in frame.heads.items()}
    if frame.signals:
        line["signals"] = _rounded(frame.signals)
    if frame.parameters:
        line["parameters"] = _rounded(frame.parameters)
    return _UNSEEN.sub(_escape, json.dumps(line, ensure_ascii=False, allow_nan=False))


_UNSEEN = re.compile(f"[{UNSEEN}]")


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _rounded(values: dict[str, float]) -> dict[str, float | None]:
    return {
        name: round(float(value), 6) if math.isfinite(value) else None
        for name, value in values.items()
    }


class JsonLines:
    """Writes a line for each descriptor frame at once; changes between frames are not written.

    Parameters
    ----------
    stream
        Where to; it stays open.
    """

    failures = 0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write_frame(self, frame: DescriptorFrame) -> None:
        """Write a line.

        Raises
        ------
        ReaderGoneError
            The reader has closed the pipe, as with ``| head``.
        """
        try:
            self._stream.write(self._encodable(json_line(frame)) + "\n")
            self._stream.flush()
        except BrokenPipeError as error:
            raise ReaderGoneError("The reader has closed the pipe.") from error

    def _encodable(self, line: str) -> str:
        """Escape what a stream in another encoding than UTF-8 cannot hold."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            return line
        return json.dumps(json.loads(line), allow_nan=False)

    def write_parameters(self, time: float, parameters: Values, signals: Values) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing: every line was flushed."""


def _open(values: Mapping[str, Any], context: OutputContext) -> JsonLines | None:
    del context
    if not values["json"]:
        return None
    if sys.stdout is None:
        raise PypluginError("--json writes to standard output, which is closed.")
    return JsonLines(sys.stdout)


KIND = OutputKind((Option("--json", "Print a line of JSON for each descriptor frame."),), _open)
