"""Live sound through a real JACK server: analysis, output, and what goes wrong."""

import ctypes
import gc
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jackserver import NOISE, SCALE, JackServer, Neighbours

import pyplugin
from pyplugin import Node, State
from pyplugin.inputs.devices import DuplexStream, Listener
from pyplugin.node.node import Frames

RATE, PERIOD = 48000, 256


# --------------------------------------------------------- what runs in a process of its own


class Maker:
    """Makes nodes of a small model and remembers for what."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.made: list[tuple[int, int]] = []

    def __call__(self, rate: int, channels: int, *, offline: bool = False) -> Node:
        self.made.append((rate, channels))
        options = {"hop": 0.05, "compute_latency": 0.3, "offline": offline}
        return Node(rate, channels, 1000, model=self.model, **options)


def joined(parts: list[Frames]) -> Frames:
    names = ("start", "end", "emitted", "state", "values", "embeddings")
    return Frames(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def watch(listener: Listener, seconds: float, until: Callable[[], bool] = lambda: False) -> Frames:
    """Read a listener's node as a program would, for some time at the most."""
    parts, end = [listener.node.read()], time.monotonic() + seconds
    while time.monotonic() < end and not until():
        listener.poll()
        parts.append(listener.node.read())
        time.sleep(0.02)
    return joined(parts)


class Span:
    """Callbacks from one moment to another; the machine may be too busy for JACK to keep time."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.began, self.before = time.monotonic(), listener.counters["callbacks"]

    def end(self) -> tuple[float, float, int]:
        return self.began, time.monotonic(), self.listener.counters["callbacks"] - self.before


def analyse(model: Any) -> dict[str, Any]:
    make = Maker(model)
    with Listener("sender", make, channels=1) as listener:
        span = Span(listener)
        frames = watch(listener, 20, lambda: listener.counters["position"] > 2 * RATE)
        ended, counters = span.end(), listener.counters
        refusals = []
        for action in (
            lambda: listener.node.process(np.zeros((1, 10), np.float32)),
            listener.node.reset,
            listener.node.close,
        ):
            try:
                action()
            except pyplugin.PypluginError as error:
                refusals.append(str(error))
    return {
        "span": ended,
        "frames": frames,
        "made": make.made,
        "counters": counters,
        "at the end": listener.counters,
        "refusals": refusals,
    }


def analyse_with_a_stall(model: Any) -> tuple[Frames, dict[str, int], tuple[float, float, int]]:
    with Listener("sender", Maker(model)) as listener:
        first = watch(listener, 0.5)
        span = Span(listener)
        ctypes.PyDLL(None).usleep(2_000_000)  # which keeps the interpreter's lock
        ended = span.end()
        counters = listener.counters
        return joined([first, watch(listener, 0.5)]), counters, ended


def pass_through(model: Any, lead: int, block: int, stall: float) -> dict[str, Any]:
    """Write what is read; what the node said then, and what the same samples give offline."""
    make, parts, frames = Maker(model), [], []
    with DuplexStream("sender", "receiver", make_node=make, lead=lead) as stream:
        for turn in range(2 * RATE // block):
            parts.append(stream.read(frames=block))
            stream.write(parts[-1])
            frames.append(stream.node.read())
            if turn == RATE // block:
                time.sleep(stall)
        frames.append(stream.node.read())
        counters, latency = stream.counters, stream.added_latency
    with make(RATE, 2, offline=True) as node:
        x = np.concatenate(parts, axis=1)
        again = [node.process(x[:, at : at + 1000]) for at in range(0, x.shape[1], 1000)]
    return {
        "frames": joined(frames),
        "again": joined(again),
        "counters": counters,
        "latency": latency,
        "sizes": [part.shape for part in parts],
    }


def outlive_a_server(model: Any, name: str, kill: bool, rate: int) -> dict[str, Any]:
    make = Maker(model)
    with (
        JackServer(name) as server,
        Listener("system", make) as listener,
        DuplexStream() as other,
    ):

        def both() -> bool:
            other.poll()
            return listener.alive and other.alive

        before = watch(listener, 0.8)
        server.kill() if kill else server.stop()
        without = watch(listener, 2.5, lambda: both() and False)
        alive = listener.alive or other.alive
        server.rate = rate
        server.start()
        watch(listener, 20, both)
        counted = listener.node.counters["fresh"]
        after = watch(listener, 20, lambda: listener.node.counters["fresh"] > counted + 5)
        return {
            "before": before,
            "without": without,
            "alive": alive,
            "after": after,
            "events": listener.events(),
            "made": make.made,
            "rate": listener.sample_rate,
            "reconnections": [each.counters["reconnections"] for each in (listener, other)],
            "shape": other.read(frames=256).shape,
        }


def outlive_a_stall(model: Any, fifo: str) -> dict[str, Any]:
    make, flowing = Maker(model), threading.Event()

    def feed() -> None:
        pipe = os.open(fifo, os.O_RDWR)
        while flowing.wait():
            os.write(pipe, bytes(441 * 2 * 4))
            time.sleep(0.01)

    flowing.set()
    threading.Thread(target=feed, daemon=True).start()
    with Listener("fifo", make, channels=2) as listener:
        before = watch(listener, 1)
        flowing.clear()
        watch(listener, 20, lambda: not listener.alive)
        flowing.set()
        watch(listener, 20, lambda: listener.alive)
        after = watch(listener, 1)
    return {"before": before, "after": after, "events": listener.events(), "made": make.made}


def end_without_a_server(name: str) -> tuple[int, int]:
    """Close a stream whose server is gone, and write to and read from one."""
    with JackServer(name) as server, DuplexStream(lead=512) as stream:
        server.kill()
        late = stream.read(0.3, 256)
        stream.write(np.zeros((2, 256), np.float32))
        return late.shape


def forget_a_stream() -> bool:
    stream = DuplexStream("sender", "receiver")
    c_stream = stream._stream
    del stream, c_stream
    gc.collect()
    time.sleep(0.1)  # callbacks into freed memory would end the process
    with DuplexStream("sender", "receiver") as another:
        return another.read(frames=64).shape == (2, 64)


def opened(options: dict[str, Any]) -> str:
    try:
        DuplexStream("sender", "receiver", **options).close()
    except pyplugin.PypluginError as error:
        return f"{type(error).__name__}: {error}"
    return "opened"


def listen_with_a_wrong_node(model: Any) -> list[str]:
    make, sentences = Maker(model), []
    for wrong in (lambda *_: make(16000, 2), lambda *shape: make(*shape, offline=True)):
        try:
            Listener("sender", wrong)
        except pyplugin.PypluginError as error:
            sentences.append(str(error))
    return sentences


# ------------------------------------------------------------------------------------- listening


def share_of_callbacks(neighbours: Neighbours, span: tuple[float, float, int]) -> float:
    began, ended, callbacks = span
    return callbacks / sum(began <= cycle <= ended for cycle in neighbours.cycles)


def test_a_node_analyses_a_device_without_python(jack, neighbours, probe):
    got = jack.call(analyse, probe.model)
    assert got["made"] == [(RATE, 1)]
    assert 0.95 <= share_of_callbacks(neighbours, got["span"]) <= 1.05
    frames, counters = got["frames"], got["counters"]
    np.testing.assert_array_equal(np.diff(frames.emitted), 3 * 256 * 3)
    fresh = frames.state == State.FRESH
    assert fresh.sum() >= 0.5 * (2 - 0.32 - 0.3) / 0.048  # 20 mel frames, latency, hop
    assert len(np.unique(frames.values[fresh], axis=0)) == fresh.sum()  # noise is never the same
    assert counters["position"] == counters["callbacks"] * PERIOD
    assert counters["dropped"] == counters["reconnections"] == 0
    assert all(got["at the end"][name] >= counters[name] for name in counters)
    assert len(got["refusals"]) == 3
    assert all("live stream" in sentence for sentence in got["refusals"])


def test_a_reader_that_stalls_for_two_seconds_misses_nothing(jack, neighbours, probe):
    frames, counters, span = jack.call(analyse_with_a_stall, probe.model)
    assert span[2] > RATE / PERIOD
    assert share_of_callbacks(neighbours, span) >= 0.95
    np.testing.assert_array_equal(np.diff(frames.emitted), 3 * 256 * 3)
    assert counters["dropped"] == 0
    assert frames.state[0] == State.WARMING
    assert (frames.state != State.WARMING).sum() >= counters["fresh"] + counters["held"]


# ------------------------------------------------------------------------------- passing through


def delays(neighbours: Neighbours) -> np.ndarray:
    """How much later than it was sent each sample came, or -1 where silence did."""
    times, (noise, stamps) = neighbours.recorded()
    sent = np.round(stamps / SCALE).astype(int)
    sounds = sent > 0
    np.testing.assert_array_equal(noise[sounds], NOISE[sent[sounds] % len(NOISE)])
    # The server connects and disconnects one channel of a stream after the other.
    inside = slice(sounds.argmax(), len(sounds) - sounds[::-1].argmax())
    assert not noise[inside][~sounds[inside]].any()
    assert np.count_nonzero(noise[~sounds]) <= 2 * PERIOD
    return np.where(sounds, times - sent, -1)


@pytest.mark.parametrize(("lead", "block"), [(2048, 512), (4800, 441)])
def test_samples_are_output_unchanged_after_the_reported_latency(
    jack, neighbours, probe, lead, block
):
    neighbours.record()
    got = jack.call(pass_through, probe.model, lead, block, 0)
    late = delays(neighbours)
    assert got["latency"] == lead
    assert set(got["sizes"]) == {(2, block)}
    assert got["counters"]["lost"] == 0
    assert (late > 0).sum() > RATE
    assert (late == lead).sum() >= 0.95 * (late > 0).sum()


def test_the_latency_is_the_same_after_a_stall(jack, neighbours, probe):
    neighbours.record()
    got = jack.call(pass_through, probe.model, 2048, 512, 0.5)
    late = delays(neighbours)
    late = late[np.flatnonzero(late > 0)[0] : np.flatnonzero(late > 0)[-1]]
    assert got["counters"]["lost"] == 0
    assert (late < 0).sum() > RATE // 8
    assert got["counters"]["missing"] >= (late < 0).sum()
    after = late[-RATE // 2 :]
    assert (after == 2048).sum() >= 0.95 * (after > 0).sum() > 0


@pytest.mark.usefixtures("neighbours")
def test_a_node_analyses_the_samples_of_the_stream_bit_for_bit(jack, probe):
    got = jack.call(pass_through, probe.model, 2048, 512, 0)
    live, again = got["frames"], got["again"]
    count = min(len(live), len(again))
    assert count > 20
    for name in ("start", "end", "emitted"):
        np.testing.assert_array_equal(getattr(live, name)[:count], getattr(again, name)[:count])
    fresh = live.state[:count] == State.FRESH
    assert fresh.sum() > 0.5 * (again.state == State.FRESH).sum()
    np.testing.assert_array_equal(live.values[:count][fresh], again.values[:count][fresh])


# -------------------------------------------------------------------------- devices come and go


@pytest.mark.parametrize(("kill", "rate"), [(False, 48000), (True, 44100)])
def test_streams_go_on_when_their_server_is_back(jack, probe, kill, rate):
    name = f"{jack.name}-{rate}"
    got = JackServer(name).call(outlive_a_server, probe.model, name, kill, rate)
    assert len(got["before"]) > 0
    assert not got["alive"]
    assert len(got["without"]) <= 1
    assert got["rate"] == rate
    assert got["made"] == [(48000, 2)] + [(44100, 2)] * (rate == 44100)
    assert got["reconnections"] == [1, 1]
    assert got["shape"] == (2, 256)
    assert (got["after"].state == State.FRESH).sum() >= 5
    gone, back, *changed = got["events"]
    assert gone.kind == "disconnected"
    assert "'system' is disconnected" in gone.message
    assert back.kind == "reconnected"
    assert f"'system' is back, at {rate} Hz" in back.message
    assert [event.kind for event in changed] == ([] if rate == RATE else ["format"])


def test_a_listener_opens_a_device_anew_from_which_nothing_comes(jack, probe, tmp_path):
    # ALSA plays a file as a device, and PortAudio hangs as it closes one that stopped.
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    pcm = f"type file slave.pcm null file /dev/null infile {fifo} format raw"
    (tmp_path / ".asoundrc").write_text(f"pcm.fifo {{ {pcm} }}\n", encoding="utf-8")
    server = JackServer("none")
    server.environment["HOME"] = str(tmp_path)
    got = server.call(outlive_a_stall, probe.model, str(fifo))
    assert len(got["before"]) > 0
    assert len(got["after"]) > 0
    assert [re.sub(",.*|;.*", "", event.message) for event in got["events"]] == [
        "'fifo' is disconnected",
        "'fifo' is back",
    ]
    assert got["made"] == [(44100, 2)] * 2  # the first node may still be played


def test_a_stream_without_its_server_gives_nothing_and_ends(jack):
    name = f"{jack.name}-gone"
    assert JackServer(name).call(end_without_a_server, name)[0] == 2


@pytest.mark.usefixtures("neighbours")
def test_a_forgotten_stream_is_closed(jack):
    assert jack.call(forget_a_stream)


@pytest.mark.parametrize("kill", [False, True])
@pytest.mark.parametrize(
    "use",
    ["stream = DuplexStream(); stream.read(frames=64)", "devices()", "DuplexStream().close()"],
)
def test_a_program_ends_well_whatever_became_of_its_server(jack, use, kill):
    program = (
        "from pyplugin.inputs.devices import DuplexStream, devices\n"
        f"{use}; print('open', flush=True); input()"
    )
    with JackServer(f"{jack.name}-end") as server:
        running = subprocess.Popen(
            [sys.executable, "-c", program],
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with running:
            assert running.stdout.readline() == b"open\n"
            if kill:
                server.kill()
                time.sleep(0.2)
            running.communicate(b"\n", timeout=30)
    assert running.returncode == 0


# --------------------------------------------------------------------------------- what is given


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sample_rate": 44100}, "DeviceError: .* cannot run at 44100 Hz; use 48000 Hz"),
        ({"sample_rate": 7000}, "AudioError: .*8000"),
        ({"channels": 3}, "DeviceError: .* 1 to 2 channels, not 3"),
        ({"channels": -1}, "DeviceError: .* 1 to 2 channels, not -1"),
        ({"channels": 0}, "DeviceError: .* 1 to 2 channels, not 0"),
        ({"lead": -1}, "DeviceError: lead"),
        ({"block": -1}, "DeviceError: block"),
        ({}, "opened"),
    ],
)
@pytest.mark.usefixtures("neighbours")
def test_a_wrong_setting_is_refused(jack, options, words):
    assert re.search(words, jack.call(opened, options))


@pytest.mark.usefixtures("neighbours")
def test_a_wrong_node_is_refused(jack, probe):
    rate, offline = jack.call(listen_with_a_wrong_node, probe.model)
    assert "16000 Hz" in rate
    assert "48000" in rate
    assert "offline" in offline
