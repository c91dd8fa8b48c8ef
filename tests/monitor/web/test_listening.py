"""A station's stream, passed on: a playlist is followed, what a browser cannot play is refused."""

import http.client
import time

import numpy as np
import pytest
from frames import until
from made_up_radio import MadeUpRadio
from stream_server import encoded, serving

from pyplugin.errors import AudioError
from pyplugin.monitor.web import listening
from pyplugin.monitor.web.listening import Broadcast, Relay


@pytest.fixture(scope="module")
def sound():
    random = np.random.default_rng(1)
    return encoded(0.1 * random.standard_normal((1, 10 * 22050)), 22050, "mp3", "libmp3lame")


@pytest.fixture
def source(sound):
    with serving() as server:

        def live(request):
            request.answer(Content_Type="audio/mpeg", icy_name="Test FM")
            request.pace(sound, 16_000, 16_000)

        def playlist(request):
            request.answer(Content_Type="audio/x-mpegurl")
            request.send(server.url("/live.mp3").encode() + b"\n")

        def hls(request):
            request.answer(Content_Type="application/vnd.apple.mpegurl")
            request.send(b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n")

        def page(request):
            request.answer(Content_Type="text/html")
            request.send(b"<h1>Moved</h1>")

        server.handlers |= {"/live.mp3": live, "/list.m3u": playlist, "/a.m3u8": hls, "/page": page}
        yield server


@pytest.mark.parametrize("path", ["/live.mp3", "/list.m3u"])
def test_a_stream_is_passed_on_as_it_is(source, sound, path):
    broadcast = Broadcast(source.url(path))
    assert broadcast.media_type == "audio/mpeg"
    got = b""
    while len(got) < 10_000:
        got += broadcast.read()
    assert sound.startswith(got)
    broadcast.close()


@pytest.mark.parametrize("path", ["/a.m3u8", "/page", "/missing"])
def test_what_a_browser_cannot_play_is_refused_with_a_sentence(source, path):
    with pytest.raises(AudioError, match=r"127\.0\.0\.1.*\."):
        Broadcast(source.url(path))


@pytest.mark.parametrize("address", ["", "rtsp://radio.example/live", "file:///etc/passwd"])
def test_other_addresses_are_refused(address):
    with pytest.raises(AudioError):
        Relay().open(address)


def test_streams_are_few_and_end_with_their_listener_and_the_server(
    source, tmp_path, serving_radio, monkeypatch
):
    monkeypatch.setattr(listening, "_MOST", 1)

    class Audible(MadeUpRadio):
        def address(self, station):
            return source.url("/live.mp3") if station == "test-fm" else ""

    radio = Audible(tmp_path, {"Test FM": "any"}, days=0)
    server = serving_radio(radio)

    def listen(station="test-fm"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", f"/api/v1/stations/{station}/audio")
        return connection, connection.getresponse()

    first, response = listen()
    assert (response.status, response.headers["content-type"]) == (200, "audio/mpeg")
    assert response.read(1000)
    second, refused = listen()
    assert refused.status == 502
    assert b"listened to already" in refused.read()
    other, refused = listen("other")
    assert refused.status == 502
    other.close()
    response.close()
    first.close()
    second.close()
    assert until(lambda: not server._relay._open)
    third, response = listen()
    assert response.read(1000)
    began = time.monotonic()
    server.stop()
    assert not server.alive
    assert time.monotonic() - began < 10
    third.close()
    radio.close()
