"""What is stored while a network is trained, to resume it with the same configuration."""

import hashlib
import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pyplugin._native import VERSION
from pyplugin.errors import PypluginError
from pyplugin.support.files import not_written, replacing
from pyplugin.training.classes.settings import ClassesSettings
from pyplugin.training.dataset import LabelledClip

State = dict[str, Any]

_OPTIONS = {
    "architecture": "--architecture",
    "exclusive": "--exclusive",
    "start": "--from",
    "epochs": "--epochs",
    "patience": "--patience",
    "batch": "--batch",
    "learning_rate": "--learning-rate",
    "folds": "--folds",
    "clip_seconds": "--clip-seconds",
    "seed": "--seed",
    "clips": "the clips, their classes and groups",
    "version": "the version of pyplugin",
}


def configuration_of(settings: ClassesSettings, clips: Sequence[LabelledClip]) -> dict[str, Any]:
    """Return what a training depends on: settings, clips and the version of this package."""
    rows = sorted([clip.digest, *clip.labels, clip.group, clip.split] for clip in clips)
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return {**vars(settings), "clips": digest, "version": VERSION}


class Checkpoint:
    """A file with the state of a training.

    Parameters
    ----------
    path : Path
    configuration : dict
        Of `configuration_of`.

    Attributes
    ----------
    state : dict
        What was stored, by the name of the part; empty at the start.
    """

    def __init__(self, path: Path, configuration: Mapping[str, Any]) -> None:
        self.path = path
        self.state: State = {}
        self._configuration = dict(configuration)

    def resume(self) -> bool:
        """Read the file, if there is one; return whether there is.

        Raises
        ------
        PypluginError
            It is damaged, or of another configuration.
        """
        if not self.path.is_file():
            return False
        try:
            found = torch.load(self.path, map_location="cpu", weights_only=True)
            other, state = found["configuration"], found["state"]
        except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as e:
            raise PypluginError(
                f"{self.path} is damaged, so the training cannot be resumed ({type(e).__name__}); "
                "start anew without --resume."
            ) from e
        if other != self._configuration:
            raise PypluginError(
                f"{self.path} is of a training with another configuration: "
                f"{self._differences(other)}. Resume with the same one, or start anew without "
                "--resume."
            )
        self.state = state
        return True

    def _differences(self, other: Mapping[str, Any]) -> str:
        parts = []
        for name, option in _OPTIONS.items():
            before, now = other.get(name), self._configuration[name]
            if before != now:
                values = "" if name == "clips" else f" (was {before}, now {now})"
                parts.append(f"{option} changed{values}")
        return "; ".join(parts) or "settings differ"

    def save(self, **parts: Any) -> None:
        """Replace parts of the state, and the file.

        Raises
        ------
        PypluginError
            It cannot be written.
        """
        self.state.update(parts)
        content = {"configuration": self._configuration, "state": self.state}
        with replacing(self.path) as partial:
            try:
                torch.save(content, partial)
            except (OSError, RuntimeError) as error:  # PyTorch's writer has no error number
                reason = error if isinstance(error, OSError) else OSError(str(error))
                raise not_written(self.path, reason) from error

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
