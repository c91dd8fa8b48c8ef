"""The terminal screen of ``tagnode listen``."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from pyplugin.cli.ui.screen import Screen


@pytest.mark.parametrize(("width", "height"), [(40, 12), (80, 24), (200, 60)])
def test_the_screen_fits_any_terminal_and_shows_all_parts(width, height):
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True)
    tags = {f"tag {i}": i / 50 for i in range(50)}
    with Screen("here", ranges={"gain.gain_db": (-12, 0)}, top=3, console=console) as screen:
        screen.add_mel(np.random.default_rng(0).random((100, 96)).astype(np.float32) * 5, 0.016)
        screen.draw(tags, {"gain.gain_db": -6.0}, {"rms_db": -20.0}, ["fresh 7"], ["it is gone"])
    drawn = console.file.getvalue()
    for words in ("here", "tag 49", "tag 47", "-6.0", "fresh 7", "it is gone"):
        assert words in drawn
    assert "tag 46" not in drawn
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawn)
    assert max(len(line) for line in plain.splitlines()) <= width
