"""The command line: ``pyplugin``. One module a command group, loaded when called."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

import click

from pyplugin.errors import PypluginError, ReaderGoneError

__all__ = ["main"]

_COMMANDS = {
    "tag": "Name what recordings sound like.",
    "render": "Take a recording through effects that are moved by what it is.",
    "listen": "Listen to a device or a pipe, and say what is heard.",
    "live": "Take live sound through effects that are moved by what it is.",
    "embed": "Write a model's embedding of recordings.",
    "teach": "Teach a model a label from a handful of recordings.",
    "train": "Make models from recordings of your own.",
    "presets": "List, show, check and write presets: what moves what.",
    "models": "List, build and check models.",
    "plugins": "Put the LV2, CLAP and VST3 plugin where hosts find it.",
    "devices": "List the sound devices.",
    "doctor": "Say what is installed, and what is missing.",
}


class _Lazy(click.Group):
    """Loads the module of a command when it is called, so that --help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
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

            message = f"There is no command {args[0]!r}; {nearest(args[0], _COMMANDS)}"
            raise click.UsageError(message, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pyplugin", prog_name="pyplugin")
def cli() -> None:
    """Hear music, name it, and move audio effects by what it is.

    \b
    Start with:
      pyplugin tag song.ogg
      pyplugin render song.ogg out.wav --preset open-with-drums
      pyplugin models get musicnn-mtt     (50 tags: instruments, genres, moods)

    Exit status: 0 done, 1 the work failed, 2 the input or the command is wrong.
    """


def main() -> None:
    """Run the command line; errors become one sentence on stderr, never a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: files are finished
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
        # The reader of our output has gone, as with `| head`: no complaint when Python flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except PypluginError as error:
        _stop(str(error), error.exit_code)
    except (OSError, MemoryError) as error:
        _stop(str(error) or type(error).__name__, 1)


def _stop(sentence: str, code: int) -> None:
    click.echo(f"pyplugin: {sentence}", err=True)
    sys.exit(code)
