"""Atomic files: complete at their path, or not there."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from helpers import limit_file_size

from pyplugin.errors import PypluginError, ReaderGoneError
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


def test_mode_and_owner_are_kept(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    owner = (12345, 54321) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(path, *owner)
    with replacing(path) as partial:
        assert partial.stat().st_mode & 0o077 & ~0o040 == 0, "others can read what they could not"
        partial.write_text("new")
    status = path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o640, *owner)
    assert path.read_text() == "new"


def test_a_new_file_has_the_mode_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "a") as partial:
            partial.write_text("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_data_are_synced_before_the_rename(tmp_path, monkeypatch):
    order: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(number):
        order.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        real_sync(number)

    def rename(self, target):
        order.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    with replacing(tmp_path / "a") as partial:
        partial.write_text("x")
    assert order == ["file", "rename", "folder"]


@pytest.mark.parametrize("length", [240, 241, 250, 255])
@pytest.mark.parametrize("letter", ["n", "é"])
def test_the_longest_names_work(tmp_path, length, letter):
    stem = (length - 4) // len(letter.encode()) * letter
    path = tmp_path / f"{stem}.csv"
    path.write_text("old")
    check_writable(path)
    with replacing(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_too_long_is_a_sentence(tmp_path):
    with pytest.raises(PypluginError, match="name too long"), replacing(tmp_path / ("n" * 256)):
        pytest.fail("the work began")


def test_what_dead_processes_left_is_swept_and_nothing_else(tmp_path):
    dead = tmp_path / ".song.wav.0123abcd.part"
    others = [tmp_path / name for name in ("download.part", ".a.part", ".b.0123ABCD.part", "c")]
    for path in (dead, *others):
        path.write_text("x")
    with replacing(tmp_path / "one") as one:
        with replacing(tmp_path / "two") as two:
            program = "from pyplugin.support.files import write_file; "
            program += f"write_file({str(tmp_path / 'three')!r}, b'x')"
            subprocess.run([sys.executable, "-c", program], check=True)
            two.write_text("x")
        one.write_text("x")
    assert not dead.exists()
    expected = {path.name for path in others} | {"one", "two", "three"}
    assert {path.name for path in tmp_path.iterdir()} == expected


def test_a_fifo_receives_the_data_and_stays(tmp_path):
    fifo = tmp_path / "x.json"
    os.mkfifo(fifo)
    check_writable(fifo)  # must neither wait for the reader nor send it an end
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        with replacing(fifo) as partial:
            partial.write_bytes(b"x" * 50_000)
        assert reader.communicate(timeout=30)[0] == b"x" * 50_000
    assert fifo.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_reader_that_goes_is_no_failure(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with (
        subprocess.Popen(["head", "-c", "1", fifo], stdout=subprocess.DEVNULL),
        pytest.raises(ReaderGoneError),
        replacing(fifo) as partial,
    ):
        partial.write_bytes(bytes(10_000_000))


def test_a_device_that_is_full_is_reported():
    with pytest.raises(PypluginError, match="no space left") as caught, replacing("/dev/full") as x:
        x.write_bytes(b"x")
    assert caught.value.exit_code == 1


def test_a_link_to_a_device_is_written_through(tmp_path):
    (tmp_path / "plot.png").symlink_to("/dev/null")
    with replacing(tmp_path / "plot.png") as partial:
        partial.write_text("x")
    assert (tmp_path / "plot.png").is_symlink()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_data_reach_a_device_without_a_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: (_ for _ in ()).throw(OSError("none")))
    read, write = os.pipe()
    with replacing(f"/dev/fd/{write}") as partial:
        partial.write_text("through")
    os.close(write)
    with os.fdopen(read) as stream:
        assert stream.read() == "through"
