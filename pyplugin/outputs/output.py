"""What outputs receive, and what they have in common."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from pyplugin.node.node import State
from pyplugin.support.descriptors import accepted_names, head_name, tag_name

OnEvent = Callable[[str], object]
Values = dict[str, float]
"""Takes a sentence for a person."""


@dataclass(frozen=True)
class DescriptorFrame:
    """One descriptor frame with everything that outputs send.

    Attributes
    ----------
    time
        Seconds of the stream at which it was emitted.
    start, end
        Seconds of the stream that it describes.
    source
        Name of the device, file or stream.
    state
        Whether the tags are warming, fresh or held.
    tags
        Activation, 0 to 1, by label as the model spells it, by model; empty without a model.
    signals
        Latest measured value by name, ``"rms_db"`` for example; may be empty.
    parameters
        Value by ``effect.parameter``; may be empty.
    heads
        Activation, 0 to 1, by label, by head.
    """

    time: float
    start: float
    end: float
    source: str
    state: State
    tags: dict[str, Values]
    signals: Values
    parameters: Values
    heads: dict[str, Values] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """Names of the models with ``+`` between them; ``""`` without one."""
        return "+".join(self.tags)

    @cached_property
    def labels(self) -> dict[str, float]:
        """Activations of all models by label; one that an earlier model has is ``model label``."""
        found: dict[str, float] = {}
        for model, values in self.tags.items():
            for label, value in values.items():
                found[f"{model} {label}" if label in found else label] = value
        return found

    @cached_property
    def activations(self) -> dict[str, float]:
        """Activations of models and heads by every accepted name, full and short."""
        full = {
            tag_name(label, model): value
            for model, values in self.tags.items()
            for label, value in values.items()
        }
        full |= {
            head_name(head, label): value
            for head, values in self.heads.items()
            for label, value in values.items()
        }
        return {name: full[stands_for] for name, stands_for in accepted_names(full).items()}


class Output(Protocol):
    """Somewhere that descriptor frames go; it never waits for whoever receives them."""

    @property
    def failures(self) -> int:
        """Sends that failed so far."""

    def write_frame(self, frame: DescriptorFrame) -> None:
        """Send a descriptor frame."""

    def write_parameters(self, time: float, parameters: Values, signals: Values) -> None:
        """Send what changed at ``time``, seconds of the stream, between two frames."""

    def close(self) -> None:
        """Send what waits, and release what is open. Closing twice is harmless."""


@dataclass(frozen=True)
class Option:
    """An option that an output adds to every command with outputs.

    Attributes
    ----------
    flag
        ``"--osc"``; the value's name is the flag without dashes at its front, ``_`` for others.
    help
        One sentence.
    metavar
        What it takes, ``None`` for a switch.
    multiple
        It may be repeated.
    """

    flag: str
    help: str
    metavar: str | None = None
    multiple: bool = False

    @property
    def name(self) -> str:
        """Its key among the values that are passed to :attr:`OutputKind.open`."""
        return self.flag.lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class OutputContext:
    """What a session knows when its outputs are opened.

    Attributes
    ----------
    ranges
        Lowest and highest value of each parameter that will come, by ``effect.parameter``.
    descriptors
        Full names of what models and heads give.
    on_event
        Takes a sentence when sending begins to fail, and when it works again.
    """

    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    descriptors: Sequence[str] = ()
    on_event: OnEvent | None = None


@dataclass(frozen=True)
class OutputKind:
    """A kind of output: its options, and how it is opened from their values.

    Attributes
    ----------
    options
        On the command line.
    open
        Takes the options' values by name and the context, returns the output, or ``None`` where
        the options do not ask for one.
    """

    options: tuple[Option, ...]
    open: Callable[[Mapping[str, Any], OutputContext], Output | None]


class FailureLog:
    """Counts failures; reports once that they began and once that they ended."""

    def __init__(self, on_event: OnEvent | None) -> None:
        self.failures = 0
        self._report = on_event or (lambda sentence: None)
        self._before: int | None = None

    @property
    def lasts(self) -> bool:
        """Whether a failure was not yet followed by :meth:`over`."""
        return self._before is not None

    def failed(self, what: str) -> None:
        """Count a failure; ``what`` begins a sentence."""
        if self._before is None:
            self._before = self.failures
            self._report(f"{what}; retrying, and reporting when it works again.")
        self.failures += 1

    def over(self, what: str) -> None:
        """Report the end of failures, if there were any; ``what`` begins a sentence."""
        if self._before is not None:
            failed = self.failures - self._before
            self._before = None
            self._report(f"{what} works again; {failed} sends failed.")


class WallClock:
    """Converts seconds of a live stream to the time of day."""

    LATE = 0.25
    """Most seconds between the emission of a frame and its reading, unless the stream pauses."""

    def __init__(self) -> None:
        self._origin = math.inf

    def at(self, seconds: float, now: float | None = None) -> float:
        """Return the time of day of ``seconds``, which were just read (at ``now``).

        The shortest delay so far is assumed, so that irregular reading causes no jitter and no
        time is ahead of the clock.
        """
        origin = (time.time() if now is None else now) - seconds
        if not self._origin <= origin <= self._origin + self.LATE:
            self._origin = origin
        return self._origin + seconds
