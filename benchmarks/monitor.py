"""The radio monitor beside its peers: processor time, memory, writes, and what each detects."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import soundfile

from benchmarks import detectors
from benchmarks.report import Figure, Row
from benchmarks.sounds import DEMO

STATIONS = (1, 4, 16)
SHARES, MEMORY = (1.0, 2.5, 7.0), (80, 90, 130)  # at most: per cent of a core, MiB
WRITTEN = 20  # MB a day at most: a memory card of 16 GB is written over in two years
WARM, SECONDS = 8.0, 20.0
BIT_RATE = 128_000
TICKS = os.sysconf("SC_CLK_TCK")


def measure(*, long: bool = False) -> list[Figure]:
    peer = shutil.which("ffmpeg")
    shares, memory = [], []
    with _server() as port, tempfile.TemporaryDirectory() as name:
        for count, share, most in zip(STATIONS, SHARES, MEMORY, strict=True):
            cpu, resident = _monitored(port, Path(name), count)
            shares.append(Row(f"{count} stations", cpu, limit=share))
            memory.append(Row(f"{count} stations", resident, limit=most))
            if peer:
                cpu, resident = _detected(peer, port, count)
                shares.append(Row(f"ffmpeg silencedetect, {count}", cpu, f"ffmpeg {count}"))
                memory.append(Row(f"ffmpeg silencedetect, {count}", resident, f"ffmpeg {count}"))
    writes = []
    for commit, most in ((60, WRITTEN), (300, None)):
        command = [
            sys.executable,
            "-m",
            "benchmarks.log_writes",
            "30" if long else "0.5",
            str(commit),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        flushed, kept = map(float, done.stdout.split())
        writes.append(Row(f"commit = {commit}s", flushed, limit=most, beside={"kept": kept}))
    what = "MP3 128 kbit/s, 44.1 kHz stereo, from loopback"
    return [
        Figure("monitor", f"processor time, {what}", "% of a core", shares),
        Figure("monitor", f"resident memory, {what}", "MiB", memory),
        Figure(
            "monitor",
            "log of 4 stations, a segment every 90 s, a title every 210 s",
            "MB a day to the disk",
            writes,
        ),
        detectors.measure(),
    ]


def _mp3() -> bytes:
    samples, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    stereo = np.repeat(samples.T[:1], 2, axis=0)
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as output:
        stream = output.add_stream("libmp3lame", rate=rate, layout="stereo")
        stream.bit_rate = BIT_RATE
        for start in range(0, stereo.shape[1], 1152):
            part = np.ascontiguousarray(stereo[:, start : start + 1152])
            frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
            frame.sample_rate, frame.pts = rate, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


class _server:  # noqa: N801 - a context manager
    """Sends the demo recording over and over, in real time, to anyone."""

    def __enter__(self) -> int:
        data = _mp3()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "audio/mpeg")
                self.send_header("icy-name", self.path.strip("/"))
                self.end_headers()
                begun, sent = time.monotonic(), 0
                try:
                    while True:
                        due = int((time.monotonic() - begun + 3) * BIT_RATE / 8)
                        while sent < due:
                            at = sent % len(data)
                            part = data[at : at + min(due - sent, len(data) - at)]
                            self.wfile.write(part)
                            sent += len(part)
                        time.sleep(0.25)
                except OSError:
                    return

            def log_message(self, *about: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return int(self._server.server_address[1])

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _cpu(process: int) -> float:
    """Return the processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _resident(process: int) -> float:
    """Return the memory of a process that is its own, and its share of what others have, in MiB."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _over(processes: list[subprocess.Popen[bytes]]) -> tuple[float, float]:
    """Return per cent of a core and MiB of these processes together."""
    try:
        time.sleep(WARM)
        before, begun = sum(_cpu(each.pid) for each in processes), time.monotonic()
        time.sleep(SECONDS)
        used = sum(_cpu(each.pid) for each in processes) - before
        share = 100 * used / (time.monotonic() - begun)
        return share, sum(_resident(each.pid) for each in processes)
    finally:
        for each in processes:
            each.terminate()
        for each in processes:
            each.wait()


def _monitored(port: int, folder: Path, count: int) -> tuple[float, float]:
    config = folder / f"{count}.toml"
    stations = "".join(
        f'[[station]]\nname = "Station {number}"\nurl = "http://127.0.0.1:{port}/{number}"\n'
        for number in range(count)
    )
    config.write_text(f'[monitor]\ndata = "{folder / str(count)}"\n{stations}')
    command = [sys.executable, "-m", "pyplugin", "monitor", "run", "--quiet", "--config", config]
    return _over([subprocess.Popen(command)])


def _detected(program: str, port: int, count: int) -> tuple[float, float]:
    quiet = ["-nostdin", "-loglevel", "error"]
    detect = ["-af", "silencedetect=n=-40dB:d=5", "-f", "null", "-"]
    return _over(
        [
            subprocess.Popen([program, *quiet, "-i", f"http://127.0.0.1:{port}/{n}", *detect])
            for n in range(count)
        ]
    )
