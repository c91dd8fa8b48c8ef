"""``tagnode listen``: Analyse a device, a station or a pipe, and show what is detected."""

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
from pyplugin.inputs.decoding import FORMATS, RawFormat
from pyplugin.inputs.http import TIMEOUT
from pyplugin.inputs.opening import is_stream, open_input
from pyplugin.node.node import MAX_BLOCK
from pyplugin.session import LIVE_HOP, Session

if TYPE_CHECKING:
    from pyplugin.inputs.input import Input
    from pyplugin.inputs.streams import StreamInput
    from pyplugin.node.node import Node


@click.command("listen")
@click.argument("source", required=False, metavar="[URL|PLAYLIST|PIPE|-|'cmd: COMMAND']")
@device_option("--device", "Input by number or part of its name: see 'tagnode devices'.")
@click.option(
    "--preset", metavar="NAME|FILE", help="Also send how this preset's parameters would move."
)
@analysis_options
@stem_model_option
@click.option(
    "--top", default=8, show_default=True, type=click.IntRange(1, 50), help="Tags to show."
)
@output_options
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help="Stop after so many seconds of audio.",
)
@click.option(
    "--rate", type=int, help="Sample rate in Hz.  [default: 44100 for raw samples, the device's]"
)
@channels_option("[default: 2 for raw samples, the device's]")
@click.option(
    "--format",
    "sample_format",
    type=click.Choice(list(FORMATS)),
    default="s16le",
    show_default=True,
    help="Sample format of raw samples.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.5, 600),
    default=TIMEOUT,
    show_default=True,
    help="Seconds without data after which a stream is connected again.",
)
@click.option("--charset", help="Of titles that are not UTF-8.  [default: detected]")
@click.option("--no-retry", is_flag=True, help="End when a stream fails, with exit status 1.")
@click.option("--plain", is_flag=True, help="Print lines, also on a terminal.")
def command(
    source: str | None,
    device_device: int | str | None,
    preset: str | None,
    analysis: AnalysisOptions,
    stem_model: str | None,
    top: int,
    outputs: Mapping[str, Any],
    seconds: float | None,
    rate: int | None,
    channels: int | None,
    sample_format: str,
    timeout: float,
    charset: str | None,
    no_retry: bool,
    plain: bool,
) -> None:
    """Analyse a device, a network stream, a command or a pipe, and show what is detected.

    A stream is HTTP, HTTPS, Icecast, SHOUTcast, HLS or RTSP; it is connected again when it fails.
    What a command or a pipe (-) carries is decoded; without a container it is raw samples. On a
    terminal it draws the mel spectrogram, the strongest tags, meters and counters; elsewhere it
    prints a line for each result. Ends with Ctrl-C, or with the pipe.

    \b
    Examples:
      tagnode listen
      tagnode listen https://radio.example/live.mp3
      tagnode listen 'cmd: rtl_fm -f 98.3M -M wbfm -r 32000' --rate 32000 --channels 1
      curl -s https://radio.example/live | tagnode listen - --json | jq .tags
      tagnode listen --device USB --preset duck-under-voice --osc localhost:9000
      tagnode listen --midi virtual:pyplugin --cc tag.speech=20 --cc signal.onset=21
    """
    from pyplugin.automation.chains import mover_of, ranges_of
    from pyplugin.automation.presets import read_preset
    from pyplugin.outputs import open_all
    from pyplugin.outputs.output import OutputContext

    if source is not None and device_device is not None:
        raise click.UsageError(f"{source} and --device are two inputs; give one.")
    if source is not None and not is_stream(source):
        raise click.UsageError(
            f"listen takes a URL, a playlist, a pipe, 'cmd: …', - or a --device; for a file: "
            f"tagnode tag {source}"
        )
    chosen = read_preset(preset) if preset is not None else None
    plan = analysis.plan(chosen)
    stems = chosen_stem_model(chosen, stem_model, live=True, waits=source is not None)
    view = choose_view(top, plain=plain, silent=outputs["json"])
    ranges = ranges_of(chosen) if chosen else {}

    def make_node(sample_rate: int, count: int) -> Node:
        offline = source is not None  # a stream can wait for a runtime on a thread
        return plan.build(sample_rate, count, MAX_BLOCK, offline=offline, mel_queue=view.mel_queue)

    def make_mover(sample_rate: int) -> Any:
        assert chosen is not None
        return mover_of(chosen, plan.descriptors, sample_rate)

    with contextlib.ExitStack() as stack:
        opened = open_all(outputs, OutputContext(ranges, plan.descriptors, view.message))
        for output in opened:
            stack.callback(output.close)
        input: Input
        stream: StreamInput | None = None
        if source is not None:
            raw = RawFormat(rate or 44100, channels or 2, sample_format)
            input = stream = open_input(
                source, raw=raw, retry=not no_retry, timeout=timeout, charset=charset
            )
            stack.callback(stream.close)
            stream.wait()
        else:
            from pyplugin.inputs.devices import Listener

            input = stack.enter_context(
                Listener(
                    device_device,
                    make_node,
                    channels=channels,
                    sample_rate=rate,
                    samples=stems is not None,
                )
            )
        session = stack.enter_context(
            Session(
                input,
                None if stream is None else make_node,
                outputs=[*opened, *view.outputs],
                make_mover=make_mover if chosen else None,
                stem_model=stems,
                hop=plan.hop or LIVE_HOP,
                on_event=lambda event: view.message(event.message),
            )
        )
        stack.enter_context(view.opened(session, ranges))
        if session.stem_latency:
            seconds_late = session.stem_latency / session.node.sample_rate
            view.message(f"Parameters are delayed by {seconds_late:.1f} s, the time of the stems.")
        with ended_by_interrupts():
            session.run(seconds=seconds, each=view.show)
        if stream is not None and stream.failure is not None:
            raise stream.failure
