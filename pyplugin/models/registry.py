"""Models by name: list them, build them, load them, check them.

A name is looked up in three places: the models that come with pyplugin (``scene``), those that an
importer can build (:mod:`pyplugin.models.importers`), and the ``.tflite`` and ``.onnx`` files in
`data_folder`, whoever put them there, each with its card, ``.json``, beside it. A model is built
once; after that it works without a network connection.
"""

import contextlib
import difflib
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyplugin.errors import ModelError, NotBuiltError
from pyplugin.models.card import Card, load_card, render_card
from pyplugin.models.folders import (
    MOST_MODEL_BYTES,
    data_folder,
    make_folder,
    read_file,
    shipped_folder,
)
from pyplugin.models.graphs.onnx_file import read_interface
from pyplugin.models.importers import importer as importers
from pyplugin.models.importers.importer import BuildRequest, Built, Known, Summary
from pyplugin.models.model import Model as Model
from pyplugin.models.tflite import read_signature
from pyplugin.support.files import replacing, sentence

SUFFIXES = (".tflite", ".onnx")
"""Ends of the names of model files."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class ModelStatus:
    """A model that exists or can be built.

    Attributes
    ----------
    name : str
    built : bool
    description : str
    path : Path or None
        Of the ``.tflite`` or ``.onnx`` file, once built.
    size : int
        Of that file in bytes; 0 before.
    licence : str
        SPDX identifier.
    """

    name: str
    built: bool
    description: str
    path: Path | None
    size: int
    licence: str


@dataclass(frozen=True)
class Verification:
    """What `verify` found.

    Attributes
    ----------
    name : str
    ok : bool
    problem : str
        A sentence; empty when all is well.
    """

    name: str
    ok: bool
    problem: str


def available() -> list[ModelStatus]:
    """List the models: shipped ones, those that can be built, and what else is in the folder.

    Examples
    --------
    >>> available()[0].name
    'scene'
    """
    users = _users()
    statuses = [_status(name, path, None) for name, path in _shipped().items()]
    known = importers.names()
    for name, summary in known.items():
        absent = data_folder() / f"{name}.tflite"
        statuses.append(_status(name, users.get(name, absent), summary))
    taken = {status.name for status in statuses}
    for name, path in users.items():
        if name not in taken and path.with_suffix(".json").is_file():
            statuses.append(_status(name, path, None))
    return statuses


def get(
    name: str,
    *,
    source: str | Path | None = None,
    folder: Path | None = None,
    report: Callable[[str], None] | None = None,
    **options: int | None,
) -> list[Path]:
    """Build a model by its importer, with the models, cards and licence that come with it.

    Files appear whole or not at all. What was built before is replaced.

    Parameters
    ----------
    name : str
        Of a model that an importer has.
    source : str or Path, optional
        The file or folder that the model is built from; ``tagnode models get --help`` lists what
        each importer needs. Some importers download it where none is given.
    folder : Path, optional
        Where to put the models; `data_folder` by default.
    report : callable, optional
        Takes a line of progress.
    **options : int
        Those that the importer declares: ``patch=64`` for MusiCNN. None is the same as leaving
        one out.

    Returns
    -------
    list of Path
        The ``.tflite`` files.

    Raises
    ------
    ModelError
        The name is unknown or that of a shipped model, an option is unknown or out of range, the
        source is missing, another one or damaged, a package that building needs is missing, or
        the folder cannot be written.
    """
    target = folder if folder is not None else data_folder()
    known = _buildable(name)
    needs = known.importer.needs()
    if source is None and not needs.fetched:
        raise ModelError(f"{name} needs {needs.description}; give it with --from.")
    request = BuildRequest(
        name=known.standard,
        path=None if source is None else Path(source),
        folder=target,
        options=_chosen(name, known, options),
        report=report or (lambda line: None),
    )
    return store(known.importer.build(request), target)


def load(name: str | Path) -> Model:
    """Read a model and check it against its card.

    Parameters
    ----------
    name : str or Path
        A name, or the path of a ``.tflite`` or ``.onnx`` file with its card, ``.json``, beside it.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        The name is unknown (the nearest one is suggested), the model is not built, the file is
        damaged, or its card is missing or invalid.

    Examples
    --------
    >>> load("scene").card.labels
    ('speech', 'singing', 'music', 'drums', 'tonal', 'noise', 'voice')
    """
    path, remedy = _located(name)
    card = load_card(path.with_suffix(".json"))
    data = read_file(path, "model", MOST_MODEL_BYTES)
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"The model {path} is damaged or not the one of its card: its SHA-256 is {found}, "
            f"expected {card.sha256}; {remedy}."
        )
    return Model(card.name, path, card, data)


def info(name: str | Path) -> Card:
    """Return the card of a model that is here.

    Raises
    ------
    ModelError
        The name is unknown, the model is not built, or the card is invalid.

    Examples
    --------
    >>> info("scene").patch_frames
    125
    """
    path, _ = _located(name)
    return load_card(path.with_suffix(".json"))


def is_reserved(name: str, labels: tuple[str, ...]) -> bool:
    """Return whether a name is that of a shipped model, or of an importer's with other labels.

    Examples
    --------
    >>> is_reserved("scene", ("speech",)), is_reserved("mine", ("speech",))
    (True, False)
    """
    summary = importers.names().get(name)
    others = summary.labels if summary is not None else ()
    return name in _shipped() or (bool(others) and others != labels)


def labels(name: str) -> tuple[str, ...]:
    """Return the labels of a model, which need not be built if its importer knows them.

    Raises
    ------
    ModelError
        As `info`.

    Examples
    --------
    >>> labels("musicnn-mtt")[:3]
    ('guitar', 'classical', 'slow')
    """
    known = importers.find(name) if name not in _shipped() else None
    summary = known.importer.names()[known.standard] if known is not None else None
    return summary.labels if summary is not None and summary.labels else info(name).labels


def verify() -> list[Verification]:
    """Check every model that is here: its card, its hash, and its inputs and outputs.

    Where the package that holds the schema is missing, inputs and outputs are not checked.
    """
    return [_verified(status) for status in available() if status.built]


def _buildable(name: str) -> Known:
    if name in _shipped():
        raise ModelError(f"The model {name} comes with pyplugin; there is nothing to build.")
    known = importers.find(name)
    if known is None:
        if name in _users():
            raise ModelError(f"The model {name} was put into {data_folder()}; no importer has it.")
        raise _unknown(name)
    return known


def _chosen(name: str, known: Known, given: Mapping[str, int | None]) -> dict[str, int]:
    """Return a value for each option of an importer, from the name and from what was given."""
    declared = {option.name: option for option in known.importer.needs().options}
    chosen = {key: option.default for key, option in declared.items()} | known.options
    for key, value in given.items():
        if value is None:
            continue
        if key not in declared:
            has = f"it has {', '.join(declared)}" if declared else "it has none"
            raise ModelError(f"{name} has no option {key!r}; {has}.")
        if known.options.get(key, value) != value:
            raise ModelError(
                f"The name {name} stands for {key} {known.options[key]}; {value} was given too."
            )
        chosen[key] = value
    for key, value in chosen.items():
        least, greatest = declared[key].least, declared[key].greatest
        if not least <= value <= greatest:
            raise ModelError(
                f"The option {key} of {name} is {value}; expected {least} to {greatest}."
            )
    return chosen


def store(built: Built, folder: Path) -> list[Path]:
    """Write models, all files or none; return their paths.

    Raises
    ------
    ModelError
        A model cannot be called as its card says, or the folder cannot be written.
    """
    files = {folder / name: content for name, content in built.files.items()}
    paths, others = [], []
    for data, card in built.models:
        if _NAME.fullmatch(card.name) is None:
            raise ModelError(
                f"A model cannot be called {card.name!r}; letters, digits, '.', '-' and '_' are "
                "possible."
            )
        kept = "onnx" in card.model_types
        path = folder / f"{card.name}{SUFFIXES[kept]}"
        files[path] = data
        files[path.with_suffix(".json")] = render_card(card).encode()
        paths.append(path)
        others.append(path.with_suffix(SUFFIXES[not kept]))
    make_folder(folder)
    with contextlib.ExitStack() as stack:
        for path, content in files.items():
            place = stack.enter_context(replacing(path, error=ModelError))
            try:
                place.write_bytes(content)
            except OSError as error:
                raise ModelError(f"{path} cannot be written: {sentence(error)}.") from error
    for other in others:  # that a former import of the same name left; the card is not its own
        with contextlib.suppress(OSError):
            other.unlink()
    return paths


def _located(name: str | Path) -> tuple[Path, str]:
    """Return the path of a model, and what to do should it turn out damaged."""
    again = "get the file and its card again"
    if isinstance(name, Path) or name.endswith(SUFFIXES):
        path = Path(name)
        if not path.is_file():
            raise ModelError(f"There is no model file {path}.")
        known = importers.find(path.stem) if path.parent == data_folder() else None
        return path, _remedy(path.stem) if known is not None else again
    shipped = _shipped().get(name)
    if shipped is not None:
        return shipped, "install pyplugin again"
    known = importers.find(name)
    if known is not None:
        built = _users().get(known.name)
        if built is None:
            raise NotBuiltError(f"The model {name} has not been built; {_remedy(name)}.")
        return built, _remedy(name)
    users = _users()
    if name in users:
        return users[name], again
    raise _unknown(name)


def _remedy(name: str) -> str:
    return f"run `tagnode models get {name}`"


def _unknown(name: str) -> ModelError:
    names = list(dict.fromkeys([*_shipped(), *importers.names(), *_users()]))
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}."
    return ModelError(f"There is no model {name!r}; {hint}")


def _shipped() -> dict[str, Path]:
    """Return the models that come with pyplugin, by name."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.tflite"))}


def _users() -> dict[str, Path]:
    """Return the models in the data folder, by name."""
    paths = [path for path in data_folder().glob("*.*") if path.suffix in SUFFIXES]
    return {path.stem: path for path in sorted(paths)}


def _status(name: str, path: Path, summary: Summary | None) -> ModelStatus:
    """Return what is known of a model: from its card if it is here, else from its importer."""
    description, licence = (summary.description, summary.licence) if summary else ("", "")
    try:
        size = path.stat().st_size
    except OSError:
        return ModelStatus(name, False, description, None, 0, licence)
    try:
        card = load_card(path.with_suffix(".json"))
        description, licence = card.description, card.license
    except ModelError as error:
        description = description or str(error)
    return ModelStatus(name, True, description, path, size, licence)


def _verified(status: ModelStatus) -> Verification:
    try:
        model = load(status.name if status.path is None else status.path)
        expected = (
            {tensor.name: tensor.shape for tensor in model.card.inputs},
            {
                output.name: output.shape if output.purpose == "masks" else (1, output.size)
                for output in model.card.outputs
            },
        )
        onnx = model.path.suffix == SUFFIXES[1]
        found = read_interface(model.data) if onnx else read_signature(model.data)
        if found is not None and found != expected:
            raise ModelError(f"The inputs and outputs of {model.path} are not those of its card.")
    except ModelError as error:
        return Verification(status.name, False, str(error))
    return Verification(status.name, True, "")
