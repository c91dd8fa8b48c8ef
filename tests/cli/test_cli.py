"""The command line as a whole: help, unknown commands."""

import pytest


@pytest.mark.parametrize(
    "page", [[], ["tag"], ["render"], ["models"], ["doctor"], ["models", "get"], ["models", "info"]]
)
def test_every_page_of_help(run, page):
    code, out, _ = run(*page, "--help")
    assert code == 0
    assert "Usage: " in out
    assert len(out.splitlines()) > 5


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
