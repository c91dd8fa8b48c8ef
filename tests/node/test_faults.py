"""A few of the drawn faults and of what resembles them; `tests/detection.py` measures hundreds."""

import pytest
from detection import RULES, finds, signals_of
from faults import FAULTS, TWINS

NO_PROGRAMME = {"silence", "stuck_short"}
ALSO = {  # what a fault has besides itself
    "hum": {"tone", "out_of_phase"},
    "tone": {"one_channel", "out_of_phase", "hum"},
    "stuck_short": {"stuck", "tone", "hiss", "hum"},
}


@pytest.mark.parametrize("name", RULES)
def test_a_fault_is_found(name):
    signals = signals_of(name, 500)
    assert finds(RULES[name], signals)
    found = {rule for rule in RULES if finds(RULES[rule], signals)}
    assert found <= {name} | NO_PROGRAMME | ALSO.get(name, set())


@pytest.mark.parametrize("name", TWINS)
def test_what_resembles_a_fault_is_none(name):
    signals = signals_of(name, 500)
    assert [rule for rule in RULES if finds(RULES[rule], signals)] == []


def test_every_fault_has_a_rule():
    assert RULES.keys() == FAULTS.keys()
