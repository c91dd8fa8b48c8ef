"""Links in the documents lead somewhere, and the commands in them exist with their options."""

import re
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
from documents import FENCE, PAGES, ROOT, commands, help_texts, name_of, text_of

from pyplugin.cli import cli

LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")


# ---- links


def prose(text: str) -> str:
    """Return a page without its code, where brackets are no links and # begins no heading."""
    return re.sub(r"`[^`\n]*`", "`code`", FENCE.sub("", text))


def links(text: str) -> list[str]:
    """Return the targets of a page's links and pictures."""
    return LINK.findall(prose(text))


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number, unique = 0, anchor
        while unique in found:
            number += 1
            unique = f"{anchor}-{number}"
        found.add(unique)
    return found


def broken(page: Path, text: str) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    found = []
    for link in links(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = page.parent / path
        if path and not target.exists():
            found.append(f"{link}: no such file")
        elif anchor:
            headings = "" if path else text
            if target.suffix == ".md":
                headings = target.read_text(encoding="utf-8")
            if anchor not in anchors(headings):
                found.append(f"{link}: no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links(page):
    assert broken(page, text_of(page)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](README.md), [b](README.md#models), ![c](docs/demo.png)", []),
        ("[a](NOTHING.md)", ["NOTHING.md: no such file"]),
        ("[a](README.md#nothing)", ["README.md#nothing: no such heading"]),
        ("[a](#here)\n\n## Here", []),
        ("[a](#there)\n\n```\n## There\n```", ["#there: no such heading"]),
        ("[![picture](docs/demo.png)](NOTHING.md)", ["NOTHING.md: no such file"]),
        ("`[a](NOTHING.md)`, [b](https://example.org/NOTHING.md)", []),
    ],
)
def test_broken_links_are_found(text, found):
    assert broken(ROOT / "page.md", text) == found


def test_anchors_are_those_of_github():
    text = "# What's in `it`?\n## Where do I find …?\n## Two\n## Two\n### A [link](x.md), too\n"
    assert anchors(text) == {"whats-in-it", "where-do-i-find-", "two", "two-1", "a-link-too"}


# ---- folders


def test_how_it_is_built_names_every_folder_and_no_other():
    text = (ROOT / "docs" / "how-it-is-built.md").read_text(encoding="utf-8")
    tree = next(code for _, language, code in FENCE.findall(text) if not language)
    for parent in (ROOT / "native" / "src", ROOT / "pyplugin"):
        inside = [each for each in parent.iterdir() if any(each.glob("*.[chp]*"))]
        folders = {f"{each.name}/" for each in inside if each.name != "__pycache__"}
        assert folders - set(re.findall(r"^ +(\w+/)", tree, re.MULTILINE)) == set()
    named = re.findall(r"`((?:native|pyplugin|tests|models|presets)/[\w./-]+)`", text)
    assert [path for path in named if not (ROOT / path).exists()] == []


# ---- commands


def left_over(context: click.Context) -> list[str]:
    """Return a group's words from its subcommand on; click keeps the first of them apart."""
    kept = vars(context)
    return [*kept.get("_protected_args", kept.get("protected_args", [])), *context.args]


def problem(words: list[str]) -> str | None:
    """Return what click says of a command that it refuses; the command does not run."""
    command: click.Command = cli
    context: click.Context | None = None
    name = "pyplugin"
    try:
        while True:
            context = command.make_context(name, list(words), parent=context)
            if not isinstance(command, click.Group):
                return None
            words = left_over(context)
            found, subcommand, words = command.resolve_command(context, words)
            assert found is not None
            assert subcommand is not None
            name, command = found, subcommand
    except click.exceptions.Exit:  # --help and --version
        return None
    except click.BadParameter as error:
        if isinstance(error, click.MissingParameter) or "does not exist" not in error.message:
            return error.format_message()
        return None  # a file that the reader has
    except click.UsageError as error:
        return error.format_message()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands(page):
    found = list(commands(text_of(page)))
    refused = {" ".join(words): problem(words) for words in found}
    assert {words: why for words, why in refused.items() if why is not None} == {}


@pytest.mark.parametrize(("name", "text"), help_texts().items())
def test_examples_of_the_help(name, text):
    found = list(commands(text))
    assert found or name in ("tagnode models --help", "tagnode plugins --help")
    assert {" ".join(words): problem(words) for words in found if problem(words)} == {}


def test_the_readme_has_commands():
    assert len(list(commands((ROOT / "README.md").read_text(encoding="utf-8")))) > 15


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("$ tagnode tag a.ogg   # as before", [["tag", "a.ogg"]]),
        ("$ rtl_fm -f 98M | tagnode listen - --json | jq .tags", [["listen", "-", "--json"]]),
        ("$ make plugins && tagnode plugins install", [["plugins", "install"]]),
        ("$ tagnode tag a.ogg --json > tags.jsonl", [["tag", "a.ogg", "--json"]]),
        ("$ pip install tagnode", []),
        ("  it's what pyplugin prints", []),
        ("$ for x in a b; do tagnode models get $x; done", [["models", "get", "$x"]]),
        ("$ tagnode tag a.ogg \\\n    --json", [["tag", "a.ogg", "--json"]]),
    ],
)
def test_commands_are_found(line, found):
    assert list(commands(f"```console\n{line}\n```\n")) == found


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("live --preset late-night --input USB --output USB", None),
        ("train head clips --backbone scene --out mood", None),
        ("--version", None),
        ("live --preset late-night --in USB", "No such option"),
        ("nothing", "no command"),
        ("models nothing", "No such command"),
        ("tag", "Missing argument"),
        ("tag a.ogg --threshold 2", "range"),
        ("tag a.ogg --runtime nothing", "nothing"),
    ],
)
def test_commands_that_do_not_exist_are_refused(line, part):
    said = problem(line.split())
    assert said is None if part is None else part in said
