"""Similar recordings: exact for few, by an index for many."""

import numpy as np
import pytest

from pyplugin import PypluginError
from pyplugin.catalogue import similar as module
from pyplugin.catalogue.map import METHODS
from pyplugin.catalogue.planning import BuildPlan
from pyplugin.catalogue.records import FoundRecording, Outcome, RecordingAnalysis
from pyplugin.catalogue.setup import Setup
from pyplugin.catalogue.similar import Index, embedding_of, embeddings, map_positions, similar
from pyplugin.catalogue.store import CatalogueWriter
from pyplugin.models.registry import labels

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(300, 64)).astype(np.float32)


def outcome(number: int) -> Outcome:
    zeros = np.zeros(len(labels("scene")), np.float32)
    found = FoundRecording(f"/m/{number}.mp3", 1, 1)
    more = {"mean": zeros, "max": zeros, "share": zeros, "embedding": ROWS[number]}
    return Outcome(
        found, RecordingAnalysis(str(number), 1.0, 8000, 1, -20.0, -1.0, 0.0, 0.0, **more)
    )


@pytest.fixture
def store(tmp_path):
    setup = Setup.of(embeddings=True)
    with CatalogueWriter(tmp_path, setup.identity) as made:
        for start in (0, 100, 200):
            made.add([outcome(number) for number in range(start, start + 100)])
        yield made


def nearest(query: np.ndarray, rows: np.ndarray, k: int) -> list[int]:
    """The oracle: cosines in float64."""
    wide = rows.astype(np.float64)
    cosines = wide @ query / np.linalg.norm(wide, axis=1)
    return np.argsort(-cosines)[:k].tolist()


@pytest.mark.parametrize("most", [50_000, 100])
def test_the_nearest_are_those_of_the_angles(store, monkeypatch, most):
    monkeypatch.setattr(module, "EXACT", most)
    for query in RNG.normal(size=(5, 64)).astype(np.float32):
        found = similar(store, query, 10)
        expected = [f"/m/{number}.mp3" for number in nearest(query, ROWS, 10)]
        paths = [each.path for each in found]
        assert len(set(paths) & set(expected)) >= 9  # the index has 16 bits for each value
        assert paths == expected or most == 100
        assert paths[0] == expected[0]
        wanted = ROWS[nearest(query, ROWS, 1)[0]]
        cosine = query @ wanted / np.linalg.norm(query) / np.linalg.norm(wanted)
        assert found[0].similarity == pytest.approx(cosine, abs=2e-3)


def test_the_index_is_brought_up_to_date(store, monkeypatch):
    monkeypatch.setattr(module, "EXACT", 0)
    similar(store, ROWS[0])
    made = (store.folder / "similar.usearch").stat().st_mtime_ns
    similar(store, ROWS[0])
    assert (store.folder / "similar.usearch").stat().st_mtime_ns == made
    store.amend(BuildPlan(stale=["/m/7.mp3"], vanished=["/m/8.mp3"]))
    for gone in (7, 8):
        assert similar(store, ROWS[gone], 1)[0].path != f"/m/{gone}.mp3"
    store.add([outcome(7)])
    assert similar(store, ROWS[7], 1)[0].path == "/m/7.mp3"
    (store.folder / "similar.json").write_text("{")  # damaged: made anew
    assert len(list(Index(store).search(ROWS[7], 3))) == 3


def test_embeddings_of_recordings(store):
    paths, rows = embeddings(store)
    assert paths[123] == "/m/123.mp3"
    np.testing.assert_array_equal(rows, ROWS)
    np.testing.assert_array_equal(embedding_of(store, "/m/123.mp3"), ROWS[123])
    assert embedding_of(store, "/m/none.mp3") is None


def test_a_catalogue_without_embeddings_is_refused(tmp_path):
    identity = Setup.of().identity
    with (
        CatalogueWriter(tmp_path, identity) as store,
        pytest.raises(PypluginError, match="--embeddings"),
    ):
        similar(store, ROWS[0])


def test_a_map_keeps_groups_apart():
    groups = np.repeat([0, 1], 6)
    rows = ROWS[:12] * 0.1
    rows[groups == 1, 0] += 5
    rows[groups == 0, 1] += 5
    for method in METHODS:
        placed = map_positions(rows, method)
        assert placed.min() == 0
        assert placed.max() == pytest.approx(1)
        middles = [placed[groups == each].mean(axis=0) for each in (0, 1)]
        assert np.linalg.norm(middles[0] - middles[1]) > placed[groups == 0].std()
    for few in (0, 1, 2):
        assert map_positions(ROWS[:few], "pca").shape == (few, 2)
