"""Cards and front-ends as the structs that libtagnode takes."""

from __future__ import annotations

from typing import Any

from pyplugin._native import ffi, lib, names
from pyplugin.errors import ModelError
from pyplugin.models.card import Card, FrontEnd

__all__ = ["card_struct", "frontend_settings"]

_LOG_PARAMETER = {"log10-1p": "log_scale", "log-offset": "log_offset", "db": "log_floor"}
_CHOICES = {
    setting: names(getattr(lib, f"tagnode_{setting}_name"))
    for setting in ("window", "mel_scale", "mel_norm", "spectrum", "log")
}


def frontend_settings(front_end: FrontEnd) -> Any:
    """Return a ``tagnode_frontend_settings *`` with the front-end of a card."""
    chosen = {name: choices.index(getattr(front_end, name)) for name, choices in _CHOICES.items()}
    return ffi.new(
        "tagnode_frontend_settings *",
        {
            "sample_rate": front_end.sample_rate,
            "frame": front_end.frame,
            "fft": front_end.fft,
            "hop": front_end.hop,
            "bands": front_end.bands,
            "log_parameter": getattr(front_end, _LOG_PARAMETER.get(front_end.log, ""), 0.0),
            "fmin": front_end.fmin,
            "fmax": front_end.fmax,
            **chosen,
        },
    )


def card_struct(card: Card) -> Any:
    """Return a ``tagnode_card *`` with the model's card.

    Raises
    ------
    ModelError
        More outputs than a node can carry.
    """
    if len(card.outputs) > lib.TAGNODE_MAX_OUTPUTS:
        raise ModelError(
            f"{card.name} has {len(card.outputs)} outputs; a node carries at most "
            f"{lib.TAGNODE_MAX_OUTPUTS}."
        )
    struct = ffi.new("tagnode_card *")
    struct.frontend = frontend_settings(card.front_end)[0]
    struct.patch_frames = card.patch_frames
    struct.outputs = len(card.outputs)
    for index, output in enumerate(card.outputs):
        struct.output_size[index] = output.size
    struct.silence_before = card.silence_before
    return struct
