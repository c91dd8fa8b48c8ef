"""The process with the open MIDI port of :class:`pyplugin.outputs.midi_port.Port`.

If a JACK server exits or hangs, RtMidi waits forever and holds the GIL (observed with 5.0.0). Here
only this process waits, and a timer signal ends it. The libraries below RtMidi print errors to
stderr, which this process reads.

The argument is a part of the name of the port, or ``virtual:NAME``. The process writes one line of
JSON to stdout: ``{"name": …}`` when the port is open; ``{"ports": …, "systems": …, "tried": …}`` if
it cannot be opened, with the matching ports, or else all ports, and the number of available MIDI
systems among those tried; or ``{"missing": …}`` if python-rtmidi cannot be imported. It reads
three-byte messages from stdin until its end, and exits when the port is disconnected.
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

_SEND_TIMEOUT = 2.0  # timeout of sending, in seconds
_OPEN_TIMEOUT = 8.0  # of opening: a JACK server hangs for 5 s when a client dies
_LINGER = 0.25  # seconds before closing, in which JACK delivers pending messages
_CHECK = 1.0  # seconds between checks that the port of the receiver exists
_MESSAGE = 3  # bytes
_MOST_MESSAGES = 256  # messages per write


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """End this process if the body takes longer than `seconds`."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def _reply(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def _open(rtmidi: Any, wanted: str) -> tuple[Any, str] | None:
    """Open the matching port; return it and its name (``""`` if virtual), or list the ports."""
    apis = rtmidi.get_compiled_api()
    systems = []
    for api in apis:
        with contextlib.suppress(OSError):  # not available
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
            system.delete()  # else a JACK server waits 5 s for the client
    if chosen is not None:
        _reply(name=wanted)
    else:
        tried = [rtmidi.get_api_display_name(api) for api in apis]
        ports = [name for _, name in meant or found]
        _reply(ports=ports, systems=len(systems), tried=tried)
    return chosen


def _system_answers(rtmidi: Any, api: int) -> bool:
    try:
        rtmidi.MidiOut(rtapi=api, name="pyplugin-check").delete()
    except OSError:
        return False
    return True


def _serve(rtmidi: Any, out: Any, name: str, errors: int) -> None:
    """Forward messages until stdin ends or the port is disconnected."""
    rest, check = b"", time.monotonic() + _CHECK
    while True:
        ready, _, _ = select.select([0, errors], [], [], _CHECK)
        with _alarm(_SEND_TIMEOUT):
            if errors in ready:
                if not _system_answers(rtmidi, out.get_current_api()):
                    os._exit(1)  # closing it would wait for the exited server
                os.read(errors, 65536)
            if name and time.monotonic() >= check:
                check = time.monotonic() + _CHECK
                if name not in out.get_ports():
                    return
            if 0 in ready:
                data = os.read(0, _MESSAGE * _MOST_MESSAGES)
                if not data:
                    return
                data = rest + data
                whole = len(data) // _MESSAGE * _MESSAGE
                for start in range(0, whole, _MESSAGE):
                    out.send_message(data[start : start + _MESSAGE])
                rest = data[whole:]


def main() -> None:
    """Open the port and forward messages."""
    for theirs in (signal.SIGINT, signal.SIGTERM):  # the parent process ends this one
        signal.signal(theirs, signal.SIG_IGN)
    try:
        import rtmidi
    except ImportError as error:
        _reply(missing=str(error))
        return
    errors, ours = os.pipe()
    os.dup2(ours, 2)
    with _alarm(_OPEN_TIMEOUT):
        opened = _open(rtmidi, sys.argv[1])
    if opened is None:
        return
    if select.select([errors], [], [], 0)[0]:
        os.read(errors, 65536)  # errors about unavailable systems
    _serve(rtmidi, *opened, errors)
    time.sleep(_LINGER)
    with _alarm(_SEND_TIMEOUT):
        opened[0].close_port()
        opened[0].delete()


if __name__ == "__main__":
    main()
