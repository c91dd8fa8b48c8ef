"""What the networks' bottlenecks hold of a recording: :func:`embed_stems`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyplugin.errors import AudioError
from pyplugin.inputs.recording import Recording
from pyplugin.stems.network import DEFAULT_MODEL, StemNetwork
from pyplugin.stems.spectra import Transform
from pyplugin.support.arrays import ByValue, Float32, Float64

if TYPE_CHECKING:
    from pyplugin.inputs.files import Source
    from pyplugin.models.model import Model


@dataclass(frozen=True, eq=False)
class StemEmbeddings(ByValue):
    """The embeddings of a recording, one for each patch.

    Attributes
    ----------
    times
        (n,) seconds, where each patch begins.
    embeddings
        (n, E): stem after stem, the mean of each of the bottleneck's 512 channels, then the mean
        magnitude at each of its places in time and frequency. 1280 for 2 stems.
    window, hop
        Seconds of a patch, and between two of them.
    notes
        Sentences for the user.
    layers
        Always empty.
    """

    times: Float64
    embeddings: Float32
    window: float
    hop: float
    notes: list[str]
    layers: dict[str, Float32] = field(default_factory=dict)


def embed_stems(
    audio: Source | npt.ArrayLike,
    sample_rate: int | None = None,
    *,
    model: str | Model | StemNetwork = DEFAULT_MODEL,
    hop: float | None = None,
    progress: Callable[[float], object] | None = None,
) -> StemEmbeddings:
    """Return the embeddings of a recording by the networks of a model of stems.

    A recording's last part counts where it fills half a patch; a shorter recording has one patch.

    Parameters
    ----------
    audio, sample_rate
        As for :func:`pyplugin.separate`.
    model
        As for :func:`pyplugin.separate`.
    hop
        Seconds between two patches, rounded to whole spectra; ``None`` for a patch.
    progress
        Called with the share read so far, 0 to 1.

    Raises
    ------
    AudioError, ModelError
        As :func:`pyplugin.separate`.
    """
    network = model if isinstance(model, StemNetwork) else StemNetwork(model)
    end = network.front_end
    step = network.patch if hop is None else round(hop * end.sample_rate / end.hop)
    if step < 1:
        raise AudioError(
            f"The hop is {hop} s; at least {end.hop / end.sample_rate:.3f} s is possible."
        )
    report = progress or (lambda share: None)
    rows: list[Float32] = []
    waiting = np.zeros((0, end.bins, end.channels), np.float32)
    skipped = 0  # spectra between two patches, where the hop is the longer
    with Recording(audio, sample_rate) as source:
        if source.channels > end.channels:
            raise AudioError(
                f"The recording has {source.channels} channels; 1 or 2 are expected: downmix it."
            )
        transform = Transform(end, source.sample_rate, end.channels)
        for block in source:
            two = np.repeat(block, end.channels // source.channels, axis=0)
            fresh = np.abs(transform.process(two)[:, : end.bins])
            waiting = np.concatenate([waiting, fresh[skipped:]])
            skipped = max(skipped - len(fresh), 0)
            while len(waiting) >= network.patch:
                rows.append(network.run(np.ascontiguousarray(waiting[: network.patch]))[1])
                skipped = max(step - len(waiting), 0)
                waiting = waiting[step:]
            report(source.position)
        notes = list(source.notes)
    if not rows or (len(waiting) >= network.patch // 2 and step >= network.patch):
        last = np.zeros((network.patch, end.bins, end.channels), np.float32)
        last[: len(waiting)] = waiting
        rows.append(network.run(last)[1])
    seconds = end.hop / end.sample_rate
    times = np.arange(len(rows), dtype=np.float64) * step * seconds
    return StemEmbeddings(times, np.stack(rows), network.patch * seconds, step * seconds, notes)
