"""The recordings of a command: each tagged in turn, whatever is wrong with another."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from pyplugin.cli.ui.progress import progress_bar
from pyplugin.errors import AudioError
from pyplugin.support.results import TagResult
from pyplugin.tagging import tag

Done = list[tuple[str, TagResult]]


def tag_files(
    files: Sequence[str], each: Callable[[str, TagResult], object] | None = None, **options: Any
) -> tuple[Done, int]:
    """Tag recordings, and report those that cannot be.

    Parameters
    ----------
    files
        As they were given.
    each
        Called with each result.
    options
        As for :func:`pyplugin.tag`; ``each_window`` makes its ``each`` from the name.

    Returns
    -------
    done
        Names and results.
    int
        Exit status: 0, or the highest of those that failed.
    """
    done: Done = []
    status = 0
    window = options.pop("each_window", None)
    for given in files:
        if window is not None:
            options["each"] = window(given)
        try:
            with progress_bar(Path(given).name) as report:
                result = tag(given, progress=report, **options)
        except AudioError as error:
            status = max(status, error.exit_code)
            click.echo(f"tagnode: {error}", err=True)
            continue
        done.append((given, result))
        for note in result.notes:
            click.echo(f"tagnode: {given}: {note}", err=True)
        if each is not None:
            each(given, result)
    return done, status
