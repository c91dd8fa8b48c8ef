"""``tagnode listen`` on a pipe, as a user runs it."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import mido
import numpy as np
import pytest
from helpers import music
from small_unets import passing, written

import pyplugin
from pyplugin.models import registry


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
    assert fresh[0]["signals"].keys() == pyplugin.SIGNALS.keys()


@pytest.mark.parametrize(
    ("arguments", "data", "code", "words"),
    [
        ((), b"RIFF0000WAVEfmt ", 2, "cannot be decoded"),
        ((), b"<html>not found</html>", 2, "is a web page"),
        ((), b"", 2, "before its first byte"),
        (("--channels", "2"), bytes(44103), 0, "3 of its 4 bytes"),
        (("--rate", "4000"), bytes(8), 2, "8000"),
        (("--device", "x"), b"", 2, "two inputs"),
        (("--cc", "a=1"), b"", 2, "--midi"),
        (("--cc", "signal.onst=1", "--midi", "x.mid"), b"", 2, "did you mean 'signal.onset'"),
        (
            ("--cc", "tag.vocal=1", "--midi", "x.mid"),
            b"",
            2,
            "no descriptor 'tag.vocal' without a model",
        ),
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
def test_a_preset_is_analysed_with_the_models_that_it_names(names, musicnn, tmp_path):
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
    assert "tagnode tag song.ogg" in done.stderr


def test_signals_of_stems_on_a_pipe(tmp_path, monkeypatch):
    """Faster than real time: what is late is waited for, to the end of the pipe."""
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT")
    name = written(tmp_path, "spleeter-2stems", passing("spleeter-2stems", "vocals"), patch=64)
    (tmp_path / "mine.toml").write_text(
        '[preset]\nname = "mine"\n[[effect]]\ntype = "gain"\n[[map]]\n'
        'source = "stem.vocals.rms_db"\ntarget = "gain.gain_db"\nlow = -60\nhigh = 0\n'
        "min = -60\nmax = 0\nattack = 0\nrelease = 0\n"
    )
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    sound = np.concatenate([music(4, 44100, 2), np.zeros((2, 4 * 44100), np.float32)], axis=1)
    done = listen(
        *("--preset", str(tmp_path / "mine.toml"), "--stem-model", name.card.name),
        *("--json", "--hop", "0.5"),
        data=pcm_of(sound),
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = {line["t"]: line for line in lines}
    late = float(re.search(rb"delayed by (\d\.\d) s", done.stderr)[1])
    for time, line in found.items():
        moved = line["parameters"]["gain.gain_db"]
        if time < late:
            assert moved == pytest.approx(-60, abs=1)
        elif late + 0.5 < time < late + 3.5:
            then = min(found, key=lambda other: abs(other - (time - late)))
            assert moved == pytest.approx(found[then]["signals"]["rms_db"], abs=4)
        elif time > late + 4.5:
            assert moved == -60
