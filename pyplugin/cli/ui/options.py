"""Options that commands share: what analyses, and where the results go."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click import Context, Parameter

from pyplugin._native import lib
from pyplugin.node.runtimes import RUNTIMES
from pyplugin.node.signals import SIGNAL_HOP
from pyplugin.outputs import kinds
from pyplugin.session import LIVE_HOP

if TYPE_CHECKING:
    from pyplugin.automation.presets import Preset
    from pyplugin.node.plan import Plan


Command = Callable[..., Any]


@dataclass(frozen=True)
class AnalysisOptions:
    """Values of --model, --runtime and --hop, as they were given."""

    model: str | None = None
    runtime: str | None = None
    hop: float | None = None

    def plan(self, preset: Preset | None = None) -> Plan:
        """Resolve models and heads, and check that they can run.

        A preset without labels needs no model and gets none; ``--model none`` only measures.

        Raises
        ------
        ModelError, PresetError
            A model or head that is missing, damaged, or cannot be run.
        """
        from pyplugin.automation.presets import names_labels
        from pyplugin.cli.ui.suppress_output import check_plan
        from pyplugin.node.plan import Plan

        hop = self.hop or (preset.hop if preset else None) or LIVE_HOP
        if self.model == "none" or (
            preset is not None and self.model is None and not names_labels(preset)
        ):
            return Plan(hop=hop, signals=SIGNAL_HOP)
        if preset is not None and names_labels(preset):
            names, model = preset.descriptors, self.model or preset.model
            plan = Plan.for_descriptors(
                names, model=model, hop=hop, runtime=self.runtime, signals=SIGNAL_HOP
            )
        else:
            plan = Plan.of(self.model, hop=hop, runtime=self.runtime, signals=SIGNAL_HOP)
        check_plan(plan)
        plan.check_labels()
        return plan


def analysis_options(command: Command) -> Command:
    """Add --model, --runtime and --hop; the command gets them as ``analysis``."""

    @click.option(
        "--model",
        metavar="NAME|FILE|none",
        help="A model's name, or its .tflite; 'none' only measures.  [default: the preset's, "
        "or scene]",
    )
    @click.option("--runtime", type=click.Choice(RUNTIMES), help="What runs the model.")
    @click.option(
        "--hop",
        type=float,
        callback=_checked_hop,
        help=f"Seconds between two results.  [default: the preset's, or {LIVE_HOP}]",
    )
    @functools.wraps(command)
    def wrapped(*, model: str | None, runtime: str | None, hop: float | None, **given: Any) -> Any:
        return command(analysis=AnalysisOptions(model, runtime, hop), **given)

    return wrapped


def _checked_hop(context: Context, parameter: Parameter, hop: float | None) -> float | None:
    if hop is not None and not 0 < hop < math.inf:
        raise click.BadParameter(f"{hop:g} is given; seconds above 0 are expected.")
    return hop


def output_options(command: Command) -> Command:
    """Add the options of every kind of output; the command gets their values as ``outputs``."""
    options = [option for kind in kinds() for option in kind.options]

    @functools.wraps(command)
    def wrapped(**given: Any) -> Any:
        values = {option.name: given.pop(f"output_{option.name}") for option in options}
        return command(outputs=values, **given)

    for option in reversed(options):
        wrapped = click.option(
            option.flag,
            f"output_{option.name}",
            metavar=option.metavar,
            multiple=option.multiple,
            is_flag=option.metavar is None,
            help=option.help,
        )(wrapped)
    return wrapped


def channels_option(help: str) -> Callable[[Command], Command]:
    """Return an option that takes a number of channels."""
    return click.option("--channels", type=click.IntRange(1, lib.TAGNODE_MAX_CHANNELS), help=help)


def device_option(flag: str, help: str) -> Callable[[Command], Command]:
    """Return an option that takes a sound device by number or name."""
    name = flag.lstrip("-")
    return click.option(flag, f"{name}_device", metavar="N|NAME", callback=_numbered, help=help)


def _numbered(context: Context, parameter: Parameter, device: str | None) -> int | str | None:
    """Return a device's number where digits are given, otherwise a part of its name."""
    return int(device) if device is not None and device.isdigit() else device
