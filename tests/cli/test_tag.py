"""``tagnode tag``: its outputs are the results of tag(), and a mistake is one sentence."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from helpers import BAD_RECORDINGS, music, sentence

import pyplugin
from pyplugin.models import registry


def test_prints_the_highest_tags(run, song):
    code, out, err = run("tag", song, "--top", 3)
    assert code == 0
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith(str(song))
    result = pyplugin.tag(song)
    assert [line.split("  ")[1].strip() for line in lines[1:]] == [t for t, _ in result.top(3)]


def test_json_lines_csv_and_embeddings_are_the_results(run, song, tmp_path):
    table, vectors = tmp_path / "tags.csv", tmp_path / "e.npy"
    options = ["--hop", 0.5, "--csv", table, "--embeddings", vectors, "--embedding", "logits"]
    code, out, _ = run("tag", song, "--json", *options)
    assert code == 0
    result = pyplugin.tag(song, hop=0.5, embedding="logits")
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == len(result.times)
    for line, start, row in zip(lines, result.times, result.activations, strict=True):
        assert line["v"] == 1
        assert line["state"] == "fresh"
        assert (line["source"], line["model"]) == (str(song), "scene")
        assert line["start"] == pytest.approx(start)
        assert line["end"] - line["start"] == pytest.approx(result.window)
        assert list(line["tags"]) == result.labels
        np.testing.assert_allclose(list(line["tags"].values()), row, atol=1e-6)
    with table.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["file", "start", "end", *result.labels]
    np.testing.assert_allclose(
        np.array([row[3:] for row in rows[1:]], float), result.activations, atol=1e-6
    )
    np.testing.assert_array_equal(np.load(vectors), result.embeddings)


def test_the_cards_embedding_is_the_default(run, song, tmp_path):
    assert run("tag", song, "--embeddings", tmp_path / "e.npy")[0] == 0
    expected = pyplugin.tag(song, embedding="embedding").embeddings
    np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), expected)


def test_labels_are_where_the_tags_are(run, song, tmp_path):
    result = pyplugin.tag(song, hop=0.25)
    threshold = float(np.median(result.activations.max(axis=0)))
    there = result.activations >= np.float32(threshold)
    options = ["--hop", 0.25, "--threshold", threshold, "--labels"]
    assert run("tag", song, *options, tmp_path / "l.txt")[0] == 0
    with (tmp_path / "l.txt").open(newline="") as stream:
        rows = [(float(a), float(b), label) for a, b, label in csv.reader(stream, "excel-tab")]
    assert {label for *_, label in rows} == set(np.array(result.labels)[there.any(axis=0)])
    covered = {label: sum(b - a for a, b, name in rows if name == label) for *_, label in rows}
    lengths = np.diff(result.bounds)  # all a hop, but the first and the last reach the ends
    assert lengths[1:-1] == pytest.approx(np.full(len(lengths) - 2, result.hop), abs=0.02)
    for label, seconds in zip(result.labels, lengths @ there, strict=True):
        assert covered.get(label, 0) == pytest.approx(seconds, abs=1e-5)


def test_labels_for_jams(run, song, tmp_path):
    jams = pytest.importorskip("jams", reason="no jams: pip install 'tagnode[jams]'")
    options = ["--threshold", 0, "--labels", tmp_path / "l.jams"]
    assert run("tag", song, *options)[0] == 0
    whole = jams.load(str(tmp_path / "l.jams"), validate=True, strict=True)
    assert whole.file_metadata.title == song.name
    assert len(whole.search(namespace="tag_open")[0].data) == len(registry.labels("scene"))


def test_plot_is_a_picture(run, song, tmp_path):
    assert run("tag", song, "--plot", tmp_path / "p.png")[0] == 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_one_bad_file_does_not_stop_the_others(run, song, tmp_path):
    code, out, err = run("tag", tmp_path / "missing.wav", song)
    assert code == 2
    assert "missing.wav" in sentence(err)
    assert str(song) in out


def test_a_short_recording_is_repeated_and_reported(run, tmp_path):
    soundfile.write(tmp_path / "s.wav", music(0.3, 16000)[0], 16000)
    code, out, err = run("tag", tmp_path / "s.wav")
    assert code == 0
    assert "1 window" in out
    assert "repeated" in sentence(err)


def test_non_finite_samples_are_reported(run, tmp_path):
    x = music(4, 16000)[0]
    x[7] = np.nan
    soundfile.write(tmp_path / "n.wav", x, 16000, subtype="FLOAT")
    code, _, err = run("tag", tmp_path / "n.wav")
    assert code == 0
    assert "NaN" in sentence(err)


def test_the_intact_part_of_a_truncated_mp3_is_tagged(run, tmp_path):
    import av

    with av.open(str(tmp_path / "w.mp3"), "w") as container:
        stream = container.add_stream("mp3", rate=44100)
        frame = av.AudioFrame.from_ndarray(music(8, 44100), format="fltp", layout="mono")
        frame.sample_rate = 44100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    whole = (tmp_path / "w.mp3").read_bytes()
    (tmp_path / "t.mp3").write_bytes(whole[: len(whole) * 6 // 10])
    code, out, _ = run("tag", tmp_path / "t.mp3")
    assert code == 0
    assert "0:04." in out


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("kind", BAD_RECORDINGS)
def test_an_invalid_recording_gets_one_sentence_and_status_2(run, tmp_path, kind):
    make, words = BAD_RECORDINGS[kind]
    path = tmp_path / "x.wav"
    make(path)
    code, _, err = run("tag", path)
    assert code == 2
    assert re.search(words, sentence(err)), err
    assert {entry.name for entry in tmp_path.iterdir()} <= {"x.wav"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tag"], "FILE"),
        (["tag", "a.wav", "--tip", "3"], "--top"),
        (["tag", "a.wav", "--top", "0"], "--top"),
        (["tag", "a.wav", "b.wav", "--plot", "p.png"], "one FILE"),
        (["tag", "a.wav", "--embedding", "logits"], "--embeddings"),
        (["tag", "a.wav", "--embeddings", "e.txt"], ".npy"),
        (["tag", "a.wav", "--plot", "p.svg"], ".png"),
        (["tag", "a.wav", "--labels", "l.csv"], ".txt, .jams"),
        (["tag", "a.wav", "--threshold", "0.5"], "--labels"),
        (["tag", "a.wav", "--labels", "l.txt", "--threshold", "2"], "--threshold"),
        (["tag", "a.wav", "b.wav", "--labels", "l.txt"], "one FILE"),
    ],
)
def test_a_wrong_option_is_explained(run, arguments, words):
    code, _, err = run(*arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_a_closed_pipe_is_not_an_error(musicnn, song):
    command = f"{sys.executable} -m pyplugin tag {song} --json --hop 0.05 | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
