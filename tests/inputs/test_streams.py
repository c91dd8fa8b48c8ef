"""Live streams: every second of sound once, every gap an event, whatever a server does."""

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import noise
from stream_server import Request, StreamServer, encoded, icy, serving, sweep

from pyplugin.errors import AudioError
from pyplugin.inputs import streams
from pyplugin.inputs.connections import HttpConnection
from pyplugin.inputs.decoding import Piece
from pyplugin.inputs.input import Event
from pyplugin.inputs.streams import StreamInput

RATE = 22050
BYTES = 8000  # a second of MP3 at 64 kbit/s


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch):
    monkeypatch.setattr(streams, "PAUSES", (0.1, 0.2, 0.4))


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def programme() -> np.ndarray:
    return sweep(30, RATE)


@pytest.fixture(scope="module")
def broadcast(programme) -> bytes:
    return encoded(programme, RATE, "mp3", "libmp3lame", bit_rate=64000)


def collect(
    stream: StreamInput, seconds: float, until: Callable[[list[Event]], bool] = lambda events: False
) -> tuple[list[np.ndarray], list[tuple[Event, int]]]:
    """Return blocks, and events with the samples that came before each."""
    blocks: list[np.ndarray] = []
    events: list[tuple[Event, int]] = []
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end and not until([event for event, _ in events]):
        block = stream.read(0.05)
        events += [(event, count) for event in stream.events()]
        if block is None:
            break
        if block.shape[1]:
            blocks.append(block)
            count += block.shape[1]
    return blocks, events


def kinds(events: list[tuple[Event, int]]) -> list[str]:
    return [event.kind for event, _ in events]


class Station:
    """An MP3 broadcast in real time that listeners join with a burst, and that may drop them."""

    def __init__(self, server: StreamServer, data: bytes, *, burst: float = 2.0) -> None:
        self.data, self.burst = data, burst
        self.begun = time.monotonic()
        self.dropped: list[float] = []  # seconds of the broadcast at which everybody is dropped
        self.silent: tuple[float, float] = (0.0, 0.0)  # between these new listeners are refused
        server.handlers["/live"] = self.serve
        self.url = server.url("/live")

    def now(self) -> float:
        return time.monotonic() - self.begun

    def serve(self, request: Request) -> None:
        now = self.now()
        if self.silent[0] <= now < self.silent[1]:
            request.answer("HTTP/1.1 404 Not Found", Content_Length=0)
            return
        request.answer(Content_Type="audio/mpeg", icy_name="Station")
        end = next((at for at in self.dropped if at > now), len(self.data) / BYTES)
        start = max(0, int((now - self.burst) * BYTES))
        sent = start
        while not request.server.stopped.is_set() and self.now() < end:
            due = min(int(self.now() * BYTES), len(self.data))
            if due > sent:
                request.send(self.data[sent:due])
                sent = due
            time.sleep(0.02)


def position(block: np.ndarray, programme: np.ndarray) -> int:
    """Return where in the programme a block begins."""
    piece = block[0, : RATE // 4].astype(np.float64)
    return int(np.argmax(np.correlate(programme[0], piece, "valid")))


def test_a_reconnection_repeats_nothing(server, broadcast, programme):
    station = Station(server, broadcast)
    station.begun -= 2.5
    station.dropped = [4.0, 5.5]
    with StreamInput(HttpConnection(station.url)) as stream:
        stream.wait()
        assert (stream.title, stream.sample_rate, stream.channels) == ("Station", RATE, 1)
        blocks, events = collect(stream, 6.0)
    audio = np.concatenate(blocks, axis=1)
    assert kinds(events) == ["disconnected", "reconnected"] * 2
    start = position(audio[:, RATE // 2 :], programme) - RATE // 2
    expected = programme[0, start : start + audio.shape[1]]
    for at in range(RATE // 2, len(expected) - RATE // 4, RATE // 8):
        part = slice(at, at + RATE // 8)
        assert np.corrcoef(audio[0, part], expected[part])[0, 1] > 0.9, at / RATE


def test_an_outage_is_a_gap_of_its_length(server, broadcast, programme):
    station = Station(server, broadcast, burst=0.3)
    station.begun -= 1.0
    station.dropped = [2.5]
    station.silent = (2.5, 5.0)
    with StreamInput(HttpConnection(station.url)) as stream:
        blocks, events = collect(stream, 7.0)
    gaps = [(event, at) for event, at in events if event.kind == "gap"]
    assert len(gaps) == 1
    gap, at = gaps[0]
    audio = np.concatenate(blocks, axis=1)
    before = position(audio[:, at - RATE :], programme) + RATE
    after = position(audio[:, at + RATE // 4 :], programme) - RATE // 4
    assert (after - before) / RATE == pytest.approx(gap.samples / RATE, abs=0.35)
    assert 1.5 < gap.samples / RATE < 4
    assert set(kinds(events)) == {"disconnected", "reconnected", "gap"}
    assert any("404" in event.message for event, _ in events)


def test_titles_come_in_their_order(server, broadcast):
    data = icy(broadcast[: 6 * BYTES], BYTES, {0: b"A - B", 1: b"", 2: "Jóga".encode("cp1252")})

    def handler(request: Request) -> None:
        request.answer(Content_Type="audio/mpeg", icy_metaint=BYTES)
        request.send(data)

    server.handlers["/x"] = handler
    with StreamInput(HttpConnection(server.url("/x")), retry=False) as stream:
        _, events = collect(stream, 10)
    titles = [(event.title, at / RATE) for event, at in events if event.kind == "title"]
    assert [title for title, _ in titles] == ["A - B", "", "Jóga"]
    assert [at for _, at in titles] == pytest.approx(
        [1, 2, 3], abs=1.05
    )  # the first second is looked at


def test_format_changes_are_events_before_their_audio(server):
    parts = [(44100, 2), (22050, 1), (44100, 2)]
    data = b"".join(
        encoded(sweep(2, rate, count), rate, "mp3", "libmp3lame") for rate, count in parts
    )
    url = server.file("/x.mp3", data)
    found = []
    with StreamInput(HttpConnection(url), retry=False) as stream:
        while (block := stream.read(1.0)) is not None:
            events = [event.kind for event in stream.events()]
            if block.shape[1] and (not found or found[-1][:2] != (stream.sample_rate, len(block))):
                found.append((stream.sample_rate, len(block), "format" in events))
        ended = [event.kind for event in stream.events()]
    assert found == [(44100, 2, False), (22050, 1, True), (44100, 2, True)]
    assert ended == ["ended"]
    assert stream.failure is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("refused", "connection refused"),
        ("missing", "answers 404"),
        ("full", "answers 503"),
        ("circle", "in a circle"),
        ("file", "not HTTP"),
        ("page", "web page"),
        ("silent", "nothing arrived for 0.3 s"),
        ("noise", "cannot be decoded"),
        ("empty", "before its first byte"),
        ("video", "no audio track"),
        ("nested", "playlists name playlists"),
        ("nothing", "names no recording"),
        ("drop", "bytes short"),
    ],
)
def test_what_never_gives_audio(server, broadcast, kind, words):
    """One sentence, attempts with growing pauses, no exception; ``wait`` raises the sentence."""
    url = {"refused": "http://127.0.0.1:9/x"}.get(kind, server.url("/x"))
    server.handlers["/x"] = {
        "full": lambda r: r.answer("HTTP/1.1 503 Full", Content_Length=0),
        "circle": lambda r: r.answer("HTTP/1.1 302 Found", Location="/x"),
        "file": lambda r: r.answer("HTTP/1.1 302 Found", Location="file:///etc/passwd"),
        "page": lambda r: (r.answer(Content_Type="text/html"), r.send(b"<html>x</html>")),
        "silent": Request.hang,
        "noise": lambda r: (r.answer(Content_Type="audio/mpeg"), r.send(bytes(40000))),
        "empty": lambda r: r.answer(Content_Type="audio/mpeg"),
        "video": lambda r: (r.answer(), r.send(silent_film())),
        "nested": lambda r: (r.answer(Content_Type="audio/x-mpegurl"), r.send(b"#EXTM3U\n/x")),
        "nothing": lambda r: (r.answer(Content_Type="audio/x-scpls"), r.send(b"[playlist]\n")),
        "drop": lambda r: r.answer("HTTP/1.1 200 OK", Content_Length=999),
    }.get(kind, server.handlers.get("/none"))
    if server.handlers["/x"] is None:
        del server.handlers["/x"]
    with StreamInput(HttpConnection(url, timeout=0.3)) as stream:
        with pytest.raises(AudioError, match=words):
            stream.wait()
        _, events = collect(stream, 8, lambda events: len(events) >= 3)
    assert kinds(events)[:3] == ["disconnected"] * 3
    assert words in events[0][0].message


def silent_film() -> bytes:
    import io

    import av

    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        output.mux(stream.encode(None))
    return file.getvalue()


def test_a_half_open_connection_is_noticed(server, broadcast):
    def handler(request: Request) -> None:
        request.answer(Content_Type="audio/mpeg")
        request.send(broadcast[: 2 * BYTES])
        request.hang()

    server.handlers["/x"] = handler
    with StreamInput(HttpConnection(server.url("/x"), timeout=0.4)) as stream:
        begun = time.monotonic()
        _, events = collect(stream, 8, lambda events: bool(events))
    assert time.monotonic() - begun < 3
    assert "nothing arrived for 0.4 s" in events[0][0].message


def test_a_stream_that_is_too_slow_is_reported(server, broadcast, monkeypatch):
    monkeypatch.setattr(streams, "_JUDGED", 1.0)
    server.handlers["/x"] = lambda r: (r.answer(Content_Type="audio/mpeg"), r.pace(broadcast, 1000))
    with StreamInput(HttpConnection(server.url("/x"))) as stream:
        _, events = collect(stream, 20, lambda events: bool(events))
    assert "The stream is too slow" in events[0][0].message


def test_pauses_grow_and_begin_anew_once_audio_flows(server, broadcast, monkeypatch):
    monkeypatch.setattr(streams, "_FLOWS", 0.5)
    times: list[float] = []
    fails = [True, True, True, False, True, True]

    def handler(request: Request) -> None:
        times.append(time.monotonic())
        if fails[min(len(times) - 1, 5)]:
            request.answer("HTTP/1.1 503 Full", Content_Length=0)
        else:
            request.answer(Content_Type="audio/mpeg")
            request.pace(broadcast[: 2 * BYTES], BYTES, burst=BYTES)

    server.handlers["/x"] = handler
    with StreamInput(HttpConnection(server.url("/x"))) as stream:
        collect(stream, 15, lambda events: len(times) >= 6)
    pauses = np.diff(times)
    for pause, expected in zip(pauses[[0, 1, 2, 4]], [0.1, 0.2, 0.4, 0.2], strict=True):
        assert 0.75 * expected <= pause <= 1.3 * expected + 0.25


def test_memory_is_bounded_by_a_reader_that_does_not_read(server, broadcast, monkeypatch):
    monkeypatch.setattr(streams, "_QUEUE", 3.0)
    server.handlers["/x"] = lambda r: (
        r.answer(Content_Type="audio/mpeg"),
        [r.send(broadcast) for _ in range(40)],
    )
    with StreamInput(HttpConnection(server.url("/x"))) as stream:
        stream.wait()
        time.sleep(1.0)
        queued = sum(each.samples.shape[1] for each in stream._queue if not isinstance(each, Event))
    assert queued / RATE < 4


def test_nothing_is_left_behind(server, broadcast):
    """File descriptors and threads after many connections are those before."""
    station = Station(server, broadcast)
    station.begun -= 5

    def round_trip() -> None:
        stream = StreamInput(HttpConnection(station.url))
        stream.wait()
        stream.read(0.1)
        stream.close()
        stream.close()
        assert stream.read(0.1) is None

    def open_files() -> int:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    round_trip()
    time.sleep(0.3)
    before = open_files(), threading.active_count()
    for _ in range(10):
        round_trip()
    time.sleep(0.5)
    assert open_files() <= before[0]
    assert threading.active_count() <= before[1]


def test_closing_does_not_wait_for_the_network(server):
    server.handlers["/x"] = Request.hang
    stream = StreamInput(HttpConnection(server.url("/x"), timeout=60))
    time.sleep(0.3)
    begun = time.monotonic()
    stream.close()
    assert time.monotonic() - begun < 5


def test_a_gap_before_another_format_counts_samples_of_the_format_before(server):
    """Three seconds without the station, which then comes back at half the rate."""
    parts = [(44100, 2), (22050, 1)]
    files = [
        encoded(sweep(3, rate, count), rate, "mp3", "libmp3lame", bit_rate=64000)
        for rate, count in parts
    ]
    begun: list[float] = []

    def handler(request: Request) -> None:
        if begun and time.monotonic() < begun[0] + 5:
            request.answer("HTTP/1.1 503 Full", Content_Length=0)
            return
        data = files[min(len(begun), 1)]
        begun.append(time.monotonic())
        request.answer(Content_Type="audio/mpeg")
        request.pace(data[: 2 * BYTES], BYTES, burst=8192)

    server.handlers["/x"] = handler
    with StreamInput(HttpConnection(server.url("/x"))) as stream:
        rate, gaps, total = 44100, 0.0, 0.0
        first = last = 0.0
        end = time.monotonic() + 15
        while time.monotonic() < end and stream.channels == 2:
            block = stream.read(0.1)
            for event in stream.events():
                gaps += event.samples / rate
            if block is not None and block.shape[1]:
                last = time.monotonic()
                first = first or last
                total += block.shape[1] / stream.sample_rate
                rate = stream.sample_rate
    assert rate == 22050
    assert total + gaps == pytest.approx(last - first, abs=1.5)
    assert gaps > 2


class Dripping:
    """A connection from which a piece of 25 ms comes every 25 ms, with a title in the middle."""

    title, live, retries, continues = "dripping", True, False, False

    def __init__(self, samples: np.ndarray, *, buffered: bool) -> None:
        self.samples, self.buffered = samples, buffered

    def pieces(self):
        for start in range(0, self.samples.shape[1], 200):
            time.sleep(0.025)
            yield Piece(self.samples[:, start : start + 200], 8000)
            if start == 4000:
                yield Event("title", "Title: x", title="x")

    def interrupt(self) -> None:
        pass


@pytest.mark.parametrize("buffered", [True, False])
def test_what_is_gathered_is_complete_and_in_fewer_parts(buffered):
    samples = noise(2, 9000)
    blocks, titles = [], []
    with StreamInput(Dripping(samples, buffered=buffered), retry=False, gather=0.3) as stream:
        while (block := stream.read(5.0)) is not None:
            titles += [sum(each.shape[1] for each in blocks) for each in stream.events()]
            blocks.append(block)
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), samples)
    assert titles[0] == 4200, "a title before the audio that follows it"
    lengths = [block.shape[1] for block in blocks]
    assert (lengths[0] >= 2400) == buffered
    assert (len(blocks) <= 6) == buffered
