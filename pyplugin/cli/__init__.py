"""The command line: ``tagnode``. One module for each command, loaded when called."""

import os
import re
import signal
import sys
from importlib import import_module
from pathlib import Path

import click

from pyplugin.errors import PypluginError, ReaderGoneError
from pyplugin.support.optional import install

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


class _Lazy(click.Group):
    """Loads the module of a command when it is called, so that --help is quick."""

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

    Exit status: 0 success, 1 failure, 2 invalid input or command.
    """


def main() -> None:
    """Run the command line; errors become one sentence on stderr, never a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: files are completed
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        _stop("Stopped.", 130)
    except KeyboardInterrupt:
        _stop("Stopped.", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (ReaderGoneError, BrokenPipeError):
        # The reader of stdout has exited, as with `| head`; prevents an error when Python flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except PypluginError as error:
        _stop(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        _stop(f"The package {error.name} is not installed: {install('all')}.", 1)
    except (OSError, MemoryError) as error:
        _stop(str(error) or type(error).__name__, 1)


def _stop(sentence: str, code: int) -> None:
    click.echo(f"tagnode: {sentence}", err=True)
    sys.exit(code)
