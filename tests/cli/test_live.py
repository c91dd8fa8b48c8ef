"""``tagnode listen`` and ``live`` on a real JACK server, as a user runs them."""

import json
import re
import sys

import numpy as np
import pytest
from jackserver import NOISE, JackServer, Neighbours

RATE = 48000
PRESET = """
[preset]
name = "down"

[[effect]]
type = "gain"
gain_db = 0

[[map]]
source = "signal.rms_db"
target = "gain.gain_db"
threshold = -60
min = 0
max = -20
attack = 0
"""


def pyplugin(jack: JackServer, *arguments: str):
    return jack.run(sys.executable, "-m", "pyplugin", *arguments)


def test_listen_analyses_a_device(jack: JackServer, neighbours: Neighbours):
    arguments = ("--device", "sender", "--model", "none", "--json", "--hop", "0.2")
    done = pyplugin(jack, "listen", *arguments, "--seconds", "3")
    assert done.returncode == 0, done.stderr
    assert "sender, 48000 Hz, 2 channels, measuring only" in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) >= 10
    assert all(line["source"] == "sender" for line in lines)
    # Noise of -20 dBFS on one channel, less on the other.
    assert all(-25 < line["signals"]["rms_db"] < -5 for line in lines[3:])
    assert np.diff([line["t"] for line in lines]) == pytest.approx(0.2, abs=0.033)


def test_listen_prints_the_strongest_tags(jack: JackServer, neighbours: Neighbours, musicnn):
    done = pyplugin(jack, "listen", "--device", "sender", "--seconds", "5", "--top", "2")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "warming" not in line]
    assert len(lines) >= 4
    assert all(
        re.match(r"0:0\d\.\d  \w[\w ]* 0\.\d\d  \w[\w ]* 0\.\d\d  -\d", row) for row in lines
    )


def test_live_moves_the_sound_that_goes_out(jack: JackServer, neighbours: Neighbours, tmp_path):
    (tmp_path / "down.toml").write_text(PRESET)
    neighbours.record()
    done = pyplugin(
        jack,
        *(
            "live",
            "--preset",
            str(tmp_path / "down.toml"),
            "--input",
            "sender",
            "--output",
            "receiver",
        ),
        *("--seconds", "4", "--buffer", "4096"),
    )
    times, samples = neighbours.recorded()
    assert done.returncode == 0, done.stderr
    latency = re.search(r"delayed by (\d+) ms \((\d+) samples, 4096 of them", done.stderr)
    assert latency, done.stderr
    assert int(latency[2]) / RATE == pytest.approx(int(latency[1]) / 1000, abs=1e-3)
    assert "gain.gain_db -20" in done.stdout
    # What came out is what was sent the buffer and some periods before, 20 dB down.
    playing = np.abs(samples[0]) > 0
    assert playing.sum() > RATE
    shares = []
    for delay in 4096 + 256 * np.arange(-2, 3):
        expected = 0.1 * NOISE[(times - delay) % len(NOISE)]
        shares.append(np.isclose(samples[0], expected, atol=1e-6)[playing].mean())
    assert max(shares) > 0.8, shares


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("listen", "--device", "nobody"), "no input device 'nobody'"),
        (("listen", "--device", "receiver"), "receiver"),
        (("listen", "--device", "77"), "77"),
        (("listen", "--device", "sender", "--rate", "44100"), "44100"),
        (("listen", "--device", "sender", "--channels", "7"), "channels"),
        (("live", "--preset", "late-night", "--input", "sender", "--output", "nobody"), "nobody"),
        (("live", "--preset", "no-such"), "no preset 'no-such'"),
    ],
)
def test_a_device_that_cannot_be_gets_a_sentence(jack, neighbours, arguments, words):
    done = pyplugin(jack, *arguments, *(("--model", "none") if "listen" in arguments else ()))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert words in done.stderr
    assert done.stdout == ""
