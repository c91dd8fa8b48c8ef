"""The examples in the docstrings of pyplugin.models run."""

import doctest
import importlib
import pkgutil

import pytest

from pyplugin import models

MODULES = [each.name for each in pkgutil.walk_packages(models.__path__, "pyplugin.models.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [each for name in MODULES for each in finder.find(importlib.import_module(name))]
    assert sum(bool(each.examples) for each in found) >= 10
