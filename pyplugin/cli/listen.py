"""``pyplugin listen``."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from pyplugin.cli.ui.options import (
    hearing_options,
    load_parts,
    numbered,
    open_outputs,
    output_options,
)
from pyplugin.cli.ui.screen import Screen, can_draw, shown
from pyplugin.errors import AudioError
from pyplugin.node.signals import SIGNAL_HOP
from pyplugin.session import FORMATS, Listening, PcmInput

if TYPE_CHECKING:
    from pyplugin.automation.movers import Mover
    from pyplugin.automation.presets import Preset
    from pyplugin.models.heads import Head
    from pyplugin.models.registry import Model
    from pyplugin.node.node import Node
    from pyplugin.outputs import DescriptorFrame, Output

__all__ = ["command"]

_POLL = 0.05  # seconds
_BLOCK = 4096


@click.command("listen")
@click.argument("source", required=False, metavar="[-]")
@click.option(
    "--device", metavar="N|NAME", help="Input by number or part of its name: 'pyplugin devices'."
)
@click.option(
    "--preset", metavar="NAME|FILE", help="Also tell how this preset's parameters would move."
)
@hearing_options
@click.option(
    "--top", default=8, show_default=True, type=click.IntRange(1, 50), help="Tags to show."
)
@output_options
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so much sound."
)
@click.option("--rate", type=int, help="Hz; of raw samples 44100, of a device its own.")
@click.option(
    "--channels", type=click.IntRange(1, 8), help="Of raw samples 2, of a device its own."
)
@click.option(
    "--format",
    "sample_format",
    type=click.Choice(list(FORMATS)),
    default="s16le",
    show_default=True,
    help="Of raw samples.",
)
@click.option("--plain", is_flag=True, help="Print lines, also on a terminal.")
def command(
    source: str | None,
    device: str | None,
    preset: str | None,
    model: str | None,
    runtime: str | None,
    hop: float | None,
    top: int,
    as_json: bool,
    osc: str | None,
    midi: str | None,
    controllers: tuple[str, ...],
    fourteen_bit: bool,
    seconds: float | None,
    rate: int | None,
    channels: int | None,
    sample_format: str,
    plain: bool,
) -> None:
    """Listen to a device, or to raw samples from a pipe (-), and say what is heard.

    On a terminal it draws the mel spectrogram, the strongest tags, meters and counters; elsewhere
    it prints a line for each answer. Ends with Ctrl-C, or with the pipe.

    \b
    Examples:
      pyplugin listen
      pyplugin listen --device USB --preset duck-under-voice --osc localhost:9000
      rtl_fm -f 98.3M -M wbfm -r 32000 | pyplugin listen - --rate 32000 --channels 1
      ffmpeg -i http://… -f s16le - | pyplugin listen - --json | jq .tags
      pyplugin listen --midi virtual:pyplugin --cc tag.vocal=20 --cc signal.onset=21
    """
    from pyplugin.automation.presets import read_preset
    from pyplugin.automation.rendering import ranges_of

    if source not in (None, "-"):
        raise click.UsageError(
            f"listen takes '-' for raw samples, or a --device; for a file: pyplugin tag {source}"
        )
    if source == "-" and device is not None:
        raise click.UsageError("Raw samples (-) and --device are two inputs; give one.")
    chosen = read_preset(preset) if preset is not None else None
    models, heads = load_parts(model, chosen, runtime)
    drawn = not plain and not as_json and can_draw()
    view = Drawn(top) if drawn else Lines(top, silent=as_json)
    ranges = ranges_of(chosen) if chosen else {}

    def make_node(sample_rate: int, count: int) -> Node:
        from pyplugin.node.node import Node

        return Node(
            sample_rate,
            count,
            8192,
            model=models or None,
            heads=heads,
            hop=(hop or (chosen.hop if chosen else None) or 0.25) if models else None,
            runtime=runtime,
            offline=source == "-",
            signals=SIGNAL_HOP,
            mel_queue=256 if drawn else 0,
        )

    with contextlib.ExitStack() as stack:
        outputs = open_outputs(
            as_json, osc, midi, controllers, fourteen_bit, ranges, models, heads, view.event
        )
        for output in outputs:
            stack.callback(output.close)
        if source == "-":
            if sys.stdin is None:
                raise AudioError("Standard input is closed; give raw samples there.")
            pcm = PcmInput(sys.stdin.fileno(), rate or 44100, channels or 2, sample_format)
            feed: Any = _Pipe(stack, pcm, make_node, view)
        else:
            from pyplugin.inputs.devices import Listener

            feed = stack.enter_context(
                Listener(
                    numbered(device),
                    make_node,
                    channels=channels,
                    sample_rate=rate,
                    on_event=view.event,
                )
            )
        listening = Listening(
            feed.node,
            source="stdin" if source == "-" else feed.device.name,
            outputs=[*outputs, *view.outputs],
            make_mover=(lambda rate: told(chosen, models, heads, rate)) if chosen else None,
            hop=hop or 0.25,
        )
        stack.enter_context(view.opened(listening, ranges))
        with contextlib.suppress(KeyboardInterrupt):
            _listen(feed, listening, view, seconds)
        for note in getattr(feed, "notes", ()):
            click.echo(f"pyplugin: {note}", err=True)


def _listen(feed: Any, listening: Listening, view: Any, seconds: float | None) -> None:
    while True:
        going = feed.poll()
        if feed.node is not listening.node:
            listening.attach(feed.node)
        listening.poll()
        view.show(listening, feed.counters)
        heard = listening.node.counters["position"] / listening.node.sample_rate
        if going is None:  # a device is heard elsewhere
            time.sleep(_POLL)
        if going is False or (seconds is not None and heard >= seconds):
            return


class _Pipe:
    """Raw samples through a node, with the manners of a device's listener."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        pcm: PcmInput,
        make_node: Callable[[int, int], Node],
        view: Any,
    ) -> None:
        self._pcm = pcm
        self.node = stack.enter_context(make_node(pcm.sample_rate, pcm.channels))
        self.notes = pcm.notes

    @property
    def counters(self) -> dict[str, int]:
        return self.node.counters

    def poll(self) -> bool:
        """Hear what has come; False at the end."""
        block = self._pcm.read(_BLOCK, _POLL)
        if self._pcm.ended:  # the last answers are still on their way
            left = self.node.latency.total
            while left > 0:
                silence = np.zeros((self._pcm.channels, min(left, _BLOCK)), np.float32)
                self.node.analyse(silence)
                left -= silence.shape[1]
            return False
        self.node.analyse(block)
        return True


def told(preset: Preset, models: Sequence[Model], heads: Sequence[Head], rate: int) -> Mover:
    """Return what moves a preset's parameters, without effects."""
    from pyplugin.automation.movers import Lane, Mover
    from pyplugin.automation.rendering import sources_of
    from pyplugin.node.node import descriptors_of

    descriptors = descriptors_of(models, heads)
    return Mover(
        [
            Lane.of_sources(target, combined, descriptors, rate)
            for target, combined in sources_of(preset).items()
        ]
    )


class Lines:
    """Prints a line for each answer: an output, too."""

    failures = 0

    def __init__(self, top: int, *, silent: bool) -> None:
        self._top = top
        self.outputs = [] if silent else [self]

    def event(self, sentence: str) -> None:
        click.echo(f"pyplugin: {sentence}", err=True)

    @contextlib.contextmanager
    def opened(
        self, listening: Listening, ranges: dict[str, tuple[float, float]]
    ) -> Iterator[None]:
        self._spans = {name: high - low for name, (low, high) in ranges.items()}
        click.echo(f"pyplugin: {_title(listening)}", err=True)
        yield

    def write_frame(self, frame: DescriptorFrame) -> None:
        """Print it."""
        minutes, seconds = divmod(frame.end, 60)
        best = sorted(frame.tags, key=lambda label: -frame.tags[label])[: self._top]
        parts = [f"{label} {frame.tags[label]:.2f}" for label in best]
        for name, said in frame.heads.items():
            parts += [f"{name}.{label} {value:.2f}" for label, value in said.items()]
        if frame.signals:
            parts.append(f"{frame.signals['loudness_momentary']:.1f} LUFS")
        parts += [
            f"{name} {shown(value, self._spans[name])}" for name, value in frame.parameters.items()
        ]
        state = "" if frame.state.name == "FRESH" else f"({frame.state.name.lower()}) "
        click.echo(f"{int(minutes)}:{seconds:04.1f}  {state}{'  '.join(parts)}")

    def write_parameters(self, time: float, parameters: object, signals: object) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def show(self, listening: Listening, counters: object) -> None:
        """Do nothing: all is printed as it comes."""


def _title(listening: Listening) -> str:
    node = listening.node
    milliseconds = 1000 * node.latency.total / node.sample_rate
    models = " + ".join(model.card.name for model in node.models) or "measuring only"
    return (
        f"{listening.source}, {node.sample_rate} Hz, {node.channels} channels, {models}, "
        f"answers {milliseconds:.0f} ms after their window"
    )


class Drawn:
    """Draws the screen."""

    def __init__(self, top: int) -> None:
        self._top = top
        self.outputs: list[Output] = []
        self._events: list[tuple[float, str]] = []
        self._drawn = 0.0

    def event(self, sentence: str) -> None:
        self._events = [*self._events[-2:], (time.monotonic(), sentence)]

    @contextlib.contextmanager
    def opened(
        self, listening: Listening, ranges: dict[str, tuple[float, float]]
    ) -> Iterator[None]:
        with Screen(_title(listening), ranges=ranges, top=self._top) as self._screen:
            yield

    def show(self, listening: Listening, counters: dict[str, int]) -> None:
        now = time.monotonic()
        self._screen.add_mel(listening.node.read_mel(), listening.node.mel_seconds)
        if now < self._drawn + 0.08:
            return
        self._drawn = now
        recent = [sentence for at, sentence in self._events if now < at + 20]
        tags = _named(listening.last) if listening.last is not None else {}
        status = [_clock(listening)] + [
            f"{name} {counters[name]}" for name in _COUNTERS if counters.get(name)
        ]
        self._screen.draw(tags, listening.parameters, listening.signals, status, recent)


def _named(frame: DescriptorFrame) -> dict[str, float]:
    """Return all that models and heads name."""
    said = {
        f"{name}: {label}": value
        for name, values in frame.heads.items()
        for label, value in values.items()
    }
    return {**frame.tags, **said}


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


def _clock(listening: Listening) -> str:
    minutes, seconds = divmod(listening.node.counters["position"] / listening.node.sample_rate, 60)
    return f"{int(minutes)}:{seconds:04.1f}"
