"""Gaia's selections, against fnmatch; its preprocessing, against scipy and scikit-learn."""

import json
from fnmatch import fnmatchcase

import numpy as np
import pytest
import scipy.stats

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from extractor_files import folder
from head_cases import CHOICES
from sklearn.preprocessing import MinMaxScaler

from pyplugin.models import heads
from pyplugin.training.heads.configurations import Configuration
from pyplugin.training.heads.convert import head_of
from pyplugin.training.heads.descriptors import read_tables
from pyplugin.training.heads.search import Examples, fitted
from pyplugin.training.heads.selections import (
    SELECTIONS,
    DescriptorPreprocessing,
    columns_of,
    matches,
)

SIZES = dict.fromkeys(
    (
        "lowlevel.average_loudness",
        "lowlevel.barkbands.mean",
        "lowlevel.barkbands.min",
        "lowlevel.barkbands_crest.mean",
        "lowlevel.melbands128.mean",
        "lowlevel.mfcc.cov",
        "lowlevel.mfcc.icov",
        "lowlevel.mfcc.mean",
        "lowlevel.silence_rate_20dB.mean",
        "lowlevel.spectral_energyband_high.mean",
        "lowlevel.spectral_energyband_low.mean",
        "lowlevel.spectral_flux.dmean2",
        "rhythm.bpm",
        "rhythm.bpm_histogram",
        "rhythm.bpm_histogram_first_peak_bpm",
        "tonal.thpcp",
    ),
    1,
)


def test_selections_are_those_of_gaias_template():
    """What Gaia's documentation says of its patterns, worked out by hand."""
    basic = [
        "lowlevel.average_loudness",
        "lowlevel.barkbands.mean",
        "lowlevel.barkbands_crest.mean",
        "lowlevel.mfcc.mean",
        "lowlevel.spectral_energyband_low.mean",
        "rhythm.bpm",
        "rhythm.bpm_histogram_first_peak_bpm",
    ]
    assert [*columns_of("basic", SIZES)] == basic
    assert [*columns_of("normalized", SIZES)] == basic
    assert [*columns_of("lowlevel", SIZES)] == basic[:5]
    assert [*columns_of("nobands", SIZES)] == [
        "lowlevel.average_loudness",
        "lowlevel.mfcc.mean",
        "rhythm.bpm",
        "rhythm.bpm_histogram_first_peak_bpm",
    ]


@pytest.mark.parametrize("pattern", ["*dmean*", "*.min", "*cov", "*energyband*"])
def test_a_pattern_with_a_star_is_a_wildcard(pattern):
    for name in SIZES:
        assert matches(name, pattern) == fnmatchcase(f".{name}", pattern)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    place = folder(tmp_path_factory.mktemp("descriptors"), 20)
    paths = sorted(place.rglob("*.json"))
    return read_tables(paths), np.array([path.parent.name for path in paths])


def test_normalised_descriptors_keep_the_shape_of_a_vector(table):
    found, _ = table
    step = DescriptorPreprocessing("normalized", found.sizes).fit(found.rows)
    columns = columns_of("normalized", found.sizes)["lowlevel.barkbands.mean"]
    first = [*columns_of("normalized", found.sizes)].index("lowlevel.barkbands.mean")
    at = sum([*step.used.values()][:first])
    own = found.rows[:, columns]
    low, high = own.min(), own.max()
    once = found.rows[:, step.columns_] * step.scale_ + step.offset_
    np.testing.assert_allclose(once[:, at : at + len(columns)], (own - low) / (high - low))
    # then each dimension is mapped to 0 to 1, which undoes it
    expected = MinMaxScaler().fit_transform(own)
    np.testing.assert_allclose(
        step.transform(found.rows)[:, at : at + len(columns)], expected, atol=1e-9
    )


def test_gaussianised_descriptors_are_as_gaia_has_them_but_for_interpolation(table):
    """Gaia: the rank in the data through the quantile function, then mapped to 0 to 1."""
    found, _ = table
    step = DescriptorPreprocessing("gaussianized", found.sizes).fit(found.rows)
    result = step.transform(found.rows)
    names = [name for name, size in step.used.items() for _ in range(size)]
    count = len(found.rows)
    for column, name in enumerate(names):
        values = found.rows[:, step.columns_[column]]
        if np.ptp(values) < 1e-7:
            assert not result[:, column].any()
        elif name.startswith("lowlevel."):
            ranks = (scipy.stats.rankdata(values) - 0.5) / count
            assert scipy.stats.spearmanr(result[:, column], ranks)[0] > 0.999
            normal = scipy.stats.norm.ppf(ranks)
            assert np.corrcoef(result[:, column], normal)[0, 1] > 0.97
        else:
            np.testing.assert_allclose(
                result[:, column], MinMaxScaler().fit_transform(values[:, None])[:, 0], atol=1e-9
            )


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("classifier", ["svm-rbf", "svm-poly", "logistic"])
def test_a_head_equals_scikit_learn(selection, classifier, table, tmp_path):
    found, labels = table
    examples = Examples(found.rows, labels, np.arange(len(labels)), found.sizes)
    choice = Configuration(preprocessing=selection, balanced=False, **CHOICES[classifier])
    model = fitted(examples, choice)
    step = model.calibrated_classifiers_[0].estimator.named_steps["preprocessing"]
    made = head_of(model, name="a", model=heads.EXTRACTOR, output="descriptors", about={})
    head = heads.load(heads.save(made, tmp_path / "a.head"))
    expected = model.predict_proba(found.rows)
    given = heads.run(head, found.rows[:, step.columns_])
    np.testing.assert_allclose(given, expected, atol=1e-4)
    assert json.dumps(step.used)  # goes into the card
