"""``tagnode train head --features``, and ``tagnode classify`` with what it made."""

import csv
import json

import pytest
from helpers import written_files

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from extractor_files import content, folder, write

from pyplugin.models import heads


@pytest.fixture
def files(tmp_path):
    return folder(tmp_path / "descriptors")


def train(run, data, out, *more):
    options = ("--classifier", "logistic", "--jobs", 1, "--out", out, *more)
    return run("train", "head", data, "--features", *options)


def test_a_head_of_descriptors_classifies_new_files(run, files, tmp_path):
    code, out, err = train(run, files, tmp_path / "o" / "timbre.head")
    assert code == 2  # the folder o does not exist
    (tmp_path / "o").mkdir()
    code, out, err = train(run, files, tmp_path / "o" / "timbre.head")
    assert (code, err) == (0, "")
    assert "mean over the classes 100.0 %" in out
    assert "after basic" in (tmp_path / "o" / "timbre.report.tsv").read_text() or "basic" in out
    names = ("timbre.head", "timbre.report.tsv", "timbre.report.html")
    assert written_files(tmp_path / "o") == set(names)
    head = heads.load(tmp_path / "o" / "timbre.head")
    assert head.model == heads.EXTRACTOR
    assert head.about["trained_on"] == "descriptors of clips"
    assert sum(head.about["descriptors"]["sizes"].values()) == head.size
    page = (tmp_path / "o" / "timbre.report.html").read_text()
    assert "by Essentia&#x27;s extractor (music 2.0, Essentia 2.1-beta6-dev)" in page
    for label in ("bright", "dark"):
        write(tmp_path / "new" / f"{label}.json", content(label, 999))
    new = sorted((tmp_path / "new").iterdir())
    code, out, err = run("classify", tmp_path / "o" / "timbre.head", *new, "--json")
    assert (code, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["class"] for line in lines] == ["bright", "dark"]
    table = tmp_path / "o" / "t.csv"
    code, out, _ = run("classify", tmp_path / "o" / "timbre.head", tmp_path / "new", "--csv", table)
    assert code == 0
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["class"] for row in rows] == ["bright", "dark"]
    assert float(rows[0]["bright"]) == lines[0]["probabilities"]["bright"]
    assert out.splitlines()[1].split()[0] == "bright"


def test_artists_in_the_files_are_kept_together(run, tmp_path):
    for label, first in (("bright", 0), ("dark", 100)):
        for number in range(8):
            data = content(label, first + number, f"artist {label} {number // 2}")
            write(tmp_path / "d" / label / f"{number}.json", data)
    code, _, err = train(run, tmp_path / "d", tmp_path / "a.head")
    assert code == 0
    assert "Folds keep clips of one group or artist together: 8 groups." in err


def test_a_row_of_the_report_and_gaias_ground_truth(run, files, tmp_path):
    truth = {"className": "timbre", "groundTruth": {}}
    places = {}
    for path in sorted(files.rglob("*.*")):
        name = f"{path.parent.name}-{path.stem}"
        truth["groundTruth"][name] = path.parent.name
        places[name] = str(path.relative_to(tmp_path))
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "files.json").write_text(json.dumps(places))
    given = ("--filelist", tmp_path / "files.json")
    assert train(run, tmp_path / "truth.json", tmp_path / "a.head", *given)[0] == 0
    report = tmp_path / "a.report.tsv"
    again = (*given, "--retrain", report, 2)
    assert train(run, tmp_path / "truth.json", tmp_path / "b.head", *again)[0] == 0
    rows = list(csv.DictReader(report.read_text().splitlines(), delimiter="\t"))
    chosen = heads.load(tmp_path / "b.head").about["configuration"]
    assert chosen["preprocessing"] == rows[1]["preprocessing"]
    code, _, err = run(
        "train", "head", files, "--backbone", "scene", "--out", "x", "--retrain", report, 1
    )
    assert code == 2
    assert "is of a head on descriptors" in err


def test_what_a_head_of_descriptors_cannot_do_is_said(run, files, tmp_path, song):
    assert train(run, files, tmp_path / "a.head")[0] == 0
    head = tmp_path / "a.head"
    code, _, err = run("tag", song, "--head", head)
    assert code == 2
    assert "takes files of Essentia's extractor, not sound: run `tagnode classify a" in err
    code, _, err = run("classify", head, song)
    assert code == 2
    assert "is not a file of Essentia's extractor: expected .json" in err
    other = content("dark", 1)
    del other["lowlevel"]["average_loudness"]
    other["tonal"]["key_edma"]["key"] = "Eb"
    poor, new = tmp_path / "poor.json", tmp_path / "new.json"
    write(poor, other)
    other["lowlevel"]["average_loudness"] = 0.5
    write(new, other)
    code, out, err = run("classify", head, poor, new)
    assert code == 2
    assert "has no usable value of lowlevel.average_loudness" in err
    assert "this value of tonal.key_edma.key; it counts as one more" in err
    assert "new.json" in out
    (tmp_path / "none").mkdir()
    code, _, err = run("classify", head, tmp_path / "none")
    assert code == 2
    assert "There are no files in" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Missing option '--backbone', or '--features'"),
        (("--features", "--backbone", "scene"), "--backbone is for recordings"),
        (("--features", "--embedding", "dense"), "--embedding is for recordings"),
        (("--features", "--windows"), "--windows is for recordings"),
    ],
)
def test_options_that_do_not_go_together(run, files, options, words):
    code, _, err = run("train", "head", files, "--out", "x", *options)
    assert code == 2
    assert words in err


def test_a_folder_without_descriptors_is_refused(run, tmp_path, labelled_clips):
    (tmp_path / "empty").mkdir()
    code, _, err = train(run, tmp_path / "empty", tmp_path / "a.head")
    assert code == 2
    assert "has no clips; expected a folder of clips for each class" in err
    code, _, err = train(run, labelled_clips, tmp_path / "a.head")
    assert code == 2
    assert "18 of 18 files cannot be used" in err
    assert not (tmp_path / "a.head").exists()
