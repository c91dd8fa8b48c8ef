"""Scenes: what is present where, and what is wanted at the end of each frame."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")

from pyplugin.errors import PypluginError
from pyplugin.training.corpus import LABELS
from pyplugin.training.scenes import (
    HOLD,
    PAIRS,
    SHARES,
    compose,
    excerpt,
    joined,
    loudness,
    pick,
    wanted_answers,
)
from pyplugin.training.sounds import HOP, RATE, Sound, as_floats, pools_of, save_array

SPEECH, MUSIC, TONAL = (LABELS.index(name) for name in ("speech", "music", "tonal"))


def slowly(presence: np.ndarray) -> np.ndarray:
    """The wanted answers, frame by frame, in the words of the documentation."""
    wanted = np.full(presence.shape, -1)
    for frame in range(len(presence)):
        for column in range(len(LABELS)):
            past = presence[: frame + 1, column].tolist()[::-1]  # the newest first
            hold = past[: int(HOLD * 62.5)]
            half, still = past[: int(0.5 * 62.5)], past[: int(0.35 * 62.5)]
            if all(value == 0 for value in hold):
                wanted[frame, column] = 0
            least = int(0.25 * 62.5)
            if half.count(1) >= least or (hold.count(1) >= least and 1 in still):
                wanted[frame, column] = 1
    return wanted


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 60), st.lists(st.sampled_from([-1, 0, 1]), min_size=7, max_size=7)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_wanted_answers_are_those_of_a_slow_loop(runs: list[tuple[int, list[int]]]) -> None:
    presence = np.concatenate([np.repeat([row], count, axis=0) for count, row in runs])
    np.testing.assert_array_equal(wanted_answers(presence.astype(np.int8)), slowly(presence))


def test_a_sound_is_wanted_soon_after_its_onset_and_not_long_after_its_end() -> None:
    presence = np.zeros((300, 7), np.int8)
    presence[100:200, SPEECH] = 1
    wanted = wanted_answers(presence)[:, SPEECH]
    assert (wanted[:100] == 0).all()
    assert np.flatnonzero(wanted == 1)[0] == 100 + 15 - 1  # a quarter of a second
    assert np.flatnonzero(wanted[200:] == 0)[0] == pytest.approx(0.65 * 62.5, abs=2)
    assert (wanted[260:] == 0).all()


def sound(folder: Path, category: str, samples: np.ndarray, row: list[int]) -> Sound:
    path = folder / f"{category}-{len(list(folder.iterdir()))}.npy"
    save_array(path, np.round(samples * 16384).astype(np.int16))
    frames = -(-len(samples) // HOP)
    save_array(path.with_suffix(".presence.npy"), np.repeat([row], frames, 0).astype(np.int8))
    return Sound(category, category, path.stem, path)


def tone(seconds: float, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)


def test_an_excerpt_of_a_long_sound_is_a_part_of_it(tmp_path: Path) -> None:
    ramp = np.arange(6 * RATE) / (6 * RATE)
    long = sound(tmp_path, "music", ramp, [0, 0, 1, 0, 1, 0, 0])
    found, presence = excerpt(long, 2 * RATE // HOP * HOP, np.random.default_rng(0))
    assert presence.shape == (len(found) // HOP, 7)
    assert (presence[:, MUSIC] == 1).all()
    np.testing.assert_allclose(np.diff(found[::1000]), 1000 / (6 * RATE), atol=2e-4)


@pytest.mark.parametrize("seed", range(6))
def test_a_short_sound_is_repeated_and_present_where_it_is_audible(
    tmp_path: Path, seed: int
) -> None:
    short = sound(tmp_path, "percussion", tone(0.512), [0, 0, -1, 1, 0, 0, 0])
    found, presence = excerpt(short, 250 * HOP, np.random.default_rng(seed))
    audible = np.abs(found.reshape(250, HOP)).max(axis=1) > 0.1
    assert audible.sum() >= 32
    np.testing.assert_array_equal(presence[:, LABELS.index("drums")] == 1, audible)
    np.testing.assert_array_equal(presence[:, MUSIC] == -1, audible)


def test_a_sound_is_played_slower_or_faster_with_its_presence(tmp_path: Path) -> None:
    samples = np.concatenate([np.zeros(256 * HOP), tone(4.096)])
    half = sound(tmp_path, "instrument", samples, [0, 0, 0, 0, 1, 0, 0])
    presence = np.zeros((512, 7), np.int8)
    presence[256:, TONAL] = 1
    save_array(half.path.with_suffix(".presence.npy"), presence)
    speeds = set()
    for seed in range(20):
        found, present = excerpt(half, 400 * HOP, np.random.default_rng(seed))
        audible = np.abs(found.reshape(400, HOP)).max(axis=1) > 0.1
        assert abs(int(audible.sum()) - int((present[:, TONAL] == 1).sum())) <= 2
        spectrum = np.abs(np.fft.rfft(found * np.hanning(len(found)), 1 << 20))
        speeds.add(round(float(np.argmax(spectrum)) * RATE / (1 << 20) / 440.0, 2))
    assert min(speeds) == 0.8
    assert max(speeds) == 1.25
    assert 1.0 in speeds


def test_a_label_far_below_another_sound_is_unknown() -> None:
    loud, faint = tone(4.096), tone(4.096) * 10 ** (-30 / 20)
    speech, music = (np.zeros((256, 7), np.int8) for _ in range(2))
    speech[:, SPEECH], music[:, MUSIC] = 1, 1
    together = joined([faint, loud], [speech, music])
    assert (together[:, SPEECH] == -1).all()
    assert (together[:, MUSIC] == 1).all()
    together = joined([faint * 10, loud], [speech, music])  # 10 dB below: audible
    assert (together[:, SPEECH] == 1).all()
    alone = joined([faint, loud * 0], [speech, music * 0])
    assert (alone[:, SPEECH] == 1).all()


def test_the_loudness_is_that_of_the_loud_part() -> None:
    half = np.concatenate([tone(1.0), np.zeros(3 * RATE)])
    assert loudness(half) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)
    assert loudness(np.zeros(RATE)) > 0


@pytest.mark.parametrize("seed", range(12))
def test_scenes_have_the_labels_of_what_is_audible(sounds: list[Sound], seed: int) -> None:
    """Presence and samples agree: where nothing is present or unknown, the scene is quiet."""
    scene = compose(pools_of(sounds), np.random.default_rng(seed), seconds=4.0)
    assert scene.samples.shape == (250 * HOP,)
    assert scene.presence.shape == (250, 7)
    assert np.isfinite(scene.samples).all()
    assert 0.2 < np.abs(scene.samples).max() < 1.0
    again = compose(pools_of(sounds), np.random.default_rng(seed), seconds=4.0)
    np.testing.assert_array_equal(scene.samples, again.samples)
    np.testing.assert_array_equal(scene.presence, again.presence)
    voice = scene.presence[:, LABELS.index("voice")]
    assert (voice[scene.presence[:, SPEECH] == 1] == 1).all()


def test_scenes_are_single_in_turn_and_at_once(sounds: list[Sound]) -> None:
    """Both together in a frame, or one after the other, or only one kind."""
    kinds = set()
    for seed in range(60):
        seen = compose(pools_of(sounds), np.random.default_rng(seed), seconds=4.0).presence == 1
        speech, noise = seen[:, SPEECH], seen[:, LABELS.index("noise")]
        kinds.add((bool(speech.any()), bool(noise.any()), bool((speech & noise).any())))
    assert {(True, False, False), (False, True, False), (True, True, True)} <= kinds
    assert (True, True, False) in kinds


def test_groups_are_picked_by_the_root_of_their_size(tmp_path: Path) -> None:
    one = sound(tmp_path, "music", tone(1.0), [0] * 7)
    pool = {"small": [one], "large": [one] * 16}
    random = np.random.default_rng(0)
    picked: list[str] = []
    for group, members in pool.items():
        pool[group] = [Sound("music", group, "x", one.path) for _ in members]
    picked = [pick(pool, random).group for _ in range(2000)]
    assert picked.count("large") / len(picked) == pytest.approx(4 / 5, abs=0.03)


def test_a_corpus_without_known_categories_is_reported(tmp_path: Path) -> None:
    pools = pools_of([sound(tmp_path, "cooking", tone(1.0), [0] * 7)])
    with pytest.raises(PypluginError, match="no sounds of the categories"):
        compose(pools, np.random.default_rng(0))


def test_every_category_of_a_pair_has_a_share() -> None:
    assert {name for pair in PAIRS for name in pair} - {"vocals"} <= set(SHARES)


def test_floats_of_a_sound_keep_their_scale(tmp_path: Path) -> None:
    kept = sound(tmp_path, "music", tone(0.5, 0.9), [0] * 7)
    np.testing.assert_allclose(as_floats(kept.samples()), tone(0.5, 0.9), atol=1e-4)
