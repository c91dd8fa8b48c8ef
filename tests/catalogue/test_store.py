"""The folder of a catalogue: parts are whole, and other programs read them."""

import json
import os
import shutil

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers import limit_file_size

from pyplugin import PypluginError
from pyplugin.catalogue import store as stores
from pyplugin.catalogue.planning import BuildPlan
from pyplugin.catalogue.records import FoundRecording, Outcome, Problem, RecordingAnalysis
from pyplugin.catalogue.store import MANIFEST, Catalogue, CatalogueWriter, read_windows
from pyplugin.models.registry import labels


def outcome(path: str, value: float = 0.5, size: int = 10) -> Outcome:
    count = len(labels("scene"))
    row = np.full(count, value, np.float32)
    windows = np.full((3, count), value, np.float32)
    return Outcome(
        FoundRecording(path, size, 1_000_000),
        RecordingAnalysis(
            "hash", 3.0, 44100, 2, -20.0, -3.0, 120.0, 0.5, row, row, row,
            np.full(64, value, np.float32), np.arange(3.0), windows, 2.0,
        ),
    )  # fmt: skip


def failure(path: str) -> Outcome:
    return Outcome(FoundRecording(path, 5, None), Problem("unreadable", "no sound"))


@pytest.fixture
def writer(setup, tmp_path):
    with CatalogueWriter(tmp_path / "tags", setup.identity) as made:
        yield made


def test_rows_are_read_by_duckdb_and_pandas(writer):
    odd = os.fsdecode(b"/m/caf\xe9.mp3")
    writer.add([outcome("/m/a.mp3", 0.25), failure("/m/b.mp3"), outcome(odd, 0.75)])
    folder = writer.folder
    rows = duckdb.sql(
        f"""SELECT path, path_bytes, "tag.scene.speech.mean", embedding[1], mtime::VARCHAR, vanished
        FROM '{folder}/recordings/*.parquet' ORDER BY duration, path"""
    ).fetchall()
    assert [row[0] for row in rows] == ["/m/a.mp3", "/m/caf\\xe9.mp3"]
    assert rows[1][1] == b"/m/caf\xe9.mp3"
    assert [row[2:4] for row in rows] == [(0.25, 0.25), (0.75, 0.75)]
    assert rows[0][4].startswith("1970-01-01")
    frame = pd.read_parquet(folder / "recordings")
    assert frame["tempo"].tolist() == [120.0, 120.0]
    assert frame["embedding"].iloc[0].shape == (64,)
    windows = pd.read_parquet(folder / "windows")
    assert windows["end"].tolist() == [2.0, 3.0, 4.0] * 2
    errors = pd.read_parquet(folder / "errors")
    assert errors[["path", "kind"]].to_numpy().tolist() == [["/m/b.mp3", "unreadable"]]
    metadata = pq.read_schema(next((folder / "recordings").glob("*.parquet"))).metadata
    assert metadata[b"tagnode.schema"] == b"1"
    assert json.loads(metadata[b"tagnode.setup"])["hop"] == 1.0
    assert set(writer.known()) == {"/m/a.mp3", "/m/b.mp3", odd}


def test_rows_are_brought_up_to_date(writer):
    writer.add([outcome(f"/m/{name}.mp3") for name in "abcd"])
    writer.add([failure("/m/e.mp3")])
    moved = {"/m/b.mp3": FoundRecording("/m/new/b.mp3", 10, 2_000_000)}
    writer.amend(BuildPlan(moved=moved, vanished=["/m/c.mp3"], stale=["/m/a.mp3", "/m/e.mp3"]))
    known = writer.known()
    assert sorted(known) == ["/m/c.mp3", "/m/d.mp3", "/m/new/b.mp3"]
    assert known["/m/new/b.mp3"].mtime == 2_000_000
    assert [known[path].vanished for path in sorted(known)] == [True, False, False]
    assert set(read_windows(writer)) == set(known)
    assert writer.count("errors") == 0
    writer.amend(BuildPlan(returned=["/m/c.mp3"]))
    assert not writer.known()["/m/c.mp3"].vanished


def test_many_small_parts_become_one(writer, monkeypatch):
    for number in range(5):
        writer.add([outcome(f"/m/{number}.mp3", number / 10), failure(f"/m/{number}.txt")])
    before = writer.known()
    monkeypatch.setattr(CatalogueWriter, "_finish_merging", lambda self: None)  # it is killed here
    writer.merge()
    monkeypatch.undo()
    assert writer.known() == before
    writer.close()
    with CatalogueWriter(writer.folder) as again:
        assert [len(again.parts(table)) for table in stores.TABLES] == [1, 1, 1]
        assert again.known() == before
        assert len(read_windows(again)) == 5
        assert not (again.folder / "merging").exists()
        again.add([outcome("/m/last.mp3")])
        assert len(again.parts("recordings")) == 2


def test_windows_of_a_part_that_was_not_finished_are_removed(writer):
    writer.add([outcome("/m/a.mp3")])
    (part,) = writer.parts("windows")
    shutil.copy(part, part.with_name("part-00000002.parquet"))
    writer.close()
    with CatalogueWriter(writer.folder) as again:
        assert again.parts("windows") == [part]


def test_a_full_disk_leaves_what_was_there(writer):
    writer.add([outcome("/m/a.mp3")])
    with limit_file_size(100), pytest.raises(PypluginError, match="cannot be written"):
        writer.add([outcome("/m/b.mp3")])
    assert list(writer.known()) == ["/m/a.mp3"]
    assert not list(writer.folder.rglob("*.part"))


def test_a_second_build_is_refused(writer, setup):
    assert Catalogue(writer.folder).is_being_built()
    with pytest.raises(PypluginError, match="Another process builds"):
        CatalogueWriter(writer.folder, setup.identity)
    writer.close()
    assert not Catalogue(writer.folder).is_being_built()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "is no catalogue"),
        (b"{", "damaged"),
        (b"[]", "damaged"),
        (b'{"schema": 1, "setup": {}}', "damaged"),
        (b'{"schema": 7, "tagnode": "9.0", "setup": {"descriptors": []}}', "version 7.*9.0"),
    ],
)
def test_a_folder_that_cannot_be_read_is_refused(tmp_path, content, expected):
    if content is not None:
        (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(PypluginError, match=expected):
        Catalogue(tmp_path)


def test_a_damaged_part_is_named(writer):
    writer.add([outcome("/m/a.mp3")])
    (part,) = writer.parts("recordings")
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(PypluginError, match=str(part)):
        writer.known()
