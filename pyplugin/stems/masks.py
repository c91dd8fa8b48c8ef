"""From the networks' masks to shares of the mix's spectra."""

from __future__ import annotations

import numpy as np

from pyplugin.models.card import Spectra
from pyplugin.support.arrays import Float32

_EPSILON = np.float32(1e-10)


def shares_of(masks: Float32, magnitudes: Float32, front_end: Spectra, above: str) -> Float32:
    """Return the share of each stem in each bin, as Spleeter computes it: soft ratio masks.

    Parameters
    ----------
    masks
        (stems, m, bins, channels), 0 to 1: what the networks let pass.
    magnitudes
        (m, bins, channels) of the mix.
    front_end
        With the exponent.
    above
        ``"zeros"`` or ``"average"``: the share in bins above those of the masks.

    Returns
    -------
    ndarray
        (stems, m, frame/2 + 1, channels). Their sum over the stems is 1, but for bins above.

    Examples
    --------
    >>> settings = Spectra(sample_rate=44100, frame=8, hop=2, bins=2, channels=1)
    >>> masks = np.array([[[[0.8], [0.5]]], [[[0.4], [0.5]]]], np.float32)
    >>> shares_of(masks, np.ones((1, 2, 1), np.float32), settings, "average")[0, 0, :, 0].round(2)
    array([0.8 , 0.5 , 0.65, 0.65, 0.65], dtype=float32)
    """
    stems, count, bins, channels = masks.shape
    powers = masks * magnitudes
    if front_end.exponent == 2:
        powers *= powers
    else:
        powers **= np.float32(front_end.exponent)
    total = powers.sum(axis=0)
    total += _EPSILON
    powers += _EPSILON / np.float32(stems)
    whole = np.zeros((stems, count, front_end.frame // 2 + 1, channels), np.float32)
    np.divide(powers, total, out=whole[:, :, :bins])
    if above == "average":
        whole[:, :, bins:] = whole[:, :, :bins].mean(axis=2, keepdims=True)
    return whole
