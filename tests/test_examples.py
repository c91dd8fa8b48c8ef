"""Every example runs, on the recording that ships with the project."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

EXAMPLES = Path(__file__).parents[1] / "examples"
DEMO = EXAMPLES / "demo" / "demo.ogg"
ARGUMENTS = {
    "tag_a_file.py": [DEMO],
    "listen_in_blocks.py": [DEMO],
    "own_effect.py": [DEMO, "out.wav"],
    "duck_under_speech.py": [DEMO, DEMO, "out.wav"],
    "reverb_follows_voice.py": [DEMO, "out.wav"],
    "filter_opens_with_drums.py": [DEMO, "out.wav"],
    "curve_from_numpy.py": [DEMO, "out.wav"],
    "export_a_lane.py": [DEMO, "out.mid"],
    "teach_a_label.py": [DEMO, "--out", "this.head"],
    "live_tag_meter.py": ["--tag", "speech"],
    "demo/demo.py": ["demo-output"],
}


def test_every_example_is_here():
    found = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
    assert found - {"demo/make_demo_audio.py"} == set(ARGUMENTS)


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("name", ARGUMENTS)
def test_example(name, tmp_path):
    command = [sys.executable, EXAMPLES / name, *ARGUMENTS[name]]
    samples, _ = soundfile.read(DEMO, dtype="int16", always_2d=True)
    (tmp_path / "raw").write_bytes(
        np.repeat(samples[: 8 * 44100], 3 - samples.shape[1], 1).tobytes()
    )
    with (tmp_path / "raw").open() as raw:  # for the one that listens to a pipe
        done = subprocess.run(
            command, cwd=tmp_path, stdin=raw, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    outputs = {"out.wav": 1e6, "out.mid": 300}
    for written in set(outputs) & set(ARGUMENTS[name]):
        assert (tmp_path / written).stat().st_size > outputs[written]
    if name == "demo/demo.py":
        written = {path.name for path in (tmp_path / "demo-output").iterdir()}
        assert written == {"demo.wav", "demo.csv", "demo.png"}
        assert "drums 0." in done.stdout
