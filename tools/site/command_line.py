"""The reference of the command line, from click's own tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from html import escape

import click

from pyplugin.cli import cli

__all__ = ["page"]


def page() -> str:
    """Return the page: a section for each command, with usage, text, options and examples."""
    context = click.Context(cli, info_name="tagnode", **cli.context_settings)
    return "\n\n".join(_sections(cli, context))


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{context.command_path} {usage}\n```"
    yield from _text(inspect.cleandoc(command.help or ""))
    yield _table([each.get_help_record(context) for each in command.get_params(context)])
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                inner = click.Context(found, parent=context, info_name=name)
                yield from _sections(found, inner)


def _text(help_text: str) -> Iterator[str]:
    """Yield the paragraphs; one that begins with a backspace is code below its first line."""
    for paragraph in re.split(r"\n\s*\n", help_text):
        if paragraph.startswith("\b"):
            title, *lines = paragraph[1:].strip("\n").splitlines()
            yield escape(title, quote=False)
            yield "```sh\n" + inspect.cleandoc("\n".join(lines)) + "\n```"
        else:
            yield _plain(" ".join(paragraph.split()))


def _table(records: list[tuple[str, str] | None]) -> str:
    rows = [
        f"| <code>{_cell(option)}</code> | {_plain(about).replace('|', '&#124;')} |"
        for option, about in filter(None, records)
    ]
    return "\n".join(["| option | |", "|---|---|", *rows]) if rows else ""


def _cell(text: str) -> str:
    return escape(text, quote=False).replace("|", "&#124;").replace("*", "&#42;")


def _plain(text: str) -> str:
    """Return text in which nothing is Markdown, but options are code."""
    text = re.sub(r"([*_<>`\\\[\]])", r"\\\1", text)
    return re.sub(r"(?<![\w-])(--[a-z][\w-]*)", r"`\1`", text)
