"""The multichannel Wiener filter: what the channels of a stem have in common improves its shares.

After Nugraha, Liutkus and Vincent, "Multichannel audio source separation with deep neural
networks" (IEEE/ACM TASLP 24 (9), 2016), with the networks' magnitudes as the first estimate: in
turn the spatial covariance of each stem in each bin, then the filter that follows from all of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Complex64 = npt.NDArray[np.complex64]
Complex128 = npt.NDArray[np.complex128]

_EPSILON = float(np.finfo(np.float32).eps)
_STEP = 64  # spectra at once: memory stays small


def wiener_filtered(stems: Complex64, mix: Complex64, iterations: int) -> Complex64:
    """Return better estimates of the stems.

    Parameters
    ----------
    stems
        (stems, m, bins, 2): estimates, shares of the mix.
    mix
        (m, bins, 2).
    iterations
        0 returns the estimates as they are.

    Returns
    -------
    ndarray
        (stems, m, bins, 2). Their sum over the stems is nearly the mix, wherever that has power.

    Examples
    --------
    >>> mix = np.ones((4, 3, 2), np.complex64)
    >>> stems = np.stack([0.25 * mix, 0.75 * mix])
    >>> wiener_filtered(stems, mix, 1).sum(axis=0)[0, 0].real.round(2)
    array([1., 1.], dtype=float32)
    """
    if iterations == 0:
        return stems
    scale = max(1.0, float(np.abs(mix).max()) / 10.0)
    y = stems.astype(np.complex128) / scale
    x = mix.astype(np.complex128) / scale
    for _ in range(iterations):
        power = np.mean(np.abs(y) ** 2, axis=-1)
        covariances = [_covariance(each, size) for each, size in zip(y, power, strict=True)]
        for at in range(0, len(x), _STEP):
            part = slice(at, at + _STEP)
            y[:, part] = _filtered(x[part], power[:, part], covariances)
    return (y * scale).astype(np.complex64)


def _covariance(y: Complex128, power: npt.NDArray[np.float64]) -> Complex128:
    """Return the spatial covariance of a stem in each bin: (bins, 2, 2)."""
    products = np.einsum("mbi,mbj->bij", y, y.conj())
    return np.asarray(products / (_EPSILON + power.sum(axis=0))[:, np.newaxis, np.newaxis])


def _filtered(
    x: Complex128, power: npt.NDArray[np.float64], covariances: list[Complex128]
) -> Complex128:
    parts = np.stack(
        [
            size[..., np.newaxis, np.newaxis] * each
            for size, each in zip(power, covariances, strict=True)
        ]
    )
    total = parts.sum(axis=0) + np.sqrt(_EPSILON) * np.eye(2)
    solved = _inverse_times(total, x)
    return np.asarray(np.einsum("smbij,mbj->smbi", parts, solved))


def _inverse_times(matrix: Complex128, x: Complex128) -> Complex128:
    """Solve systems of two equations: (m, b, 2, 2) and (m, b, 2)."""
    a, b, c, d = (matrix[..., i, j] for i in (0, 1) for j in (0, 1))
    first = d * x[..., 0] - b * x[..., 1]
    second = a * x[..., 1] - c * x[..., 0]
    return np.stack([first, second], axis=-1) / (a * d - b * c)[..., np.newaxis]
