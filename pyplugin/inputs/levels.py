"""Levels that cannot be right: samples of another scale, DC, cancelling channels, silence."""

import numpy as np

from pyplugin.support.arrays import Float32

_FAR = 8.0  # times full scale; float recordings exceed 1, but not so
_DC = 0.5  # share of the power that is constant
_CANCELLED = 1e-4  # share of the channels' power that is left in their mean
_FAINT = 10 ** (-70 / 20)  # RMS; what is detected in less is chance
_AUDIBLE = 1e-12
_FEWEST = 500  # samples looked at, before anything is said
_STEP = 8  # of so many samples one is looked at


class LevelCheck:
    """Follows the levels of a stream of blocks.

    Examples
    --------
    >>> check = LevelCheck()
    >>> check.add(np.full((1, 8000), 3000.0, np.float32))
    >>> check.notes()["scale"][:39]
    'The samples reach 3000 times full scale'
    """

    def __init__(self) -> None:
        self._begin(0)

    def _begin(self, channels: int) -> None:
        self._count = 0
        self._peak = self._mixed = 0.0
        self._sums, self._powers = np.zeros(channels), np.zeros(channels)

    def add(self, block: Float32) -> None:
        """Take a block, (channels, n)."""
        if block.shape[1] == 0:
            return
        if len(block) != len(self._sums):  # another format
            self._begin(len(block))
        finite = np.nan_to_num(block[:, ::_STEP], nan=0.0, posinf=0.0, neginf=0.0)
        self._count += finite.shape[1]
        self._peak = max(self._peak, float(np.abs(finite).max()))
        self._sums += finite.sum(axis=1, dtype=np.float64)
        self._powers += np.einsum("ij,ij->i", finite, finite, dtype=np.float64)
        mixed = finite.mean(axis=0)
        self._mixed += float(np.dot(mixed, mixed))

    def notes(self) -> dict[str, str]:
        """Return a sentence for each thing that cannot be right so far, by its kind."""
        if self._count < _FEWEST:
            return {}
        found = {}
        power = float(self._powers.mean()) / self._count
        constant = float(np.square(self._sums / self._count).mean())
        if self._peak > _FAR:
            found["scale"] = (
                f"The samples reach {self._peak:.4g} times full scale, which is 1.0: divide "
                "integers by their largest value (32768 for 16 bits)."
            )
        if power > _AUDIBLE and constant > _DC * power:
            found["constant"] = "The samples are mostly a constant (DC): check the input."
        elif power > _FAINT**2 and self._mixed / self._count < _CANCELLED * power:
            found["cancelled"] = (
                "The channels cancel each other when they are mixed for the models: one of them is "
                "inverted."
            )
        if power < _FAINT**2 and not constant > _DC * power:
            level = 10 * np.log10(power) if power > 0 else -np.inf
            said = "digital silence" if power == 0 else f"{level:.0f} dBFS"
            found["faint"] = f"The level is {said}: too low for results that mean anything."
        return found
