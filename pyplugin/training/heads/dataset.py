"""The classes and groups of clips.

``read_dataset``
    Reads a folder with one subfolder for each class, or a ground truth as CSV, JSON or YAML.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyplugin.errors import PypluginError
from pyplugin.support.documents import DocumentError, parse_json, parse_yaml
from pyplugin.support.files import sentence, sha256_of
from pyplugin.support.optional import need

_PATHS = ("path", "file", "filename")
_LABELS = ("label", "class")
_GROUPS = ("group", "artist", "album")


@dataclass(frozen=True)
class LabelledClip:
    """A recording of one class.

    Attributes
    ----------
    path : Path
    label : str
    group : str
        Clips of one group are never on both sides of a fold; empty for no group.
    digest : str
        SHA-256 of the file.
    """

    path: Path
    label: str
    group: str
    digest: str


@dataclass(frozen=True)
class ClipDataset:
    """Clips, and notes about them for the user.

    Attributes
    ----------
    name : str
    clips : list of LabelledClip
    notes : list of str
    """

    name: str
    clips: list[LabelledClip]
    notes: list[str] = field(default_factory=list)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in alphabetical order."""
        return tuple(sorted({clip.label for clip in self.clips}))


def read_dataset(data: str | Path, filelist: str | Path | None = None) -> ClipDataset:
    """Read the classes and groups of clips.

    Parameters
    ----------
    data
        A folder with one subfolder for each class; or a ``.csv`` with the columns ``path``,
        ``label`` and, optionally, ``group`` (or ``artist``, ``album``); or ``.json`` or
        ``.yaml`` with a
        list of such rows, ``{path: label}``, or Gaia's ``{className, groundTruth: {id: label}}``.
        Paths are relative to the file's folder.
    filelist
        ``.json`` or ``.yaml`` with ``{id: path}``, if `data` has identifiers instead of paths.

    Returns
    -------
    ClipDataset
        Without groups in `data`, the group of a clip is the artist, or else the album, in its tags.

    Raises
    ------
    PypluginError
        There are no clips, a file does not exist, or one clip is in two classes.
    """
    data = Path(data)
    if data.is_dir():
        if filelist is not None:
            raise PypluginError(
                f"{data} is a folder; --filelist is for a ground truth file with identifiers."
            )
        rows = _from_folder(data)
    else:
        rows = _resolve_paths(_from_file(data), data, None if filelist is None else Path(filelist))
    if not rows:
        raise PypluginError(f"{data} has no clips; expected a folder of clips for each class.")
    missing = [path for path, _, _ in rows if not path.is_file()]
    if missing:
        raise PypluginError(
            f"{len(missing)} of {len(rows)} clips listed in {data} do not exist, for example "
            f"{missing[0]}; correct the paths, which are relative to the folder of that file."
        )
    tagged = not any(group for _, _, group in rows)
    clips = [
        LabelledClip(path, label, _group_from_tags(path) if tagged else group, file_hash(path))
        for path, label, group in rows
    ]
    return _drop_duplicates(ClipDataset(data.stem, clips))


def clips_below(places: Iterable[str | Path]) -> list[Path]:
    """Return the files in `places` and in folders among them, without hidden ones."""
    found: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            files = (path for path in place.rglob("*") if path.is_file())
            found += sorted(path for path in files if not path.name.startswith("."))
        else:
            found.append(place)
    return found


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; empty if it cannot be read, which the decoder reports later."""
    try:
        return sha256_of(path)
    except OSError:
        return ""


_Given = tuple[str, str, str]  # a path or an identifier, label and group
_Row = tuple[Path, str, str]
_SHOWN = 60  # characters of a wrong label in a message


def _from_folder(folder: Path) -> list[_Row]:
    folders = (place for place in folder.iterdir() if place.is_dir())
    classes = sorted(place for place in folders if not place.name.startswith("."))
    return [(path, place.name, "") for place in classes for path in clips_below([place])]


def _from_file(path: Path) -> list[_Given]:
    """Return (path or identifier, label, group) of each row of a ground truth."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".json", ".yaml", ".yml"):
        raise PypluginError(f"{path} is not a folder, .csv, .json or .yaml; give one of these.")
    content = _table(path) if suffix == ".csv" else _parse(path)
    if isinstance(content, Mapping):
        truth = content.get("groundTruth", content)
        if not isinstance(truth, Mapping):
            raise PypluginError(
                f"groundTruth in {path} is not a mapping; expected {{path: label}}."
            )
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
        raise PypluginError(f"{path} gives {_brief(label)} as a label; each clip has exactly one.")
    return str(label).strip()


def _brief(value: object) -> str:
    """Return what a value looks like, or the beginning of it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _column(row: Mapping[str, Any], names: tuple[str, ...], path: Path, number: int) -> str:
    value = next((row[name] for name in names if row.get(name) is not None), None)
    if value is None or not str(value).strip():
        raise PypluginError(f"Row {number} of {path} has no {names[0]}; fill in this column.")
    return str(value).strip()


def _table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(_text(path).splitlines()))


def _parse(path: Path) -> Any:
    text = _text(path)
    try:
        if path.suffix.lower() == ".json":
            return parse_json(text)
        return parse_yaml(text, f"Reading {path.name}")
    except DocumentError as error:
        raise PypluginError(f"{path} cannot be parsed: {error}.") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PypluginError(f"{path} cannot be read: {sentence(error)}.") from error
    except UnicodeDecodeError as error:
        raise PypluginError(f"{path} is not text in UTF-8; save it as such.") from error


def _resolve_paths(rows: list[_Given], data: Path, filelist: Path | None) -> list[_Row]:
    if filelist is None:
        return [(data.parent / name, label, group) for name, label, group in rows]
    files = _parse(filelist)
    if not isinstance(files, Mapping):
        raise PypluginError(f"{filelist} is not a mapping; expected {{id: path}}.")
    files = {str(key): str(value) for key, value in files.items()}
    unknown = [name for name, _, _ in rows if name not in files]
    if unknown:
        raise PypluginError(
            f"{filelist} lacks {len(unknown)} of the {len(rows)} clips of {data}, for example "
            f"{unknown[0]!r}; add them."
        )
    return [(filelist.parent / files[name], label, group) for name, label, group in rows]


def _group_from_tags(path: Path) -> str:
    """Return the artist in the tags of a recording, else the album, else an empty string."""
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


def _drop_duplicates(dataset: ClipDataset) -> ClipDataset:
    """Drop duplicate clips; raise for those in two classes."""
    first: dict[str, LabelledClip] = {}
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
            f"{len(conflicts)} clips are in two classes, for example {one.path} of "
            f"{one.label!r}, which equals {other.path} of {other.label!r}; remove one of them."
        )
    notes = list(dataset.notes)
    left = len(dataset.clips) - len(kept)
    if left:
        notes.append(f"{left} clips are duplicates within their class and were left out.")
    groups = Counter(clip.group for clip in kept if clip.group)
    if groups:
        notes.append(f"Folds keep clips of one group or artist together: {len(groups)} groups.")
    return ClipDataset(dataset.name, kept, notes)
