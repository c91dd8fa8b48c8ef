"""Samples to short-time spectra and back, by libtagnode, at any sample rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pyplugin._native import created, ffi, floats, lib
from pyplugin.errors import AudioError
from pyplugin.models.card import Spectra
from pyplugin.support.arrays import Float32

Complex64 = npt.NDArray[np.complex64]


class Transform:
    """A stream of samples as spectra, after `frame` zeros.

    Parameters
    ----------
    front_end
        The card's.
    sample_rate
        Of the samples, Hz.
    channels
        Of the samples.

    Examples
    --------
    >>> settings = Spectra(sample_rate=44100, frame=4096, hop=1024, bins=1024, channels=2)
    >>> forward, back = Transform(settings, 48000, 2), InverseTransform(settings, 48000, 2)
    >>> spectra = forward.process(np.ones((2, 48000), np.float32))
    >>> spectra.shape
    (44, 2049, 2)
    >>> bool(np.allclose(back.process(spectra)[:, 5000:30000], 1.0, atol=1e-4))
    True
    """

    def __init__(self, front_end: Spectra, sample_rate: int, channels: int) -> None:
        self._channels, self._bins = channels, front_end.frame // 2 + 1
        self._handle = _made("tagnode_stft", front_end, sample_rate, channels)

    @property
    def delay(self) -> int:
        """Samples by which spectra lag behind, for resampling; 0 at the model's rate."""
        return int(lib.tagnode_stft_delay(self._handle))

    @property
    def replaced(self) -> int:
        """How many non-finite samples counted as 0."""
        return int(lib.tagnode_stft_replaced(self._handle))

    def process(self, block: Float32) -> Complex64:
        """Return the spectra that a block (channels, n) completes: (m, frame/2 + 1, channels)."""
        rows = np.ascontiguousarray(block, np.float32)
        room = lib.tagnode_stft_capacity(self._handle, rows.shape[1])
        spectra = np.empty((room, self._bins, self._channels), np.complex64)
        pointers = ffi.new("float *[]", [floats(row) for row in rows])
        target = floats(spectra.view(np.float32))
        count = lib.tagnode_stft_process(self._handle, pointers, rows.shape[1], target)
        return spectra[:count]


class InverseTransform:
    """Spectra as samples: the inverse of :class:`Transform`, with the same parameters."""

    def __init__(self, front_end: Spectra, sample_rate: int, channels: int) -> None:
        self._channels = channels
        self._handle = _made("tagnode_istft", front_end, sample_rate, channels)

    @property
    def delay(self) -> int:
        """Samples at the model's rate by which the result lags behind, for resampling."""
        return int(lib.tagnode_istft_delay(self._handle))

    def process(self, spectra: Complex64) -> Float32:
        """Return the samples that spectra (m, frame/2 + 1, channels) complete: (channels, n)."""
        content = np.ascontiguousarray(spectra, np.complex64)
        room = lib.tagnode_istft_capacity(self._handle, len(content))
        samples = np.empty((self._channels, room), np.float32)
        pointers = ffi.new("float *[]", [floats(row) for row in samples])
        given = floats(content.view(np.float32))
        count = lib.tagnode_istft_process(self._handle, given, len(content), pointers)
        return samples[:, :count]


def _made(kind: str, front_end: Spectra, sample_rate: int, channels: int) -> Any:
    values = {name: getattr(front_end, name) for name in ("sample_rate", "frame", "hop")}
    return created(
        kind,
        getattr(lib, f"{kind}_create"),
        getattr(lib, f"{kind}_destroy"),
        ffi.new("tagnode_stft_settings *", values),
        sample_rate,
        channels,
        error=AudioError,
    )
