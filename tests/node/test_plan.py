"""Plan: models and heads that descriptors ask for, and the nodes built with them."""

import dataclasses

import numpy as np
import pytest
from helpers import Probe, music

import pyplugin
from pyplugin import SIGNALS
from pyplugin.errors import ModelError, PresetError
from pyplugin.models import heads, registry
from pyplugin.models.card import render_card
from pyplugin.models.heads import Dense, Head
from pyplugin.node.node import DEFAULT_MODEL
from pyplugin.node.plan import Plan
from pyplugin.node.signals import SIGNAL_HOP
from pyplugin.support.descriptors import accepted_names, is_signal


@pytest.fixture(autouse=True)
def mood(tmp_path, monkeypatch) -> Head:
    """A head on the shipped model, found by its name."""
    monkeypatch.setattr(heads, "heads_folder", lambda: tmp_path / "heads")
    weights = np.random.default_rng(0).normal(0, 0.1, (2, 64)).astype(np.float32)
    stages = (Dense(weights, np.zeros(2, np.float32), "softmax"),)
    head = Head("mood", ("Very Happy", "sad"), "scene", "embedding", 64, False, stages)
    (tmp_path / "heads").mkdir()
    heads.save(head, tmp_path / "heads" / "mood.head")
    return head


@pytest.fixture
def other(probe: Probe, tmp_path) -> str:
    """The path of another model, whose name is probe."""
    path = tmp_path / "other.tflite"
    path.write_bytes(probe.model.data)
    path.with_suffix(".json").write_text(render_card(probe.model.card))
    return str(path)


def names(plan: Plan) -> list[str]:
    return [model.name for model in plan.models]


@pytest.mark.parametrize(
    ("wanted", "models", "with_head", "signals"),
    [
        ([], [], False, 0),
        (["signal.rms_db"], [], False, SIGNAL_HOP),
        (["tag.speech"], ["scene"], False, 0),
        (["tag.scene.speech", "tag.speech", "tag.music"], ["scene"], False, 0),
        (["head.mood.sad"], ["scene"], True, 0),
        (["head.mood.sad", "head.mood.very-happy", "signal.onset"], ["scene"], True, SIGNAL_HOP),
    ],
)
def test_a_plan_has_what_its_descriptors_need_and_no_more(wanted, models, with_head, signals):
    plan = Plan.for_descriptors(iter(wanted))
    assert names(plan) == models
    assert [head.name for head in plan.heads] == ["mood"] * with_head
    assert plan.signals == signals
    assert all(is_signal(name) or name in accepted_names(plan.descriptors) for name in wanted)


def test_the_model_of_short_names_comes_first(musicnn):
    wanted = ["tag.musicnn-mtt.guitar", "tag.speech"]
    assert names(Plan.for_descriptors(wanted)) == ["scene", "musicnn-mtt"]
    assert names(Plan.for_descriptors(wanted, model="musicnn-mtt")) == ["musicnn-mtt"]
    assert names(Plan.for_descriptors(wanted[:1])) == ["musicnn-mtt"]
    plan = Plan.for_descriptors(["head.mood.sad", "tag.guitar"], model=musicnn)
    assert names(plan) == ["musicnn-mtt", "scene"]
    assert plan.models[0] is musicnn
    assert plan.descriptors[-2:] == ["head.mood.very-happy", "head.mood.sad"]
    owners = [name.split(".")[1] for name in plan.descriptors[:-2]]
    assert list(dict.fromkeys(owners)) == ["musicnn-mtt", "scene"]


def test_a_model_may_be_given_by_its_path_or_loaded(probe: Probe, other):
    for given in (other, probe.model):
        plan = Plan.for_descriptors(["tag.beat"], model=given)
        assert plan.descriptors == [
            "tag.probe.loud-guitar",
            "tag.probe.no-vocals",
            "tag.probe.beat",
        ]
    assert len(Plan.for_descriptors(["head.mood.sad"], model=other).models) == 1


def test_timing_and_runtime_are_kept():
    plan = Plan.for_descriptors(["tag.speech"], hop=0.5, runtime="inline", signals=0.25)
    assert (plan.hop, plan.runtime, plan.signals) == (0.5, "inline", 0.25)
    plan = Plan.of(hop=0.5, runtime="inline", signals=0.25)
    assert (plan.hop, plan.runtime, plan.signals) == (0.5, "inline", 0.25)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.hop = 1.0  # type: ignore[misc]


def test_of_uses_the_model_of_the_first_head_or_the_default(mood, tmp_path, musicnn):
    assert names(Plan.of()) == [DEFAULT_MODEL]
    assert names(Plan.of(musicnn)) == names(Plan.of("musicnn-mtt")) == ["musicnn-mtt"]
    for given in (mood, "mood", tmp_path / "heads" / "mood.head"):
        plan = Plan.of(heads=[given])
        assert names(plan) == ["scene"]
        assert plan.heads[0].labels == mood.labels


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            lambda: Plan.for_descriptors(["head.moot.sad"]),
            PresetError,
            r"'head\.moot\.sad': .*mood",
        ),
        (lambda: Plan.for_descriptors(["tag.x"], model="sceen"), ModelError, "sceen.*scene"),
        (lambda: Plan.for_descriptors(["tag.sceen.x"]), ModelError, "sceen.*scene"),
        (lambda: Plan.of(heads=["moot"]), ModelError, "moot.*mood"),
        (lambda: Plan.of("sceen"), ModelError, "sceen.*scene"),
    ],
)
def test_what_is_missing_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


# ---- nodes


def test_a_node_is_built_with_models_heads_hop_and_signals():
    plan = Plan.for_descriptors(["head.mood.sad", "signal.rms_db"], hop=0.5)
    with plan.build(16000, 1, 65536, offline=True) as node:
        assert node.descriptors == plan.descriptors
        assert (node.sample_rate, node.channels, node.max_block) == (16000, 1, 65536)
        assert node.hop == pytest.approx(0.5, abs=0.008)
        frames = node.process(music(4, 16000))
        assert len(node.read_signals()) == pytest.approx(4 / SIGNAL_HOP, abs=10)
    moods = frames.values[frames.state == pyplugin.State.FRESH][:, -2:]
    assert len(moods) > 3
    np.testing.assert_allclose(moods.sum(axis=1), 1, atol=1e-5)  # one distribution


def test_a_plan_without_models_only_measures():
    plan = Plan(hop=0.5, runtime="litert", signals=SIGNAL_HOP)
    plan.check()
    with plan.build(16000, 1, 16000) as node:
        frames = node.process(music(1, 16000))
        assert (node.models, node.descriptors) == ([], [])
        assert frames.values.shape[1] == 0
        assert node.read_signals().values.shape[1] == len(SIGNALS)


def test_check_opens_every_model_with_the_runtime(probe: Probe):
    Plan.of(probe.model, runtime="inline").check()
    broken = dataclasses.replace(probe.model, data=probe.model.data[: len(probe.model.data) // 2])
    scene = registry.load("scene")
    for models in ((broken,), (scene, broken)):
        with pytest.raises(ModelError):
            Plan(models, runtime="inline").check()
    with pytest.raises(ModelError, match="runtime"):
        Plan.of(probe.model, runtime="abacus").check()
