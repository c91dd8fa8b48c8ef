"""An X server without a screen, whose picture and pointer tests see and move."""

import mmap
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import numpy as np


class XServer:
    """``Xvfb`` on a display of its own; ``environment`` is what programs need to find it."""

    def __init__(self, width: int = 1400, height: int = 900) -> None:
        self.size = (width, height)
        self.environment = dict(os.environ)
        self._folder = Path(tempfile.mkdtemp(prefix="xvfb"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "XServer":
        read, write = os.pipe()
        width, height = self.size
        screen = ["-screen", "0", f"{width}x{height}x24", "-fbdir", str(self._folder)]
        self._process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), *screen, "-nolisten", "tcp"],
            pass_fds=[write],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError("Xvfb does not start")
        self.environment["DISPLAY"] = f":{number}"
        self.environment.pop("WAYLAND_DISPLAY", None)
        return self

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def picture(self) -> np.ndarray:
        """Return what the screen shows, ``(height, width, 3)`` in red, green, blue of 0 to 255."""
        with (self._folder / "Xvfb_screen0").open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            header = np.frombuffer(data, ">u4", 25)  # XWDFile.h
            begin = int(header[0]) + 12 * int(header[19])
            height, line = int(header[5]), int(header[12])
            pixels = np.frombuffer(data, np.uint8, height * line, begin).reshape(height, -1, 4)
            return pixels[:, : int(header[4]), 2::-1].copy()

    def move(self, *steps: object) -> None:
        """Let xdotool move the pointer, press and type."""
        subprocess.run(["xdotool", *map(str, steps)], env=self.environment, check=True, timeout=30)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.05)
