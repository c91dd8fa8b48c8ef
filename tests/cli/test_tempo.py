"""``tagnode tempo`` prints what the function returns."""

import json

import numpy as np
import pytest
import soundfile

from pyplugin.tempo import tempo

RATE = 16000


@pytest.fixture
def path(tmp_path):
    """Clicks at 120 BPM."""
    samples = np.zeros(15 * RATE)
    for beat in range(30):
        samples[beat * 8000 : beat * 8000 + 400] = np.hanning(400) * (0.5 if beat % 2 else 0.3)
    soundfile.write(tmp_path / "clicks.wav", samples, RATE)
    return tmp_path / "clicks.wav"


def test_the_tempo_is_printed_in_three_ways(run, path, tmp_path):
    code, out, _ = run("tempo", path)
    assert code == 0
    assert "120.0 BPM" in out
    code, out, _ = run("tempo", path, "--over-time")
    assert "no beat" in out.splitlines()[1]
    assert out.splitlines()[-1].endswith("120")
    code, out, err = run("tempo", path, tmp_path / "nothing.wav", "--json")
    assert code == 2
    assert "nothing.wav" in err
    content = json.loads(out)
    want = tempo(path)
    assert content["local_bpm"] == pytest.approx(want.bpm.tolist(), abs=1e-3)
    assert content["bpm"] == pytest.approx(want.overall, abs=1e-3)
