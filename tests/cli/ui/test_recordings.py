"""The loop over recordings survives whatever one of them does."""

import os
import subprocess
import sys

import pytest

from pyplugin.cli.ui import recordings
from pyplugin.errors import AudioError, ModelError, ReaderGoneError, StreamError
from pyplugin.support.results import TagResult

GOOD = TagResult("m", ["a"], None, 1, 1, None, None, 1.0)
NAMES = ["one", "two\x1b\n", "caf\udce9", "four"]


def failing(monkeypatch, error, name):
    def tag(given, **_):
        if given == name:
            raise error
        return GOOD

    monkeypatch.setattr(recordings, "tag", tag)
    done = []
    return recordings.tag_files(NAMES, lambda given, _: done.append(given)), done


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AudioError("x is no recording"), 2),
        (StreamError("x: refused"), 1),
        (ModelError("x has an odd rate"), 2),
        (ZeroDivisionError("division by zero"), 1),
        (UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed"), 1),
        (RecursionError(), 1),
        (MemoryError(), 1),
        (OSError(5, "Input/output error"), 1),
        (AssertionError("a\nb\x1b[2J"), 1),
    ],
)
def test_one_odd_file_is_a_sentence(monkeypatch, capsys, error, status, name):
    code, done = failing(monkeypatch, error, name)
    assert (code, done) == (status, [each for each in NAMES if each != name])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert err.startswith("tagnode: ")
    if status == 1 and not isinstance(error, StreamError):
        assert type(error).__name__ in err


def test_what_concerns_all_files_is_not_repeated_for_each(monkeypatch, capsys):
    def tag(given, **_):
        raise ModelError("the hop is too long")

    monkeypatch.setattr(recordings, "tag", tag)
    with pytest.raises(ModelError):
        recordings.tag_files(NAMES, print)
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interruption_stops(monkeypatch, error):
    with pytest.raises(type(error)):
        failing(monkeypatch, error, NAMES[1])


def test_what_an_output_raises_ends_the_work(monkeypatch):
    def tag(given, each, **_):
        each(0.0, 1.0, [0.5])

    def write(*window):
        raise ReaderGoneError("gone")

    monkeypatch.setattr(recordings, "tag", tag)
    with pytest.raises(ReaderGoneError):
        recordings.tag_files(NAMES, print, each_window=lambda given: write)


def test_files_between_odd_ones_are_in_the_table(song, tmp_path):
    folder = os.fsencode(tmp_path)
    with open(folder + b"/bad\xff.wav", "wb") as stream:  # noqa: PTH123
        stream.write(b"RIFF junk")
    odd = [folder + b"/bad\xff.wav", b"no\x0asuch.wav", folder + b"/" + b"n" * 300]
    command = [sys.executable, "-m", "pyplugin", "tag", *odd, song, "--csv", tmp_path / "t.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == len(odd)
    assert "Traceback" not in done.stderr
    assert str(song) in (tmp_path / "t.csv").read_text()
