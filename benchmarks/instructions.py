"""Instructions for one second of audio, counted by callgrind: equal on every machine."""

import json
import re
import shutil
import tempfile
from pathlib import Path

from benchmarks.mel import has
from benchmarks.native import BUILD, NEEDED, built, call
from benchmarks.patch import built_model
from benchmarks.report import Figure, Row
from benchmarks.sounds import demo_48k

ISA = "avx2"  # valgrind does not support AVX-512
HOP, BLOCK, HOPS = 0.25, 64, 8
SECONDS = HOPS * 16 * 256 / 16000  # whole hops of 16 mel frames
ACCEPTED = Path(__file__).with_name("instructions.json")
GROWTH = 1.05
TITLE = f"one second of audio at 48 kHz, {ISA}, hop {HOP:g} s, {BLOCK}-frame blocks (callgrind)"


def measure(*, long: bool = False) -> list[Figure]:
    reason = why_not()
    if reason:
        return [Figure("instructions", TITLE, "million", [], [reason])]
    model = built_model("musicnn-mtt")
    with tempfile.TemporaryDirectory() as folder:
        sound = demo_48k(Path(folder) / "music.f32", 8)
        tool = [
            "valgrind",
            "--tool=callgrind",
            "--toggle-collect=steady_state",
            f"--callgrind-out-file={folder}/callgrind.out",
        ]
        arguments = ["stream", model, sound, HOP, BLOCK, SECONDS]
        report = call(arguments, before=tool, environment={"TAGNODE_ISA": ISA}).stderr
    found = re.search(r"Collected : (\d+)", report)
    if found is None:
        raise RuntimeError(f"callgrind counted nothing:\n{report}")
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    value = int(found[1]) / SECONDS / 1e6
    limit = round(accepted["million"] * GROWTH, 1)
    notes = [f"Accepted: {accepted['million']} with {accepted['compiler']}; here {compiler()}."]
    return [
        Figure(
            "instructions",
            TITLE,
            "million",
            [Row("inline, musicnn-mtt", value, limit=limit)],
            notes,
        )
    ]


def why_not() -> str:
    if not built():
        return NEEDED
    if shutil.which("valgrind") is None:
        return "left out: valgrind is not installed"
    return "" if has(ISA) else f"left out: this machine has no {ISA}"


def compiler() -> str:
    """Return name and version of the compiler that CMake uses."""
    for file in BUILD.glob("CMakeFiles/*/CMakeCCompiler.cmake"):
        text = file.read_text(encoding="utf-8")
        words = [re.search(rf'CMAKE_C_COMPILER_{key} "([^"]*)"', text) for key in ("ID", "VERSION")]
        return " ".join(word[1] for word in words if word)
    return "another compiler"
