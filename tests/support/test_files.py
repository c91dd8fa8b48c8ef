"""Atomic files: complete at their path, or not there."""

import pytest
from helpers import limit_file_size

from pyplugin.errors import PypluginError
from pyplugin.support.files import check_writable, replacing, sentence

soundfile = pytest.importorskip("soundfile", reason="needs soundfile")
av = pytest.importorskip("av", reason="needs av")


def test_replacing_raises_the_error_it_is_given(tmp_path):
    class SpecialError(PypluginError):
        pass

    with (
        pytest.raises(SpecialError),
        replacing(tmp_path / "missing" / "a.json", error=SpecialError),
    ):
        pytest.fail("the work began")


def test_the_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.parent == tmp_path
        assert partial.name.startswith(".")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_exception_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as partial:
            partial.write_text("new")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with replacing(tmp_path / "link") as partial:
        partial.write_text("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "x"


def test_a_full_disk_is_reported(tmp_path):
    with (
        limit_file_size(100),
        pytest.raises(PypluginError, match="cannot be written: file too large"),
        replacing(tmp_path / "a.bin") as partial,
    ):
        partial.write_bytes(bytes(1000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "words"),
    [("missing/a.txt", "its folder does not exist"), (".", "is a folder"), ("file/a", "cannot be")],
)
def test_a_path_that_cannot_be_written_is_reported_without_a_trace(tmp_path, path, words):
    (tmp_path / "file").touch()
    with pytest.raises(PypluginError, match=words):
        check_writable(tmp_path / path)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_checking_changes_no_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    check_writable(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_reason_of_an_error_is_in_lower_case():
    assert sentence(FileNotFoundError(2, "No such file")) == "no such file"
    assert sentence(OSError("Disk on fire")) == "disk on fire"
