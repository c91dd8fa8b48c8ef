"""Small ``.tflite`` models of one or a few operations each, for whatever the reader may meet.

`pyplugin.models.tflite.GraphWriter` writes only what our networks use; this writes any operator of
the schema, with any shapes, options and quantisation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

Array = npt.NDArray[Any]

_TYPES = {"float32": "FLOAT32", "int8": "INT8", "int32": "INT32"}

# The versions from which LiteRT's own kernels take int8, where it is not 2 (op_version.cc).
_INT8_VERSIONS = {
    "ELU": 1,
    "HARD_SWISH": 1,
    "EXPAND_DIMS": 1,
    "SQUEEZE": 1,
    "RESHAPE": 1,
    "FULLY_CONNECTED": 4,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "SPLIT_V": 1,
    "TRANSPOSE_CONV": 3,
}


@dataclass(frozen=True)
class Value:
    """A tensor of the model under construction."""

    index: int
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


class OpModel:
    """A model under construction."""

    def __init__(self) -> None:
        self._buffers: list[Any] = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[tuple[int, int]] = []

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "int8",
        scale: float | Array = 0.0,
        zero_point: int = 0,
        *,
        data: Array | None = None,
        axis: int = 0,
    ) -> Value:
        """Add a tensor; a scale of 0 is no quantisation, a vector one step for each channel."""
        buffer = 0
        if data is not None:
            buffer = len(self._buffers)
            content = np.ascontiguousarray(data.astype(dtype))
            self._buffers.append(_aligned(content.tobytes()))
        scales = np.atleast_1d(np.asarray(scale, np.float32))
        quantisation = None
        if scales[0] > 0:
            quantisation = schema.QuantizationParametersT(
                scale=scales,
                zeroPoint=np.full(len(scales), zero_point, np.int64),
                quantizedDimension=axis,
            )
        self._tensors.append(
            schema.TensorT(
                shape=np.array(shape, np.int32),
                type=getattr(schema.TensorType, _TYPES[dtype]),
                buffer=buffer,
                name=f"t{len(self._tensors)}",
                quantization=quantisation,
                hasRank=True,
            )
        )
        first = float(scales[0])
        return Value(len(self._tensors) - 1, tuple(shape), dtype, first, zero_point)

    def integers(self, values: Any) -> Value:
        """Add an int32 constant: axes, a shape, a permutation."""
        data = np.asarray(values, np.int32)
        return self.tensor(data.shape, "int32", data=data)

    def op(self, kind: str, inputs: Sequence[Value], output: Value, options: Any = None) -> Value:
        """Add an operation and return its output."""
        self.split(kind, inputs, [output], options)
        return output

    def split(
        self, kind: str, inputs: Sequence[Value], outputs: Sequence[Value], options: Any = None
    ) -> None:
        """Add an operation with any number of outputs."""
        number = getattr(schema.BuiltinOperator, kind)
        is_int8 = any(value.dtype == "int8" for value in inputs)
        code = (number, _INT8_VERSIONS.get(kind, 2) if is_int8 else 1)
        if code not in self._codes:
            self._codes.append(code)
        name = type(options).__name__.removesuffix("T") if options is not None else "NONE"
        self._operators.append(
            schema.OperatorT(
                opcodeIndex=self._codes.index(code),
                inputs=[value.index for value in inputs],
                outputs=[value.index for value in outputs],
                builtinOptionsType=getattr(schema.BuiltinOptions, name),
                builtinOptions=options,
            )
        )

    def finish(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> bytes:
        """Return the file."""
        model = schema.ModelT(
            version=3,
            operatorCodes=[
                schema.OperatorCodeT(
                    deprecatedBuiltinCode=min(number, 127), version=version, builtinCode=number
                )
                for number, version in self._codes
            ],
            subgraphs=[
                schema.SubGraphT(
                    tensors=self._tensors,
                    inputs=[value.index for value in inputs],
                    outputs=[value.index for value in outputs],
                    operators=self._operators,
                    name="main",
                )
            ],
            description="",
            buffers=self._buffers,
        )
        builder = flatbuffers.Builder(1 << 12)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """Bytes that start at a multiple of 16 in the file: the schema asks, the code does not."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802
        content = bytes(self.data)
        builder.StartVector(1, len(content), 16)
        builder.head = builder.head - len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def _aligned(content: bytes) -> Any:
    buffer = _AlignedBuffer()
    buffer.data = content
    return buffer


def with_all_outputs(model: bytes) -> bytes:
    """Return the model with every operation's result among its outputs."""
    tree = schema.ModelT.InitFromPackedBuf(model)
    (subgraph,) = tree.subgraphs
    subgraph.outputs = [int(index) for op in subgraph.operators for index in op.outputs]
    tree.signatureDefs = []
    tree.buffers = [
        buffer if buffer.data is None or len(buffer.data) == 0 else _aligned(bytes(buffer.data))
        for buffer in tree.buffers
    ]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())
