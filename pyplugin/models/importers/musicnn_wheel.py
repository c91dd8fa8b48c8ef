"""What the wheel of musicnn 0.1.0 holds: the weights of MusiCNN and of its VGG-like baseline.

Labels are in the order of the networks' outputs and in their data sets' spelling.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pyplugin.models.card import Dataset, OutputTensor
from pyplugin.models.checkpoint import read_checkpoint
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
from pyplugin.models.records import load_record
from pyplugin.models.wheel import Wheel

WHEEL = Wheel(
    requirement="musicnn==0.1.0",
    file_name="musicnn-0.1.0-py3-none-any.whl",
    sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    megabytes=29,
    size=29_292_476,
)

BANDS = 96
PATCH_FRAMES = 187  # of the training

_LICENCE = "ISC"
_LICENCE_MEMBER = "musicnn-0.1.0.dist-info/LICENSE.md"
_LICENCE_FILE = "LICENSE-musicnn.md"
_FIELDS = {  # of every card
    "link": "https://github.com/jordipons/musicnn",
    "version": "0.1.0",
    "license": _LICENCE,
    "author": "Jordi Pons, Music Technology Group, Universitat Pompeu Fabra",
    "default_hop": 1.0,
}

# fmt: off
_MTT_LABELS: tuple[str, ...] = (
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
_TAGS = (
    OutputTensor("activations", "float", (1, 50), "predictions"),
    OutputTensor("logits", "float", (1, 50), "logits"),
)

_TAGS_OF = {
    "mtt": "50 tags of instruments, voices, genres and moods, learnt from MagnaTagATune",
    "msd": "50 tags of genres, eras and moods, learnt from the Million Song Dataset",
}


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


def wheel_network(
    family: str,
    short: str,
    description: str,
    embeddings: Mapping[str, int],
    areas: tuple[float, float],
    **about: Any,
) -> WheelNetwork:
    """Return a network of the wheel.

    Parameters
    ----------
    family : str
        ``musicnn`` or ``vgg``.
    short : str
        Its data set, ``mtt`` or ``msd``.
    description : str
        What it is; what its tags are is added.
    embeddings : mapping of str to int
        Sizes of the embeddings, by the names of their outputs, which follow those of the tags.
    areas : tuple of float
        The areas under the ROC and the precision-recall curves that the authors report.
    **about
        The other fields of the network.
    """
    figures = dict(zip(("ROC-AUC", "PR-AUC"), areas, strict=True))
    return WheelNetwork(
        name=f"{family}-{short}",
        folder=f"{short.upper()}_{family}",
        description=f"{description}: {_TAGS_OF[short]}.",
        labels=_MTT_LABELS if short == "mtt" else MSD_LABELS,
        dataset=Dataset(*(_MTT if short == "mtt" else _MSD), figures),
        outputs=(
            *_TAGS,
            *(OutputTensor(n, "float", (1, size), "embeddings") for n, size in embeddings.items()),
        ),
        **about,
    )


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
            calibration = None if is_float else record.calibration
            data = network.build(
                variables, patch=patch, calibration=calibration, description=description
            )
            card = network.card(
                data,
                patch=patch,
                int8=not is_float,
                name=name,
                description=description,
                dataset=network.dataset,
                calibration=None if is_float else record.source,
                quantisation=None if is_float else record.drift,
                **_FIELDS,
            )
            models.append((data, card))
        return Built(tuple(models), {_LICENCE_FILE: WHEEL.read(wheel, _LICENCE_MEMBER)})
