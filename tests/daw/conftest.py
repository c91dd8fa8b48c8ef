"""The plugins and the C hosts of their tests, built with CMake."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sharing import ROOT, folder_of_the_run, made_once

PLUGINS = ("tagnode_lv2", "tagnode_lv2_ttl", "tagnode_clap", "tagnode_vst3", "tagnode_make_docs")
HOSTS = ("host_lv2", "fuzz_lv2", "host_clap", "host_vst3", "tagnode_windows")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the bundles, with the hosts in tests/plugin; that of native/tests/run.sh."""
    if shutil.which("cmake") is None:
        pytest.skip("no cmake to build the plugins with: apt-get install cmake")
    folder = ROOT / "build" / "native" / "plain"
    folder.mkdir(parents=True, exist_ok=True)
    scene = ROOT / "build" / "scene.tagnode"
    presets = ROOT / "build" / "presets.c"
    options = ["-DTAGNODE_TESTS=ON", "-DTAGNODE_PLUGINS=ON"]
    options += [f"-DTAGNODE_SCENE={scene}", f"-DTAGNODE_PRESETS={presets}"]
    commands = [
        [sys.executable, "-m", "pyplugin.daw.container", "scene", scene],
        [sys.executable, "-m", "pyplugin.daw.presets", presets],
        ["cmake", "-S", ROOT / "native", "-B", folder, *options],
        ["cmake", "--build", folder, "--parallel", "2", "--target", *PLUGINS, *HOSTS],
    ]

    def make(_: Path) -> None:
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

    made_once(folder_of_the_run(tmp_path_factory, "plugins"), make)
    return folder
