"""Connections: what one attempt to read a source does. Streams and opening test them whole."""

import os
import threading
import time

import pytest
from stream_server import Request, encoded, serving, sweep

from pyplugin.errors import AudioError, StreamError
from pyplugin.inputs.connections import (
    CommandConnection,
    HttpConnection,
    PipeConnection,
    RtspConnection,
    connection_for,
)
from pyplugin.inputs.decoding import Piece, RawFormat


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("http://x.example/a", HttpConnection),
        ("HTTPS://x.example/a", HttpConnection),
        ("icy://x.example:8000", HttpConnection),
        ("rtsp://x.example/a", RtspConnection),
        ("cmd: cat x", CommandConnection),
    ],
)
def test_the_kind_follows_from_the_address(source, kind):
    assert type(connection_for(source)) is kind


def test_passwords_are_in_no_title():
    for source in ("http://me:secret@x.example/a", "rtsp://me:secret@x.example/a"):
        assert "secret" not in connection_for(source).title


def test_the_first_mirror_that_gives_audio_is_read():
    with serving() as server:
        good = server.file("/good.mp3", encoded(sweep(2, 22050), 22050, "mp3", "libmp3lame"))
        text = f"#EXTM3U\n{server.url('/gone')}\n{good}\n"
        connection = HttpConnection(server.file("/list", text.encode(), "audio/x-mpegurl"))
        pieces = [each for each in connection.pieces() if isinstance(each, Piece)]
    assert sum(each.samples.shape[1] for each in pieces) == pytest.approx(2 * 22050, rel=0.05)
    assert not connection.live


@pytest.mark.parametrize("kind", ["pipe", "command", "http"])
def test_an_interruption_ends_a_wait(kind):
    with serving() as server:
        server.handlers["/x"] = Request.hang
        reading, writing = os.pipe()
        connection = {
            "pipe": lambda: PipeConnection(reading, RawFormat()),
            "command": lambda: CommandConnection("sleep 60"),
            "http": lambda: HttpConnection(server.url("/x"), timeout=60),
        }[kind]()
        threading.Timer(0.3, connection.interrupt).start()
        begun = time.monotonic()
        with pytest.raises(AudioError):
            list(connection.pieces()) or _raise()
        assert time.monotonic() - begun < 10
        os.close(writing)
        os.close(reading)


def _raise() -> None:
    raise StreamError("It ended without audio.")


def test_an_rtsp_server_that_is_not_there():
    with pytest.raises(StreamError, match="refused"):
        list(RtspConnection("rtsp://127.0.0.1:9/x", timeout=2).pieces())
