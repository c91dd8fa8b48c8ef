"""A made-up station on a loopback Icecast goes wrong in five ways, and the monitor reports it.

Takes two minutes. Needs Icecast: sudo apt-get install icecast2
"""

import argparse
import base64
import getpass
import io
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import av
import numpy as np
import soundfile

HERE = Path(__file__).parent
RATE, BIT_RATE, PASSWORD = 44100, 128_000, "demo"
RULES = {"no programme": 6, "tone": 6, "out of phase": 5, "stuck": 6, "down": 4}  # seconds


def schedule(programme: np.ndarray, scale: float) -> list[tuple[str, np.ndarray]]:
    """Return what is sent, with a title each: programme, and what goes wrong."""

    def part(start: float, seconds: float) -> np.ndarray:
        first = round(start * RATE)
        return programme[:, first : first + round(scale * seconds * RATE)]

    t = np.arange(round(scale * 15 * RATE)) / RATE
    tone = np.tile(0.25 * np.sin(2 * np.pi * 1000 * t), (2, 1))
    loop = programme[:, 14 * RATE : 14 * RATE + 141_000]  # 3.2 s
    repeats = -(-round(scale * 24 * RATE) // loop.shape[1])
    return [
        ("Good morning", part(0, 14)),
        ("Nothing at all", np.zeros((2, len(t)))),
        ("Music for the morning", part(13, 8)),
        ("A test tone", tone),
        ("More music", part(19, 8)),
        ("One channel inverted", part(13, 14) * [[1], [-1]]),
        ("Music again", part(30, 6)),
        ("The same, over and over", np.tile(loop, (1, repeats))),
    ]


def encoded(samples: np.ndarray) -> bytes:
    """Return samples, (2, n), as MP3."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as out:
        stream = out.add_stream("libmp3lame", rate=RATE, layout="stereo")
        stream.bit_rate = BIT_RATE
        for start in range(0, samples.shape[1], 1152):
            part = np.ascontiguousarray(samples[:, start : start + 1152], np.float32)
            frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
            frame.sample_rate, frame.pts = RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def start_icecast(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start Icecast on loopback; return its process and port."""
    program = shutil.which("icecast2") or shutil.which("icecast")
    if program is None:
        sys.exit("This demo needs Icecast: sudo apt-get install icecast2")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    owner = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"
    folder.chmod(0o777)
    config = folder / "icecast.xml"
    config.write_text(
        textwrap.dedent(f"""\
        <icecast><hostname>127.0.0.1</hostname>
          <authentication><source-password>{PASSWORD}</source-password>
            <admin-user>admin</admin-user><admin-password>{PASSWORD}</admin-password>
          </authentication>
          <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
          <paths><logdir>{folder}</logdir><webroot>/usr/share/icecast2/web</webroot>
            <adminroot>/usr/share/icecast2/admin</adminroot></paths>
          <security><chroot>0</chroot>{owner if getpass.getuser() == "root" else ""}</security>
        </icecast>""")
    )
    silent = subprocess.DEVNULL
    process = subprocess.Popen([program, "-c", config], stdout=silent, stderr=silent)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            break
        except OSError:
            time.sleep(0.1)
    return process, port


def authorization(user: str) -> str:
    """Return the header of a user of Icecast."""
    return "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()


def set_title(port: int, title: str) -> None:
    """Tell listeners what is on."""
    query = urllib.parse.urlencode({"mode": "updinfo", "mount": "/demo.mp3", "song": title})
    request = urllib.request.Request(f"http://127.0.0.1:{port}/admin/metadata?{query}")
    request.add_header("Authorization", authorization("admin"))
    urllib.request.urlopen(request, timeout=5).close()


def broadcast(port: int, parts: list[tuple[str, bytes]], began: list[tuple[str, float]]) -> None:
    """Send the parts in real time, each with its title; note when each began."""
    with socket.create_connection(("127.0.0.1", port)) as source:
        source.sendall(
            f"PUT /demo.mp3 HTTP/1.0\r\nAuthorization: {authorization('source')}\r\n"
            "Content-Type: audio/mpeg\r\nIce-Name: Demo FM\r\n\r\n".encode()
        )
        source.recv(1024)
        begun, sent = time.monotonic(), 0.0
        for title, data in parts:
            set_title(port, f"Demo FM - {title}")
            began.append((title, time.time()))
            for start in range(0, len(data), 4096):
                piece = data[start : start + 4096]
                source.sendall(piece)
                sent += len(piece) * 8 / BIT_RATE
                time.sleep(max(0.0, begun + sent - time.monotonic()))
    began.append(("The source is gone", time.time()))


def monitor(command: str, config: Path, *options: str) -> str:
    """Run a command of the monitor, and return its output."""
    words = [sys.executable, "-m", "pyplugin", "monitor", command, "--config", config, *options]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="demo-output", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    samples, rate = soundfile.read(HERE / "demo.ogg", dtype="float32", always_2d=True)
    assert rate == RATE
    mono = samples.mean(axis=1)
    programme = np.stack([mono, mono]) + 0.05 * np.roll(mono, 500) * [[1], [-1]]  # a little width
    parts = [(title, encoded(each)) for title, each in schedule(programme, 1.0)]
    config = folder / "radio.toml"
    shutil.rmtree(folder / "monitor", ignore_errors=True)
    began: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        icecast, port = start_icecast(Path(name))
        rules = "".join(
            f'[[alarm]]\nname = "{rule}"\nwhen = "{rule}"\nfor = "{seconds}s"\nclear = "2s"\n'
            for rule, seconds in RULES.items()
        )
        config.write_text(
            f"[monitor]\ndata = {json.dumps(str((folder / 'monitor').resolve()))}\n"
            'default_alarms = false\nlisten = "127.0.0.1:0"\nclips = "20MB"\n'
            f'[[station]]\nname = "Demo FM"\nurl = "http://127.0.0.1:{port}/demo.mp3"\n'
            f'timeout = "2s"\n{rules}'
        )
        print("Demo FM is on the air for two minutes; what the monitor reports:\n", flush=True)
        sender = threading.Thread(target=broadcast, args=(port, parts, began), daemon=True)
        sender.start()
        time.sleep(1)
        words = [sys.executable, "-m", "pyplugin", "monitor", "run", "--config", config]
        listener = subprocess.Popen(words)
        try:
            sender.join()
            time.sleep(8)
        finally:
            listener.terminate()
            listener.wait()
            icecast.terminate()
            icecast.wait()
    print("\nWhat was sent:\n")
    for title, at in began:
        print(f"  {time.strftime('%H:%M:%S', time.localtime(at))}  {title}")
    print("\nThe log:\n")
    print(textwrap.indent(monitor("log", config), "  "))
    print(textwrap.indent(monitor("log", config, "--titles"), "  "))
    print(textwrap.indent(monitor("alarms", config), "  "), end="")


if __name__ == "__main__":
    main()
