"""Checkpoints, against TensorFlow's own reader and a writer made here from the format's text."""

from pathlib import Path

import numpy as np
import pytest
from checkpoints import bitwise_crc32c, checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin.errors import ModelError
from pyplugin.models.checkpoint import crc32c, read_checkpoint, read_single_checkpoint
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


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, np.ndarray]]:
    """A checkpoint of version 1, as TensorFlow writes it, with what is in it."""
    tf = pytest.importorskip("tensorflow", reason="needs tensorflow").compat.v1
    random = np.random.default_rng(2)
    arrays = {
        f"net/{name}": random.standard_normal(shape).astype("f4")
        for name, shape in {"a": (3, 4, 2), "b": (2,), "empty": (0, 3), "one": ()}.items()
    }
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [
            tf.get_variable(name, initializer=array, use_resource=False)
            for name, array in arrays.items()
        ]
        step = tf.get_variable("step", initializer=np.int64(7), use_resource=False)
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver([*variables, step], write_version=tf.train.SaverDef.V1)
        path = saver.save(session, str(tmp_path_factory.mktemp("single") / "net.ckpt"))
    return Path(path).read_bytes(), arrays


def test_a_single_file_is_read_as_tensorflow_wrote_it(
    single: tuple[bytes, dict[str, np.ndarray]],
) -> None:
    data, arrays = single
    found = read_single_checkpoint(data, wanted=lambda name: name.startswith("net/"))
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    with pytest.raises(ModelError, match="'step' is of TensorFlow type 9"):
        read_single_checkpoint(data)


def test_a_damaged_single_file_yields_no_weights(
    single: tuple[bytes, dict[str, np.ndarray]],
) -> None:
    data, arrays = single
    refused = 0
    for place in range(0, len(data), 3):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        with pytest.raises(ModelError):
            read_single_checkpoint(data[:place], wanted=lambda name: "net/" in name)
        try:
            found = read_single_checkpoint(bytes(damaged), wanted=lambda name: "net/" in name)
        except ModelError:
            refused += 1
            continue
        for name, array in arrays.items():  # a byte that says nothing
            np.testing.assert_array_equal(found[name], array)
    assert refused > len(data) / 3 * 0.8
