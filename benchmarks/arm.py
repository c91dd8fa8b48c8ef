"""Instructions of a radio station on 64-bit Arm, counted by QEMU: what a Raspberry Pi has to do.

QEMU counts instructions, not cycles. Processor time is estimated from an assumed number of
instructions per cycle, of which docs/radio/raspberry-pi.md states the range.

``PYPLUGIN_ARM64`` names a folder with Debian's ffmpeg for arm64 and the packages that it needs,
unpacked (``dpkg-deb -x``); without it decoding is left out.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.native import ROOT
from benchmarks.report import Figure, Row
from benchmarks.sounds import DEMO, demo_48k

BUILD = ROOT / "build" / "bench-aarch64"
COUNTER = BUILD / "count_instructions.so"
NEEDED = ("qemu-aarch64", "aarch64-linux-gnu-gcc", "cmake", "cc")
PACKAGES = "qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross cmake gcc"
CORES = {"cortex-a72": "Cortex-A53, A72: Pi Zero 2, 3, 4", "cortex-a76": "Cortex-A76: Pi 5"}
CODECS = {"MP3": ("libmp3lame", "mp3"), "AAC": ("aac", "adts"), "Opus": ("libopus", "ogg")}
HOP, SIGNALS = 0.5, 0.1  # seconds, of the monitor
SHORT, LONG = 10, 20  # seconds; the difference leaves out the start
TITLE = f"a second of audio, results every {HOP:g} s, signals every {SIGNALS:g} s (QEMU)"


def measure(*, long: bool = False) -> list[Figure]:
    from pyplugin.models import registry

    if not all(map(shutil.which, NEEDED)):
        reason = f"left out: apt-get install {PACKAGES}"
        return [Figure("arm", TITLE, "million instructions", [], [reason])]
    _build()
    scene = registry.load("scene")
    model = f"{scene.card.patch_frames}:{len(scene.card.labels)}:{scene.path}"
    rows = []
    with tempfile.TemporaryDirectory() as name:
        sound = demo_48k(Path(name) / "music.f32", 30)
        for core, meaning in CORES.items():
            for what, signals in (("scene", 0), ("scene and signals", SIGNALS)):
                station = ["station", model, str(sound), str(HOP), str(signals)]
                program = [str(BUILD / "bench_inline"), *station]
                rows.append(Row(f"{what}, {meaning}", _a_second(core, program)))
        root = os.environ.get("PYPLUGIN_ARM64")
        for codec in CODECS if root and shutil.which("ffmpeg") else ():
            rows.append(Row(f"decoding {codec}, stereo", _decoding(root, codec, Path(name))))
    notes = [] if root else ["Decoding is left out: PYPLUGIN_ARM64 names no ffmpeg for arm64."]
    return [Figure("arm", TITLE, "million instructions", rows, notes)]


def _build() -> None:
    cross = {
        "SYSTEM_NAME": "Linux",
        "SYSTEM_PROCESSOR": "aarch64",
        "C_COMPILER": "aarch64-linux-gnu-gcc",
        "EXE_LINKER_FLAGS": "-static",
    }
    options = [f"-DCMAKE_{name}={value}" for name, value in cross.items()]
    counter = ROOT / "native" / "bench" / "count_instructions.c"
    for command in (
        ["cmake", "-S", ROOT / "native" / "bench", "-B", BUILD, *options],
        ["cmake", "--build", BUILD, "--parallel", "--target", "bench_inline"],
        ["cc", "-shared", "-fPIC", "-O2", "-o", COUNTER, counter],
    ):
        subprocess.run(command, check=True, capture_output=True)


def _count(core: str, program: list[str], *options: str) -> int:
    command = ["qemu-aarch64", "-cpu", core, *options, "-plugin", str(COUNTER), "-d", "plugin"]
    done = subprocess.run([*command, *program], capture_output=True, text=True, check=True)
    found = re.search(r"instructions (\d+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def _a_second(core: str, program: list[str]) -> float:
    """Return millions of instructions for each second of audio more."""
    first, second = (_count(core, [*program, str(seconds)]) for seconds in (SHORT, LONG))
    return (second - first) / (LONG - SHORT) / 1e6


def _decoding(root: str, codec: str, folder: Path) -> float:
    encoder, container = CODECS[codec]
    libraries = {path.parent for path in Path(root).rglob("*.so*")}
    options = ["-L", root, "-E", f"LD_LIBRARY_PATH={':'.join(map(str, sorted(libraries)))}"]
    counts = []
    for seconds in (SHORT, LONG):
        file = folder / f"{seconds}.{container}"
        make = f"ffmpeg -v error -y -stream_loop -1 -i {DEMO} -t {seconds} -ac 2 -b:a 128k"
        subprocess.run([*make.split(), "-c:a", encoder, "-f", container, str(file)], check=True)
        decode = ["-v", "error", "-threads", "1", "-i", str(file), "-f", "null", "-"]
        counts.append(_count("cortex-a72", [f"{root}/usr/bin/ffmpeg", *decode], *options))
    return (counts[1] - counts[0]) / (LONG - SHORT) / 1e6
