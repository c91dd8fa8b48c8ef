"""The networks that we build: what they are called, where they come from, how they are written."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pyplugin.models import musicnn, vgg
from pyplugin.models.card import Dataset, FrontEnd, Output
from pyplugin.models.labels import MSD_LABELS, MTT_LABELS

__all__ = [
    "AUTHOR",
    "DEFAULT_HOP",
    "FRONT_END",
    "LICENSE",
    "LINK",
    "NETWORKS",
    "VERSION",
    "Network",
]

AUTHOR = "Jordi Pons, Music Technology Group, Universitat Pompeu Fabra"
LICENSE = "ISC"
VERSION = "0.1.0"
LINK = "https://github.com/jordipons/musicnn"
DEFAULT_HOP = 1.0

FRONT_END = FrontEnd(
    sample_rate=16_000,
    algorithm="mel",
    frame=512,
    fft=512,
    hop=256,
    bands=96,
    window="hann-periodic",
    mel_scale="slaney",
    mel_norm="slaney",
    spectrum="power",
    log="log10-1p",
    log_scale=10_000.0,
    log_offset=0.0,
    log_floor=1e-10,
    fmin=0.0,
    fmax=8_000.0,
)


@dataclass(frozen=True)
class Network:
    """One trained network.

    Attributes
    ----------
    name : str
        Ours.
    folder : str
        That of its checkpoint in the wheel of musicnn.
    description : str
        A sentence.
    labels : tuple of str
    dataset : Dataset
    outputs : tuple of Output
        In the order of the graph.
    embedding : str
    build : callable
        Takes the checkpoint's variables and, by keyword, `patch`, `calibration` and
        `description`; returns the ``.tflite`` file.
    activations : tuple of str
        What calibration looks at: the tensors of the float graph by name.
    turnable : frozenset of str
        The activations whose channels may be turned over.
    corrected : str
        The first float layer after the int8 ones, which makes up for their mean error.
    any_patch : bool
        Whether other lengths than 187 frames will do.
    """

    name: str
    folder: str
    description: str
    labels: tuple[str, ...]
    dataset: Dataset
    outputs: tuple[Output, ...]
    embedding: str
    build: Callable[..., bytes]
    activations: tuple[str, ...]
    turnable: frozenset[str]
    corrected: str
    any_patch: bool


_MTT = ("MagnaTagATune", "Law et al., Evaluation of algorithms using games, 2009", "19 k songs")
_MSD = ("Million Song Dataset", "Bertin-Mahieux et al., 2011; tags of Last.fm", "200 k songs")
_TAGS = (Output("activations", 50, "predictions"), Output("logits", 50, "logits"))
_ROC_AUC, _PR_AUC = "ROC-AUC", "PR-AUC"  # as the authors report them


def _musicnn(
    name: str, folder: str, labels: tuple[str, ...], dataset: Dataset, *, known_for: str
) -> Network:
    return Network(
        name=name,
        folder=folder,
        description=f"MusiCNN: {known_for}.",
        labels=labels,
        dataset=dataset,
        outputs=(
            *_TAGS,
            Output("dense", 200, "embeddings"),
            Output("penultimate", 200, "embeddings"),
        ),
        embedding="penultimate",
        build=musicnn.build,
        activations=musicnn.ACTIVATIONS,
        turnable=musicnn.TURNABLE,
        corrected="dense",
        any_patch=True,
    )


def _vgg(
    name: str,
    folder: str,
    labels: tuple[str, ...],
    dataset: Dataset,
    pools: vgg.Pools,
    *,
    known_for: str,
) -> Network:
    return Network(
        name=name,
        folder=folder,
        description=f"VGG-like baseline of MusiCNN: {known_for}.",
        labels=labels,
        dataset=dataset,
        outputs=(*_TAGS, Output("pool5", 256, "embeddings")),
        embedding="pool5",
        build=partial(vgg.build, pools=pools),
        activations=vgg.ACTIVATIONS,
        turnable=frozenset(),
        corrected="logits",
        any_patch=False,
    )


def _all_networks() -> dict[str, Network]:
    mtt = "50 tags of instruments, voices, genres and moods, learnt from MagnaTagATune"
    msd = "50 tags of genres, eras and moods, learnt from the Million Song Dataset"
    networks = (
        _musicnn(
            "musicnn-mtt",
            "MTT_musicnn",
            MTT_LABELS,
            Dataset(*_MTT, {_ROC_AUC: 0.9067, _PR_AUC: 0.3831}),
            known_for=mtt,
        ),
        _musicnn(
            "musicnn-msd",
            "MSD_musicnn",
            MSD_LABELS,
            Dataset(*_MSD, {_ROC_AUC: 0.8802, _PR_AUC: 0.2891}),
            known_for=msd,
        ),
        _vgg(
            "vgg-mtt",
            "MTT_vgg",
            MTT_LABELS,
            Dataset(*_MTT, {_ROC_AUC: 0.9030, _PR_AUC: 0.3823}),
            vgg.MTT_POOLS,
            known_for=mtt,
        ),
        _vgg(
            "vgg-msd",
            "MSD_vgg",
            MSD_LABELS,
            Dataset(*_MSD, {_ROC_AUC: 0.8768, _PR_AUC: 0.2819}),
            vgg.MSD_POOLS,
            known_for=msd,
        ),
    )
    return {network.name: network for network in networks}


NETWORKS = _all_networks()
