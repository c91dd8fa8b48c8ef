"""Work in a process of its own: results, refusals, limits, and that nothing outlives it."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from pyplugin.errors import PypluginError
from pyplugin.support.apart import run_apart

WORK = """
import os, sys, time
from pathlib import Path
from pyplugin.support.apart import RefusedError, serve

def work(job):
    what = job["what"]
    if what == "refuse":
        raise RefusedError("No.")
    if what == "fail":
        raise ValueError("broken inside")
    if what == "die":
        os.kill(os.getpid(), 11)
    if what == "sleep":
        Path(job["mark"]).write_text(str(os.getpid()))
        time.sleep(60)
    if what == "fill":
        kept = [bytearray(1 << 20) for _ in range(4096)]
    if what == "write":
        Path("made").write_bytes(Path("given").read_bytes() * 2)
    print("noise")
    print("more noise", file=sys.stderr)
    return {"what": what, "here": sorted(os.listdir(".")), "numbers": [1.5]}

if __name__ == "__main__":
    serve(work)
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "some_work.py").write_text(WORK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def run(what, *, seconds=30.0, memory=1 << 30, files=None, result=None, **job):
    return run_apart(
        "some_work",
        {"what": what, **job},
        files or {},
        what="The work",
        seconds=seconds,
        memory=memory,
        result=result,
    )


def test_results_and_files_come_back_and_output_does_not(capfd):
    answer = run("plain", files={"given": b"ab"})
    assert answer["numbers"] == [1.5]
    assert "given" in answer["here"]
    assert run("write", files={"given": b"ab"}, result="made") == b"abab"
    assert capfd.readouterr() == ("", "")


def test_refusals_and_failures_are_sentences():
    with pytest.raises(PypluginError, match=r"^No\.$"):
        run("refuse")
    with pytest.raises(PypluginError, match=r"The work failed with the status 1: .*broken inside"):
        run("fail")
    with pytest.raises(PypluginError, match="The work failed with the status -11"):
        run("die")


@pytest.mark.skipif(sys.platform != "linux", reason="limits are the system's")
def test_limits_of_time_and_memory(tmp_path):
    mark = tmp_path / "mark"
    with pytest.raises(PypluginError, match="The work took more than 2 s and was stopped"):
        run("sleep", seconds=2.0, mark=str(mark))
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
    with pytest.raises(PypluginError, match="needs more than 0 GiB of memory"):
        run("fill", memory=256 << 20)


@pytest.mark.skipif(sys.platform != "linux", reason="signals are the system's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_it_ends_with_the_process_that_waits_for_it(tmp_path, number):
    mark = tmp_path / "mark"
    code = f"""
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    from pyplugin.support.apart import run_apart
    job = {{"what": "sleep", "mark": {str(mark)!r}}}
    run_apart("some_work", job, {{}}, what="It", seconds=60, memory=1 << 30)
    """
    waiting = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while not (mark.exists() and mark.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    waiting.send_signal(number)
    waiting.wait(30)
    inner = int(mark.read_text())
    while time.monotonic() < deadline:
        try:
            os.kill(inner, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError("it lives on")
