"""The protocol of importers, and the importers that there are.

An importer knows one family of models: their names, what it needs to build them, and how::

    @register
    class Tiny:
        def names(self): return {"tiny": Summary("Two bands of energy.", "MIT", ("low", "high"))}
        def needs(self): return Needs("nothing", fetched=True)
        def build(self, source): return Built(((data, card),))

:mod:`pyplugin.models.registry` finds the importer of a name here and writes what it builds.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

from pyplugin.errors import ModelError
from pyplugin.models import importers as package
from pyplugin.models.card import Card

_FLOAT = "-float"


@dataclass(frozen=True)
class Summary:
    """What is known of a model before it is built.

    Attributes
    ----------
    description : str
        A sentence.
    licence : str
        SPDX identifier of the weights' licence.
    labels : tuple of str
        As in the card; empty where they are known only once the source has been read.
    """

    description: str
    licence: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuildOption:
    """A whole number that changes what is built.

    Attributes
    ----------
    name : str
        A Python identifier: ``"patch"`` is ``get(..., patch=64)`` and ``--patch 64``.
    letter : str
        Stands for it in a model's name: ``"p"`` for ``musicnn-mtt-p64``.
    description : str
        A sentence for ``--help``, with the default.
    default, least, greatest : int
    """

    name: str
    letter: str
    description: str
    default: int
    least: int
    greatest: int


@dataclass(frozen=True)
class Needs:
    """What an importer needs to build its models.

    Attributes
    ----------
    description : str
        What the source is, with its licence and where it comes from; the end of the sentence
        "NAME needs ...", without its full stop.
    fetched : bool
        Whether the importer gets it by itself where no source is given.
    options : tuple of BuildOption
        Its build options.
    """

    description: str
    fetched: bool
    options: tuple[BuildOption, ...] = ()


@dataclass(frozen=True)
class BuildRequest:
    """One order to an importer.

    Attributes
    ----------
    name : str
        One of the importer's names.
    path : Path or None
        The file or folder that the user gave. It is untrusted: check it before use, and never
        execute anything in it.
    folder : Path
        Where downloads are kept; it need not exist yet.
    options : mapping of str to int
        A value for each option of the importer, within its range.
    report : callable
        Takes a line of progress.
    """

    name: str
    path: Path | None
    folder: Path
    options: Mapping[str, int]
    report: Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Built:
    """What an importer built.

    Attributes
    ----------
    models : tuple of (bytes, Card)
        ``.tflite`` files with their cards. A file is stored under its card's name.
    files : mapping of str to bytes
        Other files for the same folder, by name: the licence of the weights.
    """

    models: tuple[tuple[bytes, Card], ...]
    files: Mapping[str, bytes] = field(default_factory=dict)


class Importer(Protocol):
    """Builds the models of one family."""

    def names(self) -> Mapping[str, Summary]:
        """Return the models that can be built with the default options, by name."""

    def needs(self) -> Needs:
        """Return what `build` needs."""

    def build(self, source: BuildRequest) -> Built:
        """Build the model of that name, and those that come with it.

        Raises
        ------
        ModelError
            The source is missing, another one or damaged, or an option does not suit the model.
        """


@dataclass(frozen=True)
class Known:
    """A model's name, taken apart.

    Attributes
    ----------
    importer : Importer
    standard : str
        The same model with default options, one of the importer's names.
    options : dict of str to int
        The values in the name.
    """

    importer: Importer
    standard: str
    options: dict[str, int]

    @property
    def name(self) -> str:
        """The name under which the model is stored."""
        return model_name(self.standard, self.importer.needs().options, self.options)


_REGISTERED: list[Importer] = []

Class = TypeVar("Class", bound=type[Importer])


def register(importer: Class) -> Class:
    """Add an importer; a decorator for its class.

    Raises
    ------
    ModelError
        Another importer has one of its names.
    """
    made = importer()
    for other in _REGISTERED:
        for name in sorted(made.names().keys() & other.names().keys()):
            both = f"{importer.__name__} and {type(other).__name__}"
            raise ModelError(f"{both} both have a model {name!r}; rename one.")
    _REGISTERED.append(made)
    return importer


def importers() -> tuple[Importer, ...]:
    """Return all importers; the first call imports the modules of the folder."""
    _import_all()
    return tuple(_REGISTERED)


def names() -> dict[str, Summary]:
    """Return the models that can be built with default options, by name.

    Examples
    --------
    >>> list(names())[:2]
    ['musicnn-mtt', 'musicnn-mtt-float']
    >>> names()["musicnn-mtt"].licence
    'ISC'
    """
    return {name: summary for each in importers() for name, summary in each.names().items()}


def find(name: str) -> Known | None:
    """Return the importer of a model, and the options in the name; None where no importer has it.

    Examples
    --------
    >>> find("musicnn-mtt-p64-float").options
    {'patch': 64}
    >>> find("musicnn-mtt-p187").name
    'musicnn-mtt'
    >>> find("scene")
    """
    for each in importers():
        standard, options = name, {}
        known = each.names()
        for option in each.needs().options:
            pattern = rf"-{re.escape(option.letter)}([1-9][0-9]{{0,8}})(?=-|$)"
            found = re.search(pattern, standard) if standard not in known else None
            if found is not None:
                options[option.name] = int(found[1])
                standard = standard[: found.start()] + standard[found.end() :]
        if standard in known:
            return Known(each, standard, options)
    return None


def model_name(standard: str, known: tuple[BuildOption, ...], options: Mapping[str, int]) -> str:
    """Return the name of a model with options: what differs from the defaults is in it.

    Parameters
    ----------
    standard : str
        The name with default options; ``-float`` stays at its end.
    known : tuple of BuildOption
        In the order in which they are written.
    options : mapping of str to int
        By the name of the option; what is missing is the default.

    Examples
    --------
    >>> patch = BuildOption("patch", "p", "Frames.", default=187, least=16, greatest=4096)
    >>> model_name("musicnn-mtt-float", (patch,), {"patch": 64})
    'musicnn-mtt-p64-float'
    >>> model_name("musicnn-mtt", (patch,), {"patch": 187})
    'musicnn-mtt'
    """
    stem = standard.removesuffix(_FLOAT)
    end = standard[len(stem) :]
    for option in known:
        value = options.get(option.name, option.default)
        if value != option.default:
            stem += f"-{option.letter}{value}"
    return stem + end


@cache
def _import_all() -> None:
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
