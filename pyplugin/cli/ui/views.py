"""What a live session shows: lines of text, or a screen that is drawn."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from pyplugin.cli.ui.terminal import can_draw, echo, shown
from pyplugin.support.printable import printable

if TYPE_CHECKING:
    from pyplugin.outputs import DescriptorFrame, Output
    from pyplugin.outputs.output import Values
    from pyplugin.session import Session


_REDRAW = 0.08  # seconds
_MESSAGE = 20.0  # seconds that a message stays on the screen
_COUNTERS = (
    "fresh",
    "held",
    "late",
    "dropped",
    "overflows",
    "lost",
    "replaced",
    "missing",
    "underflows",
    "reconnections",
)


class View(Protocol):
    """Shows a session to a person."""

    outputs: list[Output]
    """What the session has to send frames to."""

    mel_queue: int
    """Mel frames that the node has to keep."""

    def message(self, sentence: str) -> None:
        """Show a sentence."""

    def opened(
        self, session: Session, ranges: Mapping[str, tuple[float, float]]
    ) -> contextlib.AbstractContextManager[None]:
        """Show the session until the context is left."""

    def show(self, session: Session) -> None:
        """Bring the display up to date."""


def choose_view(top: int, *, plain: bool, silent: bool) -> View:
    """Return a screen where one can be drawn, otherwise lines; no lines if ``silent``."""
    return LineView(top, silent=silent) if plain or silent or not can_draw() else ScreenView(top)


class LineView:
    """Prints a line for each descriptor frame."""

    failures = 0
    mel_queue = 0

    def __init__(self, top: int, *, silent: bool) -> None:
        self._top = top
        self.outputs: list[Output] = [] if silent else [self]

    def message(self, sentence: str) -> None:
        """Print a sentence on stderr."""
        echo(f"tagnode: {printable(sentence)}", err=True)

    @contextlib.contextmanager
    def opened(self, session: Session, ranges: Mapping[str, tuple[float, float]]) -> Iterator[None]:
        """Print what runs."""
        self._spans = {name: high - low for name, (low, high) in ranges.items()}
        self.message(_title(session))
        yield

    def write_frame(self, frame: DescriptorFrame) -> None:
        """Print it."""
        labels = frame.labels
        best = sorted(labels, key=lambda label: -labels[label])[: self._top]
        parts = [f"{label} {labels[label]:.2f}" for label in best]
        for name, values in frame.heads.items():
            parts += [f"{name}.{label} {value:.2f}" for label, value in values.items()]
        if frame.signals:
            parts.append(f"{frame.signals['loudness_momentary']:.1f} LUFS")
        for name, value in frame.parameters.items():
            parts.append(f"{name} {shown(value, self._spans[name])}")
        state = "" if frame.state.name == "FRESH" else f"({frame.state.name.lower()}) "
        echo(f"{_clock(frame.end)}  {state}{printable('  '.join(parts))}", vital=True)

    def write_parameters(self, time: float, parameters: Values, signals: Values) -> None:
        """Do nothing: a line is for a frame."""

    def close(self) -> None:
        """Do nothing."""

    def show(self, session: Session) -> None:
        """Do nothing: lines are printed as frames arrive."""


class ScreenView:
    """Draws mel spectrogram, tags, meters and counters on a terminal."""

    mel_queue = 256

    def __init__(self, top: int) -> None:
        self._top = top
        self.outputs: list[Output] = []
        self._messages: list[tuple[float, str]] = []
        self._drawn = 0.0

    def message(self, sentence: str) -> None:
        """Show a sentence for some time."""
        self._messages = [*self._messages[-2:], (time.monotonic(), sentence)]

    @contextlib.contextmanager
    def opened(self, session: Session, ranges: Mapping[str, tuple[float, float]]) -> Iterator[None]:
        """Draw until the context is left."""
        from pyplugin.cli.ui.screen import Screen

        with Screen(_title(session), ranges=dict(ranges), top=self._top) as self._screen:
            yield

    def show(self, session: Session) -> None:
        """Draw, at most some 12 times a second."""
        now = time.monotonic()
        self._screen.add_mel(session.node.read_mel(), session.node.mel_seconds)
        if now < self._drawn + _REDRAW:
            return
        self._drawn = now
        recent = [sentence for at, sentence in self._messages if now < at + _MESSAGE]
        tags = _activations(session.last) if session.last is not None else {}
        counters = session.counters
        status = [_clock(session.seconds)] + [
            f"{name} {counters[name]}" for name in _COUNTERS if counters.get(name)
        ]
        self._screen.draw(tags, session.parameters, session.signals, status, recent)


def _title(session: Session) -> str:
    node = session.node
    milliseconds = 1000 * node.latency.total / node.sample_rate
    models = " + ".join(model.card.name for model in node.models) or "measuring only"
    channels = f"{node.channels} channel{'s' if node.channels > 1 else ''}"
    return (
        f"{session.input.title}, {node.sample_rate} Hz, {channels}, {models}, "
        f"latency {milliseconds:.0f} ms"
    )


def _activations(frame: DescriptorFrame) -> dict[str, float]:
    """Return what models and heads give, by what to show."""
    heads = {
        f"{name}: {label}": value
        for name, values in frame.heads.items()
        for label, value in values.items()
    }
    return {**frame.labels, **heads}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"
