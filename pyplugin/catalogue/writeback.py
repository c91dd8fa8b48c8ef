"""Results in the tags of the files themselves: genre, mood, key, tempo and ReplayGain.

Nothing is written unless it is asked for. A file is copied, the copy is changed and read again, its
audio and its tags are compared, and only then does it take the place of the original.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyplugin.catalogue.locations import is_remote
from pyplugin.catalogue.query import Database
from pyplugin.catalogue.setup import PRESENT
from pyplugin.errors import PypluginError
from pyplugin.inputs.files import AudioReader
from pyplugin.support.descriptors import head_name, tag_name
from pyplugin.support.files import replacing, sentence
from pyplugin.support.optional import need
from pyplugin.support.spelling import nearest

REFERENCE = -18.0
"""LUFS to which ReplayGain 2 brings a recording."""

_OPUS_REFERENCE = -23.0  # RFC 7845

FIELDS = ("genre", "mood", "key", "bpm", "gain", "peak")
"""What can be written."""

_VORBIS = ("genre", "mood", "initialkey", "bpm", "replaygain_track_gain", "replaygain_track_peak")
_APE = ("Genre", "Mood", "InitialKey", "BPM", "REPLAYGAIN_TRACK_GAIN", "REPLAYGAIN_TRACK_PEAK")
_ITUNES = "----:com.apple.iTunes:"
_MP4 = (
    *("\xa9gen", f"{_ITUNES}MOOD", f"{_ITUNES}initialkey", "tmpo"),
    *(f"{_ITUNES}replaygain_track_gain", f"{_ITUNES}replaygain_track_peak"),
)
_ASF = (
    *("WM/Genre", "WM/Mood", "WM/InitialKey", "WM/BeatsPerMinute"),
    *("replaygain_track_gain", "replaygain_track_peak"),
)
_ID3 = (
    *("TCON", "TMOO", "TKEY", "TBPM"),
    *("TXXX:REPLAYGAIN_TRACK_GAIN", "TXXX:REPLAYGAIN_TRACK_PEAK"),
)
_KEY = re.compile(r"([A-Ga-g])\s*([#b♯♭]?)[\s_:-]*(maj(?:or)?|min(?:or)?|m)?", re.IGNORECASE)


@dataclass(frozen=True)
class Wanted:
    """What is to be written.

    Attributes
    ----------
    genre, mood, key
        The model or head whose strongest label it is; ``None`` leaves it.
    bpm, replaygain
        Write the tempo, and gain and peak.
    """

    genre: str | None = None
    mood: str | None = None
    key: str | None = None
    bpm: bool = False
    replaygain: bool = False


@dataclass(frozen=True)
class TagChange:
    """The tags of a file before and after, by :data:`FIELDS`; equal ones are left out."""

    path: str
    before: Mapping[str, str]
    after: Mapping[str, str]


@dataclass(frozen=True)
class Labels:
    """The labels of a model or head: as they are spelt, and their columns."""

    names: Sequence[str]
    columns: Sequence[str]


def labels_of(setup: Any, owner: str) -> Labels:
    """Return the labels of a model or head of a setup.

    Parameters
    ----------
    setup
        A :class:`.setup.Setup`.
    owner
        Its name.

    Raises
    ------
    PypluginError
        It is not in the setup.

    Examples
    --------
    >>> from pyplugin.catalogue.setup import Setup
    >>> labels_of(Setup.of(), "scene").columns[0]
    'tag.scene.speech.mean'
    """
    for model in setup.plan.models:
        if model.name == owner:
            names = list(model.card.labels)
            return Labels(names, [f"{tag_name(name, owner)}.mean" for name in names])
    for head in setup.plan.heads:
        if head.name == owner:
            names = list(head.labels)
            return Labels(names, [f"{head_name(owner, name)}.mean" for name in names])
    known = [each.name for each in (*setup.plan.models, *setup.plan.heads)]
    raise PypluginError(f"The catalogue has no model or head {owner!r}; {nearest(owner, known)}")


def values_for(
    database: Database, setup: Any, wanted: Wanted, condition: str | None
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield recordings that are local files with what their tags are to be.

    A label is written if its mean is :data:`PRESENT` or more, a key only if the label names one.

    Raises
    ------
    PypluginError
        The condition is wrong, or a model or head is not in the catalogue.
    """
    owners = {name: getattr(wanted, name) for name in ("genre", "mood", "key")}
    chosen = {name: labels_of(setup, owner) for name, owner in owners.items() if owner is not None}
    columns = [column for labels in chosen.values() for column in labels.columns]
    columns += ["tempo", "loudness", "true_peak"]
    found = database.query(condition, columns=list(dict.fromkeys(columns)))
    for row in found.dicts():
        if is_remote(row["path"]):
            continue
        values: dict[str, str] = {}
        for name, labels in chosen.items():
            best = max(range(len(labels.names)), key=lambda index: row[labels.columns[index]])
            if row[labels.columns[best]] >= PRESENT:
                text = labels.names[best]
                values[name] = initial_key(text) if name == "key" else text
        if wanted.bpm and row["tempo"]:
            values["bpm"] = f"{row['tempo']:.0f}"
        if wanted.replaygain and row["loudness"] > -70:
            values["gain"] = f"{REFERENCE - row['loudness']:.2f} dB"
            values["peak"] = f"{10 ** (row['true_peak'] / 20):.6f}"
        yield row["path"], {name: value for name, value in values.items() if value}


def initial_key(label: str) -> str:
    """Return a key as tags have it; nothing for a label that is none.

    Examples
    --------
    >>> initial_key("A minor"), initial_key("f# major"), initial_key("guitar")
    ('Am', 'F#', '')
    """
    found = _KEY.fullmatch(label.strip())
    if found is None:
        return ""
    sign = {"♯": "#", "♭": "b"}.get(found[2], found[2])
    minor = (found[3] or "").lower() in ("m", "min", "minor")
    return found[1].upper() + sign + ("m" if minor else "")


def write_tags(path: str, values: Mapping[str, str], *, dry_run: bool = False) -> TagChange:
    """Write tags into a file.

    Parameters
    ----------
    path
        Of the file.
    values
        By :data:`FIELDS`; others stay as they are.
    dry_run
        Only return what would change.

    Returns
    -------
    TagChange
        With nothing in it if the file has these tags already.

    Raises
    ------
    PypluginError
        mutagen is not installed or does not know the format; the file has several names (hard
        links), cannot be written, or its copy is not what was expected: then it stays as it is.
    """
    mutagen = need("mutagen", package="mutagen", extra="catalogue", purpose="Writing tags")
    try:
        opened = mutagen.File(path)
        if opened is None:
            raise PypluginError(f"'{path}' is of a format whose tags cannot be written; leave it.")
        before = {name: _read(opened, name) for name in values}
        after = {name: _stored(opened, name, value) for name, value in values.items()}
        changed = [name for name in values if before[name] != after[name]]
        change = TagChange(
            path, {name: before[name] for name in changed}, {name: after[name] for name in changed}
        )
        if dry_run or not changed:
            return change
        if Path(path).stat().st_nlink > 1:
            raise PypluginError(
                f"'{path}' has several names (hard links), of which only one would be changed; "
                "leave it, or make it a file of its own."
            )
        audio = _audio_of(path)
        with replacing(path) as copy:
            shutil.copyfile(path, copy)
            made = type(opened)(str(copy))
            for name in changed:
                _write(made, name, values[name])
            made.save()
            read = type(opened)(str(copy))
            if {name: _read(read, name) for name in changed} != change.after:
                raise PypluginError(f"The tags of '{path}' did not come back; it stays as it is.")
            if _audio_of(copy) != audio:
                raise PypluginError(f"The audio of '{path}' would change; it stays as it is.")
    except mutagen.MutagenError as error:
        raise PypluginError(f"The tags of '{path}' cannot be changed: {error}.") from error
    except OSError as error:
        raise PypluginError(f"'{path}' cannot be changed: {sentence(error)}.") from error
    return change


def _audio_of(path: str | Path) -> str:
    """Return a hash of the samples."""
    digest = hashlib.blake2b(digest_size=16)
    with AudioReader(path) as reader:
        for block in reader:
            digest.update(block.tobytes())
    return digest.hexdigest()


def _kind(opened: Any) -> tuple[str, Sequence[str]]:
    """Return the kind of tags of a file, and the names of :data:`FIELDS` in it."""
    name = type(opened).__name__
    if name in ("FLAC", "OggVorbis", "OggOpus", "OggFLAC", "OggSpeex", "OggTheora"):
        return "vorbis", _VORBIS
    if name == "MP4":
        return "mp4", _MP4
    if name == "ASF":
        return "asf", _ASF
    if name in ("MP3", "WAVE", "AIFF", "TrueAudio", "DSF", "DSDIFF"):
        return "id3", _ID3
    if name in ("WavPack", "MonkeysAudio", "Musepack", "OptimFROG", "TAK"):
        return "ape", _APE
    raise PypluginError(f"Tags of {name} files cannot be written; leave '{opened.filename}'.")


def _key_of(opened: Any, field: str) -> tuple[str, str]:
    kind, names = _kind(opened)
    if type(opened).__name__ == "OggOpus" and field == "gain":
        return kind, "R128_TRACK_GAIN"
    return kind, names[FIELDS.index(field)]


def _stored(opened: Any, field: str, value: str) -> str:
    """Return a value as this kind of file has it."""
    if type(opened).__name__ == "OggOpus" and field == "gain":
        decibels = float(value.split()[0]) - REFERENCE + _OPUS_REFERENCE
        return str(round(decibels * 256))  # Q7.8
    return value


def _read(opened: Any, field: str) -> str:
    """Return a tag's text; nothing where there is none."""
    kind, key = _key_of(opened, field)
    tags = opened.tags
    if tags is None or key not in tags:
        return ""
    value = tags[key]
    if kind == "id3":
        return str(value.text[0]) if value.text else ""
    if kind == "ape":
        return str(value)
    first = value[0] if isinstance(value, list) else value
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


def _write(opened: Any, field: str, value: str) -> None:
    kind, key = _key_of(opened, field)
    if opened.tags is None:
        opened.add_tags()
    text = _stored(opened, field, value)
    if kind == "id3":
        id3 = need("mutagen.id3", package="mutagen", extra="catalogue", purpose="Writing tags")
        frame, _, described = key.partition(":")
        more = {"desc": described} if described else {}
        opened.tags.setall(key, [getattr(id3, frame)(encoding=3, text=[text], **more)])
    elif kind == "mp4":
        if key == "tmpo":
            opened.tags[key] = [round(float(text))]
        else:
            opened.tags[key] = [text.encode() if key.startswith(_ITUNES) else text]
    else:
        opened.tags[key] = text
