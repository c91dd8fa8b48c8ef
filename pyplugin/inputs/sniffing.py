"""What a byte stream carries, from its first bytes."""

from __future__ import annotations

from collections.abc import Callable

HEAD = 8192
"""Bytes that :func:`container_of` needs at most: three frames of MP3 after a part of one."""

PROBE = ""
"""A container or coding whose name FFmpeg has to find out."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (  # offset, bytes, FFmpeg's name
    (0, b"OggS", "ogg"),
    (0, b"RIFF", "wav"),
    (0, b"RF64", "wav"),
    (0, b"BW64", "wav"),
    (0, b"fLaC", "flac"),
    (0, b"FORM", "aiff"),
    (0, b".snd", "au"),
    (0, b"caff", "caf"),
    (0, b"wvpk", "wv"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"FLV\x01", "flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"#!AMR", "amr"),
    (0, b"ID3", PROBE),
    (0, b"MAC ", "ape"),
    (0, b"TTA1", "tta"),
    (4, b"ftyp", "mp4"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
)

# ISO/IEC 11172-3 and 13818-3: kbit/s by index, of MPEG-1 and of MPEG-2, layers II and III.
_BIT_RATES = {
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)
_FRAMES = {"mp3": 3, "aac": 3, "mpegts": 5}  # in a row, so that random bytes are none


def container_of(head: bytes) -> str | None:
    """Return FFmpeg's name of the container or coding that these bytes begin.

    Parameters
    ----------
    head
        The first bytes, :data:`HEAD` of them where there are so many. A broadcast of MP3, AAC or
        MPEG-TS may begin within a frame.

    Returns
    -------
    str or None
        ``"ogg"``, for example; :data:`PROBE` where FFmpeg must look closer; ``None`` for none that
        is known, as of raw samples.

    Examples
    --------
    >>> container_of(b"fLaC" + bytes(100))
    'flac'
    >>> container_of(bytes(8192)) is None
    True
    """
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    for name, length in (("mp3", _mpeg_length), ("aac", _adts_length), ("mpegts", _ts_length)):
        start = head.find(b"\x47" if name == "mpegts" else b"\xff")
        while start >= 0:
            if _follow(head, start, length, _FRAMES[name]):
                return name
            start = head.find(head[start : start + 1], start + 1)
    return None


def _follow(head: bytes, at: int, length: Callable[[bytes, int], int], frames: int) -> bool:
    """Return whether so many frames follow each other from here."""
    for _ in range(frames):
        size = length(head, at)
        if size == 0:
            return False
        at += size
    return True


def _mpeg_length(head: bytes, at: int) -> int:
    """Return the bytes of the MPEG audio frame that begins here, or 0."""
    if len(head) < at + 4 or head[at] != 0xFF or head[at + 1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[at + 1] >> 3 & 3, 4 - (head[at + 1] >> 1 & 3)
    bit_rate, rate, padding = head[at + 2] >> 4, head[at + 2] >> 2 & 3, head[at + 2] >> 1 & 1
    if version == 1 or layer not in (2, 3) or rate == 3 or not 1 <= bit_rate <= 14:
        return 0
    table = _BIT_RATES[(1, layer) if version == 3 else (2, 2)]
    hertz = _RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 576 if layer == 3 and version != 3 else 1152
    return samples // 8 * table[bit_rate - 1] * 1000 // hertz + padding


def _adts_length(head: bytes, at: int) -> int:
    """Return the bytes of the ADTS frame that begins here, or 0."""
    if len(head) < at + 7 or head[at] != 0xFF or head[at + 1] & 0xF6 != 0xF0:
        return 0
    length = (head[at + 3] & 3) << 11 | head[at + 4] << 3 | head[at + 5] >> 5
    return length if length > 7 and head[at + 2] >> 2 & 15 < 13 else 0


def _ts_length(head: bytes, at: int) -> int:
    """Return 188 where a packet of MPEG-TS begins, otherwise 0."""
    return 188 if len(head) > at and head[at] == 0x47 else 0


def is_playlist(head: bytes) -> bool:
    """Return whether these bytes begin a playlist (M3U, PLS or XSPF)."""
    text = head[:2048].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"#extm3u", b"[playlist]")) or (
        text.startswith((b"<?xml", b"<playlist")) and b"xspf" in text
    )


def is_web_page(head: bytes) -> bool:
    """Return whether these bytes begin HTML."""
    return head[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))
