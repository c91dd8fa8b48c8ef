"""A PortAudio stream that calls libtagnode, from opening to closing.

PortAudio calls ``tagnode_stream_callback`` in C, with a ``tagnode_stream`` as its user data,
through sounddevice's base class of streams: no Python runs on the audio thread.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pyplugin._native import check, ffi, lib, message
from pyplugin.errors import DeviceError
from pyplugin.inputs.portaudio import JACK, Device, Kind, portaudio, replace_library
from pyplugin.node.node import Node

StreamLatency = float | Literal["low", "high"]

STALL = 2.0
"""Seconds without a callback after which a device counts as disconnected."""
HANGS = 3.0
"""Seconds that PortAudio may take to close the stream of a disconnected device."""

# PortAudio's codes, in portaudio.h.
_INVALID_RATE, _INVALID_DEVICE, _UNAVAILABLE = -9997, -9996, -9985


@dataclass(frozen=True)
class StreamSetup:
    """The settings that a stream is opened with."""

    sides: Mapping[Kind, Device]
    channels: int
    sample_rate: int
    block: int
    latency: StreamLatency
    queue: int
    lead: int

    @property
    def name(self) -> str:
        """Names of its devices, for messages."""
        return " and ".join(dict.fromkeys(f"'{device.name}'" for device in self.sides.values()))


class PortAudioStream:
    """A running PortAudio stream that calls libtagnode."""

    def __init__(self, setup: StreamSetup, node: Node | None) -> None:
        c_node = ffi.NULL if node is None else node._lend()
        try:
            self.c = _c_stream(setup, c_node)
            sound = _start(setup, self.c)
        except BaseException:
            if node is not None:
                node._take_back()
            raise
        # PortAudio 19.6 subtracts a period from JACK's latency; below 0 the unsigned result wraps.
        self.latency = float(sum(each for each in np.ravel(sound.latency) if each < 60))
        self.skipped = 0  # samples not written because they were late
        self._sound = sound
        self._jack = any(device.host_api == JACK for device in setup.sides.values())
        self._seen, self._since = -1, time.monotonic()
        # However the object ends, PortAudio must not call into freed memory.
        self._finish = weakref.finalize(self, _finish, sound, self.c, node, self._jack)
        self._finish.atexit = False  # could run after sounddevice's own, which may hang
        atexit.register(self._finish)
        _open.add(self)

    @property
    def counters(self) -> dict[str, int]:
        """The fields of ``tagnode_stream_counters``."""
        counters = lib.tagnode_stream_get_counters(self.c)
        return {name: int(getattr(counters, name)) for name, _ in ffi.typeof(counters).fields}

    @property
    def alive(self) -> bool:
        """Whether PortAudio still runs the stream and callbacks arrive."""
        now, callbacks = time.monotonic(), self.counters["callbacks"]
        if callbacks != self._seen:
            self._seen, self._since = callbacks, now
        # JACK reports its end; during a mere pause there is nothing to reopen.
        return _active(self._sound) and (self._jack or now - self._since < STALL)

    def close(self) -> None:
        """Close the stream and release the node.

        If PortAudio hangs, its thread may still use the node, which is then never released.
        """
        atexit.unregister(self._finish)
        _open.discard(self)
        self._finish()


_open: weakref.WeakSet[PortAudioStream] = weakref.WeakSet()


def any_open() -> bool:
    """Return whether a stream is open, which :func:`pyplugin.inputs.portaudio.rescan` would end."""
    return len(_open) > 0


def _c_stream(setup: StreamSetup, node: Any) -> Any:
    pointer, why = ffi.new("tagnode_stream **"), message()
    wanted = {
        "node": node,
        "inputs": setup.channels if "input" in setup.sides else 0,
        "outputs": setup.channels if "output" in setup.sides else 0,
        "queue": setup.queue,
        "lead": setup.lead,
    }
    check(lib.tagnode_stream_create(ffi.new("tagnode_stream_setup *", wanted), pointer, why), why)
    return ffi.gc(pointer[0], lib.tagnode_stream_destroy)


def _start(setup: StreamSetup, c_stream: Any) -> Any:
    sound = portaudio()
    kinds, indices = list(setup.sides), [device.index for device in setup.sides.values()]
    try:
        stream = sound._StreamBase(
            kind=kinds[0] if len(kinds) == 1 else "duplex",
            device=indices[0] if len(kinds) == 1 else indices,
            channels=setup.channels,
            samplerate=setup.sample_rate,
            blocksize=setup.block,
            latency=setup.latency,
            dtype="float32",
            callback=ffi.addressof(lib, "tagnode_stream_callback"),
            userdata=c_stream,
        )
        try:
            stream.start()
        except sound.PortAudioError:
            stream.close()
            raise
    except sound.PortAudioError as error:
        raise DeviceError(_reason(error, setup)) from error
    return stream


def _reason(error: Exception, setup: StreamSetup) -> str:
    """Return a sentence on why PortAudio did not open a stream."""
    code = error.args[1] if len(error.args) > 1 else 0
    if code == _INVALID_RATE:
        own = dict.fromkeys(f"{device.sample_rate} Hz" for device in setup.sides.values())
        return f"{setup.name} cannot run at {setup.sample_rate} Hz; use {' or '.join(own)}."
    if code in (_INVALID_DEVICE, _UNAVAILABLE):
        return (
            f"{setup.name} is in use or disconnected; close the program that uses it, or choose "
            "another device."
        )
    return f"{setup.name} cannot be opened: {error}."


def _active(sound: Any) -> bool:
    try:
        return bool(sound.active)
    except portaudio().PortAudioError:
        return False


def _flows(sound: Any, c_stream: Any) -> bool:
    """Return whether a callback arrives within a second."""
    before, until = lib.tagnode_stream_get_counters(c_stream).callbacks, time.monotonic() + 1
    while _active(sound) and time.monotonic() < until:
        if lib.tagnode_stream_get_counters(c_stream).callbacks != before:
            return True
        time.sleep(0.002)
    return False


_abandoned: list[Any] = []


def _finish(sound: Any, c_stream: Any, node: Node | None, jack: bool) -> None:
    """Close a stream and free its memory; see :meth:`Stream.close`."""
    if _flows(sound, c_stream):
        sound.close()
    elif jack and not _active(sound):
        # The server has ended, and PortAudio would wait ten minutes for its next callback (RealStop
        # and WaitCondition in pa_jack.c), here and when it terminates.
        replace_library()
        time.sleep(0.1)  # for a callback that was running when the server ended
    elif not _closes(sound):
        replace_library()
        _abandoned.append((c_stream, node))
        return
    ffi.release(c_stream)
    if node is not None:
        node._take_back()


def _closes(sound: Any) -> bool:
    """Close a stream that has no callbacks; return False if closing hangs."""
    closing = threading.Thread(target=sound.close, daemon=True)
    try:
        closing.start()
    except RuntimeError:  # the interpreter is shutting down
        return False
    closing.join(HANGS)
    return not closing.is_alive()
