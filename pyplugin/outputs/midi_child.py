"""Holds a MIDI port open in a process of its own, for :class:`pyplugin.outputs.midi_port.Port`.

When a JACK server has ended or hangs, RtMidi waits for it for ever while it holds Python's lock
(seen with 5.0.0): here only this process waits, and an alarm ends it. The libraries below RtMidi
print their errors to stderr, which this process reads.

The argument is the port: a part of its name, or ``virtual:NAME``. One line of JSON comes on stdout:
``{"name": …}`` once it is open; ``{"ports": …, "systems": …, "tried": …}`` if not: the ports that
the name fits, or else all, and how many of the systems tried are there; or ``{"missing": …}``.
Stdin takes messages of three bytes until it is closed. The process ends when the port does.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

_PATIENCE = 2.0  # seconds that sending may last
_OPENING = 8.0  # and opening: a JACK server stands still for 5 s when one of its clients dies
_LINGER = 0.25  # until a port is closed: what JACK has not passed on by then is lost
_CHECK = 1.0  # seconds between two looks whether the receiver's port is still there
_MESSAGE = 3  # bytes
_MOST = 256  # messages at once


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Let the system end this process if the body hangs."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def _open(rtmidi: Any, wanted: str) -> tuple[Any, str] | None:
    """Open the one port that fits, ``""`` for our own; otherwise reply with the ports there are."""
    apis = rtmidi.get_compiled_api()
    systems = []
    for api in apis:
        with contextlib.suppress(OSError):  # not installed or not running
            systems.append(rtmidi.MidiOut(rtapi=api, name="pyplugin"))
    found = [(system, name) for system in systems for name in system.get_ports()]
    exact = [pair for pair in found if pair[1] == wanted]
    meant = exact or [pair for pair in found if wanted.lower() in pair[1].lower()]
    chosen = None
    if wanted.startswith("virtual:") and systems:
        systems[0].open_virtual_port(wanted.removeprefix("virtual:"))
        chosen = systems[0], ""
    elif len(meant) == 1:
        chosen = meant[0]
        chosen[0].open_port(chosen[0].get_ports().index(chosen[1]), "cc")
    for system in systems:
        if chosen is None or system is not chosen[0]:
            system.delete()  # a JACK server waits 5 s for a client that ends without closing
    if chosen is not None:
        _answer(name=wanted)
    else:
        tried = [rtmidi.get_api_display_name(api) for api in apis]
        ports = [name for _, name in meant or found]
        _answer(ports=ports, systems=len(systems), tried=tried)
    return chosen


def _system_answers(rtmidi: Any, api: int) -> bool:
    try:
        rtmidi.MidiOut(rtapi=api, name="pyplugin-check").delete()
    except OSError:
        return False
    return True


def _serve(rtmidi: Any, out: Any, name: str, complaints: int) -> None:
    """Send messages until stdin is closed or the port is disconnected."""
    rest, check = b"", time.monotonic() + _CHECK
    while True:
        ready, _, _ = select.select([0, complaints], [], [], _CHECK)
        with _alarm(_PATIENCE):
            if complaints in ready:
                if not _system_answers(rtmidi, out.get_current_api()):
                    os._exit(1)  # closing it properly would wait for the server
                os.read(complaints, 65536)
            if name and time.monotonic() >= check:
                check = time.monotonic() + _CHECK
                if name not in out.get_ports():
                    return
            if 0 in ready:
                data = os.read(0, _MESSAGE * _MOST)
                if not data:
                    return
                data = rest + data
                whole = len(data) // _MESSAGE * _MESSAGE
                for start in range(0, whole, _MESSAGE):
                    out.send_message(data[start : start + _MESSAGE])
                rest = data[whole:]


def main() -> None:
    """Open the port and send messages."""
    for theirs in (signal.SIGINT, signal.SIGTERM):  # for the parent, which ends this process
        signal.signal(theirs, signal.SIG_IGN)
    try:
        import rtmidi
    except ImportError as error:
        _answer(missing=str(error))
        return
    complaints, ours = os.pipe()
    os.dup2(ours, 2)
    with _alarm(_OPENING):
        opened = _open(rtmidi, sys.argv[1])
    if opened is None:
        return
    if select.select([complaints], [], [], 0)[0]:
        os.read(complaints, 65536)  # errors about MIDI systems that are not running
    _serve(rtmidi, *opened, complaints)
    time.sleep(_LINGER)
    with _alarm(_PATIENCE):
        opened[0].close_port()
        opened[0].delete()


if __name__ == "__main__":
    main()
