"""The sound devices of this machine, and loading PortAudio itself."""

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
from pyplugin.support.optional import install

JACK = "JACK Audio Connection Kit"
"""PortAudio's name of its JACK host API."""

Kind = Literal["input", "output"]


@dataclass(frozen=True)
class Device:
    """A sound device as PortAudio sees it; with JACK, a client that has ports.

    Attributes
    ----------
    index
        PortAudio's number, which may change when devices are connected or disconnected.
    name, host_api
        Its name, and that of the system that provides it, ``"ALSA"`` for example.
    inputs, outputs
        Numbers of channels, 0 for none.
    sample_rate
        Its default, in Hz.
    default_input, default_output
        Whether it is used where no device is named.
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
    """Import sounddevice, which loads PortAudio; raise DeviceError if that fails."""
    try:
        sound = import_module("sounddevice")
    except ImportError as error:
        raise DeviceError(
            "Sound devices need the package 'sounddevice', which is not installed: "
            f"{install('audio')}"
        ) from error
    except OSError as error:
        raise DeviceError(
            "Sound devices need the library PortAudio, which is not installed: "
            "sudo apt-get install libportaudio2"
        ) from error
    except Exception as error:  # PortAudioError, whose class did not load either
        raise DeviceError(f"PortAudio does not start: {error}.") from error
    atexit.register(_before_exit)  # runs before sounddevice's own, which was registered before
    return sound


def devices() -> list[Device]:
    """List the sound devices, in PortAudio's order.

    PortAudio enumerates them when a process first asks, and again while
    :mod:`pyplugin.inputs.devices` waits for one that was disconnected.

    Raises
    ------
    DeviceError
        PortAudio or the package sounddevice is missing.
    """
    sound = portaudio()
    if sound._initialized == 0:
        rescan()
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
    """Find a device by number or name.

    Parameters
    ----------
    given
        Its index, as a number or in digits; its name or a part of it, or of ``"name, host API"``,
        in any case; ``None`` for the default.
    kind
        ``"input"`` or ``"output"``: the device must have channels of this kind.

    Raises
    ------
    DeviceError
        There is no such device, the name fits several, or the device has no channels of that kind;
        the message lists the devices that have. PortAudio is missing.
    """
    known = devices()
    able = [device for device in known if device.channels(kind) > 0]
    if not able:
        raise DeviceError(f"There is no sound device with {kind}s; connect one, or start JACK.")
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
        raise DeviceError(f"{given!r} may be any of {_listed(right)}: give more of its name.")
    if matches:
        raise DeviceError(f"{matches[0].name!r} has no {kind}s; choose one of {_listed(able)}.")
    raise DeviceError(f"There is no {kind} device {given!r}; choose one of {_listed(able)}.")


def _listed(some: Iterable[Device]) -> str:
    return ", ".join(f"{device.index} ({device.name}, {device.host_api})" for device in some)


def rescan() -> None:
    """Have PortAudio enumerate the devices again; this ends every stream of the process."""
    sound = portaudio()
    try:
        if _jack_has_ended(sound):
            replace_library()
        while sound._initialized > 0:
            sound._terminate()
        sound._initialize()
    except sound.PortAudioError as error:
        raise DeviceError(f"PortAudio does not start: {error}.") from error


def _before_exit() -> None:
    sound = portaudio()
    if _jack_has_ended(sound):
        sound._initialized = 0  # so that sounddevice does not end it


def _jack_has_ended(sound: Any) -> bool:
    """Return whether PortAudio is connected to a JACK server that has ended.

    Terminating PortAudio would then abort the process (an assertion in Terminate in pa_jack.c).
    The only sign of it is that no stream opens any more.
    """
    for host_api in sound.query_hostapis() if sound._initialized > 0 else ():
        if host_api["name"] == JACK and host_api["devices"]:
            device = host_api["devices"][0]
            kind = "input" if sound.query_devices(device)["max_input_channels"] else "output"
            try:
                with _silent_stderr():  # PortAudio prints its errors there
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


_replaced: list[Any] = []


def replace_library() -> None:
    """Have sounddevice use a fresh copy of PortAudio, not yet initialised.

    The previous copy stays loaded, since threads may still run in it. The dynamic linker loads a
    library a second time only from another file, so the copy is a file in memory.
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
    _replaced.append(sound._lib)
    sound._lib, sound._initialized = fresh, 0
