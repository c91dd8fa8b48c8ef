"""Training: it learns, stops early, and goes on after an interruption as if there were none."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import torch

from pyplugin.training.classes.fit import class_accuracy, clip_means, fit
from pyplugin.training.classes.networks import predict
from pyplugin.training.classes.settings import ClassesSettings

LABELS = ("blues", "disco", "metal")
QUICK = ClassesSettings(epochs=3, batch=8, least_steps=4, learning_rate=4e-3)


@pytest.fixture
def parts(features):
    """Clips of three artists of each class to train on, of the fourth to stop on."""
    last = [each.clip.group.endswith("3") for each in features]
    return (
        [each for each, held in zip(features, last, strict=True) if not held],
        [each for each, held in zip(features, last, strict=True) if held],
    )


def same(one, other) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_an_interrupted_training_is_resumed_to_the_same_weights(parts):
    whole = fit(*parts, LABELS, QUICK)
    states = []

    def save(state):
        states.append({**state, "best": dict(state["best"])})
        if len(states) == 2:
            raise KeyboardInterrupt

    asked = []
    part = fit(*parts, LABELS, QUICK, save=save, interrupted=lambda: asked.append(1))
    assert part.interrupted
    assert asked == [1]
    assert part.losses == whole.losses[:2]
    resumed = fit(*parts, LABELS, QUICK, state=states[-1])
    assert resumed.losses == whole.losses
    assert resumed.validation_losses == whole.validation_losses
    assert same(resumed.network, whole.network)
    assert not resumed.interrupted


def test_without_a_finished_epoch_the_interruption_is_passed_on(parts):
    def stop(done, of, line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(*parts, LABELS, QUICK, progress=stop, interrupted=lambda: None)


def test_training_stops_when_validation_gets_worse_and_keeps_the_best(parts):
    # Validation clips with exchanged classes: what is learnt makes their loss greater.
    train, validation = parts
    others = {"blues": "disco", "disco": "metal", "metal": "blues"}
    wrong = [replace(e, clip=replace(e.clip, labels=(others[e.clip.label],))) for e in validation]
    settings = replace(QUICK, epochs=40, patience=2, learning_rate=1e-2)
    found = fit(train, wrong, LABELS, settings)
    assert len(found.losses) == found.epoch + 2 < 40
    assert found.validation_losses[found.epoch - 1] == min(found.validation_losses)


@pytest.mark.parametrize(
    ("architecture", "exclusive"), [("own", True), ("own", False), ("deepsound", True)]
)
def test_a_network_learns_three_kinds_of_sound(architecture, exclusive, parts, clips):
    settings = replace(QUICK, architecture=architecture, exclusive=exclusive, epochs=8)
    if architecture != "own":
        from pyplugin.training.classes.features import compute_features

        found = compute_features(clips, settings.kind).clips
        held = [each.clip.group.endswith("3") for each in found]
        parts = [[e for e, h in zip(found, held, strict=True) if h == side] for side in (0, 1)]
    train, validation = parts
    fitted = fit(train, validation, LABELS, settings)
    run = partial(predict, fitted.network, exclusive=exclusive)
    means = clip_means(run, validation, settings.kind.frames, 4)
    truth = [LABELS.index(each.clip.label) for each in validation]
    assert (means.argmax(axis=1) == truth).mean() > 0.8
    assert fitted.losses[-1] < fitted.losses[0]


def test_clips_are_averaged_over_their_windows(features):
    short = replace(features[0], mel=features[0].mel[:60])
    clips = [features[1], short, *features[2:40]] * 2
    found = clip_means(lambda windows: windows.mean(axis=1), clips, 60, 3)
    assert found.shape == (len(clips), 96)
    wanted = np.float64([features[1].mel[at : at + 60].mean(0, np.float64) for at in (0, 48, 97)])
    np.testing.assert_allclose(found[0], wanted.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(found[1], short.mel.mean(0, np.float64), atol=1e-3)
    np.testing.assert_array_equal(found[: len(clips) // 2], found[len(clips) // 2 :])


def test_accuracy_is_the_mean_over_the_classes():
    targets = np.float32([[1, 0], [1, 0], [1, 0], [0, 1]])
    values = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.6, 0.4]])
    assert class_accuracy(values, targets, True) == pytest.approx(1 / 3)
    # at 0.5, first class: found 2 of 3, false 1 of 1; second: 0 of 1, false 1 of 3
    wanted = ((2 / 3 + 0) / 2 + (0 + 2 / 3) / 2) / 2
    assert class_accuracy(values, targets, False) == pytest.approx(wanted)
