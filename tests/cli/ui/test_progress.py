"""The progress bar: on terminals only."""

import sys

from pyplugin.cli.ui.progress import progress_bar


def test_without_a_terminal_nothing_is_written(capsys):
    with progress_bar("song.ogg") as report:
        report(0.5)
        report(1.0)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_the_label_and_the_share(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress_bar("song.ogg") as report:
        for share in (0.25, 0.2, 0.75, 1.0):  # a lower value does not move it back
            report(share)
    err = capsys.readouterr().err
    assert "song.ogg" in err
    assert "100%" in err
