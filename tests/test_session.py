"""Listening: what a live node says reaches outputs, whole and in order, whatever the blocks."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading

import mido
import numpy as np
import pytest
from helpers import music
from hypothesis import given, settings
from hypothesis import strategies as st

import pyplugin
from pyplugin.automation.movers import Lane, Mover
from pyplugin.automation.sources import as_combined
from pyplugin.models import registry
from pyplugin.session import FORMATS, Listening, PcmInput

RATE = 16000


class Kept:
    """An output that keeps what it is told."""

    def __init__(self):
        self.frames, self.moved, self.closed = [], [], False

    def write_frame(self, frame):
        self.frames.append(frame)

    def write_parameters(self, time, parameters, signals):
        self.moved.append((time, dict(parameters), dict(signals)))

    def close(self):
        self.closed = True


def told(rate: int, node: pyplugin.Node) -> Mover:
    sources = {
        "room.wet_level": pyplugin.label("beat").scale(0, 1).attack(0.1).release(0.2),
        "gain.gain_db": pyplugin.sources.rms().range(-60, 0).scale(-60, 0).attack(0).release(0),
    }
    return Mover(
        [
            Lane.of_sources(name, as_combined(source), node.descriptors, rate)
            for name, source in sources.items()
        ]
    )


def listened(probe, samples: np.ndarray, cuts: list[int]) -> Kept:
    kept = Kept()
    with pyplugin.Node(RATE, 1, 8192, model=probe.model, offline=True, signals=0.016) as node:
        listening = Listening(
            node, source="test", outputs=[kept], make_mover=lambda rate: told(rate, node)
        )
        for block in np.split(samples, cuts, axis=1):
            for start in range(0, block.shape[1], 8192):
                node.analyse(np.ascontiguousarray(block[:, start : start + 8192]))
                listening.poll()
    listening.close()
    assert kept.closed
    return kept


@given(cuts=st.lists(st.integers(0, 2 * RATE), max_size=8).map(sorted))
@settings(max_examples=15, deadline=None)
def test_frames_and_parameters_are_the_same_for_any_blocks(probe, cuts):
    samples = music(2, RATE)
    expected, found = listened(probe, samples, []), listened(probe, samples, cuts)
    assert len(expected.frames) > 8
    assert found.frames == expected.frames


def test_what_is_told_is_what_the_node_said(probe):
    samples = music(2, RATE)
    kept = listened(probe, samples, [])
    with pyplugin.Node(RATE, 1, 2 * RATE, model=probe.model, offline=True, signals=0.016) as node:
        frames, measured = node.process(samples), node.read_signals()
    assert [frame.end for frame in kept.frames] == pytest.approx(frames.end / RATE)
    assert [frame.time for frame in kept.frames] == pytest.approx(frames.emitted / RATE)
    assert [frame.state for frame in kept.frames] == list(frames.state)
    for frame, row in zip(kept.frames, frames.values, strict=True):
        assert list(frame.tags.values()) == pytest.approx(row)
        last = np.searchsorted(measured.emitted / RATE, frame.time, "right") - 1
        level = measured.values[last, list(pyplugin.SIGNALS).index("rms_db")]
        assert frame.signals["rms_db"] == pytest.approx(level)
        assert frame.parameters["gain.gain_db"] == pytest.approx(np.clip(level, -60, 0), abs=1e-4)


def test_without_a_model_it_tells_what_is_measured_each_hop():
    kept = Kept()
    with pyplugin.Node(RATE, 1, 2 * RATE, model=None) as node:
        listening = Listening(node, source="test", outputs=[kept], hop=0.5)
        node.analyse(music(1.9, RATE))
        assert listening.poll() == 3 == len(kept.frames)
    assert [frame.time for frame in kept.frames] == pytest.approx([0.5, 1, 1.5], abs=0.017)
    assert all(frame.tags == {} and len(frame.signals) == 15 for frame in kept.frames)


def pipe(data: bytes, pieces: list[int]) -> int:
    """Return the reading end of a pipe into which the data comes piece by piece."""
    reading, writing = os.pipe()

    def write() -> None:
        at = 0
        with os.fdopen(writing, "wb", buffering=0) as stream:
            for size in [*pieces, len(data)]:
                stream.write(data[at : at + size])
                at += size

    threading.Thread(target=write).start()
    return reading


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("pieces", [[], [1, 3, 5, 700, 2]])
def test_raw_samples_arrive_as_ffmpeg_writes_them(name, pieces):
    av = pytest.importorskip("av")
    tone = (0.7 * np.sin(np.arange(3000) / 7)).astype(np.float32)
    both = np.stack([tone, -tone / 2])
    coded = {"u8": "u8", "s16le": "s16", "s32le": "s32", "f32le": "flt", "s16be": "s16"}[name]
    frame = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
    frame.sample_rate = 48000
    written = av.AudioResampler(coded, "stereo", 48000).resample(frame)[0].to_ndarray()
    data = (written.byteswap() if name == "s16be" else written).tobytes()
    pcm = PcmInput(pipe(data, pieces), 48000, 2, name)
    parts = []
    while not pcm.ended:
        parts.append(pcm.read(512, 1.0))
        assert parts[-1].shape[1] <= 512
    step = {"u8": 2 / 256, "s16le": 2 / 65536, "s16be": 2 / 65536}.get(name, 1e-7)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), both, atol=step)
    assert pcm.notes == []


def listen(*arguments: str, data: bytes) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pyplugin", "listen", "-", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=False)


def pcm_of(samples: np.ndarray) -> bytes:
    return (samples.T * 32767).astype("<i2").tobytes()


def test_listen_to_a_pipe_says_what_tag_says():
    """Once the window is full; the first answers are of silence and of what has come since."""
    samples = music(6, 16000, 1)
    done = listen(
        "--json", "--rate", "16000", "--channels", "1", "--hop", "0.25", data=pcm_of(samples)
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["state"] for line in lines} == {"fresh"}
    assert lines[0]["end"] <= 0.25
    result = pyplugin.tag(samples, 16000, hop=0.25)
    fresh = [line for line in lines if line["end"] > result.window - 1e-6]
    assert len(fresh) == pytest.approx(len(result.times), abs=1)
    for line, row in zip(fresh, result.activations, strict=False):
        assert list(line["tags"].values()) == pytest.approx(row, abs=0.02)
    assert fresh[-1]["end"] <= 6.02
    assert len(fresh[0]["signals"]) == 15


@pytest.mark.parametrize(
    ("arguments", "data", "code", "words"),
    [
        ((), b"RIFF0000WAVEfmt ", 2, "sound file comes in"),
        (("--channels", "2"), bytes(44103), 0, "3 of its 4 bytes"),
        (("--rate", "4000"), bytes(8), 2, "8000"),
        (("--device", "x"), b"", 2, "two inputs"),
        (("--cc", "a=1"), b"", 2, "--midi"),
        (("--cc", "signal.onst=1", "--midi", "x.mid"), b"", 2, "did you mean 'signal.onset'"),
        (("--cc", "tag.vocal=1", "--midi", "x.mid"), b"", 2, "tag.vocal: there is none"),
        (("--hop", "0"), b"", 2, "seconds above 0"),
        (("--hop", "nan"), b"", 2, "seconds above 0"),
        (("--preset", "duck-under-vice"), b"", 2, "duck-under-voice"),
        (("--osc", "nowhere"), b"", None, "nowhere"),
        (("--midi", "no-such-port", "--cc", "signal.onset=20"), b"", None, "no-such-port|MIDI"),
    ],
)
def test_bad_input_gets_a_sentence(arguments, data, code, words):
    done = listen("--model", "none", *arguments, data=data)
    text = done.stderr.decode()
    assert "Traceback" not in text
    assert re.search(words, text), text
    assert done.returncode == code if code is not None else done.returncode != 0


@pytest.mark.parametrize(("closed", "code"), [("<&-", 2), (">&-", 2)])
def test_a_closed_stream_gets_a_sentence(closed, code):
    command = f"exec {sys.executable} -m pyplugin listen - --model none --json {closed}"
    done = subprocess.run(
        command, shell=True, input=b"", capture_output=True, check=False, executable="/bin/sh"
    )
    assert b"is closed" in done.stderr, done.stderr.decode()
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_recording_of_controllers_is_written_when_it_is_stopped(number, tmp_path):
    file = tmp_path / "out.mid"
    options = ("--model", "none", "--json", "--midi", file, "--cc", "signal.rms_db=20")
    process = subprocess.Popen(
        [sys.executable, "-m", "pyplugin", "listen", "-", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(pcm_of(music(2, 44100, 2)))
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["signals"]  # it listens
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    assert b"Traceback" not in err
    assert mido.MidiFile(file).tracks[0].name == "signal.rms_db"


def test_a_terminal_that_cannot_draw_gets_lines(monkeypatch):
    """On a terminal of its own; TERM=dumb is that of an editor's shell."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "pyplugin", "listen", "-", "--model", "none"]
    monkeypatch.setenv("TERM", "dumb")
    data = pcm_of(music(2, 44100, 2))
    subprocess.run(command, input=data, stdout=end, stderr=end, check=True)
    os.close(end)
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert "0:01.0" in shown
    assert "LUFS" in shown


@pytest.mark.parametrize("names", [["vgg-mtt"], ["musicnn-mtt", "vgg-mtt"]])
def test_a_preset_is_heard_with_the_models_that_it_names(names, musicnn, tmp_path):
    if not any(each.name == "vgg-mtt" and each.built for each in registry.available()):
        registry.get("vgg-mtt")
    sources = ", ".join(f'"tag.{name}.techno"' for name in names)
    (tmp_path / "two.toml").write_text(
        f"[preset]\nname = 'two'\n[[effect]]\ntype = 'gain'\n[[map]]\nsource = [{sources}]\n"
        "target = 'gain.gain_db'\nmin = 0\nmax = 1\nattack = 0\nrelease = 0\n"
    )
    samples = music(4, 16000, 1)
    options = ("--json", "--rate", "16000", "--channels", "1", "--hop", "0.5")
    done = listen(*options, "--preset", tmp_path / "two.toml", data=pcm_of(samples))
    assert done.returncode == 0, done.stderr.decode()
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["model"] == "+".join(names)
    expected = 0.0
    for name in names:
        alone = listen(*options, "--model", name, data=pcm_of(samples)).stdout.splitlines()
        expected += json.loads(alone[-1])["tags"]["techno"]
    assert last["parameters"]["gain.gain_db"] == pytest.approx(min(expected, 1), abs=0.02)


def test_each_answer_is_a_line_however_fast_they_come():
    data = pcm_of(music(4, 8000, 1))
    options = ("--rate", "8000", "--channels", "1", "--model", "none", "--hop", "0.05")
    lines = listen(*options, data=data).stdout.splitlines()
    assert len(lines) == len(listen(*options, "--json", data=data).stdout.splitlines()) > 60


def test_listen_takes_no_file():
    command = [sys.executable, "-m", "pyplugin", "listen", "song.ogg"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pyplugin tag song.ogg" in done.stderr


def test_labels_that_two_models_share_are_told_apart(musicnn):
    """One tells of all labels of both, by their own name where only one has it."""
    from pyplugin.models import registry

    built = {status.name for status in registry.available() if status.built}
    if "musicnn-msd" not in built:
        registry.get("musicnn-msd")
    other, kept = registry.load("musicnn-msd"), Kept()
    shared = set(musicnn.card.labels) & set(other.card.labels)
    assert shared
    with pyplugin.Node(RATE, 1, 8192, model=[musicnn, other], hop=1.0) as node:
        listening = Listening(node, source="test", outputs=[kept])
        for _ in range(8):
            node.analyse(np.zeros((1, 8000), np.float32))
            listening.poll()
    names = set(kept.frames[0].tags)
    assert len(names) == 100
    assert names == {*musicnn.card.labels, *other.card.labels} | {
        f"musicnn-msd {name}" for name in shared
    }
