"""The plugins' window, in hosts of ours and of others, on an X server without a screen."""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import ROOT, exported, needed, needs
from jackserver import JackServer
from windowhost import GATE, WindowHost, choose_and_learn, drag_the_threshold, handle
from xserver import XServer, wait_for

from pyplugin.daw import parameters
from pyplugin.support.descriptors import tag_name

PUGL = "/usr/share/dpf/dgl/src/pugl-upstream/src/x11_cairo.c"
pytestmark = needs(
    *("Xvfb", "xdotool", "/usr/include/cairo/cairo-xlib.h", PUGL),
    package="xvfb xdotool libcairo2-dev dpf-source",
)

LIBRARIES = {
    "lv2": "tagnode.lv2/tagnode.so",
    "clap": "tagnode.clap",
    "vst3": f"Tagnode.vst3/Contents/{os.uname().machine}-linux/Tagnode.so",
}


@pytest.fixture(params=LIBRARIES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server() -> Iterator[XServer]:
    with XServer() as server:
        yield server


@pytest.fixture
def host(built: Path, kind: str, server: XServer) -> Iterator[WindowHost]:
    command = [built / "tests/plugin" / f"window_host_{kind}", built / LIBRARIES[kind]]
    with WindowHost(command, server) as host:
        yield host


def test_the_pointer_drags_the_threshold_and_the_host_reads_the_value(host: WindowHost) -> None:
    drag_the_threshold(host)
    host.finish()


def test_keys_choose_a_source_and_learn_a_threshold(host: WindowHost) -> None:
    choose_and_learn(host)
    host.finish()


def test_a_window_changes_no_sample(host: WindowHost) -> None:
    with_window = host.ask("sound")
    assert host.ask("hide") == "ok"
    assert host.ask("sound") == with_window
    host.finish()


def test_sizes_scales_and_strange_parents(host: WindowHost) -> None:
    for size in ((1, 1), (3, 700), (700, 3), (1300, 800)):
        assert host.ask(f"size {size[0]} {size[1]}") == "ok"
        assert host.ask("wait 0.1") == "ok"
    for scale in (1, 1.5, 2, 3):
        assert host.ask(f"scale {scale}") == "ok"
        assert host.ask("wait 0.1") == "ok"
    assert host.ask("unmap") == "ok"
    assert host.ask("wait 0.3") == "ok"
    assert host.ask("map") == "ok"
    assert host.ask("strange") == "ok"
    assert host.ask("orphan") == "ok"
    assert host.ask("wait 0.1") == "ok"
    host.finish()


def test_fifty_windows_open_and_close_at_random(host: WindowHost) -> None:
    assert host.ask("many 50", 120) == "ok"
    host.finish()


def test_the_host_outlives_the_display(host: WindowHost) -> None:
    host.server.kill()
    assert host.ask("wait 0.3") == "ok"
    assert host.ask(f"set {GATE} 2") == "ok"
    assert host.ask("hide") == "ok"
    host.finish()


@pytest.mark.parametrize("kind", ["clap"], indirect=True)
def test_nothing_is_drawn_while_it_is_hidden(host: WindowHost) -> None:
    """Measured as work of the thread, not against the clock: by far less than when it is seen."""
    assert host.ask("wait 0.3") == "ok"
    shown = float(host.ask("load").split()[1])
    assert host.ask("unmap") == "ok"
    assert host.ask("wait 0.3") == "ok"
    assert float(host.ask("load").split()[1]) < shown / 2
    host.finish()


def test_what_the_libraries_show_and_need(built: Path) -> None:
    window = built / "tagnode.lv2" / "tagnode_window.so"
    assert exported(window) == {"lv2ui_descriptor"}
    others = {name for name in needed(window) if not name.startswith("ld-linux")}
    assert {"libX11", "libcairo"} <= others <= {"libc", "libm", "libX11", "libcairo"}
    assert window.stat().st_size <= 1 << 19


def test_the_turtle_names_the_window(built: Path) -> None:
    """That it is valid is a test of the other files, which it refers to."""
    manifest = (built / "tagnode.lv2" / "manifest.ttl").read_text(encoding="utf-8")
    assert "ui:X11UI" in manifest
    assert "lv2:binary <tagnode_window.so>" in manifest


# ---- hosts of others ----


@needs("jalv.gtk3", package="jalv")
def test_jalv_shows_it_and_takes_the_threshold(
    built: Path, server: XServer, tmp_path: Path
) -> None:
    (tmp_path / "tagnode.lv2").symlink_to(built / "tagnode.lv2")
    noise = parameters.source_id(tag_name("noise"))  # some percent in silence
    controls = [f"slot1_source={noise}", "slot1_gate=1", "slot1_threshold=0.01"]
    controls += ["slot1_hysteresis=0", "slot1_release=0", "slot1_attack=0"]
    log = tmp_path / "log"
    with JackServer(f"window-{os.getpid()}") as jack, log.open("w") as output:
        environment = {**server.environment, "JACK_DEFAULT_SERVER": jack.name}
        environment |= {"JACK_NO_START_SERVER": "1", "LV2_PATH": f"{tmp_path}:/usr/lib/lv2"}
        environment |= {"HOME": str(tmp_path), "GDK_BACKEND": "x11"}
        options = [part for each in controls for part in ("-c", each)]
        process = subprocess.Popen(
            ["jalv.gtk3", "--print-controls", *options, "urn:pyplugin:tagnode"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(lambda: "slot1_value = 1.0" in log.read_text(), "the gate opens", 30)
            wait_for(lambda: handle(server) is not None, "the window is shown")
            x, y = handle(server) or (0, 0)
            steps = [step for way in (40, 80, 160) for step in ("mousemove", x + way, y)]
            server.move("mousemove", x, y, "mousedown", 1, *steps, "mouseup", 1)
            wait_for(
                lambda: re.findall(r"slot1_value = (\S+)", log.read_text())[-1] == "0.000000",
                "the gate closes at the new threshold",
            )
        finally:
            process.terminate()
            process.wait(20)


EDITOR = """
    import ctypes, subprocess, sys, threading, time
    import pedalboard

    # JUCE asks about windows that do not exist, and Xlib would end the program.
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    ignore = kind(lambda display, error: 0)
    ctypes.CDLL("libX11.so.6").XSetErrorHandler(ignore)
    plugin = pedalboard.load_plugin(sys.argv[1])
    plugin.slot_1_gate = "above"
    close = threading.Event()

    def read() -> None:
        print("open", flush=True)
        sys.stdin.readline()
        print(plugin.slot_1_threshold, flush=True)
        close.set()

    threading.Thread(target=read, daemon=True).start()
    plugin.show_editor(close)
    print("closed", flush=True)
"""


def test_pedalboard_shows_it_and_reads_the_threshold(built: Path, server: XServer) -> None:
    pytest.importorskip("pedalboard")
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(EDITOR), built / "Tagnode.vst3"],
        env=server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "open\n"
        wait_for(lambda: handle(server) is not None, "the window is shown", 30)
        x, y = handle(server) or (0, 0)
        steps = [step for way in (20, 40, 60) for step in ("mousemove", x + way, y)]
        server.move("mousemove", x, y, "mousedown", 1, *steps, "mouseup", 1)
        wait_for(lambda: abs((handle(server) or (0, 0))[0] - x - 60) <= 2, "it is dragged")
        printed, _ = process.communicate("\n", 30)
        value, end = printed.split()
        assert 0.55 < float(value) < 0.95
        assert end == "closed"
    finally:
        process.kill()
        with process:  # closes its pipes
            pass


# ---- builds without it ----


def test_a_build_says_what_the_window_lacks(tmp_path: Path) -> None:
    command = ["cmake", "-S", ROOT / "native", "-B", tmp_path, "-DTAGNODE_PLUGINS=ON"]
    command += ["-DTAGNODE_PUGL=/nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "sudo apt-get install dpf-source" in done.stderr
    assert "without their window" in done.stderr
