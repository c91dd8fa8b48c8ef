"""Networks that are known by their shape: what their input and their values are.

A file is recognised by its graph, never by its name; sources are in docs/models.md. What a file
does not say, such as the labels of a classifier, comes from the card beside it or from the user.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from pyplugin.models.starts import Start
from pyplugin.support.shipped import shipped

Shape = tuple[int, ...]

EMBEDDING = "embedding"
"""The type of a model that returns an embedding, not labels."""


@dataclass(frozen=True)
class Found:
    """What is known of a file before anything is decided.

    Attributes
    ----------
    inputs
        Shapes by name.
    ends
        Name, operator and shape of the layers that no other one reads.
    kinds
        How many operators of each kind, in the words of its framework.
    start
        The card beside it, if there is one.
    title
        What the network is called within the file, where files say so: Keras'.
    """

    inputs: Mapping[str, Shape]
    ends: Sequence[tuple[str, str, Shape]]
    kinds: Mapping[str, int]
    start: Start | None = None
    title: str = ""

    @property
    def sizes(self) -> list[int]:
        """The first input's sizes but 1."""
        return [size for size in next(iter(self.inputs.values())) if size > 1]

    @property
    def convolutions(self) -> int:
        """How many convolutions there are."""
        names = ("Conv2D", "Conv", "CONV_2D")
        return next((self.kinds[name] for name in names if name in self.kinds), 0)

    @property
    def labels(self) -> int:
        """Values of the last end."""
        return self.ends[-1][2][-1] if self.ends and self.ends[-1][2] else 0


@dataclass(frozen=True)
class System:
    """A network that is known.

    Attributes
    ----------
    name
        What people call it.
    front_end
        One of :data:`pyplugin.models.frontends.PRESETS`.
    hop
        Seconds between two results, as its authors run it.
    type
        The task, as in cards.
    labels
        Of its values, where they are always the same.
    embedding
        Ends of the name of the layer that is used as embedding, or ``""``.
    embedding_size
        Values of the embedding, where it is another end of the network; 0 where it is not.
    licence, link
        Of the weights that its authors publish.
    """

    name: str
    front_end: str
    hop: float
    type: str
    labels: tuple[str, ...] = ()
    embedding: str = ""
    embedding_size: int = 0
    licence: str = ""
    link: str = ""


def recognise(found: Found) -> System | None:
    """Return the system that a file is of; None for an unknown one.

    Examples
    --------
    >>> ends = [("Softmax", "Softmax", (1, 256))]
    >>> recognise(Found({"x": (1, 40, 256, 1)}, ends, {"Conv2D": 13})).name
    'TempoCNN'
    """
    for test in _TESTS:
        system = test(found)
        if system is not None:
            return system
    return None


def _musicnn(found: Found) -> System | None:
    if found.sizes != [187, 96] or found.convolutions != 8:
        return None
    return System(
        "MusiCNN",
        "essentia-musicnn",
        1.5,
        "auto-tagging",
        embedding="dense/BiasAdd",
        licence="CC-BY-NC-SA-4.0",
        link="https://essentia.upf.edu/models.html",
    )


def _yamnet(found: Found) -> System | None:
    if found.sizes != [96, 64] or found.labels != 521:
        return None
    return System(
        "YAMNet",
        "yamnet",
        0.48,
        "auto-tagging",
        labels=audioset_labels(),
        embedding="reduce_mean",
        licence="Apache-2.0",
        link="https://github.com/tensorflow/models/tree/master/research/audioset/yamnet",
    )


def _vggish(found: Found) -> System | None:
    if found.sizes != [96, 64] or found.convolutions != 6:
        return None
    return System(
        "VGGish",
        "vggish",
        0.96,
        EMBEDDING,
        licence="Apache-2.0",
        link="https://github.com/tensorflow/models/tree/master/research/audioset/vggish",
    )


def _openl3(found: Found) -> System | None:
    bands = next((size for size in found.sizes if size in (128, 256)), 0)
    if sorted(found.sizes) != sorted((199, bands)) or found.convolutions != 8:
        return None
    return System(
        "OpenL3",
        f"openl3-slaney-mel{bands}",
        1.0,
        EMBEDDING,
        licence="CC-BY-4.0",
        link="https://github.com/marl/openl3",
    )


def _effnet(found: Found) -> System | None:
    if found.sizes != [128, 96] or found.labels not in (400, 1280):
        return None
    return System(
        "Discogs-EffNet",
        "essentia-musicnn",
        62 * 256 / 16000,
        "auto-tagging" if found.labels == 400 else EMBEDDING,
        embedding_size=1280,
        licence="CC-BY-NC-SA-4.0",
        link="https://essentia.upf.edu/models.html",
    )


# tempo-cnn's fma2018 (classifier.py): its classes are at equal ratios, and its graph is fcn's.
_FMA = tuple(f"{math.exp((i + 435) * math.log(10) / 256):.2f} BPM" for i in range(256))


def _tempocnn(found: Found) -> System | None:
    if found.sizes != [40, 256] or found.labels != 256:
        return None
    joined = found.kinds.get("Concatenate", found.kinds.get("ConcatV2", 0)) == 4
    front_end = "tempocnn-max" if joined else "tempocnn"  # fcn, cnn, ismir2018, fma2018
    if "BatchNormalization" not in found.kinds:  # no file of Keras', as tempo-cnn's are
        front_end = f"essentia-{front_end}"
    return System(
        "TempoCNN",
        front_end,
        128 * 512 / 11025,
        "tempo estimation",
        labels=tuple(f"{bpm} BPM" for bpm in range(30, 286)) if found.title != "fma2018" else _FMA,
        licence="AGPL-3.0-only",
        link="https://github.com/hendriks73/tempo-cnn",
    )


def _deepsound(found: Found) -> System | None:
    if found.sizes[-1:] != [128] or found.labels != 10 or found.kinds.get("Conv1D") != 3:
        return None
    return System(
        "deepsound",
        "deepsound",
        8 * 1024 / 22050,
        "multi-class classifier",
        labels=(
            "blues",
            "classical",
            "country",
            "disco",
            "hiphop",
            "jazz",
            "metal",
            "pop",
            "reggae",
            "rock",
        ),
        licence="GPL-3.0-only",
        link="https://github.com/deepsound-project/genre-recognition",
    )


_TESTS: tuple[Callable[[Found], System | None], ...] = (
    _musicnn,
    _yamnet,
    _vggish,
    _openl3,
    _effnet,
    _tempocnn,
    _deepsound,
)


_FRAMES = {(40, 0, 1): 256, (0, 128): 36}  # TempoCNN, deepsound
"""Frames of known networks whose files leave them open (0), by the input without the batch."""


def known_frames(shape: Sequence[int]) -> int | None:
    """Return how many frames a known network takes whose file leaves them open.

    Examples
    --------
    >>> known_frames([-1, 40, -1, 1])
    256
    """
    return _FRAMES.get(tuple(max(size, 0) for size in shape[1:]))


@cache
def audioset_labels() -> tuple[str, ...]:
    """Return the display names of the 521 classes of AudioSet that YAMNet has, in its order.

    Examples
    --------
    >>> audioset_labels()[:2], len(audioset_labels())
    (('Speech', 'Child speech, kid speaking'), 521)
    """
    path = shipped("models") / "audioset-yamnet.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


# ---- heads of Essentia

_BACKBONES = {
    "msd-musicnn": ("musicnn-msd", "dense"),
    "mtt-musicnn": ("musicnn-mtt", "dense"),
    "musicnn-msd": ("musicnn-msd", "dense"),
    "musicnn-mtt": ("musicnn-mtt", "dense"),
    "discogs-effnet": ("discogs-effnet-bs64-1", "embedding"),
    "audioset-vggish": ("vggish", "embedding"),
    "vggish-audioset": ("vggish", "embedding"),
    "audioset-yamnet": ("yamnet", "embedding"),
    "openl3-music-mel128-emb512": ("openl3-music-mel128-emb512", "embedding"),
}
"""Our model and output by what Essentia calls the network that a head was trained on."""

_NAME = re.compile(rf"^(.+?)-({'|'.join(map(re.escape, _BACKBONES))})(?:-\d+)?$")


_FILES = {"vggish": "audioset-vggish-3.pb"}
"""Essentia's files of models that we call otherwise."""


def missing_backbone(head: str, model: str) -> str:
    """Return the sentence for a head whose model is not here.

    Examples
    --------
    >>> missing_backbone("mood_sad", "discogs-effnet-bs64-1")[-55:]
    ': run `tagnode models import discogs-effnet-bs64-1.pb`.'
    """
    stem = f"{model}-3" if model.startswith("openl3-") else model
    file = _FILES.get(model, f"{stem}.pb")
    return (
        f"The head {head} runs on the model {model}, which is not here; import it: run "
        f"`tagnode models import {file}`."
    )


def model_name(stem: str) -> str:
    """Return the name under which heads look for a model, by that of its file.

    Examples
    --------
    >>> model_name("audioset-vggish-3"), model_name("openl3-music-mel128-emb512-3"), model_name("x")
    ('vggish', 'openl3-music-mel128-emb512', 'x')
    """
    if re.fullmatch(r"(audioset-)?vggish(-\d+)?", stem):
        return "vggish"
    return re.sub(r"^(openl3-.*)-\d+$", r"\1", stem)


def head_name(stem: str) -> str:
    """Return the name of a head by that of its file.

    Examples
    --------
    >>> head_name("danceability-msd-musicnn-1"), head_name("mine")
    ('danceability', 'mine')
    """
    found = _NAME.match(stem)
    return found[1] if found else stem


def embedding_of(model: str | None) -> str:
    """Return the output of a model that Essentia's heads take.

    Examples
    --------
    >>> embedding_of("musicnn-msd"), embedding_of("mine")
    ('dense', 'embedding')
    """
    return dict(_BACKBONES.values()).get(model or "", "embedding")


def backbone_of(stem: str, start: Start | None) -> tuple[str, str] | None:
    """Return the model and the output that a head takes, by its card or else its file's name.

    Examples
    --------
    >>> backbone_of("danceability-msd-musicnn-1", None)
    ('musicnn-msd', 'dense')
    >>> backbone_of("mine", None)
    """
    embedding = start.inference.embedding_model if start is not None else None
    stated = embedding.model_name if embedding is not None else ""
    for name in (stated, stem):
        for known, place in _BACKBONES.items():
            if re.search(rf"(^|-){re.escape(known)}(-|$)", name):
                return place
    return None
