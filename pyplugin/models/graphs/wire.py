"""Protocol buffers on the wire: fields of a message, without a schema and without copies."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.support.arrays import Array

Field = tuple[int, "int | memoryview"]
"""Number of a field, and its value: an integer (also for fixed sizes, as their bits), or bytes."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(message: memoryview) -> Iterator[Field]:
    r"""Yield the fields of a message in order.

    Raises
    ------
    ModelError
        It is cut off, or no protocol buffer.

    Examples
    --------
    >>> [(number, bytes(value)) for number, value in fields(memoryview(b"\x12\x02ab"))]
    [(2, b'ab')]
    """
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise _damaged()
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif kind == BYTES:
            size, at = _varint(message, at)
            if size > end - at:
                raise _damaged()
            yield number, message[at : at + size]
            at += size
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
            if size > end - at:
                raise _damaged()
            yield number, int.from_bytes(message[at : at + size], "little")
            at += size
        else:
            raise _damaged()


def integer(value: int | memoryview) -> int:
    """Return the value of an int32 or int64 field.

    Examples
    --------
    >>> integer(2**64 - 1)
    -1
    """
    if not isinstance(value, int):
        raise _damaged()
    return value - (1 << 64) if value >> 63 else value


def real(value: int | memoryview) -> float:
    """Return the value of a float field."""
    if not isinstance(value, int) or value >> 32:
        raise _damaged()
    return float(struct.unpack("<f", value.to_bytes(4, "little"))[0])


def content(value: int | memoryview) -> memoryview:
    """Return the value of a field of bytes or of a message."""
    if isinstance(value, int):
        raise _damaged()
    return value


def text(value: int | memoryview) -> str:
    """Return the value of a field of text; what is not UTF-8 is replaced."""
    return bytes(content(value)).decode("utf-8", "replace")


def numbers(value: int | memoryview, kind: str) -> Array:
    """Return what one occurrence of a repeated field of numbers has, packed or alone.

    Parameters
    ----------
    value
        Of the field.
    kind
        numpy's type: ``"f4"`` and ``"f8"`` have fixed sizes, others are variable.
    """
    if kind in ("f4", "f8"):
        size = int(kind[1])
        packed = value.to_bytes(size, "little") if isinstance(value, int) else value
        if len(packed) % size:
            raise _damaged()
        return np.frombuffer(packed, f"<{kind}")
    if isinstance(value, int):
        return np.array([integer(value)]).astype(kind)
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(integer(number))
    return np.array(found, np.int64).astype(kind)


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
        shift += 7
    raise _damaged()


def _damaged() -> ModelError:
    return ModelError("The file is cut off or damaged: it is not a complete protocol buffer.")
