"""Gaia's selections of Essentia's descriptors, with their preprocessing.

They are those of Gaia's classification_project_template.yaml for Essentia 2.1-beta5. After them,
Gaia maps each dimension to 0 to 1, and so does this. What differs is in `DescriptorPreprocessing`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import QuantileTransformer

from pyplugin.support.arrays import Float64, Indices

_UNUSED = (
    "metadata.*",
    "*dmean*",
    "*dvar*",
    "*.min",
    "*.max",
    "*cov",
    "tonal.thpcp",
    "lowlevel.spectral_energyband_high.*",
    "lowlevel.silence_rate*",
    "rhythm.bpm_histogram",
    "lowlevel.melbands128.*",
)
_BANDS = ("barkbands*", "*energyband*", "melbands*", "erbbands*")
_GAUSSIAN = "lowlevel.*"
_SEED = 0
_MIN_RANGE = 1e-7
"""Gaia's: what varies less is constant, and not used."""


@dataclass(frozen=True)
class Selection:
    """Which descriptors are used, and how.

    Attributes
    ----------
    select : str
        Pattern of those that are used.
    remove : tuple of str
        Patterns of those that are not, besides those that no selection uses.
    normalise : bool
        Map each descriptor to 0 to 1, all dimensions of a vector together.
    gaussianise : bool
        Then map the dimensions of ``lowlevel`` to a normal distribution.
    """

    select: str = "*"
    remove: tuple[str, ...] = ()
    normalise: bool = False
    gaussianise: bool = False


SELECTIONS = {
    "basic": Selection(),
    "lowlevel": Selection(select="lowlevel*"),
    "nobands": Selection(remove=_BANDS),
    "normalized": Selection(normalise=True),
    "gaussianized": Selection(normalise=True, gaussianise=True),
}
"""Gaia's, by its names."""


def matches(name: str, pattern: str) -> bool:
    """Return whether Gaia's pattern selects a descriptor.

    A pattern that does not begin with ``*`` matches the end of a name from any dot on.

    Examples
    --------
    >>> matches("lowlevel.barkbands.mean", "barkbands*"), matches("rhythm.bpm", "lowlevel*")
    (True, False)
    >>> matches("rhythm.bpm_histogram_first_peak_bpm", "rhythm.bpm_histogram")
    False
    """
    return _compiled(pattern).search(f".{name}") is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    begin = "^" if pattern.startswith("*") else r"\."
    return re.compile(begin + ".*".join(map(re.escape, pattern.split("*"))) + "$")


def columns_of(selection: str, sizes: Mapping[str, int]) -> dict[str, list[int]]:
    """Return the columns of each descriptor that a selection uses.

    Parameters
    ----------
    selection
        One of `SELECTIONS`.
    sizes
        The descriptors in the order of the columns, and how many columns each has.

    Examples
    --------
    >>> columns_of("lowlevel", {"lowlevel.mfcc.mean": 2, "lowlevel.mfcc.cov": 4, "rhythm.bpm": 1})
    {'lowlevel.mfcc.mean': [0, 1]}
    """
    chosen = SELECTIONS[selection]
    found, at = {}, 0
    for name, size in sizes.items():
        left_out = any(matches(name, pattern) for pattern in (*_UNUSED, *chosen.remove))
        if not left_out and matches(name, chosen.select):
            found[name] = [*range(at, at + size)]
        at += size
    return found


class WidenedQuantiles(QuantileTransformer):  # type: ignore[misc]
    """A QuantileTransformer whose ends are beyond the data, as those of Gaia's gaussianize.

    scikit-learn maps the ends of the data to 5.2 deviations, so that what is between them has
    little of the range; here, as in Gaia, they get about the quantile of one sample. Quantiles are
    float32, as a head holds them.
    """

    quantiles_: Any

    def fit(self, x: Any, y: Any = None) -> WidenedQuantiles:
        """Find the quantiles, and widen their ends."""
        super().fit(x, y)
        found = self.quantiles_
        least = (found[-1] - found[0]) / len(found)
        found[0] -= np.maximum(found[1] - found[0], least)
        found[-1] += np.maximum(found[-1] - found[-2], least)
        self.quantiles_ = np.maximum.accumulate(found.astype(np.float32).astype(np.float64))
        return self


class DescriptorPreprocessing(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """What Gaia does before an SVM: select, remove constants, normalise, gaussianise, 0 to 1.

    All is fitted on the training part of a fold; Gaia normalises, gaussianises and removes
    constants on all recordings before it makes folds, so its figures are slightly optimistic.
    Quantiles are interpolated between at most 100, where Gaia has the rank among up to 10,000
    recordings; it divides the result by the square root of 2, which the mapping to 0 to 1 undoes.

    Parameters
    ----------
    selection : str
        One of `SELECTIONS`.
    sizes : dict of str to int
        As for `columns_of`.
    """

    columns_: Indices
    scale_: Float64
    offset_: Float64
    quantiles_: Any
    final_scale_: Float64
    final_offset_: Float64

    def __init__(self, selection: str, sizes: Mapping[str, int]) -> None:
        self.selection = selection
        self.sizes = sizes

    @property
    def used(self) -> dict[str, int]:
        """The descriptors that are used, and how many columns each has."""
        found = columns_of(self.selection, self.sizes)
        return {name: len(columns) for name, columns in found.items()}

    def fit(self, x: Any, y: Any = None) -> DescriptorPreprocessing:
        """Fit on rows (n, D)."""
        self.n_features_in_ = np.shape(x)[1]
        chosen = SELECTIONS[self.selection]
        groups = columns_of(self.selection, self.sizes)
        self.columns_ = np.array([each for columns in groups.values() for each in columns], int)
        values = np.asarray(x, np.float64)[:, self.columns_]
        low, high = values.min(axis=0), values.max(axis=0)
        constant = high - low < _MIN_RANGE
        if chosen.normalise:
            owners = np.repeat(np.arange(len(groups)), [len(each) for each in groups.values()])
            for owner in range(len(groups)):
                own = owners == owner
                low[own], high[own] = low[own].min(), high[own].max()
            self.scale_, self.offset_ = _to_unit(low, high)
            values = values * self.scale_ + self.offset_
        gaussian = sum(
            len(columns)
            for name, columns in groups.items()
            if chosen.gaussianise and matches(name, _GAUSSIAN)
        )  # the first ones, as names are sorted
        self.quantiles_ = None
        if gaussian:
            self.quantiles_ = WidenedQuantiles(
                n_quantiles=max(min(100, len(values) // 3), 2),
                output_distribution="normal",
                random_state=_SEED,
            ).fit(values[:, :gaussian])
            values = self._gaussianised(values)
        scale, offset = _to_unit(values.min(axis=0), values.max(axis=0))
        self.final_scale_, self.final_offset_ = (
            np.where(constant, 0, scale),
            np.where(constant, 0, offset),
        )
        return self

    def transform(self, x: Any) -> Float64:
        """Return rows (n, E) from rows (n, D)."""
        values = np.asarray(x, np.float64)[:, self.columns_]
        if SELECTIONS[self.selection].normalise:
            values = values * self.scale_ + self.offset_
        values = self._gaussianised(values)
        return np.asarray(values * self.final_scale_ + self.final_offset_)

    def _gaussianised(self, values: Float64) -> Float64:
        if self.quantiles_ is None:
            return values
        count = self.quantiles_.n_features_in_
        return np.hstack([self.quantiles_.transform(values[:, :count]), values[:, count:]])


def _to_unit(low: Float64, high: Float64) -> tuple[Float64, Float64]:
    """Return scale and offset that map low to 0 and high to 1; 0 and 0 where they are equal."""
    width = high - low
    scale = np.divide(1, width, out=np.zeros_like(width), where=width > 0)
    return scale, -low * scale
