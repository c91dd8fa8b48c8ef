"""Outputs that are no regular files: standard output, open descriptors, devices and FIFOs."""

import os
import re
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from pyplugin.errors import ReaderGoneError

STANDARD_OUTPUT = "-"
"""The path that stands for standard output."""

_DESCRIPTORS = re.compile(r"/dev/fd|/proc/(self|[0-9]+)(/task/[0-9]+)?/fd")
_LINKS = 40  # as many as Linux follows


def _descriptor(path: str) -> int | None:
    """Return N for /dev/fd/N, /dev/stdout and the like, and for links to them."""
    if path == STANDARD_OUTPUT:
        return 1
    for _ in range(_LINKS):
        folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100
        folder = os.path.realpath(folder)
        listed = _DESCRIPTORS.fullmatch(folder)
        if name.isdigit() and listed is not None:
            own = listed[1] in (None, "self", str(os.getpid()))
            return int(name) if own else None
        path = os.path.join(folder, name)  # noqa: PTH118
        if not os.path.islink(path):  # noqa: PTH114
            return None
        path = os.path.join(folder, os.readlink(path))  # noqa: PTH115, PTH118
    return None


def is_special(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is to be written to as it is, not replaced.

    Examples
    --------
    >>> is_special("-"), is_special("/dev/null"), is_special("tags.csv")
    (True, True, False)
    """
    if _descriptor(os.fspath(path)) is not None:
        return True
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_standard_output(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is ``-``; /dev/stdout shares it with what is printed."""
    return os.fspath(path) == STANDARD_OUTPUT


def check_special(path: str | os.PathLike[str]) -> None:
    """Raise OSError if a special file cannot be written.

    It is not opened: the reader of a FIFO would see its end.
    """
    number = _descriptor(os.fspath(path))
    if number is not None:
        if number == 1 and sys.stdout is None:
            raise OSError("standard output is closed")
        os.fstat(number)
    elif not os.access(path, os.W_OK):
        raise PermissionError(13, "Permission denied")


def open_special(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a special file for writing, unbuffered; a FIFO waits for its reader.

    An open descriptor is duplicated: it goes on where its last writer stopped.
    """
    check_special(path)
    number = _descriptor(os.fspath(path))
    if number is None:
        return os.fdopen(os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0)), "wb", buffering=0)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    return os.fdopen(os.dup(number), "wb", buffering=0)


def write_all(stream: BinaryIO, data: bytes) -> None:
    """Write all of the data to an unbuffered stream.

    Raises
    ------
    ReaderGoneError
        The reader of a pipe or FIFO has closed it.
    """
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[stream.write(rest) or 0 :]
    except BrokenPipeError as error:
        raise ReaderGoneError("The reader has closed the pipe.") from error
