"""Reading ground truths, embeddings and their cache; what is wrong with clips is said."""

import json
import shutil

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install pyplugin[train]")

import soundfile

import pyplugin
from pyplugin.errors import AudioError, PypluginError
from pyplugin.training.heads import embeddings
from pyplugin.training.heads.dataset import read_dataset
from pyplugin.training.heads.embeddings import embed, embed_all

RATE = 22050


def write(path, seed, seconds=1.0, **tags):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(0, 0.1, int(RATE * seconds))
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for key, value in tags.items():
            setattr(file, key, value)
        file.write(noise)
    return path


@pytest.fixture
def clips(tmp_path):
    """Two clips each of two classes, in folders."""
    for label in ("a", "b"):
        for number in range(2):
            write(tmp_path / "clips" / label / f"{number}.wav", hash((label, number)) % 1000)
    (tmp_path / "clips" / "a" / ".hidden").write_text("x")
    return tmp_path / "clips"


EXPECTED = [("a/0.wav", "a"), ("a/1.wav", "a"), ("b/0.wav", "b"), ("b/1.wav", "b")]


def found(dataset, folder):
    return [(clip.path.relative_to(folder).as_posix(), clip.label) for clip in dataset.clips]


def test_every_layout_gives_the_same_clips(clips):
    truth = dict(EXPECTED)
    rows = [{"path": path, "label": label} for path, label in EXPECTED]
    identified = {f"id {n}": label for n, (_, label) in enumerate(EXPECTED)}
    listed = {f"id {n}": path for n, (path, _) in enumerate(EXPECTED)}
    gaia = "className: ab\ngroundTruth: {" + ", ".join(f"{p}: {v}" for p, v in EXPECTED) + "}\n"
    contents = {
        "t.csv": "path,label\n" + "".join(f"{p},{v}\n" for p, v in EXPECTED),
        "file.csv": "\ufefffile,class\n" + "".join(f"{p},{v}\n" for p, v in EXPECTED),
        "t.json": json.dumps(truth),
        "rows.json": json.dumps(rows),
        "gaia.yaml": gaia,
    }
    assert found(read_dataset(clips), clips) == EXPECTED
    for name, content in contents.items():
        (clips / name).write_text(content, encoding="utf-8")
        assert found(read_dataset(clips / name), clips) == EXPECTED, name
    (clips / "truth.json").write_text(json.dumps({"className": "x", "groundTruth": identified}))
    (clips / "files.yaml").write_text("".join(f"{key}: {path}\n" for key, path in listed.items()))
    assert found(read_dataset(clips / "truth.json", clips / "files.yaml"), clips) == EXPECTED


@pytest.mark.parametrize("column", ["group", "artist", "album"])
def test_groups_are_those_of_the_column(clips, column):
    rows = "".join(f"{p},{v},{n % 2}\n" for n, (p, v) in enumerate(EXPECTED))
    (clips / "t.csv").write_text(f"path,label,{column}\n" + rows)
    assert [clip.group for clip in read_dataset(clips / "t.csv").clips] == ["0", "1", "0", "1"]


def test_groups_are_the_artists_or_albums_of_tags(tmp_path):
    write(tmp_path / "c" / "a" / "0.flac", 0, artist="Ann", album="One")
    write(tmp_path / "c" / "a" / "1.ogg", 1, album="Two")
    write(tmp_path / "c" / "b" / "2.wav", 2, artist="Ann")
    write(tmp_path / "c" / "b" / "3.wav", 3)
    dataset = read_dataset(tmp_path / "c")
    assert [clip.group for clip in dataset.clips] == [
        "artist: Ann",
        "album: Two",
        "artist: Ann",
        "",
    ]
    assert any("2 groups" in note for note in dataset.notes)


def test_a_copy_counts_once_in_its_class_and_is_refused_in_another(clips):
    shutil.copy(clips / "a" / "0.wav", clips / "a" / "copy.wav")
    dataset = read_dataset(clips)
    assert found(dataset, clips) == EXPECTED
    assert any("1 clips are copies" in note for note in dataset.notes)
    shutil.copy(clips / "a" / "0.wav", clips / "b" / "copy.wav")
    with pytest.raises(PypluginError, match=r"1 clips are in two classes, .*0.wav of 'a'"):
        read_dataset(clips)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "path,label\nnone.wav,a\na/0.wav,a\n", "1 of 2 clips .* do not exist"),
        ("t.csv", "path,label\na/0.wav,\n", "Row 1 of .* has no label"),
        ("t.csv", "label\na\n", "Row 1 of .* has no path"),
        ("t.csv", "", "has no clips"),
        ("t.txt", "", "is no folder, .csv, .json or .yaml"),
        ("t.json", "{", "cannot be parsed"),
        ("t.json", "3", "neither a mapping of paths"),
        ("t.json", '{"groundTruth": []}', "is no mapping"),
        ("t.json", '{"a/0.wav": ["a", "b"]}', "exactly one"),
        ("t.yaml", "a: [", "cannot be parsed"),
    ],
)
def test_a_wrong_ground_truth_is_refused_with_a_sentence(clips, name, content, said):
    (clips / name).write_text(content)
    with pytest.raises(PypluginError, match=said):
        read_dataset(clips / name)


def test_a_file_list_that_lacks_clips_is_refused(clips):
    (clips / "t.json").write_text(json.dumps({"x": "a", "y": "b"}))
    (clips / "f.json").write_text(json.dumps({"x": "a/0.wav"}))
    with pytest.raises(PypluginError, match=r"lacks 1 of the 2 clips .* 'y' for one"):
        read_dataset(clips / "t.json", clips / "f.json")
    with pytest.raises(PypluginError, match="a file list is for a ground truth"):
        read_dataset(clips, clips / "f.json")
    with pytest.raises(PypluginError, match="cannot be read: no such file"):
        read_dataset(clips / "none.json")


# ---------------------------------------------------------------------------------- embeddings


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_embeddings_are_those_of_tag_and_are_kept(tmp_path, probe, cache, monkeypatch):
    path = write(tmp_path / "x.wav", 0)
    expected = pyplugin.tag(path, model=probe.model, embedding="dense").embeddings
    np.testing.assert_array_equal(embed(path, probe.model, "dense"), expected)
    monkeypatch.setattr(embeddings, "tag", None)
    np.testing.assert_array_equal(embed(path, probe.model, "dense"), expected)
    (kept,) = cache.rglob("*.npy")
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    kept.write_bytes(kept.read_bytes()[:60])  # damaged: made anew
    np.testing.assert_array_equal(embed(path, probe.model, "dense"), expected)


def test_the_cache_tells_layers_models_and_files_apart(tmp_path, probe, cache):
    one, other = write(tmp_path / "1.wav", 1), write(tmp_path / "2.wav", 2)
    for path in (one, other):
        for output in ("dense", "activations"):
            embed(path, probe.model, output)
    assert len(list(cache.rglob("*.npy"))) == 4


@pytest.mark.usefixtures("cache")
def test_clips_that_cannot_be_used_are_listed_and_too_many_end_it(tmp_path, probe):
    paths = [write(tmp_path / f"{n}.wav", n) for n in range(6)]
    paths[2].write_text("no sound")
    soundfile.write(paths[4], np.zeros(0), RATE)
    done = []
    usable = [*paths, write(tmp_path / "6.wav", 6), write(tmp_path / "7.wav", 7)]
    embedded = embed_all(usable, probe.model, "dense", progress=lambda n, of: done.append((n, of)))
    assert [part is None for part in embedded.windows] == [n in (2, 4) for n in range(8)]
    assert len(embedded.skipped) == 2
    assert all(str(paths[n]) in said for n, said in zip((2, 4), embedded.skipped, strict=True))
    assert done == [(n, 8) for n in range(1, 9)]
    with pytest.raises(PypluginError, match="2 of 6 clips cannot be used, too many"):
        embed_all(paths, probe.model, "dense")


@pytest.mark.usefixtures("cache")
def test_a_clip_with_samples_that_are_no_numbers_is_refused(tmp_path, probe):
    samples = np.random.default_rng(0).normal(0, 0.1, RATE)
    samples[[5, 70]] = np.nan, np.inf
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
    for _ in range(2):
        with pytest.raises(AudioError, match=r"x.wav: 2 of its samples are NaN or infinite"):
            embed(tmp_path / "x.wav", probe.model, "dense")


@pytest.mark.usefixtures("cache")
def test_embeddings_that_are_not_finite_are_refused(tmp_path, probe, monkeypatch):
    path = write(tmp_path / "x.wav", 0)
    result = pyplugin.tag(path, model=probe.model, embedding="dense")
    result.embeddings[0, 0] = np.nan
    monkeypatch.setattr(embeddings, "tag", lambda *_, **__: result)
    with pytest.raises(AudioError, match="NaN or infinite"):
        embed(path, probe.model, "dense")
