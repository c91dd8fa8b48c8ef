"""The command line as a whole: help, unknown commands."""

import re

import click
import pytest

from pyplugin.cli import cli


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tga"], "'tag'"),
    ],
)
def test_a_wrong_command_is_explained(run, arguments, words):
    code, _, err = run(*arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def commands(group=cli, names=()):
    """Every command and group, with its name."""
    yield names, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            yield from commands(group.get_command(context, name), (*names, name))


PAGES = {" ".join(("tagnode", *names)): command for names, command in commands()}
WORDS = re.compile(
    r"\b(hears?|heard|hearing|tells?|told|whom|says?|said|answers?|moved|no number)\b", re.I
)
OTHER_WORDS = ("tagnode listen", "tagnode live")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_help_is_complete(run, page):
    command = PAGES[page]
    code, out, err = run(*page.split()[1:], "--help")
    assert (code, err) == (0, "")
    assert re.search(rf"^ +{page} ?", out.split("\n\n", 1)[1], re.M), "there is no example"
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [each.opts for each in options if not each.help] == []
    assert [each.opts for each in options if not each.help.endswith((".", "]", ")"))] == []
    if page not in OTHER_WORDS:
        assert not WORDS.search(out), WORDS.search(out)
