"""Playlists: M3U, PLS and XSPF as players write them."""

import pytest

from pyplugin.errors import AudioError
from pyplugin.inputs.playlists import entries, is_hls, read_playlist

XSPF = """<?xml version="1.0" encoding="UTF-8"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>
<track><location>file:///music/a%20b.ogg</location><title>A</title></track>
<track><location>http://radio.example/live</location></track>
</trackList></playlist>"""


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        ("a.m3u", b"one.mp3\r\n\r\n# a comment\r\nsub\\two.ogg\r\n", ["one.mp3", "sub/two.ogg"]),
        ("a.m3u8", "\ufeff#EXTM3U\n#EXTINF:9,Ä\nÄ.ogg\n".encode(), ["Ä.ogg"]),
        ("a.m3u", "Caf\u00e9.mp3\n".encode("cp1252"), ["Café.mp3"]),
        (
            "a.pls",
            b"[playlist]\nFile10=j.mp3\nfile2=b.mp3\nTitle2=x\nVersion=2\n",
            ["b.mp3", "j.mp3"],
        ),
    ],
)
def test_names_are_relative_to_the_playlist(name, data, found, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    assert read_playlist(path) == [str(tmp_path / each) for each in found]


def test_xspf(tmp_path):
    path = tmp_path / "a.xspf"
    path.write_text(XSPF)
    assert read_playlist(path) == ["/music/a b.ogg", "http://radio.example/live"]


def test_a_playlist_from_the_network_names_no_files():
    for name in ("file:///etc/passwd", "data:audio/wav,x"):
        with pytest.raises(AudioError, match="no network stream"):
            entries(f"#EXTM3U\n{name}", "http://radio.example/a.m3u")
    assert entries("/etc/passwd", "http://radio.example/a.m3u") == [
        "http://radio.example/etc/passwd"
    ]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.m3u", b"#EXTM3U\n", "names no recording"),
        ("a.xspf", b"<playlist", "damaged"),
        ("a.xspf", b'<!DOCTYPE x [<!ENTITY a "b">]><playlist/>', "entities"),
        ("a.m3u", bytes(100), "no playlist"),
        ("a.txt", b"song.mp3", "no playlist"),
    ],
)
def test_what_is_refused(name, data, words, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(AudioError, match=words):
        read_playlist(path)
    with pytest.raises(AudioError, match="no such file"):
        read_playlist(tmp_path / "missing.m3u")


def test_hls_is_one_recording_not_a_list():
    assert is_hls("#EXTM3U\n#EXT-X-TARGETDURATION:6\n")
    assert not is_hls("#EXTM3U\n#EXTINF:9,Song\na.mp3")
