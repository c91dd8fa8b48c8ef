"""Checkpoints written by hand, after the formats that LevelDB and TensorFlow document."""

import numpy as np
import numpy.typing as npt


def bitwise_crc32c(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    crc = bitwise_crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def block(items: list[tuple[bytes, bytes]]) -> bytes:
    """A LevelDB block with shared prefixes and one restart."""
    out, last = b"", b""
    for key, value in items:
        shared = 0
        while shared < min(len(key), len(last)) and key[shared] == last[shared]:
            shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        last = key
    content = out + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    return content + b"\0" + masked(content + b"\0").to_bytes(4, "little")


def checkpoint(
    variables: dict[str, npt.NDArray[np.float32]], *, type_code: int = 1, shards: int = 1
) -> tuple[bytes, bytes]:
    items, data = [(b"", bytes([8, shards]))], b""
    for name, value in sorted(variables.items()):
        content = value.tobytes()
        shape = b"".join(message(2, b"\x08" + varint(size)) for size in value.shape)
        entry = bytes([8, type_code]) + message(2, shape)
        entry += b"\x20" + varint(len(data)) + b"\x28" + varint(len(content))
        entry += b"\x35" + masked(content).to_bytes(4, "little")
        items.append((name.encode(), entry))
        data += content
    body = block(items)
    meta_at, meta = len(body), block([])
    handle = varint(0) + varint(len(body) - 5)
    index_at, index = meta_at + len(meta), block([(b"zzz", handle)])
    footer = varint(meta_at) + varint(len(meta) - 5) + varint(index_at) + varint(len(index) - 5)
    footer = footer.ljust(40, b"\0") + 0xDB4775248B80FB57.to_bytes(8, "little")
    return body + meta + index + footer, data
