"""The window of the plugins for Windows, under wine on an X server without a screen."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hosts import ROOT, needs, run
from sharing import locked
from windowhost import WindowHost, choose_and_learn, drag_the_threshold
from xserver import XServer

LIBRARIES = {
    "lv2": "tagnode.lv2/tagnode.dll",
    "clap": "tagnode.clap",
    "vst3": "Tagnode.vst3/Contents/x86_64-win/Tagnode.vst3",
}
MINGW = "x86_64-w64-mingw32-gcc"
PACKAGES = "wine wine64 gcc-mingw-w64-x86-64 xvfb xdotool"
pytestmark = [
    needs("wine", MINGW, "Xvfb", "xdotool", package=PACKAGES),
    pytest.mark.xdist_group("wine"),  # one server, one screen
]


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    """A screen, and in its environment the folder in which wine has its Windows."""
    prefix = ROOT / "build" / "native" / "wine"  # that of native/tests/run.sh
    with locked(prefix.with_name("wine.lock")), XServer() as server:
        server.environment |= {
            "WINEPREFIX": str(prefix),
            "WINEDEBUG": "-all",
            # No questions whether to install Mono and Gecko, and no debugger that waits.
            "WINEDLLOVERRIDES": "mscoree,mshtml,winedbg.exe=",
        }
        subprocess.run(["wine", "cmd", "/c", "exit"], env=server.environment, timeout=300)
        yield server
        stop = shutil.which("wineserver") or "/usr/lib/wine/wineserver64"
        subprocess.run([stop, "--kill"], env=server.environment, timeout=30)


@pytest.fixture
def host(
    request: pytest.FixtureRequest, built_for_windows: Path, server: XServer
) -> Iterator[WindowHost]:
    kind = str(request.param)
    program = built_for_windows / "tests" / "plugin" / f"window_host_{kind}.exe"
    with WindowHost(["wine", program, built_for_windows / LIBRARIES[kind]], server) as host:
        yield host


def only(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("host", kinds, indirect=True)


@only(*LIBRARIES)
def test_the_pointer_drags_the_threshold_and_the_host_reads_the_value(host: WindowHost) -> None:
    drag_the_threshold(host)
    host.finish()


@only("clap")
def test_keys_choose_a_source_and_learn_a_threshold(host: WindowHost) -> None:
    choose_and_learn(host)
    host.finish()


@only("lv2")
def test_a_window_changes_no_sample(host: WindowHost) -> None:
    with_window = host.ask("sound")
    assert host.ask("hide") == "ok"
    assert host.ask("sound") == with_window
    host.finish()


@only("vst3")
def test_windows_of_any_size_open_and_close(host: WindowHost) -> None:
    for line in (
        *("size 1 1", "wait 0.1", "size 3 700", "wait 0.1", "size 1300 800", "wait 0.1"),
        *("scale 2", "wait 0.1", "unmap", "wait 0.3", "map"),
        *("strange", "orphan", "wait 0.1"),
    ):
        assert host.ask(line) == "ok", line
    assert host.ask("many 3", 120) == "ok"  # some at once
    for _ in range(20):
        assert host.ask("hide") == "ok"
        assert host.ask("show") == "ok"
    host.finish()


def test_it_looks_as_on_linux(
    built: Path, built_for_windows: Path, server: XServer, tmp_path: Path
) -> None:
    """Cairo's picture and that of GDI+ differ in letters and at edges only."""
    tested = built / "tests" / "plugin" / "test_window"
    if not tested.exists():
        pytest.skip("no window for Linux: apt-get install libcairo2-dev dpf-source")
    pictures = [tmp_path / name for name in ("linux.ppm", "windows.ppm")]
    run(tested, pictures[0])
    program = built_for_windows / "tests" / "plugin" / "test_window.exe"
    run("wine", program, pictures[1], env=server.environment)
    first, second = (read_picture(path) for path in pictures)
    unlike = np.abs(first - second).max(-1) > 40
    assert first.shape == second.shape == (560, 960, 3)
    assert unlike.mean() < 0.08
    blocks = unlike.reshape(35, 16, 60, 16).mean((1, 3))
    assert blocks.max() < 0.6  # no place where one has what the other lacks


def read_picture(path: Path) -> np.ndarray:
    header, pixels = path.read_bytes().split(b"\n", 1)
    width, height = map(int, header.split()[1:3])
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3).astype(int)


def test_the_turtle_names_the_window(built_for_windows: Path) -> None:
    manifest = (built_for_windows / "tagnode.lv2" / "manifest.ttl").read_text(encoding="utf-8")
    assert "ui:WindowsUI" in manifest
    assert "lv2:binary <tagnode_window.dll>" in manifest
