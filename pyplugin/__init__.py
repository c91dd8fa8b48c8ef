"""pyplugin - hear music in an audio callback, name it, and move audio effects by what it is.

================================  ==================================================================
:func:`tag`                       a file or array in, a :class:`TagResult` out
:class:`Node`                     blocks in, descriptor frames out, at a fixed latency
:data:`SIGNALS`                   what a node can measure without a model
:func:`melspectrogram`            the log-mel spectrogram that a model hears
:func:`automate`                  a pedalboard moved by descriptors, offline and live
:func:`label`, :func:`loudness` … what may move a parameter: ``pyplugin.sources``
:func:`render`                    a recording through the effects of a preset
``pyplugin.live``                 sound devices: a node that hears one, a stream to change sound in
``pyplugin.models``               models: cards, building, checking
``pyplugin.heads``                classifiers on a model's embedding: files, and the numpy reference
``pyplugin.plugins``              the LV2, CLAP and VST3 plugin: where it is, installing it
================================  ==================================================================

Modules load when first used, so that ``import pyplugin`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from pyplugin import plugins as plugins
    from pyplugin.automation import Curve as Curve
    from pyplugin.automation import curve as curve
    from pyplugin.board import RenderResult as RenderResult
    from pyplugin.board import automate as automate
    from pyplugin.errors import AudioError as AudioError
    from pyplugin.errors import DeviceError as DeviceError
    from pyplugin.errors import ModelError as ModelError
    from pyplugin.errors import PresetError as PresetError
    from pyplugin.errors import PypluginError as PypluginError
    from pyplugin.frontend import melspectrogram as melspectrogram
    from pyplugin.node import Frames as Frames
    from pyplugin.node import Latency as Latency
    from pyplugin.node import Node as Node
    from pyplugin.node import State as State
    from pyplugin.rendering import render as render
    from pyplugin.signals import SIGNALS as SIGNALS
    from pyplugin.signals import Signal as Signal
    from pyplugin.signals import SignalFrames as SignalFrames
    from pyplugin.sources import Combined as Combined
    from pyplugin.sources import Source as Source
    from pyplugin.sources import brightness as brightness
    from pyplugin.sources import crest as crest
    from pyplugin.sources import flatness as flatness
    from pyplugin.sources import flux as flux
    from pyplugin.sources import head as head
    from pyplugin.sources import label as label
    from pyplugin.sources import loudness as loudness
    from pyplugin.sources import maximum as maximum
    from pyplugin.sources import onset as onset
    from pyplugin.sources import peak as peak
    from pyplugin.sources import percussive as percussive
    from pyplugin.sources import rms as rms
    from pyplugin.sources import signal as signal
    from pyplugin.sources import silence as silence
    from pyplugin.sources import tempo as tempo
    from pyplugin.sources import tempo_confidence as tempo_confidence
    from pyplugin.sources import true_peak as true_peak
    from pyplugin.tagging import TagResult as TagResult
    from pyplugin.tagging import tag as tag

_HOMES = {
    "pyplugin.automation": ("Curve", "curve"),
    "pyplugin.board": ("RenderResult", "automate"),
    "pyplugin.errors": (
        "AudioError",
        "DeviceError",
        "ModelError",
        "PresetError",
        "PypluginError",
    ),
    "pyplugin.frontend": ("melspectrogram",),
    "pyplugin.node": ("Frames", "Latency", "Node", "State"),
    "pyplugin.rendering": ("render",),
    "pyplugin.sources": (
        "Combined",
        "Source",
        "brightness",
        "crest",
        "flatness",
        "flux",
        "head",
        "label",
        "loudness",
        "maximum",
        "onset",
        "peak",
        "percussive",
        "rms",
        "signal",
        "silence",
        "tempo",
        "tempo_confidence",
        "true_peak",
    ),
    "pyplugin.signals": ("SIGNALS", "Signal", "SignalFrames"),
    "pyplugin.tagging": ("TagResult", "tag"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name == "__version__":  # libtagnode's: there is one for both
        native = import_module("pyplugin._native")
        return native.text(native.lib.tagnode_version())
    if name == "plugins":
        return import_module("pyplugin.plugins")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pyplugin' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
