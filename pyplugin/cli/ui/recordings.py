"""The recordings of a command: each analysed in turn, whatever is wrong with another."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pyplugin.cli.ui.progress import progress_bar
from pyplugin.cli.ui.terminal import echo
from pyplugin.errors import AudioError, ModelError, PypluginError
from pyplugin.inputs.expanding import expanded
from pyplugin.support.printable import printable
from pyplugin.support.results import TagResult
from pyplugin.tagging import tag

Done = list[tuple[str, TagResult]]


class _Analysed(Protocol):
    @property
    def notes(self) -> list[str]: ...


Result = TypeVar("Result", bound=_Analysed)


def expand_files(given: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Return the recordings in files, folders and playlists, and the exit status so far.

    A folder or playlist that cannot be read is reported.
    """
    files: list[str] = []
    status = 0
    for each in given:
        try:
            files += expanded([each])
        except (OSError, ValueError):
            files.append(each)  # which reading it reports
        except AudioError as error:
            status = max(status, report_failure(each, error))
    return tuple(files), status


def tag_files(
    files: Sequence[str], each: Callable[[str, TagResult], object], **options: Any
) -> int:
    """Tag recordings, and report those that cannot be.

    Parameters
    ----------
    files
        As they were given.
    each
        Called with each result as soon as it is there. What it raises ends the work.
    options
        As for :func:`pyplugin.tag`; ``each_window`` makes its ``each`` from the name.

    Returns
    -------
    int
        Exit status: 0, or the highest of those that failed.

    Raises
    ------
    ModelError
        What concerns all recordings; what concerns one is reported.
    """
    window = options.pop("each_window", None)
    outputs = _Outputs()

    def work(given: str, report: Callable[[float], object]) -> TagResult:
        if window is not None:
            options["each"] = outputs.watched(window(given))
        return tag(given, progress=report, **options)

    return each_file(files, work, each, fatal=lambda: outputs.failed)


def each_file(
    files: Sequence[str],
    work: Callable[[str, Callable[[float], object]], Result],
    each: Callable[[str, Result], object],
    *,
    fatal: Callable[[], bool] = lambda: False,
) -> int:
    """Analyse recordings in turn with a progress bar, and report those that cannot be.

    Parameters
    ----------
    files
        As they were given.
    work
        Takes one of them, and a function for the share that is done; returns a result with notes.
    each
        Called with each result, once its notes are printed. What it raises ends the work.
    fatal
        Whether what `work` raised ends it too.

    Returns
    -------
    int
        Exit status: 0, or the highest of those that failed.

    Raises
    ------
    ModelError
        What concerns all recordings; what concerns one is reported.
    """
    status = 0
    wrong_models: set[str] = set()
    for given in files:
        try:
            with progress_bar(printable(Path(given).name)) as report:
                result = work(given, report)
        except Exception as error:
            if fatal() or str(error) in wrong_models:
                raise
            if isinstance(error, ModelError):  # the next file shows whether it concerns all
                wrong_models.add(str(error))
            status = max(status, report_failure(given, error))
            continue
        for note in result.notes:
            echo(f"tagnode: {printable(given)}: {printable(note)}", err=True)
        each(given, result)
    return status


class _Outputs:
    """Distinguishes what an output raises from what a recording raises."""

    failed = False

    def watched(self, write: Callable[..., object]) -> Callable[..., object]:
        def each(*window: Any) -> None:
            try:
                write(*window)
            except BaseException:
                self.failed = True
                raise

        return each


def report_failure(given: str, error: Exception) -> int:
    """Report why a recording cannot be tagged; return the exit status."""
    if isinstance(error, PypluginError):
        echo(f"tagnode: {printable(error)}", err=True)
        return error.exit_code
    reason = f"unexpected {type(error).__name__}: {error}".rstrip(": ")
    echo(f"tagnode: {printable(given)}: {printable(reason)}", err=True)
    return 1
