"""Recordings of a corpus as sounds, and the stems of songs.

Their labels are those of the corpus, narrowed down by what can be measured: in which frames the
recording is audible, when separated vocals are loud, and where YAMNet's scores of voices or drums
are too low for any.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.stems.network import StemNetwork
from pyplugin.stems.separation import separate
from pyplugin.support.arrays import Float32
from pyplugin.support.files import replacing, sha256_of
from pyplugin.training.corpus import (
    LABELS,
    SINGING,
    SPEECH,
    CorpusClip,
    active_frames,
    presence_of,
    read_samples,
)
from pyplugin.training.processes import run_jobs
from pyplugin.training.sounds import (
    BACKING,
    FRAME_RATE,
    SOLO,
    VOCALS,
    Progress,
    Sound,
    key_of,
    powers,
    resampled,
    write_sound,
)
from pyplugin.training.yamnet import YamnetModel, load_yamnet

_LEAST = 800  # samples
_MUSIC, _DRUMS = LABELS.index("music"), LABELS.index("drums")
_NO_VOICE, _NO_DRUMS = 0.03, 0.01  # scores of YAMNet below which they are absent for sure
_VOCALS_ON, _VOCALS_OFF = 10**-1.6, 10**-3.0  # power relative to the loud part of the vocals
_STEM_ON = 1e-4


def recorded_sounds(
    clips: Sequence[CorpusClip],
    cache: Path,
    *,
    yamnet: str = "",
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
    yamnet : str, optional
        Name of YAMNet, whose lowest scores make unknown voices and drums absent.
    separator : str, optional
        Model that separates songs, such as ``spleeter-2stems``; without one, the whole of a song
        without known spans counts as sung.
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
    models = [load_yamnet(yamnet).digest if yamnet else "", separator]
    jobs: dict[str, CorpusClip] = {}
    digests: set[str] = set()
    for clip in clips:
        digest = _content(clip)
        if digest not in digests:
            digests.add(digest)
            jobs[key_of("recorded", digest, _facts(clip), *models)] = clip
    missing = [(key, clip) for key, clip in jobs.items() if not _list_file(cache, key).is_file()]
    done = len(jobs) - len(missing)
    progress(stage, done, len(jobs))
    given = (cache, yamnet, separator)
    for _ in run_jobs(_record, missing, processes=processes, prepare=_prepare, given=given):
        done += 1
        progress(stage, done, len(jobs))
    return [sound for key in jobs for sound in _listed(cache, key)]


def check_models(yamnet: str, separator: str) -> None:
    """Check that the models which sounds need are there, before long work.

    Raises
    ------
    ModelError
        One is not there, or is another kind of model.
    """
    if yamnet:
        load_yamnet(yamnet)
    if separator:
        load_separator(separator)


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


def name_of(clip: CorpusClip) -> str:
    """Return the name of a recording and of its folder, such as ``berklee/woodblock.ogg``."""
    return "/".join(clip.path.parts[-2:])


@dataclass(frozen=True, eq=False)
class _Models:
    """What a process that computes sounds has loaded."""

    cache: Path
    yamnet: YamnetModel | None = None
    separator: StemNetwork | None = None


_models: _Models


def _prepare(cache: Path, yamnet: str = "", separator: str = "") -> None:
    global _models
    _models = _Models(
        cache,
        load_yamnet(yamnet) if yamnet else None,
        load_separator(separator) if separator else None,
    )


def _record(job: tuple[str, CorpusClip]) -> None:
    """Compute the sounds of a recording, and then the list of them."""
    key, clip = job
    samples, rate = read_samples(clip.path)
    kept = resampled(samples, rate)
    found: list[tuple[str, str]] = []
    if len(kept) >= _LEAST:
        power = powers(kept)
        targets = _frame_targets(clip, kept, len(power), _models.yamnet)
        category = clip.category
        if category == "song" and clip.targets[_MUSIC] != 1:
            category = SOLO
        elif category == "song" and _models.separator is not None:
            targets = _add_stems(key, clip, samples, rate, targets, found)
        presence = presence_of(targets, active_frames(power, clip.category))
        write_sound(_models.cache, key, kept, presence)
        found.append((category, key))
    _write_list(key, clip, found)


def _frame_targets(
    clip: CorpusClip, samples: Float32, frames: int, yamnet: YamnetModel | None
) -> Float32:
    """Return the targets of each frame where the recording is audible, (frames, 7)."""
    targets = np.repeat(clip.targets[None], frames, axis=0)
    if yamnet is not None:
        voices, drums = yamnet.strongest(samples, frames)
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
        write_sound(
            _models.cache, f"{key}-{category}", stem, presence_of(wanted[: len(active)], active)
        )
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


def _list_file(cache: Path, key: str) -> Path:
    return cache / f"{key}.json"


def _listed(cache: Path, key: str) -> list[Sound]:
    content = json.loads(_list_file(cache, key).read_text(encoding="utf-8"))
    return [
        Sound(category, content["group"], content["name"], cache / f"{each}.npy")
        for category, each in content["sounds"]
    ]


def _write_list(key: str, clip: CorpusClip, found: Sequence[tuple[str, str]]) -> None:
    content = {"group": clip.group, "name": name_of(clip), "sounds": list(found)}
    with replacing(_list_file(_models.cache, key)) as partial:
        partial.write_text(json.dumps(content), encoding="utf-8")
