"""The examples in docstrings run."""

import doctest
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pyplugin"
MODULES = [
    ".".join(("pyplugin", *path.relative_to(PACKAGE).with_suffix("").parts))
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = pytest.importorskip(name.removesuffix(".__init__"), exc_type=ModuleNotFoundError)
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
