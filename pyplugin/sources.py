"""Sources of automation: labels, heads and measured signals.

::

    label("voice").scale(0.0, 0.7).attack(0.1).release(0.8)
    loudness().below(-30, hysteresis=3).scale(0, 6)
    label("drums").scale(500, 18000, curve="log")

==================================================  ================================================
:func:`label`, :func:`head`                         activations of labels, 0 to 1
:func:`rms`, :func:`peak`, :func:`true_peak`        levels, dB
:func:`loudness`                                    LUFS: momentary, short or integrated
:func:`crest`, :func:`flatness`, :func:`flux`,      timbre
:func:`brightness`, :func:`percussive`
:func:`onset`, :func:`tempo`, :func:`silence`       onsets, tempo, silence
:func:`beat`                                        the length of a beat, s
:func:`correlation`, :func:`side`, :func:`dc`,      channels: stereo, offset, levels
:func:`channel_low`, :func:`channel_high`,
:func:`channel_gap`
:func:`clipping`, :func:`hum`, :func:`tone`,        faults of a transmission
:func:`hiss`, :func:`presence`, :func:`repetition`
:func:`signal`                                      any signal by its name
:func:`stem`                                        the signals of one stem of the recording
:func:`maximum`                                     the source that is farthest from its minimum
==================================================  ================================================
"""

from pyplugin.automation.sources import Combined, Source
from pyplugin.errors import PresetError
from pyplugin.support.descriptors import head_name, signal_name, stem_name, tag_name

__all__ = [
    "beat",
    "brightness",
    "channel_gap",
    "channel_high",
    "channel_low",
    "clipping",
    "correlation",
    "crest",
    "dc",
    "flatness",
    "flux",
    "head",
    "hiss",
    "hum",
    "label",
    "loudness",
    "maximum",
    "onset",
    "peak",
    "percussive",
    "presence",
    "repetition",
    "rms",
    "side",
    "signal",
    "silence",
    "stem",
    "tempo",
    "tempo_confidence",
    "tone",
    "true_peak",
]


def maximum(*sources: Source) -> Combined:
    """Combine sources: the one that is farthest from its ``min`` applies.

    Parameters
    ----------
    sources
        At least one, each with its own knobs.

    See Also
    --------
    pyplugin.automation.sources.Combined : What is returned.

    Examples
    --------
    >>> maximum(rms().scale(0, 6), onset().scale(0, 3)).combine
    'max'
    """
    if not sources or not all(isinstance(each, Source) for each in sources):
        raise PresetError(
            f"maximum() needs at least one source, and sources only; got {sources!r}."
        )
    return Combined(sources, "max")


def _word(what: str, name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise PresetError(f"The {what} is {name!r}; a name is expected, 'speech' for example.")
    return name


def label(name: str, model: str | None = None) -> Source:
    """Return the activation of a label, 0 to 1.

    Parameters
    ----------
    name
        The label, as the model spells it or as its slug.
    model
        The model's name; ``None`` for the only one, or the first with that label.

    See Also
    --------
    head : A label of a head on a model.

    Examples
    --------
    >>> label("Female Vocal").descriptors
    ('tag.female-vocal',)
    """
    return Source((tag_name(_word("label", name), model),))


def head(name: str, label: str) -> Source:
    """Return the activation of a label of a head, a classifier on a model's embedding, 0 to 1.

    Parameters
    ----------
    name
        The head's name.
    label
        The label, as the head spells it or as its slug.

    Examples
    --------
    >>> head("mood", "Very Happy").descriptors
    ('head.mood.very-happy',)
    """
    return Source((head_name(_word("head", name), _word("label", label)),))


def signal(name: str) -> Source:
    """Return a measured descriptor by its name.

    Parameters
    ----------
    name
        In :data:`pyplugin.SIGNALS`, with or without ``signal.`` before it.

    Examples
    --------
    >>> signal("rms_db").descriptors
    ('signal.rms_db',)
    """
    return Source((signal_name(_word("signal", name)),))


def rms() -> Source:
    """Return the level over 50 ms, dBFS.

    Examples
    --------
    >>> rms().descriptors
    ('signal.rms_db',)
    """
    return signal("rms_db")


def peak() -> Source:
    """Return the sample peak over 50 ms, dBFS.

    Examples
    --------
    >>> peak().descriptors
    ('signal.peak_db',)
    """
    return signal("peak_db")


def true_peak() -> Source:
    """Return the true peak over 50 ms, dBTP.

    Examples
    --------
    >>> true_peak().descriptors
    ('signal.true_peak_db',)
    """
    return signal("true_peak_db")


def loudness(window: str = "momentary") -> Source:
    """Return the loudness (EBU R128), LUFS.

    Parameters
    ----------
    window
        ``"momentary"`` (0.4 s), ``"short"`` (3 s) or ``"integrated"``.

    Raises
    ------
    PresetError
        Another window.

    Examples
    --------
    >>> loudness("short").descriptors
    ('signal.loudness_short',)
    """
    if window not in ("momentary", "short", "integrated"):
        raise PresetError(
            f"There is no loudness {window!r}; choose momentary (0.4 s), short (3 s) or integrated."
        )
    return signal(f"loudness_{window}")


def crest() -> Source:
    """Return the crest factor, peak over RMS, dB.

    Examples
    --------
    >>> crest().descriptors
    ('signal.crest_db',)
    """
    return signal("crest_db")


def brightness() -> Source:
    """Return the spectral centroid, Hz.

    Examples
    --------
    >>> brightness().descriptors
    ('signal.brightness_hz',)
    """
    return signal("brightness_hz")


def flatness() -> Source:
    """Return the spectral flatness: 0 for a tone, 1 for noise.

    Examples
    --------
    >>> flatness().descriptors
    ('signal.flatness',)
    """
    return signal("flatness")


def flux() -> Source:
    """Return the share of the spectrum that is new, 0 to 1.

    Examples
    --------
    >>> flux().descriptors
    ('signal.flux',)
    """
    return signal("flux")


def onset() -> Source:
    """Return the mean rise of the spectrum, dB.

    Examples
    --------
    >>> onset().descriptors
    ('signal.onset',)
    """
    return signal("onset")


def percussive() -> Source:
    """Return the percussive share of the spectrum: 0 harmonic, 1 percussive.

    Examples
    --------
    >>> percussive().descriptors
    ('signal.percussive',)
    """
    return signal("percussive")


def tempo() -> Source:
    """Return the tempo in beats per minute; 0 while none is detected.

    Examples
    --------
    >>> tempo().descriptors
    ('signal.tempo_bpm',)
    """
    return signal("tempo_bpm")


def tempo_confidence() -> Source:
    """Return the confidence of the tempo, 0 to 1.

    Examples
    --------
    >>> tempo_confidence().descriptors
    ('signal.tempo_confidence',)
    """
    return signal("tempo_confidence")


def beat() -> Source:
    """Return the length of a beat at the tempo found last, in seconds; 0 before the first.

    It keeps its value where the beat pauses. Its usual range is 0 to 1 s, so ``.scale(0, 0.75)``
    is the time of three quarters of a beat.

    See Also
    --------
    pyplugin.tempo.TempoResult.curve : The same from a model of the tempo.

    Examples
    --------
    >>> beat().scale(0, 0.75).descriptors
    ('signal.beat_s',)
    """
    return signal("beat_s")


def silence() -> Source:
    """Return 1 in silence, otherwise 0.

    Examples
    --------
    >>> silence().descriptors
    ('signal.silence',)
    """
    return signal("silence")


def correlation() -> Source:
    """Return the correlation of the first two channels, -1 to 1; 1 for mono.

    Examples
    --------
    >>> correlation().descriptors
    ('signal.correlation',)
    """
    return signal("correlation")


def side() -> Source:
    """Return the level of the stereo difference relative to the sum in dB.

    Examples
    --------
    >>> side().descriptors
    ('signal.side_db',)
    """
    return signal("side_db")


def channel_low() -> Source:
    """Return the level of the quietest channel in dBFS.

    Examples
    --------
    >>> channel_low().descriptors
    ('signal.channel_low_db',)
    """
    return signal("channel_low_db")


def channel_high() -> Source:
    """Return the level of the loudest channel in dBFS.

    Examples
    --------
    >>> channel_high().descriptors
    ('signal.channel_high_db',)
    """
    return signal("channel_high_db")


def channel_gap() -> Source:
    """Return the level of the loudest channel over that of the quietest in dB.

    Examples
    --------
    >>> channel_gap().descriptors
    ('signal.channel_gap_db',)
    """
    return signal("channel_gap_db")


def dc() -> Source:
    """Return the largest constant offset of a channel in dBFS.

    Examples
    --------
    >>> dc().descriptors
    ('signal.dc_db',)
    """
    return signal("dc_db")


def clipping() -> Source:
    """Return the share of the samples that are clipped, 0 to 1.

    Examples
    --------
    >>> clipping().descriptors
    ('signal.clipping',)
    """
    return signal("clipping")


def hum() -> Source:
    """Return the share of the power in mains hum, 0 to 1.

    Examples
    --------
    >>> hum().descriptors
    ('signal.hum',)
    """
    return signal("hum")


def tone() -> Source:
    """Return the share of the power in one steady tone, 0 to 1.

    Examples
    --------
    >>> tone().descriptors
    ('signal.tone',)
    """
    return signal("tone")


def hiss() -> Source:
    """Return the share of the power in steady broadband noise, 0 to 1.

    Examples
    --------
    >>> hiss().descriptors
    ('signal.hiss',)
    """
    return signal("hiss")


def presence() -> Source:
    """Return the presence of programme: 0 for what is steady, 1 for what changes.

    Examples
    --------
    >>> presence().descriptors
    ('signal.presence',)
    """
    return signal("presence")


def repetition() -> Source:
    """Return the likeness to what was 0.2 to 50 s before, 0 to 1.

    Examples
    --------
    >>> repetition().descriptors
    ('signal.repetition',)
    """
    return signal("repetition")


class Stem:
    """The signals of one stem of a recording, from :func:`stem`.

    Examples
    --------
    >>> Stem("vocals").onset().descriptors
    ('stem.vocals.onset',)
    """

    def __init__(self, name: str) -> None:
        self._name = _word("stem", name)

    def signal(self, name: str) -> Source:
        """Return a measured descriptor of the stem by its name, as :func:`signal`."""
        return Source((stem_name(self._name, _word("signal", name)),))

    def rms(self) -> Source:
        """Return the level over 50 ms, dBFS."""
        return self.signal("rms_db")

    def peak(self) -> Source:
        """Return the sample peak over 50 ms, dBFS."""
        return self.signal("peak_db")

    def loudness(self, window: str = "momentary") -> Source:
        """Return the loudness, LUFS, as :func:`loudness`."""
        return self.signal(loudness(window).descriptors[0])

    def onset(self) -> Source:
        """Return the mean rise of the spectrum, dB."""
        return self.signal("onset")

    def brightness(self) -> Source:
        """Return the spectral centroid, Hz."""
        return self.signal("brightness_hz")


def stem(name: str) -> Stem:
    """Return the signals of one stem of the recording, such as its vocals. Offline only.

    Parameters
    ----------
    name
        As the model of stems has it: ``"vocals"``, ``"accompaniment"``, ``"drums"`` ...

    Examples
    --------
    >>> stem("vocals").loudness().scale(0, -9).descriptors
    ('stem.vocals.loudness_momentary',)
    """
    return Stem(name)
