"""A station that is away for long: nothing is left over, and it is back in any format.

PYPLUGIN_RECONNECTIONS=20000 counts what each connection leaves in memory, by hand.
"""

import contextlib
import gc
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from frames import until
from stream_server import encoded, serving

from pyplugin.inputs import streams
from pyplugin.inputs.connections import HttpConnection
from pyplugin.inputs.streams import StreamInput
from pyplugin.monitor.config import parse_config
from pyplugin.monitor.service import Service
from pyplugin.monitor.storage import Log

ROUNDS = 100
CONNECTIONS = int(os.environ.get("PYPLUGIN_RECONNECTIONS", "0"))


@contextlib.contextmanager
def monitored(folder, url):
    text = (
        f'[monitor]\ndata = "{folder}"\n[[station]]\nname = "FM"\nurl = "{url}"\ntimeout = "5s"\n'
    )
    service = Service(parse_config(text))
    service.start()
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        yield lambda: service.status()[0]
    finally:
        service.stop()
        thread.join()
        service.close()


def left():
    """How many file descriptors, threads and children this process has."""
    gc.collect()
    tasks = Path("/proc/self/task").iterdir()
    children = [(task / "children").read_text().split() for task in tasks if task.exists()]
    files = len(list(Path("/proc/self/fd").iterdir()))
    return files, threading.active_count(), sum(map(len, children))


def no_more_than(before):
    return lambda: all(now <= then for now, then in zip(left(), before, strict=True))


@pytest.mark.waits(20)
def test_a_station_that_was_away_comes_back_in_another_format(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "PAUSES", (0.01,))
    random = np.random.default_rng(1)
    stereo = encoded(0.1 * random.standard_normal((2, 40 * 44100)), 44100, "mp3", "libmp3lame")
    mono = encoded(0.1 * random.standard_normal((1, 20 * 48000)), 48000, "ogg", "libopus")
    attempts, away, back = [], threading.Event(), threading.Event()

    def station(request):
        attempts.append(request.path)
        if len(attempts) == 1:
            request.answer(Content_Type="audio/mpeg")
            request.send(stereo[:16_000])
            for start in range(16_000, len(stereo), 800):  # as fast as it plays
                if away.wait(0.1):
                    break
                request.send(stereo[start : start + 800])
        elif not back.is_set():
            request.answer("HTTP/1.1 404 Not Found", Content_Length=0)
        else:
            request.answer(Content_Type="audio/ogg")
            request.pace(mono, 8000, 8000)

    with serving() as server:
        server.handlers["/live"] = station
        with monitored(tmp_path, server.url("/live")) as status:
            assert until(lambda: "signal.rms_db" in status()["values"], 20)
            before = left()
            away.set()
            assert until(lambda: len(attempts) > ROUNDS, 30)
            assert status()["down"]
            back.set()
            assert until(lambda: not status()["down"] and status()["seconds_since_audio"] < 1, 15)
            assert until(no_more_than(before), 10), (before, left())
    with Log(tmp_path) as log:
        events = [(row["kind"], row["message"]) for row in log.events(0, 10**14, "FM")]
    assert sum(kind == "disconnected" for kind, _ in events) >= ROUNDS
    assert ("format", "Now 48000 Hz, 1 channel.") in events


@pytest.mark.skipif(not CONNECTIONS, reason="counted by hand: PYPLUGIN_RECONNECTIONS")
@pytest.mark.parametrize("answers", [False, True])
def test_what_a_connection_leaves_in_memory(answers, monkeypatch):
    monkeypatch.setattr(streams, "PAUSES", (0.0,))
    sound = encoded(
        0.1 * np.random.default_rng(1).standard_normal((1, 22050)), 22050, "mp3", "libmp3lame"
    )
    count = 0

    def station(request):
        nonlocal count
        count += 1
        if answers:
            request.answer(Content_Type="audio/mpeg")
            request.send(sound)
        else:
            request.answer("HTTP/1.1 404 Not Found", Content_Length=0)

    def resident():
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with serving() as server:
        server.handlers["/live"] = station
        with StreamInput(HttpConnection(server.url("/live"))) as stream:
            marks = []
            for mark in (CONNECTIONS // 2, CONNECTIONS):
                while count < mark:
                    stream.read(0.2)
                    stream.events()
                    server.requests.clear()  # which the server keeps
                marks.append((count, resident()))
    (first, before), (last, after) = marks
    each = (after - before) / (last - first)
    print(f"\n{each:.0f} bytes a connection; 500,000 of them: {each / 2:.0f} MB")
    noise = 1_000_000  # of the allocator: some ten thousand connections outweigh it
    assert after - before < noise + (last - first) * (600 if answers else 40)
