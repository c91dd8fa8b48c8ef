"""Archives whose bytes depend on their content only, and lists of checksums."""

from __future__ import annotations

import hashlib
import lzma
import os
import tarfile
import time
import zipfile
from pathlib import Path

from release.compiling import run


def time_of_commit() -> int:
    """Return the time that files in archives get: SOURCE_DATE_EPOCH, or the commit's."""
    chosen = os.environ.get("SOURCE_DATE_EPOCH")
    return int(chosen or run("git", "log", "-1", "--format=%ct"))


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder and those below, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def mode_of(path: Path) -> int:
    """Return 0o755 for what somebody can run, otherwise 0o644."""
    return 0o755 if os.access(path, os.X_OK) else 0o644


def pack(folder: Path, archive: Path, seconds: int) -> Path:
    """Write a folder as ``.tar.xz`` or ``.zip``; files belong to nobody and have one time.

    Parameters
    ----------
    folder : Path
        Becomes the only folder at the top of the archive.
    archive : Path
        Its suffix decides the format.
    seconds : int
        The time of all files, since 1970.
    """
    write = _zip if archive.suffix == ".zip" else _tar
    write(folder, archive, seconds)
    return archive


def _tar(folder: Path, archive: Path, seconds: int) -> None:
    with (
        lzma.open(archive, "wb", preset=9 | lzma.PRESET_EXTREME) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as packed,
    ):
        for path in files_in(folder):
            entry = tarfile.TarInfo((Path(folder.name) / path.relative_to(folder)).as_posix())
            entry.size, entry.mtime, entry.mode = path.stat().st_size, seconds, mode_of(path)
            with path.open("rb") as file:
                packed.addfile(entry, file)


def _zip(folder: Path, archive: Path, seconds: int) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in files_in(folder):
            name = (Path(folder.name) / path.relative_to(folder)).as_posix()
            entry = zipfile.ZipInfo(name, time.gmtime(max(seconds, 315532800))[:6])
            entry.external_attr = mode_of(path) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            packed.writestr(entry, path.read_bytes())


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_checksums(folder: Path) -> Path:
    """Write SHA256SUMS of the files in a folder, as ``sha256sum --check`` reads it."""
    listed = folder / "SHA256SUMS"
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and path != listed]
    listed.write_text("".join(f"{sha256(path)}  {path.name}\n" for path in paths))
    return listed
