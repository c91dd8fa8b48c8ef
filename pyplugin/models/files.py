"""Files that appear whole or not at all."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from pyplugin.errors import ModelError

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a place to write to; on success what is there becomes the file, else it is removed.

    The place is in the folder of the file, which is made if it is missing.

    Parameters
    ----------
    path : Path
        The file to make or replace.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    ModelError
        When the folder or the file cannot be written.
    """
    place = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield place
        place.replace(path)
    except OSError as error:
        raise ModelError(f"Cannot write {path}: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)
