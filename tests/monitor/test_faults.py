"""A few of the drawn faults and of what resembles them; `tests/detection.py` measures hundreds."""

import pytest
from detection import RULES, opened, rows_of
from faults import TWINS

NO_PROGRAMME = {"silence", "stuck_short"}
ALSO = {  # what a fault has besides itself
    "hum": {"tone", "out_of_phase"},
    "tone": {"one_channel", "out_of_phase", "hum"},
    "stuck_short": {"stuck", "tone", "hiss", "hum"},
}


@pytest.mark.parametrize("name", RULES)
def test_a_fault_is_found(name):
    found = opened(rows_of(name, 500))
    assert name in found
    assert found <= {name} | NO_PROGRAMME | ALSO.get(name, set())


@pytest.mark.parametrize("name", TWINS)
def test_what_resembles_a_fault_is_none(name):
    assert opened(rows_of(name, 500)) == set()
