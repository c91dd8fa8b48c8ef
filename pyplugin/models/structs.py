"""Cards and front-ends as the structs that libtagnode takes."""

from collections.abc import Iterator
from typing import Any

from pyplugin._native import ffi, lib, names
from pyplugin.errors import ModelError
from pyplugin.models.card import LOG_PARAMETERS, Card, FrontEnd

_CHOICES = {
    setting: names(getattr(lib, f"tagnode_{setting}_name"))
    for setting in (
        "window",
        "mel_scale",
        "mel_triangles",
        "mel_norm",
        "spectrum",
        "exponent",
        "log",
        "framing",
    )
}
_PATCH_NORMS = names(lib.tagnode_patch_norm_name)


def frontend_settings(front_end: FrontEnd) -> Any:
    """Return a ``tagnode_frontend_settings *`` with the front-end of a card."""
    chosen = {name: choices.index(getattr(front_end, name)) for name, choices in _CHOICES.items()}
    same = ("sample_rate", "frame", "fft", "hop", "bands", "fmin", "fmax")
    values = {name: getattr(front_end, name) for name in same}
    values["log_parameter"] = getattr(front_end, LOG_PARAMETERS.get(front_end.log, ""), 0.0)
    return ffi.new("tagnode_frontend_settings *", values | chosen)


def card_struct(card: Card) -> Any:
    """Return a ``tagnode_card *`` with the model's card.

    Raises
    ------
    ModelError
        The card describes a model that a node cannot run; the message names what it lacks.
    """
    for reason in _refusals(card):
        raise ModelError(f"A node cannot run {card.name}: {reason}.")
    struct = ffi.new("tagnode_card *")
    struct.frontend = frontend_settings(card.front_end)[0]
    struct.patch_frames = card.patch_frames
    struct.outputs = len(card.outputs)
    for index, output in enumerate(card.outputs):
        struct.output_size[index] = output.size
    struct.embedding_only = not card.results
    struct.silence_before = card.silence_before
    struct.patch_norm = _PATCH_NORMS.index(card.front_end.patch_norm)
    struct.patch_range = card.front_end.patch_range
    return struct


def _refusals(card: Card) -> Iterator[str]:
    """Yield what a node lacks for a model; cards describe more than it can run."""
    front_end = card.front_end  # refuses a waveform
    if len(card.inputs) != 1:
        yield f"it has {len(card.inputs)} inputs; one is expected, the mel spectrogram"
    frames_and_bands = [size for size in (card.patch_frames, front_end.bands) if size > 1]
    if [size for size in card.inputs[0].shape if size > 1] != frames_and_bands:
        yield (
            f"its input has the shape {list(card.inputs[0].shape)}; expected frames before bands, "
            f"[1, {card.patch_frames}, {front_end.bands}]"
        )
    if len(card.outputs) > lib.TAGNODE_MAX_OUTPUTS:
        yield f"it has {len(card.outputs)} outputs; at most {lib.TAGNODE_MAX_OUTPUTS} are possible"
    results = card.results
    if results and (len(results) > 1 or results[0] is not card.outputs[0]):
        yield (
            "one output of predictions or of regression values is expected, the first; its outputs "
            "are " + ", ".join(f"{output.name} ({output.purpose})" for output in card.outputs)
        )
    if card.labels and not results:
        yield "it has labels, but no output of predictions or of regression values"
    if results and results[0].labels not in ((), card.labels):
        yield f"the output {results[0].name} has other labels than the card"
    if results and results[0].size != len(card.labels):
        yield (
            f"the output {results[0].name} has {results[0].size} values, but the card has "
            f"{len(card.labels)} labels"
        )
