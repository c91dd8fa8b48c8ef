"""Every example runs, on the recording that ships with the project."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
DEMO = EXAMPLES / "demo" / "demo.ogg"
ARGUMENTS = {
    "tag_a_file.py": [DEMO],
    "listen_in_blocks.py": [DEMO],
    "own_effect.py": [DEMO, "out.wav"],
    "demo/demo.py": ["demo-output"],
}


def test_every_example_is_here():
    found = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
    assert found - {"demo/make_demo_audio.py"} == set(ARGUMENTS)


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("name", ARGUMENTS)
def test_example(name, tmp_path):
    command = [sys.executable, EXAMPLES / name, *ARGUMENTS[name]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 5 or (tmp_path / "out.wav").stat().st_size > 1e6
    if name == "demo/demo.py":
        written = {path.name for path in (tmp_path / "demo-output").iterdir()}
        assert written == {"demo.wav", "demo.csv", "demo.png"}
        assert "techno 0." in done.stdout
