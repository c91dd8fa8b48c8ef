"""A table that grows: the rows of each recording at once, and continued after an end."""

import csv
import os
import stat

import numpy as np
import pytest
from helpers import limit_file_size

from pyplugin.errors import PypluginError
from pyplugin.outputs.tables import TagTable, tag_columns
from pyplugin.support.results import TagResult

LABELS = ["speech", "music"]
COLUMNS = tag_columns(LABELS)
NAMES = ["a.wav", "=b.wav", "c\nd.wav", "caf\udce9.wav"]


def result(seed: int, windows: int = 5) -> TagResult:
    values = np.random.default_rng(seed).random((windows, 2), np.float32)
    return TagResult("m", LABELS, np.arange(windows) * 0.5, 2.0, 0.5, values, None, 4.0)


def write(path, names, **options):
    with TagTable(path, COLUMNS, files=NAMES, **options) as table:
        for name in names:
            if name not in table.done:
                table.write(name, result(NAMES.index(name)))
        return table.done


@pytest.fixture
def whole(tmp_path) -> bytes:
    write(tmp_path / "whole.csv", NAMES)
    return (tmp_path / "whole.csv").read_bytes()


def test_the_rows_are_those_of_the_results(whole, tmp_path):
    with (tmp_path / "whole.csv").open(newline="", errors="surrogateescape") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["file", "start", "end", "speech", "music"]
    assert [row[0] for row in rows[::5]] == ["a.wav", "'=b.wav", "c\nd.wav", "caf\udce9.wav"]
    for index in range(4):
        values = np.array([row[3:] for row in rows[5 * index : 5 * index + 5]], float)
        np.testing.assert_allclose(values, result(index).activations, atol=1e-6)


def test_an_existing_file_is_kept_until_there_are_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    path.chmod(0o600)
    with TagTable(path, COLUMNS) as table:
        assert path.read_text() == "old"
        table.write("a.wav", result(0))
        first = path.read_bytes()
        assert first.count(b"a.wav") == 5
        table.write("b.wav", result(1))
        assert path.read_bytes().startswith(first)
        assert path.read_bytes().count(b"b.wav") == 5
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_keeps_whole_recordings(tmp_path, whole):
    path = tmp_path / "t.csv"
    with pytest.raises(PypluginError, match="free some space") as caught, limit_file_size(350):
        write(path, NAMES)
    assert caught.value.exit_code == 1
    assert path.read_bytes() == whole[: path.stat().st_size]
    assert path.read_bytes().count(b"a.wav") == 5
    assert path.read_bytes().endswith(b"\n")
    assert write(path, NAMES, resume=True) >= set()
    assert path.read_bytes() == whole


def test_a_file_cut_anywhere_is_completed(tmp_path, whole):
    path = tmp_path / "t.csv"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        write(path, NAMES, resume=True)
        assert path.read_bytes() == whole, length


def test_what_is_complete_is_skipped(tmp_path, whole):
    path = tmp_path / "t.csv"
    path.write_bytes(whole)
    assert write(path, [], resume=True) == set(NAMES[:3])  # the last one may lack rows
    spans = []

    def is_whole(*about):
        spans.append(about)
        return True

    assert write(path, [], resume=True, is_whole=is_whole) == set(NAMES)
    assert spans == [(NAMES[3], 0.0, 2.0)]
    assert path.read_bytes() == whole


def test_rows_of_other_recordings_stay(tmp_path, whole):
    path = tmp_path / "t.csv"
    path.write_bytes(whole)
    with TagTable(path, COLUMNS, resume=True, files=["new.wav"]) as table:
        table.write("new.wav", result(9))
    assert path.read_bytes().startswith(whole)
    assert path.read_bytes().count(b"new.wav") == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("file,start,end,rock,pop\r\na,0,1,0,0\r\n", "other columns"),
        ("a shopping list\n", "other columns"),
        (b"\xff\x00\x01" * 100, "other columns"),
        ("file,start,end,speech,music\r\na,0\r\nb,0,1,0,0\r\n", "damaged"),
    ],
)
def test_another_file_is_refused_and_stays(tmp_path, content, words):
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = path.read_bytes()
    with pytest.raises(PypluginError, match=words):
        TagTable(path, COLUMNS, resume=True)
    assert path.read_bytes() == before


def test_a_file_that_is_being_written_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    with TagTable(path, COLUMNS) as table:
        table.write("a.wav", result(0))
        with pytest.raises(PypluginError, match="another process"):
            TagTable(path, COLUMNS, resume=True)


def test_what_is_no_file_cannot_be_resumed(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path.__class__("-")):
        with pytest.raises(PypluginError, match="regular"):
            TagTable(path, COLUMNS, resume=True)
