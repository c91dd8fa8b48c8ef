"""Stems of a stream: the same as of a recording, so much later; or a refusal."""

import time

import numpy as np
import pytest
from helpers import music
from small_unets import variables_of, written

from pyplugin.errors import AudioError, ModelError
from pyplugin.stems.live import StemStream
from pyplugin.stems.model import SpleeterModel
from pyplugin.stems.network import StemNetwork
from pyplugin.stems.separator import Separator

pytest.importorskip("ai_edge_litert", reason="needs LiteRT")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return StemNetwork(
        written(tmp_path_factory.mktemp("n"), "spleeter-2stems", variables_of(2), patch=64)
    )


@pytest.mark.parametrize("rate", [44100, 32000])
def test_a_stream_gives_what_a_recording_gives_at_its_latency(network, rate):
    audio = music(9, rate, 2)
    separator = Separator(network, rate, 2)
    want = np.concatenate([separator.process(audio), separator.finish()], axis=2)
    parts = []
    with StemStream(rate, 2, model=network) as stream:
        for at in range(0, audio.shape[1], 4000):
            parts.append(stream.process(audio[:, at : at + 4000]))
            deadline = time.monotonic() + 10
            while not stream._given.empty() and time.monotonic() < deadline:
                time.sleep(0.001)  # faster than real time: let the thread keep pace
        latency, late = stream.latency, stream.late
    got = np.concatenate(parts, axis=2)
    assert got.shape == want.shape
    assert late == 0
    assert not got[:, :, :latency].any()
    np.testing.assert_array_equal(got[:, :, latency:], want[:, :, : got.shape[2] - latency])
    assert latency < (64 + 64 + 6) * 1024 / 44100 * rate + 2000


def test_a_stream_that_waits_is_never_late(network):
    """Given at once, faster than any machine; the same stems come back."""
    audio = music(9, 44100, 1)
    separator = Separator(network, 44100, 1)
    want = np.concatenate([separator.process(audio), separator.finish()], axis=2)
    with StemStream(44100, 1, model=network, waits=True) as stream:
        got = np.concatenate([stream.process(part) for part in np.split(audio, 9, axis=1)], axis=2)
        latency, late = stream.latency, stream.late
    assert late == 0
    np.testing.assert_array_equal(got[:, :, latency:], want[:, :, : got.shape[2] - latency])


def test_what_is_late_is_silence_and_does_not_shift_the_rest(network):
    stream = StemStream(44100, 1, model=network)
    stream._position = stream.latency  # as if it had run without results
    assert not stream.process(np.ones((1, 300), np.float32)).any()
    assert stream.late == 300
    stream._ready.put(np.arange(1000, dtype=np.float32).reshape(1, 1, -1).repeat(2, axis=0))
    got = stream.process(np.ones((1, 5), np.float32))
    np.testing.assert_array_equal(got[0, 0], np.arange(300, 305))
    stream.close()
    stream.close()


def test_a_machine_that_is_too_slow_is_refused_with_the_figure(network, monkeypatch):
    monkeypatch.setitem(network.__dict__, "seconds", 3.25)  # instead of what it measured
    words = r"needs 3\.25 s for each 1\.49 s .* may take 1\.19 s"
    with pytest.raises(ModelError, match=words):
        StemStream(44100, 2, model=network)
    with pytest.raises(ModelError, match=words):
        SpleeterModel(network).stream(44100, 2)


def test_wrong_blocks_are_refused(network):
    with StemStream(44100, 2, model=network) as stream, pytest.raises(AudioError, match="shape"):
        stream.process(np.zeros((1, 10), np.float32))
