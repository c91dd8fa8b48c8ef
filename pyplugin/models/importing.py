"""Models from files of other people: what ``tagnode models import`` does.

A file becomes a head, if it is a short network on another model's embedding, or a model, see
:mod:`pyplugin.models.adapting`. Nothing in a file is executed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from pyplugin.errors import ModelError, NotBuiltError
from pyplugin.models import heads, registry
from pyplugin.models.adapting import (
    NO_PROBABILITIES,
    described,
    graph_to,
    network_model,
    stated,
    stated_front_end,
    stem_of,
    tflite_model,
)
from pyplugin.models.card import Card
from pyplugin.models.checking import SIZE_LIMIT, with_line
from pyplugin.models.folders import MOST_MODEL_BYTES, data_folder, read_file
from pyplugin.models.graphs.converter import converted, dependent
from pyplugin.models.graphs.graph import Graph
from pyplugin.models.graphs.lowering import stages_of
from pyplugin.models.graphs.onnx_file import OnnxFile
from pyplugin.models.graphs.source import (
    KeptFile,
    NetworkLayer,
    NetworkSource,
    OpenShapeError,
    UntranslatedError,
    layers_of,
)
from pyplugin.models.graphs.tensorflow import FrozenGraph
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.importers.importer import Built
from pyplugin.models.importers.spleeter import (
    PATCH_FRAMES,
    build_family,
    checkpoint_in,
    family_of,
    is_spleeter_folder,
)
from pyplugin.models.labels import labels_of
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
from pyplugin.support.files import sentence
from pyplugin.support.spelling import nearest

MOST_FRAMES = 100_000
"""Of a patch of a network that leaves their number open."""


@dataclass(frozen=True)
class Imported:
    """What became of a file.

    Attributes
    ----------
    kind
        ``"head"``, ``"model"`` or ``"stems"``.
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
        ``.pb``, ``.onnx``, ``.h5``, ``.keras``, ``.tflite``, ``.meta`` with its checkpoint,
        ``model.json`` of TensorFlow.js, or the folder of a SavedModel or of Spleeter's.
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
    if is_spleeter_folder(file):
        return _stems(file, given)
    start = _start(file, given)
    frames = start.content.get("patch_frames") if start is not None else None
    patch = given.patch or (frames and min(frames, MOST_FRAMES))
    if given.runtime is not None:
        kept: KeptFile = _for_onnxruntime(file, replace(given, patch=patch))
        return _written(*tflite_model(file, kept, start, given))
    opened = open_file(file, patch, given.signature)
    if isinstance(opened, TfliteFile):
        return _written(*tflite_model(file, opened, start, given))
    try:
        return _network(file, opened, start, given)
    except UntranslatedError as error:
        kept = _kept(file, opened, error, replace(given, patch=patch))
        return _written(*tflite_model(file, kept, start, given))


def _stems(folder: Path, options: ImportOptions) -> Imported:
    """Import a folder of Spleeter's: the number of its networks says which one it is."""
    variables = checkpoint_in(folder)
    patch = options.patch or PATCH_FRAMES
    try:
        data, card = build_family(family_of(variables), variables, patch=patch)
    except ModelError as error:
        raise ModelError(f"{folder}: {error}") from None
    if options.name is not None:
        card = structs.replace(card, name=options.name)
    if options.licence is not None:
        card = structs.replace(card, license=options.licence)
    (path,) = registry.store(Built(((data, card),)), data_folder())
    return Imported("stems", card.name, path, ())


def open_file(
    path: Path, frames: int | None = None, signature: str | None = None
) -> NetworkSource | TfliteFile:
    """Read a network of any format.

    Parameters
    ----------
    path
        The file or folder.
    frames
        Size of a dimension of the input that the file leaves open.
    signature
        Of a SavedModel that has several.

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
    file = _within(path)
    data = read_file(file, "network", MOST_MODEL_BYTES)
    try:
        if signature is not None and file.name != _SAVED_MODEL:
            raise ModelError("It is no SavedModel, so it has no signatures.")
        try:
            return _opened(file, data, frames, signature)
        except OpenShapeError as error:
            known = known_frames(error.shape)
            if known is None:
                raise
            return _opened(file, data, known, signature)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def layers_in(
    path: Path, frames: int | None = None, signature: str | None = None
) -> list[NetworkLayer]:
    """Return the layers of a network in a file, each of which can be an output.

    Raises
    ------
    ModelError
        As `open_file`.
    """
    opened = open_file(path, frames, signature)
    if isinstance(opened, TfliteFile):
        return opened.layers
    try:
        for name in opened.ends:
            opened.value(name)
    except UntranslatedError:
        if path.suffix == ".onnx":
            return _for_onnxruntime(path, ImportOptions(runtime="onnxruntime", patch=frames)).layers
    return layers_of(opened)


_SAVED_MODEL = "saved_model.pb"


def _within(path: Path) -> Path:
    """Return the file that says what a folder has; a file is returned as it is."""
    try:
        if not path.is_dir():
            return path
        names = sorted(each.name for each in path.iterdir())
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {sentence(error)}.") from error
    metas = [name for name in names if name.endswith(".meta")]
    for name in (_SAVED_MODEL, "model.json"):
        if name in names:
            return path / name
    if len(metas) == 1:
        return path / metas[0]
    raise ModelError(
        f"{path} is a folder without {_SAVED_MODEL}, so it is no SavedModel; give the file of a "
        "network."
    )


def _opened(
    path: Path, data: bytes, frames: int | None, signature: str | None
) -> NetworkSource | TfliteFile:
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
    if path.name == _SAVED_MODEL:
        from pyplugin.models.graphs.saved_model import read_saved_model

        stem = path.parent / "variables" / "variables"
        return read_saved_model(data, lambda: _checkpoint(stem), signature, frames)
    if path.name.endswith(".meta"):
        from pyplugin.models.graphs.saved_model import read_meta

        stem = path.with_name(path.name.removesuffix(".meta"))
        return read_meta(data, lambda: _checkpoint(stem), frames)
    if path.name.endswith((".index", ".data-00000-of-00001", ".ckpt")):
        raise ModelError(
            "It has the arrays of a checkpoint; give the .meta file beside it, which has the "
            "network."
        )
    if path.suffix == ".onnx":
        from pyplugin.models.graphs.onnx import OnnxNetwork

        return OnnxNetwork(data, frames)
    if path.suffix == ".pb":
        from pyplugin.models.graphs.tensorflow import FrozenGraph

        return FrozenGraph(data, frames)
    raise ModelError(
        "Its format is not known; SavedModels, checkpoints with their .meta, frozen .pb, .onnx, "
        ".h5, .keras, .tflite and model.json of TensorFlow.js can be imported."
    )


def _checkpoint(stem: Path) -> tuple[bytes, bytes]:
    """Return the two files of a checkpoint."""
    ends = (".index", ".data-00000-of-00001")
    index, data = (
        read_file(stem.with_name(stem.name + end), "checkpoint", MOST_MODEL_BYTES) for end in ends
    )
    return index, data


# ---- networks that are not known here


def _for_onnxruntime(path: Path, options: ImportOptions) -> OnnxFile:
    """Return an ``.onnx`` file as it is kept for onnxruntime."""
    if options.runtime != "onnxruntime" or path.suffix != ".onnx":
        raise ModelError(
            f"{path} cannot be kept for the runtime {options.runtime}; .onnx files can be kept for "
            "onnxruntime."
        )
    data = read_file(path, "network", MOST_MODEL_BYTES)
    try:
        try:
            return OnnxFile(data, options.patch)
        except OpenShapeError as error:
            return OnnxFile(data, known_frames(error.shape))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def _kept(
    path: Path, source: NetworkSource, error: UntranslatedError, options: ImportOptions
) -> KeptFile:
    """Return a network with operators that are not known here for a runtime that knows them."""
    if path.suffix == ".onnx":
        try:
            return _for_onnxruntime(path, replace(options, runtime="onnxruntime"))
        except ModelError as further:
            raise ModelError(f"{error} {str(further).removeprefix(f'{path}: ')}") from None
    if not isinstance(source, FrozenGraph) or _within(path).suffix == ".json":
        hint = ""
        if source.framework == "keras":
            hint = " Keras may export it as a SavedModel: model.export('network'); import that."
        raise ModelError(f"{error}{hint}")
    ends = [options.output] if options.output is not None else source.ends
    for name in (*ends, *options.layers):
        if name not in source.names:
            known = nearest(name, source.names)
            raise ModelError(f"{path}: The network has no layer {name!r}; {known}")
    wanted = dict.fromkeys([*dependent(source, ends), *options.layers])
    if not wanted:
        raise ModelError(f"{path}: no layer depends on the input.")
    try:
        return TfliteFile(converted(source, list(wanted), str(error), options.report))
    except ModelError as further:
        raise ModelError(f"{path}: {str(further).removeprefix(f'{path}: ')}") from None


def _start(path: Path, options: ImportOptions) -> Start | None:
    """Return the card given or beside the file."""
    beside = path.parent / f"{path.stem}.json"
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
    return _written(*network_model(path, source, start, options, (found, output)))


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
    place = backbone_of(stem_of(path), start)
    model = options.model or (place[0] if place else None)
    output = options.embedding or embedding_of(model)
    if model is None:
        raise ModelError(
            f"{path} is a head on an embedding of {value.size} values, and nothing says whose; "
            "name the model by --model."
        )
    count = graph.outputs["activations"].size
    labels, notes = labels_of(path, count, start, None, options)
    name = options.name or re.sub(r"[^A-Za-z0-9_-]+", "-", head_name(stem_of(path)))
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
