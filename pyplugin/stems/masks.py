"""From the networks' masks to the stems' spectra, as Spleeter does it: soft ratio masks, in C."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyplugin._native import ffi, floats, lib
from pyplugin.models.card import Spectra
from pyplugin.stems.spectra import Complex64
from pyplugin.support.arrays import Float32


def magnitudes_of(spectra: Complex64, front_end: Spectra, out: Float32) -> None:
    """Write the magnitudes of the lowest bins.

    Parameters
    ----------
    spectra
        (m, frame/2 + 1, channels).
    front_end
        The card's.
    out
        (m or more, bins, channels).
    """
    content = np.ascontiguousarray(spectra).view(np.float32)
    settings = _settings(front_end, 1, "")
    lib.tagnode_spectrum_magnitudes(floats(content), len(spectra), settings, floats(out))


def shared_spectra(masks: Float32, spectra: Complex64, front_end: Spectra, above: str) -> Complex64:
    """Return the share of each stem in the spectra of the mix.

    A stem's share in a bin is its mask times the magnitude to the power of the card's exponent,
    over the sum of all stems.

    Parameters
    ----------
    masks
        (stems, m or more, bins, channels), 0 to 1: what the networks let pass.
    spectra
        (m, frame/2 + 1, channels) of the mix.
    front_end
        The card's.
    above
        ``"zeros"`` or ``"average"``: the share in bins above those of the masks.

    Returns
    -------
    ndarray
        (stems, m, frame/2 + 1, channels). Its sum over the stems is the mix, but for bins above.

    Examples
    --------
    >>> settings = Spectra(sample_rate=44100, frame=8, hop=2, bins=2, channels=1)
    >>> masks = np.array([[[[0.8], [0.5]]], [[[0.4], [0.5]]]], np.float32)
    >>> mix = np.ones((1, 5, 1), np.complex64)
    >>> shared_spectra(masks, mix, settings, "average")[0, 0, :, 0].real.round(2)
    array([0.8 , 0.5 , 0.65, 0.65, 0.65], dtype=float32)
    """
    stems, stride = len(masks), masks[0].size
    content = np.ascontiguousarray(spectra)
    result = np.empty((stems, *content.shape), np.complex64)
    pointers = ffi.new("float *[]", [floats(each.view(np.float32)) for each in result])
    contiguous = np.ascontiguousarray(masks)  # pointers do not keep their arrays alive
    scratch = np.empty((stems + 1) * front_end.bins * front_end.channels, np.float32)
    lib.tagnode_share_spectra(
        floats(contiguous),
        stride,
        floats(content.view(np.float32)),
        len(content),
        _settings(front_end, stems, above),
        floats(scratch),
        pointers,
    )
    return result


def _settings(front_end: Spectra, stems: int, above: str) -> Any:
    names = ("frame", "bins", "channels", "exponent")
    values = {name: getattr(front_end, name) for name in names}
    return ffi.new("tagnode_shares *", {**values, "stems": stems, "average": above == "average"})
