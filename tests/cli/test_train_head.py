"""``tagnode train head`` on short recordings and a small model."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from helpers import level_noise, limit_file_size, written_files
from msgspec import structs

import pyplugin
from pyplugin.models import heads
from pyplugin.models.card import render_card

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.dataset import read_dataset
from pyplugin.training.heads.examples import embedded

RATE = 22050


def training_options(model_file, *more):
    return ["--backbone", model_file, "--classifier", "logistic", "--jobs", 1, *more]


def test_a_head_trained_on_a_folder_classifies_new_sounds(
    run, labelled_clips, model_file, tmp_path, probe
):
    code, out, err = run(
        "train",
        "head",
        labelled_clips,
        *training_options(model_file, "--out", tmp_path / "levels.head"),
    )
    assert (code, err) == (0, "")
    assert written_files(tmp_path) == {"levels.head", "levels.report.tsv", "levels.report.html"}
    assert "accuracy 100.0 %" in out
    head = heads.load(tmp_path / "levels.head")
    assert (head.model, head.output, head.size) == ("probe", "dense", 3)
    assert head.labels == ("clicks", "loud", "soft")
    assert head.about["classes"] == {"clicks": 6, "loud": 6, "soft": 6}
    for label in head.labels:  # sounds that are not in the training set
        result = pyplugin.tag(level_noise(label, 99), RATE, model=probe.model, embedding="dense")
        message = heads.run(head, result.embeddings.mean(axis=0, keepdims=True))
        assert head.labels[int(message.argmax())] == label


def test_a_row_of_the_report_makes_its_head(run, labelled_clips, model_file, tmp_path):
    run(
        "train",
        "head",
        labelled_clips,
        *training_options(model_file, "--out", tmp_path / "one.head"),
    )
    report = tmp_path / "one.report.tsv"
    before = report.read_bytes()
    options = training_options(model_file, "--out", tmp_path / "two.head")
    assert run("train", "head", labelled_clips, *options, "--retrain", report, 5)[0] == 0
    header, *rows = report.read_text().splitlines()
    row = dict(zip(header.split("\t"), rows[4].split("\t"), strict=True))
    chosen = heads.load(tmp_path / "two.head").about["configuration"]
    assert (str(chosen["C"]), chosen["preprocessing"]) == (row["C"], row["preprocessing"])
    assert report.read_bytes() == before
    assert not (tmp_path / "two.report.tsv").exists()
    code, _, err = run("train", "head", labelled_clips, *options, "--retrain", report, 500)
    assert code == 2
    assert "has no row 500; choose one of 1 to" in err


def test_the_external_set_is_reported_and_leakage_warned_of(
    run, labelled_clips, model_file, tmp_path
):
    external = tmp_path / "external"
    for label in ("clicks", "loud", "soft"):
        (external / label).mkdir(parents=True)
        soundfile.write(external / label / "new.wav", level_noise(label, 77), RATE)
    # soft sounds that the set calls loud: a third of it is wrong
    soundfile.write(external / "loud" / "new.wav", level_noise("soft", 78), RATE)
    shutil.copy(labelled_clips / "soft" / "0.wav", external / "soft" / "known.wav")
    options = training_options(model_file, "--out", tmp_path / "x.head", "--external", external)
    code, out, err = run("train", "head", labelled_clips, *options)
    assert code == 0
    assert "external set: mean over the classes 66.7 %" in out
    assert "1 clips of the external set are in the training set" in err
    assert heads.load(tmp_path / "x.head").about["external"]["balanced_accuracy"] == 0.6667
    assert "a drop of 33.3 points" in (tmp_path / "x.report.html").read_text()


def test_windows_of_a_clip_stay_together(run, labelled_clips, model_file, tmp_path, probe):
    options = training_options(model_file, "--out", tmp_path / "w.head", "--windows")
    assert run("train", "head", labelled_clips, *options)[0] == 0
    assert heads.load(tmp_path / "w.head").about["trained_on"] == "windows"
    page = (tmp_path / "w.report.html").read_text()
    assert "Accuracy per window" in page
    assert "Accuracy per clip, its windows averaged" in page
    rows = (tmp_path / "w.report.tsv").read_text().splitlines()[1:]
    assert {row.split("\t")[-1] for row in rows} == {"window"}
    dataset = read_dataset(labelled_clips)
    examples, number, _ = embedded(dataset, probe.model, "dense", True, 1, lambda *_: None)
    assert len(examples.y) > 2 * len(dataset.clips)
    assert len(set(number)) == len(dataset.clips)
    for index, clip in enumerate(dataset.clips):
        assert len(set(examples.groups[number == index])) == 1
        assert set(examples.y[number == index]) == {clip.label}


def test_a_class_by_one_artist_is_warned_of(run, labelled_clips, model_file, tmp_path):
    rows = [
        f"{path},{path.parent.name},{'Ann' if path.parent.name == 'loud' else path.stem}\n"
        for path in sorted(labelled_clips.rglob("*.wav"))
    ]
    (tmp_path / "t.csv").write_text("path,label,artist\n" + "".join(rows))
    options = training_options(model_file, "--out", tmp_path / "g.head")
    code, _, err = run("train", "head", tmp_path / "t.csv", *options)
    assert code == 0
    assert "All clips of 'loud' come from 1 groups or artists" in err


def test_unreadable_clips_are_listed_and_counted(run, labelled_clips, model_file, tmp_path):
    (labelled_clips / "loud" / "notes.txt").write_text("no sound")
    options = training_options(model_file, "--out", tmp_path / "u.head")
    code, _, err = run("train", "head", labelled_clips, *options)
    assert code == 0
    assert "notes.txt" in err
    assert "1 clips were left out" in err
    assert "notes.txt" in (tmp_path / "u.report.html").read_text()


def test_a_full_disk_ends_in_a_sentence_and_can_be_resumed_from(
    run, labelled_clips, model_file, tmp_path
):
    options = training_options(model_file, "--out", tmp_path / "f.head")
    with limit_file_size(1000):
        code, _, err = run("train", "head", labelled_clips, *options)
    assert code == 1
    assert "f.folds.jsonl' cannot be written" in err
    assert written_files(tmp_path) == {"f.folds.jsonl"}
    finished = len((tmp_path / "f.folds.jsonl").read_text().splitlines())
    assert finished > 2
    assert run("train", "head", labelled_clips, *options, "--resume")[0] == 0
    assert written_files(tmp_path) == {"f.head", "f.report.tsv", "f.report.html"}
    before = (tmp_path / "f.head").read_bytes()
    retrain = ("--retrain", tmp_path / "f.report.tsv", 1)
    with limit_file_size(400):
        code, _, err = run("train", "head", labelled_clips, *options, *retrain)
    assert code == 1
    assert "f.head' cannot be written" in err
    assert (tmp_path / "f.head").read_bytes() == before
    assert written_files(tmp_path) == {"f.head", "f.report.tsv", "f.report.html"}


def test_invalid_input_gets_one_sentence_and_leaves_no_file(
    run, labelled_clips, model_file, tmp_path
):
    def refused(message, data=labelled_clips, out="r.head", *more):
        options = training_options(model_file, "--out", tmp_path / out, *more)
        code, _, err = run("train", "head", data, *options)
        assert code == 2
        assert message in err
        assert len(err.strip().splitlines()) == 1
        assert written_files(tmp_path) == set()

    refused("no output 'x'", labelled_clips, "r.head", "--embedding", "x")
    refused("is not a name for a head", labelled_clips, "r r.head")
    refused("cannot be read", labelled_clips, "r.head", "--retrain", tmp_path / "none.tsv", 1)
    refused(
        "expected a folder of clips for each class", labelled_clips / "loud"
    )  # sounds, not folders of them
    lone = tmp_path / "lone"
    shutil.copytree(labelled_clips, lone)
    for path in sorted((lone / "soft").iterdir())[1:]:
        path.unlink()
    refused("The class 'soft' has 1 usable clip; at least 3", lone)
    alike = tmp_path / "alike"
    for number, label in enumerate(("a", "b")):
        (alike / label).mkdir(parents=True)
        for count in range(3):  # silences of several lengths: files differ, embeddings do not
            length = RATE + 100 * (3 * number + count)
            soundfile.write(alike / label / f"{count}.wav", np.zeros(length), RATE)
    refused("embeddings of all clips are equal", alike)
    (labelled_clips / "LOUD").mkdir()
    soundfile.write(labelled_clips / "LOUD" / "0.wav", level_noise("loud", 50), RATE)
    refused("would both have the address loud")


def test_a_model_of_an_embedding_only_is_a_backbone(
    run, labelled_clips, model_file, tmp_path, probe, monkeypatch
):
    """It has no labels of its own; its head has. Commands that need labels say so."""
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    card = probe.model.card
    outputs = [structs.replace(each, purpose="embeddings", op="") for each in card.outputs]
    schema = structs.replace(card.schema, outputs=tuple(outputs))
    path = tmp_path / "models" / "probe.tflite"
    path.write_bytes(probe.model.data)
    path.with_suffix(".json").write_text(
        render_card(structs.replace(card, labels=(), schema=schema, quantisation=None))
    )
    options = training_options("probe", "--out", tmp_path / "levels.head")
    code, out, err = run("train", "head", labelled_clips, *options, "--embedding", "dense")
    assert (code, err) == (0, "")
    assert "accuracy 100.0 %" in out
    clip = labelled_clips / "loud" / "0.wav"
    code, out, _ = run("tag", clip, "--head", tmp_path / "levels.head")
    assert code == 0
    assert out.split("levels:")[1].split()[:1] == ["clicks"]
    code, out, _ = run("tag", clip, "--head", tmp_path / "levels.head", "--json")
    assert json.loads(out.splitlines()[0])["heads"]["levels"]["loud"] > 0.5
    for command in (("tag", clip), ("listen", "-")):
        code, _, err = run(*command, "--model", "probe")
        assert (code, err.count("probe has no labels, an embedding only")) == (2, 1)
    with pyplugin.Node(RATE, 1, 512, model="probe", heads=[tmp_path / "levels.head"]) as node:
        assert node.descriptors == ["head.levels.clicks", "head.levels.loud", "head.levels.soft"]
