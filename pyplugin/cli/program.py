"""The commands, and what becomes of their errors."""

import errno
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from pyplugin.cli.ui.interrupts import Interrupts
from pyplugin.cli.ui.terminal import echo, flush_output, prepare_streams, stderr_file
from pyplugin.errors import PypluginError, ReaderGoneError
from pyplugin.support.optional import install
from pyplugin.support.printable import printable

_HEADING = re.compile(r'"""``tagnode ([a-z]+)``: (.+)"""$')


def commands() -> dict[str, str]:
    """Return the commands with one sentence on each, from the first lines of their modules.

    A module of this package that begins with ``tagnode NAME``: SENTENCE is a command.

    Examples
    --------
    >>> commands()["devices"]
    'List the sound devices.'
    """
    found: dict[str, str] = {}
    for module in sorted(Path(__file__).parent.glob("*.py")):
        with module.open(encoding="utf-8") as lines:
            heading = _HEADING.match(lines.readline().rstrip())
        if heading is not None and heading[1] == module.stem:
            found[heading[1]] = heading[2]
    return found


class _StoppedError(Exception):
    """Ctrl-C or a signal; click would take a KeyboardInterrupt for its own."""


@contextmanager
def _kept_from_click() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as stopped:
        raise _StoppedError from stopped
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise ReaderGoneError("The reader has closed the pipe.") from error
        raise


class _Lazy(click.Group):
    """Loads the module of a command when it is called, so that --help is quick."""

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        with _kept_from_click():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _kept_from_click():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(commands())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in commands():
            return None
        command = import_module(f"pyplugin.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from pyplugin.support.spelling import nearest

            message = f"There is no command {args[0]!r}; {nearest(args[0], commands())}"
            raise click.UsageError(message, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(commands().items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tagnode", prog_name="tagnode")
def cli() -> None:
    """Tag music in real time, and automate audio effects by its content.

    \b
    Start with:
      tagnode tag song.ogg
      tagnode render song.ogg out.wav --preset open-with-drums
      tagnode models get musicnn-mtt     (50 tags: instruments, genres, moods)

    Exit status: 0 success, 1 failure, 2 invalid input or command, 130 Ctrl-C, 143 SIGTERM, 129
    SIGHUP. Files are complete in each case, or not there.
    """


def run(interrupts: Interrupts, program: click.Command | None = None) -> int:
    """Run the command line, or another program; return the exit status."""
    prepare_streams()
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")  # of libraries, such as of a font without some letter
        code = _run(program or cli)
    interrupts.acknowledge()
    if code == _STOPPED or (code == 0 and interrupts.received is not None):
        code = _ending(interrupts, code)
    try:
        flush_output()
    except OSError as error:
        code = code or _stop(f"standard output cannot be written: {_reason(error)}.", 1)
    return code


def _ending(interrupts: Interrupts, code: int) -> int:
    """Return the exit status after a signal.

    A command that takes Ctrl-C and SIGTERM for its end, as ``listen`` does, has returned 0.
    """
    number = interrupts.received or signal.SIGINT
    taken = code == 0 and interrupts.raised and number in (signal.SIGINT, signal.SIGTERM)
    return 0 if taken else 128 + number


_STOPPED = 128


def _run(program: click.Command) -> int:
    """Run the command line; return the exit status, and ``_STOPPED`` after a signal."""
    try:
        result = program.main(standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0 if done.code is None else 1
    except click.exceptions.Exit as done:
        return done.exit_code
    except (_StoppedError, KeyboardInterrupt, click.Abort):
        return _stop("Stopped.", _STOPPED)
    except click.ClickException as error:
        error.show(file=stderr_file())
        return error.exit_code
    except (ReaderGoneError, BrokenPipeError):  # the reader of stdout has exited, as with `| head`
        return 0
    except PypluginError as error:
        return _stop(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        return _stop(f"The package {error.name} is not installed: {install('all')}.", 1)
    except (OSError, MemoryError) as error:
        return _stop(str(error) or type(error).__name__, 1)
    except Exception as error:  # a fault of ours: no traceback is for a person to read
        return _stop(f"Unexpected {type(error).__name__}: {error}", 1)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _stop(sentence: str, code: int) -> int:
    echo(f"tagnode: {printable(sentence)}", err=True)
    return code
