"""What can be chosen for a network of classes, and the architectures."""

from dataclasses import dataclass, replace
from functools import cache

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.card import FrontEnd
from pyplugin.models.frontends import PRESETS
from pyplugin.training.network import Layer, NetworkSettings


@dataclass(frozen=True)
class Architecture:
    """A kind of network.

    Attributes
    ----------
    preset : str
        The front-end, one of `pyplugin.models.frontends.PRESETS`.
    frames : int
        Mel frames of a window in training.
    patch : int
        Mel frames that the finished network takes at once, its receptive field.
    step : int
        Least mel frames between two results.
    """

    preset: str
    frames: int
    patch: int
    step: int

    @property
    def front_end(self) -> FrontEnd:
        """The settings of the mel spectrogram."""
        return PRESETS[self.preset]

    @property
    def frame_rate(self) -> float:
        """Mel frames a second."""
        return self.front_end.sample_rate / self.front_end.hop


STREAMING = NetworkSettings(
    patch=125,
    bands=96,
    layers=(
        Layer(24, 3, 7, 2),
        Layer(32, 3, 5, 2),
        Layer(48, 3, 5, 2, 2),
        Layer(96, 1, 9),
        Layer(96, 5, 1, 1, 4),
        Layer(96, 5, 1, 1, 8),
    ),
    embedding=64,
)
"""Sizes of the network ``own``: those of `scene` with wider last layers."""

ARCHITECTURES = {
    "own": Architecture("musicnn", STREAMING.patch, STREAMING.patch, 1),
    # Three of [convolution over 5 frames, batch norm, ReLU, maximum of 2]: deepsound-project/
    # genre-recognition, train_model.py. 36 frames give one result; it is trained on 13 at once.
    "deepsound": Architecture("deepsound", 36 + 12 * 8, 36, 8),
}
"""The architectures by name."""


@dataclass(frozen=True)
class ClassesSettings:
    """How a network of classes is trained.

    Attributes
    ----------
    architecture : {"own", "deepsound"}
    exclusive : bool
        Whether a clip has exactly one class.
    start : {"", "scene"}
        The model whose weights the network starts from; empty for random ones.
    epochs : int
        Greatest number of epochs. One has as many windows as the clips to train on contain one
        after the other, and `least_steps` batches at least.
    patience : int
        Epochs without a lower loss on the validation clips after which training stops.
    batch : int
        Windows in a batch.
    learning_rate : float
        Maximum; it rises over the first steps, then decays as a cosine.
    folds : int
        0: one network, tested on a fifth of the groups. More: also that many networks, each tested
        on another part, which together test all clips.
    clip_seconds : float or None
        Seconds to use of each clip, from its middle; None for all of it.
    seed : int
    """

    architecture: str = "own"
    exclusive: bool = True
    start: str = ""
    epochs: int = 30
    patience: int = 8
    batch: int = 64
    learning_rate: float = 2e-3
    folds: int = 0
    clip_seconds: float | None = None
    seed: int = 1
    least_steps: int = 10

    @property
    def kind(self) -> Architecture:
        """The architecture; of a network that starts from `scene`, with its front-end."""
        found = ARCHITECTURES[self.architecture]
        return replace(found, preset=preset_of_scene()) if self.start == "scene" else found


@cache
def preset_of_scene() -> str:
    """Return the name of the front-end of `scene`.

    Raises
    ------
    ModelError
        It is none of `pyplugin.models.frontends.PRESETS`.
    """
    front_end = registry.load("scene").card.front_end
    for name, preset in PRESETS.items():
        if preset == front_end:
            return name
    raise ModelError("The front-end of scene is none of those that a network can be trained on.")
