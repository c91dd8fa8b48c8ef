"""Shared by the tests of the plugins: running programs, and inspecting files."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "native" / "tests" / "plugin"


def need(tool: str | Path, package: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool}: apt-get install {package}")


def needs(*tools: str | Path, package: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test without these programs or files, before anything is built."""
    lacks = [str(each) for each in tools if not (shutil.which(each) or Path("/", each).exists())]
    return pytest.mark.skipif(bool(lacks), reason=f"no {lacks}: apt-get install {package}")


def run(*command: object, **options: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def exported(library: Path) -> set[str]:
    """The symbols that a library shows."""
    need("nm", "binutils")
    lines = run("nm", "-D", "--defined-only", library).splitlines()
    return {line.split()[-1] for line in lines} - {"__bss_start", "_edata", "_end"}  # the linker's


def needed(library: Path) -> set[str]:
    """The libraries that a library wants, without versions."""
    need("readelf", "binutils")
    names = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", library))
    return {name.split(".so")[0] for name in names}
