"""``tagnode catalogue``: from a folder to answers."""

import json
import shutil

import pytest
from collections_of_sounds import write_collection

from pyplugin.cli import catalogue as commands


@pytest.fixture
def music(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_collection(tmp_path / "music")


def test_from_a_folder_to_answers(music, run, tmp_path):
    (music / "bad.mp3").write_bytes(b"no sound" * 99)
    code, out, err = run("catalogue", "build", "music", "tags", "--embeddings", "--jobs", "1")
    assert code == 1
    assert out == "tags: 3 analysed, 1 without results (1 unreadable)\n"
    assert "catalogue errors tags" in err
    assert run("catalogue", "errors", "tags")[1].startswith("unreadable")
    code, out, _ = run("catalogue", "build", "music", "tags")
    assert (code, out) == (0, "tags: 0 analysed, 4 were there\n")
    numbers = json.loads(run("catalogue", "status", "tags", "--json")[1])
    assert (numbers["recordings"], numbers["errors"]) == (3, {"unreadable": 1})
    assert "columns:     speech" in run("catalogue", "status", "tags")[1]
    code, out, _ = run("catalogue", "query", "tags", "noise > .5", "--sort", "loudness")
    assert out.splitlines()[0].endswith(str(music / "noises" / "hiss.wav"))
    rows = run("catalogue", "query", "tags", "--columns", "duration", "--json")[1].splitlines()
    assert [json.loads(row)["duration"] for row in rows] == [5.0, 4.0, 4.0]
    code, out, _ = run("catalogue", "similar", "tags", "music/tone.ogg", "--k", "2")
    assert len(out.splitlines()) == 2
    assert "tone.ogg" not in out
    shutil.copy(music / "tone.ogg", tmp_path / "other.ogg")
    code, out, _ = run("catalogue", "similar", "tags", "other.ogg", "--k", "1", "--json")
    assert json.loads(out)["path"].endswith("tone.ogg")
    assert json.loads(out)["similarity"] == pytest.approx(1, abs=1e-5)
    assert run("catalogue", "map", "tags", "map.html")[1] == "map.html: 3 recordings\n"
    assert run("catalogue", "export", "tags", "--csv", "-")[1].count("\n") == 4
    code, out, _ = run("catalogue", "write", "tags", "--replaygain", "--dry-run")
    assert out.count(": gain - -> ") == 3
    assert run("catalogue", "write", "tags", "--replaygain")[:2] == (0, out)
    assert run("catalogue", "write", "tags", "--replaygain")[:2] == (0, "")
    assert "0 analysed, 4 were there" in run("catalogue", "build", "music", "tags")[1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("status", "music"), "is no catalogue"),
        (("query", "nowhere", "x"), "is no catalogue"),
        (("build", "nowhere", "tags"), "'nowhere' cannot be read: no such file"),
        (("build", "music", "tags", "--model", "scen"), "did you mean 'scene'"),
        (("build", "music", "music/tone.ogg"), "cannot be made"),
        (("build", "music", "tags", "--scheduler", "nonsense"), "no scheduler at nonsense"),
        (("export", "tags"), "--csv, --m3u or --jams"),
        (("write", "tags"), "--genre"),
        (("map", "tags", "map.png"), ".html is expected"),
    ],
)
def test_what_is_wrong_is_explained(music, run, monkeypatch, arguments, expected):
    if "--scheduler" in arguments:
        pytest.importorskip("distributed", reason="needs distributed")
        monkeypatch.setattr("pyplugin.catalogue.cluster._CONNECT", 0.2)
    code, _, err = run("catalogue", *arguments)
    assert code in (1, 2)
    assert expected in err
    assert "Traceback" not in err


def test_durations():
    assert [commands._duration(each) for each in (5, 300, 7200)] == ["5 s", "5 min", "2.0 h"]
