"""The audio devices of this machine, and PortAudio: loading it, and rescanning devices."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pyplugin.errors import DeviceError

__all__ = ["JACK", "Device", "Kind", "devices", "find_device", "look_again", "portaudio"]

JACK = "JACK Audio Connection Kit"
"""The name of JACK in PortAudio."""

Kind = Literal["input", "output"]


@dataclass(frozen=True)
class Device:
    """An audio device in PortAudio; with JACK, a client that has ports.

    Attributes
    ----------
    index
        Index in PortAudio, which may change when devices are connected or disconnected.
    name, host_api
        Name of the device, and of its host API, such as ``"ALSA"``.
    inputs, outputs
        Number of channels, which may be 0.
    sample_rate
        Its default sample rate in Hz.
    default_input, default_output
        Whether it is used if no device is given.
    """

    index: int
    name: str
    host_api: str
    inputs: int
    outputs: int
    sample_rate: int
    default_input: bool
    default_output: bool

    def channels(self, kind: Kind) -> int:
        """Return its number of input or output channels."""
        return self.inputs if kind == "input" else self.outputs


@functools.cache
def portaudio() -> Any:
    """Return the module sounddevice, which loads PortAudio; raise DeviceError if that fails."""
    try:
        sound = import_module("sounddevice")
    except ImportError as error:
        raise DeviceError(
            "Live audio needs the package 'sounddevice', which is not installed: "
            "pip install 'pyplugin[audio]'"
        ) from error
    except OSError as error:
        raise DeviceError(
            "Live audio needs PortAudio's library, which is not installed: "
            "sudo apt-get install libportaudio2"
        ) from error
    except Exception as error:  # PortAudioError, whose class is not loaded either
        raise DeviceError(f"PortAudio cannot be initialised: {error}.") from error
    atexit.register(
        _before_exit
    )  # runs before sounddevice's own handler, which was registered earlier
    return sound


def devices() -> list[Device]:
    """Return the audio devices, in the order of PortAudio.

    PortAudio enumerates them at the first call in a process, and again while
    :mod:`pyplugin.inputs.devices` waits for one that was disconnected.

    Raises
    ------
    DeviceError
        PortAudio or the package sounddevice is missing.
    """
    sound = portaudio()
    if sound._initialized == 0:
        look_again()
    host_apis = [host_api["name"] for host_api in sound.query_hostapis()]
    default_input, default_output = sound.default.device
    return [
        Device(
            index=index,
            name=found["name"],
            host_api=host_apis[found["hostapi"]],
            inputs=found["max_input_channels"],
            outputs=found["max_output_channels"],
            sample_rate=round(found["default_samplerate"]),
            default_input=index == default_input,
            default_output=index == default_output,
        )
        for index, found in enumerate(sound.query_devices())
    ]


def find_device(given: int | str | None, *, kind: Kind) -> Device:
    """Return the device with this index or name.

    Parameters
    ----------
    given
        Its index, as an integer or a string; its name, or a part of ``"name, host API"``, ignoring
        case; ``None`` for the default device.
    kind
        ``"input"`` or ``"output"``: the channels that it must have.

    Raises
    ------
    DeviceError
        There is no such device, there are several, or it has no channels of this kind (the message
        lists the devices that have); or PortAudio is missing.
    """
    known = devices()
    able = [device for device in known if device.channels(kind) > 0]
    if not able:
        raise DeviceError(f"There is no audio device with {kind}s; connect one, or start JACK.")
    if given is None:
        default = [d for d in able if (d.default_input if kind == "input" else d.default_output)]
        return (default or able)[0]
    if isinstance(given, int) or given.isdecimal():
        matches = [device for device in known if device.index == int(given)]
    else:
        part = given.casefold()
        matches = [d for d in known if part in f"{d.name}, {d.host_api}".casefold()]
    right = [device for device in matches if device in able]
    exact = [device for device in right if device.name == given]
    if len(exact or right) == 1:
        return (exact or right)[0]
    if right:
        raise DeviceError(f"{given!r} may be any of {_list_devices(right)}: give more of its name.")
    if matches:
        raise DeviceError(
            f"{matches[0].name!r} has no {kind}s; choose one of {_list_devices(able)}."
        )
    raise DeviceError(f"There is no {kind} device {given!r}; choose one of {_list_devices(able)}.")


def _list_devices(chosen: Iterable[Device]) -> str:
    return ", ".join(f"{device.index} ({device.name}, {device.host_api})" for device in chosen)


def look_again() -> None:
    """Rescan the devices; this stops every PortAudio stream of the process."""
    sound = portaudio()
    try:
        if _jack_is_gone(sound):
            leave_behind()
        while sound._initialized > 0:
            sound._terminate()
        sound._initialize()
    except sound.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot be initialised: {error}.") from error


def _before_exit() -> None:
    sound = portaudio()
    if _jack_is_gone(sound):
        sound._initialized = 0  # prevents sounddevice from terminating it


def _jack_is_gone(sound: Any) -> bool:
    """Return whether PortAudio was connected to a JACK server that has exited.

    Terminating PortAudio then aborts the process (an assertion in Terminate, in pa_jack.c). The
    only sign is that no stream can be opened.
    """
    for host_api in sound.query_hostapis() if sound._initialized > 0 else ():
        if host_api["name"] == JACK and host_api["devices"]:
            device = host_api["devices"][0]
            kind = "input" if sound.query_devices(device)["max_input_channels"] else "output"
            try:
                with _silent_stderr():  # PortAudio prints errors
                    sound._StreamBase(kind, device=device, channels=1, dtype="float32").close()
            except sound.PortAudioError:
                return True
    return False


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)


_left_behind: list[Any] = []


def leave_behind() -> None:
    """Make sounddevice use a new, uninitialised copy of PortAudio instead of the current one.

    The current one stays loaded for threads that may still be running in it. A library can be
    loaded a second time only from another file, so the copy is a file in memory.
    """
    sound = portaudio()
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    path = next(line.split(maxsplit=5)[-1] for line in maps if "/libportaudio" in line)
    copy = os.memfd_create("portaudio")
    try:
        os.write(copy, Path(path).read_bytes())
        fresh = sound._ffi.dlopen(f"/proc/self/fd/{copy}")
    finally:
        os.close(copy)
    _left_behind.append(sound._lib)
    sound._lib, sound._initialized = fresh, 0
