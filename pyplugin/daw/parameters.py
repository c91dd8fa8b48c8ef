"""The parameters of the plugin for audio workstations, as libtagnode's table has them.

:data:`PARAMETERS`, :data:`TARGETS` and :data:`MODELS` are read from C, where they stand once; ids,
symbols and the numbers of choices and sources are permanent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyplugin._native import ffi, from_struct, lib, text


@dataclass(frozen=True)
class Identity:
    """How hosts know the plugin.

    Attributes
    ----------
    name : str
    uri : str
        Of the LV2.
    clap_id : str
    vst3_class : str
        32 hexadecimal digits.
    """

    name: str
    uri: str
    clap_id: str
    vst3_class: str


@dataclass(frozen=True)
class Parameter:
    """A parameter of the plugin.

    Attributes
    ----------
    id : int
        Of CLAP and VST 3.
    symbol : str
        Of LV2 and of states: ``slot1_threshold``.
    name : str
    slot : int
        From 1; 0 for parameters of the whole plugin.
    low, high, start : float
    output : bool
        Read-only.
    choices : dict of str to int
        Ids by their texts; empty for other parameters.
    about : str
    """

    id: int
    symbol: str
    name: str
    slot: int
    low: float
    high: float
    start: float
    output: bool
    choices: dict[str, int]
    about: str


@dataclass(frozen=True)
class PluginTarget:
    """An effect of the plugin that slots move.

    Attributes
    ----------
    id : int
    name : str
    low, high : float
        The values at 0 and at 1 of a slot, in the target's unit.
    stage : int
        In the chain of effects, from 1; 0: no effect.
    """

    id: int
    name: str
    low: float
    high: float
    stage: int

    def share(self, value: float) -> float:
        """Return a value in the target's unit as a share of the way from `low` to `high`."""
        return float(lib.tagnode_plugin_target_share(_TARGET_ROWS[self.id], value))


@dataclass(frozen=True)
class PluginModel:
    """A model that the plugin can run.

    Attributes
    ----------
    id : int
    name : str
    custom : bool
        A file that ``tagnode plugins model`` writes.
    included : bool
        Compiled in.
    """

    id: int
    name: str
    custom: bool
    included: bool


def _rows(get: Callable[[int], Any]) -> Iterator[Any]:
    index = 0
    while (row := get(index)) != ffi.NULL:
        yield row
        index += 1


def _identity() -> Identity:
    own = lib.tagnode_plugin_identity_info()
    return from_struct(Identity, own, vst3_class="".join(f"{word:08X}" for word in own.vst3_class))


def _parameter(row: Any) -> Parameter:
    choices = {text(row.choices[i].text): row.choices[i].id for i in range(row.choice_count)}
    return from_struct(Parameter, row, choices=choices)


def _model(row: Any) -> PluginModel:
    custom = row.kind == lib.TAGNODE_PLUGIN_CUSTOM
    included = row.kind == lib.TAGNODE_PLUGIN_INCLUDED
    return from_struct(PluginModel, row, custom=custom, included=included)


IDENTITY = _identity()
PARAMETERS = {row.symbol: row for row in map(_parameter, _rows(lib.tagnode_plugin_parameter_info))}
"""All parameters by symbol."""

SLOTS = max(each.slot for each in PARAMETERS.values())
STATE_VERSION = int(lib.TAGNODE_PLUGIN_STATE_VERSION)

_TARGET_ROWS = {row.id: row for row in _rows(lib.tagnode_plugin_target_info)}
TARGETS = {text(row.name): from_struct(PluginTarget, row) for row in _TARGET_ROWS.values()}
"""Targets of slots by name."""

MODELS = {each.name: each for each in map(_model, _rows(lib.tagnode_plugin_model_info))}
"""Models by name, with "measuring only" for none."""


def source_id(descriptor: str) -> int:
    """Return the number of a descriptor as a source: ``tag.speech``, ``signal.rms_db``.

    That of a label that no known model has comes from its name; in a model with another label of
    the same number it is the next free one.
    """
    return int(lib.tagnode_plugin_source_find(descriptor.encode()))


def numbered(descriptors: Sequence[str]) -> dict[int, str]:
    """Return the labels of a model, in the model's order, by the numbers of their sources."""
    taken = ffi.new("bool[]", lib.TAGNODE_PLUGIN_SOURCE_MAX + 1)
    numbers = (lib.tagnode_plugin_source_take(name.encode(), taken) for name in descriptors)
    return {int(number): name for number, name in zip(numbers, descriptors, strict=True) if number}


def source_name(number: int) -> str:
    """Return the descriptor of a source; "" for none and for labels of other models."""
    room = ffi.new("char[256]")
    return text(room) if lib.tagnode_plugin_source_name(number, room, 256) else ""
