"""Write the small models that test_inline.c runs, two in int8 and one in float, beside this file.

Run as: python native/tests/data/make.py [FOLDER]. The same code gives the same bytes.

All take 24 mel frames of 8 bands. ``padded`` is of MusiCNN's kind: an image with zeros around it,
so that windows have edges of their own, a residual sum, maxima and means over time. ``valid`` has
no padding and a long kernel, so that all that a window needs is shared, in few rows that come all
at once. ``real`` has float convolutions, wide and narrow, whose edges are computed together.
"""

import argparse
from pathlib import Path

import numpy as np

from pyplugin.models.quantisation import activation_quantisation, quantise_weights
from pyplugin.models.tflite import GraphWriter, Padding, Tensor

PATCH, BANDS, VALUES, EMBEDDING = 24, 8, 3, 5
_INPUT = activation_quantisation(-1.0, 6.0)
_INNER = activation_quantisation(-3.0, 3.0)


class _Writer:
    """A graph under way and the random numbers for its weights."""

    def __init__(self, seed: int, *, is_int8: bool = True) -> None:
        self.graph = GraphWriter()
        self.random = np.random.default_rng(seed)
        self.mel = self.graph.input("mel", (1, PATCH, BANDS))
        image = self.graph.reshape("r", self.mel, (1, PATCH, BANDS, 1))
        self.image = self.graph.quantise("image", image, _INPUT) if is_int8 else image

    def convolved(
        self, name: str, x: Tensor, high: int, wide: int, channels: int, padding: Padding
    ) -> Tensor:
        size = 1 / np.sqrt(high * wide * x.shape[3])
        kernel = self.random.normal(0, size, (high, wide, x.shape[3], channels))
        if x.quantisation is None:
            real = np.moveaxis(kernel, 3, 0).astype(np.float32)
            filters = self.graph.constant(f"{name}/f", np.ascontiguousarray(real))
            bias = self.channels(f"{name}/b", channels)
            return self.graph.conv_2d(name, x, filters, bias, padding=padding)
        weights = quantise_weights(kernel, self.random.normal(0, 0.3, channels), x.quantisation)
        filters = self.graph.constant(f"{name}/f", weights.filters, weights.filter_quantisation)
        bias = self.graph.constant(f"{name}/b", weights.bias, weights.bias_quantisation)
        return self.graph.conv_2d(name, x, filters, bias, padding=padding, quantisation=_INNER)

    def channels(self, name: str, *shape: int) -> Tensor:
        return self.graph.constant(name, self.random.normal(0.3, 0.3, shape).astype(np.float32))

    def dense(self, name: str, x: Tensor, size: int) -> Tensor:
        weights = self.random.normal(0, 1, (size, x.shape[1])).astype(np.float32)
        bias = np.zeros(size, np.float32)
        return self.graph.fully_connected(
            name,
            x,
            self.graph.constant(f"{name}/w", weights),
            self.graph.constant(f"{name}/b", bias),
        )

    def finish(self, x: Tensor, name: str) -> bytes:
        """Pool over time, then two dense layers: the embedding and the activations."""
        features = x if x.quantisation is None else self.graph.dequantise("features", x)
        highest = self.graph.max_pool_2d("highest", features, (x.shape[1], 1))
        mean = self.graph.mean("mean", features, (1, 2))
        pooled = self.graph.concatenation("pooled", [highest, mean], axis=3)
        flat = self.graph.reshape("flat", pooled, (1, 2 * x.shape[3]))
        embedding = self.dense("embedding", flat, EMBEDDING)
        logits = self.dense("logits", embedding, VALUES)
        activations = self.graph.logistic("activations", logits)
        outputs = {"activations": activations, "embedding": embedding}
        return self.graph.finish({"mel": self.mel}, outputs, description=name)


def padded() -> bytes:
    """Return the model whose windows have edges."""
    writer = _Writer(1)
    graph = writer.graph
    around = graph.pad("pad", writer.image, ((0, 0), (2, 2), (0, 0), (0, 0)))
    one = writer.convolved("one", around, 5, 3, 4, "valid")
    one = graph.max_pool_2d("one/max", one, (1, one.shape[2]))
    two = writer.convolved("two", one, 7, 1, 4, "same")
    three = graph.operator("sum", "ADD", [one, two], one.shape, ("Add", {}))
    return writer.finish(three, "padded")


def valid() -> bytes:
    """Return the model whose windows have none."""
    writer = _Writer(2)
    one = writer.convolved("one", writer.image, 12, BANDS, 6, "valid")
    return writer.finish(writer.convolved("two", one, 3, 1, 4, "valid"), "valid")


def real() -> bytes:
    """Return the model in float."""
    writer = _Writer(3, is_int8=False)
    graph = writer.graph
    x = writer.convolved("one", writer.image, 3, 3, 5, "same")
    x = graph.relu("relu", x)
    x = graph.mul("scaled", x, writer.channels("scale", 1, 1, 1, 5))
    x = graph.add("moved", x, writer.channels("move", 1, 1, 1, 5))
    filters, bias = writer.channels("two/f", 1, 3, 3, 5), writer.channels("two/b", 5)
    x = graph.depthwise("two", x, filters, bias, each=1, shape=x.shape, padding="same")
    x = graph.operator("elu", "ELU", [x], x.shape)
    x = graph.max_pool_2d("bands", x, (1, BANDS))
    return writer.finish(writer.convolved("three", x, 5, 1, 20, "same"), "real")


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent)
    folder: Path = parser.parse_args().folder
    (folder / "padded.tflite").write_bytes(padded())
    (folder / "valid.tflite").write_bytes(valid())
    (folder / "real.tflite").write_bytes(real())


if __name__ == "__main__":
    main()
