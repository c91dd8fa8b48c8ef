"""The sounds that training scenes are composed of, as files in a cache.

A sound is a recording of the corpus, the vocals or the backing of a song, or synthesised; each has
16 kHz samples and the presence of each label in each mel frame. The samples are memory-mapped, so
that any number of sounds needs no memory.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np

from pyplugin.errors import ModelError, PypluginError
from pyplugin.node.frontend import melspectrogram
from pyplugin.stems.network import StemNetwork
from pyplugin.stems.separation import separate
from pyplugin.support.arrays import Array, Float32
from pyplugin.support.files import not_written, replacing, sha256_of
from pyplugin.training.augment import mel_power
from pyplugin.training.corpus import (
    LABELS,
    SINGING,
    SPEECH,
    CorpusClip,
    Presence,
    active_frames,
    presence_of,
    read_samples,
)
from pyplugin.training.listening import Listener, load_listener
from pyplugin.training.processes import run_jobs
from pyplugin.training.singing import synthesise_singing
from pyplugin.training.soundfont_music import render_music
from pyplugin.training.soundfonts import RATE as SOUNDFONT_RATE
from pyplugin.training.soundfonts import render_percussion
from pyplugin.training.synthesis import RATE as SYNTHESIS_RATE
from pyplugin.training.synthesis import (
    synthesise_noise,
    synthesise_notes,
    synthesise_percussion,
)

RATE = 16_000
"""Sample rate of all sounds in Hz."""

HOP = 256
"""Samples between two mel frames."""

FRAME_RATE = RATE / HOP
"""Mel frames a second."""

SUNG, MADE_PERCUSSION, MADE_NOTES, MADE_NOISE, PLAYED_PERCUSSION, PLAYED_MUSIC = SYNTHETIC = (
    "sung",
    "made-percussion",
    "made-notes",
    "made-noise",
    "played-percussion",
    "played-music",
)
"""The categories without recordings: singing synthesised from speech; percussion, held notes and
steady noise synthesised; percussion and music rendered from SoundFonts."""

SOLO, VOCALS, BACKING = "solo", "vocals", "backing"
"""Unaccompanied voice, and the two stems of songs."""

Progress = Callable[[str, int, int], object]
"""Called with the name of a stage, the number of finished items, and the total."""

_VERSION = 1  # of the files in the cache
_HALF = 16_384.0  # int16 for 1.0: room for 6 dB above full scale
_LEAST = 800  # samples
_MUSIC, _DRUMS = LABELS.index("music"), LABELS.index("drums")
_NO_VOICE, _NO_DRUMS = 0.03, 0.01  # scores of YAMNet below which they are absent for sure
_VOCALS_ON, _VOCALS_OFF = 10**-1.6, 10**-3.0  # power relative to the loud part of the vocals
_STEM_ON = 1e-4
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
class Sound:
    """A sound in the cache.

    Attributes
    ----------
    category, group, name : str
        Sounds of one group (a speaker, an artist) are picked together and never divided between
        training and validation. The name is that of the recording and of its folder.
    path : Path
        ``.npy`` with the samples; the presence is beside it.
    """

    category: str
    group: str
    name: str
    path: Path

    def samples(self) -> Array:
        """Return the samples, (n,) int16, memory-mapped; `as_floats` converts a part of them."""
        found: Array = np.load(self.path, mmap_mode="r")
        return found

    def presence(self) -> Presence:
        """Return the presence of each label in each mel frame, (frames, 7)."""
        found: Presence = np.load(self.path.with_suffix(".presence.npy"))
        return found


Pools = Mapping[str, Mapping[str, Sequence[Sound]]]
"""Sounds by category, then by group."""


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


def as_floats(samples: Array) -> Float32:
    """Return int16 samples of a sound as floats with full scale 1.0."""
    return np.asarray(samples, np.float32) / np.float32(_HALF)


def pools_of(sounds: Sequence[Sound]) -> dict[str, dict[str, list[Sound]]]:
    """Return sounds by category and group."""
    pools: dict[str, dict[str, list[Sound]]] = {}
    for sound in sounds:
        pools.setdefault(sound.category, {}).setdefault(sound.group, []).append(sound)
    return pools


def is_validation(group: str) -> bool:
    """Return whether a group is one of the sixth to validate on, by a hash of its name."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % 6 == 0


def recorded_sounds(
    clips: Sequence[CorpusClip],
    cache: Path,
    *,
    listener: str = "",
    separator: str = "",
    stage: str = "Recordings",
    processes: int = 1,
    progress: Progress = lambda stage, done, of: None,
) -> list[Sound]:
    """Return the recordings as sounds, and the vocals and backing of songs.

    Recordings that are shorter than 50 ms are left out, and so is a second one with the same
    content.

    Parameters
    ----------
    clips : sequence of CorpusClip
    cache : Path
        Folder for the files; those that are there already are not computed again.
    listener : str, optional
        Name of YAMNet, whose lowest scores make unknown voices and drums absent.
    separator : str, optional
        See `SoundSettings`.
    stage : str, optional
        For `progress`.
    processes : int, optional
    progress : callable, optional

    Returns
    -------
    list of Sound
        In the order of `clips`.

    Raises
    ------
    AudioError
        A recording cannot be read.
    PypluginError
        A file cannot be written.
    """
    cache.mkdir(parents=True, exist_ok=True)
    models = [load_listener(listener).digest if listener else "", separator]
    jobs: dict[str, CorpusClip] = {}
    digests: set[str] = set()
    for clip in clips:
        digest = _content(clip)
        if digest not in digests:
            digests.add(digest)
            jobs[_key("recorded", digest, _facts(clip), *models)] = clip
    missing = [(key, clip) for key, clip in jobs.items() if not _list_file(cache, key).is_file()]
    done = len(jobs) - len(missing)
    progress(stage, done, len(jobs))
    given = (cache, listener, separator)
    for _ in run_jobs(_record, missing, processes=processes, prepare=_prepare, given=given):
        done += 1
        progress(stage, done, len(jobs))
    return [sound for key in jobs for sound in _listed(cache, key)]


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
            key = _key("synthetic", category, number, seed, digest)
            jobs[key] = _Synthetic(key, category, number, seed, source)
    missing = [job for key, job in jobs.items() if not (cache / f"{key}.npy").is_file()]
    stage, done = "Synthesised sounds", len(jobs) - len(missing)
    progress(stage, done, len(jobs))
    for _ in run_jobs(_synthesise, missing, processes=processes, prepare=_prepare, given=(cache,)):
        done += 1
        progress(stage, done, len(jobs))
    return [_sound(job.category, job.name, job.name, cache, job.key) for job in jobs.values()]


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


@dataclass(frozen=True, eq=False)
class _Models:
    """What a process that computes sounds has loaded."""

    cache: Path
    listener: Listener | None = None
    separator: StemNetwork | None = None


_models: _Models


def _prepare(cache: Path, listener: str = "", separator: str = "") -> None:
    global _models
    _models = _Models(
        cache,
        load_listener(listener) if listener else None,
        load_separator(separator) if separator else None,
    )


def load_separator(name: str) -> StemNetwork:
    """Load a model of stems.

    Raises
    ------
    ModelError
        There is none with this name, or it has no vocals and accompaniment.
    """
    try:
        network = StemNetwork(name)
    except ModelError as error:
        raise ModelError(
            f"The recipe separates songs with the model {name!r}, which is not there ({error}) "
            f"Build it: tagnode models get {name}"
        ) from error
    if set(network.stems) != {"vocals", "accompaniment"}:
        raise ModelError(
            f"The recipe separates songs with {name!r}, which has the stems "
            f"{', '.join(network.stems)}; vocals and accompaniment are expected."
        )
    return network


def _record(job: tuple[str, CorpusClip]) -> None:
    """Compute the sounds of a recording, and then the list of them."""
    key, clip = job
    samples, rate = read_samples(clip.path)
    kept = resampled(samples, rate)
    found: list[tuple[str, str]] = []
    if len(kept) >= _LEAST:
        power = powers(kept)
        targets = _frame_targets(clip, kept, len(power), _models.listener)
        category = clip.category
        if category == "song" and clip.targets[_MUSIC] != 1:
            category = SOLO
        elif category == "song" and _models.separator is not None:
            targets = _add_stems(key, clip, samples, rate, targets, found)
        presence = presence_of(targets, active_frames(power, clip.category))
        _write(key, kept, presence)
        found.append((category, key))
    _write_list(key, clip, found)


def _frame_targets(
    clip: CorpusClip, samples: Float32, frames: int, listener: Listener | None
) -> Float32:
    """Return the targets of each frame where the recording is audible, (frames, 7)."""
    targets = np.repeat(clip.targets[None], frames, axis=0)
    if listener is not None:
        voices, drums = listener.strongest(samples, frames)
        for label in (SPEECH, SINGING):
            targets[np.isnan(targets[:, label]) & (voices < _NO_VOICE), label] = 0.0
        if clip.category == "music":
            targets[np.isnan(targets[:, _DRUMS]) & (drums < _NO_DRUMS), _DRUMS] = 0.0
    if clip.category == "instrument":
        # One instrument alone is not labelled as music, and may well be music.
        if "instrument:test-tone" not in clip.tags:
            targets[targets[:, _MUSIC] == 0, _MUSIC] = np.nan
        if any(word in name_of(clip) for word in ("voice", "choir")):
            targets[:, [SPEECH, SINGING]] = np.nan
    if "sound:drone" in clip.tags:
        targets[:, _MUSIC] = np.nan
    if any(tag.startswith("human:") for tag in clip.tags):  # laughter, crying, crowds
        targets[:, [SPEECH, SINGING]] = np.nan
    spans = _spans_at(clip, frames)
    if clip.category == "song" and spans is not None:
        _limit_voice(targets, spans)
    return targets


def _spans_at(clip: CorpusClip, frames: int) -> Float32 | None:
    """Return 1 in frames with a known singing voice and 0 in others; None if unknown."""
    if clip.singing_spans is None or clip.estimated:
        return None
    times = np.arange(frames) / FRAME_RATE
    found = np.zeros(frames, np.float32)
    for begins, ends in clip.singing_spans.tolist():
        found[(times >= begins) & (times <= ends)] = 1.0
    return found


def _limit_voice(targets: Float32, voice: Float32) -> None:
    """Restrict speech and singing of a song to the frames with a voice: 1, 0, NaN for unknown."""
    for label in (SPEECH, SINGING):
        was = targets[:, label]
        targets[:, label] = np.where(was == 1, voice, np.where(voice == 0, 0.0, was))


def _add_stems(
    key: str,
    clip: CorpusClip,
    samples: Float32,
    rate: int,
    targets: Float32,
    found: list[tuple[str, str]],
) -> Float32:
    """Separate a song, write its stems as sounds, and return its targets with the voice located."""
    assert _models.separator is not None
    stems = separate(samples, rate, model=_models.separator).stems
    vocals, backing = (resampled(stems[name], rate) for name in ("vocals", "accompaniment"))
    count, (sung, played) = len(targets), (powers(each).sum(axis=1) for each in (vocals, backing))
    voice = _spans_at(clip, count)
    if voice is None:
        voice = _voice_by_vocals(sung[:count])
    located = targets.copy()
    _limit_voice(located, voice)
    if not (clip.targets[[SPEECH, SINGING]] == 1).any():
        return located
    speech, singing = clip.targets[SPEECH], clip.targets[SINGING]
    sure = np.array([0, 0, np.nan, np.nan, np.nan, 0, 0], np.float32)
    alone = np.repeat(sure[None], count, axis=0)
    for label, value in ((SPEECH, speech), (SINGING, singing)):
        alone[:, label] = np.where(voice == 1, value, np.where(voice == 0, 0.0, np.nan))
    behind = np.array([np.nan, np.nan, 1, clip.targets[_DRUMS], 1, 0, np.nan], np.float32)
    without = np.repeat(behind[None], count, axis=0)
    for category, stem, power, wanted in (
        (VOCALS, vocals, sung[:count], alone),
        (BACKING, backing, played[:count], without),
    ):
        active = power > np.percentile(power, 95) * _STEM_ON
        _write(f"{key}-{category}", stem, presence_of(wanted[: len(active)], active))
        found.append((category, f"{key}-{category}"))
    return located


def _voice_by_vocals(power: Float32) -> Float32:
    """Return where separated vocals are loud (1), silent (0), or in between (NaN)."""
    smooth = np.convolve(power, np.ones(9) / 9.0, "same")
    loud = np.percentile(smooth, 90)
    voice = np.full(len(power), np.nan, np.float32)
    voice[smooth > loud * _VOCALS_ON] = 1.0
    voice[smooth < loud * _VOCALS_OFF] = 0.0
    return voice


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
    _write(job.key, kept, presence_of(targets, active_frames(power, category)))


def resampled(samples: Float32, rate: int) -> Float32:
    """Return mono samples (n,) at `RATE`."""
    if rate == RATE:
        return samples
    from scipy.signal import resample_poly

    divisor = gcd(rate, RATE)
    return np.asarray(resample_poly(samples, RATE // divisor, rate // divisor), np.float32)


def powers(samples: Float32) -> Float32:
    """Return the mel powers (frames, 96) of samples at `RATE`."""
    return mel_power(melspectrogram(np.asarray(samples, np.float32), RATE))


def name_of(clip: CorpusClip) -> str:
    """Return the name of a recording and of its folder, such as ``berklee/woodblock.ogg``."""
    return "/".join(clip.path.parts[-2:])


def _content(clip: CorpusClip) -> str:
    try:
        return sha256_of(clip.path)
    except OSError:
        return str(clip.path)  # the reader reports it


def _facts(clip: CorpusClip) -> list[object]:
    """Return what the presence of a recording depends on besides its samples."""
    spans = None if clip.singing_spans is None else clip.singing_spans.tolist()
    targets = [str(value) for value in clip.targets.tolist()]
    return [
        name_of(clip),
        clip.category,
        clip.group,
        targets,
        spans,
        clip.estimated,
        sorted(clip.tags),
    ]


def _key(*words: object) -> str:
    text = json.dumps([_VERSION, *words], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _sound(category: str, group: str, name: str, cache: Path, key: str) -> Sound:
    return Sound(category, group, name, cache / f"{key}.npy")


def _list_file(cache: Path, key: str) -> Path:
    return cache / f"{key}.json"


def _listed(cache: Path, key: str) -> list[Sound]:
    content = json.loads(_list_file(cache, key).read_text(encoding="utf-8"))
    return [
        _sound(category, content["group"], content["name"], cache, each)
        for category, each in content["sounds"]
    ]


def _write_list(key: str, clip: CorpusClip, found: Sequence[tuple[str, str]]) -> None:
    content = {"group": clip.group, "name": name_of(clip), "sounds": list(found)}
    with replacing(_list_file(_models.cache, key)) as partial:
        partial.write_text(json.dumps(content), encoding="utf-8")


def _write(key: str, samples: Float32, presence: Presence) -> None:
    """Write a sound; its samples last, since a sound is complete when they are there."""
    limit = 2**15 - 1
    whole = np.clip(np.nan_to_num(samples) * _HALF, -limit, limit).astype(np.int16)
    frames = -(-len(whole) // HOP)
    fitted = np.zeros((frames, len(LABELS)), np.int8)
    fitted[: len(presence)] = presence[:frames]
    save_array(_models.cache / f"{key}.presence.npy", fitted)
    save_array(_models.cache / f"{key}.npy", whole)


def save_array(path: Path, array: Array) -> None:
    """Write an array as ``.npy``; the file is there when it is complete.

    Raises
    ------
    PypluginError
        It cannot be written.
    """
    with replacing(path) as partial:
        try:
            with partial.open("wb") as file:
                np.save(file, array)
        except OSError as error:
            raise not_written(path, error) from error


def check_models(listener: str, separator: str) -> None:
    """Check that the models which sounds need are there, before long work.

    Raises
    ------
    ModelError
        One is not there, or is another kind of model.
    """
    if listener:
        load_listener(listener)
    if separator:
        load_separator(separator)


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
