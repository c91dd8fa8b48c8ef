"""Cells that spreadsheets do not run, and names of any bytes."""

import csv
import io

import pytest

from pyplugin.support.cells import csv_row, encoded, guarded, readable


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "=cmd|' /C calc'!A0"]
)
def test_a_formula_begins_with_an_apostrophe(text):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["song.wav", "1.5", "a=b", "-", "", "'quoted'"])
def test_other_text_stays(text):
    assert guarded(text) == text


def test_different_texts_stay_different():
    texts = ["=a", "'=a", "''=a", "a"]
    assert len({guarded(text) for text in texts}) == len(texts)


def test_a_row_is_read_back():
    cells = ["a,b", 'c"d', "e\nf", "g"]
    assert next(csv.reader(io.StringIO(csv_row(cells), newline=""))) == cells


def test_bytes_of_names_stay():
    name = b"caf\xe9 \xe2\x99\xab.wav"
    assert encoded(name.decode("utf-8", "surrogateescape")) == name
    assert readable(name.decode("utf-8", "surrogateescape")) == "caf\\xe9 ♫.wav"
    assert encoded("half \ud83c") == b"half \\ud83c"
