"""Training: it learns, the same again and after an interruption, also from a teacher."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")

import torch
from small_network import SMALL

from pyplugin.models.frontends import PRESETS
from pyplugin.training.corpus import LABELS, read_clips
from pyplugin.training.held_out import build_windows
from pyplugin.training.recordings import recorded_sounds
from pyplugin.training.scores import predict, score
from pyplugin.training.sequences import SequenceSet
from pyplugin.training.train import TrainSettings, answers, fit

FEW = TrainSettings(steps=4, batch=4, seed=1)


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_network_learns_four_kinds_of_sound(
    corpus: Path, sequences: SequenceSet, tmp_path: Path
) -> None:
    network = fit(sequences, SMALL, TrainSettings(steps=220, batch=6, average=0.9))
    sounds = recorded_sounds(read_clips(corpus, "test"), tmp_path)
    held_out = build_windows(sounds, PRESETS["musicnn"], patch=30, step=15)
    found = score(held_out.targets, predict(network, held_out.windows()))
    assert {"speech", "drums", "noise", "voice"} <= set(found)
    assert min(found[name].auc for name in ("speech", "noise", "voice")) > 0.9


def test_the_same_seed_gives_the_same_weights(sequences: SequenceSet) -> None:
    first, again = (fit(sequences, SMALL, FEW) for _ in range(2))
    assert same(first, again)
    assert not same(first, fit(sequences, SMALL, replace(FEW, seed=2)))


def test_an_interrupted_training_goes_on_with_the_same_result(
    sequences: SequenceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyplugin.training.train._KEPT", 2)
    whole = fit(sequences, SMALL, FEW)

    def stop(stage: str, done: int, of: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(sequences, SMALL, FEW, cache=tmp_path, progress=stop)
    lines: list[str] = []
    resumed = fit(sequences, SMALL, FEW, cache=tmp_path, report=lines.append)
    assert lines[0] == "going on at step 2 of 4"
    assert same(whole, resumed)


def test_a_damaged_state_and_one_of_other_settings_are_not_used(
    sequences: SequenceSet, tmp_path: Path
) -> None:
    fit(sequences, SMALL, FEW, cache=tmp_path)
    (state,) = tmp_path.glob("network-*.pt")
    state.write_bytes(b"damaged")
    lines: list[str] = []
    again = fit(sequences, SMALL, FEW, cache=tmp_path, report=lines.append)
    assert "going on" not in lines[0]
    assert same(again, fit(sequences, SMALL, FEW))
    fit(sequences, SMALL, replace(FEW, steps=5), cache=tmp_path)
    assert len(list(tmp_path.glob("network-*.pt"))) == 2


@pytest.mark.parametrize(("known", "share"), [(1, 0.25), (0, 0.25), (-1, 1.0)])
def test_a_network_learns_what_its_teacher_says_by_its_share(
    sequences: SequenceSet, known: int, share: float
) -> None:
    said = np.array([0.9, 0.8, 0.6, 0.5, 0.4, 0.2, 0.1], np.float32)
    taught = SequenceSet(sequences.folder)
    taught.wanted = np.full_like(taught.wanted, known)
    taught.taught = np.broadcast_to(said, taught.wanted.shape)
    settings = TrainSettings(
        steps=120, batch=4, learning_rate=0.03, average=0.9, teacher_weight=0.25
    )
    network = fit(taught, SMALL, settings)
    found, _ = answers(network, np.float32(np.log10(1 + 1e4 * taught.batch([0, 1]).power)))
    wanted = share * said + (1 - share) * np.clip(known, 0.02, 0.98)
    # Nearly silent sequences and those that begin with silence say nothing of the labels.
    np.testing.assert_allclose(found.mean(axis=(0, 1)), wanted, atol=0.12)


def test_scores_on_validation_sequences_are_reported(sequences: SequenceSet) -> None:
    lines: list[str] = []
    fit(sequences, SMALL, FEW, validation=sequences, report=lines.append)
    assert lines[-1].startswith("step 4: loss ")
    assert ", speech 0." in lines[-1] or ", speech 1." in lines[-1]


def test_answers_are_those_of_windows(sequences: SequenceSet, trained) -> None:
    mel = np.float32(np.log10(1 + 1e4 * sequences.batch([0, 1]).power))
    found, frames = answers(trained, mel)
    assert frames[0] == SMALL.patch - 1
    assert (np.diff(frames) == 6).all()
    assert found.shape == (2, len(frames), len(LABELS))
    for place in (0, 7, len(frames) - 1):
        windows = mel[:, frames[place] - SMALL.patch + 1 : frames[place] + 1]
        np.testing.assert_allclose(found[:, place], predict(trained, windows), atol=1e-5)
