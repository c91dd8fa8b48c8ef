"""What takes long to make is made once, though the tests run in several processes."""

import fcntl
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyplugin.models import registry

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "tests"


@contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Wait until no other process holds the lock, which its end releases in any case."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return a folder, which whoever is first makes; one that was left unfinished is made anew."""
    done = folder.with_name(f"{folder.name}.done")
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not done.is_file():
            folder.mkdir(exist_ok=True)
            make(folder)
            done.touch()
    return folder


def build_missing(*names: str) -> None:
    """Build those of these models that are not in the data folder yet."""
    with locked(BUILD / "models.lock"):
        built = {status.name for status in registry.available() if status.built}
        for name in names:
            if name not in built:
                registry.get(name)


def folder_of_the_run(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a folder that all processes of this run share, and no other run."""
    own = factory.getbasetemp()
    return (own.parent if own.name.startswith("popen-") else own) / name


def folder_of_the_sources(name: str, files: Iterable[Path], *options: object) -> Path:
    """Return a folder for what is built from files with options; it is there in the next run."""
    content = hashlib.sha256(repr(options).encode())
    for file in sorted(files):
        content.update(file.name.encode() + file.read_bytes())
    BUILD.mkdir(parents=True, exist_ok=True)
    return BUILD / f"{name}-{content.hexdigest()[:16]}"
