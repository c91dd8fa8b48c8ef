"""Windows that begin with silence, and heads that were trained on them."""

import numpy as np
import pytest
import soundfile
from head_cases import blobs
from helpers import level_noise, music

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

import pyplugin
from pyplugin.models import heads, registry
from pyplugin.models.heads import Dense, Head
from pyplugin.node.node import State
from pyplugin.training.heads import onsets as onsets_module
from pyplugin.training.heads.onsets import embed_onsets, has_onsets, window_seconds
from pyplugin.training.heads.search import Examples, Onsets, choose_folds
from pyplugin.training.heads.train import train_head

RATE = 22050


def test_they_are_what_a_node_computes_when_a_stream_begins(tmp_path, monkeypatch):
    shares = (16 / 125, 32 / 125, 64 / 125)  # whole mel frames, so that both have the same ones
    monkeypatch.setattr(onsets_module, "_loud_places", lambda samples, window: [0])
    monkeypatch.setattr(onsets_module, "SHARES", shares)
    samples = music(3, 16000, 1)
    soundfile.write(tmp_path / "a.wav", samples.T, 16000, subtype="FLOAT")
    model = registry.load("scene")
    rows = embed_onsets(tmp_path / "a.wav", model, "embedding")
    assert rows.shape == (3, 64)
    with pyplugin.Node(
        16000, 1, samples.shape[1], model=model, hop=0.016, embedding="embedding", offline=True
    ) as node:
        frames = node.process(samples)
        ends = frames.end / 16000
        for row, share in zip(rows, shares, strict=True):
            nearest = int(np.abs(ends - share * window_seconds(model)).argmin())
            near = frames.embeddings[nearest - 1 : nearest + 2]
            distances = np.linalg.norm(near - row, axis=1) / np.linalg.norm(row)
            assert distances.min() < 1e-3


def test_a_node_answers_at_once_with_such_a_head():
    layer = Dense(np.ones((1, 64)) / 64, [0.0], "logistic")
    waits = Head("waits", ("x",), "scene", "embedding", 64, True, (layer,))
    begins = Head("begins", ("x",), "scene", "embedding", 64, True, (layer,), {}, True)
    sound = level_noise("loud", 1)[None, :RATE].astype(np.float32)
    for given, at_once in (([begins], True), ([waits], False), ([begins, waits], False)):
        with pyplugin.Node(RATE, 1, RATE, model="scene", heads=given, offline=True) as node:
            fresh = node.process(sound).state == State.FRESH
            assert bool(fresh.any()) == at_once


def test_a_file_says_so(tmp_path):
    layer = Dense(np.ones((1, 4)), [0.0], "logistic")
    for value in (False, True):
        head = Head("one", ("x",), "scene", "embedding", 4, True, (layer,), {}, value)
        assert heads.load(heads.save(head, tmp_path / "one.head")).silence_before is value


def test_rows_of_a_clip_stay_on_its_side_of_a_fold():
    examples = blobs(2, 30)
    rows = np.repeat(np.arange(30), 3)
    extra = Onsets(examples.x[rows] + 1, rows)
    examples = Examples(examples.x, examples.y, examples.groups, onsets=extra)
    splits = choose_folds(examples)
    x, y = examples.with_onsets()
    assert (len(x), len(y)) == (120, 120)
    for (train, test), (more, other) in zip(splits, examples.extended(splits), strict=True):
        assert set(more[: len(train)]) == set(train)
        assert {rows[n - 30] for n in more[len(train) :]} == set(train)
        assert {rows[n - 30] for n in other[len(test) :]} == set(test)
        part = examples.part(train)
        np.testing.assert_array_equal(part.with_onsets()[0], x[more])
        np.testing.assert_array_equal(part.with_onsets()[1], y[more])


def test_a_head_on_scene_is_right_before_a_window_is_full(tmp_path, monkeypatch):
    """As right on whole windows as one that is trained on these only, and sooner."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number, label in enumerate(("clicks", "loud")):
        (tmp_path / "data" / label).mkdir(parents=True)
        for seed in range(6):
            path = tmp_path / "data" / label / f"{seed}.wav"
            soundfile.write(path, level_noise(label, 10 * number + seed), RATE)

    def trained(name):
        out = str(tmp_path / f"{name}.head")
        return train_head(tmp_path / "data", model="scene", out=out, classifier="logistic")

    done = trained("begins")
    head = heads.load(done.head)
    assert head.silence_before
    assert head.about["trained_on"] == "means of clips, and windows that begin with silence"
    module = "pyplugin.training.heads.embeddings.has_onsets"
    monkeypatch.setattr(module, lambda model, output: False)
    before = trained("waits")
    assert not heads.load(before.head).silence_before
    assert done.balanced_accuracy >= before.balanced_accuracy - 0.01
    firsts = {}
    for each in (done, before):
        own = heads.load(each.head)
        with pyplugin.Node(RATE, 1, RATE, model="scene", heads=[own], offline=True) as node:
            right = []
            for label in own.labels:
                node.reset()
                sound = np.tile(level_noise(label, 99), 3)[None].astype(np.float32)
                blocks = [sound[:, at : at + RATE] for at in range(0, sound.shape[1], RATE)]
                ends = [
                    end / RATE
                    for block in blocks
                    for frames in [node.process(np.ascontiguousarray(block))]
                    for end, values, state in zip(
                        frames.end, frames.values, frames.state, strict=True
                    )
                    if state == State.FRESH
                    and own.labels[int(values[node.head_columns[own.name]].argmax())] == label
                ]
                right.append(min(ends))
            firsts[own.name] = max(right)
    assert firsts["begins"] < 1.0
    assert firsts["waits"] >= 1.9


def test_only_models_that_take_silence_before_have_them(probe):
    assert has_onsets(registry.load("scene"), "embedding")
    assert not has_onsets(probe.model, "dense")
