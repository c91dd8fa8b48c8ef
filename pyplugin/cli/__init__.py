"""The command line: ``pyplugin``. Each command has a module, which is loaded on demand."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

import click

from pyplugin import __version__
from pyplugin.errors import PypluginError, ReaderGoneError

__all__ = ["main"]

_COMMANDS = {
    "tag": "Detect instruments, genres, speech and other content of recordings.",
    "render": "Apply effects to a recording, automated by its detected content.",
    "listen": "Analyse a device or a pipe, and show or send the results.",
    "live": "Apply effects to live audio, automated by its detected content.",
    "embed": "Write the embeddings of recordings to a file.",
    "teach": "Train a head of one label on a few recordings.",
    "train": "Train networks and heads on your own recordings.",
    "presets": "List, show, check, write and export presets.",
    "models": "List, build and check models.",
    "plugins": "Install and check the LV2, CLAP and VST3 plugin.",
    "devices": "List the audio devices.",
    "doctor": "Show what is installed and what is missing.",
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
@click.version_option(__version__, prog_name="pyplugin")
def cli() -> None:
    """Tag music in real time, and automate audio effects by detected content.

    \b
    Start with:
      pyplugin tag song.ogg
      pyplugin render song.ogg out.wav --preset open-with-drums
      pyplugin models get musicnn-mtt     (50 tags: instruments, genres, moods)

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
    except (OSError, MemoryError) as error:
        _stop(str(error) or type(error).__name__, 1)


def _stop(sentence: str, code: int) -> None:
    click.echo(f"pyplugin: {sentence}", err=True)
    sys.exit(code)
