"""Read TensorFlow checkpoints from bytes, without TensorFlow.

A checkpoint of version 2 is a pair of files. ``.index`` is a LevelDB table, a sorted list of keys
and values in blocks, with the type, shape and place of each variable (``tensor_bundle.proto`` in
TensorFlow); ``.data-00000-of-00001`` holds the arrays, raw and little-endian. Both carry CRC-32C
sums, and all of them are checked here, so that a damaged file never yields weights.

One of version 1 is a single LevelDB table, whose values are the arrays themselves
(``saved_tensor_slice.proto``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isqrt, prod

import numpy as np
import numpy.typing as npt

from pyplugin.errors import ModelError
from pyplugin.support.arrays import Float32

_FOOTER_SIZE = 48
_TABLE_MAGIC = 0xDB4775248B80FB57
_BLOCK_TRAILER_SIZE = 5  # one byte for the compression, four for the checksum
_CRC_POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
_CRC_MASK_DELTA = 0xA282EAD8  # LevelDB rotates and shifts the sums that it stores beside data
_TYPE_FLOAT = 1  # DT_FLOAT
_DIMENSION_LIMIT = 1 << 31


@dataclass(frozen=True)
class _Entry:
    """Where one variable is in the data file."""

    type_code: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


def read_checkpoint(
    index: bytes,
    data: bytes,
    *,
    wanted: Callable[[str], bool] | None = None,
    skip_others: bool = False,
) -> dict[str, Float32]:
    """Return the float variables of a checkpoint that has one data file.

    Parameters
    ----------
    index : bytes
        Content of the ``.index`` file.
    data : bytes
        Content of the ``.data-00000-of-00001`` file.
    wanted : callable, optional
        Takes the name of a variable, returns whether to read it. By default everything but the
        state of the Adam optimiser is read.
    skip_others : bool
        Leave out wanted variables of other types, such as counters of steps, instead of refusing
        the checkpoint.

    Returns
    -------
    dict of str to ndarray of float32
        Name to value, in the order of the table. The arrays are read-only.

    Raises
    ------
    ModelError
        When either file is truncated or damaged, or holds something other than plain float
        arrays under a wanted name.
    """
    keep = wanted if wanted is not None else _is_weight
    variables: dict[str, Float32] = {}
    for key, value in _table_items(index):
        try:
            name = key.decode()
        except UnicodeDecodeError:
            raise _damaged("a variable's name is not text") from None
        if not name:
            _check_header(value)
        elif keep(name):
            entry = _parse_entry(name, value)
            if entry.type_code == _TYPE_FLOAT or not skip_others:
                variables[name] = _read_variable(name, entry, data)
    return variables


def read_single_checkpoint(
    data: bytes, *, wanted: Callable[[str], bool] | None = None
) -> dict[str, Float32]:
    """Return the float variables of a checkpoint of version 1, a single file.

    Parameters
    ----------
    data : bytes
        Content of the file.
    wanted : callable, optional
        As for `read_checkpoint`.

    Returns
    -------
    dict of str to ndarray of float32
        Name to value, in the order of the table.

    Raises
    ------
    ModelError
        When the file is truncated or damaged, or holds something other than whole float arrays
        under a wanted name.
    """
    keep = wanted if wanted is not None else _is_weight
    items = _table_items(data)
    shapes: dict[str, tuple[int, tuple[int, ...]]] = {}
    variables: dict[str, Float32] = {}
    for key, value in items:
        parts = dict(_message_fields(value))
        if not key:  # the list of variables
            for field, entry in _message_fields(_content(parts.get(1))):
                if field == 1:
                    name, type_code, shape = _slice_meta(_content(entry))
                    shapes[name] = type_code, shape
            continue
        saved = dict(_message_fields(_content(parts.get(2))))
        name = _text(saved.get(1))
        if keep(name):
            if name not in shapes:
                raise _damaged(f"it does not list {name!r}")
            variables[name] = _saved_array(name, *shapes[name], saved)
    return variables


def _slice_meta(message: bytes) -> tuple[str, int, tuple[int, ...]]:
    """Read a SavedSliceMeta: 1 name, 2 shape, 3 type."""
    fields = dict(_message_fields(message))
    shape = tuple(_dimensions(_content(fields.get(2, b""))))
    return _text(fields.get(1)), _number(fields.get(3, 0)), shape


def _saved_array(
    name: str, type_code: int, shape: tuple[int, ...], saved: dict[int, int | bytes]
) -> Float32:
    """Read a SavedSlice: 2 slice, 3 data, a TensorProto whose field 5 are floats."""
    for field, extent in _message_fields(_content(saved.get(2, b""))):
        if field == 1 and extent:
            raise ModelError(f"The checkpoint holds {name!r} in slices, which cannot be read.")
    if type_code != _TYPE_FLOAT:
        raise _other_type(name, type_code)
    content = _content(dict(_message_fields(_content(saved.get(3)))).get(5, b""))
    if len(content) != 4 * prod(shape):
        raise _damaged(f"{len(content)} bytes cannot hold {name!r} of shape {shape}")
    return np.frombuffer(content, "<f4").reshape(shape)


def _content(value: int | bytes | None) -> bytes:
    if not isinstance(value, bytes):
        raise _damaged("a description has a number where a message belongs")
    return value


def _text(value: int | bytes | None) -> str:
    try:
        return _content(value).decode()
    except UnicodeDecodeError:
        raise _damaged("a variable's name is not text") from None


def _other_type(name: str, type_code: int) -> ModelError:
    return ModelError(
        f"The checkpoint's {name!r} is of TensorFlow type {type_code}; "
        f"only type {_TYPE_FLOAT} (float32) can be read."
    )


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of some bytes.

    The register starts as all ones, which is the same as inverting the first four bytes and
    starting from zero; from zero, leading zero bytes change nothing. So the bytes are padded in
    front to a rectangle, its rows are summed side by side, and the sums are joined by the linear
    map that a row of zero bytes applies to the register.

    Parameters
    ----------
    data : bytes
        Any number of bytes.

    Returns
    -------
    int
        The sum, 0 to 2**32 - 1.
    """
    if len(data) < 4:
        register = 0xFFFFFFFF
        for byte in data:
            register = (register >> 8) ^ int(_CRC_TABLE[(register ^ byte) & 0xFF])
        return register ^ 0xFFFFFFFF
    rows = isqrt(len(data))
    columns = -(-len(data) // rows)
    padded = np.zeros(rows * columns, np.uint8)
    start = padded.size - len(data)
    padded[start:] = np.frombuffer(data, np.uint8)
    padded[start : start + 4] ^= 0xFF
    sums = np.zeros(rows, np.uint32)
    shifts = np.arange(0, 32, 8, dtype=np.uint32)[:, None]
    row_of_zeros = np.arange(256, dtype=np.uint32)[None, :] << shifts
    for column in padded.reshape(rows, columns).T:
        sums = (sums >> 8) ^ _CRC_TABLE[(sums ^ column) & 0xFF]
        row_of_zeros = (row_of_zeros >> 8) ^ _CRC_TABLE[row_of_zeros & 0xFF]
    step = row_of_zeros.tolist()
    register = 0
    for row_sum in sums.tolist():
        register = (
            step[0][register & 0xFF]
            ^ step[1][register >> 8 & 0xFF]
            ^ step[2][register >> 16 & 0xFF]
            ^ step[3][register >> 24]
            ^ row_sum
        )
    return int(register) ^ 0xFFFFFFFF


def _crc_table() -> npt.NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_CRC_POLYNOMIAL), table >> 1)
    return table.astype(np.uint32)


_CRC_TABLE = _crc_table()


def _is_weight(name: str) -> bool:
    return "Adam" not in name and not name.endswith(("beta1_power", "beta2_power"))


def _damaged(what: str) -> ModelError:
    return ModelError(
        f"The checkpoint is damaged: {what}. Delete the file that it came from and get it again."
    )


def _unmasked(checksum: int) -> int:
    rotated = (checksum - _CRC_MASK_DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a base-128 number and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _damaged("a number runs past its end")


def _table_items(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a LevelDB table."""
    if len(table) < _FOOTER_SIZE:
        raise _damaged(f"its index has {len(table)} bytes, fewer than a footer")
    footer = table[-_FOOTER_SIZE:]
    if int.from_bytes(footer[-8:], "little") != _TABLE_MAGIC:
        raise _damaged("its index does not end with the mark of a LevelDB table")
    position = 0
    block = b""
    for _ in range(2):  # the metaindex, which is empty here, then the index
        offset, position = _read_varint(footer, position)
        size, position = _read_varint(footer, position)
        block = _read_block(table, offset, size)
    for _, handle in _block_items(block):
        offset, position = _read_varint(handle, 0)
        size, _ = _read_varint(handle, position)
        yield from _block_items(_read_block(table, offset, size))


def _read_block(table: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + _BLOCK_TRAILER_SIZE > len(table) - _FOOTER_SIZE:
        raise _damaged("a block of its index is outside the file")
    stored = int.from_bytes(table[end + 1 : end + _BLOCK_TRAILER_SIZE], "little")
    if crc32c(table[offset : end + 1]) != _unmasked(stored):
        raise _damaged("the checksum of a block of its index does not match")
    if table[end] != 0:
        raise ModelError("The checkpoint's index is compressed; only plain tables can be read.")
    return table[offset:end]


def _block_items(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the items of a block, whose keys share prefixes with the ones before them."""
    if len(block) < 4:
        raise _damaged("a block of its index is too short")
    end = len(block) - 4 * (int.from_bytes(block[-4:], "little") + 1)
    if end < 0:
        raise _damaged("a block of its index counts more restarts than fit")
    key = b""
    position = 0
    while position < end:
        shared, position = _read_varint(block, position)
        unshared, position = _read_varint(block, position)
        value_size, position = _read_varint(block, position)
        value_start = position + unshared
        if shared > len(key) or value_start + value_size > end:
            raise _damaged("an item of its index runs past its block")
        key = key[:shared] + block[position:value_start]
        position = value_start + value_size
        yield key, block[value_start:position]


def _message_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a protocol buffer message."""
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        kind = tag & 7
        if kind == 0:
            value, position = _read_varint(message, position)
            yield tag >> 3, value
            continue
        if kind == 2:
            size, position = _read_varint(message, position)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise _damaged("a description in its index is of an unknown kind")
        if position + size > len(message):
            raise _damaged("a description in its index runs past its end")
        content = message[position : position + size]
        position += size
        yield tag >> 3, content if kind == 2 else int.from_bytes(content, "little")


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise _damaged("a description in its index has text where a number belongs")
    return value


def _check_header(message: bytes) -> None:
    """Refuse checkpoints of several data files or of big-endian arrays (BundleHeaderProto)."""
    for field, value in _message_fields(message):
        if (field == 1 and value != 1) or (field == 2 and value != 0):
            raise ModelError(
                "The checkpoint is split over several data files or big-endian; "
                "only a single little-endian one can be read."
            )


def _parse_entry(name: str, message: bytes) -> _Entry:
    """Read a BundleEntryProto: 1 type, 2 shape, 3 shard, 4 offset, 5 size, 6 crc32c, 7 slices."""
    numbers = {1: 0, 3: 0, 4: 0, 5: 0, 6: 0}
    shape: tuple[int, ...] = ()
    for field, value in _message_fields(message):
        if field == 2 and isinstance(value, bytes):
            shape = tuple(_dimensions(value))
        elif field in numbers:
            numbers[field] = _number(value)
        elif field == 7:
            raise ModelError(f"The checkpoint holds {name!r} in slices, which cannot be read.")
    return _Entry(numbers[1], shape, numbers[3], numbers[4], numbers[5], numbers[6])


def _dimensions(message: bytes) -> Iterator[int]:
    """Yield the sizes in a TensorShapeProto; a dimension of size 0 has no size field."""
    for field, value in _message_fields(message):
        if field == 2 and isinstance(value, bytes):
            size = 0
            for inner, number in _message_fields(value):
                if inner == 1:
                    size = _number(number)
            if size >= _DIMENSION_LIMIT:
                raise _damaged(f"a dimension is {size}")
            yield size


def _read_variable(name: str, entry: _Entry, data: bytes) -> Float32:
    if entry.type_code != _TYPE_FLOAT:
        raise _other_type(name, entry.type_code)
    if entry.shard != 0 or entry.size != 4 * prod(entry.shape):
        raise _damaged(f"{entry.size} bytes cannot hold {name!r} of shape {entry.shape}")
    if entry.offset + entry.size > len(data):
        raise _damaged(f"{name!r} is outside its data file")
    content = data[entry.offset : entry.offset + entry.size]
    if crc32c(content) != _unmasked(entry.checksum):
        raise _damaged(f"the checksum of {name!r} does not match")
    return np.frombuffer(content, "<f4").reshape(entry.shape)
