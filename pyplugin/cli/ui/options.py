"""Options that ``listen`` and ``live`` share: what hears, and where it goes."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from pyplugin.errors import PypluginError
from pyplugin.node.runtimes import RUNTIMES
from pyplugin.node.signals import SIGNALS
from pyplugin.support.spelling import nearest, slug

if TYPE_CHECKING:
    from pyplugin.automation.presets import Preset
    from pyplugin.models.heads import Head
    from pyplugin.models.registry import Model
    from pyplugin.outputs import Output

__all__ = ["hearing_options", "load_parts", "numbered", "open_outputs", "output_options"]

Command = Callable[..., Any]


def hearing_options(command: Command) -> Command:
    """Add --model, --runtime and --hop."""
    for option in (
        click.option(
            "--hop",
            type=float,
            callback=_checked_hop,
            help="Seconds between two answers.  [default: 0.25]",
        ),
        click.option("--runtime", type=click.Choice(RUNTIMES), help="What runs the model."),
        click.option(
            "--model",
            help="A model's name, or its .tflite; 'none' only measures.  [default: the preset's, "
            "or scene]",
        ),
    ):
        command = option(command)
    return command


def _checked_hop(
    context: click.Context, parameter: click.Parameter, hop: float | None
) -> float | None:
    if hop is not None and not 0 < hop < math.inf:
        raise click.BadParameter(f"{hop:g} is given; seconds above 0 are expected.")
    return hop


def output_options(command: Command) -> Command:
    """Add --json, --osc and --midi with what belongs to it."""
    for option in (
        click.option(
            "--midi-14bit", "fourteen_bit", is_flag=True, help="Controllers of 14 bits, in pairs."
        ),
        click.option(
            "--cc",
            "controllers",
            multiple=True,
            metavar="NAME=N",
            help="Controller N for a parameter, signal.NAME, tag.LABEL or head.NAME.LABEL; may be "
            "repeated.  "
            "[default: the preset's parameters from 20 up]",
        ),
        click.option(
            "--midi",
            metavar="PORT",
            help="Send controllers to this MIDI port: part of its name, virtual:NAME, or a .mid "
            "file to record.",
        ),
        click.option("--osc", metavar="HOST:PORT", help="Send OSC bundles there, over UDP."),
        click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each answer."),
    ):
        command = option(command)
    return command


def numbered(device: str | None) -> int | str | None:
    """Return a device's number where one was given, otherwise its name."""
    return int(device) if device is not None and device.isdigit() else device


def load_parts(
    model: str | None, preset: Preset | None, runtime: str | None
) -> tuple[list[Model], list[Head]]:
    """Load what shall hear; nothing where only measured descriptors are asked for."""
    from pyplugin.automation.board import parts_of
    from pyplugin.automation.presets import names_labels
    from pyplugin.automation.rendering import sources_of
    from pyplugin.cli.ui.suppress_output import try_model
    from pyplugin.models import registry
    from pyplugin.node.node import DEFAULT_MODEL

    models: list[Model] = []
    heads: list[Head] = []
    if model == "none":
        return models, heads
    if preset is not None and names_labels(preset):
        models, heads = parts_of(sources_of(preset).values(), model or preset.model)
    elif preset is None or model is not None:
        models = [registry.load(model or DEFAULT_MODEL)]
    for each in models:
        try_model(each, runtime)
    return models, heads


def open_outputs(
    as_json: bool,
    osc: str | None,
    midi: str | None,
    controllers: Sequence[str],
    fourteen_bit: bool,
    ranges: dict[str, tuple[float, float]],
    models: Sequence[Model],
    heads: Sequence[Head],
    on_event: Callable[[str], object],
) -> list[Output]:
    """Open what the options name.

    Raises
    ------
    PypluginError
        An address that is none, no such port, a controller that cannot be.
    """
    from pyplugin.node.node import descriptors_of
    from pyplugin.outputs import JsonLines, Midi, Osc

    if midi is None and (controllers or fourteen_bit):
        raise click.UsageError("--cc and --midi-14bit are for --midi PORT; give one.")
    outputs: list[Output] = []
    if as_json:
        if sys.stdout is None:
            raise PypluginError("--json has nowhere to go: standard output is closed.")
        outputs.append(JsonLines(sys.stdout))
    if osc is not None:
        outputs.append(Osc(osc, on_event=on_event))
    if midi is not None:
        assigned = _assigned(controllers) or None
        _check_names(assigned or (), [*ranges, *descriptors_of(models, heads)], models)
        if assigned is None and not ranges:
            raise PypluginError(
                "Nothing is assigned to a controller; give a --preset, or --cc tag.vocal=20."
            )
        if assigned is not None:
            usual = {f"signal.{name}": (each.low, each.high) for name, each in SIGNALS.items()}
            ranges = {**usual, **ranges}
        outputs.append(
            Midi(midi, assigned, fourteen_bit=fourteen_bit, ranges=ranges, on_event=on_event)
        )
    return outputs


def _check_names(names: Iterable[str], there: Iterable[str], models: Sequence[Model]) -> None:
    known = [*there, *(f"signal.{name}" for name in SIGNALS)]
    known += [f"tag.{slug(label)}" for model in models for label in model.card.labels]
    for name in names:
        if name not in known:
            raise click.UsageError(f"--cc {name}: there is none; {nearest(name, known)}")


def _assigned(controllers: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for given in controllers:
        name, equals, number = given.rpartition("=")
        if not equals or not name or not number.isdigit():
            raise click.UsageError(f"--cc {given}: NAME=N is expected, gain.gain_db=20 say.")
        found[name] = int(number)
    return found
