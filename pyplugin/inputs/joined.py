"""Files that were joined by ``cat``: where each of them begins.

Players and libsndfile stop after the first; a recorder that appends, or a careless script, makes
such files.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from pyplugin.inputs.sniffing import container_of

_FLAC = b"fLaC\0\0\0\x22"  # and a STREAMINFO block of its only length
_STEP = 1 << 20


def joined_parts(file: BinaryIO) -> list[tuple[int, int]]:
    """Return start and end of each file that was joined to this one; its position stays.

    WAV, RF64, AIFF and FLAC are recognised; the parts of others FFmpeg reads, or Ogg's links do.

    Examples
    --------
    >>> wav = b"RIFF" + struct.pack("<I", 6) + b"WAVEab"
    >>> joined_parts(io.BytesIO(wav + wav)), joined_parts(io.BytesIO(wav))
    ([(0, 14), (14, 28)], [(0, 14)])
    """
    begin = file.tell()
    try:
        end = file.seek(0, io.SEEK_END)
        starts = [begin]
        while (following := _end_of(file, starts[-1], end)) is not None:
            file.seek(following)
            if following >= end or container_of(file.read(12)) not in ("wav", "aiff", "flac"):
                break
            starts.append(following)
        return list(zip(starts, [*starts[1:], end], strict=True))
    finally:
        file.seek(begin)


def _end_of(file: BinaryIO, start: int, end: int) -> int | None:
    """Return where a file that begins here ends, if its kind says so before the end."""
    file.seek(start)
    head = file.read(12)
    if head[:4] == b"fLaC":
        return _next_flac(file, start + 4)
    if head[:4] in (b"RIFF", b"FORM") and head[8:] in (b"WAVE", b"AIFF", b"AIFC"):
        (size,) = struct.unpack("<I" if head[:4] == b"RIFF" else ">I", head[4:8])
        following = start + 8 + size + size % 2
        return following if size and following < end else None
    return None


def _next_flac(file: BinaryIO, at: int) -> int | None:
    file.seek(at)
    held = b""
    while data := file.read(_STEP):
        held += data
        found = held.find(_FLAC)
        if found >= 0:
            return file.tell() - len(held) + found
        held = held[-len(_FLAC) :]
    return None
