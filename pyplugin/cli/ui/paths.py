"""Options that name files, and their checks before any work is done."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from pyplugin.errors import PypluginError
from pyplugin.support.files import check_writable
from pyplugin.support.special import is_special
from pyplugin.support.spelling import alternatives

PATH = click.Path(path_type=Path)
EXISTING = click.Path(path_type=Path, exists=True)


def path_option(
    flag: str, help: str, type: click.Path = PATH, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an option that takes the path of a file or folder."""
    return click.option(flag, type=type, help=help, **more)


def check_suffix(what: str, path: Path | None, *suffixes: str) -> None:
    """Refuse a path with another suffix; `what` is the option or the argument that gives it."""
    if path is not None and path.suffix not in suffixes:
        expected = f"a name that ends in {alternatives(suffixes)} is expected"
        raise click.UsageError(f"{what} is {path.name}; {expected}.")


def check_outputs(outputs: Sequence[Path | None], inputs: Sequence[str | None]) -> None:
    """Refuse outputs that cannot be written, that are given twice, or that are an input."""
    for path in filter(None, outputs):
        check_writable(path)
    paths = [path for path in outputs if path is not None and not is_special(path)]
    places = [os.path.realpath(path) for path in paths]
    given = [Path(each) for each in inputs if each is not None]
    for index, path in enumerate(paths):
        if places[index] in places[:index]:
            raise PypluginError(f"{path} is given twice; give each output another name.")
        if path.exists() and any(_same(each, path) for each in given):
            raise PypluginError(f"{path} is also an input; give the output another name.")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # not there, or an address
        return False
