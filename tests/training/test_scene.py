"""The shipped model: equal on all runtimes, fast to detect, as accurate as in its card."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import music

from pyplugin import Node, State, melspectrogram
from pyplugin.models import registry
from pyplugin.models.structs import card_struct
from pyplugin.node.runtimes import open_model
from pyplugin.training.calibration import run_patches
from pyplugin.training.corpus import read_clips
from pyplugin.training.windows import VariantSettings, build_windows, mask_disputed

RATE = 16000


@pytest.fixture(scope="module")
def corpus() -> Path:
    default = Path(__file__).parents[3] / "shared" / "corpus"
    folder = Path(os.environ.get("PYPLUGIN_CORPUS", default))
    if not (folder / "manifest.csv").is_file():
        pytest.skip(f"no labelled recordings at {folder}; PYPLUGIN_CORPUS names another place")
    return folder


@pytest.fixture(scope="module")
def scene() -> registry.Model:
    return registry.load("scene")


def test_inline_and_litert_give_equal_results(scene: registry.Model) -> None:
    random = np.random.default_rng(0)
    loud = random.normal(0, 0.3, (1, 3 * RATE)).astype(np.float32)
    sounds = [music(3.0, RATE), loud, music(3.0, RATE) * 1e-3, np.zeros_like(loud)]
    patch = scene.card.patch_frames
    mel = np.concatenate([melspectrogram(each, RATE)[: 2 * patch] for each in sounds])
    patches = np.stack([mel[at : at + patch] for at in range(0, len(mel) - patch + 1, 9)])
    names = [output.name for output in scene.card.outputs]
    wanted = run_patches(scene.data, patches, names)
    inline = open_model(scene, card_struct(scene.card), "inline")
    sizes = [output.size for output in scene.card.outputs]
    results = [inline.run(patch, sizes) for patch in patches]
    inline.close()
    for number, name in enumerate(names):
        found = np.stack([result[number] for result in results])
        np.testing.assert_allclose(found, wanted[name], atol=1e-4, err_msg=name)


def test_scene_gives_equal_results_alone_and_beside_musicnn(
    scene: registry.Model, musicnn: registry.Model
) -> None:
    x = music(5.0, RATE)  # windows end together at 2 frames: patches differ by 62
    results = []
    for models in ([scene], [scene, musicnn]):
        with Node(RATE, 1, x.shape[1], model=models, hop=0.032) as node:
            frames = node.process(x)
        fresh = frames.state == State.FRESH
        results.append(dict(zip(frames.end[fresh].tolist(), frames.values[fresh], strict=True)))
    common = results[0].keys() & results[1].keys()
    assert len(common) > 5
    for end in common:
        np.testing.assert_array_equal(results[0][end], results[1][end][: len(scene.card.labels)])


def test_noise_after_silence_is_detected_within_a_second(scene: registry.Model) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 5 * RATE)).astype(np.float32)
    noise[:, : 3 * RATE] = 0.0
    with Node(RATE, 1, 512, model=scene, hop=0.096, runtime="inline") as node:
        parts = [node.process(noise[:, at : at + 512]) for at in range(0, noise.shape[1], 512)]
        number = scene.card.labels.index("noise")
        found = [
            (int(emitted), float(values[number]))
            for part in parts
            for emitted, values, state in zip(part.emitted, part.values, part.state, strict=True)
            if state == State.FRESH
        ]
    assert max(value for at, value in found if at < 3 * RATE) < 0.5
    assert max(value for at, value in found if at <= 4 * RATE) > 0.5


def test_scores_on_the_test_groups_are_those_in_the_card(
    corpus: Path, scene: registry.Model
) -> None:
    pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
    pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")
    from pyplugin.training.evaluate import score
    from pyplugin.training.recipe import read_recipe

    recipe = read_recipe(registry.shipped_folder() / "scene.toml")
    patch = scene.card.patch_frames
    clips = read_clips(corpus, "test")
    window_set = build_windows(clips, [VariantSettings()], patch=patch, step=patch // 2, seed=2)
    results = run_patches(scene.data, window_set.windows(), ("activations",))["activations"]
    measured = _windows_in_the_report()
    for label, each in score(mask_disputed(window_set, recipe.disputed).targets, results).items():
        # The card's figures are for the recordings that the corpus had; it has grown since.
        same = measured[label] == (each.positives, each.negatives)
        least = scene.card.dataset.metrics[f"ROC-AUC {label}"] - (0.002 if same else 0.02)
        assert each.auc > least, label


def _windows_in_the_report() -> dict[str, tuple[int, int]]:
    """Return the positive and negative windows of each label that the figures were measured on."""
    report = (registry.shipped_folder() / "scene.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| [^|]+\| [^|]+\| [^|]+\| (\d+) \| (\d+) \|$", report, re.M)
    found: dict[str, tuple[int, int]] = {}
    for label, positives, negatives in rows:
        found.setdefault(label, (int(positives), int(negatives)))  # the first table, as recorded
    return found


def test_the_report_has_the_caveats_of_the_recipe() -> None:
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    folder = registry.shipped_folder()
    recipe = tomllib.loads((folder / "scene.toml").read_text(encoding="utf-8"))
    report = (folder / "scene.md").read_text(encoding="utf-8")
    for sentence in (*recipe["caveats"], *(each["reason"] for each in recipe["disputed"])):
        assert sentence in report
