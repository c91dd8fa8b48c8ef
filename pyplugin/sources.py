"""What may automate a parameter: labels, heads, measured signals.

::

    label("singing").scale(0.0, 0.7).attack(0.1).release(0.8)
    loudness().below(-30, hysteresis=3).scale(0, 6)
    label("drums").scale(500, 18000, curve="log")

==================================================  ================================================
:func:`label`, :func:`head`                         what a model names, 0 to 1
:func:`rms`, :func:`peak`, :func:`true_peak`        levels, dB
:func:`loudness`                                    LUFS: momentary, short or integrated
:func:`crest`, :func:`flatness`, :func:`flux`,      how it sounds
:func:`brightness`, :func:`percussive`
:func:`onset`, :func:`tempo`, :func:`silence`       what happens
:func:`signal`                                      any of these by its name
:func:`maximum`                                     several sources, of which the farthest counts
==================================================  ================================================
"""

from __future__ import annotations

from pyplugin.automation.sources import Combined, Source
from pyplugin.errors import PresetError
from pyplugin.support.descriptors import head_name, signal_name, tag_name

__all__ = [
    "brightness",
    "crest",
    "flatness",
    "flux",
    "head",
    "label",
    "loudness",
    "maximum",
    "onset",
    "peak",
    "percussive",
    "rms",
    "signal",
    "silence",
    "tempo",
    "tempo_confidence",
    "true_peak",
]


def maximum(*sources: Source) -> Combined:
    """Return sources of which the one counts that is farthest from its ``min``."""
    return Combined(sources, "max")


def label(name: str, model: str | None = None) -> Source:
    """Return what a model says of a label, 0 to 1.

    Parameters
    ----------
    name
        The label, as the model spells it or as its slug.
    model
        The model's name; ``None`` for the only one, or the first that has the label.
    """
    return Source((tag_name(name, model),))


def head(name: str, label: str) -> Source:
    """Return what a head, a classifier on a model's embedding, says of one of its labels."""
    return Source((head_name(name, label),))


def signal(name: str) -> Source:
    """Return a measured descriptor by its name in :data:`pyplugin.SIGNALS`: ``"rms_db"``."""
    return Source((signal_name(name),))


def rms() -> Source:
    """Return the level of the last 50 ms in dBFS."""
    return signal("rms_db")


def peak() -> Source:
    """Return the largest sample of the last 50 ms in dBFS."""
    return signal("peak_db")


def true_peak() -> Source:
    """Return the largest value between samples too, of the last 50 ms, in dBTP."""
    return signal("true_peak_db")


def loudness(window: str = "momentary") -> Source:
    """Return the loudness in LUFS (EBU R128): ``"momentary"``, ``"short"`` or ``"integrated"``."""
    if window not in ("momentary", "short", "integrated"):
        raise PresetError(
            f"There is no loudness {window!r}; choose momentary (0.4 s), short (3 s) or integrated."
        )
    return signal(f"loudness_{window}")


def crest() -> Source:
    """Return how far the peak is above the level, in dB."""
    return signal("crest_db")


def brightness() -> Source:
    """Return the centroid of the spectrum in Hz."""
    return signal("brightness_hz")


def flatness() -> Source:
    """Return how much like noise the spectrum is: 0 a tone, 1 noise."""
    return signal("flatness")


def flux() -> Source:
    """Return the share of the spectrum that is new, 0 to 1."""
    return signal("flux")


def onset() -> Source:
    """Return how much the spectrum rises, in dB."""
    return signal("onset")


def percussive() -> Source:
    """Return the percussive share of the sound: 0 harmonic, 1 percussive."""
    return signal("percussive")


def tempo() -> Source:
    """Return the tempo in beats a minute; 0 while there is none."""
    return signal("tempo_bpm")


def tempo_confidence() -> Source:
    """Return how sure the tempo is, 0 to 1."""
    return signal("tempo_confidence")


def silence() -> Source:
    """Return 1 in silence, otherwise 0."""
    return signal("silence")
