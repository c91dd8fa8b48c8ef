"""Whether built plugins are what hosts of their platform load: format, symbols, needs, versions."""

from __future__ import annotations

import plistlib
import re
from pathlib import Path

from release.bundles import formats_of
from release.compiling import ReleaseError, llvm, run
from release.targets import GLIBC, MACOS, ROOT, Target

NEEDS = {  # what every such system has
    "Linux": {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-armhf.so.3"},
    "Windows": {
        *("kernel32.dll", "msvcrt.dll", "ws2_32.dll"),
        *("user32.dll", "gdi32.dll", "gdiplus.dll"),  # the window
    },
    "Darwin": {"/usr/lib/libSystem.B.dylib"},
}
ENTRIES = {  # besides those of the formats: what VST 3 hosts call first and last
    "Linux": {"ModuleEntry", "ModuleExit"},
    "Windows": {"InitDll", "ExitDll"},
    "Darwin": {"bundleEntry", "bundleExit"},
}
LV2_WINDOW = "tagnode_window.dll"
"""Of the plugin for Windows: its window is in a library of its own."""


def inspect(target: Target, folder: Path) -> list[str]:
    """Check the plugins of an archive's folder; return a line for each.

    Raises
    ------
    ReleaseError
        A file exports too little or too much, needs a library that systems lack, is for another
        processor or newer system, or contains a path of this machine.
    """
    lines = []
    for name, form in formats_of(target).items():
        path = folder / form.bundle / form.binary
        entries = {form.entry} | (ENTRIES[target.system] if name == "vst3" else set())
        _check_library(path, target, entries)
        lines.append(f"{form.bundle} {path.stat().st_size >> 10} kB")
        if target.system == "Darwin" and name != "lv2":
            _check_bundle(folder / form.bundle, path)
        if target.system == "Windows" and name == "lv2":
            _check_library(path.with_name(LV2_WINDOW), target, {"lv2ui_descriptor"})
    return lines


def _check_library(path: Path, target: Target, entries: set[str]) -> None:
    """Check one file that hosts load, which exports these entries."""
    _expect(path, "exports", exported(path, target.system), entries)
    needed = needs(path, target.system)
    if needed - NEEDS[target.system]:
        raise ReleaseError(f"{path} needs {sorted(needed - NEEDS[target.system])}.")
    _expect(path, "is for", processors(path), {part.processor for part in target.slices})
    if str(ROOT).encode() in path.read_bytes():
        raise ReleaseError(f"{path} contains {ROOT}; -ffile-prefix-map should remove it.")
    if target.system == "Linux":
        _check_glibc(path)
    if target.system == "Darwin":
        _check_mach(path, len(target.slices))


def _expect(path: Path, what: str, found: set[str], expected: set[str]) -> None:
    if found != expected:
        raise ReleaseError(f"{path} {what} {sorted(found)}; expected {sorted(expected)}.")


def exported(path: Path, system: str) -> set[str]:
    """Return the symbols that a host can look up."""
    if system == "Windows":
        text = run(llvm("llvm-readobj"), "--coff-exports", path)
        return set(re.findall(r"^  Name: (\w+)$", text, re.MULTILINE))
    flags = ["--dynamic"] if system == "Linux" else ["--extern-only"]
    text = run(llvm("llvm-nm"), *flags, "--defined-only", "--format=just-symbols", path)
    names = re.findall(r"^(\w+)$", text, re.MULTILINE)
    return {name.removeprefix("_") if system == "Darwin" else name for name in names}


def needs(path: Path, system: str) -> set[str]:
    """Return the libraries that a plugin loads; Windows' in lower case."""
    if system == "Darwin":
        text = run(llvm("llvm-objdump"), "--macho", "--dylibs-used", path)
        return set(re.findall(r"^\t(\S+) \(compatibility", text, re.MULTILINE))
    text = run(
        llvm("llvm-readobj"), "--needed-libs" if system == "Linux" else "--coff-imports", path
    )
    if system == "Linux":
        return set(re.findall(r"^  (\S+)$", text, re.MULTILINE))
    return {name.lower() for name in re.findall(r"^  Name: (\S+)$", text, re.MULTILINE)}


def processors(path: Path) -> set[str]:
    """Return the processors of a binary, as targets name them."""
    names = {"arm": "armv7l"}
    text = run(llvm("llvm-readobj"), "--file-headers", path)
    found = re.findall(r"^Arch: (\S+)$", text, re.MULTILINE)
    apple = "Mach-O" in text
    if apple:
        names["aarch64"] = "arm64"
    return {names.get(name, name) for name in found}


def _check_glibc(path: Path) -> None:
    text = run(llvm("llvm-readobj"), "--version-info", path)
    found = {tuple(map(int, each.split("."))) for each in re.findall(r"GLIBC_([\d.]+)", text)}
    if max(found) > tuple(map(int, GLIBC.split("."))):
        raise ReleaseError(f"{path} needs glibc {max(found)}; {GLIBC} is the newest allowed.")


def _check_mach(path: Path, slices: int) -> None:
    """Check load commands: each slice a signed bundle for the oldest macOS."""
    text = run(llvm("llvm-objdump"), "--macho", "--private-headers", "--arch=all", path)
    found = {
        "bundles": len(re.findall(r"^MH_MAGIC_64\b.*\bBUNDLE\b", text, re.MULTILINE)),
        f"for macOS {MACOS}": len(re.findall(rf"^ *minos {re.escape(MACOS)}$", text, re.MULTILINE)),
        "signed": len(re.findall(r"cmd LC_CODE_SIGNATURE$", text, re.MULTILINE)),
    }
    for what, count in found.items():
        if count != slices:
            raise ReleaseError(f"{path}: {count} of {slices} processors are {what}.")


def _check_bundle(bundle: Path, path: Path) -> None:
    """Check the property list against the layout."""
    about = plistlib.loads((bundle / "Contents" / "Info.plist").read_bytes())
    if about["CFBundleExecutable"] != path.name or about["CFBundlePackageType"] != "BNDL":
        raise ReleaseError(f"{bundle}: its Info.plist names another file than {path.name}.")
    if about["LSMinimumSystemVersion"] != MACOS:
        raise ReleaseError(f"{bundle}: its Info.plist has another macOS than {MACOS}.")
    if (bundle / "Contents" / "PkgInfo").read_text() != "BNDL????":
        raise ReleaseError(f"{bundle} has no valid PkgInfo.")
