"""Ground truths: every layout gives the same clips, and a mistake in one is named."""

import json
import shutil

import pytest
from helpers import write_noise

from pyplugin.errors import PypluginError

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.dataset import read_dataset


@pytest.fixture
def clips(tmp_path):
    """Two clips each of two classes, in folders."""
    for seed, name in enumerate(("a/0", "a/1", "b/0", "b/1")):
        write_noise(tmp_path / "clips" / f"{name}.wav", seed)
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
    write_noise(tmp_path / "c" / "a" / "0.flac", 0, artist="Ann", album="One")
    write_noise(tmp_path / "c" / "a" / "1.ogg", 1, album="Two")
    write_noise(tmp_path / "c" / "b" / "2.wav", 2, artist="Ann")
    write_noise(tmp_path / "c" / "b" / "3.wav", 3)
    dataset = read_dataset(tmp_path / "c")
    assert [clip.group for clip in dataset.clips] == [
        "artist: Ann",
        "album: Two",
        "artist: Ann",
        "",
    ]
    assert any("2 groups" in note for note in dataset.notes)


def test_a_duplicate_counts_once_in_its_class_and_is_rejected_in_another(clips):
    shutil.copy(clips / "a" / "0.wav", clips / "a" / "copy.wav")
    dataset = read_dataset(clips)
    assert found(dataset, clips) == EXPECTED
    assert any("1 clips are duplicates" in note for note in dataset.notes)
    shutil.copy(clips / "a" / "0.wav", clips / "b" / "copy.wav")
    with pytest.raises(PypluginError, match=r"1 clips are in two classes, .*0.wav of 'a'"):
        read_dataset(clips)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "path,label\nnone.wav,a\na/0.wav,a\n", "1 of 2 clips .* do not exist"),
        ("t.csv", "path,label\na/0.wav,\n", "Row 1 of .* has no label"),
        ("t.csv", "label\na\n", "Row 1 of .* has no path"),
        ("t.csv", "", "has no clips"),
        ("t.txt", "", "is not a folder, .csv, .json or .yaml"),
        ("t.json", "{", "cannot be parsed"),
        ("t.json", "3", "neither a mapping of paths"),
        ("t.json", '{"groundTruth": []}', "is not a mapping"),
        ("t.json", '{"a/0.wav": ["a", "b"]}', "exactly one"),
        ("t.yaml", "a: [", "cannot be parsed"),
    ],
)
def test_an_invalid_ground_truth_is_rejected(clips, name, content, message):
    (clips / name).write_text(content)
    with pytest.raises(PypluginError, match=message):
        read_dataset(clips / name)


def test_an_incomplete_file_list_is_rejected(clips):
    (clips / "t.json").write_text(json.dumps({"x": "a", "y": "b"}))
    (clips / "f.json").write_text(json.dumps({"x": "a/0.wav"}))
    with pytest.raises(PypluginError, match=r"lacks 1 of the 2 clips .* for example 'y'"):
        read_dataset(clips / "t.json", clips / "f.json")
    with pytest.raises(PypluginError, match="--filelist is for a ground truth"):
        read_dataset(clips, clips / "f.json")
    with pytest.raises(PypluginError, match="cannot be read: no such file"):
        read_dataset(clips / "none.json")


def test_gtzans_folder_is_found_in_its_archive(clips, tmp_path):
    archive = tmp_path / "Data"
    shutil.copytree(clips, archive / "genres_original")
    (archive / "images_original" / "a").mkdir(parents=True)
    (archive / "images_original" / "a" / "0.png").write_bytes(b"picture")
    assert found(read_dataset(archive), archive / "genres_original") == EXPECTED
    for path in ("a/0.wav", "genres_original/a/0.wav"):
        (tmp_path / "g.csv").write_text(f"path,artist\n{path},Ann\n")
        dataset = read_dataset(archive, groups=tmp_path / "g.csv")
        assert [clip.group for clip in dataset.clips] == ["Ann", "", "", ""]


def test_a_file_gives_the_groups_of_a_folder(clips, tmp_path):
    (tmp_path / "g.csv").write_text("path,artist\na/0.wav,Ann\nb/1.wav,Ann\nb/0.wav,Bob\n")
    dataset = read_dataset(clips, groups=tmp_path / "g.csv")
    assert [clip.group for clip in dataset.clips] == ["Ann", "", "Bob", "Ann"]
    (tmp_path / "g.csv").write_text("path,artist\nc/0.wav,Ann\n")
    with pytest.raises(PypluginError, match=r"lists none of the 4 clips"):
        read_dataset(clips, groups=tmp_path / "g.csv")
    (tmp_path / "g.csv").write_text("path,artist\na/0.wav,\n")
    with pytest.raises(PypluginError, match=r"Row 1 of .* has no group"):
        read_dataset(clips, groups=tmp_path / "g.csv")
    (clips / "t.json").write_text(json.dumps(dict(EXPECTED)))
    with pytest.raises(PypluginError, match="is no folder; --groups is for a folder"):
        read_dataset(clips / "t.json", groups=tmp_path / "g.csv")


def test_a_manifest_has_categories_and_splits(clips):
    rows = "".join(
        f"{p},1.0,{v},x;y,g{n},{('train', 'test')[n % 2]}\n" for n, (p, v) in enumerate(EXPECTED)
    )
    (clips / "manifest.csv").write_text("path,seconds,category,labels,group,split\n" + rows)
    dataset = read_dataset(clips / "manifest.csv")
    assert found(dataset, clips) == EXPECTED
    assert [clip.split for clip in dataset.clips] == ["train", "test", "train", "test"]
    several = read_dataset(clips / "manifest.csv", exclusive=False)
    assert [clip.labels for clip in several.clips] == [("x", "y")] * 4


def test_clips_have_several_classes_where_they_do_not_exclude_each_other(clips):
    shutil.copy(clips / "a" / "0.wav", clips / "b" / "copy.wav")
    (clips / "t.json").write_text(json.dumps({"a/0.wav": ["a", "b"], "a/1.wav": "a"}))
    (clips / "rows.json").write_text(
        json.dumps([{"path": "a/0.wav", "labels": ["a", "b"]}, {"path": "a/1.wav", "label": "a"}])
    )
    for data in (clips, clips / "t.json", clips / "rows.json"):
        dataset = read_dataset(data, exclusive=False)
        labels = {clip.path.name: clip.labels for clip in dataset.clips if clip.label == "a"}
        assert labels == {"0.wav": ("a", "b"), "1.wav": ("a",)}, data
    (clips / "t.json").write_text('{"a/0.wav": []}')
    with pytest.raises(PypluginError, match="expected a name"):
        read_dataset(clips / "t.json", exclusive=False)
