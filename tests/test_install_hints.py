"""Every hint on how to install something names the distribution, and is quoted for any shell."""

import re
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).parents[1]
FILES = [
    path
    for folder in ("pyplugin", "tests", "benchmarks", "docs", "examples", "models", "native")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".md", ".sh", ".c", ".h", ".ipynb", ".toml")
    and path != Path(__file__)
]
FILES += [*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / ".ci" / "run", ROOT / "pyproject.toml"]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_hints(path):
    """``pip install 'tagnode[extra]'``: the name pyplugin is another project's on PyPI."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"pip install\s+(-\S+\s+)*['\"]?pyplugin", text)
    assert not re.search(r"pip install\s+(-\S+\s+)*tagnode\[", text), "the brackets need quotes"
    for extra in re.findall(r"'tagnode\[([\w,-]+)\]'", text):
        assert set(extra.split(",")) <= {*EXTRAS, "nothing", "extra"}, extra


def test_the_table_of_extras_is_that_of_the_package():
    text = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([\w-]+)` \|", text.partition("## First steps")[0], re.MULTILINE)
    for_developers = {"docs", "test", "oracle", "bench", "lint"}
    assert set(table) == set(EXTRAS) - for_developers
    (everything,) = EXTRAS["all"]
    above = set(table[: table.index("all")])
    assert above == set(re.fullmatch(r"tagnode\[(.*)\]", everything)[1].split(","))
