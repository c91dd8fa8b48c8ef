"""Other people's ``.tflite`` files: their layers, and the form in which a node takes them.

A node's model has one float input of mel frames and float outputs by name.
:meth:`TfliteFile.adapted` writes the operators around the network that make it so, and leaves out
what does nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from pyplugin.errors import ModelError
from pyplugin.models.card import ModelType
from pyplugin.models.graphs.source import NetworkLayer
from pyplugin.models.tflite import aligned_buffer, file_of, schema_modules
from pyplugin.support.spelling import nearest

Given = ParamSpec("Given")
Result = TypeVar("Result")

_INT_TYPES = ("INT8", "UINT8", "INT16")


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _guarded(method: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return a method of which damage raises errors for users: the reader's are of any class."""

    @wraps(method)
    def guarded(*given: Given.args, **named: Given.kwargs) -> Result:
        try:
            return method(*given, **named)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"The .tflite file is damaged ({error}).") from error

    return guarded


@dataclass(frozen=True)
class FileOperator:
    """An operator of a file.

    Attributes
    ----------
    kind
        Its name in the schema of ``.tflite`` files.
    inputs, outputs
        Numbers of the tensors; -1 for an input that is left out.
    options
        Its options as the schema has them, ``None`` for none.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


class TfliteFile:
    """A file that has been read.

    Parameters
    ----------
    data
        The file.

    Attributes
    ----------
    inputs, outputs
        Names and shapes, in the file's order.
    kinds
        How many operators of each kind there are.

    Raises
    ------
    ModelError
        It is damaged, has several graphs, or the package that holds the schema is missing.
    """

    framework = "tflite"

    @property
    @_guarded
    def model_type(self) -> ModelType:
        """``tflite-int8`` if operators take and give integers, else ``tflite-float32``."""
        for operator in self._graph.operators:
            ends = [index for index in (*operator.inputs[:1], *operator.outputs[:1]) if index >= 0]
            if len(ends) == 2 and all(self._type(index) in _INT_TYPES for index in ends):
                return "tflite-int8"
        return "tflite-float32"

    def __init__(self, data: bytes) -> None:
        self._schema, _ = schema_modules()
        if data[4:8] != b"TFL3":
            raise ModelError("The file is not a .tflite model.")
        try:
            self._model = self._schema.ModelT.InitFromPackedBuf(bytearray(data))
            (self._graph,) = self._model.subgraphs
            self._check()
            self.inputs = {self._name(index): self._shape(index) for index in self._graph.inputs}
            self.outputs = {self._name(index): self._shape(index) for index in self._graph.outputs}
        except ModelError:
            raise
        except Exception as error:  # the generated reader checks nothing: damage raises anything
            raise ModelError(f"The .tflite file cannot be read ({error}).") from error

    def _check(self) -> None:
        """Check the indices that the rest relies on."""
        tensors, codes = len(self._graph.tensors), len(self._model.operatorCodes)
        wanted = [*self._graph.inputs, *self._graph.outputs]
        for operator in self._graph.operators:
            wanted += [*(i for i in operator.inputs if i >= 0), *operator.outputs]
            if not 0 <= operator.opcodeIndex < codes:
                raise ModelError("The .tflite file is damaged: an operator has no code.")
        if any(not 0 <= index < tensors for index in wanted):
            raise ModelError("The .tflite file is damaged: an operator reads no tensor.")

    def _name(self, index: int) -> str:
        return _text(self._graph.tensors[index].name)

    def _shape(self, index: int) -> tuple[int, ...]:
        tensor = self._graph.tensors[index]
        shape = () if tensor.shape is None else tensor.shape
        return tuple(int(size) for size in shape)

    def _kind(self, operator: Any) -> str:
        code = self._model.operatorCodes[operator.opcodeIndex]
        number = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
        names = vars(self._schema.BuiltinOperator)
        return next((name for name, value in names.items() if value == number), str(number))

    @property
    @_guarded
    def kinds(self) -> dict[str, int]:
        """How many operators of each kind there are."""
        found: dict[str, int] = {}
        for operator in self._graph.operators:
            kind = self._kind(operator)
            found[kind] = found.get(kind, 0) + 1
        return found

    @property
    @_guarded
    def operators(self) -> list[FileOperator]:
        """All operators, in the order of the file."""
        return [
            FileOperator(
                self._kind(each),
                tuple(map(int, each.inputs)),
                tuple(map(int, each.outputs)),
                each.builtinOptions,
            )
            for each in self._graph.operators
        ]

    @property
    def source(self) -> int:
        """Number of the input's tensor."""
        return int(self._graph.inputs[0])

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Return the shape of a tensor."""
        return self._shape(tensor)

    @_guarded
    def integers(self, tensor: int) -> npt.NDArray[np.int64] | None:
        """Return the whole numbers of a constant tensor; ``None`` for any other tensor."""
        content = self._model.buffers[self._graph.tensors[tensor].buffer].data
        kind = {"INT32": "<i4", "INT64": "<i8"}.get(self._type(tensor))
        if content is None or kind is None:
            return None
        values = np.frombuffer(np.asarray(content, np.uint8).tobytes(), kind)
        return values.reshape(self._shape(tensor)).astype(np.int64)

    @_guarded
    def tensor(self, name: str) -> int:
        """Return the number of a layer's tensor.

        Raises
        ------
        ModelError
            There is no such layer; the message has the name that is nearest.
        """
        return self._index(name)

    @property
    @_guarded
    def layers(self) -> list[NetworkLayer]:
        """The results of all operators that depend on the input, in the order of the file."""
        depend, found = set(map(int, self._graph.inputs)), []
        for operator in self._graph.operators:
            if depend.intersection(map(int, operator.inputs)):
                depend.update(map(int, operator.outputs))
                found += [
                    NetworkLayer(self._name(index), self._kind(operator), self._shape(index))
                    for index in operator.outputs
                ]
        return found

    @_guarded
    def kind_of(self, name: str) -> str:
        """Return the operator that gives a layer."""
        index = self._index(name)
        return next(each.kind for each in self.operators if index in each.outputs)

    @_guarded
    def end_kind(self, name: str) -> str:
        """Return the operator that gives a layer; of one made float again, the operator before."""
        made = {index: op for op in self._graph.operators for index in op.outputs}
        index = self._index(name)
        while self._kind(made[index]) in ("DEQUANTIZE", "RESHAPE", "QUANTIZE"):
            index = made[index].inputs[0]
            if index not in made:
                return ""
        return self._kind(made[index])

    def _index(self, name: str) -> int:
        for signature in self._model.signatureDefs or []:
            for output in signature.outputs or []:
                if _text(output.name) == name:
                    return int(output.tensorIndex)
        for operator in self._graph.operators:
            for index in operator.outputs:
                if self._name(index) == name:
                    return int(index)
        names = [layer.name for layer in self.layers]
        raise ModelError(f"The network has no layer {name!r}; {nearest(name, names)}")

    def size_of(self, name: str) -> int:
        """Return how many values a layer has.

        Raises
        ------
        ModelError
            There is no such layer.
        """
        return math.prod(self._shape(self._index(name)))

    @_guarded
    def with_joined(self, output: str, layers: Sequence[str]) -> bytes:
        """Return the file with one more output, (1, n): the values of some layers as floats.

        Parameters
        ----------
        output
            Name of the output.
        layers
            At least one; their values follow each other in this order.

        Raises
        ------
        ModelError
            There is no such layer, or the file has no signature that names its outputs.
        """
        signature = self._signature()
        indices = [self._index(name) for name in layers]
        only = len(indices) == 1
        rows = [
            self._left(output if only else f"{output}/{number}", index)
            for number, index in enumerate(indices, 1)
        ]
        joined = rows[0]
        if not only:
            after: list[Any] = []
            shape = (1, sum(self._shape(row)[1] for row in rows))
            joined = self._result(
                after, "CONCATENATION", rows, shape, output, ("Concatenation", {"axis": 1})
            )
            self._graph.operators = [*self._graph.operators, *after]
        self._graph.outputs = [*map(int, self._graph.outputs), joined]
        signature.outputs.append(self._schema.TensorMapT(output, joined))
        return self._written()

    @_guarded
    def with_greatest(self, output: str, layer: str, window: tuple[int, int]) -> bytes:
        """Return the file with one more output, (1, n): the greatest values of a layer as floats.

        Parameters
        ----------
        output
            Name of the output.
        layer
            An image, (1, height, width, channels), or with a window of 1 of any shape.
        window
            Height and width of which the greatest value is taken, in steps of the same size.

        Raises
        ------
        ModelError
            There is no such layer, or the file has no signature that names its outputs.
        """
        signature, index = self._signature(), self._index(layer)
        shape, value = self._shape(index), index
        before: list[Any] = []
        if window != (1, 1):
            if self._type(index) in _INT_TYPES:
                value = self._result(before, "DEQUANTIZE", [value], shape, f"{output}/all")
            sizes = (1, shape[1] // window[0], shape[2] // window[1], shape[3])
            names = ("strideH", "strideW", "filterHeight", "filterWidth")
            options = dict(zip(names, (*window, *window), strict=True))
            padding = self._schema.Padding.VALID
            pool = ("Pool2D", {**options, "padding": padding})
            value = self._result(before, "MAX_POOL_2D", [value], sizes, f"{output}/most", pool)
            self._graph.operators = [*self._graph.operators, *before]
        joined = self._left(output, value)
        self._graph.outputs = [*map(int, self._graph.outputs), joined]
        signature.outputs.append(self._schema.TensorMapT(output, joined))
        return self._written()

    def _signature(self) -> Any:
        signatures = self._model.signatureDefs or []
        if len(signatures) != 1:
            raise ModelError("The file has no signature that names its outputs.")
        return signatures[0]

    @_guarded
    def adapted(
        self, frames: int, bands: int, outputs: Mapping[str, str], *, description: str = ""
    ) -> bytes:
        """Return the file with the input ``mel``, (1, frames, bands), and these float outputs.

        Parameters
        ----------
        frames, bands
            Of a patch.
        outputs
            Layers by the names of the outputs, which have the shape (1, n).
        description
            Kept in the file.

        Raises
        ------
        ModelError
            There is no such layer, or the input has another size.
        """
        if len(self._graph.inputs) != 1:
            raise ModelError(
                f"The network has {len(self._graph.inputs)} inputs; one is expected, mel frames."
            )
        indices = {public: self._index(name) for public, name in outputs.items()}
        source = int(self._graph.inputs[0])
        first = self._entered(source, frames, bands)
        ends = {public: self._left(public, index) for public, index in indices.items()}
        self._without_effect()
        self._graph.inputs, self._graph.outputs = [first], list(ends.values())
        maps = self._schema.TensorMapT
        self._model.signatureDefs = [
            self._schema.SignatureDefT(
                inputs=[maps("mel", first)],
                outputs=[maps(name, index) for name, index in ends.items()],
                signatureKey="serving_default",
            )
        ]
        self._model.description = description
        self._model.metadata = None
        return self._written()

    def _written(self) -> bytes:
        for number, buffer in enumerate(self._model.buffers):
            if buffer.data is not None and len(buffer.data):
                content = np.asarray(buffer.data, np.uint8).tobytes()
                self._model.buffers[number] = aligned_buffer(self._schema, content)
        return file_of(self._model)

    def _entered(self, source: int, frames: int, bands: int) -> int:
        """Put the operators before the input that make it ``mel``; return the new input."""
        shape = self._shape(source)
        sizes = [size for size in shape if size > 1]
        turned = sizes == [size for size in (bands, frames) if size > 1] and frames != bands
        if not turned and sizes != [size for size in (frames, bands) if size > 1]:
            raise ModelError(
                f"The network takes an array of shape {list(shape)}; {frames} mel frames of "
                f"{bands} bands were to be given."
            )
        before: list[Any] = []
        mel = value = self._new("mel", (1, frames, bands))
        if turned:
            order = self._constant("mel/order", np.array([0, 2, 1], np.int32))
            value = self._result(before, "TRANSPOSE", [value, order], (1, bands, frames), "mel/t")
        if shape != (1, *((bands, frames) if turned else (frames, bands))):
            value = self._reshaped(before, value, shape, "mel/shaped")
        if self._type(source) in _INT_TYPES:
            operator = self._operator("QUANTIZE", [value], source, ("Quantize", {}))
            before.append(operator)
        else:
            self._replace(source, value)
        self._graph.operators = [*before, *self._graph.operators]
        return mel

    def _left(self, name: str, index: int) -> int:
        """Put the operators after a layer that make it a float output; return the output."""
        after: list[Any] = []
        shape = self._shape(index)
        flat = (1, math.prod(shape))
        value = index
        if self._type(index) in _INT_TYPES:
            value = self._result(after, "DEQUANTIZE", [value], shape, f"{name}/float")
        value = self._reshaped(after, value, flat, name)
        self._graph.operators = [*self._graph.operators, *after]
        return value

    def _without_effect(self) -> None:
        """Leave out operators that return what they take, and those whose result nothing reads."""
        kept = []
        for operator in self._graph.operators:
            if self._kind(operator) == "SPLIT" and len(operator.outputs) == 1:
                self._replace(int(operator.outputs[0]), int(operator.inputs[1]))
            else:
                kept.append(operator)
        self._graph.operators = kept

    def _replace(self, old: int, new: int) -> None:
        for operator in self._graph.operators:
            operator.inputs = [new if index == old else int(index) for index in operator.inputs]

    def _type(self, index: int) -> str:
        number = self._graph.tensors[index].type
        names = vars(self._schema.TensorType)
        return next((name for name, value in names.items() if value == number), "")

    def _new(self, name: str, shape: Sequence[int], kind: str = "FLOAT32", buffer: int = 0) -> int:
        self._graph.tensors.append(
            self._schema.TensorT(
                shape=np.array(shape, np.int32),
                type=getattr(self._schema.TensorType, kind),
                buffer=buffer,
                name=name,
                hasRank=True,
            )
        )
        return len(self._graph.tensors) - 1

    def _constant(self, name: str, values: Any) -> int:
        content = np.ascontiguousarray(values, "<i4").tobytes()
        self._model.buffers.append(self._schema.BufferT(data=np.frombuffer(content, np.uint8)))
        return self._new(name, values.shape, "INT32", len(self._model.buffers) - 1)

    def _reshaped(self, operators: list[Any], value: int, shape: Sequence[int], name: str) -> int:
        table = self._constant(f"{name}/shape", np.array(shape, np.int32))
        options = ("Reshape", {"newShape": list(shape)})
        return self._result(operators, "RESHAPE", [value, table], shape, name, options)

    def _result(
        self,
        operators: list[Any],
        kind: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        name: str,
        options: tuple[str, Mapping[str, Any]] | None = None,
    ) -> int:
        """Add an operator with a new float result; return the result."""
        output = self._new(name, shape)
        default = {"TRANSPOSE": "Transpose", "DEQUANTIZE": "Dequantize"}
        operators.append(self._operator(kind, inputs, output, options or (default[kind], {})))
        return output

    def _operator(
        self, kind: str, inputs: Sequence[int], output: int, options: tuple[str, Mapping[str, Any]]
    ) -> Any:
        schema = self._schema
        return schema.OperatorT(
            opcodeIndex=self._code(kind),
            inputs=list(inputs),
            outputs=[output],
            builtinOptionsType=getattr(schema.BuiltinOptions, f"{options[0]}Options"),
            builtinOptions=getattr(schema, f"{options[0]}OptionsT")(**options[1]),
        )

    def _code(self, kind: str) -> int:
        number = getattr(self._schema.BuiltinOperator, kind)
        for index, code in enumerate(self._model.operatorCodes):
            if int(code.builtinCode) == number and code.customCode is None:
                return index
        version = 2 if kind in ("DEQUANTIZE", "TRANSPOSE") else 1
        self._model.operatorCodes.append(
            self._schema.OperatorCodeT(
                deprecatedBuiltinCode=min(number, 127), version=version, builtinCode=number
            )
        )
        return len(self._model.operatorCodes) - 1
