"""pyplugin - real-time music tagging, and audio effects automated by what is detected.

================================  ==================================================================
:func:`tag`                       a file or array in, a :class:`TagResult` out
:class:`Node`                     blocks in, descriptor frames out, at a fixed latency
:data:`SIGNALS`                   what a node measures without a model
:func:`melspectrogram`            the log-mel spectrogram that a model takes
:func:`automate`                  a pedalboard whose parameters follow descriptors, offline and live
:func:`label`, :func:`head`,      what automates a parameter; :mod:`pyplugin.sources` has the rest
:func:`signal`
:func:`render`                    a recording through the effects of a preset
:func:`separate`                  a recording in, its stems out, such as vocals and accompaniment
``pyplugin.live``                 sound devices: a node on an input, a stream that also plays
``pyplugin.models``               models and heads: cards, building, checking
``pyplugin.daw``                  the LV2, CLAP and VST3 plugin: where it is, installing it
================================  ==================================================================

Modules load when first used, so that ``import pyplugin`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from pyplugin.automation.board import RenderResult as RenderResult
    from pyplugin.automation.movers import curve as curve
    from pyplugin.errors import AudioError as AudioError
    from pyplugin.errors import DeviceError as DeviceError
    from pyplugin.errors import ModelError as ModelError
    from pyplugin.errors import PresetError as PresetError
    from pyplugin.errors import PypluginError as PypluginError
    from pyplugin.inputs import devices as live
    from pyplugin.node.frontend import melspectrogram as melspectrogram
    from pyplugin.node.node import Frames as Frames
    from pyplugin.node.node import Latency as Latency
    from pyplugin.node.node import Node as Node
    from pyplugin.node.node import State as State
    from pyplugin.node.signals import SIGNALS as SIGNALS
    from pyplugin.node.signals import Signal as Signal
    from pyplugin.node.signals import SignalFrames as SignalFrames
    from pyplugin.rendering import automate as automate
    from pyplugin.rendering import render as render
    from pyplugin.sources import head as head
    from pyplugin.sources import label as label
    from pyplugin.sources import signal as signal
    from pyplugin.sources import stem as stem
    from pyplugin.stems.separation import Separation as Separation
    from pyplugin.stems.separation import separate as separate
    from pyplugin.support.results import Curve as Curve
    from pyplugin.support.results import HeadResult as HeadResult
    from pyplugin.support.results import TagResult as TagResult
    from pyplugin.tagging import tag as tag

_HOMES = {
    "pyplugin.automation.board": ("RenderResult",),
    "pyplugin.automation.movers": ("curve",),
    "pyplugin.errors": ("AudioError", "DeviceError", "ModelError", "PresetError", "PypluginError"),
    "pyplugin.node.frontend": ("melspectrogram",),
    "pyplugin.node.node": ("Frames", "Latency", "Node", "State"),
    "pyplugin.node.signals": ("SIGNALS", "Signal", "SignalFrames"),
    "pyplugin.rendering": ("automate", "render"),
    "pyplugin.sources": ("head", "label", "signal", "stem"),
    "pyplugin.stems.separation": ("Separation", "separate"),
    "pyplugin.support.results": ("Curve", "HeadResult", "TagResult"),
    "pyplugin.tagging": ("tag",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_ROOMS = {
    "live": "pyplugin.inputs.devices",
    **{
        room: f"pyplugin.{room}"
        for room in (
            "automation",
            "daw",
            "inputs",
            "models",
            "node",
            "outputs",
            "plot",
            "session",
            "sources",
            "stems",
            "training",
        )
    },
}
__all__ = ["__version__", "live", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__version__":  # libtagnode's: there is one for both
        value = import_module("pyplugin._native").VERSION
    elif name in _ROOMS:
        value = import_module(_ROOMS[name])
    elif name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'pyplugin' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
