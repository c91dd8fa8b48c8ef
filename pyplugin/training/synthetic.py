"""Sounds without recordings: synthesised, or rendered from SoundFonts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.support.files import sha256_of
from pyplugin.training.corpus import active_frames, presence_of
from pyplugin.training.processes import run_jobs
from pyplugin.training.singing import synthesise_singing
from pyplugin.training.soundfont_music import render_music
from pyplugin.training.soundfonts import RATE as SOUNDFONT_RATE
from pyplugin.training.soundfonts import render_percussion
from pyplugin.training.sounds import (
    MADE_NOISE,
    MADE_NOTES,
    MADE_PERCUSSION,
    PLAYED_MUSIC,
    PLAYED_PERCUSSION,
    RATE,
    SUNG,
    SYNTHETIC,
    Progress,
    Sound,
    as_floats,
    key_of,
    powers,
    resampled,
    write_sound,
)
from pyplugin.training.synthesis import RATE as SYNTHESIS_RATE
from pyplugin.training.synthesis import (
    synthesise_noise,
    synthesise_notes,
    synthesise_percussion,
)

_SUNG_FROM, _SUNG_MOST = 12.0, 30.0  # seconds of speech, and of what is sung from it
_NAN = float("nan")
# Presence where the sound is audible: speech, singing, music, drums, tonal, noise, voice.
_TARGETS = {
    SUNG: (0, 1, _NAN, 0, 1, 0, 1),
    MADE_PERCUSSION: (0, 0, _NAN, 1, _NAN, _NAN, 0),
    MADE_NOTES: (0, 0, _NAN, 0, 1, 0, 0),
    MADE_NOISE: (0, 0, 0, 0, _NAN, 1, 0),
    PLAYED_PERCUSSION: (0, 0, _NAN, 1, _NAN, _NAN, 0),
    PLAYED_MUSIC: (0, 0, 1, 0, 1, 0, 0),
}


_SYNTHESISERS = {
    MADE_PERCUSSION: synthesise_percussion,
    MADE_NOTES: synthesise_notes,
    MADE_NOISE: synthesise_noise,
}


@dataclass(frozen=True)
class SoundSettings:
    """Which sounds there are besides the recordings of the corpus.

    Attributes
    ----------
    separator : str
        Model that separates songs into vocals and backing, such as ``spleeter-2stems``; empty for
        none: then the whole of a song counts as sung.
    sung, made_percussion, made_notes, made_noise, played_percussion, played_music : int
        Number of sounds of each synthetic category.
    soundfonts : tuple of str
        File names of the General MIDI SoundFonts for the played ones.
    """

    separator: str = ""
    sung: int = 0
    made_percussion: int = 0
    made_notes: int = 0
    made_noise: int = 0
    played_percussion: int = 0
    played_music: int = 0
    soundfonts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.played_percussion or self.played_music) and not self.soundfonts:
            raise ValueError("played sounds need soundfonts")


def synthetic_sounds(
    settings: SoundSettings,
    speech: Sequence[Sound],
    soundfonts: Sequence[Path],
    cache: Path,
    *,
    seed: int,
    processes: int = 1,
    progress: Progress = lambda stage, done, of: None,
) -> list[Sound]:
    """Return synthesised and rendered sounds, a group each.

    Parameters
    ----------
    settings : SoundSettings
    speech : sequence of Sound
        What singing is synthesised from.
    soundfonts : sequence of Path
        The files of ``settings.soundfonts``.
    cache : Path
        As for `recorded_sounds`.
    seed : int
    processes : int, optional
    progress : callable, optional

    Returns
    -------
    list of Sound

    Raises
    ------
    PypluginError
        FluidSynth or a SoundFont is missing, or a file cannot be written.
    """
    cache.mkdir(parents=True, exist_ok=True)
    fonts = [(path, sha256_of(path)) for path in soundfonts]
    counts = {name: getattr(settings, name.replace("-", "_")) for name in SYNTHETIC}
    if not speech:
        counts[SUNG] = 0
    jobs: dict[str, _Synthetic] = {}
    for category, count in counts.items():
        for number in range(count):
            source, digest = None, ""
            if category == SUNG:
                source = speech[number % len(speech)].path
                digest = source.stem
            elif category in (PLAYED_PERCUSSION, PLAYED_MUSIC):
                source, digest = fonts[number % len(fonts)]
            key = key_of("synthetic", category, number, seed, digest)
            jobs[key] = _Synthetic(key, category, number, seed, source)
    missing = [job for key, job in jobs.items() if not (cache / f"{key}.npy").is_file()]
    stage, done = "Synthesised sounds", len(jobs) - len(missing)
    progress(stage, done, len(jobs))
    for _ in run_jobs(_synthesise, missing, processes=processes, prepare=_prepare, given=(cache,)):
        done += 1
        progress(stage, done, len(jobs))
    return [
        Sound(job.category, job.name, job.name, cache / f"{job.key}.npy") for job in jobs.values()
    ]


@dataclass(frozen=True)
class _Synthetic:
    """A sound to synthesise.

    Attributes
    ----------
    key : str
        Of its files.
    category : str
    number, seed : int
    source : Path or None
        The samples of speech, or a SoundFont.
    """

    key: str
    category: str
    number: int
    seed: int
    source: Path | None

    @property
    def name(self) -> str:
        return f"{self.category}-{self.number}"


_cache: Path


def _prepare(cache: Path) -> None:
    global _cache
    _cache = cache


def _synthesise(job: _Synthetic) -> None:
    category, source = job.category, job.source
    random = np.random.default_rng((job.seed, SYNTHETIC.index(category), job.number))
    rate = SYNTHESIS_RATE
    if category == SUNG:
        assert source is not None
        spoken, length = np.load(source, mmap_mode="r"), round(_SUNG_FROM * RATE)
        first = int(random.integers(max(0, len(spoken) - length) + 1))
        samples = synthesise_singing(as_floats(spoken[first : first + length]), RATE, random)
        samples = samples[: round(_SUNG_MOST * RATE)]
    elif category in _SYNTHESISERS:
        samples = _SYNTHESISERS[category](random)
    else:
        assert source is not None
        render = render_percussion if category == PLAYED_PERCUSSION else render_music
        samples, rate = render(source, random), SOUNDFONT_RATE
    kept = resampled(samples, rate)
    kept = kept * np.float32(0.5 / max(float(np.abs(kept).max(initial=0.0)), 1e-6))
    power = powers(kept)
    targets = np.repeat(np.array([_TARGETS[category]], np.float32), len(power), axis=0)
    write_sound(_cache, job.key, kept, presence_of(targets, active_frames(power, category)))


def find_soundfont(folder: Path, name: str) -> Path:
    """Return the SoundFont with this file name in a folder, at any depth.

    Raises
    ------
    PypluginError
        There is none.
    """
    found = sorted(path for path in folder.rglob("*") if path.name == name and path.is_file())
    if not found:
        raise PypluginError(
            f"The recipe needs the SoundFont {name}, which is not in {folder}. Install it (on "
            "Debian: apt install fluid-soundfont-gm musescore-general-soundfont) or give its "
            "folder with --soundfonts."
        )
    return found[0]
