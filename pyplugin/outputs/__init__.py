"""Where descriptor frames go while they come: lines of text, OSC, MIDI; and files for others.

============================  ======================================================================
:class:`DescriptorFrame`      one descriptor frame with everything that outputs send
:class:`Output`               the protocol of all of them
:class:`JsonLines`            a line of JSON a frame
:class:`Osc`                  bundles over UDP
:class:`Midi`                 controllers to a port, or into a file
============================  ======================================================================

None of them waits: what cannot be sent is counted, reported once, and tried again. The kinds that
commands offer are in :data:`KINDS`, each in a module with an ``OutputKind`` named ``KIND``.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyplugin.outputs.json_lines import JsonLines as JsonLines
    from pyplugin.outputs.midi import Midi as Midi
    from pyplugin.outputs.osc import Osc as Osc
    from pyplugin.outputs.output import DescriptorFrame as DescriptorFrame
    from pyplugin.outputs.output import Output as Output
    from pyplugin.outputs.output import OutputContext, OutputKind

KINDS = ("json_lines", "osc", "midi")
"""Modules of the kinds of outputs, in the order of their options."""

# Loaded when used: the process that holds a MIDI port needs none of it.
_HOME_OF = {
    "DescriptorFrame": "output",
    "JsonLines": "json_lines",
    "Midi": "midi",
    "Osc": "osc",
    "Output": "output",
}
__all__ = ["KINDS", "DescriptorFrame", "JsonLines", "Midi", "Osc", "Output", "kinds", "open_all"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pyplugin.outputs' has no attribute {name!r}")
    return getattr(import_module(f"pyplugin.outputs.{_HOME_OF[name]}"), name)


def kinds() -> "list[OutputKind]":
    """Return all kinds of outputs."""
    return [import_module(f"pyplugin.outputs.{name}").KIND for name in KINDS]


def open_all(values: Mapping[str, Any], context: "OutputContext") -> "list[Output]":
    """Open every output that the options ask for; on an error those opened before are closed.

    Parameters
    ----------
    values
        Of the kinds' options, by :attr:`Option.name`.
    context
        What the session knows.

    Raises
    ------
    PypluginError
        An option that cannot be used, an address or port that does not exist.
    """
    opened: list[Output] = []
    with ExitStack() as stack:  # closes them on an error
        for kind in kinds():
            output = kind.open(values, context)
            if output is not None:
                stack.callback(output.close)
                opened.append(output)
        stack.pop_all()
    return opened
