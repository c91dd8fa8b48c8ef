"""Sequences: cached, resumed, and varied for each batch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")
pytest.importorskip("av", reason="needs av: pip install 'tagnode[audio]'")

from pyplugin.models.frontends import PRESETS
from pyplugin.training import sequences as module
from pyplugin.training.scenes import compose, wanted_answers
from pyplugin.training.sequences import (
    Batch,
    SceneSettings,
    SequenceSet,
    at_random_levels,
    augmented,
    build_sequences,
    front_end_values,
)
from pyplugin.training.sounds import Sound, pools_of, powers

SETTINGS = SceneSettings(count=5, seconds=4.0, seed=3)
SCENE = PRESETS["scene"]


def test_a_sequence_is_the_scene_with_its_number(sounds: list[Sound], tmp_path: Path) -> None:
    pools = pools_of(sounds)
    found = build_sequences(pools, SETTINGS, tmp_path)
    close = 0
    for number in range(5):
        scene = compose(pools, np.random.default_rng((3, number)), seconds=4.0)
        np.testing.assert_array_equal(found.wanted[number], wanted_answers(scene.presence))
        power = found.batch([number]).power[0]
        assert power.shape == (250, 96)
        loud = powers(scene.samples)[:250]
        close += np.allclose(power, loud, rtol=0.02, atol=1e-6)
    assert close >= 1  # those without a codec


def test_an_interrupted_computation_goes_on(
    sounds: list[Sound], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools = pools_of(sounds)
    whole = build_sequences(pools, SETTINGS, tmp_path / "whole")
    made: list[int] = []
    original = module._sequence

    def interrupted(number: int):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(number)
        return original(number)

    monkeypatch.setattr(module, "_sequence", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_sequences(pools, SETTINGS, tmp_path / "parts")
    monkeypatch.setattr(module, "_sequence", original)
    seen: list[tuple[str, int, int]] = []
    parts = build_sequences(
        pools, SETTINGS, tmp_path / "parts", progress=lambda *each: seen.append(each)
    )
    assert made == [0, 1]
    assert seen[0] == ("Scenes", 2, 5)
    assert seen[-1] == ("Scenes", 5, 5)
    np.testing.assert_array_equal(parts.mel, whole.mel)
    np.testing.assert_array_equal(parts.wanted, whole.wanted)
    assert parts.done.all()


def test_another_configuration_has_a_folder_of_its_own(sounds: list[Sound], tmp_path: Path) -> None:
    pools = pools_of(sounds)
    folders = {
        build_sequences(each, settings, tmp_path).folder
        for each, settings in (
            (pools, SETTINGS),
            (pools, replace(SETTINGS, seed=4)),
            (pools, replace(SETTINGS, seconds=5.0)),
            (pools_of(sounds[1:]), SETTINGS),
            (pools, SETTINGS),
        )
    }
    assert len(folders) == 4


@pytest.fixture(scope="module")
def batch(sequences: SequenceSet) -> Batch:
    """Ten sequences with what a teacher might say."""
    found = sequences.batch(list(range(10)))
    taught = np.random.default_rng(0).random(found.wanted.shape).astype(np.float32)
    return replace(found, taught=taught)


def test_augmentation_keeps_answers_or_delays_them_by_silence(batch: Batch) -> None:
    delayed = kept = 0
    for seed in range(8):
        found = augmented(batch, 29, np.random.default_rng(seed), SCENE)
        assert found.taught is not None
        assert batch.taught is not None
        for number in range(10):
            same = np.array_equal(found.wanted[number], batch.wanted[number])
            late = np.array_equal(found.wanted[number, 29:], batch.wanted[number, :-29])
            silent = not found.wanted[number].any() and np.isnan(found.taught[number]).all()
            assert same or late or silent
            if late and not same and not silent:
                delayed += 1
                assert not found.power[number, :29].any()
                assert not found.wanted[number, :29].any()
                assert np.isnan(found.taught[number, :29]).all()
                np.testing.assert_array_equal(found.taught[number, 29:], batch.taught[number, :-29])
            kept += same
    assert delayed > 20
    assert kept > 20


def test_augmentation_does_not_change_what_it_is_given(batch: Batch) -> None:
    before = batch.power.copy()
    augmented(batch, 29, np.random.default_rng(1), SCENE)
    np.testing.assert_array_equal(batch.power, before)


def test_levels_span_fifty_decibels(batch: Batch) -> None:
    levels = []
    for seed in range(20):
        found = augmented(batch, 29, np.random.default_rng(seed), SCENE)
        levels.append(10 * np.log10(found.power.max(axis=(1, 2)) / batch.power.max(axis=(1, 2))))
    spread = np.percentile(np.concatenate(levels), [5, 95])
    assert spread[0] < -30
    assert spread[1] > 2


def test_levels_to_validate_on_are_gains(batch: Batch) -> None:
    found = at_random_levels(batch, np.random.default_rng(0))
    loud = batch.power > 1e-3
    for number in range(10):
        ratios = (found.power[number] / np.maximum(batch.power[number], 1e-30))[loud[number]]
        if len(ratios):
            np.testing.assert_allclose(ratios, ratios[0], rtol=1e-4)
            assert -30.01 <= 10 * np.log10(ratios[0]) <= 5.01


def test_values_are_those_of_the_front_end(batch: Batch) -> None:
    values = front_end_values(batch, SCENE)
    np.testing.assert_allclose(values, np.log10(1 + 1e5 * batch.power), atol=1e-4)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"seconds": 1.0}, {"validation": -1}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="scenes need"):
        SceneSettings(**wrong)
