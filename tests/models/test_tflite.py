"""The graph writer, against LiteRT running what it wrote and numpy computing the same."""

import sys

import numpy as np
import numpy.typing as npt
import pytest

from pyplugin.errors import ModelError
from pyplugin.models.quantisation import activation_quantisation, quantise_weights, to_int8
from pyplugin.models.tflite import GraphWriter, read_signature

interpreters = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")

RANDOM = np.random.default_rng(1)


@pytest.fixture(autouse=True)
def same_numbers_in_any_order() -> None:
    RANDOM.bit_generator.state = np.random.default_rng(1).bit_generator.state


def run(data: bytes, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    runner = interpreters.Interpreter(model_content=data).get_signature_runner()
    result: npt.NDArray[np.float32] = runner(x=x)["y"]
    return result


def normal(*shape: int) -> npt.NDArray[np.float32]:
    return RANDOM.standard_normal(shape).astype(np.float32)


def convolved(
    x: npt.NDArray[np.float64], kernel: npt.NDArray[np.float64], bias: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Convolve (height, width, in) with (height, width, in, out), without padding."""
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
    return np.einsum("hwcij,ijco->hwo", windows, kernel) + bias


def test_float_operators_compute_what_they_say() -> None:
    x, kernel, bias = normal(1, 9, 6, 2), normal(3, 2, 2, 4), normal(4)
    weights, offsets = normal(5, 4), normal(5)
    g = GraphWriter()
    inputs = g.input("x", x.shape)
    filters = g.constant("filters", np.ascontiguousarray(np.moveaxis(kernel, -1, 0)))
    padded = g.pad("padded", inputs, ((0, 0), (1, 1), (0, 0), (0, 0)))
    y = g.conv_2d("conv", padded, filters, g.constant("bias", bias), padding="valid")
    pooled = g.max_pool_2d("pooled", y, (2, 5), stride=(2, 1))
    low = g.maximum("low", pooled, g.constant("least", np.full(4, 0.1, np.float32)))
    high = g.minimum("high", low, g.constant("most", np.full(4, 1.5, np.float32)))
    both = g.concatenation("both", [high, pooled], axis=-1)
    mean = g.mean("mean", g.mul("product", both, both), (1, 2))
    halves = g.reshape("halves", mean, (2, 4))
    dense = g.fully_connected(
        "dense", halves, g.constant("weights", weights), g.constant("offsets", offsets)
    )
    out = g.logistic("y", g.add("sum", g.relu("relu", dense), dense))
    data = g.finish({"x": inputs}, {"y": out}, description="test")

    tall = np.pad(x[0].astype(np.float64), ((1, 1), (0, 0), (0, 0)))
    a = convolved(tall, kernel.astype(np.float64), bias.astype(np.float64))
    a = a[:8].reshape(4, 2, 5, 4).max(axis=(1, 2))
    b = np.concatenate([np.clip(a, 0.1, 1.5), a], axis=1)
    c = (b**2).mean(axis=0).reshape(2, 4) @ weights.T + offsets
    expected = 1 / (1 + np.exp(-(np.maximum(c, 0) + c)))
    np.testing.assert_allclose(run(data, x), expected, atol=1e-5)


def test_same_padding_is_tensorflows() -> None:
    """An even window reaches one further to the end than to the start."""
    g = GraphWriter()
    inputs = g.input("x", (1, 6, 1, 1))
    filters = g.constant("filters", np.array([1, 10, 100, 1000], np.float32).reshape(1, 4, 1, 1))
    y = g.conv_2d("y", inputs, filters, g.constant("b", np.zeros(1, np.float32)), padding="same")
    data = g.finish({"x": inputs}, {"y": y}, description="")
    found = run(data, np.arange(1, 7, dtype=np.float32).reshape(1, 6, 1, 1))
    assert found.ravel().tolist() == [3210, 4321, 5432, 6543, 654, 65]


def test_int8_convolution_is_within_its_steps() -> None:
    x, kernel, bias = normal(1, 8, 8, 3), normal(3, 3, 3, 5), normal(5)
    exact = convolved(x[0].astype(np.float64), kernel.astype(np.float64), bias.astype(np.float64))
    reads = activation_quantisation(float(x.min()), float(x.max()))
    writes = activation_quantisation(float(exact.min()), float(exact.max()))
    weights = quantise_weights(kernel.astype(np.float64), bias.astype(np.float64), reads)
    g = GraphWriter()
    inputs = g.input("x", x.shape)
    y = g.conv_2d(
        "conv",
        g.quantise("q", inputs, reads),
        g.constant("filters", weights.filters, weights.filter_quantisation),
        g.constant("bias", weights.bias, weights.bias_quantisation),
        padding="valid",
        quantisation=writes,
    )
    data = g.finish({"x": inputs}, {"y": g.dequantise("y", y)}, description="")

    integers = to_int8(x[0].astype(np.float64), reads).astype(np.float64) - reads.zero_point
    scale = weights.filter_quantisation.scale.astype(np.float64)
    again = convolved(
        integers * np.float64(reads.scale[0]),
        np.moveaxis(weights.filters.astype(np.float64), 0, -1) * scale,
        weights.bias * weights.bias_quantisation.scale.astype(np.float64),
    )
    step, zero = float(writes.scale[0]), int(writes.zero_point)
    again = np.clip(again, (-128 - zero) * step, (127 - zero) * step)  # as far as integers reach
    assert np.abs(run(data, x)[0] - again).max() <= 0.51 * step
    assert np.abs(run(data, x)[0] - exact).max() <= 5 * step


def test_weights_lie_at_multiples_of_sixteen() -> None:
    data, values = small_model()
    for value in values:
        assert data.count(value.tobytes()) == 1
        assert data.index(value.tobytes()) % 16 == 0


def test_the_same_calls_give_the_same_bytes() -> None:
    assert small_model()[0] == small_model()[0]


def test_signature_reads_back() -> None:
    assert read_signature(small_model()[0]) == ({"x": (1, 3)}, {"y": (1, 2)})


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0\0\0\0TFL3", b"\xff" * 64])
def test_signature_of_other_bytes_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        read_signature(data)


def test_signature_of_a_cut_file_is_refused() -> None:
    data = small_model()[0]
    with pytest.raises(ModelError):
        read_signature(data[: len(data) // 8])


def test_missing_schema_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(ModelError, match="build the models on another machine"):
        GraphWriter()
    assert read_signature(b"anything") is None


def small_model() -> tuple[bytes, list[npt.NDArray[np.float32]]]:
    values = [
        np.array([[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]], np.float32),
        np.array([7.5, 8.5], np.float32),
    ]
    g = GraphWriter()
    inputs = g.input("x", (1, 3))
    weights, bias = g.constant("weights", values[0]), g.constant("bias", values[1])
    y = g.fully_connected("y", inputs, weights, bias)
    return g.finish({"x": inputs}, {"y": y}, description="small"), values
