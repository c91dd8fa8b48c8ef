"""``pyplugin live``."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import click

from pyplugin.automation.playback import BoardStream
from pyplugin.cli.listen import Drawn, Lines, told
from pyplugin.cli.ui.options import (
    hearing_options,
    load_parts,
    numbered,
    open_outputs,
    output_options,
)
from pyplugin.cli.ui.screen import can_draw
from pyplugin.node.signals import SIGNAL_HOP
from pyplugin.session import Listening

if TYPE_CHECKING:
    from pyplugin.automation.board import AutomatedBoard
    from pyplugin.node.node import Node

__all__ = ["command"]


@click.command("live")
@click.option(
    "--preset", required=True, metavar="NAME|FILE", help="What moves what: a name, or a .toml file."
)
@click.option("--in", "source", metavar="N|NAME", help="Input by number or part of its name.")
@click.option("--out", "sink", metavar="N|NAME", help="Output by number or part of its name.")
@hearing_options
@click.option(
    "--buffer",
    default=2048,
    show_default=True,
    type=click.IntRange(64, 65536),
    help="Samples that the effects may take: so much later sound goes out.",
)
@click.option("--rate", type=int, help="Hz.  [default: the input's own]")
@click.option("--channels", type=click.IntRange(1, 8), help="On each side.  [default: 2, or 1]")
@output_options
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so much.")
@click.option("--plain", is_flag=True, help="Print lines, also on a terminal.")
def command(
    preset: str,
    source: str | None,
    sink: str | None,
    model: str | None,
    runtime: str | None,
    hop: float | None,
    buffer: int,
    rate: int | None,
    channels: int | None,
    as_json: bool,
    osc: str | None,
    midi: str | None,
    controllers: tuple[str, ...],
    fourteen_bit: bool,
    seconds: float | None,
    plain: bool,
) -> None:
    """Take live sound through the effects of a preset, moved by what is heard.

    The node hears in the audio callback; the effects run beside it and set their parameters
    between blocks, at most every 512 samples. Sound goes out later by --buffer and what the devices
    take themselves, which is told at the start. Ends with Ctrl-C.

    \b
    Examples:
      pyplugin live --preset duck-under-voice
      pyplugin live --preset mine.toml --in USB --out USB --buffer 1024 --osc localhost:9000
    """
    from pyplugin.automation.presets import read_preset
    from pyplugin.automation.rendering import automated_preset, ranges_of
    from pyplugin.inputs.devices import DuplexStream

    chosen = read_preset(preset)
    models, heads = load_parts(model, chosen, runtime)
    auto = automated_preset(chosen, model=models[0] if models else None, runtime=runtime)
    drawn = not plain and not as_json and can_draw()
    view = Drawn(8) if drawn else Lines(5, silent=as_json)
    ranges = ranges_of(chosen)

    def make_node(sample_rate: int, count: int) -> Node:
        from pyplugin.node.node import Node

        return Node(
            sample_rate,
            count,
            8192,
            model=models or None,
            heads=heads,
            hop=(hop or chosen.hop or 0.25) if models else None,
            runtime=runtime,
            signals=SIGNAL_HOP,
            mel_queue=256 if drawn else 0,
        )

    with contextlib.ExitStack() as stack:
        outputs = open_outputs(
            as_json, osc, midi, controllers, fourteen_bit, ranges, models, heads, view.event
        )
        for output in outputs:
            stack.callback(output.close)
        stream = stack.enter_context(
            DuplexStream(
                numbered(source),
                numbered(sink),
                make_node=make_node,
                channels=channels,
                sample_rate=rate,
                lead=buffer,
                on_event=view.event,
            )
        )
        player = _player(auto, stream)
        assert stream.node is not None
        listening = Listening(
            stream.node,
            source=stream.devices[0].name,
            outputs=[*outputs, *view.outputs],
            make_mover=lambda rate: told(chosen, models, heads, rate),
            hop=hop or 0.25,
            others=[player.mover],
        )
        stack.enter_context(view.opened(listening, ranges))
        view.event(
            f"Sound goes out {1000 * stream.added_seconds:.0f} ms after it came in "
            f"({stream.added_latency} samples, {buffer} of them the buffer)."
        )
        with contextlib.suppress(KeyboardInterrupt):
            _run(auto, stream, player, listening, view, buffer // 4, seconds)


def _player(auto: AutomatedBoard, stream: Any) -> BoardStream:
    """Return the board for a stream whose node is played elsewhere."""
    return auto.stream(stream.sample_rate, stream.channels, node=stream.node)


def _run(
    auto: AutomatedBoard,
    stream: Any,
    player: BoardStream,
    listening: Listening,
    view: Any,
    block: int,
    seconds: float | None,
) -> None:
    lost, begun = 0, time.monotonic()
    while seconds is None or time.monotonic() < begun + seconds:
        samples = stream.read(max(block, 16), timeout=0.25)
        if stream.node is not listening.node:  # the device came back with another rate
            player, lost = _player(auto, stream), 0
            listening.others = [player.mover]
            listening.attach(stream.node)
        listening.poll()
        counters = stream.counters
        player.skip(counters["lost"] - lost)
        lost = counters["lost"]
        if samples.shape[1]:
            stream.write(player.play(samples))
        view.show(listening, counters)
