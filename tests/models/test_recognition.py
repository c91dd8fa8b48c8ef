"""Networks that are known by their shape, and names of Essentia's heads."""

import json

import numpy as np
import pytest
from helpers import published_weights

from pyplugin.models import registry
from pyplugin.models.frontends import PRESETS
from pyplugin.models.importing import import_file
from pyplugin.models.recognition import (
    Found,
    audioset_labels,
    backbone_of,
    embedding_of,
    head_name,
    known_frames,
    recognise,
)
from pyplugin.models.starts import parse_start


def end(count, kind="Softmax"):
    return [("y", kind, (1, count))]


@pytest.mark.parametrize(
    ("shape", "count", "kinds", "name"),
    [
        ((1, 187, 96), 50, {"Conv2D": 8}, "MusiCNN"),
        ((1, 96, 64), 521, {"CONV_2D": 14}, "YAMNet"),
        ((1, 96, 64, 1), 128, {"Conv2D": 6}, "VGGish"),
        ((1, 128, 199, 1), 512, {"Conv2D": 8}, "OpenL3"),
        ((1, 199, 256), 6144, {"Conv": 8}, "OpenL3"),
        ((1, 128, 96), 400, {"PartitionedCall": 1}, "Discogs-EffNet"),
        ((1, 128, 96), 1280, {"Conv": 81}, "Discogs-EffNet"),
        ((1, 128, 96), 50, {"Conv": 81}, None),
        ((1, 128, 199, 1), 512, {"Conv2D": 7}, None),
        ((1, 40, 256, 1), 256, {"Conv2D": 13}, "TempoCNN"),
        ((1, 64, 128), 10, {"Conv1D": 3}, "deepsound"),
        ((1, 187, 96), 50, {"Conv2D": 5}, None),
        ((1, 96, 64), 520, {}, None),
        ((1, 200), 2, {"MatMul": 2}, None),
    ],
)
def test_systems(shape, count, kinds, name):
    system = recognise(Found({"x": shape}, end(count), kinds))
    assert (None if system is None else system.name) == name
    assert system is None or system.front_end in PRESETS
    if system is not None and system.labels:
        assert len(system.labels) == count


def test_tempocnn_with_joined_layers_is_normalised_by_its_maximum():
    kinds = {"Conv2D": 9, "Concatenate": 4, "BatchNormalization": 10}
    assert recognise(Found({"x": (1, 40, 256, 1)}, end(256), kinds)).front_end == "tempocnn-max"
    assert known_frames([-1, 40, -1, 1]) == 256
    assert known_frames([-1, -1, 7]) is None


@pytest.mark.parametrize(("joined", "end_of_name"), [(0, ""), (4, "-max")])
def test_tempocnn_of_essentia_has_the_window_of_essentia(joined, end_of_name):
    """Keras' files are tempo-cnn's own, which takes librosa's window."""
    kinds = {"Conv2D": 13, "ConcatV2": joined, "Rsqrt": 12}
    found = recognise(Found({"x": (1, 40, 256, 1)}, end(256), kinds))
    assert found.front_end == f"essentia-tempocnn{end_of_name}"
    assert PRESETS[found.front_end].window == "hann-symmetric"


def test_the_classes_of_audioset():
    labels = audioset_labels()
    assert len(labels) == len(set(labels)) == 521
    assert (labels[0], labels[132], labels[494], labels[520]) == (
        "Speech",
        "Music",
        "Silence",
        "Field recording",
    )


@pytest.mark.parametrize(
    ("stem", "name", "place"),
    [
        ("danceability-msd-musicnn-1", "danceability", ("musicnn-msd", "dense")),
        ("genre_tzanetakis-musicnn-mtt-2", "genre_tzanetakis", ("musicnn-mtt", "dense")),
        ("mood_sad-discogs-effnet-1", "mood_sad", ("discogs-effnet-bs64-1", "embedding")),
        ("gender-audioset-vggish-1", "gender", ("vggish", "embedding")),
        ("gender-vggish-audioset-1", "gender", ("vggish", "embedding")),
        ("tonal_atonal-audioset-yamnet-1", "tonal_atonal", ("yamnet", "embedding")),
        ("mine", "mine", None),
    ],
)
def test_names_of_heads(stem, name, place):
    assert head_name(stem) == name
    assert backbone_of(stem, None) == place
    assert embedding_of(place[0] if place else "mine") == (place[1] if place else "embedding")


def test_the_cards_of_essentia_name_their_backbones():
    for path in (published_weights() / "essentia-json").glob("*.json"):
        embedding = json.loads(path.read_text())["inference"].get("embedding_model")
        found = backbone_of("mine", parse_start(path.read_text()))
        if embedding is not None:
            assert found == backbone_of(path.stem, None), path.name
        else:
            assert found is None


def test_the_tempi_of_fma2018_are_at_equal_ratios():
    """Its graph is that of fcn, so the name that it has within the file decides."""
    kinds = {"Conv2D": 9, "Concatenate": 4}
    inputs = {"x": (1, 40, 256, 1)}
    plain = recognise(Found(inputs, end(256), kinds, title="fcn")).labels
    assert (plain[0], plain[90], plain[255]) == ("30 BPM", "120 BPM", "285 BPM")
    labels = recognise(Found(inputs, end(256), kinds, title="fma2018")).labels
    bpm = np.array([float(label.removesuffix(" BPM")) for label in labels])
    np.testing.assert_allclose(bpm, np.exp((np.arange(256) + 435) * np.log(10) / 256), atol=5e-3)


def test_the_file_of_fma2018_is_recognised(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    import_file(published_weights() / "tempocnn" / "fma2018.h5")
    assert registry.info("fma2018").labels[0] == "50.03 BPM"
    assert registry.info("fma2018").front_end.patch_norm == "max"
