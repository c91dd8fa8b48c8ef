"""YAMNet, which knows AudioSet's 521 classes: its scores and embeddings of sounds.

The name of the model is a setting; `pyplugin.models.importers` imports the published file.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.support.arrays import Float32
from pyplugin.tagging import tag

VOICES = (
    "Speech",
    "Child speech, kid speaking",
    "Conversation",
    "Narration, monologue",
    "Babbling",
    "Speech synthesizer",
    "Shout",
    "Bellow",
    "Whoop",
    "Yell",
    "Children shouting",
    "Screaming",
    "Whispering",
    "Singing",
    "Choir",
    "Yodeling",
    "Chant",
    "Mantra",
    "Child singing",
    "Synthetic singing",
    "Rapping",
    "Humming",
    "Vocal music",
    "A capella",
    "Beatboxing",
)
"""AudioSet's classes of voices."""

DRUMS = (
    "Percussion",
    "Drum kit",
    "Drum machine",
    "Drum",
    "Snare drum",
    "Rimshot",
    "Drum roll",
    "Bass drum",
    "Timpani",
    "Tabla",
    "Cymbal",
    "Hi-hat",
    "Wood block",
    "Tambourine",
    "Rattle (instrument)",
    "Maraca",
    "Gong",
    "Tubular bells",
    "Mallet percussion",
    "Marimba, xylophone",
)
"""AudioSet's classes of percussion."""

WINDOW = 0.96
"""Seconds that a result is about."""

HOP = 0.24
"""Seconds between two embeddings of a scene."""

_RATE = 16_000
_SCORE_HOP = 0.48
_EMBEDDING = "embedding"


@dataclass(frozen=True, eq=False)
class YamnetModel:
    """YAMNet, loaded.

    Attributes
    ----------
    model : Model
    """

    model: registry.Model

    @property
    def digest(self) -> str:
        """SHA-256 of the model's file."""
        return self.model.card.sha256

    @property
    def size(self) -> int:
        """Values of an embedding."""
        outputs = {output.name: output.size for output in self.model.card.outputs}
        return int(outputs[_EMBEDDING])

    def strongest(self, samples: Float32, frames: int) -> tuple[Float32, Float32]:
        """Return the highest score of any voice, and of any percussion, at each mel frame.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,)
            At 16 kHz.
        frames : int
            Mel frames, 62.5 a second.

        Returns
        -------
        voices, drums : ndarray of float32, shape (frames,)
            0 to 1, interpolated between the middles of windows.
        """
        padded = np.pad(samples, (0, max(0, _RATE - len(samples))))
        result = tag(padded, _RATE, model=self.model, hop=_SCORE_HOP)
        middles = np.asarray(result.times) + WINDOW / 2.0
        found = []
        for names in (VOICES, DRUMS):
            columns = [result.labels.index(name) for name in names]
            scores = result.activations[:, columns].max(axis=1)
            found.append(np.interp(np.arange(frames) * (256 / _RATE), middles, scores))
        return np.asarray(found[0], np.float32), np.asarray(found[1], np.float32)

    def embeddings(self, samples: Float32) -> npt.NDArray[np.float16]:
        """Return the embeddings (n, size) of windows that start every `HOP`.

        The last ones may contain up to half a second of silence after the end.
        """
        padded = np.concatenate([samples, np.zeros(_RATE // 2, np.float32)])
        result = tag(padded, _RATE, model=self.model, hop=HOP, embedding=_EMBEDDING)
        assert result.embeddings is not None
        return np.asarray(result.embeddings, np.float16)


def load_yamnet(name: str) -> YamnetModel:
    """Load the model with this name.

    Raises
    ------
    ModelError
        There is none, or it is not YAMNet.
    """
    try:
        model = registry.load(name)
    except ModelError as error:
        raise ModelError(
            f"The recipe's teacher is the model {name!r}, which is not there ({error}) Import "
            f"YAMNet's published file: tagnode models import yamnet.tflite --name {name}"
        ) from error
    labels, outputs = set(model.card.labels), {output.name for output in model.card.outputs}
    if not {*VOICES, *DRUMS} <= labels or _EMBEDDING not in outputs:
        raise ModelError(
            f"The recipe's teacher {name!r} is not YAMNet: AudioSet's classes and an output "
            f"{_EMBEDDING!r} are expected."
        )
    return YamnetModel(model)
