"""The plugins and the C hosts of their tests, built with CMake."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the bundles, with the hosts in tests/plugin; that of native/tests/run.sh."""
    if shutil.which("cmake") is None:
        pytest.skip("no cmake to build the plugins with: apt-get install cmake")
    folder = ROOT / "build" / "native" / "plain"
    folder.mkdir(parents=True, exist_ok=True)
    scene = ROOT / "build" / "scene.tagnode"
    options = ["-DTAGNODE_TESTS=ON", "-DTAGNODE_PLUGINS=ON", f"-DTAGNODE_SCENE={scene}"]
    for command in (
        [sys.executable, "-m", "pyplugin.daw.container", "scene", scene],
        ["cmake", "-S", ROOT / "native", "-B", folder, *options],
        ["cmake", "--build", folder, "--parallel", "2"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder
