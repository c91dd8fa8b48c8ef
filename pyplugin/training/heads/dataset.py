"""Which clip is of which class, and which clips belong together.

``read_dataset``
    Reads a folder with one subfolder a class, or a ground truth as CSV, JSON or YAML.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyplugin.errors import PypluginError
from pyplugin.support.files import sentence
from pyplugin.support.optional import need

__all__ = ["HeadClip", "HeadDataset", "clips_below", "file_hash", "read_dataset"]

_PATHS = ("path", "file", "filename")
_LABELS = ("label", "class")
_GROUPS = ("group", "artist", "album")


@dataclass(frozen=True)
class HeadClip:
    """A recording of one class.

    Attributes
    ----------
    path : Path
    label : str
    group : str
        Clips of one group never stand on both sides of a fold; empty for a clip on its own.
    digest : str
        SHA-256 of the file.
    """

    path: Path
    label: str
    group: str
    digest: str


@dataclass(frozen=True)
class HeadDataset:
    """Clips, and what a person should know about them.

    Attributes
    ----------
    name : str
    clips : list of HeadClip
    notes : list of str
    """

    name: str
    clips: list[HeadClip]
    notes: list[str] = field(default_factory=list)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in alphabetical order."""
        return tuple(sorted({clip.label for clip in self.clips}))


def read_dataset(data: str | Path, filelist: str | Path | None = None) -> HeadDataset:
    """Read which clip is of which class.

    Parameters
    ----------
    data
        A folder with one subfolder a class; or a ``.csv`` with the columns ``path``, ``label`` and,
        if clips belong together, ``group`` (or ``artist``, ``album``); or ``.json`` or ``.yaml``: a
        list of such rows, ``{path: label}``, or Gaia's ``{className, groundTruth: {id: label}}``.
        Paths are relative to the file's folder.
    filelist
        ``.json`` or ``.yaml`` of ``{id: path}``, where `data` has identifiers instead of paths.

    Returns
    -------
    HeadDataset
        Without a group of their own, clips have the artist, or else the album, of their tags.

    Raises
    ------
    PypluginError
        Nothing to read, a file that does not exist, or one clip in two classes.
    """
    data = Path(data)
    if data.is_dir():
        if filelist is not None:
            raise PypluginError(f"{data} is a folder; a file list is for a ground truth.")
        rows = _from_folder(data)
    else:
        rows = _located(_from_file(data), data, None if filelist is None else Path(filelist))
    if not rows:
        raise PypluginError(f"{data} has no clips; expected a folder of clips for each class.")
    missing = [path for path, _, _ in rows if not path.is_file()]
    if missing:
        raise PypluginError(
            f"{len(missing)} of {len(rows)} clips that {data} names do not exist, {missing[0]} "
            "for one; correct the paths, which are relative to the file that has them."
        )
    tagged = not any(group for _, _, group in rows)
    clips = [
        HeadClip(path, label, _tagged_group(path) if tagged else group, file_hash(path))
        for path, label, group in rows
    ]
    return _unique(HeadDataset(data.stem, clips))


def clips_below(places: Iterable[str | Path]) -> list[Path]:
    """Return the files among `places` and those in folders among them, hidden ones left out."""
    found: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            found += sorted(
                path
                for path in place.rglob("*")
                if path.is_file() and not path.name.startswith(".")
            )
        else:
            found.append(place)
    return found


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; empty where it cannot be read, which its decoder will say."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


_Row = tuple[Path, str, str]


def _from_folder(folder: Path) -> list[_Row]:
    classes = sorted(
        place for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")
    )
    return [(path, place.name, "") for place in classes for path in clips_below([place])]


def _from_file(path: Path) -> list[tuple[str, str, str]]:
    """Return (path or identifier, label, group) of each row of a ground truth."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".json", ".yaml", ".yml"):
        raise PypluginError(f"{path} is no folder, .csv, .json or .yaml; give one of these.")
    content = _table(path) if suffix == ".csv" else _parsed(path)
    if isinstance(content, Mapping):
        truth = content.get("groundTruth", content)
        if not isinstance(truth, Mapping):
            raise PypluginError(f"groundTruth in {path} is no mapping; expected {{path: label}}.")
        return [(str(key), _label(label, path), "") for key, label in truth.items()]
    if not isinstance(content, list) or not all(isinstance(row, Mapping) for row in content):
        raise PypluginError(f"{path} is neither a mapping of paths to labels nor a list of rows.")
    return [
        (
            _column(row, _PATHS, path, number),
            _column(row, _LABELS, path, number),
            next((str(row[key]) for key in _GROUPS if row.get(key)), ""),
        )
        for number, row in enumerate(content, 1)
    ]


def _label(label: Any, path: Path) -> str:
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    if isinstance(label, (list, dict)) or label is None or not str(label).strip():
        raise PypluginError(f"{path} gives {label!r} as a label; each clip has exactly one.")
    return str(label).strip()


def _column(row: Mapping[str, Any], names: tuple[str, ...], path: Path, number: int) -> str:
    value = next((row[name] for name in names if row.get(name) is not None), None)
    if value is None or not str(value).strip():
        raise PypluginError(f"Row {number} of {path} has no {names[0]}; fill in this column.")
    return str(value).strip()


def _table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(_text(path).splitlines()))


def _parsed(path: Path) -> Any:
    text = _text(path)
    try:
        if path.suffix.lower() == ".json":
            return json.loads(text)
        yaml = need("yaml", package="PyYAML", extra="train", purpose=f"Reading {path.name}")
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(" ".join(str(error).split())) from error
    except ValueError as error:
        raise PypluginError(f"{path} cannot be parsed: {error}.") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PypluginError(f"{path} cannot be read: {sentence(error)}.") from error
    except UnicodeDecodeError as error:
        raise PypluginError(f"{path} is not text in UTF-8; save it as such.") from error


def _located(rows: list[tuple[str, str, str]], data: Path, filelist: Path | None) -> list[_Row]:
    if filelist is None:
        return [(data.parent / name, label, group) for name, label, group in rows]
    files = _parsed(filelist)
    if not isinstance(files, Mapping):
        raise PypluginError(f"{filelist} is no mapping; expected {{id: path}}.")
    files = {str(key): str(value) for key, value in files.items()}
    unknown = [name for name, _, _ in rows if name not in files]
    if unknown:
        raise PypluginError(
            f"{filelist} lacks {len(unknown)} of the {len(rows)} clips of {data}, {unknown[0]!r} "
            "for one; add them."
        )
    return [(filelist.parent / files[name], label, group) for name, label, group in rows]


def _tagged_group(path: Path) -> str:
    """Return the artist of a recording by its tags, else the album, else nothing."""
    av = need("av", package="av", extra="audio", purpose="Reading tags")
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            tags = dict(container.metadata)
            for stream in container.streams.audio:
                tags.update(stream.metadata)
    except (av.FFmpegError, OSError, ValueError):
        return ""
    named = {key.lower(): value.strip() for key, value in tags.items()}
    return next((f"{key}: {named[key]}" for key in ("artist", "album") if named.get(key)), "")


def _unique(dataset: HeadDataset) -> HeadDataset:
    """Drop clips that are there twice; refuse those that are in two classes."""
    first: dict[str, HeadClip] = {}
    kept, conflicts = [], []
    for clip in dataset.clips:
        known = first.setdefault(clip.digest, clip) if clip.digest else clip
        if known is clip:
            kept.append(clip)
        elif known.label != clip.label:
            conflicts.append((known, clip))
    if conflicts:
        one, other = conflicts[0]
        raise PypluginError(
            f"{len(conflicts)} clips are in two classes, {one.path} of {one.label!r} for one, "
            f"which is {other.path} of {other.label!r} too; leave them in one."
        )
    notes = list(dataset.notes)
    if len(kept) < len(dataset.clips):
        notes.append(
            f"{len(dataset.clips) - len(kept)} clips are copies of others in their class: left out."
        )
    groups = Counter(clip.group for clip in kept if clip.group)
    if groups:
        notes.append(f"Clips of one artist or group stay together in folds: {len(groups)} groups.")
    return HeadDataset(dataset.name, kept, notes)
