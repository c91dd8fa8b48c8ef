"""The classes and groups of clips.

``read_dataset``
    Reads a folder with one subfolder for each class, or a ground truth as CSV, JSON or YAML.
``check_classes``, ``check_labels``
    Whether the classes can be trained on, and named.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyplugin.errors import PypluginError
from pyplugin.support.documents import DocumentError, parse_json, parse_yaml
from pyplugin.support.files import sentence, sha256_of
from pyplugin.support.optional import need
from pyplugin.support.spelling import slug

LEAST = 3
"""Smallest number of clips or groups of a class: one to test, two to fit and calibrate."""

_PATHS = ("path", "file", "filename")
_LABELS = ("label", "class", "category")
_SEVERAL = ("labels", "label", "class")
_GROUPS = ("group", "artist", "album")
_GTZAN = "genres_original"  # the folder of GTZAN's archive that has the recordings


@dataclass(frozen=True)
class LabelledClip:
    """A recording and its classes.

    Attributes
    ----------
    path : Path
    labels : tuple of str
        At least one; several only where classes do not exclude each other.
    group : str
        Clips of one group are never on both sides of a fold; empty for no group.
    digest : str
        SHA-256 of the file.
    split : str
        The value of the column ``split``, such as ``test``; empty without one.
    """

    path: Path
    labels: tuple[str, ...]
    group: str
    digest: str
    split: str = ""

    @property
    def label(self) -> str:
        """The class, or the first one."""
        return self.labels[0]


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
        return tuple(sorted({label for clip in self.clips for label in clip.labels}))


def read_dataset(
    data: str | Path,
    filelist: str | Path | None = None,
    *,
    groups: str | Path | None = None,
    exclusive: bool = True,
    group_of: Callable[[Path], str] | None = None,
) -> ClipDataset:
    """Read the classes and groups of clips.

    Parameters
    ----------
    data
        A folder with one subfolder for each class; or a ``.csv`` with the columns ``path``,
        ``label`` (or ``class``, ``category``) and, optionally, ``group`` (or ``artist``,
        ``album``) and ``split``; or ``.json`` or ``.yaml`` with a
        list of such rows, ``{path: label}``, or Gaia's ``{className, groundTruth: {id: label}}``.
        Paths are relative to the file's folder.
    filelist
        ``.json`` or ``.yaml`` with ``{id: path}``, if `data` has identifiers instead of paths.
    groups
        ``.csv`` with the columns ``path``, relative to the folder `data`, and ``group`` (or
        ``artist``, ``album``): the groups of a folder whose recordings have no tags.
    exclusive
        Whether a clip has exactly one class. Otherwise it may have several: copies of it in
        several folders, a list in ``.json`` or ``.yaml``, or, separated by ``;``, in the column
        ``labels`` of a ``.csv``.
    group_of
        Returns the group of a file where `data` has none. ``None``: the artist, or else the album,
        in the tags of the recording.

    Returns
    -------
    ClipDataset

    Raises
    ------
    PypluginError
        There are no clips, a file does not exist, or one clip is in two classes that exclude
        each other.
    """
    data = Path(data)
    if data.is_dir():
        if filelist is not None:
            raise PypluginError(
                f"{data} is a folder; --filelist is for a ground truth file with identifiers."
            )
        rows = _from_folder(data)
        if groups is not None:
            rows = _with_groups(rows, data, Path(groups))
    else:
        if groups is not None:
            raise PypluginError(
                f"{data} is no folder; --groups is for a folder. Put the groups into a column of "
                f"{data.name}."
            )
        given = _from_file(data, exclusive)
        rows = _resolve_paths(given, data, None if filelist is None else Path(filelist))
    if not rows:
        raise PypluginError(f"{data} has no clips; expected a folder of clips for each class.")
    missing = [row.path for row in rows if not row.path.is_file()]
    if missing:
        raise PypluginError(
            f"{len(missing)} of {len(rows)} clips listed in {data} do not exist, for example "
            f"{missing[0]}; correct the paths, which are relative to the folder of that file."
        )
    if not any(row.group for row in rows):
        named = group_of or _group_from_tags
        rows = [replace(row, group=named(row.path)) for row in rows]
    clips = [replace(row, digest=file_hash(row.path)) for row in rows]
    return _drop_duplicates(ClipDataset(data.stem, clips), exclusive)


def check_classes(counts: Counter[str], name: str) -> None:
    """Check that there are two classes at least, with enough clips each.

    Parameters
    ----------
    counts
        Number of clips of each class.
    name
        Of the dataset, for messages.

    Raises
    ------
    PypluginError
        There is one class, or a class has fewer than `LEAST` clips.
    """
    if len(counts) < 2:
        raise PypluginError(
            f"{name} has {len(counts)} class; at least 2 are needed. For one label, use "
            "`tagnode teach`."
        )
    label, count = min(counts.items(), key=lambda item: item[1])
    if count < LEAST:
        clips = "clip" if count == 1 else "clips"
        raise PypluginError(
            f"The class {label!r} has {count} usable {clips}; at least {LEAST} are needed, and "
            "20 are better."
        )


def check_labels(labels: tuple[str, ...]) -> None:
    """Check that the addresses of the classes, such as ``head.NAME.label``, are unique.

    Raises
    ------
    PypluginError
        Two are the same, or one is empty.
    """
    first: dict[str, str] = {}
    for label in labels:
        if not slug(label):
            raise PypluginError(f"The class {label!r} has no letter or digit; rename it.")
        if slug(label) in first:
            raise PypluginError(
                f"The classes {first[slug(label)]!r} and {label!r} would both have the address "
                f"{slug(label)}; rename one."
            )
        first[slug(label)] = label


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


_SHOWN = 60  # characters of a wrong label in a message


@dataclass(frozen=True)
class _Given:
    """A row of a ground truth."""

    name: str  # a path or an identifier
    labels: tuple[str, ...]
    group: str = ""
    split: str = ""


def _from_folder(folder: Path) -> list[LabelledClip]:
    if (folder / _GTZAN).is_dir():
        folder = folder / _GTZAN
    folders = (place for place in folder.iterdir() if place.is_dir())
    classes = sorted(place for place in folders if not place.name.startswith("."))
    return [
        LabelledClip(path, (place.name,), "", "")
        for place in classes
        for path in clips_below([place])
    ]


def _with_groups(rows: list[LabelledClip], folder: Path, path: Path) -> list[LabelledClip]:
    """Return the clips of a folder with the groups that a file lists."""
    table = _table(path)
    groups = {}
    for number, row in enumerate(table, 1):
        name = _column(row, _PATHS, path, number)
        for place in (folder, folder / _GTZAN):  # of GTZAN's archive either will do
            groups[(place / name).resolve()] = _column(row, _GROUPS, path, number)
    found = [replace(row, group=groups.get(row.path.resolve(), "")) for row in rows]
    if not any(row.group for row in found):
        raise PypluginError(
            f"{path} lists none of the {len(rows)} clips of {folder}; its column path is relative "
            "to that folder, such as blues/blues.00000.wav."
        )
    return found


def _from_file(path: Path, exclusive: bool) -> list[_Given]:
    """Return the rows of a ground truth."""
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
        return [_Given(str(key), _labels(each, path, exclusive)) for key, each in truth.items()]
    if not isinstance(content, list) or not all(isinstance(row, Mapping) for row in content):
        raise PypluginError(f"{path} is neither a mapping of paths to labels nor a list of rows.")
    return [
        _Given(
            _column(row, _PATHS, path, number),
            _row_labels(row, path, number, exclusive),
            next((str(row[key]) for key in _GROUPS if row.get(key)), ""),
            str(row.get("split") or "").strip(),
        )
        for number, row in enumerate(content, 1)
    ]


def _row_labels(
    row: Mapping[str, Any], path: Path, number: int, exclusive: bool
) -> tuple[str, ...]:
    if exclusive:
        return (_column(row, _LABELS, path, number),)
    value = next((row[name] for name in _SEVERAL if isinstance(row.get(name), list)), None)
    if value is None:
        value = _column(row, _SEVERAL, path, number).split(";")
    return _labels([each for each in value if str(each).strip()], path, exclusive)


def _labels(given: Any, path: Path, exclusive: bool) -> tuple[str, ...]:
    labels = given if isinstance(given, list) else [given]
    wrong = [each for each in labels if isinstance(each, (list, dict)) or not str(each).strip()]
    if exclusive and len(labels) != 1:
        raise PypluginError(f"{path} gives {_brief(given)} as a label; each clip has exactly one.")
    if wrong or not labels or None in labels:
        raise PypluginError(f"{path} gives {_brief(given)} as a label; expected a name.")
    return tuple(dict.fromkeys(str(each).strip() for each in labels))


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


def _resolve_paths(rows: list[_Given], data: Path, filelist: Path | None) -> list[LabelledClip]:
    if filelist is None:
        return [
            LabelledClip(data.parent / row.name, row.labels, row.group, "", row.split)
            for row in rows
        ]
    files = _parse(filelist)
    if not isinstance(files, Mapping):
        raise PypluginError(f"{filelist} is not a mapping; expected {{id: path}}.")
    files = {str(key): str(value) for key, value in files.items()}
    unknown = [row.name for row in rows if row.name not in files]
    if unknown:
        raise PypluginError(
            f"{filelist} lacks {len(unknown)} of the {len(rows)} clips of {data}, for example "
            f"{unknown[0]!r}; add them."
        )
    return [
        LabelledClip(filelist.parent / files[row.name], row.labels, row.group, "", row.split)
        for row in rows
    ]


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


def _drop_duplicates(dataset: ClipDataset, exclusive: bool) -> ClipDataset:
    """Drop duplicate clips; raise for those in two classes, or give them both."""
    kept: dict[str, LabelledClip] = {}
    conflicts = []
    left = 0
    for clip in dataset.clips:
        key = clip.digest or str(clip.path)
        known = kept.setdefault(key, clip)
        if known is clip:
            continue
        if set(known.labels) == set(clip.labels):
            left += 1
        elif exclusive:
            conflicts.append((known, clip))
        else:
            kept[key] = replace(known, labels=tuple(dict.fromkeys((*known.labels, *clip.labels))))
    if conflicts:
        one, other = conflicts[0]
        raise PypluginError(
            f"{len(conflicts)} clips are in two classes, for example {one.path} of "
            f"{one.label!r}, which equals {other.path} of {other.label!r}; remove one of them."
        )
    notes = list(dataset.notes)
    if left:
        notes.append(f"{left} clips are duplicates within their class and were left out.")
    groups = Counter(clip.group for clip in kept.values() if clip.group)
    if groups:
        notes.append(f"Folds keep clips of one group or artist together: {len(groups)} groups.")
    return ClipDataset(dataset.name, list(kept.values()), notes)
