"""Links between files of the repository as links between pages of the site."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

__all__ = ["FILES", "PAGES", "anchor", "of_site"]

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "RELEASE.md": "release.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
    "models/README.md": "models/index.md",
    "models/scene.md": "models/scene.md",
}
"""Pages of the site by the files outside of docs/ that they are made of."""

FILES = {
    "CITATION.cff": "CITATION.cff",
    "models/card.schema.json": "reference/card.schema.json",
    "presets/preset.schema.json": "reference/preset.schema.json",
}
"""Files that the site carries as they are."""

_PARTS = {
    "LICENSE": ("licence.md", ""),
    "native/include/tagnode.h": ("reference/c.md", ""),
    "examples": ("examples.md", ""),
    "presets": ("reference/preset-files.md", ""),
}
_SOURCES = {uri: path for path, uri in PAGES.items()}

_CODE = r"^(?P<fence>```+).*?^(?P=fence)\s*?$|(?P<tick>`+)[^`\n].*?(?P=tick)"
_LINK = (
    r"(?P<picture>!?)\[(?P<text>(?:[^\[\]]|!?\[[^\[\]]*\](?:\([^)]*\))?)*)\]\((?P<target>[^)\s]+)\)"
)
_EITHER = re.compile(f"{_LINK}|{_CODE}", re.MULTILINE | re.DOTALL)


def anchor(heading: str, separator: str = "-") -> str:
    """Return the anchor of a heading as code hosts make it.

    Examples
    --------
    >>> anchor("Where do I find …?")
    'where-do-i-find-'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def of_site(markdown: str, uri: str) -> str:
    """Return a page with its links made those of the site.

    A link to a file that the site does not have becomes its text.

    Parameters
    ----------
    markdown
        The page, with links relative to its place in the repository.
    uri
        Its place in the site.

    Examples
    --------
    >>> of_site("[a](docs/plugin.md#a-slot), [b](Makefile)", "index.md")
    '[a](plugin.md#a-slot), b'
    """
    here = _SOURCES.get(uri, f"docs/{uri}")

    def replaced(match: re.Match[str]) -> str:
        target = match["target"]
        if target is None or re.match(r"[a-z][a-z0-9+.-]*:|#", target):
            return match[0]
        text = _EITHER.sub(replaced, match["text"])
        path, _, section = unquote(target).partition("#")
        found, part = _place(posixpath.normpath(posixpath.join(posixpath.dirname(here), path)))
        if found is None:
            return text
        place = posixpath.relpath(found, posixpath.dirname(uri) or ".")
        section = section or part
        return f"{match['picture']}[{text}]({place}{'#' * bool(section)}{section})"

    return _EITHER.sub(replaced, markdown)


def _place(path: str) -> tuple[str | None, str]:
    """Return where the site has a file of the repository: page and anchor."""
    if path in _PARTS:
        return _PARTS[path]
    known = PAGES.get(path) or FILES.get(path)
    if known is not None:
        return known, ""
    folder, _, rest = path.partition("/")
    if folder == "docs":
        return re.sub(r"\.ipynb$", ".md", rest), ""
    if folder in ("examples", "presets") and rest.endswith((".py", ".toml")):
        return _PARTS[folder][0], anchor(rest)
    return None, ""
