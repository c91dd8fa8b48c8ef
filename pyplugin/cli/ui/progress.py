"""A progress bar, shown on terminals only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

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
