"""Runtimes: our own inside the callback, or an external one on a thread.

``inline`` runs models of the operations that it implements, in int8 or float; LiteRT runs any
``.tflite`` model, and tflite-runtime replaces it where it has no wheel; onnxruntime runs ``.onnx``
models.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pyplugin._native import check, created, ffi, floats, lib, message
from pyplugin.errors import ModelError, UnsupportedError
from pyplugin.support.arrays import Float32
from pyplugin.support.optional import install

if TYPE_CHECKING:
    from pyplugin.models.registry import Model


@dataclass(frozen=True)
class Outside:
    """An external runtime: its package, the extra that installs it, and what it runs."""

    package: str
    extra: str
    suffix: str


OUTSIDE = {
    "litert": Outside("ai-edge-litert", "litert", ".tflite"),
    "tflite-runtime": Outside("tflite-runtime", "tflite-runtime", ".tflite"),
    "onnxruntime": Outside("onnxruntime", "onnx", ".onnx"),
}
"""External runtimes by our name, preferred first."""

RUNTIMES = ("inline", *OUTSIDE)
"""All runtimes by name."""

# tflite::impl::Interpreter::Invoke(), which the extension exports
_INVOKE = "_ZN6tflite4impl11Interpreter6InvokeEv"


def installed() -> dict[str, str | None]:
    """Return each outside runtime's version, ``None`` where it is not installed."""
    found: dict[str, str | None] = {}
    for name, runtime in OUTSIDE.items():
        try:
            found[name] = version(runtime.package)
        except PackageNotFoundError:
            found[name] = None
    return found


def kind_of(model: Model) -> str:
    """Return the end of the name of a model's file."""
    return ".onnx" if "onnx" in model.card.model_types else ".tflite"


def outside_of(model: Model) -> list[str]:
    """Return the external runtimes that run files of a model's kind, preferred first."""
    return [name for name, each in OUTSIDE.items() if each.suffix == kind_of(model)]


@dataclass
class Opened:
    """An opened model: C's handle, and objects that must outlive it."""

    model: Any
    runtime: str
    keep: list[Any] = field(default_factory=list)

    def run(self, patch: Float32, sizes: list[int]) -> list[Float32]:
        """Run the model once on one patch (patch_frames, bands); return its outputs.

        Parameters
        ----------
        patch
            C-contiguous.
        sizes
            Sizes of the outputs, in the card's order.
        """
        outputs = [np.empty(size, np.float32) for size in sizes]
        pointers, why = ffi.new("float *[]", [floats(output) for output in outputs]), message()
        check(lib.tagnode_model_run(self.model, floats(patch), pointers, why), why)
        return outputs

    def close(self) -> None:
        """Release the model."""
        ffi.release(self.model)
        self.keep.clear()


def open_model(model: Model, card: Any, runtime: str | None) -> Opened:
    """Open a model with a runtime, by default with the one that fits best.

    That is ``inline`` for an int8 model whose operations it implements, otherwise the first
    external runtime that is installed and runs files of its kind.

    Raises
    ------
    ModelError
        There is no such runtime, it is not installed, or it rejects the model.
    """
    if runtime is not None and runtime not in RUNTIMES:
        raise ModelError(f"There is no runtime {runtime!r}; choose one of {', '.join(RUNTIMES)}.")
    suffix, able = kind_of(model), outside_of(model)
    if runtime is not None and runtime not in able and (runtime, suffix) != ("inline", ".tflite"):
        raise ModelError(
            f"The runtime {runtime} does not run {model.name}, which is an {suffix} model; "
            f"{' or '.join(able)} does."
        )
    if runtime == "inline":
        return _open_inline(model, card)
    if runtime is None and "tflite-int8" in model.card.model_types:
        with contextlib.suppress(UnsupportedError):
            return _open_inline(model, card)
    numbers = installed()
    present = [name for name in able if numbers[name] is not None]
    wanted = runtime or next(iter(present), None)
    if wanted is None or wanted not in present:
        needed = "The model" if runtime is None else f"The runtime {runtime}"
        named = [OUTSIDE[runtime]] if runtime else [OUTSIDE[name] for name in able]
        packages = " or ".join(each.package for each in named)
        raise ModelError(f"{needed} needs {packages}: {install(named[0].extra)}.")
    return _OPEN[wanted](model, card)


def _loaded(load: Callable[..., int], *arguments: Any) -> Any:
    destroy = lib.tagnode_model_release
    return created("tagnode_model", load, destroy, *arguments, error=ModelError)


def _open_inline(model: Model, card: Any) -> Opened:
    load = lib.tagnode_model_load_inline
    return Opened(_loaded(load, model.data, len(model.data), card), "inline")


def litert_library() -> Path:
    """Return the path of LiteRT's C library, without loading it.

    Raises
    ------
    ModelError
        The package is installed without its library.
    """
    spec = find_spec("ai_edge_litert")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for library in sorted(Path(folder).glob("libLiteRt.*")):
            return library
    raise ModelError(f"ai-edge-litert has no libLiteRt; reinstall it: {install('litert')}.")


def _open_litert(model: Model, card: Any) -> Opened:
    load, library = lib.tagnode_model_load_litert, str(litert_library()).encode()
    return Opened(_loaded(load, library, model.data, len(model.data), card), "litert")


def onnx_library() -> Path:
    """Return the path of onnxruntime's C library, without loading it.

    Raises
    ------
    ModelError
        The package is installed without its library.
    """
    names = ("libonnxruntime.*", "onnxruntime.dll")
    spec = find_spec("onnxruntime")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for library in (path for name in names for path in sorted(Path(folder, "capi").glob(name))):
            return library
    raise ModelError("onnxruntime has no libonnxruntime; update it: pip install -U onnxruntime.")


def _open_onnx(model: Model, card: Any) -> Opened:
    load, library = lib.tagnode_model_load_onnx, str(onnx_library()).encode()
    return Opened(_loaded(load, library, model.data, len(model.data), card), "onnxruntime")


def _open_tflite(model: Model, card: Any) -> Opened:
    from tflite_runtime import _pywrap_tensorflow_interpreter_wrapper as wrapper
    from tflite_runtime.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=model.data, num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"tflite-runtime rejects {model.name}: {error}") from error
    library = ctypes.CDLL(wrapper.__file__)
    invoke = ctypes.cast(library[_INVOKE], ctypes.c_void_p).value
    outputs = [detail["index"] for detail in interpreter.get_output_details()]
    _check_tensors(interpreter, model, outputs)
    source = interpreter.get_input_details()[0]["index"]
    struct = ffi.new("tagnode_interpreter *")
    struct.invoke = ffi.cast("int (*)(void *)", invoke)
    struct.handle = ffi.cast("void *", interpreter._native_handle())
    struct.input = ffi.cast("float *", _address(interpreter, source))
    for index, tensor in enumerate(outputs):
        struct.output[index] = ffi.cast("float *", _address(interpreter, tensor))
    opened = _loaded(lib.tagnode_model_from_interpreter, struct, card)
    return Opened(opened, "tflite-runtime", [interpreter, library])


def _address(interpreter: Any, tensor: int) -> int:
    return int(interpreter.tensor(tensor)().ctypes.data)


def _check_tensors(interpreter: Any, model: Model, outputs: list[int]) -> None:
    card = model.card
    source = interpreter.tensor(interpreter.get_input_details()[0]["index"])()
    sizes = [interpreter.tensor(tensor)().size for tensor in outputs]
    wanted = [output.size for output in card.outputs]
    room = card.patch_frames * card.front_end.bands
    if source.size != room or source.dtype != "float32" or sizes != wanted:
        raise ModelError(
            f"{model.name} takes {source.size} {source.dtype} and returns {sizes}; its card has "
            f"{room} float32 and {wanted}."
        )


_OPEN = {"litert": _open_litert, "tflite-runtime": _open_tflite, "onnxruntime": _open_onnx}
