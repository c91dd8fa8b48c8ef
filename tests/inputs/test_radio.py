"""Broadcasts as they are: Icecast, HLS and RTSP with a stall, a kill and a change of format.

Two minutes; PYPLUGIN_RADIO_MINUTES=10 for longer. Every second of the programme comes once, and
every gap is an event: the numbers of the tones count on, and audio and gaps together last as long
as the clock says.
"""

import gc
import itertools
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import radio

from pyplugin.inputs.opening import open_input

MINUTES = float(os.environ.get("PYPLUGIN_RADIO_MINUTES", "2"))
KEPT_RATE = 11025  # in Hz, of the sound that is kept, whose tones are below 3 kHz
LACKS = radio.missing()
pytestmark = pytest.mark.skipif(bool(LACKS), reason=f"needs {', '.join(LACKS)}")


class Listening(threading.Thread):
    """Reads a stream; keeps which tones came, gaps, formats and titles."""

    def __init__(self, url: str, seconds: float, **options: object) -> None:
        super().__init__(name=f"reading {url}")
        self.url, self.seconds, self.options = url, seconds, options
        self.events: list[tuple[float, str, str, int]] = []
        self.runs: list[tuple[list[int], float]] = []  # tones between events, and seconds
        self.formats: list[tuple[int, int]] = []
        self.total = self.gaps = 0.0
        self.first = self.last = 0.0

    def run(self) -> None:
        held: list[np.ndarray] = []

        def finish(rate: int) -> None:
            if held:
                samples = np.concatenate(held)
                kept = rate / (rate // KEPT_RATE)
                self.runs.append((radio.slots_of(samples, round(kept)), len(samples) / kept))
                held.clear()

        begun = time.monotonic()
        with open_input(self.url, **self.options) as stream:
            rate = stream.sample_rate
            while time.monotonic() < begun + self.seconds:
                block = stream.read(0.2)
                events = stream.events()
                if any(event.kind in ("gap", "format") for event in events):
                    finish(rate)
                for event in events:
                    at = time.monotonic() - begun
                    self.events.append((round(at, 1), event.kind, event.message, event.samples))
                    if event.kind == "gap":
                        self.gaps += event.samples / rate  # of the audio before it
                if block is None:
                    break
                if block.shape[1]:
                    rate = stream.sample_rate
                    if (rate, len(block)) not in self.formats[-1:]:
                        self.formats.append((rate, len(block)))
                    if not self.first:
                        self.first = time.monotonic()
                    self.last = time.monotonic()
                    step = rate // KEPT_RATE  # pure tones need no filter
                    kept = block[0, -round(self.total * rate) % step :: step]
                    held.append((127 * kept).astype(np.int8))
                    self.total += block.shape[1] / rate
            finish(rate)

    def kinds(self) -> list[str]:
        return [kind for _, kind, _, _ in self.events]

    def check(self, *, formats: list[tuple[int, int]], burst: float, restarts: int = 0) -> None:
        """Every tone once, in its order; audio and gaps last as long as the clock says.

        An encoder that begins the tones anew does so without an event that many times.
        """
        shown = "\n".join(map(str, self.events))
        assert self.formats == formats, shown
        for tones, seconds in self.runs:
            steps = [(b - a) % radio.SLOTS for a, b in itertools.pairwise(tones)]
            restarts -= sum(step != 1 for step in steps)
            assert restarts >= 0, (tones, shown)
            assert len(tones) == pytest.approx(seconds / radio.SLOT, abs=3), shown
        elapsed = self.last - self.first
        slack = 2.5 + 0.5 * self.kinds().count("reconnected")
        assert elapsed - slack <= self.total + self.gaps <= elapsed + burst + slack, (
            self.total,
            self.gaps,
            elapsed,
            shown,
        )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    seconds = radio.SLOTS * radio.SLOT
    return {
        "stereo": radio.write_timecode(tmp_path / "stereo.wav", seconds, 44100, 2),
        "long stereo": radio.write_timecode(tmp_path / "ls.wav", 60 * MINUTES, 44100, 2),
        "long mono": radio.write_timecode(tmp_path / "lm.wav", 60 * MINUTES, 22050, 1),
        "mono": radio.write_timecode(tmp_path / "mono.wav", seconds, 22050, 1),
    }


def in_turn(source: radio.Process, commands: list[list[str]], seconds: float) -> None:
    """Stall a source, kill it and start it again, then once more in another format."""
    share = seconds / 6
    time.sleep(share)
    source.stall(3.0)
    time.sleep(share)
    for command in commands:
        source.end()
        time.sleep(3.0)
        source.start(*command)
        time.sleep(share)


@pytest.mark.waits(60 * MINUTES)
def test_icecast_hls_and_rtsp(tmp_path, files):
    seconds = 60 * MINUTES - 10
    for name in ("hls", "rtsp", "main"):
        (tmp_path / name).mkdir()
    rtsp_port = radio.free_port()

    def rtsp(kind: str, rate: int, channels: int) -> list[str]:
        return radio.rtsp_server(rtsp_port, files[f"long {kind}"], rate, channels)

    with (
        radio.icecast() as port,
        radio.folder_server(tmp_path / "hls") as hls_port,
        radio.running(
            *radio.source(port, "/a.mp3", files["stereo"], name="Main"), folder=tmp_path / "main"
        ) as encoder,
        radio.running(*radio.segmenter(files["stereo"], 0), folder=tmp_path / "hls") as segmenter,
        radio.running(*rtsp("stereo", 44100, 2), folder=tmp_path / "rtsp") as server,
    ):
        radio.wait_for(rtsp_port)
        time.sleep(7)

        def listeners(seconds: float) -> list[Listening]:
            return [
                Listening(f"http://127.0.0.1:{port}/a.mp3", seconds, timeout=8.0),
                Listening(f"http://127.0.0.1:{hls_port}/live.m3u8", seconds, timeout=3.0),
                Listening(f"rtsp://127.0.0.1:{rtsp_port}/live", seconds, timeout=5.0),
            ]

        warm = listeners(6)  # what loads once is loaded
        for thread in warm:
            thread.start()
        for thread in warm:
            thread.join()
        before = measures()
        listening = listeners(seconds)
        plans = [
            (
                encoder,
                [
                    radio.source(port, "/a.mp3", files["stereo"], name="Main"),
                    radio.source(port, "/a.mp3", files["mono"], name="Main", bit_rate=48),
                ],
            ),
            (
                segmenter,
                [radio.segmenter(files["stereo"], 1), radio.segmenter(files["mono"], 2)],
            ),
            (server, [rtsp("stereo", 44100, 2), rtsp("mono", 22050, 1)]),
        ]
        threads = [*listening]
        threads += [threading.Thread(target=in_turn, args=(*plan, seconds)) for plan in plans]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = measures()
    for each in listening:
        print(each.url, round(each.total, 1), round(each.gaps, 1), each.formats)
        print("\n".join(map(str, each.events)))
    http, hls, rtsp_stream = listening
    http.check(formats=[(44100, 2), (22050, 1)], burst=4.5)
    hls.check(formats=[(44100, 2), (22050, 1)], burst=8, restarts=1)
    rtsp_stream.check(formats=[(44100, 2), (22050, 1)], burst=1)
    for each in (http, rtsp_stream):
        assert each.kinds().count("reconnected") >= 2
        assert "gap" in each.kinds()
    assert after[:2] == before[:2]  # file descriptors, threads
    assert after[2] - before[2] < 64 << 20


def measures() -> tuple[int, int, int]:
    gc.collect()
    time.sleep(0.5)
    files = len(list(Path("/proc/self/fd").iterdir()))
    return files, threading.active_count(), radio.resident()


@pytest.mark.waits(30)
def test_an_icecast_fallback(tmp_path, files):
    """The main source dies; listeners are moved to a spare one of another format, and back."""
    (tmp_path / "a").mkdir()
    with (
        radio.icecast() as port,
        radio.running(*radio.source(port, "/spare", files["mono"], bit_rate=48), folder=tmp_path),
        radio.running(*radio.source(port, "/main", files["stereo"]), folder=tmp_path / "a") as main,
    ):
        time.sleep(4)
        listening = Listening(f"http://127.0.0.1:{port}/main", 24)
        listening.start()
        time.sleep(6)
        main.end()
        time.sleep(7)
        main.start()
        listening.join()
    assert listening.formats == [(44100, 2), (22050, 1), (44100, 2)]
    assert "disconnected" not in listening.kinds()
    assert listening.total + listening.gaps == pytest.approx(24, abs=8)


@pytest.mark.waits(30)
def test_chained_ogg_of_liquidsoap_with_its_titles(tmp_path, files):
    songs = []
    for number in range(6):
        path = radio.write_timecode(tmp_path / f"{number}.wav", 4, 44100, 2)
        songs.append((path, f"Song {number}"))
    with radio.icecast() as port:
        program = tmp_path / "a.liq"
        program.write_text(radio.liquidsoap(port, "/l.ogg", songs))
        with radio.running("liquidsoap", program, folder=tmp_path):
            end = time.monotonic() + 40
            listening = Listening(f"http://127.0.0.1:{port}/l.ogg", 16)
            while time.monotonic() < end:
                stream = open_input(listening.url, retry=False)
                try:
                    stream.wait(5)
                    break
                except Exception:
                    time.sleep(0.5)
                finally:
                    stream.close()
            listening.start()
            listening.join()
    titles = [message for _, kind, message, _ in listening.events if kind == "title"]
    assert len(titles) >= 3
    numbers = [int(title.rsplit(" ", 1)[1]) for title in titles]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert titles[0].startswith("Title: A - Song ")
    assert listening.total == pytest.approx(16, abs=5)
