"""The platforms that a release is built for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Slice:
    """One processor of a platform.

    Attributes
    ----------
    processor : str
        As CMake and the VST 3 folder name it.
    compiler : str
        zig's target, with the oldest glibc or macOS; "" for mingw-w64.
    """

    processor: str
    compiler: str


@dataclass(frozen=True)
class Target:
    """One archive.

    Attributes
    ----------
    name : str
        Of the archive.
    system : str
        As CMake names it.
    slices : tuple of Slice
        One, or those of a universal binary.
    packing : str
        The archive's suffix.
    """

    name: str
    system: str
    slices: tuple[Slice, ...]
    packing: str


GLIBC = "2.17"  # of manylinux2014, so archives and wheels want the same
MACOS = "11.0"  # the first one for both processors

TARGETS = {
    target.name: target
    for target in (
        Target("linux-x86_64", "Linux", (Slice("x86_64", f"x86_64-linux-gnu.{GLIBC}"),), "tar.xz"),
        Target(
            "linux-aarch64", "Linux", (Slice("aarch64", f"aarch64-linux-gnu.{GLIBC}"),), "tar.xz"
        ),
        Target(
            "linux-armv7", "Linux", (Slice("armv7l", f"arm-linux-gnueabihf.{GLIBC}"),), "tar.xz"
        ),
        Target("windows-x86_64", "Windows", (Slice("x86_64", ""),), "zip"),
        Target(
            "macos-universal",
            "Darwin",
            (Slice("x86_64", f"x86_64-macos.{MACOS}"), Slice("arm64", f"aarch64-macos.{MACOS}")),
            "tar.xz",
        ),
    )
}
