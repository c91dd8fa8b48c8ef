"""pyplugin - hear music in an audio callback, name it, and move audio effects by what it is.

================================  ==================================================================
:func:`tag`                       a file or array in, a :class:`TagResult` out
:class:`Node`                     blocks in, descriptor frames out, at a fixed latency
:func:`melspectrogram`            the log-mel spectrogram that a model hears
:func:`render`                    a recording through pedalboard's effects, moved by descriptors
``pyplugin.models``               models: cards, building, checking
================================  ==================================================================

Modules load when first used, so that ``import pyplugin`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyplugin.automation import render as render
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
    from pyplugin.tagging import TagResult as TagResult
    from pyplugin.tagging import tag as tag

__version__ = "0.1.0"

_HOMES = {
    "pyplugin.automation": ("render",),
    "pyplugin.errors": (
        "AudioError",
        "DeviceError",
        "ModelError",
        "PresetError",
        "PypluginError",
    ),
    "pyplugin.frontend": ("melspectrogram",),
    "pyplugin.node": ("Frames", "Latency", "Node", "State"),
    "pyplugin.tagging": ("TagResult", "tag"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pyplugin' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
