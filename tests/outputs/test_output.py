"""What outputs have in common: the wall clock of a stream, and how failures are reported."""

import numpy as np
import pytest

from pyplugin.outputs.output import FailureLog, WallClock


def test_times_of_day_do_not_shake_with_an_irregular_reader():
    random = np.random.default_rng(1)
    clock, origin = WallClock(), 1_700_000_000.0
    times = np.arange(500) * 0.1
    delays = random.uniform(0.001, 0.2, len(times))
    delays[3] = 0.001
    reported = [clock.at(t, origin + t + d) for t, d in zip(times, delays, strict=True)]
    assert all(a <= origin + t + d for a, t, d in zip(reported, times, delays, strict=True))
    np.testing.assert_allclose(np.array(reported)[3:] - times[3:], origin + 0.001, atol=1e-6)


def test_times_of_day_follow_a_stream_that_paused_or_began_anew():
    clock = WallClock()
    assert clock.at(10.0, 1000.0) == 1000.0
    assert clock.at(11.0, 1031.0) == 1031.0  # half a minute without a device
    assert clock.at(0.0, 1032.0) == 1032.0  # and a new count


def test_times_of_day_follow_a_sound_card_that_is_slow():
    clock = WallClock()
    late = []
    for second in range(100_000):
        now = second * 1.0001 + 5
        late.append(now - clock.at(float(second), now))
    assert min(late) >= 0
    assert max(late) <= WallClock.LATE


def test_failures_are_reported_once_and_their_end_once():
    reported: list[str] = []
    trouble = FailureLog(reported.append)
    trouble.over("It")
    assert reported == []
    for _ in range(3):
        trouble.failed("It fails")
    assert [sentence.split(";")[0] for sentence in reported] == ["It fails"]
    trouble.over("It")
    trouble.over("It")
    assert reported[1:] == ["It works again; 3 sends failed."]
    trouble.failed("It fails")
    assert len(reported) == 3
    assert trouble.failures == 4


@pytest.mark.parametrize("name", ["DescriptorFrame", "JsonLines", "Midi", "Osc", "Output"])
def test_the_package_has_what_it_names(name):
    import pyplugin.outputs

    assert getattr(pyplugin.outputs, name).__name__ == name
