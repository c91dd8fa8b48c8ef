"""The hosts of ``native/tests/plugin/window``, and what a person does in the plugin's window."""

import re
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from xserver import XServer, wait_for

SOURCE, GATE, THRESHOLD = 1001, 1002, 1003  # ids of slot 1
AMBER = (0xFF, 0xB0, 0x00)
"""The threshold's handle where there is a gate."""


def handle(server: XServer) -> tuple[int, int] | None:
    """Where the threshold's handle of the first slot that has one is."""
    rows, columns = np.nonzero((server.picture() == AMBER).all(-1))
    if len(rows) == 0:
        return None
    return int(np.median(columns[rows == rows[0]])), int(rows[0]) + 12


class WindowHost:
    """A ``window_host``, started by a command, and what it has printed."""

    def __init__(self, command: Sequence[str | Path], server: XServer) -> None:
        self.process = subprocess.Popen(
            command,
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.server = server
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        wait_for(lambda: any("window" in line for line in self.lines), "a window opens", 60)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def ask(self, line: str, seconds: float = 60) -> str:
        """Send a line, and return the answer to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answers = ("ok", "value", "refused", "not refused", "what?")
        before = sum(each.startswith(answers) for each in self.lines)

        def answered() -> bool:
            return sum(each.startswith(answers) for each in self.lines) > before

        wait_for(answered, line, seconds)
        return next(each for each in reversed(self.lines) if each.startswith(answers))

    def edits(self) -> list[tuple[str, int, float]]:
        found = [re.fullmatch(r"(begin|set|end) (\d+) (\S+)", line) for line in self.lines]
        return [(each[1], int(each[2]), float(each[3])) for each in found if each]

    def finish(self) -> None:
        """End it, and expect that none of its checks has failed."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        wait_for(lambda: self.lines[-1].endswith(" 0 failed"), f"{self.lines[-1]}: no check fails")

    def __enter__(self) -> "WindowHost":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.reader.join(20)
        with self.process:  # closes its pipes
            pass


def drag_the_threshold(host: WindowHost) -> None:
    """Drag it by 60 pixels, which the host reads; then the host sets it, which is shown."""
    server = host.server
    assert host.ask(f"set {GATE} 1") == "ok"
    wait_for(lambda: handle(server) is not None, "the host's change is shown")
    x, y = handle(server) or (0, 0)
    steps = [step for way in (20, 40, 60) for step in ("mousemove", x + way, y)]
    server.move("mousemove", x, y, "mousedown", 1, *steps, "mouseup", 1)
    wait_for(lambda: ("end", THRESHOLD, 0) in host.edits(), "the edit ends")
    edits = [each for each in host.edits() if each[1] == THRESHOLD]
    assert [each[0] for each in edits] == ["begin", *["set"] * (len(edits) - 2), "end"]
    value = edits[-2][2]
    assert 0.55 < value < 0.95
    assert float(host.ask(f"get {THRESHOLD}").split()[1]) == pytest.approx(value, abs=1e-4)
    wait_for(lambda: abs((handle(server) or (0, 0))[0] - x - 60) <= 2, "it is where it was dragged")
    assert host.ask(f"set {THRESHOLD} 0.25") == "ok"
    wait_for(lambda: (handle(server) or (x, 0))[0] < x - 30, "the host's value is shown")
    assert host.ask(f"get {THRESHOLD}") == "value 0.25"


def choose_and_learn(host: WindowHost) -> None:
    """By keys: the source of slot 1, then its threshold from what has been playing."""
    server = host.server
    assert host.ask("wait 0.5") == "ok"
    server.move("mousemove", 262, 105, "click", 1)  # the number of slot 1, which takes the keys
    wait_for(lambda: host.ask("wait 0.1") == "ok", "the click arrives")
    server.move("key", "s", "key", "Down", "key", "Return")
    wait_for(lambda: ("end", SOURCE, 0) in host.edits(), "a source is chosen")
    assert float(host.ask(f"get {SOURCE}").split()[1]) == 1  # rms_db, after "none"
    assert host.ask("wait 2.5") == "ok"  # a loud second and a quiet one
    server.move("key", "l")
    wait_for(lambda: ("end", GATE, 0) in host.edits(), "the gate is set")
    assert 0.2 < float(host.ask(f"get {THRESHOLD}").split()[1]) < 0.75
    assert host.ask(f"get {GATE}") == "value 1"
