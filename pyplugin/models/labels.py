"""The labels of an imported network: from the user, its importer, its card, or its system."""

import csv
from collections.abc import Sequence
from pathlib import Path

from pyplugin.errors import ModelError
from pyplugin.models.folders import read_file
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.recognition import System
from pyplugin.models.starts import Start
from pyplugin.support.spelling import slug

_LIMIT = 4 << 20


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the labels in a file: one a line, or the column ``display_name`` of a CSV.

    Raises
    ------
    ModelError
        It cannot be read or has no labels.
    """
    try:
        text = read_file(path, "file of labels", _LIMIT).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelError(f"{path} has no labels: it is not UTF-8 text.") from None
    lines = text.splitlines()
    if lines and "display_name" in lines[0].split(","):
        labels = [row["display_name"] for row in csv.DictReader(lines)]
    else:
        labels = [line.strip() for line in lines if line.strip()]
    if not labels or not all(labels):
        raise ModelError(f"{path} has no labels; one a line is expected.")
    return tuple(labels)


def labels_of(
    path: Path, count: int, start: Start | None, system: System | None, options: ImportOptions
) -> tuple[tuple[str, ...], list[str]]:
    """Return the labels of `count` values, and notes about them."""
    if options.known_labels:
        labels, where = options.known_labels, "the importer"
    elif options.labels is not None:
        labels, where = read_labels(options.labels), str(options.labels)
    elif start is not None and start.labels:
        labels, where = start.labels, "its card"
    elif system is not None and system.labels:
        labels, where = system.labels, system.name
    else:
        raise ModelError(
            f"{path} has {count} values, and nothing names them; give a file with {count} labels, "
            "one a line, by --labels, or a card with 'classes' by --card; or, if they are an "
            "embedding, a card whose output has the 'output_purpose' 'embeddings'."
        )
    if len(labels) != count:
        raise ModelError(
            f"{path} has {count} values, but {where} has {len(labels)} labels; give the right ones "
            "by --labels."
        )
    distinct, changed = _distinct(labels)
    if not changed:
        return distinct, []
    return distinct, [f"Labels of one spelling were made distinct: {', '.join(changed)}."]


def _distinct(labels: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the labels, those with the slug of an earlier one numbered; and these.

    Examples
    --------
    >>> _distinct(["Organ", "organ", "Flute"])
    (('Organ', 'organ 2', 'Flute'), ['organ 2'])
    """
    seen: set[str] = set()
    made, changed = [], []
    for label in labels:
        name, number = label, 1
        while (slug(name) or name) in seen:
            number += 1
            name = f"{label} {number}"
        if number > 1:
            changed.append(name)
        seen.add(slug(name) or name)
        made.append(name)
    return tuple(made), changed
