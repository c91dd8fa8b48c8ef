"""Presets for the plugin: the maps of a preset as slots of Tagnode in a workstation.

A preset automates parameters of pedalboard's effects. The plugin has slots, each with a source, a
target and the same knobs. Where the plugin has no such effect the slot sends a MIDI controller, for
the host to route to a plugin that has. :func:`slots_of` translates, and notes what differs.
"""

import argparse
import hashlib
import json
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyplugin.automation.presets import (
    Effect,
    Map,
    Preset,
    names_labels,
    read_preset,
    shipped_presets,
)
from pyplugin.daw import parameters
from pyplugin.daw.container import GROUPS
from pyplugin.daw.parameters import IDENTITY, MODELS, PARAMETERS, TARGETS
from pyplugin.errors import PresetError, PypluginError
from pyplugin.models import registry
from pyplugin.node.signals import SIGNALS
from pyplugin.support.descriptors import owner_of, short_name
from pyplugin.support.files import sentence, write_file
from pyplugin.support.spelling import nearest, slug

_NO_MODEL = "measuring only"
_TARGETS = {
    "gain.gain_db": "gain",
    "ladder_filter.cutoff_hz": "low-pass",
    "lowpass_filter.cutoff_frequency_hz": "low-pass",
    "highpass_filter.cutoff_frequency_hz": "high-pass",
    "distortion.drive_db": "drive",
    "delay.mix": "delay",
}
"""Targets of the plugin by the parameters of pedalboard's effects that they stand for."""
_DELAY = {"delay_seconds": ("delay_time", 0.5), "feedback": ("delay_feedback", 0.0)}
"""Parameters of the whole plugin by those of pedalboard's delay, with its defaults."""


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
        What differs from pedalboard, a sentence each.
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
        It uses stems, or has more maps than the plugin has slots, a model that the plugin cannot
        have, or a label that the model does not have.
    """
    if preset.uses_stems:
        raise PresetError(f"{preset.name} uses stems, which the plugin does not separate.")
    if len(preset.maps) > parameters.SLOTS:
        raise PresetError(
            f"{preset.name} has {len(preset.maps)} maps; the plugin has {parameters.SLOTS} slots."
        )
    model = _model_of(preset)
    slots = Slots(preset.name, " ".join(preset.description.split()))
    slots.parameters["model"] = MODELS[model].id
    if preset.hop is not None:
        _set(slots, "hop", preset.hop, preset.name)
    for symbol, about in PARAMETERS.items():  # hosts leave alone what a preset does not name
        if about.slot > 0 and not about.output:
            slots.parameters[symbol] = about.start
    combine = {item.target: item.combine for item in preset.maps if item.combine is not None}
    for number, item in enumerate(preset.maps, 1):
        _fill(slots, number, item, preset, model, combine.get(item.target, "sum"))
    slots.notes.extend(list(_notes_on_effects(slots, preset)))
    return slots


def _model_of(preset: Preset) -> str:
    model = (preset.model or "scene") if names_labels(preset) else _NO_MODEL
    if model not in MODELS or MODELS[model].custom:
        known = (each.name for each in MODELS.values() if not each.custom)
        raise PresetError(
            f"{preset.name} needs the model {model}; the plugin has "
            f"{', '.join(name for name in known if name != _NO_MODEL)}, and files that 'pyplugin "
            "plugins model' writes."
        )
    return model


def _set(slots: Slots, symbol: str, value: float, what: str) -> None:
    """Set a parameter, limited to its range; add a note if that changes the value."""
    about = PARAMETERS[symbol]
    within = min(max(value, about.low), about.high)
    if abs(within - value) > 1e-6 * max(1.0, abs(about.high)):
        name = symbol.partition("_")[2] if about.slot else symbol
        slots.notes.append(f"{what}: {name} is beyond the plugin's range, cut off.")
    slots.parameters[symbol] = within


def _kind(preset: Preset, item: Map) -> str:
    effect_id = item.target.partition(".")[0]
    return next(each.type for each in preset.effects if each.id == effect_id)


def _target(preset: Preset, item: Map) -> parameters.PluginTarget | None:
    """Return the plugin's target of a map, if it has one."""
    name = _TARGETS.get(f"{_kind(preset, item)}.{item.target.partition('.')[2]}")
    return None if name is None else TARGETS[name]


def _fill(slots: Slots, number: int, item: Map, preset: Preset, model: str, combine: str) -> None:
    knobs = item.source.knobs
    descriptor, low, high = _source(slots, number, item, model)
    target = _target(preset, item)

    def share(value: float) -> float:
        return (value - low) / (high - low)

    same = ("median", "invert", "hold", "delay", "attack", "release", "depth")
    values = {name: float(getattr(knobs, name)) for name in same}
    values["source"] = parameters.source_id(descriptor)
    values["target"] = 0 if target is None else target.id
    choices = {"gate": knobs.gate, "curve": knobs.curve, "combine": combine}
    for name, text in choices.items():
        values[name] = PARAMETERS[f"slot{number}_{name}"].choices[text]
    if knobs.gate != "none":
        values["threshold"] = share(knobs.threshold)
        values["hysteresis"] = knobs.hysteresis / abs(high - low)
    else:
        values["low"] = 0.0 if knobs.low is None else share(knobs.low)
        values["high"] = 1.0 if knobs.high is None else share(knobs.high)
    if target is None:
        values |= _controller(slots, number, item, preset)
    else:
        values |= {"min": target.share(knobs.min), "max": target.share(knobs.max)}
    if knobs.curve == "log" and not (knobs.min > 0 and knobs.max > 0):
        slots.notes.append(f"{item.target}: log needs min and max above 0; the slot goes by lin.")
    for name, value in values.items():
        _set(slots, f"slot{number}_{name}", value, item.target)
    slots.sources[f"slot{number}_source"] = descriptor


def _controller(slots: Slots, number: int, item: Map, preset: Preset) -> dict[str, float]:
    """Return the fields of a slot whose value leaves as a controller, 0 to 1."""
    knobs, kind = item.source.knobs, _kind(preset, item)
    cc = int(slots.parameters[f"slot{number}_cc"])
    values = {"midi": PARAMETERS[f"slot{number}_midi"].choices["7-bit"], "min": 0.0, "max": 1.0}
    stands = f"0 for {knobs.min:g} and 127 for {knobs.max:g}"
    largest = max(knobs.min, knobs.max)
    if knobs.curve == "log" and min(knobs.min, knobs.max) > 0:  # ratios stay what they are
        values |= {"min": knobs.min / largest, "max": knobs.max / largest}
        stands = f"127 for {largest:g} and less in proportion"
    slots.notes.append(
        f"{item.target}: the plugin has no target for {kind}; slot {number} sends controller {cc}, "
        f"{stands}."
    )
    return values


def _notes_on_effects(slots: Slots, preset: Preset) -> Iterator[str]:
    """Yield what the plugin's chain does otherwise than the preset's."""
    maps: dict[str, list[Map]] = {}
    for item in preset.maps:
        maps.setdefault(item.target.partition(".")[0], []).append(item)
    places: dict[str, list[str]] = {}  # ids of effects by the target that they become
    for effect in preset.effects:
        moved = maps.get(effect.id, [])
        targets = {_target(preset, item) for item in moved} - {None}
        for target in targets:
            places.setdefault(target.name, []).append(effect.id)  # type: ignore[union-attr]
        if effect.type == "delay" and targets:
            yield f"{effect.id}: the dry sound keeps its level in the plugin."
            for name, (symbol, start) in _DELAY.items():
                _set(slots, symbol, effect.parameters.get(name, start), effect.id)
        yield from _left_out(effect, moved, bool(targets))
        for parameter in {item.target for item in moved if _target(preset, item) is None}:
            if sum(item.target == parameter for item in moved) > 1:
                yield f"{parameter}: each slot sends a controller of its own; they do not combine."
    for name, ids in places.items():
        if len(ids) > 1:
            yield f"{' and '.join(ids)}: the plugin has one {name}, on which their slots combine."
    stages = [TARGETS[name].stage for name in places]
    if stages != sorted(stages):
        order = sorted(places, key=lambda name: TARGETS[name].stage)
        yield f"{preset.name}: the plugin's chain is {', '.join(order)}, in this order."


def _left_out(effect: Effect, moved: Sequence[Map], inside: bool) -> Iterator[str]:
    if not moved:
        yield f"{effect.id}: put a {effect.type} behind the plugin."
    if not inside:
        return
    carried = {item.target.partition(".")[2] for item in moved}
    carried |= set(_DELAY) if effect.type == "delay" else set()
    for name, value in effect.parameters.items():
        if name not in carried:
            yield f"{effect.id}: the plugin has no {name}; {value:g} is left out."


def _source(slots: Slots, number: int, item: Map, model: str) -> tuple[str, float, float]:
    """Return the descriptor of a source, and what is 0 and 1 of its range."""
    names = [_bare(name, model) for name in item.source.descriptors]
    if len(names) > 1:
        wanted = {name.removeprefix("tag.") for name in names}
        for group, labels in GROUPS.get(model, {}).items():
            if {slug(label) for label in labels} == wanted:
                return f"head.any.{slug(group)}", 0.0, 1.0
        slots.notes.append(
            f"slot {number} has the source {names[0]} alone: no group of the plugin has all labels."
        )
    name = names[0]
    if name.startswith("signal."):
        about = SIGNALS.get(name.removeprefix("signal."))
        if about is None:
            raise PresetError(f"{name!r} is no signal; {nearest(name[7:], SIGNALS)}")
        return name, about.low, about.high
    if name.startswith("tag."):
        known = {f"tag.{slug(label)}" for label in registry.labels(model)}
        if name not in known:
            raise PresetError(f"{model} has no label {name!r}; {nearest(name, known)}")
    elif name not in (f"head.any.{slug(group)}" for group in GROUPS.get(model, {})):
        head = owner_of(name)
        slots.notes.append(
            f"slot {number}: {name} needs the head in the plugin: tagnode plugins model {model} "
            f"--head {head} --as custom-1, then Model custom-1."
        )
    return name, 0.0, 1.0


def _bare(descriptor: str, model: str) -> str:
    """Return a descriptor without its model.

    Raises
    ------
    PresetError
        It is of another model: the plugin runs one.
    """
    short = short_name(descriptor)
    other = owner_of(descriptor)
    if short != descriptor and other != model:
        raise PresetError(f"{descriptor!r} is of {other}; the plugin runs one model, {model}.")
    return short


# ---- files ----

_PARAMETER, _NAME = 1, 2  # keys of a state's entries

FORMATS = ("lv2", "vst3", "clap")


def state(slots: Slots) -> bytes:
    """Return what the plugin's hosts keep with a project, and CLAP hosts take as a preset.

    Little-endian: ``TAGSTATE``, uint32 version, and entries (uint16 key, uint16 length, bytes): a
    parameter is float32 and its symbol; a name, that of a source or a choice, is uint8, the length
    of the symbol, the symbol, and the name.
    """

    def entry(key: int, body: bytes) -> bytes:
        return struct.pack("<HH", key, len(body)) + body

    parts = [b"TAGSTATE", struct.pack("<I", parameters.STATE_VERSION)]
    for symbol, value in slots.parameters.items():
        parts.append(entry(_PARAMETER, struct.pack("<f", value) + symbol.encode()))
        choices = {number: name for name, number in PARAMETERS[symbol].choices.items()}
        name = slots.sources.get(symbol) or choices.get(int(value))
        if name:
            size = bytes([len(symbol)])
            parts.append(entry(_NAME, size + symbol.encode() + name.encode()))
    return b"".join(parts)


def vst3_preset(slots: Slots) -> bytes:
    """Return a ``.vstpreset``: a header, the component's state, and the list of such chunks."""
    data, header = state(slots), 48
    identifier = IDENTITY.vst3_class.encode()
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
        about = f"\n<{IDENTITY.uri}:preset:{address}>\n    a pset:Preset ;\n"
        about += f"    lv2:appliesTo <{IDENTITY.uri}> ;\n"
        file = f"{address}.ttl"
        files["manifest.ttl"] += about + f"    rdfs:seeAlso <{file}> .\n"
        ports = " , ".join(
            f'[\n        lv2:symbol "{symbol}" ;\n        pset:value {value:.7g}\n    ]'
            for symbol, value in slots.parameters.items()
        )
        # Turtle escapes strings as JSON does, but for pairs of surrogates.
        texts = (slots.name, slots.description)
        label, comment = (json.dumps(text, ensure_ascii=False) for text in texts)
        described = f"    rdfs:label {label} ;\n    rdfs:comment {comment} ;\n"
        files[file] = f"{head}{about}{described}    lv2:port {ports} .\n"
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
        written.append(write_file(path, data))
    return written


# ---- compiled in ----


def c_source(presets: Sequence[Slots]) -> str:
    """Return presets as C, as ``native/plugin/core/presets.h`` declares them."""
    lines = [
        '#include "core/presets.h"',
        "",
        f"const uint32_t tagplug_preset_count = {len(presets)};",
    ]
    for number, slots in enumerate(presets):
        data = state(slots)
        lines.append(f"static const unsigned char state_{number}[] = {{")
        lines += [",".join(map(str, data[at : at + 24])) + "," for at in range(0, len(data), 24)]
        lines.append("};")
    lines.append("const tagplug_preset tagplug_presets[] = {")
    for number, slots in enumerate(presets):
        name, description = map(_c_string, (slots.name, slots.description))
        lines.append(f"{{{name}, {description}, state_{number}, sizeof state_{number}}},")
    return "\n".join([*lines, "};", ""])


def _c_string(text: str) -> str:
    """Return a literal; what is not printable ASCII is escaped, in three octal digits a byte."""
    safe = (0x20 <= byte < 0x7F and byte not in b'"\\?' for byte in text.encode())
    pairs = zip(text.encode(), safe, strict=True)
    return '"' + "".join(chr(byte) if keep else f"\\{byte:03o}" for byte, keep in pairs) + '"'


def _main() -> None:
    parser = argparse.ArgumentParser(description="Write the shipped presets as C for the plugin.")
    parser.add_argument("file", type=Path, help="to write, FILE.c")
    given = parser.parse_args()
    presets = [slots_of(read_preset(name)) for name in sorted(shipped_presets())]
    write_file(given.file, c_source(presets).encode())


if __name__ == "__main__":
    _main()
