"""``tagnode live``: Process live audio with effects automated by its content."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from pyplugin.cli.ui.interrupts import ended_by_interrupts
from pyplugin.cli.ui.options import (
    AnalysisOptions,
    analysis_options,
    channels_option,
    device_option,
    output_options,
)
from pyplugin.cli.ui.stems import chosen_stem_model, stem_model_option
from pyplugin.cli.ui.views import choose_view
from pyplugin.node.node import MAX_BLOCK
from pyplugin.session import LIVE_HOP, Session

if TYPE_CHECKING:
    from pyplugin.node.node import Node


@click.command("live")
@click.option(
    "--preset",
    required=True,
    metavar="NAME|FILE",
    help="Which descriptors automate which effects: a name, or a .toml file.",
)
@device_option("--input", "Input device by number or part of its name.")
@device_option("--output", "Output device by number or part of its name.")
@analysis_options
@stem_model_option
@click.option(
    "--buffer",
    default=2048,
    show_default=True,
    type=click.IntRange(64, 65536),
    help="Samples of latency that the effects may use.",
)
@click.option("--rate", type=int, help="Sample rate in Hz.  [default: the input's own]")
@channels_option("On each side.  [default: 2, or 1]")
@output_options
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so many seconds."
)
@click.option("--plain", is_flag=True, help="Print lines, also on a terminal.")
def command(
    preset: str,
    input_device: int | str | None,
    output_device: int | str | None,
    analysis: AnalysisOptions,
    stem_model: str | None,
    buffer: int,
    rate: int | None,
    channels: int | None,
    outputs: Mapping[str, Any],
    seconds: float | None,
    plain: bool,
) -> None:
    """Take live sound through the effects of a preset, automated by detected content.

    The node analyses in the audio callback; the effects run beside it and set their parameters
    between blocks, at most every 512 samples. The output is delayed by --buffer and by the devices
    themselves; the sum is shown at the start. Ends with Ctrl-C.

    A preset that uses stems delays it further, by a part of the recording that the networks take at
    once, and the time in which they run: 20.9 s with spleeter-2stems, 4.6 s with
    spleeter-2stems-p128. A machine that is too slow for them is refused.

    \b
    Examples:
      tagnode live --preset duck-under-voice
      tagnode live --preset vocal-reverb --stem-model spleeter-2stems-p128
      tagnode live --preset mine.toml --input USB --output USB --buffer 1024 --osc localhost:9000
    """
    from pyplugin.automation.chains import automated_preset, mover_of, ranges_of
    from pyplugin.automation.presets import read_preset
    from pyplugin.inputs.devices import DuplexStream
    from pyplugin.outputs import open_all
    from pyplugin.outputs.output import OutputContext

    chosen = read_preset(preset)
    plan = analysis.plan(chosen)
    stems = chosen_stem_model(chosen, stem_model, live=True)
    board = automated_preset(chosen, plan=plan, stem_model=stems)
    view = choose_view(8 if not plain else 5, plain=plain, silent=outputs["json"])
    ranges = ranges_of(chosen)

    def make_node(sample_rate: int, count: int) -> Node:
        return plan.build(sample_rate, count, MAX_BLOCK, mel_queue=view.mel_queue)

    with contextlib.ExitStack() as stack:
        opened = open_all(outputs, OutputContext(ranges, plan.descriptors, view.message))
        for output in opened:
            stack.callback(output.close)
        stream = DuplexStream(
            input_device,
            output_device,
            make_node=make_node,
            channels=channels,
            sample_rate=rate,
            lead=buffer,
        )
        stack.enter_context(stream)
        session = Session(
            stream,
            outputs=[*opened, *view.outputs],
            make_mover=lambda rate: mover_of(chosen, plan.descriptors, rate),
            board=board,
            hop=plan.hop or LIVE_HOP,
            on_event=lambda event: view.message(event.message),
        )
        stack.enter_context(session)
        stack.enter_context(view.opened(session, ranges))
        delay = stream.added_latency + session.stem_latency
        of_stems = f", {session.stem_latency} the stems" if session.stem_latency else ""
        view.message(
            f"The output is delayed by {1000 * delay / stream.sample_rate:.0f} ms "
            f"({delay} samples, {buffer} of them the buffer{of_stems})."
        )
        with ended_by_interrupts():
            session.run(seconds=seconds, timeout=0.25, each=view.show)
