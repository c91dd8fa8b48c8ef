"""The one place where Python meets libtagnode.

``ffi`` and ``lib`` are cffi's (API mode, so every call into ``lib`` releases the interpreter lock).
:func:`check` turns a status into an exception, :func:`text` a string of C into a ``str``,
:func:`from_struct` a struct into a dataclass, :func:`floats` an array into a pointer.
:func:`created` makes what C creates and destroys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from pyplugin._native._tagnode import ffi as ffi
from pyplugin._native._tagnode import lib as lib
from pyplugin.errors import ModelError, PypluginError, UnsupportedError

if TYPE_CHECKING:
    from pyplugin.support.arrays import Float32

Kind = TypeVar("Kind")


def text(pointer: Any) -> str:
    """Return a C string as ``str``."""
    return str(ffi.string(pointer).decode("utf-8", "replace"))


def names(name_of: Callable[[int], Any]) -> list[str]:
    """Return the names that a function of the library has for 0, 1 ... until it returns NULL."""
    found: list[str] = []
    while name_of(len(found)) != ffi.NULL:
        found.append(text(name_of(len(found))))
    return found


def from_struct(kind: Callable[..., Kind], struct: Any, /, **others: Any) -> Kind:
    """Return a dataclass whose fields are those of the same names in a C struct, and `others`."""
    values = {}
    for field in fields(kind):  # type: ignore[arg-type] # a dataclass
        if field.name not in others:
            value = getattr(struct, field.name)
            values[field.name] = text(value) if isinstance(value, ffi.CData) else value
    return kind(**values, **others)


def floats(array: Float32) -> Any:
    """Return a pointer to the values of an array, valid as long as the array."""
    return ffi.cast("float *", ffi.from_buffer(array))


VERSION = text(lib.tagnode_version())
"""The version, which stands in tagnode.h only."""


def message() -> Any:
    """Return room for the sentence that a failing function leaves."""
    return ffi.new("tagnode_message *")


def check(status: int, why: Any, error: type[PypluginError] = PypluginError) -> None:
    """Raise for a status other than OK, with the sentence that C left in ``why``.

    A model or runtime that failed is a :class:`ModelError`, no memory is a :class:`MemoryError`,
    everything else is ``error``.
    """
    if status == lib.TAGNODE_OK:
        return
    sentence = text(why.text)
    if status == lib.TAGNODE_ERROR_MEMORY:
        raise MemoryError(sentence)
    if status == lib.TAGNODE_ERROR_UNSUPPORTED:
        raise UnsupportedError(sentence)
    if status != lib.TAGNODE_ERROR_ARGUMENT:
        raise ModelError(sentence)
    raise error(sentence)


def created(kind: str, create: Any, destroy: Any, *given: Any, error: type[PypluginError]) -> Any:
    """Return an object of C, which lives as long as Python refers to it.

    Parameters
    ----------
    kind : str
        Its type: ``"tagnode_head"``.
    create, destroy : callable
        The functions of the library; the last two parameters of `create` are the pointer to set
        and the room for a sentence.
    *given
        The parameters of `create` before these.
    error : type
        As for `check`.
    """
    pointer, why = ffi.new(f"{kind} **"), message()
    check(create(*given, pointer, why), why, error)
    return ffi.gc(pointer[0], destroy)
