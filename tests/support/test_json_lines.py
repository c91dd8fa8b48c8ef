"""Lines of JSON values, against the line that a marker stands on."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pyplugin.support.json_lines import line_in_json

MARK = "the value that is looked for"


def places(content, path=()):
    """Every path to a value."""
    found = [path] if path else []
    children = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for key, value in children:
        found += places(value, (*path, key))
    return found


def with_mark(content, path):
    copy = json.loads(json.dumps(content))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = MARK
    return copy


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.data(), st.sampled_from([None, 0, 2]))
def test_a_value_is_found_on_its_line(content, data, indent):
    paths = places(content)
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    text = json.dumps(with_mark(content, path), indent=indent)
    line = text[: text.index(MARK)].count("\n") + 1
    assert line_in_json(text, path) == line


def test_of_equal_keys_the_last_counts():
    assert line_in_json('{"a": 1,\n"a": 2}', ["a"]) == 2


def test_what_is_not_there_has_the_line_of_what_is_around_it():
    text = '{"a":\n [1,\n {"b": 2}]}'
    assert line_in_json(text, ["a", 1, "c"]) == 3
    assert line_in_json(text, ["a", 5]) == 1
    assert line_in_json(text, ["a", "b"]) == 1
    assert line_in_json("3", ["a"]) == 1
