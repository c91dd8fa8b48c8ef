"""Render instrumental music from SoundFonts: what is mistaken for voices and drums.

Leads that slide and swell like voices (saxophone, cello, flute, synthesizers), busy basses,
plucked and sequenced parts, sustained chords and pianos, one to four parts at a time. General
MIDI's choirs, voices, noises and percussion are left out, so there is no voice and no drum in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pyplugin.support.arrays import Float32, Int64
from pyplugin.training.soundfonts import Event, opened, play_events
from pyplugin.training.synthesis import SECONDS

if TYPE_CHECKING:
    import fluidsynth

Generator = np.random.Generator
Note = tuple[float, float, int, int]
"""Start and duration in seconds, key, velocity."""

_SCALES = (
    (0, 2, 4, 5, 7, 9, 11),
    (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 4, 7, 9),
    (0, 3, 5, 7, 10),
    (0, 2, 3, 5, 7, 9, 10),
)


@dataclass(frozen=True)
class _Family:
    """Instruments that play the same kinds of parts.

    Attributes
    ----------
    share : float
        Of the parts.
    programs : tuple of int
        Of General MIDI, from 0.
    low, high : int
        Keys.
    parts : tuple of str
        Names in `_PARTS`; a kind of part that is listed twice is twice as frequent.
    """

    share: float
    programs: tuple[int, ...]
    low: int
    high: int
    parts: tuple[str, ...]


_LEADS = (80, 81, 82, 84, 87, 104)  # synthesizers, and a sitar
_FAMILIES = (
    # saxophones, double reeds, flutes, strings, brass, accordion, bagpipe, fiddle, synthesizers
    _Family(
        0.34,
        (*range(64, 76), *range(40, 44), *range(56, 59), 60, 61, 21, 22, *range(109, 112), *_LEADS),
        50,
        86,
        ("melody", "melody", "melody", "sustained", "sequence"),
    ),
    _Family(0.18, tuple(range(32, 40)), 28, 52, ("sequence", "sequence", "melody")),
    # guitars, harps, plucked and mallet instruments
    _Family(
        0.22,
        (*range(24, 32), 45, 46, *range(104, 109), 15, 6, 7, *range(8, 14)),
        45,
        84,
        ("sequence", "sequence", "melody", "chords"),
    ),
    # string ensembles, pads, organs
    _Family(
        0.12,
        (48, 49, 50, 51, 44, 88, 89, 90, 92, 93, 94, 95, *range(16, 22)),
        40,
        80,
        ("chords", "sustained", "melody"),
    ),
    _Family(0.14, tuple(range(6)), 36, 90, ("melody", "chords", "sequence")),  # pianos
)
_PARTS_AT_ONCE = (1, 1, 1, 2, 2, 3, 4)


def render_music(soundfont: Path, random: Generator) -> Float32:
    """Render one to four random parts without voices and drums, (n,) at `soundfonts.RATE`.

    Parameters
    ----------
    soundfont : Path
        A General MIDI SoundFont (``.sf2`` or ``.sf3``).
    random : Generator

    Returns
    -------
    ndarray of float32, shape (n,)
        `SECONDS` long, peak at most 0.5.

    Raises
    ------
    PypluginError
        FluidSynth is missing, or it cannot read the SoundFont.
    """
    with opened(soundfont) as (synth, number):
        events: list[Event] = []
        for channel in range(int(random.choice(_PARTS_AT_ONCE))):
            events += _part(synth, number, channel, random)
        return play_events(synth, sorted(events))


def _part(synth: "fluidsynth.Synth", number: int, channel: int, random: Generator) -> list[Event]:
    """Choose an instrument for a channel, and return what it plays."""
    shares = np.array([family.share for family in _FAMILIES])
    family = _FAMILIES[int(random.choice(len(_FAMILIES), p=shares / shares.sum()))]
    synth.program_select(channel, number, 0, int(random.choice(family.programs)))
    synth.cc(channel, 7, int(random.integers(60, 128)))  # volume
    if random.random() < 0.5:
        synth.cc(channel, 1, int(random.integers(0, 100)))  # modulation: vibrato
    for control, value in ((101, 0), (100, 0), (6, 2)):  # RPN 0: pitch bend range, 2 semitones
        synth.cc(channel, control, value)
    synth.pitch_bend(channel, int(random.integers(-2000, 2001)))
    low = max(family.low + int(random.integers(-5, 6)), 21)
    high = min(family.high + int(random.integers(-6, 7)), 100)
    notes = _PARTS[str(random.choice(family.parts))](_keys(low, high, random), random)
    return [
        event
        for start, lasts, key, velocity in notes
        for event in ((start, channel, key, velocity), (start + lasts, channel, key, 0))
    ]


def _keys(low: int, high: int, random: Generator) -> Int64:
    """Return the keys of a random scale in a range."""
    scale = _SCALES[int(random.integers(len(_SCALES)))]
    root = int(random.integers(12))
    return np.array([key for key in range(low, high) if (key - root) % 12 in scale], np.int64)


def _sequence(keys: Int64, random: Generator) -> list[Note]:
    """Return a pattern of 4 to 16 equal steps that repeats, as a sequencer or a riff does."""
    step = 60.0 / random.uniform(80.0, 170.0) / float(random.choice((2, 3, 4, 4)))
    count = int(random.choice((4, 8, 8, 16)))
    places = int(random.integers(len(keys))) + random.integers(-5, 6, count)
    rests = random.random(count) < float(random.choice((0.0, 0.1, 0.3)))
    gate, accents = random.uniform(0.2, 0.95), random.integers(60, 127, count)
    time, notes, number = random.uniform(0.0, 0.3), [], 0
    while time < SECONDS:
        at = number % count
        if not rests[at]:
            key = keys[int(np.clip(places[at], 0, len(keys) - 1))]
            notes.append((time, step * gate, int(key), int(accents[at])))
        time, number = time + step, number + 1
        if number % count == 0 and random.random() < 0.2:
            places = places + int(random.integers(-2, 3))
    return notes


def _melody(keys: Int64, random: Generator) -> list[Note]:
    """Return single notes of different lengths, with rests, staccato to legato."""
    beat = 60.0 / random.uniform(50.0, 150.0)
    time, place = random.uniform(0.0, 0.3), int(random.integers(len(keys)))
    notes = []
    while time < SECONDS:
        lasts = beat * float(random.choice((0.25, 0.5, 0.5, 1.0, 1.0, 1.5, 2.0, 3.0)))
        gate = float(random.choice((0.5, 0.9, 1.05)))
        if random.random() < 0.85:
            notes.append((time, lasts * gate, int(keys[place]), int(random.integers(50, 120))))
        place = int(np.clip(place + random.integers(-3, 4), 0, len(keys) - 1))
        time += lasts
    return notes


def _chords(keys: Int64, random: Generator) -> list[Note]:
    """Return chords of two to four notes, one every 0.4 to 4 s."""
    every, time, notes = random.uniform(0.4, 4.0), random.uniform(0.0, 0.3), []
    while time < SECONDS:
        root = int(random.integers(len(keys)))
        for number in range(int(random.integers(2, 5))):
            key = keys[min(root + 2 * number, len(keys) - 1)]
            lasts = every * random.uniform(0.6, 1.05)
            begins = time + random.uniform(0.0, 0.03)
            notes.append((begins, lasts, int(key), int(random.integers(40, 110))))
        time += every
    return notes


def _sustained(keys: Int64, random: Generator) -> list[Note]:
    """Return notes of 1 to 7 s that overlap or leave gaps."""
    time, notes = random.uniform(0.0, 0.3), []
    while time < SECONDS:
        lasts = random.uniform(1.0, 7.0)
        notes.append((time, lasts, int(random.choice(keys)), int(random.integers(40, 110))))
        time += lasts * random.uniform(0.7, 1.2)
    return notes


_PARTS: dict[str, Callable[[Int64, Generator], list[Note]]] = {
    "sequence": _sequence,
    "melody": _melody,
    "chords": _chords,
    "sustained": _sustained,
}
