"""The part of the documentation site that is not under docs/; mkdocs.yml names this file.

``on_files`` adds pages from other folders (README.md is the first page), pictures that commands
draw, and the notebooks, executed. ``on_page_markdown`` replaces ``<!-- generate: NAME -->`` by what
the code knows, and makes links between files of the repository links between pages of the site.
Pages are therefore readable in the repository too.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import c_reference
import command_line
import formats
import links
import listings
import notebooks
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
GENERATED = {
    "c": c_reference.page,
    "head-file": c_reference.head_file,
    "command-line": command_line.page,
    "card": formats.card,
    "preset": formats.preset,
    "json-line": formats.json_line,
    "osc": formats.osc,
    "midi": formats.midi,
    "pictures": listings.pictures,
    "examples": listings.examples,
    "preset-files": listings.presets,
    "licence": listings.licence,
    "plugin-folders": listings.plugin_folders,
}
"""What a page can ask for by its name."""

_MARK = re.compile(r"^<!-- generate: ([\w-]+) -->$", re.MULTILINE)
_TITLED_FENCE = re.compile(r"^(```+\w+) (\S+)$", re.MULTILINE)

_executed = cache(notebooks.execute)
_drawn = cache(listings.draw)


def on_config(config: Any) -> Any:
    """Give headings the anchors that they have in the repository."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = links.anchor
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages from outside of docs/, and the notebooks with what they print and draw."""
    for path, uri in links.PAGES.items():
        content = (ROOT / path).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=content))
    for path, uri in links.FILES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    for name, content in _drawn().items():
        files.append(File.generated(config, name, content=content))
    sources = sorted(file.src_uri for file in files if file.src_uri.endswith(".ipynb"))
    with ThreadPoolExecutor() as pool:
        executed = list(pool.map(lambda uri: _run(ROOT / "docs" / uri), sources))
    for source, notebook in zip(sources, executed, strict=True):
        markdown, pictures = notebooks.page(notebook, Path(source).stem)
        uri = source.removesuffix(".ipynb") + ".md"
        files.append(File.generated(config, uri, content=markdown))
        for name, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def _run(path: Path) -> Any:
    try:
        return _executed(path, path.stat().st_mtime_ns)
    except notebooks.NotebookError as error:
        raise PluginError(f"{path.name}: {error}") from error


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Fill in what is generated, and make the links those of the site."""
    del config, files
    markdown = _MARK.sub(lambda mark: GENERATED[mark[1]](), markdown)
    markdown = _TITLED_FENCE.sub(r'\1 title="\2"', markdown)
    return links.of_site(markdown, page.file.src_uri)
