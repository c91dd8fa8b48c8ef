"""Files of Essentia's extractor: the descriptors of a recording, as JSON or YAML.

``read_descriptors``
    The descriptors of one file.
``read_tables``
    Those of many files as a table, and the list of files that cannot be used.
``vector_of``
    The values that a head takes, from the descriptors of one file.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Float64
from pyplugin.support.documents import DocumentError, parse_json, parse_yaml
from pyplugin.support.files import sentence

SUFFIXES = (".json", ".yaml", ".yml", ".sig")
UNREADABLE_LIMIT = 0.25
"""Largest share of files that cannot be used; above it the work stops with an error."""

_METADATA = "metadata"
_GROUPS = ("lowlevel", "rhythm", "tonal", "sfx")
_LEAST_SHARE = 0.75  # of the usual descriptors that a file must have
_LARGEST = 64 << 20  # bytes
_SHOWN = 3  # names in a message
# Essentia writes non-finite values as C does, which is not JSON.
_NONFINITE = re.compile(r"(?<=[\[:,\s])([+-]?)(nan|inf(?:inity)?)(?=\s*[,\]}\n])", re.IGNORECASE)

Value = tuple[float, ...] | str
"""Numbers, matrices row by row, or a text such as a key."""


@dataclass(frozen=True)
class ExtractorFile:
    """The content of a file of Essentia's extractor.

    Attributes
    ----------
    descriptors : dict of str to Value
        By name, such as ``lowlevel.mfcc.mean``, without those of the metadata.
    version : str
        Of the extractor and of Essentia; ``unknown`` where the file does not name them.
    group : str
        Artist, or else album, of the recording's tags; empty without them.
    """

    descriptors: dict[str, Value]
    version: str
    group: str


@dataclass(frozen=True)
class DescriptorTable:
    """Descriptors that all usable files have.

    Attributes
    ----------
    rows : numpy.ndarray
        (n, D) float64, exactly representable as float32: all numbers of all descriptors.
    used : list of int
        Which of the files the rows are from.
    sizes : dict of str to int
        The descriptors in the order of the columns, and how many columns each has.
    texts : dict of str to tuple of str
        The values of each descriptor that is a text; its column has their positions.
    versions : list of str
        Of the extractors.
    notes, skipped : list of str
        Sentences for the user; a sentence for each file that cannot be used.
    """

    rows: Float64
    used: list[int]
    sizes: dict[str, int]
    texts: dict[str, tuple[str, ...]]
    versions: list[str]
    notes: list[str]
    skipped: list[str]


def read_descriptors(path: Path) -> ExtractorFile:
    """Read a file of Essentia's extractor.

    Parameters
    ----------
    path
        ``.json``, ``.yaml``, ``.yml`` or ``.sig``, as essentia_streaming_extractor_music and
        MusicExtractor with YamlOutput write them.

    Raises
    ------
    PypluginError
        It cannot be read, or is not such a file.
    """
    content = _parsed(path)
    if not isinstance(content, Mapping) or not isinstance(content.get("lowlevel"), Mapping):
        raise PypluginError(
            f"{path} is not a file of Essentia's extractor: it has no lowlevel descriptors; make "
            "it with essentia_streaming_extractor_music."
        )
    found: dict[str, Value] = {}
    for group in _GROUPS:
        if isinstance(content.get(group), Mapping):
            _collect(content[group], group, found)
    if not any(isinstance(value, tuple) for value in found.values()):
        raise PypluginError(f"{path} has no descriptor with a number; make it again.")
    metadata = content.get(_METADATA)
    return ExtractorFile(found, _version_of(metadata), _group_of(metadata))


def group_of_file(path: Path) -> str:
    """Return the artist, or else the album, of the recording; empty if there is none."""
    try:
        return read_descriptors(path).group
    except PypluginError:
        return ""


def read_tables(
    paths: Sequence[Path],
    like: DescriptorTable | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> DescriptorTable:
    """Return the descriptors of files as a table.

    Descriptors whose length differs between files, that some file lacks, or that are not finite
    in some file are left out, as Gaia does. A file that lacks a quarter of what the others have
    is left out instead. A text is numbered in the order in which its values appear.

    Parameters
    ----------
    paths
        The files.
    like
        Return the columns of this table; files that lack one are left out.
    progress
        Called with the number of files read and the total.

    Raises
    ------
    PypluginError
        More than a quarter of the files cannot be used, or they have no descriptor in common.
    """
    files: list[ExtractorFile | None] = []
    skipped: list[str] = []
    for number, path in enumerate(paths, 1):
        try:
            files.append(read_descriptors(path))
        except PypluginError as error:
            skipped.append(str(error))
            files.append(None)
        if progress is not None:
            progress(number, len(paths))
    _check_share(len(paths), skipped)
    if like is not None:
        return _like(like, paths, files, skipped)
    usual = _usual({index: file for index, file in enumerate(files) if file is not None})
    used: dict[int, ExtractorFile] = {}
    for index, file in enumerate(files):
        if file is None:
            continue
        lacking = [name for name in usual if not _usable(file.descriptors.get(name))]
        if len(lacking) > (1 - _LEAST_SHARE) * len(usual):
            skipped.append(
                f"{paths[index]} ({file.version}) lacks {len(lacking)} of the {len(usual)} usual "
                f"descriptors, for example {lacking[0]}; run the extractor again."
            )
        else:
            used[index] = file
    _check_share(len(paths), skipped)
    return _table(used, paths, skipped)


def vector_of(
    file: ExtractorFile, sizes: Mapping[str, int], texts: Mapping[str, Sequence[str]], path: Path
) -> tuple[Float64, list[str]]:
    """Return the values of some descriptors, and the texts that are not among those known.

    Parameters
    ----------
    file
        The descriptors.
    sizes, texts
        As in `DescriptorTable`. A text that is not known gets the number after the last one.
    path
        Of the file, for messages.

    Returns
    -------
    vector : numpy.ndarray
        (D,) float64, exactly representable as float32.
    unknown : list of str
        Names of descriptors with a text that is not known.

    Raises
    ------
    PypluginError
        A descriptor is missing, of another kind or length, or not finite.
    """
    values: list[float] = []
    unknown: list[str] = []
    wrong: list[str] = []
    for name, size in sizes.items():
        value = file.descriptors.get(name)
        if name in texts:
            if isinstance(value, str):
                known = list(texts[name])
                if value not in known:
                    unknown.append(name)
                values.append(float(known.index(value) if value in known else len(known)))
            else:
                wrong.append(name)
        elif isinstance(value, tuple) and len(value) == size and _usable(value):
            values.extend(value)
        else:
            wrong.append(name)
    if wrong:
        raise PypluginError(
            f"{path} ({file.version}) has no usable value of {_named(wrong)}; it must be made by "
            "the same version of the extractor as the files that were trained on."
        )
    return np.asarray(values, np.float32).astype(np.float64), unknown


def _parsed(path: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise PypluginError(
            f"{path} is not a file of Essentia's extractor: expected {', '.join(SUFFIXES[:-1])} "
            f"or {SUFFIXES[-1]}."
        )
    try:
        if path.stat().st_size > _LARGEST:
            raise PypluginError(f"{path} is larger than {_LARGEST >> 20} MB; it is damaged.")
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise PypluginError(f"{path} cannot be read: {sentence(error)}.") from error
    try:
        if suffix == ".json":
            return parse_json(_NONFINITE.sub("NaN", text))
        return parse_yaml(text, f"Reading {path.name}")
    except DocumentError as error:
        raise PypluginError(f"{path} cannot be parsed: {error}.") from error


def _collect(node: Mapping[Any, Any], name: str, found: dict[str, Value]) -> None:
    """Add all descriptors below a node of the document."""
    for key, value in node.items():
        below = f"{name}.{key}"
        if isinstance(value, Mapping):
            _collect(value, below, found)
        elif (one := _value(value)) is not None:
            found[below] = one


def _value(value: Any) -> Value | None:
    if isinstance(value, list):
        numbers: list[float] = []
        for each in value:
            part = _value(each)
            if not isinstance(part, tuple):
                return None  # a list of texts, as chords_progression in older versions
            numbers += part
        return tuple(numbers)
    if isinstance(value, bool):
        return (float(value),)
    try:
        return (float(value),)  # YAML 1.1 has texts for 1e-05 and nan
    except OverflowError:
        return (math.inf,)
    except (TypeError, ValueError):
        return value if isinstance(value, str) else None


def _version_of(metadata: Any) -> str:
    version = metadata.get("version") if isinstance(metadata, Mapping) else None
    if not isinstance(version, Mapping):
        return "unknown"
    names = {"extractor": "", "essentia": "Essentia "}
    parts = [f"{before}{version[key]}" for key, before in names.items() if version.get(key)]
    return ", ".join(parts) or "unknown"


def _group_of(metadata: Any) -> str:
    tags = metadata.get("tags") if isinstance(metadata, Mapping) else None
    if not isinstance(tags, Mapping):
        return ""
    for key in ("artist", "album"):
        value = tags.get(key)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, str) and first.strip():
            return f"{key}: {first.strip()}"
    return ""


def _usable(value: Value | None) -> bool:
    if value is None or isinstance(value, str):
        return value is not None
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.asarray(value, np.float32)).all())


def _usual(files: Mapping[int, ExtractorFile]) -> list[str]:
    """Return the descriptors that most files have."""
    counts = Counter(name for file in files.values() for name in file.descriptors)
    return sorted(name for name, count in counts.items() if 2 * count > len(files))


def _check_share(count: int, skipped: list[str]) -> None:
    if len(skipped) > UNREADABLE_LIMIT * count:
        raise PypluginError(
            f"{len(skipped)} of {count} files cannot be used, too many to continue; the first: "
            f"{skipped[0]}"
        )


def _table(
    files: Mapping[int, ExtractorFile], paths: Sequence[Path], skipped: list[str]
) -> DescriptorTable:
    notes: list[str] = []
    sizes: dict[str, int] = {}
    texts: dict[str, dict[str, int]] = {}
    lacking: list[str] = []
    for name in sorted({name for file in files.values() for name in file.descriptors}):
        values = [file.descriptors.get(name) for file in files.values()]
        if not all(_usable(value) for value in values):
            lacking.append(name)
        elif all(isinstance(value, str) for value in values):
            sizes[name] = 1
            texts[name] = {str(value): 0 for value in values}
        elif any(isinstance(value, str) for value in values):
            lacking.append(name)
        else:
            (size, *other) = {len(value) for value in values if value is not None}
            if not other and size > 0:  # else its length varies, as that of beats_position
                sizes[name] = size
    if lacking:
        notes.append(
            f"{len(lacking)} descriptors are missing or non-finite in some files and not used: "
            f"{_named(lacking)}."
        )
    versions = sorted({file.version for file in files.values()})
    if len(versions) > 1:
        notes.append(
            f"The files are of {len(versions)} versions of the extractor: {'; '.join(versions)}. "
            "Their descriptors may differ in value, so a head may learn the version."
        )
    if not any(name not in texts for name in sizes):
        raise PypluginError(
            f"The {len(files)} files have no descriptor in common ({'; '.join(versions)}); make "
            "them by one version of the extractor."
        )
    known = {name: tuple(values) for name, values in texts.items()}
    rows = [vector_of(file, sizes, known, paths[index])[0] for index, file in files.items()]
    return DescriptorTable(np.array(rows), [*files], sizes, known, versions, notes, skipped)


def _like(
    like: DescriptorTable,
    paths: Sequence[Path],
    files: Sequence[ExtractorFile | None],
    skipped: list[str],
) -> DescriptorTable:
    rows: list[Float64] = []
    used: list[int] = []
    for index, file in enumerate(files):
        if file is None:
            continue
        try:
            rows.append(vector_of(file, like.sizes, like.texts, paths[index])[0])
            used.append(index)
        except PypluginError as error:
            skipped.append(str(error))
    _check_share(len(paths), skipped)
    versions = sorted({file.version for file in files if file is not None})
    notes = []
    if versions != like.versions:
        notes.append(
            f"The external set is of another version of the extractor ({'; '.join(versions)}) "
            f"than the training set ({'; '.join(like.versions)})."
        )
    return DescriptorTable(np.array(rows), used, like.sizes, like.texts, versions, notes, skipped)


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
