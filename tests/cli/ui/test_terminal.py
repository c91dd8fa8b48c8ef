"""What a terminal can show."""

import sys

import pytest

from pyplugin.cli.ui import terminal
from pyplugin.cli.ui.terminal import can_draw, shown


def test_values_are_shown_with_three_digits_of_their_span():
    assert [shown(1 / 3, span) for span in (1, 12, 17500, 0)] == ["0.333", "0.3", "0", "0.333"]
    assert shown(-1e-9, 12) == "0.0"


class Terminal:
    def __init__(self, tty: bool) -> None:
        self.isatty = lambda: tty


@pytest.mark.parametrize(
    ("out", "err", "term", "rich", "drawn"),
    [
        (True, True, "xterm", True, True),
        (False, True, "xterm", True, False),
        (True, False, "xterm", True, False),
        (True, True, "dumb", True, False),
        (True, True, "xterm", False, False),
    ],
)
def test_where_a_screen_can_be_drawn(monkeypatch, out, err, term, rich, drawn):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stdout", Terminal(out))
    monkeypatch.setattr(sys, "stderr", Terminal(err))
    if not rich:
        monkeypatch.setattr(terminal, "find_spec", lambda name: None)
    assert can_draw() is drawn
