"""``tagnode listen`` and ``live`` on a real JACK server, as a user runs them."""

import json
import re
import sys

import numpy as np
import pytest
from jackserver import NOISE, JackServer, Neighbours
from small_unets import passing, written

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
    assert playing.sum() > RATE / 4  # of four seconds: a busy machine drops some
    shares = []
    for delay in 4096 + 256 * np.arange(-2, 3):
        expected = 0.1 * NOISE[(times - delay) % len(NOISE)]
        shares.append(np.isclose(samples[0], expected, atol=1e-6)[playing].mean())
    assert max(shares) > 0.8, shares


@pytest.fixture
def stem_models(tmp_path, monkeypatch):
    """Small networks under a published name: all up to 11 kHz is vocals."""
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT")
    folder = tmp_path / "models"
    folder.mkdir()
    variables = passing("spleeter-2stems", "vocals")
    name = written(folder, "spleeter-2stems", variables, patch=64).card.name
    for end in (".tflite", ".json"):
        (folder / f"{name}{end}").rename(folder / f"spleeter-2stems{end}")
    monkeypatch.setenv("PYPLUGIN_MODELS", str(folder))
    return folder


OF_STEMS = PRESET.replace("gain_db = 0", 'stem = "vocals"\ngain_db = 0').replace(
    "signal.rms_db", "stem.vocals.rms_db"
)


@pytest.mark.waits(8)
def test_live_separates_at_the_latency_that_it_names(
    jack: JackServer, neighbours: Neighbours, tmp_path, stem_models, monkeypatch
):
    """The stem, the lowest 11 kHz of noise, goes down by 20 dB; the rest passes."""
    (tmp_path / "stems.toml").write_text(OF_STEMS)
    monkeypatch.setitem(jack.environment, "PYPLUGIN_MODELS", str(stem_models))
    neighbours.record()
    ports = ("--input", "sender", "--output", "receiver", "--channels", "2")
    done = pyplugin(
        jack,
        *("live", "--preset", str(tmp_path / "stems.toml"), *ports),
        *("--seconds", "7", "--buffer", "8192"),
    )
    _, samples = neighbours.recorded()
    assert done.returncode == 0, done.stderr
    found = re.search(r"\((\d+) samples, 8192 of them the buffer, (\d+) the stems\)", done.stderr)
    assert found, done.stderr
    total, of_stems = int(found[1]), int(found[2])
    assert 2.8 < of_stems / RATE < 3.2
    assert total >= of_stems + 8192
    assert "gain.gain_db -20" in done.stdout
    playing = np.flatnonzero(np.abs(samples[0]) > 0)
    received = samples[0][playing[RATE // 2] :]
    assert len(received) > RATE // 2
    assert (
        0.65 < np.std(received) / np.std(NOISE) < 0.8
    )  # 13 of 24 kHz pass, the rest is 20 dB down


def test_listen_sends_signals_of_the_stems_of_a_device(
    jack: JackServer, neighbours: Neighbours, tmp_path, stem_models, monkeypatch
):
    (tmp_path / "stems.toml").write_text(OF_STEMS)
    monkeypatch.setitem(jack.environment, "PYPLUGIN_MODELS", str(stem_models))
    given = ("--device", "sender", "--preset", str(tmp_path / "stems.toml"), "--json")
    done = pyplugin(jack, "listen", *given, "--seconds", "4.5")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Parameters are delayed by [23]\.\d s, the time of the stems", done.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[1]["parameters"]["gain.gain_db"] == 0  # at rest
    assert lines[-1]["parameters"]["gain.gain_db"] == -20


@pytest.mark.parametrize("command", ["live", "listen -"])
def test_a_machine_that_is_too_slow_for_the_stems_is_refused(
    run, monkeypatch, tmp_path, stem_models, command
):
    from pyplugin.stems.network import StemNetwork

    (tmp_path / "stems.toml").write_text(OF_STEMS)
    monkeypatch.setattr(StemNetwork, "seconds", 9.25)
    code, out, err = run(*command.split(), "--preset", tmp_path / "stems.toml")
    assert (code, out) == (2, "")
    assert "needs 9.25 s for each 1.49 s on this machine" in err
    assert "live it may take 1.19 s" in err


def test_a_model_of_stems_without_stems_is_refused(run, stem_models):
    code, _, err = run("live", "--preset", "late-night", "--stem-model", "spleeter-2stems")
    assert code == 2
    assert "--stem-model is for presets that use stems; late-night uses none." in err
    code, _, err = run("listen", "-", "--stem-model", "spleeter-2stems")
    assert "there is no preset" in err
    (stem_models / "spleeter-2stems.tflite").unlink()
    code, _, err = run("live", "--preset", "vocal-reverb")
    assert code != 0
    assert "tagnode models get spleeter-2stems" in err


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
