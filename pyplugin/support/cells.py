"""Cells of tables: text that spreadsheets take as text, and names of any bytes."""

import csv
import io
import re
from collections.abc import Iterable

_RUN = re.compile(r"'*[\s\0]*[=+\-@\t\r＝＋－＠]")


def guarded(text: str) -> str:
    """Return the text of a cell, with ``'`` before it if a spreadsheet would run it as a formula.

    Different texts stay different.

    Examples
    --------
    >>> guarded("=1+1.wav"), guarded("song.wav"), guarded("-")
    ("'=1+1.wav", 'song.wav', '-')
    """
    return f"'{text}" if len(text) > 1 and _RUN.match(text) else text


def csv_row(cells: Iterable[str]) -> str:
    r"""Return a row of CSV with its line end; texts are to be guarded before.

    Examples
    --------
    >>> csv_row(["a,b", "1.5"])
    '"a,b",1.5\r\n'
    """
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def encoded(text: str) -> bytes:
    r"""Return text in UTF-8; bytes of file names that are not UTF-8 stay as they are.

    Examples
    --------
    >>> encoded("caf\udce9.wav")
    b'caf\xe9.wav'
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a half of a pair, which stands for no byte
        return text.encode("utf-8", "backslashreplace")


def readable(text: str) -> str:
    r"""Return text that is valid UTF-8: bytes of file names that are not show as ``\xe9``.

    Examples
    --------
    >>> print(readable("caf\udce9.wav"))
    caf\xe9.wav
    """
    return encoded(text).decode("utf-8", "backslashreplace")
