"""Conditions: what they hold for, in comparison with Python's own operators."""

import numpy as np
import pytest
from documents import ROOT
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.monitor.columns import Columns
from pyplugin.monitor.conditions import NAMED, parse_condition
from pyplugin.monitor.rules import kinds_table

COLUMNS = Columns(("tag.scene.speech", "tag.scene.music", "head.mood.very-happy"))


def rows(**values):
    made = np.full((1, len(COLUMNS.names)), np.nan, np.float32)
    for name, value in values.items():
        made[0, COLUMNS.index(name)] = value
    return made


@given(st.floats(0, 1, width=32), st.floats(0, 1, width=32))
def test_and_binds_closer_than_or(speech, music):
    condition = parse_condition("music > 0.7 and speech < 0.2 or speech >= 0.9", COLUMNS)
    expected = (music > np.float32(0.7) and speech < np.float32(0.2)) or speech > np.float32(0.9)
    assert condition.holds(rows(speech=speech, music=music))[0] == expected


@pytest.mark.parametrize("text", ["music > 0.5", "music < 0.5", "silence", "too quiet"])
def test_what_is_not_measured_never_holds(text):
    assert not parse_condition(text, COLUMNS).holds(rows()).any()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("musik > 0.5", "no label and no signal 'musik'; did you mean 'music'"),
        ("silance", "no condition .*did you mean 'silence'"),
        ("music > 1.5", "can never be true"),
        ("speech < 0", "can never be true"),
        ("music > 0.7 and music < 0.5", "can never be true"),
        ("rms_db < -60 and rms_db > -50", "can never be true"),
        ("rms_db < -60 LUFS", "rms_db is in dBFS, not in LUFS"),
        ("music >", "no comparison"),
        ("", "no comparison"),
        ("music > 0.5 and", "nothing on one side"),
    ],
)
def test_what_cannot_be_is_refused(text, problem):
    with pytest.raises(ValueError, match=problem):
        parse_condition(text, COLUMNS)


@pytest.mark.parametrize("name", NAMED)
def test_every_condition_with_a_name_can_be_read(name):
    columns = Columns(("tag.scene.speech", "tag.scene.music"))
    condition = parse_condition(name, columns)
    assert condition.named == name
    assert str(condition) == NAMED[name].meaning


def test_the_table_in_the_documents_is_this_one():
    assert kinds_table() in (ROOT / "docs" / "monitor.md").read_text(encoding="utf-8")


def test_names_full_short_and_with_units():
    for text in ("tag.scene.music > 0.5", "tag.music > 0.5", "music > 0.5"):
        assert parse_condition(text, COLUMNS).columns == [1]
    assert parse_condition("head.mood.very-happy > 0.5", COLUMNS).columns == [2]
    condition = parse_condition("signal.loudness_short < -40 LUFS", COLUMNS)
    assert str(condition).endswith("is below -40 LUFS")
