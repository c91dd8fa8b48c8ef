"""The model of stems of commands whose presets use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pyplugin.cli.ui.suppress_output import without_banner
from pyplugin.errors import PresetError

if TYPE_CHECKING:
    from pyplugin.automation.presets import Preset
    from pyplugin.stems.model import SpleeterModel

stem_model_option = click.option(
    "--stem-model",
    metavar="NAME",
    help="Name of a model of stems, for presets that use them.  [default: the one of the preset]",
)


def chosen_stem_model(
    preset: Preset | None, name: str | None, *, live: bool = False, waits: bool = False
) -> SpleeterModel | None:
    """Return the model of stems, if the preset uses any.

    Parameters
    ----------
    preset
        As given.
    name
        Of the model, instead of the preset's.
    live
        Check that this machine is fast enough.
    waits
        As for :class:`pyplugin.stems.model.SpleeterModel`.

    Raises
    ------
    ModelError
        The model cannot be used, or is too slow.
    PresetError
        A model is named, and the preset uses no stems.
    """
    if preset is None or not preset.uses_stems:
        if name is not None:
            of = "there is no preset" if preset is None else f"{preset.name} uses none"
            raise PresetError(f"--stem-model is for presets that use stems; {of}.")
        return None
    from pyplugin.stems.live import check_speed
    from pyplugin.stems.model import SpleeterModel
    from pyplugin.stems.network import DEFAULT_MODEL, StemNetwork
    from pyplugin.stems.separator import checked_overlap

    with without_banner():
        network = StemNetwork(name or preset.stems or DEFAULT_MODEL)
    if live:
        check_speed(network, checked_overlap(network.patch, None))
    return SpleeterModel(network, waits=waits)
