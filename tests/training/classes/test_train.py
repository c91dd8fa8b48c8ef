"""From a folder of GTZAN's layout to a network that runs in the callback, and its page."""

from dataclasses import replace

import numpy as np
import pytest
from genres import LABELS, RATE, sound
from helpers import music

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import pyplugin
from pyplugin import Node, State
from pyplugin.errors import PypluginError
from pyplugin.models import registry
from pyplugin.training.classes.settings import ClassesSettings
from pyplugin.training.classes.train import network_path, train_classes

# One process trains the network that several of them share.
pytestmark = pytest.mark.xdist_group("a network of GTZAN's layout")
QUICK = ClassesSettings(epochs=4, batch=8, least_steps=8, learning_rate=4e-3)


@pytest.fixture(scope="module")
def trained(genres, tmp_path_factory):
    """A network trained on the folder above that of the classes, as GTZAN's archive has it."""
    out = tmp_path_factory.mktemp("trained") / "genres.tflite"
    return train_classes(genres.parent, out=str(out), settings=QUICK)


def test_clips_of_other_artists_are_recognised(trained):
    assert trained.accuracy > 0.8
    assert len(trained.tested.names) == 6  # one of four artists of each class
    assert trained.card.dataset.metrics["accuracy, mean over the classes"] == pytest.approx(
        trained.accuracy, abs=1e-4
    )
    assert any("12 groups" in note for note in trained.notes)
    for label in LABELS:
        result = pyplugin.tag(sound(label, 999), RATE, model=trained.model)
        assert LABELS[int(result.activations.mean(axis=0).argmax())] == label


def test_it_gives_a_result_every_mel_frame_in_the_callback(trained):
    hop = 256 / 16000
    x = music(3.0, 16000)
    with Node(16000, 1, 128, model=str(trained.model), hop=hop, runtime="inline") as node:
        frames = [node.process(x[:, at : at + 128]) for at in range(0, x.shape[1], 128)]
    fresh = sum(int((part.state == State.FRESH).sum()) for part in frames)
    assert fresh > 0.9 * 3.0 / hop


def test_the_page_and_the_card_describe_it(trained):
    page = trained.page.read_text()
    for text in ("Confusion matrix", "ROC", "int8", "every 16 ms", "blues 8", "Loss by epoch"):
        assert text in page
    assert "src=" not in page
    card = registry.load(trained.model).card
    assert card.labels == LABELS
    assert card.type == "multi-class classifier"
    assert not trained.model.with_suffix(".checkpoint").exists()


def test_folds_test_every_clip_once_by_networks_without_it(genres, tmp_path):
    settings = replace(QUICK, folds=2, epochs=2, least_steps=4, architecture="deepsound")
    found = train_classes(genres, out=str(tmp_path / "g.tflite"), settings=settings)
    assert len(found.tested.names) == len(set(found.tested.names)) == 24
    assert found.tested.targets.sum(axis=0).tolist() == [8, 8, 8]
    assert "on 24 clips that were not trained on, tested in turn" in found.page.read_text()


def test_the_weights_of_scene_are_a_start(genres, tmp_path):
    settings = replace(QUICK, start="scene", epochs=2, least_steps=4)
    found = train_classes(genres, out=str(tmp_path / "s.tflite"), settings=settings)
    assert found.accuracy > 0.8
    assert found.card.outputs[2].size == registry.info("scene").outputs[2].size
    assert "started from the weights of scene" in found.page.read_text()


def test_clips_may_have_several_classes(genres, tmp_path):
    rows = ["path,labels,artist\n"]
    for path in sorted(genres.rglob("*.wav")):
        more = ";loud" if path.parent.name != "blues" else ""
        artist = int(path.stem[-1]) // 2
        rows.append(f"{path},{path.parent.name}{more},{path.parent.name} {artist}\n")
    (tmp_path / "truth.csv").write_text("".join(rows))
    settings = replace(QUICK, exclusive=False, architecture="deepsound")
    out = str(tmp_path / "several.tflite")
    found = train_classes(tmp_path / "truth.csv", out=out, settings=settings)
    assert found.card.labels == ("blues", "disco", "loud", "metal")
    assert found.area > 0.7
    assert "average precision" in found.page.read_text()
    result = pyplugin.tag(sound("metal", 9), RATE, model=found.model)
    assert np.abs(result.activations.sum(axis=1) - 1.0).max() > 0.01


def test_an_interruption_exports_the_best_and_resuming_gives_the_whole(genres, tmp_path):
    settings = replace(QUICK, epochs=3, least_steps=4, architecture="deepsound")
    whole = train_classes(genres, out=str(tmp_path / "a.tflite"), settings=settings)

    def stop(what, done, of, line):
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    out = str(tmp_path / "b.tflite")
    part = train_classes(
        genres, out=out, settings=settings, progress=stop, interrupted=lambda: None
    )
    assert part.interrupted
    assert any("Training was interrupted; the network is that of epoch" in n for n in part.notes)
    assert registry.load(part.model).card.labels == LABELS
    assert part.model.with_suffix(".checkpoint").is_file()
    with pytest.raises(PypluginError, match="another configuration: --batch"):
        train_classes(genres, out=out, settings=replace(settings, batch=16), resume=True)
    resumed = train_classes(genres, out=out, settings=settings, resume=True)
    assert registry.load(resumed.model).data == registry.load(whole.model).data
    assert not part.model.with_suffix(".checkpoint").exists()
    np.testing.assert_array_equal(resumed.tested.probabilities, whole.tested.probabilities)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("a b", "is not a name for a network"),
        ("folder/name", "let it end in .tflite"),
        ("scene", "a model 'scene' of pyplugin's own"),
        ("none/x.tflite", "its folder does not exist"),
    ],
)
def test_an_invalid_name_is_refused_before_any_work(out, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PypluginError, match=message):
        network_path(out)


def test_short_memory_is_reported_with_the_option_that_helps(genres, tmp_path):
    settings = replace(QUICK, batch=10**14)
    with pytest.raises(PypluginError, match=r"not enough memory .*--batch, or --clip-seconds 30"):
        train_classes(genres, out=str(tmp_path / "m.tflite"), settings=settings)
