"""Heads: scikit-learn, numpy and the node agree; damaged files are refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import music
from pedalboard import Gain, Pedalboard
from sharing import build_missing
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler
from sklearn.svm import SVC

import pyplugin
from pyplugin import Node, State
from pyplugin._native import check, ffi, lib, message
from pyplugin.errors import ModelError, PresetError, PypluginError
from pyplugin.inputs.recording import Recording
from pyplugin.models import heads
from pyplugin.models.heads import Affine, Dense, Head, Kernel, Quantile, Sigmoids
from pyplugin.outputs import open_all
from pyplugin.outputs.output import OutputContext
from pyplugin.session import Session
from pyplugin.support.spelling import slug

CLASSES = 3

# Networks need not be good ones here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def data(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings like a network's, many of them 0, and classes that they separate."""
    random = np.random.default_rng(size)
    classes = np.arange(150) % CLASSES
    x = random.normal(0, 1, (150, size)) + random.normal(0, 0.7, (CLASSES, size))[classes]
    return np.maximum(x, 0).astype(np.float32) * 3, classes


def in_c(head: Head, x: np.ndarray) -> np.ndarray:
    x = np.ascontiguousarray(x, np.float32)
    values, why = np.empty((len(x), len(head.labels)), np.float32), message()
    source = ffi.cast("float *", ffi.from_buffer(x))
    target = ffi.cast("float *", ffi.from_buffer(values))
    check(lib.tagnode_head_run(heads.open_head(head), source, len(x), target, why), why)
    return values


def scaled(kind: str, x: np.ndarray):
    """A scaler of scikit-learn's, fitted, and the stages that are to do the same."""
    if kind == "none":
        return None, ()
    if kind == "standard":
        fitted = StandardScaler().fit(x)
        return fitted, (Affine(1 / fitted.scale_, -fitted.mean_ / fitted.scale_),)
    if kind == "minmax":
        fitted = MinMaxScaler().fit(x)
        return fitted, (Affine(fitted.scale_, fitted.min_),)
    fitted = QuantileTransformer(n_quantiles=60, output_distribution="normal").fit(x)
    fitted.quantiles_ = fitted.quantiles_.astype(np.float32)  # as a file holds them
    return fitted, (Quantile(fitted.quantiles_),)


def logistic(x, y):
    fitted = LogisticRegression(max_iter=2000).fit(x, y)
    return fitted.predict_proba, (Dense(fitted.coef_, fitted.intercept_, "softmax"),)


def network(activation: str):
    def fit(x, y):
        fitted = MLPClassifier((17, 5), activation=activation, max_iter=30, random_state=1)
        fitted.fit(x, y)
        names = ["none" if activation == "identity" else activation] * 2 + ["softmax"]
        layers = zip(fitted.coefs_, fitted.intercepts_, names, strict=True)
        return fitted.predict_proba, tuple(Dense(w.T, b, name) for w, b, name in layers)

    return fit


def support_vectors(kind: str):
    def fit(x, y):
        one = SVC(kernel=kind, gamma=1 / x.shape[1], degree=3, coef0=0.5, C=2)
        fitted = OneVsRestClassifier(one).fit(x, y)
        vectors, coefficients = [], []
        for number, each in enumerate(fitted.estimators_):
            vectors.append(each.support_vectors_)
            block = np.zeros((CLASSES, len(each.support_vectors_)))
            block[number] = each.dual_coef_[0]
            coefficients.append(block)
        stage = Kernel(
            kind,
            1 / x.shape[1],
            3,
            0.5,
            np.concatenate(vectors),
            np.concatenate(coefficients, axis=1),
            np.concatenate([each.intercept_ for each in fitted.estimators_]),
        )
        return fitted.decision_function, (stage,)

    return fit


CLASSIFIERS = {
    "logistic": logistic,
    "mlp-relu": network("relu"),
    "mlp-tanh": network("tanh"),
    "mlp-logistic": network("logistic"),
    "svc-rbf": support_vectors("rbf"),
    "svc-poly": support_vectors("poly"),
}


def made(size: int, *stages, name="kind", model="probe", output="dense", labels=None) -> Head:
    labels = labels or tuple(f"Label {index}" for index in range(CLASSES))
    return Head(name, labels, model, output, size, False, stages, {"licence": "none"})


@pytest.mark.parametrize("scaling", ["none", "standard", "minmax", "quantile"])
@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.parametrize("size", [3, 200])
def test_numpy_and_c_agree_with_scikit_learn(classifier, scaling, size, tmp_path):
    x, y = data(size)
    scaler, before = scaled(scaling, x)
    prepare = scaler.transform if scaler is not None else np.asarray
    decide, stages = CLASSIFIERS[classifier](prepare(x), y)
    unseen = x[::-1] * np.float32(1.2) + np.float32(0.1)  # some of it past the ends
    every = np.concatenate([x, unseen])
    expected = decide(prepare(every).astype(np.float64))
    head = heads.load(heads.save(made(size, *before, *stages), tmp_path / "kind.head"))
    bound = 1e-5 * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(heads.run(head, every), expected, rtol=0, atol=bound)
    np.testing.assert_allclose(in_c(head, every), expected, rtol=0, atol=bound)


def test_values_after_the_quantiles_stay_as_they_are(tmp_path):
    x, _ = data(5)
    fitted = QuantileTransformer(n_quantiles=60, output_distribution="normal").fit(x[:, :3])
    fitted.quantiles_ = fitted.quantiles_.astype(np.float32)
    labels = tuple("abcde")
    made_of = made(5, Quantile(fitted.quantiles_, 2), labels=labels)
    head = heads.load(heads.save(made_of, tmp_path / "kind.head"))
    expected = np.hstack([fitted.transform(x[:, :3]), x[:, 3:]])
    np.testing.assert_allclose(heads.run(head, x), expected, atol=1e-5)
    np.testing.assert_allclose(in_c(head, x), expected, atol=1e-5)
    with pytest.raises(ModelError, match="size of a stage is out of range"):
        heads.encode(made(3, Quantile(np.zeros((4, 0)), 3), labels=labels[:3]))


def test_platts_sigmoids_are_scikit_learns_calibration():
    from sklearn.calibration import CalibratedClassifierCV

    x, y = data(10)
    fitted = CalibratedClassifierCV(SVC(gamma=0.1), method="sigmoid", ensemble=False, cv=3)
    fitted.fit(x, y)
    inner = fitted.calibrated_classifiers_[0]
    a = [each.a_ for each in inner.calibrators]
    b = [each.b_ for each in inner.calibrators]
    decisions = inner.estimator.decision_function(x)
    stage = Sigmoids(a, b, normalise=True)
    np.testing.assert_allclose(stage.run(decisions), fitted.predict_proba(x), atol=1e-9)
    head = made(CLASSES, stage)
    np.testing.assert_allclose(in_c(head, decisions), fitted.predict_proba(x), atol=1e-5)
    nothing = made(CLASSES, Sigmoids([0] * 3, [1e4] * 3, normalise=True))
    np.testing.assert_allclose(in_c(nothing, decisions), 1 / 3, atol=1e-6)  # as scikit-learn


# ---- files


def some_head(**given) -> Head:
    random = np.random.default_rng(5)
    weights = random.normal(0, 0.5, (CLASSES, 3))
    return made(
        3, Affine([1, 2, 3], [0, 0.1, 0.2]), Dense(weights, [0.1, 0, 0], "softmax"), **given
    )


def test_a_saved_head_is_the_one_that_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "data"))
    random = np.random.default_rng(6)
    head = Head(
        "whole_1",
        ("Röck", "no vocals"),
        "probe",
        "dense",
        4,
        True,
        (
            Affine(random.random(4), random.random(4)),
            Quantile(np.sort(random.random((9, 4)), axis=0)),
            Dense(random.random((5, 4)), random.random(5), "tanh"),
            Kernel("poly", 0.1, 2, 0.5, random.random((7, 5)), random.random((2, 7)), [0.1, 0.2]),
            Sigmoids([-1, -2], [0.1, 0.2]),
        ),
        {"dataset": "drawn", "accuracy": 0.5},
    )
    path = heads.save(head)
    assert path == tmp_path / "data" / "heads" / "whole_1.head"
    assert heads.available()["whole_1"] == path
    for given in ("whole_1", path, str(path)):
        again = heads.load(given)
        for name in ("name", "labels", "model", "output", "size", "multi_label", "about"):
            assert getattr(again, name) == getattr(head, name)
        x = random.random((20, 4))
        np.testing.assert_allclose(heads.run(again, x), heads.run(head, x), atol=1e-6)
    assert [each.name for each in path.parent.iterdir()] == ["whole_1.head"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "a/b"}, "its name"),
        ({"labels": ("a", "b")}, "2 labels"),
        ({"labels": ("a", "b", "A")}, "the same"),
        ({"labels": ("a", "b", "!")}, "not text"),
    ],
)
def test_a_head_whose_parts_do_not_fit_is_not_saved(given, words, tmp_path):
    with pytest.raises(ModelError, match=words):
        heads.save(some_head(**given), tmp_path / "x.head")
    with pytest.raises(ModelError, match="finite"):
        heads.save(made(2, Dense([[1, np.nan]] * 3, [0] * 3)), tmp_path / "x.head")
    with pytest.raises(ModelError, match="does not match"):
        heads.save(
            made(2, Affine([1] * 2, [0] * 2), Dense(np.ones((3, 3)), [0] * 3)), tmp_path / "x"
        )
    with pytest.raises(ModelError, match="bias"):
        heads.save(made(2, Dense(np.ones((3, 2)), [0] * 2)), tmp_path / "x.head")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused_with_a_sentence_or_sound(tmp_path):
    path = heads.save(some_head(), tmp_path / "kind.head")
    data = path.read_bytes()
    damaged = [data[:size] for size in range(len(data))]
    damaged += [
        data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
        for at in range(len(data))
        for flip in (0xFF, 1)
    ]
    refused = 0
    for each in damaged:
        path.write_bytes(each)
        sentence = ""
        try:
            head = heads.load(path)
        except ModelError as error:
            refused, sentence = refused + 1, str(error)
        assert (not sentence) or (str(path) in sentence and sentence.endswith("."))
        if not sentence:
            assert in_c(head, np.ones((1, head.size))).shape == (1, len(head.labels))
    assert len(data) < refused < len(damaged)


def test_an_unknown_head_suggests_the_nearest(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="none is in"):
        heads.load("voice")
    heads.save(some_head(name="voice"))
    with pytest.raises(ModelError, match="'voice'"):
        heads.load("voise")
    with pytest.raises(ModelError, match=r"no head file missing\.head"):
        heads.load("missing.head")


# ---- in a node


def blocks_of(node: Node, x: np.ndarray, size: int) -> np.ndarray:
    parts = [node.process(x[:, at : at + size]) for at in range(0, x.shape[1], size)]
    fresh = np.concatenate([part.state for part in parts]) == State.FRESH
    return np.concatenate([part.values for part in parts])[fresh]


def test_a_node_agrees_with_scikit_learn_on_its_embedding(probe):
    """A head is fitted on the embeddings of one half of a signal and run on the other."""
    sound = music(4, 16000)
    dense = probe.dense(pyplugin.melspectrogram(sound, 16000)).astype(np.float32)
    classes = np.digitize(dense[:, 0], np.quantile(dense[:, 0], [0.3, 0.6]))
    placed, expected = [], []
    for name, scaling in (("svc-rbf", "standard"), ("logistic", "none"), ("mlp-tanh", "minmax")):
        scaler, before = scaled(scaling, dense)
        x = scaler.transform(dense) if scaler is not None else dense
        decide, stages = CLASSIFIERS[name](x, classes)
        placed.append(made(3, *before, *stages, name=name))
        expected.append(decide(x))
    with Node(
        16000, 1, 4096, model=probe.model, heads=placed, hop=0.048, offline=True, embedding="dense"
    ) as node:
        assert node.descriptors[:4] == [
            "tag.probe.loud-guitar",
            "tag.probe.no-vocals",
            "tag.probe.beat",
            "head.svc-rbf.label-0",
        ]
        assert node.labels == list(probe.model.card.labels)
        assert node.head_columns["mlp-tanh"] == slice(9, 12)
        values = blocks_of(node, sound, 512)
        node.reset()
        np.testing.assert_array_equal(blocks_of(node, sound, 77), values)
        hop = node.hop_frames
    assert values.shape[1] == 12
    assert len(values) > 50
    for number, each in enumerate(expected):
        got = values[:, 3 + 3 * number : 6 + 3 * number]
        # The front-end and the runtime are within 1e-5 of the oracle's embedding themselves.
        np.testing.assert_allclose(got, each[::hop][: len(got)], atol=2e-4)


def test_heads_of_several_inline_models_each_take_their_own_embedding(musicnn):
    build_missing("musicnn-msd")
    random = np.random.default_rng(8)
    models = ["musicnn-mtt", "musicnn-msd"]
    placed = [
        made(
            200,
            Dense(random.normal(0, 0.1, (3, 200)), [0] * 3),
            name=f"on-{number}",
            model=models[index],
            output="penultimate",
        )
        for number, index in enumerate((1, 0, 1))
    ]
    x = music(5, 16000)
    with Node(16000, 1, 512, model=models, heads=placed, hop=0.5) as node:
        latency, columns = node.latency, node.head_columns
        together = blocks_of(node, x, 512)
        assert node.counters["late"] == 0
        node.reset()
        np.testing.assert_array_equal(blocks_of(node, x, 333), together)
    with Node(16000, 1, 512, model=models, hop=0.5) as node:
        assert node.latency == latency
        np.testing.assert_array_equal(blocks_of(node, x, 512), together[:, :100])
    for head in placed:
        with Node(16000, 1, 512, model=head.model, hop=0.5, embedding="penultimate") as node:
            parts = [node.process(x[:, at : at + 512]) for at in range(0, x.shape[1], 512)]
        alone = np.concatenate([part.embeddings[part.state == State.FRESH] for part in parts])
        count = min(len(together), len(alone))
        assert count >= 3
        got = together[:count, columns[head.name]]
        np.testing.assert_array_equal(got, in_c(head, alone[:count]))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": "scene"}, "made for the model scene; the node has probe"),
        ({"output": "penultimate"}, "takes the 3 floats of the output 'penultimate'"),
    ],
)
def test_a_head_for_another_model_or_output_is_refused(probe, given, words):
    with pytest.raises(ModelError, match=words):
        Node(16000, 1, 512, model=probe.model, heads=[some_head(**given)])
    with pytest.raises(ModelError, match="Two heads"):
        Node(16000, 1, 512, model=probe.model, heads=[some_head(), some_head()])
    with pytest.raises(ModelError, match="no model"):
        Node(16000, 1, 512, model=None, heads=[some_head()])


def test_a_swap_to_a_model_without_its_heads_is_refused(musicnn):
    build_missing("musicnn-msd")
    head = made(200, Dense(np.ones((3, 200)), [0] * 3), model="musicnn-mtt", output="penultimate")
    with Node(16000, 1, 512, model=musicnn, heads=[head]) as node:
        with pytest.raises(PypluginError, match="made for musicnn-mtt, not for musicnn-msd"):
            node.swap("musicnn-msd")
        node.swap("musicnn-mtt")


# ---- in everything else


@pytest.fixture
def known(probe, tmp_path, monkeypatch) -> Path:
    """The model, its card and a head in files; the head by its name, too."""
    from pyplugin.models.card import render_card

    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "data"))
    path = tmp_path / "probe.tflite"
    path.write_bytes(probe.model.data)
    path.with_suffix(".json").write_text(render_card(probe.model.card))
    heads.save(some_head())
    return path


def test_tags_of_a_recording_have_the_heads_of_the_same_windows(probe, known):
    result = pyplugin.tag(
        music(2, 16000), 16000, model=probe.model, heads=["kind"], embedding="dense"
    )
    found = result.heads["kind"]
    assert found.labels == ["Label 0", "Label 1", "Label 2"]
    assert result.activations.shape == found.activations.shape == (len(result.times), 3)
    np.testing.assert_array_equal(found.activations, in_c(some_head(), result.embeddings))
    np.testing.assert_allclose(found.mean.sum(), 1, atol=1e-5)


def test_the_command_prints_heads_in_every_form(probe, known, tmp_path, run):
    import soundfile

    sound = tmp_path / "sound.wav"
    soundfile.write(sound, music(2, 16000)[0], 16000)
    table = tmp_path / "tags.csv"
    command = ["tag", sound, "--model", known, "--head", "kind"]
    code, printed, _ = run(*command)
    assert code == 0
    assert "kind:" in printed
    assert "Label 1" in printed
    code, printed, _ = run(*command, "--json", "--csv", table)
    assert code == 0
    lines = [json.loads(line) for line in printed.splitlines()]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(lines) == len(rows) > 5
    for line, row in zip(lines, rows, strict=True):
        assert list(line["tags"]) == list(probe.model.card.labels)
        assert sum(line["heads"]["kind"].values()) == pytest.approx(1, abs=1e-5)
        for label, value in line["heads"]["kind"].items():
            assert float(row[f"head.kind.{label}"]) == pytest.approx(value, abs=1e-6)


def test_heads_automate_boards_by_their_values(probe, known):
    sound = music(3, 16000)
    board = Pedalboard([Gain()])
    moved = pyplugin.head("kind", "Label 1").scale(0, 1).attack(0).release(0)
    auto = pyplugin.automate(board, {"gain.gain_db": moved}, model=probe.model)
    assert [head.name for head in auto.plan.heads] == ["kind"]
    out = auto(sound, 16000)
    result = pyplugin.tag(sound, 16000, model=probe.model, heads=["kind"])
    found = result.heads["kind"].activations[:, 1]
    assert out.labels == list(probe.model.card.labels)
    assert out.activations.shape[1] == len(out.labels)
    curve = out.curves["gain.gain_db"]
    middle = result.times + result.window / 2
    got = np.interp(middle[3:-3] + 0.02, curve.times, curve.values)
    assert np.ptp(found) > 0.05
    assert np.corrcoef(got, found[3:-3])[0, 1] > 0.95


def test_a_preset_with_an_unknown_head_is_refused_with_its_line(known, tmp_path):
    text = """[preset]
name = "x"
model = "MODEL"

[[effect]]
id = "gain"
type = "gain"

[[map]]
source = "head.kind.label-1"
target = "gain.gain_db"
min = 0
max = -6
"""
    from pyplugin.automation.chains import automated_preset
    from pyplugin.automation.presets import parse_preset

    text = text.replace("MODEL", str(known))
    assert automated_preset(parse_preset(text)).plan.heads[0].name == "kind"
    for wrong, words in (("kimd.label-1", "'kind'"), ("kind.label-9", "head.kind.label-")):
        with pytest.raises(PresetError, match=f"line 10.*{words}"):
            automated_preset(parse_preset(text.replace("kind.label-1", wrong)))


def test_live_frames_carry_the_activations_of_heads(probe, known):
    class Collected:
        failures = 0

        def __init__(self):
            self.frames = []

        def write_frame(self, frame):
            self.frames.append(frame)

        def write_parameters(self, *_):
            pass

        def close(self):
            pass

    collected = Collected()

    def make_node(rate, channels):
        options = {"model": probe.model, "heads": ["kind"], "hop": 0.1, "embedding": "dense"}
        return Node(rate, channels, 4096, offline=True, **options)

    with Session(Recording(music(1.2, 16000), 16000), make_node, outputs=[collected]) as session:
        session.run()
    assert len(collected.frames) > 3
    assert sum(collected.frames[-1].heads["kind"].values()) == pytest.approx(1, abs=1e-5)


def test_a_controller_takes_a_heads_label_and_no_other(tmp_path):
    head = some_head()
    values = {"json": False, "osc": None, "midi": str(tmp_path / "x.mid"), "midi_14bit": False}

    def opened(name: str):
        context = OutputContext(descriptors=head.descriptors)
        return open_all({**values, "cc": (f"{name}=20",)}, context)

    for label in head.labels:
        (output,) = opened(f"head.{head.name}.{slug(label)}")
        output.close()
    with pytest.raises(PypluginError, match=r"no head .* did you mean"):
        opened(f"head.{head.name}.{slug(head.labels[0])}x")
