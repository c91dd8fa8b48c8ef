"""The background: the default negative examples of `tagnode teach`."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

import pyplugin
from pyplugin.errors import PypluginError
from pyplugin.models import registry
from pyplugin.models.folders import shipped_folder
from pyplugin.training.heads.background import (
    MODELS,
    compute_background,
    load_background,
    save_background,
)
from pyplugin.training.heads.teach import teach


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("name", MODELS)
def test_the_shipped_backgrounds_match_their_models(name):
    model = registry.load(name)
    rows = load_background(model, model.card.embedding)
    assert len(rows) >= 300
    assert np.isfinite(rows).all()
    assert (np.ptp(rows, axis=0) > 0).mean() > 0.7  # some units of an embedding are never on
    size = (shipped_folder() / "background" / f"{name}.npz").stat().st_size
    assert size < 150_000


def test_a_background_is_stored_to_half_a_step(probe, tmp_path):
    rows = np.random.default_rng(0).normal(0, [1, 100, 0], (50, 3)).astype(np.float32)
    save_background(probe.model, "dense", rows, tmp_path / "probe.npz")
    kept = load_background(probe.model, "dense", tmp_path)
    assert np.all(np.abs(kept - rows) <= 0.501 * np.ptp(rows, axis=0) / 255 + 1e-30)


def test_a_background_of_another_version_or_layer_or_a_damaged_one_is_rejected(probe, tmp_path):
    rows = np.eye(3, dtype=np.float32)
    path = tmp_path / "probe.npz"
    save_background(probe.model, "dense", rows, path)
    later = replace(probe.model, card=structs.replace(probe.model.card, sha256="0" * 64))
    with pytest.raises(PypluginError, match="computed with another version"):
        load_background(later, "dense", tmp_path)
    with pytest.raises(PypluginError, match="for its output dense, not activations"):
        load_background(probe.model, "activations", tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(PypluginError, match="has no background for probe"):
        load_background(probe.model, "dense", tmp_path)


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("name", MODELS)
def test_without_negative_clips_a_label_is_distinguished_from_all_kinds_of_sound(
    name, clips, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    head = tmp_path / "drums.head"
    done = teach("drums", [clips / "drum-loop.ogg"], model=name, out=str(head))
    assert done.false_positives < done.background / 5
    share = {}
    for sound in ("drum-loop", "classical-strings", "speech", "sung-pop"):
        result = pyplugin.tag(clips / f"{sound}.ogg", model=name, heads=[head])
        share[sound] = result.heads["drums"].mean[0]
    assert share.pop("drum-loop") > 0.8
    assert max(share.values()) < 0.4


def test_a_background_has_a_row_of_each_recording_to_train_on(corpus, probe, tmp_path):
    rows = compute_background(corpus, probe.model)
    assert len(np.unique(rows, axis=0)) == 12  # of 16; the others are to test on
    with pytest.raises(PypluginError, match="Cannot read"):
        compute_background(tmp_path, probe.model)
