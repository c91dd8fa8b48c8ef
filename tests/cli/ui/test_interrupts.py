"""Signals as one exception; tests/cli/test_program.py sends them to whole programs."""

import os
import signal
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
