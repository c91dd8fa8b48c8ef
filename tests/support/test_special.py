"""Which outputs are no regular files."""

import os

import pytest

from pyplugin.support.special import check_special, is_special, open_special


def test_devices_fifos_and_descriptors_are_special(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "out").symlink_to("/dev/stdout")
    special = ["-", "/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", tmp_path / "fifo"]
    assert all(map(is_special, [*special, tmp_path / "out"]))
    regular = [tmp_path / name for name in ("file", "link", "missing", "-x")]
    assert not any(map(is_special, [*regular, tmp_path]))


def test_a_descriptor_goes_on_where_it_is(tmp_path):
    with (tmp_path / "log").open("wb", buffering=0) as log:
        log.write(b"before ")
        with open_special(f"/dev/fd/{log.fileno()}") as stream:
            stream.write(b"between ")
        log.write(b"after")
    assert (tmp_path / "log").read_bytes() == b"before between after"


def test_what_cannot_be_written_is_found_without_opening_it():
    with pytest.raises(OSError, match="Bad file descriptor"):
        check_special("/dev/fd/987")
