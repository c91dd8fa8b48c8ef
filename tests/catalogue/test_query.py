"""Conditions on columns, compared with pandas."""

from pathlib import Path

import pytest

from pyplugin import PypluginError
from pyplugin.catalogue.query import Database, aliases, summary
from pyplugin.catalogue.store import CatalogueWriter


def test_conditions_select_what_pandas_does(database, frame):
    speech, noise = frame["tag.scene.noise.mean"], frame["tag.scene.tonal.max"]
    found = database.query("noise > .3 or tonal_max > .9")
    assert [row[0] for row in found.rows] == frame["path"][(speech > 0.3) | (noise > 0.9)].tolist()
    assert 0 < len(database.query("noise > .5").rows) < 3
    assert len(database.query().rows) == 3


def test_order_columns_and_limit(database, frame):
    found = database.query(columns=["loudness", "duration"], sort="loudness", limit=2)
    ordered = frame.sort_values("loudness", ascending=False)
    assert [row[0] for row in found.rows] == ordered["path"].tolist()[:2]
    assert found.columns == ["path", "loudness", "duration"]
    lowest = database.query(sort="loudness", reverse=True, limit=1).rows
    assert lowest[0][0] == ordered["path"].iloc[-1]


def test_full_names_and_those_of_a_model_are_columns_too(database):
    first = database.query('"tag.scene.noise.mean" > .5').rows
    assert first == database.query("scene_noise > .5").rows == database.query("noise > .5").rows
    assert database.named('noise > .5 and "tag.scene.music.max" < 1', "tempo") == [
        "noise",
        "tag.scene.music.max",
        "tempo",
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("speach > .5", "did you mean 'speech'"),
        ("speech >", "cannot be used as a condition"),
        ("speech = 'loud'", "cannot be used as a condition"),
        ("true; drop view recordings", "';'"),
        ("true) or (true", "cannot be used|"),
        ("(select count(*) from read_text('/etc/hostname')) > 0", "Permission|disabled"),
        ("zzzz > 1", "status"),
    ],
)
def test_conditions_that_are_wrong_are_explained(database, condition, expected):
    if expected.endswith("|"):  # stays within the condition: no other statement
        assert len(database.query(condition).rows) == 3
        return
    with pytest.raises(PypluginError, match=expected):
        database.query(condition)


def test_the_first_model_has_a_short_name_and_columns_keep_theirs():
    found = aliases(["tag.a.rock", "tag.b.rock", "tag.b.size", "head.mood.so-so"])
    assert found["rock"] == "tag.a.rock.mean"
    assert found["b_rock_share"] == "tag.b.rock.share"
    assert "size" not in found
    assert found["mood_so_so"] == "head.mood.so-so.mean"


def test_an_empty_catalogue_has_no_rows(setup, tmp_path):
    with CatalogueWriter(tmp_path, setup.identity) as store, Database(store) as database:
        assert database.query("speech > 0").rows == []
        assert summary(store)["recordings"] == 0


def test_a_folder_of_any_name_is_queried(setup, tmp_path):
    folder = Path(tmp_path, "it's [1]*")
    with CatalogueWriter(folder, setup.identity) as store, Database(store) as database:
        assert database.query().rows == []


def test_numbers_of_a_catalogue(built, frame):
    numbers = summary(built)
    assert numbers["recordings"] == 3
    assert numbers["hours"] == pytest.approx(frame["duration"].sum() / 3600)
    files = list(built.folder.rglob("*.parquet"))
    assert numbers["bytes"] == sum(path.stat().st_size for path in files)
