"""The time of day of a stream's seconds: bursts, delays, drift, and clocks that are set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.monitor.clock import RecordingClock, StationClock


class Clocks:
    """A monotonic clock and a time of day, which a test moves."""

    def __init__(self):
        self.monotonic, self.offset = 1000.0, 1_700_000_000.0

    def clock(self):
        return StationClock(lambda: self.monotonic, lambda: self.monotonic + self.offset)

    @property
    def now(self):
        return 1000 * (self.monotonic + self.offset)


@given(st.lists(st.floats(0, 6), min_size=1, max_size=60), st.floats(0, 10))
def test_a_second_has_the_time_at_which_it_could_have_arrived_first(delays, burst):
    """A second of audio is sent every second, each with its own delay; a burst comes first."""
    clocks = Clocks()
    clock = clocks.clock()
    begun = clocks.monotonic
    clock.arrived(burst)
    arrivals = []
    for number, delay in enumerate(delays, 1):
        clocks.monotonic = max(clocks.monotonic, begun + number + delay)
        clock.arrived(burst + number)
        arrivals.append(clocks.monotonic - number)
    expected = 1000 * (min([begun, *arrivals]) + clocks.offset)
    assert clock.at(burst) == pytest.approx(expected, abs=60)  # 0.05 % of drift
    assert clock.at(burst + len(delays)) <= clocks.now + 1


def test_times_never_run_ahead_of_the_clock():
    clocks = Clocks()
    clock = clocks.clock()
    for second in range(1, 100):
        clocks.monotonic += 0.9 if second % 2 else 1.1
        clock.arrived(float(second))
        assert clock.at(second) <= clocks.now + 1


@pytest.mark.parametrize("step", [-3600.0, 2.0, 1_209_600.0])
def test_a_set_clock_is_one_step_and_no_stretch(step):
    clocks = Clocks()
    clock = clocks.clock()
    clock.arrived(10.0)
    before = clock.at(10.0)
    clocks.offset += step
    assert clock.step() == pytest.approx(1000 * step, abs=1)
    assert clock.step() == 0
    assert clock.at(10.0) - before == pytest.approx(1000 * step, abs=1)


def test_a_slewed_clock_is_followed_without_a_step():
    clocks = Clocks()
    clock = clocks.clock()
    clock.arrived(0.0)
    for _ in range(2000):
        clocks.monotonic += 0.25
        clocks.offset += 0.25 * 500e-6  # as much as NTP slews
        assert clock.step() == 0
    assert abs(clock.now() - clocks.now) < 50


def test_a_recording_has_its_own_time():
    clock = RecordingClock(5000)
    clock.arrived(2.5)
    assert (clock.at(1.0), clock.now(), clock.step()) == (6000, 7500, 0)
