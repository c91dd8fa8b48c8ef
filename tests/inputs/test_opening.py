"""One function for every source of live audio."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from stream_server import encoded, serving, sweep

from pyplugin.errors import AudioError
from pyplugin.inputs.decoding import RawFormat
from pyplugin.inputs.opening import is_stream, open_input

RATE = 22050


def seconds(source, **options) -> tuple[float, int]:
    total, rate = 0, 0
    with open_input(source, retry=False, **options) as stream:
        stream.wait()
        while (block := stream.read(5.0)) is not None:
            total += block.shape[1]
            rate = stream.sample_rate
        assert stream.failure is None
    return total / rate, rate


@pytest.fixture(scope="module")
def mp3() -> bytes:
    return encoded(sweep(3, RATE), RATE, "mp3", "libmp3lame")


def test_a_url_and_playlists_that_lead_to_it(mp3, tmp_path):
    with serving() as server:
        url = server.file("/a.mp3", mp3)
        server.file("/list", f"[playlist]\nFile1={url}\n".encode(), "audio/x-scpls")
        (tmp_path / "station.m3u").write_text(url)
        for source in (url, server.url("/list"), str(tmp_path / "station.m3u")):
            assert seconds(source) == (pytest.approx(3, abs=0.1), RATE)


def test_a_command_that_writes_a_container_and_one_that_writes_samples(mp3, tmp_path):
    (tmp_path / "a.mp3").write_bytes(mp3)
    assert seconds(f"cmd: cat '{tmp_path / 'a.mp3'}'") == (pytest.approx(3, abs=0.1), RATE)
    raw = RawFormat(8000, 1, "s16le")
    assert seconds("cmd: head -c 32000 /dev/zero", raw=raw) == (2.0, 8000)


@pytest.mark.parametrize(
    "command", ["cmd: sh -c 'echo no signal >&2; exit 3'", "cmd: no-such-tool"]
)
def test_a_command_that_fails_says_why(command):
    with open_input(command, retry=False) as stream, pytest.raises(AudioError) as raised:
        stream.wait()
    assert "no signal" in str(raised.value) or "cannot be run" in str(raised.value)


def test_a_command_ends_with_its_children():
    length = f"{10**6 + os.getpid()}"  # a child that no other test has
    with open_input(f"cmd: sh -c 'sleep {length} & cat /dev/zero'") as stream:
        stream.wait()
        assert np.all(stream.read(5.0) == 0)
        end = time.monotonic() + 10
        while not children(length) and time.monotonic() < end:
            time.sleep(0.05)
        assert children(length)
    assert not children(length)


def children(length: str) -> list[str]:
    """Return the processes that sleep so long."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", length.encode()]:
            found.append(path.parent.name)
    return found


def test_a_fifo(mp3, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(mp3,))
    writer.start()
    assert is_stream(str(path))
    assert seconds(str(path)) == (pytest.approx(3, abs=0.1), RATE)
    writer.join()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("ftp://x.example/a", "http, https, rtsp and rtsps"),
        ("file:///etc/passwd", "http, https, rtsp and rtsps"),
        ("cmd:", "is empty"),
        ("cmd: 'unclosed", "cannot be read"),
        ("missing", "There is no"),
        ("song.wav", "is a file"),
    ],
)
def test_what_cannot_be_opened(source, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.wav").touch()
    with pytest.raises(AudioError, match=words):
        open_input(source)


def test_files_are_no_streams(tmp_path):
    (tmp_path / "song.wav").touch()
    assert not is_stream(str(tmp_path / "song.wav"))
    assert all(map(is_stream, ("-", "cmd: x", "http://x.example", "a.m3u")))
