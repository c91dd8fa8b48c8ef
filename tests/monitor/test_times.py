"""Durations and times of day as people write them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.monitor.times import format_duration, parse_between, parse_duration


@given(st.integers(1, 59), st.integers(1, 23))
def test_what_is_written_is_read(minutes, hours):
    assert parse_duration(f"{hours}h{minutes}m") == hours * 3600 + minutes * 60
    seconds = hours * 3600 + minutes * 60
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "s", "20", "20 x", "1m 20", "-5s", None, [], "20s!"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r'"20s"|unit'):
        parse_duration(text)


def test_a_number_without_a_unit_is_refused_with_one():
    with pytest.raises(ValueError, match=r'20 has no unit; write "20s"'):
        parse_duration(20)


@given(st.integers(0, 23), st.integers(0, 23), st.integers(0, 23))
def test_a_span_of_the_day_may_pass_midnight(start, end, hour):
    if start == end:
        return
    inside = datetime(2026, 1, 1, hour, 30) in parse_between(f"{start}:00-{end}:00")
    hours = set(range(start, end)) if start < end else set(range(start, 24)) | set(range(end))
    assert inside == (hour in hours)


@pytest.mark.parametrize("text", ["6-22", "06:00", "06:00-06:00", "25:00-26:00", "a-b", 6])
def test_no_span_of_the_day(text):
    with pytest.raises(ValueError, match="06:00-22:00"):
        parse_between(text)
