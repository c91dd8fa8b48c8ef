"""The plugins and the C hosts of their tests, built with CMake."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sharing import ROOT, folder_of_the_run, made_once

PLUGINS = ("tagnode_lv2", "tagnode_lv2_ttl", "tagnode_clap", "tagnode_vst3", "tagnode_make_docs")
HOSTS = ("host_lv2", "fuzz_lv2", "host_clap", "host_vst3", "tagnode_windows")
WINDOWS = ("tagnode_lv2", "tagnode_lv2_ttl", "tagnode_clap", "tagnode_vst3", "tagnode_windows")
MINGW = "x86_64-w64-mingw32-gcc"


def carried() -> dict[str, object]:
    """Options of a build with plugins and tests."""
    files = {
        "TAGNODE_SCENE": ROOT / "build" / "scene.tagnode",
        "TAGNODE_PRESETS": ROOT / "build" / "presets.c",
    }
    return {"TAGNODE_TESTS": "ON", "TAGNODE_PLUGINS": "ON", **files}


def run_all(commands: Sequence[Sequence[object]]) -> None:
    for command in commands:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the bundles, with the hosts in tests/plugin; that of native/tests/run.sh."""
    if shutil.which("cmake") is None:
        pytest.skip("no cmake to build the plugins with: apt-get install cmake")
    folder = ROOT / "build" / "native" / "plain"
    folder.mkdir(parents=True, exist_ok=True)
    given = carried()
    options = [f"-D{name}={value}" for name, value in given.items()]
    commands = [
        [sys.executable, "-m", "pyplugin.daw.container", "scene", given["TAGNODE_SCENE"]],
        [sys.executable, "-m", "pyplugin.daw.presets", given["TAGNODE_PRESETS"]],
        ["cmake", "-S", ROOT / "native", "-B", folder, *options],
        ["cmake", "--build", folder, "--parallel", "2", "--target", *PLUGINS, *HOSTS],
    ]
    made_once(folder_of_the_run(tmp_path_factory, "plugins"), lambda _: run_all(commands))
    return folder


@pytest.fixture(scope="session")
def built_for_windows(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for Windows, with the hosts that show the window."""
    folder = built.with_name("windows")
    options = [f"-D{name}={value}" for name, value in carried().items()]
    options += ["-DCMAKE_SYSTEM_NAME=Windows", "-DCMAKE_SYSTEM_PROCESSOR=x86_64"]
    options += [f"-DCMAKE_C_COMPILER={MINGW}", "-DTAGNODE_WINDOW=ON"]
    options += [f"-DTAGNODE_MAKE_TTL={built / 'plugin' / 'lv2' / 'tagnode_make_ttl'}"]
    commands = [
        ["cmake", "-S", ROOT / "native", "-B", folder, *options],
        ["cmake", "--build", folder, "--parallel", "2", "--target", *WINDOWS],
    ]
    made_once(folder_of_the_run(tmp_path_factory, "plugins-windows"), lambda _: run_all(commands))
    return folder
