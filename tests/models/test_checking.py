"""Sentences for what msgspec finds: the place, what is given, what is expected."""

import contextlib
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from pyplugin.errors import ModelError
from pyplugin.models.checking import converted, decoded


class Part(Struct, forbid_unknown_fields=True, rename={"kind": "kind-of"}):
    kind: Literal["a", "b"]
    size: Annotated[int, Meta(ge=1, le=9)] = 1
    names: Annotated[tuple[str, ...], Meta(max_length=2)] = ()


class Whole(Struct, forbid_unknown_fields=True):
    parts: tuple[Part, ...] = ()
    values: dict[str, float] = {}
    other: Part | None = None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"colour": 1}, "The card has an unknown field 'colour'."),
        ({"parts": [{}]}, "The card has no field 'parts[0].kind-of'."),
        (
            {"parts": [{"kind-of": "a"}, {"kind-of": "c"}]},
            "The card's 'parts[1].kind-of' is 'c'; expected one of a, b.",
        ),
        ({"other": {"kind-of": "c"}}, "The card's 'other.kind-of' is 'c'; expected one of a, b."),
        (
            {"other": {"kind-of": "a", "size": 10}},
            "The card's 'other.size' is 10; expected a whole number of at most 9.",
        ),
        (
            {"other": {"kind-of": "a", "size": "x" * 100}},
            f"The card's 'other.size' is '{'x' * 56}...; expected a whole number.",
        ),
        (
            {"other": {"kind-of": "a", "names": ["p", "q", "r"]}},
            "The card's 'other.names' is ['p', 'q', 'r']; "
            "expected a list whose length is at most 2.",
        ),
        ({"other": 3}, "The card's 'other' is 3; expected an object or null."),
        (
            {"values": {"x": "y"}},
            "The card's 'values' is {'x': 'y'}; expected each of its values to be a number.",
        ),
        ({"parts": {}}, "The card's 'parts' is {}; expected a list."),
    ],
)
def test_a_sentence_says_what_is_wrong(content: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ModelError) as caught:
        converted(content, Whole)
    assert str(caught.value) == sentence


@given(
    st.dictionaries(
        st.sampled_from(["parts", "values", "other", "$.x[0]", "`"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_any_content_is_taken_or_refused_with_a_sentence(content: dict[str, Any]) -> None:
    with contextlib.suppress(ModelError):
        assert isinstance(converted(content, Whole), Whole)


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "1", '{"a": NaN}', '{"a": 1e999}', '{"a":' * 5000, " " * (1 << 20) + "{}"],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="card"):
        decoded(text)
