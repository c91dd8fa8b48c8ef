"""Signals as one exception; tests/cli/test_program.py sends them to whole programs."""

import contextlib
import os
import signal
import sys
import threading
import time

import pytest

from pyplugin.cli.ui.interrupts import Interrupts


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_one_exception_and_handlers_come_back(number):
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            send(number)
        assert interrupts.received == number
        assert interrupts.raised
    assert signal.getsignal(number) == before


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.05)
            assert interrupts.received is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_without_a_signal_nothing_happens():
    with Interrupts() as interrupts:
        pass
    assert (interrupts.received, interrupts.raised) == (None, False)


CONDITION = [
    getattr(threading.Condition, name).__code__ for name in ("__enter__", "wait", "__exit__")
]


def interrupted(condition, chosen):
    """Wait, and send SIGINT at one of the places where Python looks for signals."""
    places = 0

    def profiler(frame, event, argument):
        nonlocal places
        if frame.f_code in CONDITION and event in ("call", "c_return"):
            places += 1
            if places == chosen:
                signal.raise_signal(signal.SIGINT)

    sys.setprofile(profiler)
    try:
        with condition:
            condition.wait(0.001)
        sys.setprofile(None)
        if places >= chosen:
            time.sleep(5)
    finally:
        sys.setprofile(None)


def test_a_signal_while_a_condition_is_used_leaves_its_lock_free():
    for chosen in range(1, 100):
        condition, taken = threading.Condition(), []
        with Interrupts() as interrupts, contextlib.suppress(KeyboardInterrupt):
            interrupted(condition, chosen)
        other = threading.Thread(target=lambda: taken.append(condition.acquire(timeout=1)))  # noqa: B023
        other.start()
        other.join()
        assert taken == [True], chosen
        if interrupts.received is None:
            break
    assert 8 < chosen < 99
