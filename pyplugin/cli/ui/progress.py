"""Progress bars, shown on terminals only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import click

from pyplugin.cli.ui.terminal import echo
from pyplugin.support.optional import need

_STEPS = 1000


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Yield a function that sets the progress, 0 to 1."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda share: None
        return
    with click.progressbar(length=_STEPS, label=label, file=sys.stderr) as bar:

        def update(share: float) -> None:
            bar.update(max(0, int(share * _STEPS) - bar.pos))

        yield update


class ShowProgress(Protocol):
    """Shows the progress of a step: its name, the number of finished items, the total, a line."""

    def __call__(self, what: str, done: int, of: int, line: str = "") -> None:
        """Show it."""


@contextmanager
def progress_bars() -> Iterator[ShowProgress]:
    """Yield a function that shows progress on a terminal, a bar for each step.

    A line with results is shown beside its bar; where there is no terminal, it is printed.
    """
    progress = need("rich.progress", package="rich", extra="train", purpose="Showing progress")
    console = need("rich.console", package="rich", extra="train", purpose="Showing progress")
    screen = console.Console(stderr=True)
    columns = (*progress.Progress.get_default_columns(), progress.MofNCompleteColumn())
    with progress.Progress(*columns, console=screen, disable=not screen.is_terminal) as bars:
        tasks: dict[str, int] = {}

        def show(what: str, done: int, of: int, line: str = "") -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=of)
            if line and screen.is_terminal:
                bars.update(tasks[what], description=f"{what}, {line}")
            elif line:
                echo(f"{what}: {line}", err=True)

        yield show
