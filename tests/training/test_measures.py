"""What is measured of detectors, with detectors and sounds whose figures are known."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")
pytest.importorskip("av", reason="needs av: pip install 'tagnode[audio]'")

from pyplugin.training.corpus import LABELS
from pyplugin.training.measures import (
    Answers,
    Material,
    area,
    at_level,
    found_at,
    measure,
    onsets_per_hour,
    share_above,
    through_mp3,
    through_telephone,
)
from pyplugin.training.sounds import HOP, RATE, Sound, pools_of, save_array

SPEECH, MUSIC = LABELS.index("speech"), LABELS.index("music")


def tone(hertz: float, seconds: float, level: float = 0.3) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Speech and music that are tones of 500 and 2000 Hz, two recordings of 12 s each."""
    folder = tmp_path_factory.mktemp("tones")
    sounds = []
    for category, hertz, column in (("speech", 500, SPEECH), ("music", 2000, MUSIC)):
        for number in range(2):
            path = folder / f"{category}-{number}.npy"
            presence = np.zeros((12 * RATE // HOP, len(LABELS)), np.int8)
            presence[:, column] = 1
            presence[:, LABELS.index("voice")] = column == SPEECH
            save_array(path, np.round(tone(hertz, 12.0) * 16384).astype(np.int16))
            save_array(path.with_suffix(".presence.npy"), presence)
            sounds.append(Sound(category, f"{category}-{number}", path.stem, path))
    return Material(pools_of(sounds))


def ideal(samples: np.ndarray) -> np.ndarray:
    """Speech where a frame has 500 Hz, music where it has 2000 Hz; nothing of the others."""
    frames = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(HOP), axis=1))
    values = np.full((len(frames), len(LABELS)), np.nan, np.float32)
    loud = spectrum.max(axis=1) > 1e-6
    strongest = spectrum.argmax(axis=1) * RATE / HOP
    values[:, SPEECH] = loud & (np.abs(strongest - 500) < 100)
    values[:, MUSIC] = loud & (np.abs(strongest - 2000) < 100)
    values[:, LABELS.index("voice")] = values[:, SPEECH]
    return values


def test_a_perfect_detector_has_perfect_figures(material: Material) -> None:
    found = {each.name: each for each in measure(material, ideal)}
    assert found["speech: ROC-AUC"].value == 1.0
    assert found["music: ROC-AUC"].value == 1.0
    assert np.isnan(found["drums: ROC-AUC"].value)  # no such label, and no such sound
    assert found["music: recordings whose mean is above 0.5"].value == 1.0
    assert found["speech in speech: change of the mean, -10 to -40 dBFS"].value == 0.0
    assert found["speech in speech: onset, median s"].value == 0.0
    assert found["speech in speech: release, median s"].value == 0.0
    assert found["music in music: crossings of 0.5 a minute"].value == 0.0
    assert found["voice, false onsets an hour: music"].value == 0.0


def test_a_slow_and_unsteady_detector_is_found_out(material: Material) -> None:
    def late(samples: np.ndarray) -> np.ndarray:
        """25 frames too late, and music is forgotten for every third 48 frames."""
        values = ideal(samples)
        values[25:] = values[:-25].copy()
        values[:25] = 0
        values[np.arange(len(values)) // 48 % 3 == 2, MUSIC] = 0
        return values

    found = {each.name: each.value for each in measure(material, late)}
    assert found["speech in speech: onset, median s"] == pytest.approx(25 / 62.5)
    assert found["speech in speech: release, median s"] == pytest.approx(25 / 62.5)
    # 2 crossings in 144 frames, which are 2.3 s
    assert found["music in music: crossings of 0.5 a minute"] == pytest.approx(52, abs=6)


def test_all_detectors_have_the_same_measures(material: Material) -> None:
    nothing = measure(material, lambda samples: np.zeros((len(samples) // HOP, 7), np.float32))
    assert [each.name for each in nothing] == [each.name for each in measure(material, ideal)]
    assert len({each.name for each in nothing}) == len(nothing)
    assert {each.better for each in nothing} == {"more", "less"}


def test_the_area_is_the_share_of_ordered_pairs() -> None:
    random = np.random.default_rng(0)
    positive, negative = random.normal(1, 1, 40).astype(np.float32), random.normal(0, 1, 30)
    pairs = [float(a > b) for a in positive for b in negative]
    assert area(positive, negative.astype(np.float32)) == pytest.approx(np.mean(pairs))
    assert np.isnan(area(positive, negative[:0].astype(np.float32)))
    assert np.isnan(area(np.float32([np.nan, 1]), np.float32([0])))


def test_found_at_a_share_of_false_positives() -> None:
    negative = np.arange(100, dtype=np.float32)
    positive = np.float32([50, 97, 99, 120])
    assert found_at(positive, negative, 0.02) == 0.5  # above 97.02
    assert share_above(np.float32([0.2, 0.6, 0.9, 0.5])) == 0.5


def test_onsets_are_counted_by_the_hour() -> None:
    values = np.zeros((round(62.5 * 36), 7), np.float32)  # a hundredth of an hour
    values[500:800, MUSIC] = values[1200:1500, MUSIC] = 1
    answers = [Answers(values, np.zeros(values.shape, np.int8))]
    assert onsets_per_hour(answers, MUSIC) == pytest.approx(200)
    assert onsets_per_hour(answers, SPEECH) == 0
    assert np.isnan(onsets_per_hour([], MUSIC))


def test_levels_are_those_of_the_loud_parts() -> None:
    half = np.concatenate([tone(300, 1.0), np.zeros(RATE, np.float32)])
    loud = at_level(half, -30.0)[:RATE]
    assert 10 * np.log10(np.mean(np.square(loud))) == pytest.approx(-30.0, abs=0.1)


def test_the_telephone_keeps_the_middle_only() -> None:
    powers = [np.mean(np.square(through_telephone(tone(f, 1.0)))) for f in (100, 1000, 5000)]
    assert powers[1] == pytest.approx(0.045, rel=0.05)
    assert powers[0] < 1e-4 * powers[1]
    assert powers[2] < 1e-3 * powers[1]


def test_mp3_keeps_time_and_loses_the_highs() -> None:
    clicks = np.random.default_rng(0).normal(0, 0.2, RATE).astype(np.float32)
    clicks *= np.repeat(np.arange(10) % 2, RATE // 10)
    coded = through_mp3(clicks)
    assert coded.shape == clicks.shape
    envelopes = [np.square(each).reshape(-1, 160).mean(1) for each in (clicks, coded)]
    lags = [np.dot(np.roll(envelopes[1], lag), envelopes[0]) for lag in range(-20, 21)]
    assert abs(int(np.argmax(lags)) - 20) <= 2  # 10 ms each
