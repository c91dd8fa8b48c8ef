"""Models from files of other people: what ``tagnode models import`` does.

A file becomes a head, if it is a short network on another model's embedding, or a model, see
:mod:`pyplugin.models.adapting`. Nothing in a file is executed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pyplugin.errors import ModelError, NotBuiltError
from pyplugin.models import heads, registry
from pyplugin.models.adapting import (
    NO_PROBABILITIES,
    ImportOptions,
    described,
    graph_to,
    labels_of,
    network_model,
    stated,
    stated_front_end,
    tflite_model,
)
from pyplugin.models.card import Card
from pyplugin.models.checking import SIZE_LIMIT, with_line
from pyplugin.models.folders import MOST_MODEL_BYTES, data_folder, read_file
from pyplugin.models.graphs.graph import Graph
from pyplugin.models.graphs.lowering import stages_of
from pyplugin.models.graphs.source import NetworkLayer, NetworkSource, OpenShapeError, layers_of
from pyplugin.models.importers.importer import Built
from pyplugin.models.recognition import (
    backbone_of,
    embedding_of,
    head_name,
    known_frames,
    missing_backbone,
    recognise,
)
from pyplugin.models.starts import Start, parse_start
from pyplugin.models.tflite_file import TfliteFile

MOST_FRAMES = 100_000
"""Of a patch of a network that leaves their number open."""


@dataclass(frozen=True)
class Imported:
    """What became of a file.

    Attributes
    ----------
    kind
        ``"head"`` or ``"model"``.
    name
        Of it.
    path
        Where it was written.
    notes
        Sentences that the user should see.
    """

    kind: str
    name: str
    path: Path
    notes: tuple[str, ...]


def import_file(path: str | Path, options: ImportOptions | None = None) -> Imported:
    """Import a file as a head or a model.

    Parameters
    ----------
    path
        ``.pb``, ``.onnx``, ``.h5``, ``.keras``, ``.tflite``, or ``model.json`` of TensorFlow.js.
    options
        What else is known.

    Returns
    -------
    Imported

    Raises
    ------
    ModelError
        The file is damaged or of another kind, has an operator that is not known, or something
        that has to be known is not: the message says what, and what the file has.
    """
    file = Path(path)
    given = options or ImportOptions()
    if (
        given.name is not None
        and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", given.name) is None
    ):
        raise ModelError(
            f"A model cannot be called {given.name!r}; letters, digits, '.', '-' and '_' are "
            "possible."
        )
    start = _start(file, given)
    stated = start.content.get("patch_frames") if start is not None else None
    opened = open_file(file, given.patch or (stated and min(stated, MOST_FRAMES)))
    if isinstance(opened, TfliteFile):
        return _written(*tflite_model(file, opened, start, given))
    return _network(file, opened, start, given)


def open_file(path: Path, frames: int | None = None) -> NetworkSource | TfliteFile:
    """Read a network of any format.

    Parameters
    ----------
    path
        The file.
    frames
        Size of a dimension of the input that the file leaves open.

    Raises
    ------
    ModelError
        It is damaged or of a format that cannot be read.
    """
    if path.suffix == ".history":
        raise ModelError(
            f"{path} is a classifier of Gaia, which needs Gaia's own descriptors; train its "
            "classes anew with 'tagnode train head' on the recordings."
        )
    if path.is_dir():
        _refuse_folder(path)
    data = read_file(path, "network", MOST_MODEL_BYTES)
    try:
        try:
            return _opened(path, data, frames)
        except OpenShapeError as error:
            known = known_frames(error.shape)
            if known is None:
                raise
            return _opened(path, data, known)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def layers_in(path: Path, frames: int | None = None) -> list[NetworkLayer]:
    """Return the layers of a network in a file, each of which can be an output.

    Raises
    ------
    ModelError
        As `open_file`.
    """
    opened = open_file(path, frames)
    return opened.layers if isinstance(opened, TfliteFile) else layers_of(opened)


def _refuse_folder(path: Path) -> NoReturn:
    if (path / "saved_model.pb").is_file():
        raise ModelError(
            f"{path} is a SavedModel; freeze it into one .pb, or convert it to .tflite with "
            "tf.lite.TFLiteConverter.from_saved_model, and import that."
        )
    raise ModelError(f"{path} is a folder; give a file.")


def _opened(path: Path, data: bytes, frames: int | None) -> NetworkSource | TfliteFile:
    if data[4:8] == b"TFL3":
        return TfliteFile(data)
    if data[:8] == b"\x89HDF\r\n\x1a\n":
        from pyplugin.models.graphs.keras import read_h5

        return read_h5(data, frames)
    if data[:4] == b"PK\x03\x04":
        from pyplugin.models.graphs.keras import read_keras

        return read_keras(data, frames)
    if path.suffix == ".json":
        from pyplugin.models.graphs.tfjs import read_tfjs

        def beside(name: str) -> bytes:
            if Path(name).name != name:
                raise ModelError(f"It names the file {name!r}, which is not beside it.")
            return read_file(path.parent / name, "array file", MOST_MODEL_BYTES)

        return read_tfjs(data.decode("utf-8", "replace"), beside, frames)
    if path.suffix == ".onnx":
        from pyplugin.models.graphs.onnx import OnnxNetwork

        return OnnxNetwork(data, frames)
    if path.suffix == ".pb":
        from pyplugin.models.graphs.tensorflow import FrozenGraph

        return FrozenGraph(data, frames)
    raise ModelError(
        "Its format is not known; frozen .pb, .onnx, .h5, .keras, .tflite and model.json of "
        "TensorFlow.js can be imported."
    )


def _start(path: Path, options: ImportOptions) -> Start | None:
    """Return the card given or beside the file."""
    beside = path.with_suffix(".json")
    place = options.card or (beside if path.suffix != ".json" and beside.is_file() else None)
    if place is None:
        return None
    try:
        text = read_file(place, "card", SIZE_LIMIT).decode()
    except UnicodeDecodeError:
        raise ModelError(f"{place} is not a card: it is not UTF-8 text.") from None
    start = parse_start(text, str(place))
    try:
        stated_front_end(start)
        for sentence in start.missing:
            if sentence.startswith(("The card's 'patch_frames'", "The card's 'default_hop'")):
                raise ModelError(sentence)
    except ModelError as error:
        raise with_line(error, text, str(place)) from None
    return start


def _network(
    path: Path, source: NetworkSource, start: Start | None, options: ImportOptions
) -> Imported:
    found, output = described(path, source, start, options)
    named = options.front_end is not None or stated_front_end(start) is not None
    if not named and recognise(found) is None:
        graph = graph_to(path, source, {"activations": output})
        stages = stages_of(graph)
        if stages is not None:
            unused = {"--layer": options.layers, "--hop": options.hop, "--patch": options.patch}
            for name, value in {**unused, "--calibrate": options.patches}.items():
                if value:
                    raise ModelError(f"{path} is a head; {name} is for models.")
            return _head(path, graph, stages, start, options)
    if options.model or options.embedding:
        raise ModelError(f"{path} is no head; --model and --embedding are for heads.")
    return _written(*network_model(path, source, start, options))


def _written(card: Card, data: bytes, notes: Sequence[str]) -> Imported:
    if registry.is_reserved(card.name, card.labels):
        raise ModelError(f"There is a model {card.name!r} of pyplugin's own; give another --name.")
    (path,) = registry.store(Built(((data, card),)), data_folder())
    return Imported("model", card.name, path, tuple(notes))


# ---- heads


def _head(
    path: Path,
    graph: Graph,
    stages: tuple[heads.HeadStage, ...],
    start: Start | None,
    options: ImportOptions,
) -> Imported:
    (value,) = graph.inputs.values()
    place = backbone_of(path.stem if path.stem != "model" else path.parent.name, start)
    model = options.model or (place[0] if place else None)
    output = options.embedding or embedding_of(model)
    if model is None:
        raise ModelError(
            f"{path} is a head on an embedding of {value.size} values, and nothing says whose; "
            "name the model by --model."
        )
    count = graph.outputs["activations"].size
    labels, notes = labels_of(path, count, start, None, options)
    stem = path.parent.name if path.stem == "model" else path.stem
    name = options.name or re.sub(r"[^A-Za-z0-9_-]+", "-", head_name(stem))
    last = stages[-1]
    activation = last.activation if isinstance(last, heads.Dense) else "none"
    licence = options.licence or stated(start, "license")
    about: dict[str, Any] = {"imported": path.name}
    if licence:
        about["licence"] = licence
    if start is not None:
        about |= {k: v for k, v in start.content.items() if k in ("link", "author", "description")}
    if activation == "none":
        about["purpose"] = "regression"
        notes.append(NO_PROBABILITIES)
    head = heads.Head(
        name, labels, model, output, value.size, activation != "softmax", stages, about
    )
    notes += _backbone_notes(head)
    return Imported("head", name, heads.save(head), tuple(notes))


def _backbone_notes(head: heads.Head) -> list[str]:
    """Check a head against its model where that is here; else say how to get it."""
    try:
        card = registry.info(head.model)
    except NotBuiltError as error:
        return [str(error)]
    except ModelError:
        return [missing_backbone(head.name, head.model)]
    found = card.output_named(head.output)
    if found.size != head.size:
        raise ModelError(
            f"The head takes {head.size} values; {head.output} of {head.model} has {found.size}."
        )
    return []
