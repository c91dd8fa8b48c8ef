"""Which effects are in use: each has one state, so one rendering or stream at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator

from pyplugin.errors import PresetError

_changed = threading.Condition()
_rendering: set[int] = set()
_streaming: set[int] = set()


def _check(wanted: set[int]) -> None:
    if wanted & _streaming:
        raise PresetError(
            "The board is in use by a stream that is open; close it first, or make another board."
        )


@contextlib.contextmanager
def rendering(effects: Iterable[object]) -> Iterator[None]:
    """Use effects for a rendering; one in another thread is waited for.

    Raises
    ------
    PresetError
        A stream has them.
    """
    wanted = {id(effect) for effect in effects}
    with _changed:
        _changed.wait_for(lambda: not wanted & _rendering)
        _check(wanted)
        _rendering.update(wanted)
    try:
        yield
    finally:
        with _changed:
            _rendering.difference_update(wanted)
            _changed.notify_all()


def claim(effects: Iterable[object]) -> frozenset[int]:
    """Use effects for a stream until :func:`release`.

    Raises
    ------
    PresetError
        Another stream, or a rendering, has them.
    """
    wanted = {id(effect) for effect in effects}
    with _changed:
        _check(wanted)
        if wanted & _rendering:
            raise PresetError("The board is rendering in another thread; wait, or make another.")
        _streaming.update(wanted)
    return frozenset(wanted)


def release(claimed: frozenset[int]) -> None:
    """Give them back. Twice is harmless unless another has them by then."""
    with _changed:
        _streaming.difference_update(claimed)
