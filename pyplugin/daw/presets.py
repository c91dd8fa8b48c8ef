"""Presets for the plugin: what a preset says of effects, as slots of Tagnode in a workstation.

A preset moves parameters of pedalboard's effects; the plugin has slots, each with a source, a
target and the same knobs. Where the plugin has no such effect the slot leaves it as a MIDI
controller, for the host to take to a plugin that has. :func:`slots_of` translates and says what
cannot be the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyplugin.automation.knobs import Knobs
from pyplugin.automation.presets import Map, Preset, names_labels
from pyplugin.daw.container import CHOICES, GROUPS, slot_sources
from pyplugin.errors import PresetError, PypluginError
from pyplugin.models import registry
from pyplugin.node.signals import SIGNALS
from pyplugin.support.descriptors import short_name
from pyplugin.support.files import replacing, sentence
from pyplugin.support.spelling import slug

__all__ = [
    "FORMATS",
    "SLOTS",
    "Slots",
    "Target",
    "export",
    "lv2_bundle",
    "slots_of",
    "state",
    "vst3_preset",
]

SLOTS = 8
FIRST_CONTROLLER = 20
"""Of slot 1, where its value leaves as a MIDI controller."""

MODELS = ("measuring only", *CHOICES)
"""Choices of the plugin's model, in its order; four more are the user's own."""


@dataclass(frozen=True)
class Target:
    """An effect of the plugin that a parameter of pedalboard's stands for.

    Attributes
    ----------
    number : int
        Of the plugin's choices of a target.
    low, high : float
        What 0 and 1 of the slot mean, in the parameter's unit.
    even_ratios : bool
        Between them by ratio, as frequencies are.
    """

    number: int
    low: float
    high: float
    even_ratios: bool = False

    def share(self, value: float) -> float:
        """Return a parameter's value as a share of the way from `low` to `high`."""
        if self.even_ratios:
            return math.log(max(value, 1e-9) / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


_NONE = 0
_TARGETS = {
    "gain.gain_db": Target(1, -48, 12),
    "ladder_filter.cutoff_hz": Target(2, 20, 20000, True),
    "lowpass_filter.cutoff_frequency_hz": Target(2, 20, 20000, True),
    "highpass_filter.cutoff_frequency_hz": Target(3, 20, 20000, True),
    "distortion.drive_db": Target(5, 0, 36),
    "delay.mix": Target(6, 0, 1),
}
_REST: dict[str, float] = {
    "source": 0,
    "mode": 0,
    "threshold": 0.5,
    "hysteresis": 0.05,
    "low": 0,
    "high": 1,
    "invert": 0,
    "hold": 0,
    "delay": 0,
    "attack": 0.05,
    "release": 0.5,
    "curve": 0,
    "min": 0,
    "max": 1,
    "target": _NONE,
    "midi": 0,
    "channel": 1,
}
"""A slot at its defaults; its controller follows from its number."""
_MODES = {"none": 0, "above": 1, "below": 2}
_CURVES = {"lin": 0, "exp": 1, "log": 2}


@dataclass
class Slots:
    """A preset as the plugin takes it.

    Attributes
    ----------
    name, description : str
    parameters : dict of str to float
        Values by the symbols of the plugin's parameters: all of the slots, and what else is set.
    sources : dict of str to str
        Descriptors of the slots, by the symbols of their sources.
    notes : list of str
        What is not as in pedalboard, a sentence each.
    """

    name: str
    description: str
    parameters: dict[str, float] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def slots_of(preset: Preset) -> Slots:
    """Translate a preset.

    Raises
    ------
    PresetError
        It has more maps than the plugin has slots, or another model than the plugin can have.
    """
    if len(preset.maps) > SLOTS:
        raise PresetError(
            f"{preset.name} has {len(preset.maps)} maps; the plugin has {SLOTS} slots."
        )
    model = (preset.model or "scene") if names_labels(preset) else "measuring only"
    if model not in MODELS:
        raise PresetError(
            f"{preset.name} hears with {model}; the plugin has {', '.join(MODELS[1:])}, and "
            "files that 'pyplugin plugins model' writes."
        )
    slots = Slots(preset.name, " ".join(preset.description.split()))
    slots.parameters["model"] = MODELS.index(model)
    if preset.hop is not None:
        slots.parameters["hop"] = preset.hop
    for number in range(1, SLOTS + 1):  # hosts leave alone what a preset does not name
        slots.parameters |= {f"slot{number}_{name}": value for name, value in _REST.items()}
        slots.parameters[f"slot{number}_cc"] = FIRST_CONTROLLER + number - 1
    for number, item in enumerate(preset.maps, 1):
        _fill(slots, number, item, preset, model)
    moved = {item.target.partition(".")[0] for item in preset.maps}
    for effect in preset.effects:
        if effect.id not in moved:
            slots.notes.append(f"{effect.id}: put a {effect.type} behind the plugin.")
        elif effect.type == "delay":
            slots.parameters["delay_time"] = effect.parameters.get("delay_seconds", 0.5)
            slots.parameters["delay_feedback"] = effect.parameters.get("feedback", 0.0)
    return slots


def _fill(slots: Slots, number: int, item: Map, preset: Preset, model: str) -> None:
    knobs = item.source.knobs
    descriptor, low, high = _source(slots, number, item.source.descriptors, model)
    effect_id, _, parameter = item.target.partition(".")
    kind = next(each.type for each in preset.effects if each.id == effect_id)
    target = _TARGETS.get(f"{kind}.{parameter}")
    values: dict[str, float] = {
        "source": _sources_of(model).index(descriptor),
        "mode": _MODES[knobs.gate],
        "invert": float(knobs.invert),
        "hold": knobs.hold,
        "delay": knobs.delay,
        "attack": knobs.attack,
        "release": knobs.release,
    }

    def share(value: float) -> float:
        return (value - low) / (high - low)

    if knobs.gate != "none":
        values["threshold"] = share(knobs.threshold)
        values["hysteresis"] = knobs.hysteresis / abs(high - low)
    else:
        values["low"] = 0.0 if knobs.low is None else share(knobs.low)
        values["high"] = 1.0 if knobs.high is None else share(knobs.high)
    if target is None:
        controller = FIRST_CONTROLLER + number - 1
        values |= {"midi": 1, "max": knobs.depth}
        values["curve"] = _CURVES["exp" if knobs.curve == "exp" else "lin"]
        slots.notes.append(
            f"{item.target}: the plugin has no {kind}; slot {number} sends controller {controller}."
        )
    else:
        values |= _scaled(slots, item, knobs, target)
    for name, value in values.items():
        symbol = f"slot{number}_{name}"
        within = value
        if name in ("threshold", "hysteresis", "low", "high", "min", "max"):
            within = min(max(value, 0.0), 1.0)
        if abs(within - value) > 1e-6:
            slots.notes.append(f"{item.target}: {name} is beyond the plugin's range, cut off.")
        slots.parameters[symbol] = within
    slots.sources[f"slot{number}_source"] = descriptor


def _scaled(slots: Slots, item: Map, knobs: Knobs, target: Target) -> dict[str, float]:
    """Return target, curve, min and max of a parameter that the plugin has."""
    start, end = target.share(knobs.min), target.share(knobs.max)
    curve = "exp" if knobs.curve == "exp" else "lin"
    if target.even_ratios != (knobs.curve == "log"):
        slots.notes.append(f"{item.target}: goes by {'ratio' if target.even_ratios else 'step'}.")
    return {
        "target": target.number,
        "curve": _CURVES[curve],
        "min": start,
        "max": start + knobs.depth * (end - start),
    }


def _sources_of(model: str) -> list[str]:
    if model == MODELS[0]:
        return slot_sources(model, ())
    if model in registry.NETWORKS:  # known before it is built
        return slot_sources(model, registry.NETWORKS[model].labels)
    return slot_sources(model, registry.load(model).card.labels)


def _source(
    slots: Slots, number: int, descriptors: Sequence[str], model: str
) -> tuple[str, float, float]:
    """Return the plugin's name of a source, and what is 0 and 1 of its range."""
    names = [short_name(name) for name in descriptors]
    if len(names) > 1:
        wanted = {name.removeprefix("tag.") for name in names}
        for group, labels in GROUPS.get(model, {}).items():
            if {slug(label) for label in labels} == wanted:
                return f"head.any.{slug(group)}", 0.0, 1.0
        slots.notes.append(
            f"slot {number} hears {names[0]} alone: no group of the plugin has all its labels."
        )
    name = names[0]
    if name.startswith("signal."):
        about = SIGNALS[name.removeprefix("signal.")]
        return name, about.low, about.high
    return name, 0.0, 1.0


# ---- files ----

_STATE_VERSION = 1
_PARAMETER, _SOURCE = 1, 2  # keys of a state's entries
LV2_URI = "urn:pyplugin:tagnode"
VST3_CLASS = hashlib.sha256(LV2_URI.encode()).digest()[:16]
"""Class identifier of the VST3."""

FORMATS = ("lv2", "vst3", "clap")


def state(slots: Slots) -> bytes:
    """Return what the plugin's hosts keep with a project, and CLAP hosts take as a preset.

    Little-endian: ``TAGSTATE``, uint32 version, and entries (uint16 key, uint16 length, bytes): a
    parameter is float32 and its symbol, a source uint8, the slot, and its name.
    """

    def entry(key: int, body: bytes) -> bytes:
        return struct.pack("<HH", key, len(body)) + body

    parts = [b"TAGSTATE", struct.pack("<I", _STATE_VERSION)]
    parts += [
        entry(_PARAMETER, struct.pack("<f", value) + symbol.encode())
        for symbol, value in slots.parameters.items()
    ]
    for symbol, name in slots.sources.items():
        slot = int(symbol.removeprefix("slot").partition("_")[0]) - 1
        parts.append(entry(_SOURCE, bytes([slot]) + name.encode()))
    return b"".join(parts)


def vst3_preset(slots: Slots) -> bytes:
    """Return a ``.vstpreset``: a header, the component's state, and the list of such chunks."""
    data, header = state(slots), 48
    identifier = VST3_CLASS.hex().upper().encode()
    listed = struct.pack("<4sI4sqq", b"List", 1, b"Comp", header, len(data))
    head = struct.pack("<4si32sq", b"VST3", 1, identifier, header + len(data))
    return head + data + listed


def lv2_bundle(presets: Sequence[Slots]) -> dict[str, str]:
    """Return the files of an LV2 bundle of presets, by name."""
    head = (
        "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n"
        "@prefix pset: <http://lv2plug.in/ns/ext/presets#> .\n"
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
    )
    files = {"manifest.ttl": head}
    for slots in presets:
        address = slug(slots.name) or hashlib.sha256(slots.name.encode()).hexdigest()[:8]
        about = f"\n<{LV2_URI}:preset:{address}>\n    a pset:Preset ;\n"
        about += f"    lv2:appliesTo <{LV2_URI}> ;\n"
        file = f"{address}.ttl"
        files["manifest.ttl"] += about + f"    rdfs:seeAlso <{file}> .\n"
        ports = " , ".join(
            f'[\n        lv2:symbol "{symbol}" ;\n        pset:value {value:.7g}\n    ]'
            for symbol, value in slots.parameters.items()
        )
        # Turtle escapes strings as JSON does, but for pairs of surrogates.
        label, comment = (
            json.dumps(text, ensure_ascii=False) for text in (slots.name, slots.description)
        )
        files[file] = (
            head
            + about
            + f"    rdfs:label {label} ;\n"
            + f"    rdfs:comment {comment} ;\n"
            + f"    lv2:port {ports} .\n"
        )
    return files


def export(presets: Sequence[Slots], folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write presets for the plugin.

    Parameters
    ----------
    presets : sequence of Slots
    folder : Path
        Made if it is not there. It gets ``tagnode-presets.lv2``, and ``NAME.vstpreset`` and
        ``NAME.tagstate`` for each preset, with ``-`` for what is not for names of files.
    formats : sequence of str
        ``"lv2"``, ``"vst3"``, ``"clap"``.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    PypluginError
        A file cannot be written.
    """
    files: dict[str, bytes] = {}
    if "lv2" in formats:
        for name, text in lv2_bundle(presets).items():
            files[f"tagnode-presets.lv2/{name}"] = text.encode()
    for slots in presets:
        name = re.sub(r"[^\w. -]+", "-", slots.name).strip(". -") or "preset"
        if "vst3" in formats:
            files[f"{name}.vstpreset"] = vst3_preset(slots)
        if "clap" in formats:
            files[f"{name}.tagstate"] = state(slots)
    written = []
    for name, data in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PypluginError(f"{path.parent} cannot be made: {sentence(error)}.") from error
        with replacing(path) as part:
            part.write_bytes(data)
        written.append(path)
    return written
