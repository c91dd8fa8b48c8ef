"""Render percussion from SoundFonts: sampled instruments that a corpus lacks."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Float32
from pyplugin.support.optional import install
from pyplugin.training.synthesis import SECONDS, pattern

if TYPE_CHECKING:
    import fluidsynth


Generator = np.random.Generator
Event = tuple[float, int, int, int]
"""Time in seconds, MIDI channel, key and velocity; velocity 0 is a note-off."""

RATE = 44_100
"""Sample rate of the rendered audio in Hz."""

SOUNDFONTS = Path("/usr/share/sounds")
"""Folder into which Debian's packages install SoundFonts."""

_COUNT = round(RATE * SECONDS)
_DRUMS = 128  # the bank with drum kits
# Keys of a General MIDI 2 kit that are played together.
_KITS = ((35, 36), (38, 40, 37), (42, 44, 46), (41, 43, 45, 47, 48, 50), (49, 57, 55, 52), (51, 53))
_HANDS = (
    (31, 37),  # sticks
    (33, 32),  # clicks
    (28, 39),  # slap, clap
    (54,),  # tambourine
    (56,),  # cowbell
    (58,),  # vibraslap
    (60, 61),  # bongos
    (62, 63, 64),  # congas
    (65, 66),  # timbales
    (67, 68),  # agogos
    (69,),  # cabasa
    (70,),  # maracas
    (73, 74),  # guiros
    (75,),  # claves
    (76, 77),  # woodblocks
    (78, 79),  # cuicas
    (82,),  # shaker
    (83,),  # jingle bells
    (85,),  # castanets
    (86, 87),  # surdos
)
_TUNED = (113, 115, 115, 115, 116, 117, 118)  # agogo, woodblock, taiko, tom, synthesized drum
_MOST = 5  # semitones up or down


def render_percussion(soundfont: Path, random: Generator) -> Float32:
    """Render random patterns on one to three random percussion instruments, (n,) at `RATE`.

    Parameters
    ----------
    soundfont : Path
        A General MIDI SoundFont (``.sf2`` or ``.sf3``).
    random : Generator

    Raises
    ------
    PypluginError
        FluidSynth is missing, or it cannot read the SoundFont.
    """
    with opened(soundfont) as (synth, number):
        return play_events(synth, _score(synth, number, random))


@contextmanager
def opened(soundfont: Path) -> "Iterator[tuple[fluidsynth.Synth, int]]":
    """Yield a synthesizer at `RATE` and the id of the SoundFont in it.

    Raises
    ------
    PypluginError
        FluidSynth is missing, or it cannot read the SoundFont.
    """
    _cached_synth(soundfont)
    synth, number = _synth(soundfont)
    try:
        yield synth, number
    finally:
        synth.delete()


def _score(synth: "fluidsynth.Synth", number: int, random: Generator) -> list[Event]:
    """Choose instruments and return their events, sorted by time."""
    kits = [kit for kit in range(128) if synth.sfpreset_name(number, _DRUMS, kit)]
    if not kits:
        raise PypluginError(
            "The SoundFont has no drum kits in bank 128; give a General MIDI SoundFont."
        )
    events: list[Event] = []
    for channel in range(int(random.choice((1, 1, 1, 2, 3)))):
        if random.random() < 0.3:
            synth.program_select(channel, number, 0, int(random.choice(_TUNED)))
            keys = random.integers(40, 90, int(random.integers(1, 4)))
        else:
            synth.program_select(channel, number, _DRUMS, int(random.choice(kits)))
            groups = _HANDS if random.random() < 0.7 else _KITS
            keys = np.array(groups[int(random.integers(len(groups)))])
        for control, value in ((101, 0), (100, 0), (6, _MOST)):  # RPN 0: pitch bend range
            synth.cc(channel, control, value)
        synth.pitch_bend(channel, int(random.integers(-8191, 8192)))
        synth.cc(channel, 7, int(random.integers(70, 128)))
        softest, lasts = int(random.integers(20, 100)), random.uniform(0.03, 0.5)
        for time, strength in zip(*pattern(random), strict=True):
            velocity = round(softest + (127 - softest) * strength)
            key = int(random.choice(keys))
            events += [(time, channel, key, velocity), (time + lasts, channel, key, 0)]
    return sorted(events)


def play_events(synth: "fluidsynth.Synth", events: list[Event]) -> Float32:
    """Render events, sorted by time, from silence: `SECONDS` of mono samples (n,) at `RATE`."""
    parts, done = [], 0
    for time, channel, key, velocity in events:
        now = min(round(time * RATE), _COUNT)
        if now > done:
            parts.append(synth.get_samples(now - done))
            done = now
        synth.noteon(channel, key, velocity)
    parts.append(synth.get_samples(_COUNT - done))
    mono = np.concatenate(parts).reshape(-1, 2).mean(axis=1)
    return np.asarray(mono * (0.5 / max(float(np.abs(mono).max()), 1.0)), np.float32)


def _synth(soundfont: Path) -> "tuple[fluidsynth.Synth, int]":
    """Return a new synthesizer without reverb and chorus, and the id of the loaded SoundFont."""
    try:
        import fluidsynth
    except (ImportError, OSError) as error:
        raise PypluginError(
            f"Playing SoundFonts needs FluidSynth ({error}): install it with "
            f"`apt install libfluidsynth3` and `{install('network')}`."
        ) from error
    options = {"synth.reverb.active": 0, "synth.chorus.active": 0}
    synth = fluidsynth.Synth(samplerate=float(RATE), gain=0.3, channels=16, **options)
    number = synth.sfload(str(soundfont))
    if number < 0:
        synth.delete()
        raise PypluginError(
            f"Cannot read the SoundFont {soundfont}; a valid .sf2 or .sf3 file is expected."
        )
    return synth, number


@cache
def _cached_synth(soundfont: Path) -> "tuple[fluidsynth.Synth, int]":
    """Keep a synthesizer alive, so that FluidSynth keeps the samples for later ones."""
    return _synth(soundfont)
