"""Outside runtimes for the node's worker: LiteRT, and tflite-runtime where LiteRT has no wheel."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyplugin._native import check, ffi, lib, message
from pyplugin.errors import ModelError

if TYPE_CHECKING:
    from pyplugin.models.registry import Model

__all__ = ["RUNTIMES", "Opened", "installed", "open_model"]

RUNTIMES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}
"""Runtimes by our name, best first, and the packages that carry them."""

# tflite::impl::Interpreter::Invoke(), which the extension exports
_INVOKE = "_ZN6tflite4impl11Interpreter6InvokeEv"


def installed() -> dict[str, str | None]:
    """Return each runtime's version, ``None`` where it is not installed."""
    found: dict[str, str | None] = {}
    for name, package in RUNTIMES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            found[name] = None
    return found


@dataclass
class Opened:
    """A model that a runtime can run: C's handle and what must outlive it."""

    model: Any
    runtime: str
    keep: list[Any] = field(default_factory=list)

    def close(self) -> None:
        """Give the model back."""
        ffi.release(self.model)
        self.keep.clear()


def open_model(model: Model, card: Any, runtime: str | None) -> Opened:
    """Open a model with a runtime, or with the first that is installed.

    Raises
    ------
    ModelError
        No such runtime, not installed, or it refuses the model.
    """
    if runtime is not None and runtime not in RUNTIMES:
        raise ModelError(f"There is no runtime {runtime!r}; choose one of {', '.join(RUNTIMES)}.")
    present = [name for name, number in installed().items() if number is not None]
    wanted = runtime or next(iter(present), None)
    if wanted is None or wanted not in present:
        packages = [RUNTIMES[runtime]] if runtime else list(RUNTIMES.values())
        raise ModelError(f"No runtime for the model: pip install {' or '.join(packages)}.")
    return _open_litert(model, card) if wanted == "litert" else _open_tflite(model, card)


def litert_library() -> Path:
    """Return where LiteRT's C library lies; it is not loaded.

    Raises
    ------
    ModelError
        The package is there and its library is not.
    """
    spec = find_spec("ai_edge_litert")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for library in sorted(Path(folder).glob("libLiteRt.*")):
            return library
    raise ModelError(
        "ai-edge-litert has no libLiteRt; reinstall it: pip install -U ai-edge-litert."
    )


def _owned(pointer: Any, runtime: str, keep: list[Any]) -> Opened:
    return Opened(ffi.gc(pointer[0], lib.tagnode_model_release), runtime, keep)


def _open_litert(model: Model, card: Any) -> Opened:
    pointer, why = ffi.new("tagnode_model **"), message()
    status = lib.tagnode_model_load_litert(
        str(litert_library()).encode(), model.data, len(model.data), card, pointer, why
    )
    check(status, why, ModelError)
    return _owned(pointer, "litert", [])


def _open_tflite(model: Model, card: Any) -> Opened:
    from tflite_runtime import _pywrap_tensorflow_interpreter_wrapper as wrapper
    from tflite_runtime.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=model.data, num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"tflite-runtime refuses {model.name}: {error}") from error
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
    pointer, why = ffi.new("tagnode_model **"), message()
    check(lib.tagnode_model_from_interpreter(struct, card, pointer, why), why, ModelError)
    return _owned(pointer, "tflite-runtime", [interpreter, library])


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
            f"{model.name} takes {source.size} {source.dtype} and gives {sizes}; its card says "
            f"{room} float32 and {wanted}."
        )
