"""Folders and playlists among the names of recordings."""

import pytest

from pyplugin.errors import AudioError
from pyplugin.inputs.expanding import expanded


@pytest.fixture
def music(tmp_path):
    for name in ("b.wav", "a.MP3", "sub/c.flac", "notes.txt", ".hidden.wav", ".git/d.wav"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "list.m3u").write_text("b.wav\nmissing.ogg\nhttp://radio.example/x.mp3\n")
    return tmp_path


def test_a_folder_gives_its_recordings_in_order_but_for_hidden_ones(music):
    found = expanded([str(music)])
    assert found == [str(music / name) for name in ("a.MP3", "b.wav", "sub/c.flac")]


def test_a_playlist_gives_what_it_names_and_the_rest_stays(music):
    found = expanded(["x.wav", str(music / "list.m3u"), "cmd: y", "http://radio.example/list.m3u"])
    assert found == [
        "x.wav",
        str(music / "b.wav"),
        str(music / "missing.ogg"),
        "http://radio.example/x.mp3",
        "cmd: y",
        "http://radio.example/list.m3u",
    ]


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(AudioError, match="has no recordings"):
        expanded([str(tmp_path)])
