"""A JACK server of the tests' own, without hardware, and clients of it that send and receive."""

import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from unittest.mock import patch

import numpy as np


class JackServer:
    """``jackd`` with the dummy driver, which runs in real time with silent inputs.

    ``environment`` is what programs need to find this server.
    """

    def __init__(self, name: str, rate: int = 48000, period: int = 256) -> None:
        self.name, self.rate, self.period = name, rate, period
        self.environment = {**os.environ, "JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it accepts clients."""
        options = f"-S -r -d dummy -r {self.rate} -p {self.period} -C 2 -P 2"
        with tempfile.TemporaryFile() as log:
            self._process = subprocess.Popen(
                ["jackd", "-n", self.name, *options.split()],
                env={**self.environment, "JACK_NO_AUDIO_RESERVATION": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            until = time.monotonic() + 20
            while self.run("jack_lsp").returncode != 0:
                if self._process.poll() is not None or time.monotonic() > until:
                    self._process.kill()
                    log.seek(0)
                    raise RuntimeError(f"jackd does not start: {log.read().decode()}")
                time.sleep(0.05)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def kill(self) -> None:
        """End it without a farewell to its clients; start and stop it once more to tidy up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(20)

    def __enter__(self) -> "JackServer":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is not None:
            self.start()  # JACK knows eight servers, dead ones among them until they come back
        self.stop()
        for left in Path("/dev/shm").glob(f"jack_sem.*_{self.name}_*"):
            left.unlink()  # clients that outlived their server

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a program that is to find this server."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def call(self, function: Callable[..., Any], *arguments: Any, seconds: float = 60) -> Any:
        """Return what a function of a module returns in a process of its own.

        PortAudio looks for servers when it is loaded; and should it crash or hang, the tests go on.
        """
        spawn = multiprocessing.get_context("spawn")
        with patch.dict(os.environ, self.environment), spawn.Pool(1) as pool:
            result = pool.apply_async(function, arguments).get(seconds)
            pool.close()
            pool.join()  # for JACK takes seconds over clients that are killed
            return result


SCALE = 2.0**-24
NOISE = np.random.default_rng(3).normal(0, 0.1, 1 << 16).astype(np.float32)


class Neighbours:
    """Two more clients, "sender" and "receiver", which stamp each sample with the server's time.

    The sender plays noise on one channel, ``NOISE[t % len(NOISE)]``, and ``t * SCALE`` on the
    other, t being the server's count of samples since it began. The receiver keeps what it gets.
    `cycles` are the times (``time.monotonic``, the same in all processes) of the sender's turns.
    """

    def __init__(self, server: JackServer) -> None:
        import jack

        self.sender = jack.Client("sender", servername=server.name, no_start_server=True)
        self.receiver = jack.Client("receiver", servername=server.name, no_start_server=True)
        for channel in (1, 2):
            self.sender.outports.register(f"out_{channel}")
            self.receiver.inports.register(f"in_{channel}")
        self.cycles: list[float] = []
        self._epoch = self.sender.frame_time - server.rate  # so that 0 is silence alone
        self._received: list[tuple[int, np.ndarray]] | None = None
        self.sender.set_process_callback(self._send)
        self.receiver.set_process_callback(self._receive)
        self.sender.activate()
        self.receiver.activate()

    def _send(self, frames: int) -> None:
        self.cycles.append(time.monotonic())
        times = self.sender.last_frame_time - self._epoch + np.arange(frames)
        noise, stamp = (port.get_array() for port in self.sender.outports)
        noise[:] = NOISE[times % len(NOISE)]
        stamp[:] = times * SCALE

    def _receive(self, frames: int) -> None:
        received = self._received  # once: `recorded` may take it away meanwhile
        if received is not None:
            now = self.receiver.last_frame_time - self._epoch
            arrays = [port.get_array() for port in self.receiver.inports]
            received.append((now, np.stack(arrays)))

    def record(self) -> None:
        """Keep from now on what is received."""
        self._received = []

    def recorded(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the time of each sample received, (n,), and the samples, (2, n)."""
        parts, self._received = self._received or [], None
        times = [start + np.arange(samples.shape[1]) for start, samples in parts]
        return np.concatenate(times), np.concatenate([samples for _, samples in parts], axis=1)

    def close(self) -> None:
        """Leave the server."""
        for client in (self.sender, self.receiver):
            client.deactivate()
            client.close()
