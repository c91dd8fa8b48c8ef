"""Protocol buffers on the wire, read without a schema and without copies, and written."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.support.arrays import Array

Field = tuple[int, "int | memoryview"]
"""Number of a field, and its value: an integer (also for fixed sizes, as their bits), or bytes."""

MOST_VALUES = 1 << 27
"""Elements of an array: half a gigabyte of floats."""

MOST_AXES = 32

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
        if isinstance(value, int) and value.bit_length() > 8 * size:
            raise _damaged()
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


def array_of(
    kind: str,
    shape: Sequence[int],
    raw: memoryview | None,
    parts: Sequence[Array],
    *,
    repeats: bool = False,
) -> Array:
    """Return the array of a tensor's message.

    Parameters
    ----------
    kind
        numpy's type, without a byte order.
    shape
        Of the array.
    raw
        Its bytes, or None where the values are in fields of numbers.
    parts
        What occurrences of those fields have.
    repeats
        The last value stands for those that are missing, as in TensorFlow.

    Raises
    ------
    ModelError
        The number of values is not that of the shape.

    Examples
    --------
    >>> array_of("f4", (2, 2), None, [np.array([1, 2])], repeats=True).tolist()
    [[1.0, 2.0], [2.0, 2.0]]
    """
    count = math.prod(shape)
    if min(shape, default=0) < 0 or count > MOST_VALUES or len(shape) > MOST_AXES:
        raise ModelError(f"an array whose size cannot be: {list(shape)}")
    if raw is not None and len(raw) == count * np.dtype(kind).itemsize:
        return np.frombuffer(raw, np.dtype(kind).newbyteorder("<")).reshape(shape)
    values: Array = np.concatenate(parts) if parts else np.zeros(0)
    if repeats and len(values) < count:
        last = values[-1:] if len(values) else np.zeros(1)
        values = np.concatenate([values, np.repeat(last, count - len(values))])
    if raw is not None or len(values) != count:
        raise ModelError("an array whose size is not that of its shape")
    return values.astype(kind).reshape(shape)


# ---- writing


def number_field(number: int, value: int) -> bytes:
    r"""Return a field with an integer.

    Examples
    --------
    >>> number_field(1, 300)
    b'\x08\xac\x02'
    """
    return _varint_bytes(number << 3 | VARINT) + _varint_bytes(value)


def bytes_field(number: int, value: bytes | memoryview | str) -> bytes:
    r"""Return a field with bytes, a message or text.

    Examples
    --------
    >>> bytes_field(2, "ab")
    b'\x12\x02ab'
    """
    data = value.encode() if isinstance(value, str) else bytes(value)
    return _varint_bytes(number << 3 | BYTES) + _varint_bytes(len(data)) + data


def _varint_bytes(value: int) -> bytes:
    value &= (1 << 64) - 1
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


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
