"""The one place where Python meets libtagnode.

``ffi`` and ``lib`` are cffi's (API mode, so every call into ``lib`` releases the interpreter lock).
:func:`check` turns a status into an exception, :func:`text` a string of C into a ``str``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyplugin._native._tagnode import ffi, lib
from pyplugin.errors import ModelError, PypluginError, UnsupportedError

__all__ = ["VERSION", "check", "ffi", "lib", "message", "names", "text"]


def text(pointer: Any) -> str:
    """Return a C string as ``str``."""
    return str(ffi.string(pointer).decode("utf-8", "replace"))


def names(name_of: Callable[[int], Any]) -> list[str]:
    """Return the names that a function of the library has for 0, 1 ... until it returns NULL."""
    found: list[str] = []
    while name_of(len(found)) != ffi.NULL:
        found.append(text(name_of(len(found))))
    return found


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
