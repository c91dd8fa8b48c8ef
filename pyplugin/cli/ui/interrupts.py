"""Ctrl-C, SIGTERM and SIGHUP: an ordinary end, at any moment."""

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_AGAIN = 0.02  # seconds until a deferred signal is tried again
_SWALLOWED = 0.2  # seconds in which the exception must arrive, or it is raised again
_LONGEST = 20.0  # seconds that one is deferred at most
_GRACE = 3.0  # seconds in which further signals do not disturb what is being completed


class Interrupts:
    """A context manager that raises one ``KeyboardInterrupt`` for the first of these signals.

    While a module is being imported, an output is completed or a lock is taken or released, the
    exception waits for its end: a library that is half loaded may swallow it, or print a traceback
    of its own, and a lock would stay taken for ever. Later signals are ignored for three seconds,
    in which open files are completed; after that, one ends the process at once. Signals that were
    ignored from the start, as with nohup, stay so.

    Attributes
    ----------
    received : int or None
        Number of the first signal.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._raised: float | None = None
        self._first = 0.0
        self._exception: BaseException | None = None
        self._arrived = False
        self._before: dict[int, Any] = {}
        self._hook = sys.unraisablehook

    def __enter__(self) -> "Interrupts":
        _current.append(self)
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        if hasattr(signal, "SIGALRM"):
            self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._handle)
        sys.unraisablehook = self._unraisable
        return self

    def __exit__(self, *error: object) -> None:
        _current.remove(self)
        if self._before:
            atexit.register(_ignore_all)
            sys.unraisablehook = self._hook
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in self._before.items():
                signal.signal(number, handler)

    @property
    def raised(self) -> bool:
        """Whether the exception was raised."""
        return self._raised is not None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.received is None:
            if number not in _SIGNALS:
                return
            self.received, self._first = number, now
        if number not in _SIGNALS and self._raised is not None and self._swallowed():
            self._raised = None
        if self._raised is not None:
            if number in _SIGNALS and now > self._raised + _GRACE:
                os._exit(128 + number)
            return
        if _undisturbed(frame) and now < self._first + _LONGEST and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
            return
        self._raised = now
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, _SWALLOWED)
        self._exception = KeyboardInterrupt()
        raise self._exception

    def acknowledge(self) -> None:
        """Take note that the exception has arrived; it is not raised again."""
        self._arrived = True

    def _swallowed(self) -> bool:
        """Return whether the exception was dropped, by a library that catches everything."""
        if self._arrived:
            return False
        error = sys.exc_info()[1]  # what is being handled, here in the main thread
        while error is not None:
            if error is self._exception:
                return False
            error = error.__context__
        return True

    def _unraisable(self, details: Any) -> None:
        """Try again where the exception fell into a callback or a finalizer, which drop it."""
        if issubclass(details.exc_type, KeyboardInterrupt) and hasattr(signal, "setitimer"):
            self._raised = None
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        else:
            self._hook(details)


_current: list[Interrupts] = []


@contextlib.contextmanager
def ended_by_interrupts() -> Iterator[None]:
    """Leave the context with Ctrl-C or a signal, without an exception."""
    try:
        yield
    except KeyboardInterrupt:
        interrupts_taken()


def interrupts_taken() -> None:
    """Take note that a command has caught ``KeyboardInterrupt`` and goes on to an ordinary end."""
    for each in _current:
        each.acknowledge()


_PACKAGE = __file__.rpartition(f"{os.sep}cli{os.sep}")[0]
_COMPLETING = tuple(f"{_PACKAGE}{os.sep}{room}{os.sep}" for room in ("outputs", "support"))
_ENDS = ("close", "publish", "__exit__", "_append", "_begin")
_LOCKING = (threading.Condition.__enter__.__code__, threading.Condition.__exit__.__code__)
_WAIT = threading.Condition.wait.__code__


def _undisturbed(frame: FrameType | None) -> bool:
    """Return whether a module is imported, an output completed, or a lock taken or released."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib"):
            return True
        if code.co_name in _ENDS and code.co_filename.startswith(_COMPLETING):
            return True
        if code in _LOCKING or (code is _WAIT and "gotit" not in frame.f_locals):
            return True  # before `gotit` is set, `wait` has released a lock that it will not retake
        frame = frame.f_back
    return False


def _ignore_all() -> None:
    """Nothing is left to be done: the interpreter ends undisturbed."""
    for number in _SIGNALS:
        with contextlib.suppress(ValueError, OSError):
            signal.signal(number, signal.SIG_IGN)
