"""Lines of keys: a text is written with each key's line noted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.support.documents import parse_toml
from pyplugin.support.toml_lines import line_of

VALUES = [
    "1",
    '"[[map]]"',
    "'key = 1'",
    '"""\n[[map]]\nkey = 2\n"""',
    "'''\n[map]\n  key = 2\n''''",
    '"""a \\""" [[\n"key" = 3\n"""""',
    '[\n  "[[map]]",\n  [1],\n  # key = 4 ]\n]',
    "{ key = 5, other = '}' }",
    '"# no comment" # a comment [[map]] """',
    '"a\x85\u2028b"',
]
KEYS = st.sampled_from(["key", "other", "a-b", '"quoted"', "'single'"])


@st.composite
def texts(draw):
    """Return a text and, by table, index and key, its lines."""
    rows: list[str] = []
    lines: dict[tuple[str, int, str | None], int] = {}
    tables = draw(st.lists(st.sampled_from(["map", "effect"]), max_size=5))
    for number, table in enumerate(["", *tables]):
        index = tables[: number - 1].count(table) if table else 0
        if table:
            spelled = draw(st.sampled_from(["[[{}]]", "  [[ {} ]] # [x]", '[["{}"]]']))
            rows.append(spelled.format(table))
            lines[table, index, None] = len(rows)
        for key in draw(st.lists(KEYS, unique=True, max_size=4)):
            lines[table, index, key.strip("\"'")] = len(rows) + 1
            rows.extend(f"{key} = {draw(st.sampled_from(VALUES))}".split("\n"))
        rows.extend(draw(st.sampled_from([[], [""], ["# [[map]]", "# key = 1"]])))
    return "\n".join(rows), lines


@given(texts())
def test_each_key_and_table_is_found_on_its_line(case):
    text, lines = case
    parse_toml(text)
    for (table, index, key), line in lines.items():
        assert line_of(text, table, index, key) == line


def test_an_absent_key_has_the_line_of_its_table():
    text = "a = 1\n[[map]]\nb = 2\n[[map]]\nkey = 3\n"
    assert line_of(text, "map", 0, "key") == 2
    assert line_of(text, "map", 2, "key") == 0
    assert line_of(text, "", 0, "key") == 0


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_ends_of_lines(end):
    assert line_of(end.join(["[[map]]", "x = '''", "", "'''", "key = 1"]), "map", 0, "key") == 5
