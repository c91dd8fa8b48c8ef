"""The project's documents, and the code in them."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from pyplugin.cli import cli

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        ROOT / "benchmarks" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "models").glob("*.md"),
        *NOTEBOOKS,
    ]
)
FENCE = re.compile(r"^(```+)(\w*)[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
SHELLS = ("console", "sh", "bash", "shell")


def help_texts() -> dict[str, str]:
    """The help of each command of pyplugin by its name, with its examples as a fence."""
    found: dict[str, str] = {}

    def walk(command: click.Command, context: click.Context) -> None:
        remarks = re.compile(r"\s+\([^()]*\)$")
        lines = [remarks.sub("", line.strip()) for line in (command.help or "").splitlines()]
        examples = [line for line in lines if line.startswith("tagnode ") or "| tagnode " in line]
        found[f"{context.command_path} --help"] = "\n".join(["```sh", *examples, "```", ""])
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                walk(inner, click.Context(inner, parent=context, info_name=name))

    walk(cli, click.Context(cli, info_name="tagnode"))
    return found


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    """The text of a page; of a notebook that between its code."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(each["source"]) for each in cells if each["cell_type"] == "markdown")


def shell_lines(text: str) -> Iterator[str]:
    """Yield the lines that a reader is to type, without what commands print."""
    for _, language, code in FENCE.findall(text):
        if language in SHELLS:
            for line in code.replace("\\\n", " ").splitlines():
                if language != "console":
                    yield line
                elif line.startswith("$ "):
                    yield line.removeprefix("$ ")
    for line in FENCE.sub("", text).splitlines():
        if line.startswith("    tagnode "):
            yield line


def simple_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every command, without comments, pipes, loops and redirections."""
    for line in shell_lines(text):
        lexer = shlex.shlex(line.strip(), posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        redirected = False
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;"):
                words = words[1:] if words[:1] == ["do"] else words
                if words and words[0] not in ("for", "done"):
                    yield words
                words = []
            elif set(word) <= set("<>"):
                redirected = True
            elif redirected:
                redirected = False
            else:
                words.append(word)


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words behind ``tagnode`` of each of its commands."""
    for words in simple_commands(text):
        if words[0] in ("tagnode", "pyplugin"):
            yield words[1:]
