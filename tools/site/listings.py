"""Pages that show files of the repository: examples, presets, the licence."""

from __future__ import annotations

import ast
from pathlib import Path

from pyplugin.automation.presets import read_preset

__all__ = ["examples", "licence", "presets"]

ROOT = Path(__file__).parents[2]


def examples() -> str:
    """Return every example: what it does, and its source."""
    parts = []
    for path in sorted((ROOT / "examples").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        about = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0]
        name = path.relative_to(ROOT / "examples").as_posix()
        parts += [f"## {name}", " ".join(about.split()), f"```python\n{source.rstrip()}\n```"]
    return "\n\n".join(parts)


def presets() -> str:
    """Return every preset in the package: what it is for, and the file."""
    parts = []
    for path in sorted((ROOT / "presets").glob("*.toml")):
        source = path.read_text(encoding="utf-8")
        about = read_preset(path).description
        parts += [f"## {path.name}", about, f"```toml\n{source.rstrip()}\n```"]
    return "\n\n".join(parts)


def licence() -> str:
    """Return the licence."""
    return (ROOT / "LICENSE").read_text(encoding="utf-8")
