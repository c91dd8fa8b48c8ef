"""Options that name files, and their checks before any work."""

import click
import pytest

from pyplugin.cli.ui.paths import check_outputs, check_suffix
from pyplugin.errors import PypluginError


def test_suffixes(tmp_path):
    check_suffix("--out", tmp_path / "a.npy", ".npy", ".parquet")
    check_suffix("--out", None, ".npy")
    with pytest.raises(click.UsageError, match=r"--out is a\.txt; a name that ends in \.npy"):
        check_suffix("--out", tmp_path / "a.txt", ".npy")


def test_outputs_are_no_inputs_are_given_once_and_can_be_written(tmp_path):
    song = tmp_path / "song.wav"
    song.touch()
    link = tmp_path / "link.wav"
    link.symlink_to(song)
    check_outputs((tmp_path / "a.csv", None, tmp_path / "a.png"), [str(song), None])
    for outputs, words in (
        ((song,), "is also an input"),
        ((link,), "is also an input"),
        ((tmp_path / "a", tmp_path / "a"), "is given twice"),
        ((tmp_path / "missing" / "a",), "folder does not exist"),
    ):
        with pytest.raises(PypluginError, match=words):
            check_outputs(outputs, [str(song)])
