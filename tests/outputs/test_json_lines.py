"""A line of JSON a frame, at once."""

import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from frames import frame

from pyplugin.errors import ReaderGoneError
from pyplugin.node.node import State
from pyplugin.outputs import JsonLines
from pyplugin.outputs.json_lines import json_line


def test_a_line_holds_the_frame():
    stream = io.StringIO()
    output = JsonLines(stream)
    output.write_frame(frame(source="Gerät 1"))
    output.write_frame(frame(state=State.HELD, signals={}, parameters={}))
    output.write_parameters(1.1, {"gain.gain_db": 1}, {})
    output.close()
    first, second = stream.getvalue().splitlines()
    assert json.loads(first) == {
        "v": 1,
        "t": 1.0,
        "start": 0.25,
        "end": 0.75,
        "source": "Gerät 1",
        "model": "musicnn-mtt",
        "state": "fresh",
        "tags": {"Female Vocal": 0.25, "rock": 0.5},
        "signals": {"rms_db": -20.5},
        "parameters": {"reverb.wet_level": 0.75},
    }
    assert "Gerät" in first
    assert json.loads(second)["state"] == "held"
    assert json.loads(second).keys() & {"signals", "parameters"} == set()


def test_every_number_is_json():
    stream = io.StringIO()
    JsonLines(stream).write_frame(frame(signals={"a": -math.inf, "b": math.nan, "c": 1 / 3}))
    values = json.loads(stream.getvalue(), parse_constant=pytest.fail)["signals"]
    assert values == {"a": None, "b": None, "c": 0.333333}


def test_times_have_six_decimals():
    times = {"time": 1.23456789, "start": 0.12345678, "end": 2 / 3}
    line = json.loads(json_line(frame(**times)))
    assert (line["t"], line["start"], line["end"]) == (1.234568, 0.123457, 0.666667)


def test_a_line_is_written_at_once():
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb", buffering=0) as reader:
        JsonLines(stream).write_frame(frame())
        os.set_blocking(reading, False)
        assert reader.read(65536).endswith(b"}\n")


def test_a_reader_that_goes_is_an_end():
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    with pytest.raises(ReaderGoneError):
        JsonLines(stream).write_frame(frame())
    with pytest.raises(BrokenPipeError):  # what was not written is still there
        stream.close()


def test_the_command_line_ends_well_when_its_reader_goes():
    program = """
import sys, click
import pyplugin.cli as cli
from pyplugin.outputs import JsonLines
from frames import frame

@click.command()
def command():
    output = JsonLines(sys.stdout)
    while True:
        output.write_frame(frame())

cli.cli = command
sys.argv = ["pyplugin"]
cli.main()
"""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        assert process.stdout.readline().startswith(b'{"v": 1')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0
