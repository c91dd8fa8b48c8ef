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


def faults(text: str) -> list[str]:
    """Return what is wrong in the hints of a text."""
    found = []
    if re.search(r"pip install\s+(-\S+\s+)*['\"]?pyplugin", text):
        found.append("pyplugin is another project's name on PyPI")
    if re.search(r"pip install\s+(-\S+\s+)*tagnode\[", text):
        found.append("the brackets need quotes")
    for extra in re.findall(r"'tagnode\[([\w,-]+)\]'", text):
        if not set(extra.split(",")) <= {*EXTRAS, "nothing", "extra"}:
            found.append(f"there is no extra {extra}")
    return found


def test_hints():
    """``pip install 'tagnode[extra]'``, in every file."""
    found = {path.relative_to(ROOT): faults(path.read_text(encoding="utf-8")) for path in FILES}
    assert {path.as_posix(): wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("pip install 'tagnode[all]'", 0),
        ("pip install -U pyplugin", 1),
        ("pip install tagnode[all]", 1),
        ("pip install 'tagnode[everything]'", 1),
    ],
)
def test_wrong_hints_are_found(text, count):
    assert len(faults(text)) == count


def test_the_table_of_extras_is_that_of_the_package():
    text = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([\w-]+)` \|", text.partition("## First steps")[0], re.MULTILINE)
    for_developers = {"docs", "test", "oracle", "bench", "lint", "release"}
    assert set(table) == set(EXTRAS) - for_developers
    (everything,) = EXTRAS["all"]
    above = set(table[: table.index("all")])
    assert above == set(re.fullmatch(r"tagnode\[(.*)\]", everything)[1].split(","))
