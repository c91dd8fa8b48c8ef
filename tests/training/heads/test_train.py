"""Training a head: its accuracy, its name, and input that cannot be used."""

import numpy as np
import pytest
import soundfile
from helpers import level_noise

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.errors import PypluginError
from pyplugin.models import heads
from pyplugin.training.heads import train
from pyplugin.training.heads.train import head_path, train_head

RATE = 22050


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Six loud and six soft clips, and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for label in ("loud", "soft"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for seed in range(6):
            path = tmp_path / "data" / label / f"{seed}.wav"
            soundfile.write(path, level_noise(label, seed + 50 * (label == "loud")), RATE)
    return tmp_path / "data"


def trained(data, probe, **options):
    out = str(data.parent / "a.head")
    return train_head(data, model=probe.model, out=out, classifier="logistic", **options)


def test_distinct_classes_are_classified_without_errors(data, probe):
    done = trained(data, probe)
    assert (done.accuracy, done.balanced_accuracy, done.unit) == (1.0, 1.0, "clip")
    assert done.external is None
    assert done.skipped == []
    head = heads.load(done.head)
    assert head.labels == ("loud", "soft")
    assert head.about["classes"] == {"loud": 6, "soft": 6}


def test_the_ranking_starts_with_the_chosen_configuration(data, probe):
    done = trained(data, probe)
    assert done.results[0].configuration == done.configuration
    assert done.table.is_file()
    assert done.page.is_file()
    again = trained(data, probe, retrain=(done.table, 2))
    assert again.configuration == done.results[1].configuration
    assert (again.results, again.table) == ([], None)


def test_random_labels_have_the_accuracy_of_chance(data, probe):
    random = np.random.default_rng(0)
    rows = [
        f"{path.relative_to(data)},{label}\n"
        for path, label in zip(
            sorted(data.rglob("*.wav")), random.permutation(["a", "b"] * 6), strict=True
        )
    ]
    (data / "t.csv").write_text("path,label\n" + "".join(rows))
    done = trained(data / "t.csv", probe)
    assert done.balanced_accuracy < 0.9


def test_probabilities_of_a_clip_are_the_mean_over_its_windows():
    probabilities = np.array([[0.2, 0.8], [0.4, 0.6], [1.0, 0.0]])
    means, truth = train._per_clip(probabilities, np.array(["b", "b", "a"]), np.array([3, 3, 1]))
    np.testing.assert_allclose(means, [[1.0, 0.0], [0.3, 0.7]])
    assert truth.tolist() == ["a", "b"]


@pytest.mark.parametrize("out", ["my head", "ä", "", "folder/name", "x.txt"])
def test_an_invalid_name_is_rejected(out):
    with pytest.raises(PypluginError, match="name"):
        head_path(out)


def test_a_name_is_a_file_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    assert head_path("mood") == tmp_path / "heads" / "mood.head"
    assert head_path(str(tmp_path / "b.head")) == tmp_path / "b.head"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"embedding": "x"}, "no output 'x'"),
        ({"filelist": "f.json"}, "--filelist is for a ground truth"),
        ({"retrain": ("none.tsv", 1)}, "cannot be read"),
        ({"external": "none"}, "not a folder"),
    ],
)
def test_invalid_options_are_rejected_before_training(data, probe, options, words):
    with pytest.raises(PypluginError, match=words):
        trained(data, probe, **options)
    assert not (data.parent / "a.head").exists()


def test_one_class_is_not_enough(data, probe):
    for path in (data / "soft").iterdir():
        path.unlink()
    with pytest.raises(PypluginError, match="has 1 class; at least 2 are needed"):
        trained(data, probe)
