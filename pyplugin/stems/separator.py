"""Blocks of a mix in, blocks of its stems out: :class:`Separator`."""

from __future__ import annotations

from typing import Literal

import numpy as np

from pyplugin.errors import AudioError
from pyplugin.stems.masks import magnitudes_of, shared_spectra
from pyplugin.stems.network import StemNetwork
from pyplugin.stems.spectra import Complex64, InverseTransform, Transform
from pyplugin.stems.wiener import wiener_filtered
from pyplugin.support.arrays import Float32

Above = Literal["zeros", "average"]
MOST_CHANNELS = 2
_STRIDE = 64  # of the networks: parts that begin at multiples of it see the same grid


class Separator:
    """Separates a stream in constant memory.

    The networks run on one patch of spectra after the other. Patches overlap, and the masks fade
    from one to the next in the middle of what they share, as the networks know less at their
    edges. Without overlap the result is that of Spleeter.

    Parameters
    ----------
    network
        The model.
    sample_rate
        Of the stream, Hz, 8000 to 192000.
    channels
        1 or 2. Of one channel the network gets two copies, and their mean is returned.
    overlap
        Spectra that two patches share, a multiple of 64, up to half a patch; ``None`` for 128, of
        patches below 512 for 64, of one of 64 for none.
    above
        Shares above the 11 kHz that the networks take: 0, or the mean of those below; ``None`` for
        the card's.
    wiener
        Iterations of a multichannel Wiener filter on each patch, 0 to 10.

    Attributes
    ----------
    overlap : int
        Spectra that two patches share.
    replaced : int
        Non-finite samples that counted as 0.

    Raises
    ------
    AudioError
        A parameter is out of its range.
    """

    def __init__(
        self,
        network: StemNetwork,
        sample_rate: int,
        channels: int,
        *,
        overlap: int | None = None,
        above: Above | None = None,
        wiener: int = 0,
    ) -> None:
        if not 1 <= channels <= MOST_CHANNELS:
            raise AudioError(
                f"The recording has {channels} channels; stems are separated from 1 or 2: downmix "
                "it first."
            )
        self.network, self.channels, self._rate = network, channels, sample_rate
        self.overlap = self._overlap = checked_overlap(network.patch, overlap)
        if not 0 <= wiener <= 10:
            raise AudioError(
                f"There are {wiener} iterations of the Wiener filter; expected 0 to 10."
            )
        self._wiener = wiener
        self._above = above or network.front_end.above
        taken = network.front_end.channels
        self._transform = Transform(network.front_end, sample_rate, taken)
        self._inverses = [
            InverseTransform(network.front_end, sample_rate, taken) for _ in network.stems
        ]
        shape = (network.patch, network.front_end.frame // 2 + 1, taken)
        self._buffer: Complex64 = np.empty(shape, np.complex64)
        self._waiting = 0  # spectra in it
        self._magnitudes = np.zeros((network.patch, network.front_end.bins, taken), np.float32)
        self._tail: Float32 | None = None  # masks of the last patch on what the next one shares
        self._fade = _fade(self._overlap)
        self._taken = self._returned = self._seen = 0

    @property
    def delay(self) -> int:
        """Samples of the stream by which resampling to the model's rate and back delays it."""
        back = self._inverses[0].delay * self._rate
        return self._transform.delay + -(-back // self.network.front_end.sample_rate)

    @property
    def replaced(self) -> int:
        """How many non-finite samples counted as 0."""
        return self._transform.replaced

    def process(self, block: Float32) -> Float32:
        """Take a block (channels, n); return the samples of all stems that are complete.

        Returns
        -------
        ndarray
            (stems, channels, m). Together, and with those of `finish`, as many as were given.
        """
        self._taken += block.shape[1]
        parts = [self._none()]
        parts += self._added(self._transform.process(self._two(block)))
        return self._counted(np.concatenate(parts, axis=2))

    def finish(self) -> Float32:
        """Return the rest: (stems, channels, m)."""
        front_end, missing = self.network.front_end, self._taken - self._returned
        parts, count = [self._none()], 0
        wanted = self._total()
        while self._seen < wanted:
            zeros = np.zeros((front_end.channels, front_end.hop), np.float32)
            parts += self._added(self._transform.process(zeros)[: wanted - self._seen])
        if self._waiting:
            parts.append(self._next(self._waiting))
        count = sum(part.shape[2] for part in parts)
        while count < missing:  # the resampler's delay
            silence = np.zeros((4, front_end.frame // 2 + 1, front_end.channels), np.complex64)
            parts.append(self._inverted(np.stack([silence] * len(self.network.stems))))
            count += parts[-1].shape[2]
        return self._counted(np.concatenate(parts, axis=2))

    def _total(self) -> int:
        """Return how many spectra the whole stream has: all that begin before its end."""
        front_end = self.network.front_end
        length = -(-self._taken * front_end.sample_rate // self._rate)
        return -(-length // front_end.hop) + front_end.frame // front_end.hop

    def _two(self, block: Float32) -> Float32:
        if self.channels == self.network.front_end.channels:
            return block
        return np.repeat(block, self.network.front_end.channels, axis=0)

    def _none(self) -> Float32:
        return np.zeros((len(self.network.stems), self.channels, 0), np.float32)

    def _added(self, spectra: Complex64) -> list[Float32]:
        """Take spectra; return the samples of the patches that they fill."""
        parts = []
        self._seen += len(spectra)
        while len(spectra):
            taken = spectra[: self.network.patch - self._waiting]
            self._buffer[self._waiting : self._waiting + len(taken)] = taken
            self._waiting += len(taken)
            spectra = spectra[len(taken) :]
            if self._waiting == self.network.patch:
                parts.append(self._next(self.network.patch - self._overlap))
        return parts

    def _next(self, emitted: int) -> Float32:
        """Run a patch at the beginning of what waits; return the samples of some spectra."""
        front_end, size = self.network.front_end, min(self._waiting, self.network.patch)
        self._magnitudes[size:] = 0
        magnitudes_of(self._buffer[:size], front_end, self._magnitudes)
        masks = self.network.run(self._magnitudes)[0]
        if self._tail is not None:
            shared = masks[:, : self._overlap]
            shared += (self._tail - shared) * self._fade
        self._tail = masks[:, emitted:size].copy() if self._overlap else None
        mix = self._buffer[:emitted]
        stems = shared_spectra(masks, mix, front_end, self._above)
        samples = self._inverted(wiener_filtered(stems, mix, self._wiener))
        self._waiting -= emitted
        self._buffer[: self._waiting] = self._buffer[emitted : emitted + self._waiting]
        return samples

    def _inverted(self, spectra: Complex64) -> Float32:
        samples = [
            inverse.process(each) for inverse, each in zip(self._inverses, spectra, strict=True)
        ]
        stacked = np.stack(samples)
        return stacked if self.channels == stacked.shape[1] else stacked.mean(axis=1, keepdims=True)

    def _counted(self, samples: Float32) -> Float32:
        """Cut what is beyond the end of the stream, and count the rest."""
        kept = samples[:, :, : self._taken - self._returned]
        self._returned += kept.shape[2]
        return kept


def checked_overlap(patch: int, overlap: int | None) -> int:
    """Return the overlap of patches, in spectra.

    Examples
    --------
    >>> [checked_overlap(patch, None) for patch in (512, 256, 128, 64)]
    [128, 64, 64, 0]
    """
    if overlap is None:
        return min(128, max(patch // 4 // _STRIDE, min(patch // 2 // _STRIDE, 1)) * _STRIDE)
    if overlap % _STRIDE or not 0 <= overlap <= patch // 2:
        raise AudioError(
            f"The overlap is {overlap} spectra; a multiple of {_STRIDE} from 0 to {patch // 2} is "
            "expected."
        )
    return overlap


def _fade(overlap: int) -> Float32:
    """Return the weight of the former patch, (overlap, 1, 1): it falls in the middle half."""
    at = (np.arange(overlap) + 0.5) / max(overlap, 1)
    return np.clip(1.5 - 2 * at, 0, 1).astype(np.float32)[:, np.newaxis, np.newaxis]
