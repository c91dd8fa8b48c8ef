"""From a corpus to a model in the callback: one path, on sounds that are easy to tell apart."""

# ruff: noqa: E402  what needs PyTorch is imported once it is known to be there

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'pyplugin[network]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'pyplugin[train]'")

from click.testing import CliRunner
from helpers import music

from pyplugin import Node, State
from pyplugin.cli import cli
from pyplugin.errors import PypluginError
from pyplugin.models import registry
from pyplugin.models.card import Dataset
from pyplugin.models.quantisation import activation_quantisation
from pyplugin.models.structs import card_struct
from pyplugin.node.runtimes import open_model
from pyplugin.training.calibration import calibrate, run_patches
from pyplugin.training.corpus import LABELS, read_clips
from pyplugin.training.evaluate import predict, score
from pyplugin.training.export import scene_network, variables_of
from pyplugin.training.mixing import CATEGORIES, Mixer, MixSettings
from pyplugin.training.network import Layer, NetworkSettings, SceneNetwork
from pyplugin.training.recipe import read_recipe, train_network
from pyplugin.training.report import best_threshold
from pyplugin.training.train import TrainSettings, fit
from pyplugin.training.windows import Bank, Doubt, TakeSettings, build_bank, without_doubts

torch.set_num_threads(1)  # two would wait for each other on a busy machine

SMALL = NetworkSettings(
    patch=30,
    layers=(Layer(4, 3, 7, 2), Layer(6, 3, 5, 4, 2), Layer(8, 1, 11), Layer(8, 3, 1, 1, 2)),
    embedding=10,
)
PLAIN = MixSettings(mixture=0.0, onset=0.0, synthetic=0.0, silence=0.0)

RECIPE = """
name = "small"
description = "Four kinds of sound."
version = "1"
license = "MIT"
link = "tests"
dataset = "made here"
citation = "none"
calibration = 40
[network]
patch = 30
embedding = 10
layers = [
    { channels = 4, time = 3, bands = 7, step = 2 },
    { channels = 8, time = 3, bands = 45, dilation = 2 },
]
[mixing]
noise = 0.1
[training]
steps = 4
batch = 16
seed = 9
[[teachers]]
steps = 2
seed = 1
[[teachers]]
steps = 3
rate = 1e-3
mixing = { shift = 0.2 }
"""


@pytest.fixture(scope="module")
def bank(corpus: Path) -> Bank:
    return build_bank(read_clips(corpus, "train"), [TakeSettings()], patch=30, step=4, seed=1)


@pytest.fixture(scope="module")
def trained(bank: Bank) -> SceneNetwork:
    """Of weights that a few steps moved, so that no batch norm is at its beginning."""
    return fit(bank, SMALL, MixSettings(), TrainSettings(steps=15, batch=32))


def test_a_network_learns_what_can_be_heard(corpus: Path, bank: Bank) -> None:
    # Three recordings of each kind: moved in frequency, they stand for more.
    easy = replace(PLAIN, equaliser=0.0, band_limit=0.0, noise=0.0, shift=1.0)
    network = fit(bank, SMALL, easy, TrainSettings(steps=300, batch=32, average=0.9))
    held_out = build_bank(read_clips(corpus, "test"), [TakeSettings()], patch=30, step=15, seed=2)
    found = score(held_out.targets, predict(network, held_out.windows()))
    assert set(found) == {"speech", "music", "drums", "tonal", "noise"}
    assert min(each.auc for each in found.values()) > 0.95


def test_the_same_seed_gives_the_same_weights(bank: Bank) -> None:
    settings = TrainSettings(steps=3, batch=16)
    first, again = (fit(bank, SMALL, MixSettings(), settings) for _ in range(2))
    other = fit(bank, SMALL, MixSettings(), replace(settings, seed=2))
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )
    assert not all(
        torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True)
    )


@pytest.mark.parametrize(("target", "share"), [(1.0, 0.25), (0.0, 0.25), (np.nan, 1.0)])
def test_a_student_learns_the_mean_of_its_teachers_by_their_share(
    bank: Bank, target: float, share: float
) -> None:
    # They say the same of every window; the student begins as the first and has to leave it.
    biases = [[3.0, 2.0, 1.0, 0.0, -1.0, -2.0], [-2.0, 1.0, 0.0, -3.0, 2.0, -1.0]]
    teachers = [SceneNetwork(SMALL) for _ in biases]
    for teacher, bias in zip(teachers, biases, strict=True):
        torch.nn.init.zeros_(teacher.logits.weight)
        teacher.logits.bias.data = torch.tensor(bias)
    said = np.mean(1.0 / (1.0 + np.exp(-np.array(biases))), axis=0)
    known = replace(bank, targets=np.full_like(bank.targets, target))
    settings = TrainSettings(steps=150, batch=16, rate=0.03, average=0.9, teaching=0.25)
    student = fit(known, SMALL, PLAIN, settings, teachers=teachers)
    wanted = share * said + (1.0 - share) * np.nan_to_num(target, nan=0.0)
    found = predict(student, bank.windows()[::20])
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape), atol=0.08)


def test_the_float_file_answers_as_pytorch_does(bank: Bank, trained: SceneNetwork) -> None:
    windows = bank.windows()[::20]
    model = source().build(variables_of(trained))
    found = run_patches(model, windows, ("logits", "embedding"))
    with torch.no_grad():
        logits, embedding = trained(torch.from_numpy(windows))
    np.testing.assert_allclose(found["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(found["embedding"], embedding, atol=1e-4)
    assert embedding.numpy().std() > 0.01


def test_the_int8_file_answers_near_the_float(bank: Bank, trained: SceneNetwork) -> None:
    windows = bank.windows()[::20]
    network, variables = source(), variables_of(trained)
    calibration = calibrate(network, variables, bank.windows()[::7])
    model = network.build(variables, calibration=calibration)
    exact = run_patches(network.build(variables), windows, ("activations",))["activations"]
    found = run_patches(model, windows, ("activations",))["activations"]
    assert np.abs(found - exact).max() < 0.05


def test_what_is_int8_is_within_a_step_of_litert_inline_and_the_rest_equal(
    bank: Bank, trained: SceneNetwork
) -> None:
    windows = bank.windows()[::20]
    # The first dense layer passes on what comes out of the last int8 layer: maxima, then means.
    depth = SMALL.layers[-1].channels
    network = source(replace(SMALL, embedding=2 * depth))
    variables = variables_of(trained) | {
        "dense.weight": np.eye(2 * depth, dtype=np.float32),
        "dense.bias": np.zeros(2 * depth, np.float32),
        "logits.weight": np.random.default_rng(0)
        .normal(0.0, 0.3, (len(LABELS), 2 * depth))
        .astype(np.float32),
    }
    calibration = calibrate(network, variables, bank.windows()[::7])
    model = network.build(variables, calibration=calibration)
    names = [output.name for output in network.outputs]
    wanted = run_patches(model, windows, names)
    found = run_inline(model, network.outputs, windows)
    last = f"layer_{len(SMALL.layers)}"
    step = activation_quantisation(*calibration.ranges[last]).scale * np.abs(
        calibration.equalisation[last]
    )
    assert len(np.unique(wanted["embedding"][:, 0])) > 10
    apart = np.abs(found["embedding"] - wanted["embedding"]) / np.tile(step, 2)
    assert apart.max() <= 1.0 + 1e-3
    assert (apart < 1e-3).mean() > 0.99
    np.testing.assert_allclose(found["activations"], wanted["activations"], atol=1e-4)


def test_the_recipe_makes_a_model_that_runs_in_the_callback(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.toml").write_text(RECIPE)
    arguments = ["train", "network", str(tmp_path / "small.toml"), "--corpus", str(corpus)]
    result = CliRunner().invoke(cli, [*arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    model = registry.load(tmp_path / "small.tflite")
    assert set(model.card.dataset.metrics) == {
        f"ROC-AUC {name}" for name in ("speech", "music", "drums", "tonal", "noise")
    }
    report = (tmp_path / "small.md").read_text()
    assert "## Degraded" in report
    assert "## Where it fails" in report
    x = music(3.0, 16000)
    with Node(16000, 1, 512, model=model, hop=0.1, runtime="inline") as node:
        frames = [node.process(x[:, at : at + 512]) for at in range(0, x.shape[1], 512)]
    assert sum((part.state == State.FRESH).sum() for part in frames) > 20


def test_a_table_of_a_teacher_says_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(RECIPE)
    recipe = read_recipe(path)
    assert recipe.training == TrainSettings(steps=4, batch=16, seed=9)
    assert recipe.mixing == MixSettings(noise=0.1)
    assert recipe.teachers == (
        (TrainSettings(steps=2, batch=16, seed=1), MixSettings(noise=0.1)),
        (
            TrainSettings(steps=3, batch=16, seed=9, rate=1e-3),
            MixSettings(noise=0.1, shift=0.2),
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("calibration", "calibratoin", "calibratoin"),
        ("batch = 16", "batches = 16", "batches"),
        ("shift = 0.2", "shifts = 0.2", "shifts"),
        ("[network]", "[network", "is no TOML"),
        ('version = "1"', "", "version"),
        ("calibration = 40", 'doubts = [{ path = "a", label = "drum", why = "" }]', "'drum'"),
    ],
)
def test_a_recipe_that_does_not_fit_is_named(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(PypluginError, match=sentence):
        read_recipe(path)


def test_a_soundfont_that_is_missing_is_named(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text('soundfonts = ["none.sf2"]\nplayed = 1\n' + RECIPE)
    arguments = ["train", "network", str(tmp_path / "small.toml"), "--corpus", str(corpus)]
    arguments += ["--out", str(tmp_path), "--soundfonts", str(tmp_path)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code != 0
    assert "none.sf2" in str(result.exception)
    assert "--soundfonts" in str(result.exception)


def test_labels_in_doubt_count_nowhere_but_in_the_line_that_names_them(
    corpus: Path, tmp_path: Path
) -> None:
    doubt = '[[doubts]]\npath = "drums-3.wav"\nlabel = "noise"\nwhy = "Nobody knows."\n'
    (tmp_path / "small.toml").write_text(RECIPE + doubt)
    arguments = ["train", "network", str(tmp_path / "small.toml"), "--corpus", str(corpus)]
    result = CliRunner().invoke(cli, [*arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    report = (tmp_path / "small.md").read_text()
    assert "- drums-3.wav, noise: Nobody knows. With it, the ROC-AUC of noise" in report
    table = report.split("## As recorded")[1].split("##")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line]
    windows = {cells[0]: int(cells[4]) + int(cells[5]) for cells in rows if cells[0] in LABELS}
    assert windows["noise"] < windows["tonal"] == windows["speech"]


def test_a_label_in_doubt_of_no_recording_is_named(corpus: Path, tmp_path: Path) -> None:
    doubt = '[[doubts]]\npath = "drums-9.wav"\nlabel = "noise"\nwhy = "Nobody knows."\n'
    (tmp_path / "small.toml").write_text(RECIPE + doubt)
    recipe = read_recipe(tmp_path / "small.toml")
    with pytest.raises(PypluginError, match=r"drums-9\.wav"):
        train_network(recipe, corpus, tmp_path)


def test_doubts_find_their_recordings_wherever_the_corpus_is(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus)
    clips = read_clips(Path(), "test")
    heard = build_bank(clips, [TakeSettings()], patch=30, step=15, seed=1)
    doubted = without_doubts(heard, [Doubt("drums-3.wav", "noise", "Nobody knows.")])
    meant = np.array([clip.path == Path("drums-3.wav") for clip in clips])[heard.clips]
    unknown = np.isnan(doubted.targets)
    assert not np.isnan(heard.targets).any()
    assert unknown[meant, LABELS.index("noise")].all()
    assert unknown.sum() == meant.sum() > 0


def test_the_shipped_recipe_is_read_and_makes_the_shipped_shape() -> None:
    recipe = read_recipe(registry.shipped_folder() / "scene.toml")
    card = registry.load("scene").card
    assert card.name == recipe.name
    assert card.inputs[0].shape == (1, recipe.network.patch, recipe.network.bands)
    embedding = next(each for each in card.outputs if each.purpose == "embeddings")
    assert embedding.size == recipe.network.embedding == 64


def test_a_mixture_has_the_labels_of_both(bank: Bank) -> None:
    settings = replace(PLAIN, mixture=1.0)
    mel, targets = Mixer(bank, settings, 1).batch(200)
    assert mel.shape == (200, 30, 96)
    assert np.isfinite(mel).all()
    assert mel.min() >= 0.0
    speech, others = targets[:, LABELS.index("speech")], np.delete(targets, 0, axis=1)
    both = (speech == 1.0) & (np.nan_to_num(others) == 1.0).any(axis=1)
    assert both.mean() > 0.3
    singles = Mixer(bank, PLAIN, 1).batch(200)[1]
    assert not (singles[:, 0] * np.nan_to_num(singles[:, 1:]).any(axis=1)).any()


def test_a_category_has_the_share_that_is_asked_for(bank: Bank) -> None:
    """Tonal sounds are the category instrument; the others keep their shares of what is left."""
    usual = Mixer(bank, PLAIN, 1).batch(2000)[1]
    none = Mixer(bank, replace(PLAIN, categories={"instrument": 0.0}), 1).batch(2000)[1]
    most = Mixer(bank, replace(PLAIN, categories={"instrument": 4.0}), 1).batch(2000)[1]
    shares = [[np.mean((each == row).all(axis=1)) for row in np.eye(6)] for each in (usual, none)]
    tonal, speech, noise = (LABELS.index(name) for name in ("tonal", "speech", "noise"))
    kinds = {clip.category for clip in bank.sources}
    total = sum(CATEGORIES[kind] for kind in kinds)
    assert shares[0][tonal] == pytest.approx(CATEGORIES["instrument"] / total, abs=0.05)
    assert shares[1][tonal] == 0.0
    assert shares[1][speech] / shares[1][noise] == pytest.approx(2.0, abs=0.5)
    assert np.mean((most == np.eye(6)[tonal]).all(axis=1)) > 0.85


def test_what_is_shifted_moves_by_whole_bands(bank: Bank) -> None:
    still = replace(PLAIN, equaliser=0.0, band_limit=0.0, noise=0.0)
    plain, targets = Mixer(bank, still, 1).batch(100)
    moved, same = Mixer(bank, replace(still, shift=1.0), 1).batch(100)
    np.testing.assert_array_equal(same, targets)
    found = set()
    for before, after in zip(plain, moved, strict=True):
        matches = [
            by
            for by in range(-6, 7)
            if np.allclose(after[:, 6:-6], np.roll(before, by, axis=1)[:, 6:-6], atol=1e-5)
        ]
        assert matches
        found.add(matches[0])
    assert len(found) > 8


def test_a_sound_that_has_just_begun_or_ended_keeps_its_labels(bank: Bank) -> None:
    still = replace(PLAIN, equaliser=0.0, band_limit=0.0, noise=0.0, level=0.0)
    whole, had = Mixer(bank, still, 1).batch(200)
    parts, has = Mixer(bank, replace(still, onset=1.0), 1).batch(200)
    same = np.isclose(whole, parts, atol=1e-5).all(axis=2)
    half = same.shape[1] // 2
    assert (same[:, half:].all(axis=1) | same[:, :half].all(axis=1)).all()
    assert (~same).any(axis=1).mean() > 0.7
    np.testing.assert_array_equal(has[had == 1.0], 1.0)
    np.testing.assert_array_equal(had[has == 1.0], 1.0)
    # Where another sound went before, nobody can say that its labels are absent.
    assert 0.02 < (np.isnan(has) & (had == 0.0)).mean() < 0.3


def test_a_bank_leaves_silence_out(corpus: Path, tmp_path: Path) -> None:
    import soundfile

    clip = read_clips(corpus, "train")[0]
    samples, rate = soundfile.read(clip.path)
    samples[: 3 * rate] = 0.0
    soundfile.write(tmp_path / "half.wav", samples, rate)
    half = replace(clip, path=tmp_path / "half.wav")
    found = build_bank([half], [TakeSettings()], patch=30, step=1, seed=0).starts / 62.5
    assert found.min() == pytest.approx(3.0 - 15 / 62.5, abs=0.05)


def test_the_cache_gives_the_same_takes(corpus: Path, tmp_path: Path) -> None:
    clips = read_clips(corpus, "test")
    changed = TakeSettings(speed=0.1, room=1.0)
    banks = [
        build_bank(clips, [changed], patch=30, step=4, seed=1, cache=cache)
        for cache in (None, tmp_path, tmp_path)
    ]
    for other in banks[1:]:
        np.testing.assert_array_equal(other.mel, banks[0].mel)
        np.testing.assert_array_equal(other.starts, banks[0].starts)


def test_the_best_threshold_is_that_of_all_thresholds() -> None:
    from sklearn.metrics import f1_score

    random = np.random.default_rng(0)
    truth = random.random(300) < 0.3
    values = np.round(np.clip(truth * 0.3 + random.normal(0.4, 0.2, 300), 0, 1), 2)
    threshold, best = best_threshold(truth, values.astype(np.float32))
    tried = [f1_score(truth, values >= each) for each in np.linspace(0.0, 1.0, 1001)]
    assert best == pytest.approx(max(tried))
    assert f1_score(truth, values >= threshold) == pytest.approx(best)


def source(settings: NetworkSettings = SMALL):
    return scene_network(
        settings, name="small", description="small", dataset=Dataset("made", "here", "small", {})
    )


def run_inline(model: bytes, outputs, windows) -> dict[str, np.ndarray]:
    scene = registry.load("scene").card
    card = replace(
        scene,
        patch_frames=windows.shape[1],
        inputs=(replace(scene.inputs[0], shape=(1, *windows.shape[1:])),),
        outputs=outputs,
    )
    loaded = registry.Model("small", Path("small.tflite"), card, model)
    inline = open_model(loaded, card_struct(card), "inline")
    answers = [inline.run(window, [output.size for output in outputs]) for window in windows]
    inline.close()
    return {
        output.name: np.stack([answer[number] for answer in answers])
        for number, output in enumerate(outputs)
    }
