"""A base install, without any extra: it works with raw samples, and names what it lacks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import music

from pyplugin.cli import commands

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
ALLOWED = {re.match(r"[\w-]+", each)[0].lower() for each in PROJECT["dependencies"]}
RUN = """
import sys
from importlib.metadata import packages_distributions
allowed = set(sys.argv.pop(1).split(","))
class Blocker:
    known = packages_distributions()
    def find_spec(self, name, path=None, target=None):
        owners = {owner.lower() for owner in self.known.get(name.partition(".")[0], [])}
        if owners and not owners & allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
if sys.argv[1:2] == ["-c"]:
    exec(sys.argv[2])
else:
    from pyplugin.cli import main
    main()
"""


def run(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess:
    allowed = ",".join({*ALLOWED, "tagnode", "pycparser", "typing-extensions", "typing_extensions"})
    command = [sys.executable, "-c", RUN, allowed, *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=False)


@pytest.mark.parametrize("command", ["", *commands()])
def test_help_needs_no_extra(command):
    done = run(*command.split(), "--help")
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("tag", "examples/demo/demo.ogg"), "audio"),
        (("render", "a.wav", "b.wav", "--preset", "duck-under-voice"), "effects"),
        (("models", "get", "musicnn-mtt"), "litert"),
        (("devices",), "audio"),
        (("serve", "--port", "0"), "page"),
        (("listen",), "audio"),
        (("listen", "-", "--midi", "x.mid", "--cc", "tag.speech=20"), "live"),
        (("listen", "-", "--osc", "127.0.0.1:9"), "live"),
        (("presets", "list"), "live"),
        (("train", "network", "models/scene.toml", "--corpus", ".", "--out", "x"), "network"),
        (("catalogue", "build", "examples/demo", "build/none"), "catalogue"),
        (("teach", "x", "examples/demo/demo.ogg"), "train"),
    ],
)
def test_what_is_missing_is_named_with_its_command(arguments, extra, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    done = run(*arguments)
    text = done.stderr.decode()
    assert done.returncode in (1, 2), text
    assert f"pip install 'tagnode[{extra}]'" in text
    assert "Traceback" not in text


def test_scene_tags_arrays_and_raw_samples_without_any_extra():
    code = (
        "import numpy as np, pyplugin; "
        "print(pyplugin.tag(np.random.default_rng(0).normal(0, .1, 64000), 16000).top(1)[0][0])"
    )
    done = run("-c", code)
    assert done.stdout.decode().strip() == "noise", done.stderr.decode()
    samples = (music(3, 16000, 1).T * 32767).astype("<i2").tobytes()
    done = run("listen", "-", "--rate", "16000", "--channels", "1", data=samples)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b"LUFS") > 5
