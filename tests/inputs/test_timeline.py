"""Where live audio lies in time: bursts, stalls, gaps, repeats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.inputs.timeline import TAIL, ArrivalClock, overlap

RATE = 8000


def arrivals(clock: ArrivalClock, times: np.ndarray, seconds: float) -> float:
    return sum(clock.add(float(time), seconds) for time in times)


@given(burst=st.integers(0, 40), jitter=st.lists(st.floats(0, 0.9), min_size=300, max_size=300))
def test_bursts_and_late_packets_are_no_gaps(burst, jitter):
    clock = ArrivalClock()
    lost = arrivals(clock, np.full(burst, 50.0), 0.1)
    lost += arrivals(clock, 50.1 + 0.1 * np.arange(300) + np.array(jitter), 0.1)
    assert lost == 0
    assert clock.position == pytest.approx(0.1 * (burst + 300))


def test_a_stall_that_is_caught_up_is_no_gap():
    clock = ArrivalClock()
    times = 0.1 * np.arange(1200)
    times[300:420] = 42.0  # twelve seconds come at once
    assert arrivals(clock, times, 0.1) == 0


@pytest.mark.parametrize("pause", [1.5, 4.0, 30.0])
def test_audio_that_never_comes_is_a_gap(pause):
    clock = ArrivalClock()
    times = 0.1 * np.arange(1200)
    times[300:] += pause
    assert arrivals(clock, times, 0.1) == pytest.approx(pause, abs=0.15)


@pytest.mark.parametrize("drift", [-3e-4, 3e-4])
def test_a_sender_whose_clock_is_off_loses_nothing_for_a_day(drift):
    clock = ArrivalClock()
    times = np.arange(86400) * (1 + drift)
    assert arrivals(clock, times, 1.0) == 0


def audio(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2, round(seconds * RATE))).astype(np.float32)


@given(repeated=st.integers(round(TAIL * RATE), 5 * RATE), seed=st.integers(0, 5))
def test_a_repeat_is_found_to_the_sample(repeated, seed):
    whole = audio(12, seed)
    cut = 6 * RATE
    after = whole[:, cut - repeated :]
    coarse = after + 0.05 * audio(12, 99)[:, : after.shape[1]]  # decoded anew, not bit for bit
    assert overlap(whole[:, :cut], coarse, RATE, expected=0) == repeated


def test_of_audio_that_repeats_itself_the_expected_place_is_taken():
    bar = audio(1.0)
    loop = np.tile(bar, (1, 8))
    for bars in (2, 3, 5):
        expected = bars * RATE + 900
        assert overlap(loop[:, : 4 * RATE], loop, RATE, expected) == bars * RATE


def test_silence_and_other_audio_say_nothing():
    assert overlap(np.zeros((1, RATE), np.float32), audio(4)[:1], RATE, 0) is None
    assert overlap(audio(2), audio(4, 1), RATE, 0) is None
    assert overlap(audio(2)[:, :10], audio(4), RATE, 0) is None
