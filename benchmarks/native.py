"""The C programs of native/bench: built once, run on one core."""

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
NEEDED = "left out: cmake and a C compiler are needed"
PROGRAM = BUILD / "bench_inline"


@functools.cache
def built() -> bool:
    """Build the C programs; return whether cmake and a compiler are installed."""
    if shutil.which("cmake") is None or shutil.which(os.environ.get("CC", "cc")) is None:
        return False
    for command in (
        ["cmake", "-S", ROOT / "native" / "bench", "-B", BUILD],
        ["cmake", "--build", BUILD, "--parallel"],
    ):
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{made.stdout}{made.stderr}")
    return True


def call(
    arguments: Sequence[str | Path | float],
    *,
    before: Sequence[str] = (),
    environment: dict[str, str] | None = None,
    one_core: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run bench_inline, optionally under a tool with this command line."""
    command = [*before, str(PROGRAM), *map(str, arguments)]
    cores = os.sched_getaffinity(0)
    if one_core:
        os.sched_setaffinity(0, {max(cores)})  # inherited
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | (environment or {})
        )
    finally:
        os.sched_setaffinity(0, cores)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done


def litert() -> Path | None:
    """Return the path of LiteRT's C library if it is installed."""
    from pyplugin.errors import ModelError
    from pyplugin.node.runtimes import installed, litert_library

    if installed()["litert"] is None:
        return None
    try:
        return litert_library()
    except ModelError:
        return None
