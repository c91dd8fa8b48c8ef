"""Checkpoints, against TensorFlow's own reader and a writer made here from the format's text."""

from pathlib import Path

import numpy as np
import pytest
from checkpoints import bitwise_crc32c, checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin.errors import ModelError
from pyplugin.models.checkpoint import crc32c, read_checkpoint
from pyplugin.models.importers import musicnn, vgg

NETWORKS = {**musicnn.NETWORKS, **vgg.NETWORKS}
VARIABLES = {
    "conv/bias": np.array([1.5, -2.0, 0.25], np.float32),
    "conv/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "conv/kernel/Adam": np.zeros((2, 3, 4), np.float32),
    "scalar": np.array(7.0, np.float32),
}


INDEX, DATA = checkpoint(VARIABLES)


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_checksum_of_known_bytes(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@given(st.binary(max_size=300))
def test_checksum_agrees_with_the_definition(data: bytes) -> None:
    assert crc32c(data) == bitwise_crc32c(data)


def test_reads_what_was_written_but_not_the_state_of_adam() -> None:
    found = read_checkpoint(INDEX, DATA)
    assert set(found) == set(VARIABLES) - {"conv/kernel/Adam"}
    for name, value in found.items():
        np.testing.assert_array_equal(value, VARIABLES[name])
        assert value.shape == VARIABLES[name].shape


def test_reads_only_what_is_wanted() -> None:
    assert set(read_checkpoint(INDEX, DATA, wanted=lambda name: name == "scalar")) == {"scalar"}


@given(st.integers(0, len(INDEX) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_a_damaged_index_is_refused(position: int, change: int) -> None:
    damaged = bytearray(INDEX)
    damaged[position] ^= change
    try:
        found = read_checkpoint(bytes(damaged), DATA)
    except ModelError:
        return
    # Only the footer may change undetected: its zero padding, and the continuation bit of a number
    # before a zero, which then encodes the same number in two bytes.
    assert position >= len(INDEX) - 48
    assert INDEX[position] == 0 or (change == 0x80 and INDEX[position + 1] == 0)
    assert set(found) == set(VARIABLES) - {"conv/kernel/Adam"}


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_damaged_data_are_refused(position: int, change: int) -> None:
    damaged = bytearray(DATA)
    damaged[position] ^= change
    with pytest.raises(ModelError, match="checksum"):
        read_checkpoint(INDEX, bytes(damaged), wanted=lambda name: True)


@given(st.integers(0, len(INDEX) - 1))
def test_a_truncated_index_is_refused(length: int) -> None:
    with pytest.raises(ModelError):
        read_checkpoint(INDEX[:length], DATA)


@given(st.integers(0, len(DATA) - 1))
def test_truncated_data_are_refused(length: int) -> None:
    with pytest.raises(ModelError, match="outside"):
        read_checkpoint(INDEX, DATA[:length], wanted=lambda name: True)


@given(st.binary(max_size=400))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        read_checkpoint(data, DATA)
    footer = INDEX[-48:]
    with pytest.raises(ModelError):
        read_checkpoint(data + footer, DATA)


def test_other_types_are_refused() -> None:
    index, data = checkpoint(VARIABLES, type_code=2)
    with pytest.raises(ModelError, match="type 2"):
        read_checkpoint(index, data)


def test_several_data_files_are_refused() -> None:
    index, data = checkpoint(VARIABLES, shards=2)
    with pytest.raises(ModelError, match="several data files"):
        read_checkpoint(index, data)


@pytest.mark.parametrize("name", NETWORKS)
def test_reads_the_same_as_tensorflow(name: str, originals: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="needs tensorflow")
    folder = originals / NETWORKS[name].folder
    reader = tensorflow.compat.v1.train.NewCheckpointReader(f"{folder}/")
    expected = {
        key: reader.get_tensor(key)
        for key in reader.get_variable_to_shape_map()
        if "Adam" not in key and not key.endswith(("beta1_power", "beta2_power"))
    }
    found = read_checkpoint(
        (folder / ".index").read_bytes(), (folder / ".data-00000-of-00001").read_bytes()
    )
    assert set(found) == set(expected)
    for key, value in found.items():
        np.testing.assert_array_equal(value, expected[key], strict=True)
