"""Where descriptor frames go while they come: lines of text, OSC, MIDI.

============================  ======================================================================
:class:`DescriptorFrame`      one descriptor frame with everything that outputs send
:class:`Output`               the protocol of all of them
:class:`JsonLines`            a line of JSON a frame
:class:`Osc`                  bundles over UDP
:class:`Midi`                 controllers to a port, or into a file
============================  ======================================================================

None of them waits: what cannot be sent is counted, told once, and tried again.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyplugin.outputs.json_lines import JsonLines as JsonLines
    from pyplugin.outputs.midi import Midi as Midi
    from pyplugin.outputs.osc import Osc as Osc
    from pyplugin.outputs.output import DescriptorFrame as DescriptorFrame
    from pyplugin.outputs.output import Output as Output

# Loaded when used: the process that holds a MIDI port needs none of it.
_HOME_OF = {
    "DescriptorFrame": "output",
    "Output": "output",
    "JsonLines": "json_lines",
    "Midi": "midi",
}
_HOME_OF["Osc"] = "osc"
__all__ = ["DescriptorFrame", "JsonLines", "Midi", "Osc", "Output"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pyplugin.outputs' has no attribute {name!r}")
    return getattr(import_module(f"pyplugin.outputs.{_HOME_OF[name]}"), name)
