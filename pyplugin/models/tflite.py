"""Write ``.tflite`` files: a small graph writer over the FlatBuffers schema of LiteRT.

Only the operators that our networks use are here. Tensors are NHWC, batch 1. A tensor with a
`Quantisation` is int8 (int32 for a bias), any other float32. The same calls give the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pyplugin.errors import ModelError
from pyplugin.support.arrays import Float32
from pyplugin.support.optional import install

Padding = Literal["same", "valid"]

_SCHEMA_VERSION = 3
_FILE_IDENTIFIER = b"TFL3"
_BUFFER_ALIGNMENT = 16  # what runtimes that map the file expect of weights
_SIGNATURE = "serving_default"
_DTYPE_NAMES = {"float32": "FLOAT32", "float16": "FLOAT16", "int8": "INT8", "int32": "INT32"}

# Operators whose int8 form came in a later version than their float form (LiteRT op_version.cc).
_INT8_VERSIONS = {
    "ADD": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "DEQUANTIZE": 2,
    "MAXIMUM": 2,
    "MAX_POOL_2D": 2,
    "MINIMUM": 2,
    "PAD": 2,
    "STRIDED_SLICE": 2,
    "TRANSPOSE": 2,
}


@dataclass(frozen=True, eq=False)
class Quantisation:
    """How the integers of a tensor stand for reals: ``real = scale * (integer - zero_point)``.

    Attributes
    ----------
    scale : ndarray of float32, shape (1,) or (channels,)
        One step, of the whole tensor or of each channel.
    zero_point : int
        The integer that stands for 0; 0 when the scale is per channel.
    axis : int
        The axis of the channels.
    """

    scale: Float32
    zero_point: int = 0
    axis: int = 0


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph under construction."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantisation: Quantisation | None = None


def schema_modules() -> tuple[Any, Any]:
    """Return the modules of the schema and of FlatBuffers.

    Raises
    ------
    ModelError
        `ai_edge_litert`, which holds the schema, is not installed.
    """
    try:
        import flatbuffers
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise ModelError(
            f"Building models needs ai-edge-litert and flatbuffers ({error}): "
            f"{install('litert')}. "
            "Where they do not exist, as on 32-bit Arm, build the models on another machine "
            "and copy its models folder here."
        ) from error
    return schema_py_generated, flatbuffers


def file_of(model: Any) -> bytes:
    """Return a model of the schema as a file."""
    _, flatbuffers = schema_modules()
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())


class GraphWriter:
    """Collects tensors and operators, then writes them as one file.

    Every operator method takes the name of its result first, appends the operator and returns
    the result.

    Raises
    ------
    ModelError
        When `ai_edge_litert`, which holds the schema, is not installed.
    """

    def __init__(self) -> None:
        self._schema, _ = schema_modules()
        self._buffers: list[Any] = [self._schema.BufferT()]
        self._shared_buffers: dict[bytes, int] = {}
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[Any] = []

    def input(self, name: str, shape: Sequence[int]) -> Tensor:
        """Add a float input."""
        return self._tensor(name, shape, "float32")

    def constant(
        self, name: str, values: npt.NDArray[Any], quantisation: Quantisation | None = None
    ) -> Tensor:
        """Add a constant of type float32, float16, int8 or int32."""
        content = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
        buffer = self._shared_buffers.get(content)
        if buffer is None:
            buffer = self._shared_buffers[content] = len(self._buffers)
            self._buffers.append(aligned_buffer(self._schema, content))
        return self._tensor(name, values.shape, values.dtype.name, quantisation, buffer)

    def conv_2d(
        self,
        name: str,
        x: Tensor,
        filters: Tensor,
        bias: Tensor,
        *,
        padding: Padding,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        relu: bool = False,
        quantisation: Quantisation | None = None,
    ) -> Tensor:
        """Convolve; `filters` has shape (out, height, width, in), pairs are (height, width)."""
        channels, height, width, _ = filters.shape
        activations = self._schema.ActivationFunctionType
        options = self._schema.Conv2DOptionsT(
            padding=self._padding(padding),
            strideH=stride[0],
            strideW=stride[1],
            dilationHFactor=dilation[0],
            dilationWFactor=dilation[1],
            fusedActivationFunction=activations.RELU if relu else activations.NONE,
        )
        window = ((height - 1) * dilation[0] + 1, (width - 1) * dilation[1] + 1)
        shape = _slid(x.shape, window, stride, padding, channels)
        output = self._tensor(name, shape, x.dtype, quantisation)
        return self._operator("CONV_2D", [x, filters, bias], output, options)

    def depthwise(
        self,
        name: str,
        x: Tensor,
        filters: Tensor,
        bias: Tensor,
        *,
        each: int,
        shape: Sequence[int],
        padding: Padding,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        relu: bool = False,
        quantisation: Quantisation | None = None,
    ) -> Tensor:
        """Convolve each channel alone; `filters` has shape (1, height, width, in * each)."""
        activations = self._schema.ActivationFunctionType
        options = self._schema.DepthwiseConv2DOptionsT(
            padding=self._padding(padding),
            strideH=stride[0],
            strideW=stride[1],
            depthMultiplier=each,
            dilationHFactor=dilation[0],
            dilationWFactor=dilation[1],
            fusedActivationFunction=activations.RELU if relu else activations.NONE,
        )
        output = self._tensor(name, shape, x.dtype, quantisation)
        return self._operator("DEPTHWISE_CONV_2D", [x, filters, bias], output, options)

    def max_pool_2d(
        self, name: str, x: Tensor, size: tuple[int, int], *, stride: tuple[int, int] | None = None
    ) -> Tensor:
        """Take the maximum over windows of (height, width), one beside the other by default."""
        step = stride if stride is not None else size
        options = self._schema.Pool2DOptionsT(
            padding=self._padding("valid"),
            strideH=step[0],
            strideW=step[1],
            filterHeight=size[0],
            filterWidth=size[1],
        )
        shape = _slid(x.shape, size, step, "valid", x.shape[-1])
        output = self._tensor(name, shape, x.dtype, x.quantisation)
        return self._operator("MAX_POOL_2D", [x], output, options)

    def pad(self, name: str, x: Tensor, amounts: Sequence[tuple[int, int]]) -> Tensor:
        """Put zeros before and after each axis."""
        table = self.constant(f"{name}/amounts", np.array(amounts, np.int32))
        shape = [size + sum(around) for size, around in zip(x.shape, amounts, strict=True)]
        output = self._tensor(name, shape, x.dtype, x.quantisation)
        return self._operator("PAD", [x, table], output, self._schema.PadOptionsT())

    def concatenation(self, name: str, parts: Sequence[Tensor], *, axis: int) -> Tensor:
        """Join tensors of the same type and quantisation along an axis."""
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        output = self._tensor(name, shape, parts[0].dtype, parts[0].quantisation)
        options = self._schema.ConcatenationOptionsT(axis=axis % len(shape))
        return self._operator("CONCATENATION", parts, output, options)

    def add(self, name: str, x: Tensor, y: Tensor) -> Tensor:
        """Add, the second one broadcast to the first."""
        output = self._tensor(name, x.shape, x.dtype)
        return self._operator("ADD", [x, y], output, self._schema.AddOptionsT())

    def mul(self, name: str, x: Tensor, y: Tensor) -> Tensor:
        """Multiply, the second one broadcast to the first."""
        output = self._tensor(name, x.shape, x.dtype)
        return self._operator("MUL", [x, y], output, self._schema.MulOptionsT())

    def maximum(self, name: str, x: Tensor, y: Tensor) -> Tensor:
        """Take the greater one; both share type and quantisation."""
        output = self._tensor(name, x.shape, x.dtype, x.quantisation)
        return self._operator("MAXIMUM", [x, y], output, self._schema.MaximumMinimumOptionsT())

    def minimum(self, name: str, x: Tensor, y: Tensor) -> Tensor:
        """Take the smaller one; both share type and quantisation."""
        output = self._tensor(name, x.shape, x.dtype, x.quantisation)
        return self._operator("MINIMUM", [x, y], output, self._schema.MaximumMinimumOptionsT())

    def mean(self, name: str, x: Tensor, axes: Sequence[int]) -> Tensor:
        """Average over axes, which stay with size 1."""
        table = self.constant(f"{name}/axes", np.array(axes, np.int32))
        shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
        output = self._tensor(name, shape, x.dtype)
        return self._operator("MEAN", [x, table], output, self._schema.ReducerOptionsT(True))

    def fully_connected(self, name: str, x: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        """Multiply (1, in) by `weights` of shape (out, in), and add the bias."""
        output = self._tensor(name, (x.shape[0], weights.shape[0]), x.dtype)
        options = self._schema.FullyConnectedOptionsT()
        return self._operator("FULLY_CONNECTED", [x, weights, bias], output, options)

    def reshape(self, name: str, x: Tensor, shape: Sequence[int]) -> Tensor:
        """Give another shape to the same values."""
        table = self.constant(f"{name}/shape", np.array(shape, np.int32))
        output = self._tensor(name, shape, x.dtype, x.quantisation)
        options = self._schema.ReshapeOptionsT(newShape=list(shape))
        return self._operator("RESHAPE", [x, table], output, options)

    def relu(self, name: str, x: Tensor) -> Tensor:
        """Replace what is negative by 0."""
        return self._operator("RELU", [x], self._tensor(name, x.shape, x.dtype))

    def logistic(self, name: str, x: Tensor) -> Tensor:
        """Map to 0 … 1 by 1 / (1 + exp(-x))."""
        return self._operator("LOGISTIC", [x], self._tensor(name, x.shape, x.dtype))

    def quantise(self, name: str, x: Tensor, quantisation: Quantisation) -> Tensor:
        """Turn float32 into int8."""
        output = self._tensor(name, x.shape, "int8", quantisation)
        return self._operator("QUANTIZE", [x], output, self._schema.QuantizeOptionsT())

    def dequantise(self, name: str, x: Tensor) -> Tensor:
        """Turn int8 or float16 into float32."""
        output = self._tensor(name, x.shape, "float32")
        return self._operator("DEQUANTIZE", [x], output, self._schema.DequantizeOptionsT())

    def operator(
        self,
        name: str,
        kind: str,
        inputs: Sequence[Tensor],
        shape: Sequence[int],
        options: tuple[str, Mapping[str, Any]] | None = None,
    ) -> Tensor:
        """Add an operator that has no method here; its result has the type of the first input.

        Parameters
        ----------
        name
            Of the result.
        kind
            As the schema names it, ``"SOFTMAX"`` for example.
        inputs, shape
            Of the operator, and of its result.
        options
            Name of the schema's options without ``Options``, and their fields.
        """
        made = None
        if options is not None:
            made = getattr(self._schema, f"{options[0]}OptionsT")(**options[1])
        output = self._tensor(name, shape, inputs[0].dtype, inputs[0].quantisation)
        return self._operator(kind, inputs, output, made)

    def finish(
        self, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor], *, description: str
    ) -> bytes:
        """Write the file.

        Parameters
        ----------
        inputs, outputs : mapping of str to Tensor
            The tensors that a caller fills and reads, in this order, by their signature names.
        description : str
            One line about the model, kept in the file.

        Returns
        -------
        bytes
            The file.
        """
        schema = self._schema
        subgraph = schema.SubGraphT(
            tensors=self._tensors,
            inputs=[tensor.index for tensor in inputs.values()],
            outputs=[tensor.index for tensor in outputs.values()],
            operators=self._operators,
            name="main",
        )
        signature = schema.SignatureDefT(
            inputs=[schema.TensorMapT(name, tensor.index) for name, tensor in inputs.items()],
            outputs=[schema.TensorMapT(name, tensor.index) for name, tensor in outputs.items()],
            signatureKey=_SIGNATURE,
        )
        model = schema.ModelT(
            version=_SCHEMA_VERSION,
            operatorCodes=self._codes,
            subgraphs=[subgraph],
            description=description,
            buffers=self._buffers,
            signatureDefs=[signature],
        )
        return file_of(model)

    def _tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str,
        quantisation: Quantisation | None = None,
        buffer: int = 0,
    ) -> Tensor:
        tensor = Tensor(len(self._tensors), name, tuple(shape), dtype, quantisation)
        self._tensors.append(
            self._schema.TensorT(
                shape=np.array(shape, np.int32),
                type=getattr(self._schema.TensorType, _DTYPE_NAMES[dtype]),
                buffer=buffer,
                name=name,
                quantization=self._packed(quantisation),
                hasRank=True,
            )
        )
        return tensor

    def _packed(self, quantisation: Quantisation | None) -> Any:
        if quantisation is None:
            return None
        zero_points = np.full(len(quantisation.scale), quantisation.zero_point, np.int64)
        return self._schema.QuantizationParametersT(
            scale=quantisation.scale.astype(np.float32),
            zeroPoint=zero_points,
            quantizedDimension=quantisation.axis,
        )

    def _padding(self, padding: Padding) -> int:
        return int(getattr(self._schema.Padding, padding.upper()))

    def _operator(
        self, kind: str, inputs: Sequence[Tensor], output: Tensor, options: Any = None
    ) -> Tensor:
        version = _INT8_VERSIONS.get(kind, 1) if inputs[0].dtype == "int8" else 1
        if kind == "DEQUANTIZE" and inputs[0].dtype == "float16":
            version = 3
        kinds = self._schema.BuiltinOptions
        options_type = type(options).__name__.removesuffix("T") if options is not None else "NONE"
        self._operators.append(
            self._schema.OperatorT(
                opcodeIndex=self._code(kind, version),
                inputs=[tensor.index for tensor in inputs],
                outputs=[output.index],
                builtinOptionsType=getattr(kinds, options_type),
                builtinOptions=options,
            )
        )
        return output

    def _code(self, kind: str, version: int) -> int:
        number = getattr(self._schema.BuiltinOperator, kind)
        for index, code in enumerate(self._codes):
            if (code.builtinCode, code.version) == (number, version):
                return index
        # Readers from before 2020 take the code from a field of one byte; 127 marks "see builtin".
        self._codes.append(
            self._schema.OperatorCodeT(
                deprecatedBuiltinCode=min(number, 127), version=version, builtinCode=number
            )
        )
        return len(self._codes) - 1


def _slid(
    shape: tuple[int, ...],
    window: tuple[int, int],
    step: tuple[int, int],
    padding: Padding,
    channels: int,
) -> tuple[int, int, int, int]:
    """Return the shape that a window sliding over (1, height, width, channels) gives."""
    reach = (0, 0) if padding == "same" else (window[0] - 1, window[1] - 1)
    height, width = (-(-(shape[1 + i] - reach[i]) // step[i]) for i in range(2))
    return 1, height, width, channels


def aligned_buffer(schema: Any, content: bytes) -> Any:
    """Return a BufferT whose bytes start at a multiple of `_BUFFER_ALIGNMENT` in the file.

    The schema asks for it (``force_align``), but the generated Python code does not do it.
    """

    class AlignedBuffer(schema.BufferT):  # type: ignore[misc]
        def Pack(self, builder: Any) -> Any:  # noqa: N802
            builder.StartVector(1, len(content), _BUFFER_ALIGNMENT)
            builder.head = builder.head - len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            data = builder.EndVector()
            schema.BufferStart(builder)
            schema.BufferAddData(builder, data)
            return schema.BufferEnd(builder)

    return AlignedBuffer()


Shapes = dict[str, tuple[int, ...]]


def read_signature(data: bytes) -> tuple[Shapes, Shapes] | None:
    """Return names and shapes of the inputs and of the outputs in a ``.tflite`` file.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    (dict of str to tuple, dict of str to tuple) or None
        None where the package that holds the schema is missing.

    Raises
    ------
    ModelError
        When the bytes are no such file or have not one signature.
    """
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError:
        return None
    schema: Any = schema_py_generated
    if data[4:8] != _FILE_IDENTIFIER:
        raise ModelError("The file is not a .tflite model.")
    try:
        model = schema.ModelT.InitFromPackedBuf(data)
        (signature,) = model.signatureDefs
        tensors = model.subgraphs[signature.subgraphIndex].tensors
        inputs, outputs = (
            {
                entry.name.decode(): tuple(int(n) for n in tensors[entry.tensorIndex].shape)
                for entry in entries
            }
            for entries in (signature.inputs, signature.outputs)
        )
    except Exception as error:  # the generated reader checks nothing: damage raises anything
        raise ModelError(f"The .tflite file cannot be read ({error}).") from error
    return inputs, outputs
