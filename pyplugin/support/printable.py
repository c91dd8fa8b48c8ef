"""Text that a person sees: no control character of a name reaches a terminal."""

import re

# C0, DEL and C1; line separators; marks that change the direction of text; bytes of file names that
# are not UTF-8, and halves of pairs.
UNSEEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_NAME = re.compile(f"[{UNSEEN}]")
_LINES = re.compile(rf"(?![\n\t])[{UNSEEN}]")
_SHORT = {9: "\\t", 10: "\\n", 13: "\\r"}


def printable(text: object, *, lines: bool = False) -> str:
    r"""Return text with control characters escaped; of a name it makes one line.

    Parameters
    ----------
    text
        What to show.
    lines
        Leave tabs and the ends of lines.

    Examples
    --------
    >>> print(printable("a\x1b[2Jb\nc\udce9.wav"))
    a\x1b[2Jb\nc\xe9.wav
    """
    return (_LINES if lines else _NAME).sub(_escape, str(text))


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    if 0xDC80 <= number <= 0xDCFF:  # a byte that is not UTF-8
        number -= 0xDC00
    return _SHORT.get(number) or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")
