"""Processes: one that ends takes nothing with it, and what ends two is left out."""

import os
import signal
import threading

import pytest

from pyplugin import PypluginError
from pyplugin.catalogue.processes import ProcessPool
from pyplugin.catalogue.records import FoundRecording, Problem, RecordingAnalysis
from pyplugin.catalogue.setup import Setup

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a POSIX system")


def found(path) -> FoundRecording:
    status = path.stat()
    return FoundRecording(str(path), status.st_size, status.st_mtime_ns // 1000)


def test_a_recording_that_ends_two_workers_is_left_out(collection, tmp_path):
    poison = tmp_path / "poison.wav"
    os.mkfifo(poison)  # a worker that opens it waits until it is killed
    good = [found(collection / name) for name in ("tone.ogg", "chords.flac")]
    task = [good[0], FoundRecording(str(poison), 10, None), good[1]]
    outcomes = []
    with ProcessPool(Setup.of(), 1) as pool:
        thread = threading.Thread(target=lambda: outcomes.extend(pool.run([task])))
        thread.start()
        for _ in range(2):
            with poison.open("wb"):  # returns once a worker has opened it
                os.kill(pool._running[0].process.pid, signal.SIGKILL)
                pool._running[0].process.wait()
        thread.join()
    kinds = [getattr(each.result, "kind", "") for each in outcomes]
    assert kinds == ["", "worker", ""]
    assert isinstance(outcomes[1].result, Problem)
    assert "signal 9" in outcomes[1].result.message
    assert [each.found for each in outcomes if isinstance(each.result, RecordingAnalysis)] == good


def test_a_limit_of_memory_is_an_error_of_the_recording(collection):
    with ProcessPool(Setup.of(), 1, memory=1) as pool:
        (outcome,) = pool.run([[found(collection / "tone.ogg")]])
    assert outcome.result.kind in ("memory", "worker")  # a library may end the process


def test_workers_that_cannot_start_say_why(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr("sys.executable", "/bin/false")
    with (
        ProcessPool(Setup.of(), 1) as pool,
        pytest.raises(PypluginError, match="cannot be started"),
    ):
        list(pool.run([[]]))


def test_nothing_to_do_ends_at_once():
    with ProcessPool(Setup.of(), 1) as pool:
        assert list(pool.run([])) == []
