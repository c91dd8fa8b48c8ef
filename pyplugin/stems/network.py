"""The networks of a model of stems, run by LiteRT in float."""

from __future__ import annotations

import time
from functools import cached_property
from typing import Any

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.card import Spectra
from pyplugin.models.model import Model
from pyplugin.support.arrays import Float32
from pyplugin.support.optional import install

DEFAULT_MODEL = "spleeter-2stems"


class StemNetwork:
    """A model of stems, ready to run.

    Parameters
    ----------
    model
        A name, or a model that was read.
    threads
        That LiteRT uses, 1 to 64.

    Attributes
    ----------
    name
        Of the model.
    stems
        Their names, in order.
    patch
        Spectra that it takes at once.
    front_end
        How audio becomes spectra.

    Raises
    ------
    ModelError
        The model is unknown, not built, damaged or not one of stems, or LiteRT is missing.
    """

    def __init__(self, model: str | Model = DEFAULT_MODEL, *, threads: int = 1) -> None:
        if not 1 <= threads <= 64:
            raise ModelError(f"There are {threads} threads; 1 to 64 are possible.")
        loaded = registry.load(model) if not isinstance(model, Model) else model
        card = loaded.card
        if not isinstance(card.inference, Spectra):
            raise ModelError(f"{card.name} is no model of stems; give one such as {DEFAULT_MODEL}.")
        self.name, self.front_end, self.patch = card.name, card.inference, card.patch_frames
        self.stems = tuple(each.name for each in card.outputs if each.purpose == "masks")
        self._interpreter = _interpreter(loaded, threads)
        self._input = self._interpreter.get_input_details()[0]["index"]
        found = self._interpreter.get_output_details()
        wanted = [each.shape for each in card.outputs]
        if [tuple(int(n) for n in each["shape"]) for each in found] != wanted:
            raise ModelError(f"The outputs of {loaded.path} are not those of its card.")
        self._outputs = [each["index"] for each in found]

    @cached_property
    def seconds(self) -> float:
        """Seconds that a patch takes on this machine, the lesser of two runs."""
        patch = np.ones((self.patch, self.front_end.bins, self.front_end.channels), np.float32)
        taken = []
        for _ in range(2):
            started = time.perf_counter()
            self.run(patch)
            taken.append(time.perf_counter() - started)
        return min(taken)

    def run(self, magnitudes: Float32) -> tuple[Float32, Float32]:
        """Run the networks once.

        Parameters
        ----------
        magnitudes
            (patch, bins, channels).

        Returns
        -------
        masks
            (stems, patch, bins, channels), from 0 to 1.
        embedding
            (n,), of the patch.
        """
        self._interpreter.set_tensor(self._input, magnitudes[np.newaxis])
        self._interpreter.invoke()
        *indices, last = self._outputs
        masks = np.empty((len(indices), *magnitudes.shape), np.float32)
        for mask, index in zip(masks, indices, strict=True):
            mask[:] = self._interpreter.tensor(index)()[0]
        if self.front_end.normalised:
            masks -= masks.max(axis=0)
            np.exp(masks, out=masks)
            masks /= masks.sum(axis=0)
        return masks, self._interpreter.get_tensor(last)[0]


def _interpreter(model: Model, threads: int) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter
        except ImportError as error:
            raise ModelError(
                f"{model.name} needs ai-edge-litert ({error}): {install('litert')}."
            ) from error
    try:
        interpreter = Interpreter(model_path=str(model.path), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"LiteRT rejects {model.path}: {error}.") from error
    return interpreter
