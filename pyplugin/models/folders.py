"""Folders of model files: those that are shipped, and those built on this machine."""

import os
from pathlib import Path

import platformdirs

from pyplugin.errors import ModelError
from pyplugin.support.files import sentence
from pyplugin.support.shipped import shipped

MOST_MODEL_BYTES = 384 << 20
"""Bytes that a file with a network may have; VGGish's has 289 million."""


def data_folder() -> Path:
    """Return the folder of the models built on this machine, which need not exist yet.

    The environment variable ``PYPLUGIN_MODELS`` names another one.
    """
    chosen = os.environ.get("PYPLUGIN_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    return user_folder() / "models"


def user_folder() -> Path:
    """Return the folder for what the program keeps of this user, which need not exist yet."""
    return Path(platformdirs.user_data_dir("pyplugin", appauthor=False))


def make_folder(folder: Path) -> None:
    """Make a folder for models, and those above it.

    Raises
    ------
    ModelError
        When the system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"The folder {folder} cannot be made ({sentence(error)}); name another by the "
            "environment variable PYPLUGIN_MODELS."
        ) from error


def read_file(path: Path, what: str, limit: int) -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    path : Path
    what : str
        What is in it, for the errors: ``"model"``.
    limit : int
        Bytes that it may have.

    Raises
    ------
    ModelError
        The file cannot be read or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ModelError(f"Cannot read the {what} {path}: {error.strerror}.") from error
    if len(data) > limit:
        raise ModelError(f"{path} is larger than a {what} may be ({limit >> 20} MiB).")
    return data


def shipped_folder() -> Path:
    """Return the folder of the files that come with pyplugin: calibrations and ready models.

    Raises
    ------
    ModelError
        When the installation lacks it.
    """
    folder = shipped("models")
    if (folder / "calibration").is_dir():
        return folder
    raise ModelError("This installation of pyplugin lacks its model data; install it again.")
