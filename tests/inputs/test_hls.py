"""HTTP Live Streaming: segments as they appear, each once."""

import threading

import numpy as np
import pytest
from stream_server import Request, StreamServer, encoded, serving, sweep

from pyplugin.errors import AudioError, StreamError
from pyplugin.inputs.decoding import Piece
from pyplugin.inputs.hls import HlsReader
from pyplugin.inputs.http import HttpResource
from pyplugin.inputs.input import Event

RATE = 44100
SECONDS = 1.0


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def segments() -> list[bytes]:
    """Eight segments of MPEG-TS, each of 1 s; their joint content is one sweep."""
    whole = sweep(8, RATE)
    cut = [whole[:, int(n * RATE) : int((n + 1) * RATE)] for n in range(8)]
    return [encoded(part, RATE, "mpegts", "aac") for part in cut]


def playlist(numbers: range, *, end: bool = False, extra: dict[int, str] | None = None) -> bytes:
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1"]
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{numbers.start}")
    for number in numbers:
        lines += [(extra or {}).get(number, ""), f"#EXTINF:{SECONDS},", f"{number}.ts"]
    return "\n".join([*filter(None, lines), *(["#EXT-X-ENDLIST"] if end else [])]).encode()


def serve(server: StreamServer, segments: list[bytes], playlists: list[bytes]) -> str:
    """Serve segments, and one playlist after the other, the last again and again."""
    for number, data in enumerate(segments):
        server.file(f"/{number}.ts", data, "video/mp2t")
    left = list(playlists)

    def handler(request: Request) -> None:
        data = left.pop(0) if len(left) > 1 else left[0]
        request.answer(Content_Type="application/vnd.apple.mpegurl", Content_Length=len(data))
        request.send(data)

    server.handlers["/live.m3u8"] = handler
    return server.url("/live.m3u8")


def reader(url: str, *, waits: int = 100, timeout: float = 0.2) -> HlsReader:
    left = [waits]

    def wait(seconds: float) -> bool:
        left[0] -= 1
        return threading.Event().wait(0.01) or left[0] < 0

    return HlsReader(
        url, lambda url, headers=None: HttpResource(url, headers=headers), wait, timeout=timeout
    )


def split(items) -> tuple[float, list[Event]]:
    """Return the seconds of audio, and the events."""
    items = list(items)
    pieces = [item for item in items if isinstance(item, Piece)]
    seconds = sum(piece.samples.shape[1] / piece.sample_rate for piece in pieces)
    return seconds, [item for item in items if isinstance(item, Event)]


PAD = 0.06  # seconds that a segment of its own encoder has in front


def test_a_recording(server, segments):
    url = serve(server, segments, [playlist(range(8), end=True)])
    hls = reader(url)
    seconds, events = split(hls.pieces())
    assert seconds == pytest.approx(8, abs=8 * PAD)
    assert events == []
    assert not hls.live
    assert [path for path, _ in server.requests if path.endswith(".ts")] == [
        f"/{n}.ts" for n in range(8)
    ]


def test_a_broadcast_begins_three_segments_before_its_end_and_reads_each_once(server, segments):
    lists = [playlist(range(0, 5)), playlist(range(1, 6)), playlist(range(1, 6))]
    url = serve(server, segments, [*lists, playlist(range(3, 8)), playlist(range(3, 8), end=True)])
    seconds, events = split(reader(url).pieces())
    assert [path for path, _ in server.requests if path.endswith(".ts")] == [
        f"/{n}.ts" for n in range(2, 8)
    ]
    assert seconds == pytest.approx(6, abs=6 * PAD)
    assert events == []


def test_segments_that_expired_are_a_gap(server, segments):
    url = serve(server, segments, [playlist(range(0, 3)), playlist(range(5, 8), end=True)])
    seconds, events = split(reader(url).pieces())
    assert [event.kind for event in events] == ["gap"]
    assert events[0].samples == 2 * RATE
    assert seconds == pytest.approx(6, abs=6 * PAD)


def test_a_segment_that_is_missing_is_a_gap(server, segments):
    url = serve(server, segments, [playlist(range(0, 6), end=True)])
    del server.handlers["/3.ts"]
    seconds, events = split(reader(url).pieces())
    assert [(event.kind, event.samples) for event in events] == [("gap", RATE)]
    assert seconds == pytest.approx(5, abs=5 * PAD)


def test_a_segment_that_fails_once_is_read_again(server, segments):
    url = serve(server, segments, [playlist(range(0, 4), end=True)])
    whole, tries = server.handlers["/2.ts"], []

    def flaky(request: Request) -> None:
        tries.append(1)
        if len(tries) == 1:
            request.answer("HTTP/1.1 200 OK", Content_Length=len(segments[2]))
            request.send(segments[2][:500])
        else:
            whole(request)

    server.handlers["/2.ts"] = flaky
    seconds, events = split(reader(url).pieces())
    assert (len(tries), events) == (2, [])
    assert seconds == pytest.approx(4, abs=4 * PAD)


def test_another_format_behind_a_discontinuity(server, segments):
    other = encoded(sweep(1, 48000, 2), 48000, "mpegts", "aac")
    url = serve(
        server,
        [*segments[:2], other],
        [playlist(range(0, 3), end=True, extra={2: "#EXT-X-DISCONTINUITY"})],
    )
    pieces = [item for item in reader(url).pieces() if isinstance(item, Piece)]
    formats = list(dict.fromkeys((piece.sample_rate, len(piece.samples)) for piece in pieces))
    assert formats == [(RATE, 1), (48000, 2)]


def test_an_encoder_that_is_gone(server, segments):
    url = serve(server, segments, [playlist(range(0, 3))])
    hls = reader(url, timeout=-2.9)
    items = hls.pieces()
    with pytest.raises(StreamError, match="no new segment for"):
        split(items)
    assert hls.continues


def test_another_attempt_goes_on_where_the_last_one_ended(server, segments):
    url = serve(server, segments, [playlist(range(0, 4)), playlist(range(0, 4))])
    hls = reader(url, timeout=-2.9)
    with pytest.raises(StreamError):
        split(hls.pieces())
    serve(server, segments, [playlist(range(2, 7), end=True)])
    server.requests.clear()
    seconds, events = split(hls.pieces())
    assert [path for path, _ in server.requests if path.endswith(".ts")] == [
        f"/{n}.ts" for n in range(4, 7)
    ]
    assert events == []
    assert seconds == pytest.approx(3, abs=3 * PAD)


def test_a_playlist_that_begins_anew_is_another_broadcast(server, segments):
    url = serve(server, segments, [playlist(range(4, 8)), playlist(range(0, 2))])
    hls = reader(url)
    with pytest.raises(StreamError, match="began anew"):
        split(hls.pieces())
    assert not hls.continues


def test_the_audio_of_a_master_playlist(server, segments):
    media = serve(server, segments, [playlist(range(0, 2), end=True)])
    master = (
        "#EXTM3U\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS="avc1.4d,mp4a.40.2"\nno.m3u8\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"\nlow.m3u8\n'
        f'#EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS="mp4a.40.2"\n{media}\n'
    )
    url = server.file("/master.m3u8", master.encode(), "application/x-mpegurl")
    seconds, _ = split(reader(url).pieces())
    assert seconds == pytest.approx(2, abs=2 * PAD)


def test_titles_of_segments(server, segments):
    text = playlist(range(0, 3), end=True).replace(b"#EXTINF:1.0,", b"#EXTINF:1.0,A - B")
    url = serve(server, segments, [text])
    _, events = split(reader(url).pieces())
    assert [event.title for event in events] == ["A - B"]


def test_byte_ranges(server):
    whole = encoded(sweep(3, RATE), RATE, "mp4", "aac")  # not fragmented: read as one range
    text = (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n"
        f"#EXTINF:3.0,\n#EXT-X-BYTERANGE:{len(whole)}@4\na.mp4\n#EXT-X-ENDLIST\n"
    )

    def ranged(request: Request) -> None:
        assert request.headers["range"] == f"bytes=4-{len(whole) + 3}"
        request.answer("HTTP/1.1 206 Partial Content", Content_Length=len(whole))
        request.send(whole)

    server.handlers["/a.mp4"] = ranged
    url = server.file("/r.m3u8", text.encode(), "application/x-mpegurl")
    with pytest.raises(AudioError, match="cannot be decoded"):  # its index is at the end
        split(reader(url).pieces())
    assert "/a.mp4" in [path for path, _ in server.requests]


def test_ranges_of_one_file_without_offsets_follow_each_other(server, segments):
    whole = b"".join(segments[:3])
    lengths = [len(each) for each in segments[:3]]
    lines = ["#EXTM3U", "#EXT-X-VERSION:4", "#EXT-X-TARGETDURATION:1"]
    for number, length in enumerate(lengths):
        offset = "@0" if number == 0 else ""
        lines += [f"#EXT-X-BYTERANGE:{length}{offset}", "#EXTINF:1.0,", "all.ts"]

    def ranged(request: Request) -> None:
        start, end = map(int, request.headers["range"].removeprefix("bytes=").split("-"))
        request.answer("HTTP/1.1 206 Partial Content", Content_Length=end + 1 - start)
        request.send(whole[start : end + 1])

    server.handlers["/all.ts"] = ranged
    text = "\n".join([*lines, "#EXT-X-ENDLIST"]).encode()
    seconds, events = split(reader(server.file("/r.m3u8", text, "application/x-mpegurl")).pieces())
    assert seconds == pytest.approx(3, abs=3 * PAD)
    assert events == []
    starts = [int(headers["range"][6:].split("-")[0]) for path, headers in server.requests[1:]]
    assert starts == [0, lengths[0], lengths[0] + lengths[1]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"<html>", "no HLS playlist"),
        (
            b'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n'
            b"#EXTINF:1,\n0.ts\n#EXT-X-ENDLIST",
            "encrypted",
        ),
    ],
)
def test_what_is_refused(server, segments, text, words):
    url = serve(server, segments, [text])
    with pytest.raises(StreamError, match=words):
        split(reader(url).pieces())


def test_the_audio_is_that_of_the_segments(server, segments):
    url = serve(server, segments, [playlist(range(0, 2), end=True)])
    pieces = [item.samples for item in reader(url).pieces() if isinstance(item, Piece)]
    found = np.concatenate(pieces, axis=1)[0]
    expected = sweep(8, RATE)[0][: RATE // 2]
    correlation = np.correlate(found[:RATE], expected, "valid")
    at = int(np.argmax(correlation))
    same = found[at : at + len(expected)]
    assert np.corrcoef(same, expected)[0, 1] > 0.97
