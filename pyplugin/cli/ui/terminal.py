"""What a terminal can show, and how text gets there."""

import contextlib
import io
import math
import os
import sys
from importlib.util import find_spec
from typing import IO, TextIO

from pyplugin.errors import ReaderGoneError
from pyplugin.support.printable import printable


def can_draw() -> bool:
    """Return whether stdout and stderr are terminals that can move the cursor, and rich is here."""
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    terminals = all(each and each.isatty() for each in (sys.stdout, sys.stderr))
    return terminals and not dumb and find_spec("rich") is not None


def shown(value: float, span: float) -> str:
    """Return a value with three significant digits of `span`, the width of its range."""
    decimals = 3 - math.ceil(math.log10(span)) if span > 0 else 3
    decimals = min(max(decimals, 0), 6)
    return f"{round(value, decimals) + 0.0:.{decimals}f}"  # avoids -0


def prepare_streams() -> None:
    """Make standard streams that were closed harmless, and those of any encoding writable.

    A closed descriptor would be given to the next file that is opened, and what a library prints
    would be written into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def echo(text: object = "", *, err: bool = False, nl: bool = True, vital: bool = False) -> None:
    r"""Print text on stdout or stderr; control characters other than ``\n`` and tabs are escaped.

    A reader of stdout that has gone, as with ``| head``, does not end the work, and what cannot be
    written to stderr is lost.

    Parameters
    ----------
    text
        One or more lines; `printable` makes one line of a name.
    err
        Print on stderr.
    nl
        Add the end of the line.
    vital
        The command has no other output.

    Raises
    ------
    ReaderGoneError
        The reader of stdout has gone, if the text is vital.
    OSError
        stdout cannot be written.
    """
    stream = sys.stderr if err else sys.stdout
    if stream is None:
        return
    line = printable(text, lines=True) + ("\n" if nl else "")
    try:
        stream.write(line)
        stream.flush()
    except BrokenPipeError as error:
        silence(stream)
        if vital:
            raise ReaderGoneError("The reader has closed the pipe.") from error
    except OSError:
        silence(stream)
        if not err:
            raise


def silence(stream: TextIO | None) -> None:
    """Send what is still written to a stream nowhere, so that ending cannot fail on it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


def flush_output() -> None:
    """Write what stdout still holds.

    Raises
    ------
    OSError
        It cannot be written.
    """
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            silence(sys.stdout)
        except OSError:
            silence(sys.stdout)
            raise


class EscapingStderr:
    """A file for click, which prints its own errors."""

    def write(self, text: str) -> None:
        """Print on stderr."""
        echo(text, err=True, nl=False)

    def flush(self) -> None:
        """Do nothing: `echo` flushes."""


def stderr_file() -> IO[str]:
    """Return a file that prints on stderr as `echo` does."""
    return EscapingStderr()  # type: ignore[return-value]
