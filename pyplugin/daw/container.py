"""Containers: a model, its card and its heads in one ``.tagnode`` file, for the DAW plugin.

``native/plugin/core/container.h`` describes the format. The plugin looks in the folder ``plugins``
below `data_folder`; :func:`install` writes them there.

Run as: ``python -m pyplugin.daw.container NAME FILE``.
"""

import argparse
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from pyplugin.daw.parameters import numbered, source_name
from pyplugin.errors import ModelError
from pyplugin.models import heads as heads_module
from pyplugin.models import registry
from pyplugin.models.card import Card
from pyplugin.models.folders import data_folder, make_folder
from pyplugin.models.heads import Dense, Head
from pyplugin.models.registry import Model
from pyplugin.models.structs import card_struct
from pyplugin.support.files import write_file
from pyplugin.support.spelling import slug

_MTT_GROUPS = {
    "voice": (
        *("vocal", "vocals", "voice", "singing", "female", "woman", "female vocal"),
        *("female voice", "male", "man", "male vocal", "male voice"),
    ),
    "drums": ("drums", "beat", "beats", "techno", "dance", "rock", "metal"),
    "strings": ("strings", "violin", "cello"),
    "heavy": ("metal", "rock", "loud"),
    "calm": ("ambient", "slow", "soft", "quiet", "new age"),
}
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "scene": {"voice": ("voice",)},
    "musicnn-mtt": _MTT_GROUPS,
    "vgg-mtt": _MTT_GROUPS,
    "yamnet": {
        "applause": ("Applause", "Clapping", "Cheering"),
        "cough": ("Cough", "Sneeze", "Throat clearing", "Sniff"),
        "siren": (
            *("Siren", "Civil defense siren", "Police car (siren)", "Ambulance (siren)"),
            *("Fire engine, fire truck (siren)", "Fire alarm", "Smoke detector, smoke alarm"),
            "Alarm",
        ),
    },
}
"""Labels that belong together, by model. A slot of the plugin has one source; the sum of a group is
one. Presets sum the same labels."""

_GROUP_HEAD = "any"  # its labels are the groups: "head.any.voice"
_MAGIC = b"TAGMODL2"
_ALIGNMENT = 16
_MOST_LABELS = 4096  # of a model and its heads
_MOST_HEADS = 32
_WORDS = (
    "sample_rate",
    "frame",
    "fft",
    "hop",
    "bands",
    "window",
    "mel_scale",
    "mel_triangles",
    "mel_norm",
    "spectrum",
    "exponent",
    "log",
    "framing",
)


def container_path(name: str, folder: Path | None = None) -> Path:
    """Return where the plugin looks for a model, in `folder` or else in `data_folder`."""
    return (folder if folder is not None else data_folder()) / "plugins" / f"{name}.tagnode"


def encode(card: Card, data: bytes, heads: Sequence[Head] = (), *, groups: bool = True) -> bytes:
    """Return the bytes of a container.

    Parameters
    ----------
    card
        Of an int8 model: the plugin has our inline runtime only.
    data
        The ``.tflite`` file.
    heads
        Up to 32, each on an output that the model has.
    groups
        Add the groups of the model's labels as a head.

    Raises
    ------
    ModelError
        The model is not int8, has an embedding or regression values only, a head does not fit it,
        or there are too many labels or heads.
    """
    if "tflite-int8" not in card.model_types:
        raise ModelError(
            f"{card.name} is a float model; the plugin runs int8 models only. 'tagnode models "
            "import --calibrate RECORDINGS' makes one of a network's file."
        )
    if not card.labels or card.outputs[0].purpose != "predictions":
        raise ModelError(
            f"{card.name} has no labels with values from 0 to 1, which the plugin's sources are."
        )
    grouped = group_head(card.name, card.labels) if groups else None
    heads = [head for head in (grouped, *heads) if head is not None]
    labels = len(card.labels) + sum(len(head.labels) for head in heads)
    if labels > _MOST_LABELS or len(heads) > _MOST_HEADS:
        raise ModelError(
            f"{card.name} would have {labels} labels and {len(heads)} heads in the plugin; at most "
            f"{_MOST_LABELS} and {_MOST_HEADS} are possible."
        )
    chunks = [_chunk(b"CARD", _card(card)), _chunk(b"TFLT", data)]
    chunks += [_chunk(b"HEAD", _head(head, card)) for head in heads]
    body = struct.pack("<I", len(chunks)) + b"".join(chunks)
    return _MAGIC + struct.pack("<I", zlib.crc32(body)) + body


def write(path: str | Path, card: Card, data: bytes, heads: Sequence[Head] = ()) -> Path:
    """Write a container, whole or not at all, and return where; see :func:`encode`.

    Raises
    ------
    ModelError
        As `encode`, or the file cannot be written.
    """
    return write_file(path, encode(card, data, heads), error=ModelError)


def install(model: Model, heads: Sequence[Head] = (), *, choice: str | None = None) -> Path:
    """Write a model where the plugin looks for it, and return the path.

    Parameters
    ----------
    model
        An int8 model.
    heads
        As for `encode`.
    choice
        The plugin's name for it, ``"custom-1"`` say; that of the model by default.

    Raises
    ------
    ModelError
        As `write`.
    """
    path = container_path(choice or model.card.name)
    make_folder(path.parent)
    return write(path, model.card, model.data, heads)


def group_head(name: str, labels: Sequence[str]) -> Head | None:
    """Return the groups of a model as a head on its activations; None where it has none."""
    groups = GROUPS.get(name)
    if groups is None:
        return None
    weights = [[float(label in members) for label in labels] for members in groups.values()]
    return Head(
        name=_GROUP_HEAD,
        labels=tuple(groups),
        model=name,
        output="activations",
        size=len(labels),
        multi_label=True,
        stages=(Dense(weights, [0.0] * len(groups)),),
    )


def other_sources(card: Card, heads: Sequence[Head] = ()) -> dict[int, str]:
    """Return the labels without a fixed number in the plugin, by the number of their source.

    Parameters
    ----------
    card
        Of the model.
    heads
        As for :func:`encode`.
    """
    groups = group_head(card.name, card.labels)
    names = [f"tag.{slug(label)}" for label in card.labels]
    for head in ([] if groups is None else [groups]) + list(heads):
        names += head.descriptors
    return {number: name for number, name in numbered(names).items() if not source_name(number)}


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + bytes(-len(payload) % _ALIGNMENT)


def _text(text: str) -> bytes:
    data = text.encode()
    if not 0 < len(data) < 1 << 16 or any(byte < 0x20 or byte == 0x7F for byte in data):
        raise ModelError(f"{text!r} is empty, too long or has control characters.")
    return struct.pack("<H", len(data)) + data


def _labels(labels: Sequence[str]) -> bytes:
    return struct.pack("<I", len(labels)) + b"".join(map(_text, labels))


def _card(card: Card) -> bytes:
    struct_of = card_struct(card)  # refuses what a node cannot run
    settings = struct_of.frontend
    numbers = [int(getattr(settings, word)) for word in _WORDS] + [int(struct_of.patch_norm)]
    sizes = [output.size for output in card.outputs]
    return b"".join(
        [
            _text(card.name),
            struct.pack(f"<{len(numbers)}I", *numbers),
            struct.pack("<3d", settings.log_parameter, settings.fmin, settings.fmax),
            struct.pack("<d", struct_of.patch_range),
            struct.pack("<2I", card.patch_frames, len(sizes)),
            struct.pack(f"<{len(sizes)}I", *sizes),
            _labels(card.labels),
            struct.pack("<I", card.silence_before),
        ]
    )


def _head(head: Head, card: Card) -> bytes:
    sizes = {output.name: output.size for output in card.outputs}
    if sizes.get(head.output) != head.size:
        have = ", ".join(f"{name!r} of {size}" for name, size in sizes.items())
        raise ModelError(
            f"The head {head.name} takes {head.size} floats of the output {head.output!r}; "
            f"{card.name} has {have}."
        )
    output = struct.pack("<I", list(sizes).index(head.output))
    return _text(head.name) + output + _labels(head.labels) + heads_module.encode(head)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Write a model for the DAW plugin.")
    parser.add_argument("name", help="of the model")
    parser.add_argument("file", type=Path, help="to write, FILE.tagnode")
    given = parser.parse_args()
    model = registry.load(given.name)
    write(given.file, model.card, model.data)


if __name__ == "__main__":
    _main()
