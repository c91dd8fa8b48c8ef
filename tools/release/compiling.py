"""Building the plugins for one processor, by zig or mingw-w64."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from release.targets import MACOS, ROOT, Slice, Target

MINGW = "x86_64-w64-mingw32-gcc"
FOLDER = Path(__file__).parent


class ReleaseError(Exception):
    """Something that a release needs is missing or wrong; the message says what to do."""


def run(*command: object, at: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command, in the checkout or elsewhere; return what it prints."""
    words = [str(each) for each in command]
    try:
        done = subprocess.run(
            words, cwd=at or ROOT, capture_output=True, text=True, env={**os.environ, **(env or {})}
        )
    except FileNotFoundError as error:
        raise ReleaseError(
            f"There is no {words[0]} here; RELEASE.md lists what to install."
        ) from error
    if done.returncode != 0:
        end = (done.stdout + done.stderr).strip()[-1500:]
        raise ReleaseError(f"{' '.join(words)} ends with {done.returncode}:\n{end}")
    return done.stdout


def llvm(name: str) -> str:
    """Return the path of one of LLVM's programs, of the newest version that is installed."""
    for suffix in ("", *(f"-{version}" for version in range(30, 15, -1))):
        found = shutil.which(name + suffix)
        if found:
            return found
    raise ReleaseError(f"There is no {name} here; install it: apt-get install llvm lld")


def zig_folder() -> Path:
    """Return the folder of zig, of PyPI's `ziglang`."""
    try:
        import ziglang
    except ImportError as error:
        raise ReleaseError(
            "There is no zig here; install it: pip install -e '.[release]'"
        ) from error
    return Path(ziglang.__file__).parent


def zig_compilers(target: str, folder: Path) -> dict[str, Path]:
    """Write programs that CMake takes for the compiler, archiver and indexer of a zig target."""
    folder.mkdir(parents=True, exist_ok=True)
    words = {"cc": f"cc -target {target} -g0", "ar": "ar", "ranlib": "ranlib"}
    for name, arguments in words.items():
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{zig_folder()}/zig" {arguments} "$@"\n')
        path.chmod(0o755)
    return {name: folder / name for name in words}


def write_system_library(folder: Path) -> None:
    """Write the stubs of macOS' libSystem as LLVM's linker reads them.

    zig's list of processors has one that LLVM does not know, and arm64e, which stands for arm64.
    """
    text = (zig_folder() / "lib" / "libc" / "darwin" / "libSystem.tbd").read_text(encoding="utf-8")
    text = re.sub(r"arm64e\.\w+-\w+,?", "", text).replace("arm64e-", "arm64-")
    text = re.sub(r",\s*\]", " ]", text)
    for name in ("System", "m"):
        (folder / f"lib{name}.tbd").write_text(text, encoding="utf-8")


def options(target: Target, part: Slice, folder: Path) -> list[str]:
    """Return CMake's options for a processor; what they name is written into a folder."""
    found = [f"-DCMAKE_SYSTEM_NAME={target.system}", f"-DCMAKE_SYSTEM_PROCESSOR={part.processor}"]
    if not part.compiler:
        return [*found, f"-DCMAKE_C_COMPILER={MINGW}"]
    programs = zig_compilers(part.compiler, folder)
    found += [
        f"-DCMAKE_C_COMPILER={programs['cc']}",
        f"-DCMAKE_AR={programs['ar']}",
        f"-DCMAKE_RANLIB={programs['ranlib']}",
    ]
    if target.system == "Darwin":
        write_system_library(folder)
        found += [
            f"-DCMAKE_USER_MAKE_RULES_OVERRIDE={FOLDER / 'macos.cmake'}",
            f"-DTAGNODE_MACOS_LINKER={llvm('ld64.lld')}",
            f"-DTAGNODE_MACOS_LIBRARIES={folder}",
            f"-DTAGNODE_MACOS_VERSION={MACOS}",
            "-DCMAKE_OSX_SYSROOT=",
        ]
    return found


def link_flags(target: Target) -> str:
    """Return what keeps symbols, and the time of the build, out of a file."""
    return {"Windows": "-Wl,--no-insert-timestamp", "Darwin": ""}.get(target.system, "-s")


def prepare(work: Path) -> dict[str, Path]:
    """Write what the plugins carry, and the program that writes Turtle, for this machine."""
    work.mkdir(parents=True, exist_ok=True)
    scene, presets, host = work / "scene.tagnode", work / "presets.c", work / "host"
    run(sys.executable, "-m", "pyplugin.daw.container", "scene", scene)
    run(sys.executable, "-m", "pyplugin.daw.presets", presets)
    given = ["-DTAGNODE_PLUGINS=ON", "-DTAGNODE_WINDOW=OFF", *carried(scene, presets)]
    run("cmake", "-S", "native", "-B", host, *given)
    run("cmake", "--build", host, "--parallel", "--target", "tagnode_make_ttl")
    return {
        "scene": scene,
        "presets": presets,
        "turtle": host / "plugin" / "lv2" / "tagnode_make_ttl",
    }


def carried(scene: Path, presets: Path) -> list[str]:
    """Return CMake's options for what is compiled in."""
    return [f"-DTAGNODE_SCENE={scene}", f"-DTAGNODE_PRESETS={presets}"]


def build(target: Target, part: Slice, work: Path, parts: dict[str, Path]) -> Path:
    """Build the three plugins for a processor; return the folder that they are in.

    Those for Windows have their window, which needs what the system has. The others have none: its
    libraries are those of this machine, not of the target.
    """
    folder = work / f"{target.name}-{part.processor}"
    hidden = f'"-ffile-prefix-map={ROOT}=." "-ffile-prefix-map={work}=build"'
    run(
        *("cmake", "-S", "native", "-B", folder, "-DTAGNODE_PLUGINS=ON"),
        f"-DTAGNODE_WINDOW={'ON' if target.system == 'Windows' else 'OFF'}",
        *carried(parts["scene"], parts["presets"]),
        f"-DTAGNODE_MAKE_TTL={parts['turtle']}",
        f"-DCMAKE_C_FLAGS={hidden}",
        f"-DCMAKE_MODULE_LINKER_FLAGS={link_flags(target)}",
        *options(target, part, work / "compilers" / f"{target.name}-{part.processor}"),
    )
    run("cmake", "--build", folder, "--parallel")
    return folder
