"""Slugs, snake_case and suggestions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.support.spelling import alternatives, nearest, slug, snake_case


@pytest.mark.parametrize(
    ("label", "expected"),
    [("Female Vocal", "female-vocal"), ("R&B", "r-b"), (" 80s! ", "80s"), ("!", ""), ("É", "")],
)
def test_slugs(label, expected):
    assert slug(label) == expected


@given(label=st.text())
def test_a_slug_has_only_its_characters_and_is_its_own_slug(label):
    made = slug(label)
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", made)
    assert slug(made) == made


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LadderFilter", "ladder_filter"),
        ("Gain", "gain"),
        ("IIRFilter", "iir_filter"),
        ("MP3Compressor", "mp3_compressor"),
        ("gain", "gain"),
    ],
)
def test_snake_case(name, expected):
    assert snake_case(name) == expected


def test_the_most_similar_name_is_suggested():
    assert nearest("revreb", ["gain", "reverb"]) == "did you mean 'reverb'?"


def test_without_a_similar_name_all_are_listed_in_order():
    assert nearest("zzz", ["reverb", "gain"]) == "choose one of gain, reverb."


@pytest.mark.parametrize(
    ("names", "expected"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")]
)
def test_alternatives(names, expected):
    assert alternatives(names) == expected
