"""Real broadcasts on loopback: Icecast with its sources, HLS by ffmpeg, RTSP by GStreamer.

What they send is a time code: a tone for every half second, whose frequency counts them.
"""

from __future__ import annotations

import contextlib
import getpass
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

FFMPEG = ("ffmpeg", "-nostdin", "-loglevel", "warning")
SLOT = 0.5
SLOTS = 120
PASSWORD = "source-of-a-test"


def timecode(seconds: float, rate: int, channels: int) -> np.ndarray:
    """Return a tone a slot, (channels, n): slot k has 400 + 20 (k mod SLOTS) Hz, faded."""
    n = round(SLOT * rate)
    t = np.arange(n) / rate
    fade = np.minimum(1, np.minimum(t, SLOT - t) / 0.02)
    slots = [
        0.4 * fade * np.sin(2 * np.pi * (400 + 20 * (k % SLOTS)) * t)
        for k in range(round(seconds / SLOT))
    ]
    return np.tile(np.concatenate(slots).astype(np.float32), (channels, 1))


def slots_of(samples: np.ndarray, rate: int) -> list[int]:
    """Return the numbers of the slots that samples, (n,), carry, each as often as it is there."""
    step = rate // 50
    size = rate // 10
    found: list[int] = []
    run: list[int] = []
    window = np.hanning(size)
    for start in range(0, len(samples) - size, step):
        part = samples[start : start + size].astype(np.float32)
        if samples.dtype == np.int8:
            part /= 127
        if np.abs(part).max() < 0.1:
            continue
        spectrum = np.abs(np.fft.rfft(part * window, 8 * size))
        slot = round((np.argmax(spectrum) * rate / (8 * size) - 400) / 20)
        if run and slot != run[-1]:
            if len(run) >= 8:
                found.append(run[-1])
            run = []
        run.append(slot)
        if len(run) > 40:  # the same slot twice over
            found.append(slot)
            run = run[:8]
    if len(run) >= 8:
        found.append(run[-1])
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        time.sleep(0.05)
    raise TimeoutError(port)


class Process:
    """A program that can be stopped for a while, ended, and started anew."""

    def __init__(self, *words: object, folder: Path) -> None:
        self._words, self._folder = [str(word) for word in words], folder
        self.start()

    def start(self, *words: object) -> None:
        if words:
            self._words = [str(word) for word in words]
        log = (self._folder / "log.txt").open("ab")
        self._process = subprocess.Popen(
            self._words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder
        )
        log.close()

    def stall(self, seconds: float) -> None:
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def running(*words: object, folder: Path) -> Iterator[Process]:
    process = Process(*words, folder=folder)
    try:
        yield process
    finally:
        process.end()


# ---- Icecast


@contextlib.contextmanager
def icecast() -> Iterator[int]:
    """Run Icecast, which refuses to be root, in a folder that it may write to; yield its port."""
    with tempfile.TemporaryDirectory() as name:
        yield from _icecast(Path(name))


def _icecast(folder: Path) -> Iterator[int]:
    port = free_port()
    user = "nobody" if getpass.getuser() == "root" else ""
    owner = f"<changeowner><user>{user}</user><group>nogroup</group></changeowner>" if user else ""
    folder.chmod(0o777)
    program = shutil.which("icecast2") or shutil.which("icecast")
    assert program is not None
    (folder / "icecast.xml").write_text(
        textwrap.dedent(f"""\
        <icecast>
          <limits><source-timeout>6</source-timeout><burst-size>65535</burst-size></limits>
          <authentication><source-password>{PASSWORD}</source-password>
            <admin-user>admin</admin-user><admin-password>{PASSWORD}</admin-password>
          </authentication>
          <hostname>127.0.0.1</hostname>
          <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
          <mount type="normal"><mount-name>/main</mount-name>
            <fallback-mount>/spare</fallback-mount><fallback-override>1</fallback-override></mount>
          <paths><logdir>{folder}</logdir><webroot>/usr/share/icecast2/web</webroot>
            <adminroot>/usr/share/icecast2/admin</adminroot></paths>
          <security><chroot>0</chroot>{owner}</security>
        </icecast>""")
    )
    with running(program, "-c", folder / "icecast.xml", folder=folder):
        wait_for(port)
        yield port


def source(port: int, mount: str, file: Path, *, bit_rate: int = 128, **icecast: str) -> list[str]:
    """Return the ffmpeg command that broadcasts a file in real time, over and over, as MP3."""
    return [
        *FFMPEG,
        *("-re", "-stream_loop", "-1", "-i", str(file)),
        *("-c:a", "libmp3lame", "-b:a", f"{bit_rate}k", "-f", "mp3", "-content_type", "audio/mpeg"),
        *(word for name, text in icecast.items() for word in (f"-ice_{name}", text)),
        f"icecast://source:{PASSWORD}@127.0.0.1:{port}{mount}",
    ]


def liquidsoap(port: int, mount: str, files: list[tuple[Path, str]]) -> str:
    """Return a program that broadcasts files in turn as chained Ogg with their titles."""
    tags = 'annotate:artist=\\"A\\",title=\\"'
    entries = ", ".join(f'"{tags}{title}\\":{path}"' for path, title in files)
    return textwrap.dedent(f"""\
        settings.init.allow_root.set(true)
        settings.log.stdout.set(true)
        s = playlist.list(mode="normal", [{entries}])
        output.icecast(%vorbis(samplerate=44100, channels=2), host="127.0.0.1", port={port},
          password="{PASSWORD}", mount="{mount}", name="Liquid", fallible=true, s)
        """)


# ---- HLS and RTSP


@contextlib.contextmanager
def folder_server(folder: Path) -> Iterator[int]:
    """Serve a folder over HTTP; yield the port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def segmenter(file: Path, number: int) -> list[str]:
    """Return the ffmpeg command that writes a live HLS playlist of a file in real time."""
    flags = "delete_segments+append_list+omit_endlist+temp_file"
    return [
        *FFMPEG,
        *("-re", "-stream_loop", "-1", "-i", str(file)),
        *("-c:a", "aac", "-b:a", "96k", "-f", "hls", "-hls_time", "2", "-hls_list_size", "6"),
        *("-hls_flags", flags, "-hls_segment_filename", f"run{number}_%05d.ts", "live.m3u8"),
    ]


RTSP = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
port, file, rate, channels = sys.argv[1:]
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_launch(
    f"( filesrc location={file} ! wavparse ! audioconvert ! "
    f"audio/x-raw,format=S16BE,rate={rate},channels={channels} ! rtpL16pay name=pay0 )"
)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
GLib.MainLoop().run()
"""


def rtsp_server(port: int, file: Path, rate: int, channels: int) -> list[str]:
    """Return the command of GStreamer's RTSP server, which plays a file to each who connects."""
    return ["/usr/bin/python3", "-c", RTSP, str(port), str(file), str(rate), str(channels)]


def missing() -> list[str]:
    """Return what of all this is not installed."""
    lacks = [name for name in ("icecast2", "ffmpeg", "liquidsoap") if shutil.which(name) is None]
    imports = ["/usr/bin/python3", "-c", RTSP.split("Gst.init")[0]]
    if subprocess.run(imports, capture_output=True, check=False).returncode:
        lacks.append("gir1.2-gst-rtsp-server-1.0 and python3-gi")
    return lacks


def write_timecode(path: Path, seconds: float, rate: int, channels: int) -> Path:
    soundfile.write(path, timecode(seconds, rate, channels).T, rate, subtype="PCM_16")
    return path


def resident() -> int:
    """Return the memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(missing(), file=sys.stderr)
