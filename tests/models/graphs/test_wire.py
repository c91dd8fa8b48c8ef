"""Protocol buffers: what the writer of the tests put in, and damage of any kind."""

import contextlib
import struct

import numpy as np
import pytest
import wiring
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.errors import ModelError
from pyplugin.models.graphs.wire import array_of, content, fields, integer, numbers, real, text


@given(
    keys=st.integers(1, 1 << 20),
    whole=st.integers(-(1 << 63), (1 << 63) - 1),
    words=st.text(),
    value=st.floats(width=32, allow_nan=False),
)
def test_fields_come_back(keys, whole, words, value):
    message = wiring.number(keys, whole) + wiring.data(keys, words) + wiring.real(keys, value)
    first, second, third = fields(memoryview(message))
    assert (first[0], integer(first[1])) == (keys, whole)
    assert (second[0], text(second[1])) == (keys, words)
    assert (third[0], real(third[1])) == (keys, value)


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=20))
def test_packed_and_single_numbers(values):
    packed = b"".join(map(wiring.varint, values))
    assert numbers(memoryview(packed), "i8").tolist() == values
    for each in values:
        (field,) = fields(memoryview(wiring.number(3, each)))
        assert numbers(field[1], "i8").tolist() == [each]


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=20))
def test_packed_and_single_floats(values):
    packed = struct.pack(f"<{len(values)}f", *values)
    assert numbers(memoryview(packed), "f4").tolist() == values
    for each in values:
        (field,) = fields(memoryview(wiring.real(3, each)))
        assert numbers(field[1], "f4").tolist() == [each]


@given(st.binary(max_size=60))
def test_any_bytes_are_fields_or_an_error(message):
    with contextlib.suppress(ModelError):
        for number, value in fields(memoryview(message)):
            assert number > 0
            assert isinstance(value, int) or len(value) <= len(message)


@pytest.mark.parametrize(
    "message",
    [
        b"\x08",  # a number that is missing
        b"\x08" + b"\xff" * 11,  # one that never ends
        b"\x12\x05ab",  # bytes cut off
        b"\x0d\0\0",  # a float cut off
        b"\x0b",  # a group
        b"\0\0",  # field 0
    ],
)
def test_damage_is_an_error(message):
    with pytest.raises(ModelError, match="cut off or damaged"):
        list(fields(memoryview(message)))


def test_a_value_of_another_type_is_an_error():
    with pytest.raises(ModelError):
        integer(memoryview(b"ab"))
    with pytest.raises(ModelError):
        content(3)
    with pytest.raises(ModelError):
        real(memoryview(b"abcd"))
    with pytest.raises(ModelError):
        numbers(memoryview(b"abc"), "f4")
    assert numbers(memoryview(b""), "f4").dtype == np.float32
    for each in (lambda: numbers(1 << 32, "f4"), lambda: real(1 << 32)):  # a varint instead
        with pytest.raises(ModelError):
            each()


@pytest.mark.parametrize(
    ("shape", "raw", "parts"),
    [
        ((2,), b"abcd", []),
        ((-1,), None, []),
        ((1 << 40,), None, [np.ones(1)]),
        ((1,) * 65, None, [np.ones(1)]),
        ((2,), None, [np.ones(1)]),
    ],
)
def test_arrays_that_are_not_of_their_shape(shape, raw, parts):
    with pytest.raises(ModelError, match="size"):
        array_of("f4", shape, None if raw is None else memoryview(raw), parts)
