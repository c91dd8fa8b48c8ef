"""Pages that show files of the repository: examples, presets, the licence."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

from pyplugin.automation.presets import read_preset
from pyplugin.daw import installation

__all__ = ["draw", "examples", "licence", "pictures", "plugin_folders", "presets"]

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo" / "demo.ogg"

PICTURES = {
    "tags.png": (
        "Tags of a recording",
        "tag demo.ogg --hop 0.25 --plot tags.png",
        "The strongest tags under the mel spectrogram, each drawn around the middle of its window.",
    ),
    "moved.png": (
        "A preset",
        "render demo.ogg out.wav --preset open-with-drums --plot moved.png",
        "The same with the parameters that a preset automated.",
    ),
    "embeddings.png": (
        "Embeddings",
        "embed demo.ogg --hop 0.25 --out demo.npy --plot embeddings.png",
        "What a head receives: 64 numbers for each window, each scaled to its own range.",
    ),
}
"""Title, command and meaning of each picture that is drawn for the site."""


def draw() -> dict[str, bytes]:
    """Run the commands of the gallery on the demo recording; return their pictures."""
    drawn = {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / DEMO.name).write_bytes(DEMO.read_bytes())
        for name, (_, command, _) in PICTURES.items():
            words = [sys.executable, "-m", "pyplugin", *command.split()]
            subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            drawn[name] = (Path(folder) / name).read_bytes()
    return drawn


def pictures() -> str:
    """Return the sections of those pictures."""
    parts = []
    for name, (title, command, meaning) in PICTURES.items():
        parts += [f"## {title}", f"`tagnode {command}`", meaning, f"![{title}]({name})"]
    return "\n\n".join(parts)


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


def plugin_folders() -> str:
    """Return the folders of plugins of each platform, as the installers use them."""
    rows = ["| | for you | for all users |", "|---|---|---|"]
    for title, system in (("Linux", "linux"), ("macOS", "darwin"), ("Windows", "win32")):
        for form in installation.formats_of(system, "x86_64").values():
            rows.append(f"| {title}, {form.name} | `{form.user}` | `{form.system}` |")
    return "\n".join(rows)


def licence() -> str:
    """Return the licence."""
    return (ROOT / "LICENSE").read_text(encoding="utf-8")
