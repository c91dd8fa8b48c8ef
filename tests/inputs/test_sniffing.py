"""What a byte stream carries: against files that FFmpeg and libsndfile write."""

import io

import numpy as np
import pytest
import soundfile
from helpers import noise
from stream_server import encoded, sweep

from pyplugin.inputs.sniffing import HEAD, container_of, is_playlist, is_web_page

RATE = 44100


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("WAV", "wav"),
        ("RF64", "wav"),
        ("AIFF", "aiff"),
        ("FLAC", "flac"),
        ("OGG", "ogg"),
        ("CAF", "caf"),
        ("AU", "au"),
        ("W64", "w64"),
        ("MP3", "mp3"),
    ],
)
def test_files_of_libsndfile(kind, name):
    file = io.BytesIO()
    soundfile.write(file, noise(1, RATE, 1).T, RATE, format=kind)
    found = container_of(file.getvalue()[:HEAD])
    assert found == name or (kind == "MP3" and found == "")  # with a tag before it


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [
        ("mp3", "libmp3lame", "mp3"),
        ("adts", "aac", "aac"),
        ("mpegts", "aac", "mpegts"),
        ("matroska", "libopus", "matroska"),
        ("ogg", "flac", "ogg"),
        ("mp4", "aac", "mp4"),
    ],
)
def test_files_of_ffmpeg(container, codec, name):
    rate = 48000
    data = encoded(sweep(3, rate, 2), rate, container, codec)
    assert container_of(data[:HEAD]) == name or (name == "mp3" and data[:3] == b"ID3")


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [("mp3", "libmp3lame", "mp3"), ("adts", "aac", "aac"), ("mpegts", "aac", "mpegts")],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_broadcast_that_is_joined_within_a_frame(container, codec, name, channels):
    data = encoded(sweep(4, RATE, channels), RATE, container, codec, bit_rate=128000)
    rng = np.random.default_rng(1)
    for start in rng.integers(600, len(data) - HEAD, 50):
        assert container_of(data[start : start + HEAD]) == name


@pytest.mark.parametrize("kind", ["u1", "<i2", ">i2", "<i4", "<f4"])
def test_raw_samples_are_no_container(kind):
    full = {"u1": 127, "<i2": 32767, ">i2": 32767, "<i4": 2147483647, "<f4": 1}[kind]
    for samples in (np.zeros(HEAD), noise(1, HEAD, 1)[0], sweep(1, HEAD, 1)[0], np.ones(HEAD)):
        assert container_of((samples * full).astype(kind).tobytes()[:HEAD]) is None


def test_random_bytes_are_no_container():
    rng = np.random.default_rng(0)
    found = [container_of(rng.bytes(HEAD)) for _ in range(200)]
    assert found == [None] * 200


def test_playlists_and_pages():
    assert is_playlist(b"\xef\xbb\xbf#EXTM3U\na.mp3")
    assert is_playlist(b"\n[Playlist]\nFile1=x")
    assert is_playlist(b'<?xml version="1.0"?><playlist xmlns="http://xspf.org/ns/0/">')
    assert not is_playlist(b'<?xml version="1.0"?><rss>')
    assert not is_playlist(b"OggS")
    assert is_web_page(b"\n<!DOCTYPE html><p>x")
    assert not is_web_page(b"ID3")
