"""What is found in folders."""

import os
import shutil

import pytest
from helpers import needs_permissions, without_privileges

from pyplugin import PypluginError
from pyplugin.catalogue.scanning import scan


def names(result, folder):
    return [os.path.relpath(each.path, folder) for each in result.found]


def test_folders_are_searched_and_other_files_left_out(collection):
    (collection / "cover.jpg").write_bytes(b"x")
    (collection / ".hidden.ogg").write_bytes(b"x")
    result = scan([str(collection)])
    assert names(result, collection) == ["chords.flac", "tone.ogg", "noises/hiss.wav"]
    status = (collection / "tone.ogg").stat()
    tone = result.found[1]
    assert (tone.size, tone.mtime) == (status.st_size, status.st_mtime_ns // 1000)


def test_loops_of_links_end_and_each_file_counts_once(collection):
    (collection / "noises" / "up").symlink_to(collection)
    (collection / "self.ogg").symlink_to(collection / "self.ogg")
    (collection / "elsewhere").symlink_to(collection / "noises")
    os.link(collection / "tone.ogg", collection / "noises" / "tone-again.ogg")
    result = scan([str(collection), str(collection / "elsewhere")])
    assert sorted(os.path.basename(each.path) for each in result.found) == [  # noqa: PTH119
        "chords.flac",
        "hiss.wav",
        "tone.ogg",
    ]
    others = [path for each in result.found for path in each.others]
    assert any(path.endswith("tone-again.ogg") for path in others)
    assert {each.result.kind for each in result.problems} == {"missing"}  # the link to itself
    assert names(result, collection)[2] == "noises/hiss.wav"


def test_names_that_are_not_utf8_are_found(collection):
    path = os.fsencode(collection) + b"/caf\xe9.ogg"
    shutil.copy(collection / "tone.ogg", path)
    (odd,) = [each for each in scan([str(collection)]).found if each.path_bytes is not None]
    assert odd.path_bytes == path


@needs_permissions
def test_of_a_folder_that_may_not_be_read_nothing_is_known(collection):
    (collection / "noises").chmod(0)
    try:
        with without_privileges(collection):
            result = scan([str(collection)])
    finally:
        (collection / "noises").chmod(0o755)
    assert list(result.unread) == [str(collection / "noises")]
    assert not result.covers(str(collection / "noises" / "hiss.wav"))
    assert result.covers(str(collection / "gone.ogg"))


def test_playlists_and_files_are_sources_too(collection):
    (collection / "list.m3u").write_text("tone.ogg\nnoises/hiss.wav\n")
    result = scan([str(collection / "list.m3u"), str(collection / "chords.flac")])
    assert names(result, collection) == ["tone.ogg", "noises/hiss.wav", "chords.flac"]
    assert result.roots == []


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PypluginError, match="nowhere"):
        scan([str(tmp_path / "nowhere")])
