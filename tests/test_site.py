"""The documentation site builds without warnings, its links lead somewhere, and it fetches nothing.

Building runs the notebooks.
"""

import doctest
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import click
import msgspec
import pytest
from documents import NOTEBOOKS, ROOT, name_of
from sharing import folder_of_the_run, made_once
from test_public import PUBLIC

from pyplugin.automation.schema import preset_schema
from pyplugin.cli import cli
from pyplugin.models.card import Card

pytestmark = pytest.mark.slow

HEADER = ROOT / "native" / "include" / "tagnode.h"
LOADED = {  # attributes that a browser follows by itself
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
}


@dataclass
class Page(HTMLParser):
    """What a page has and refers to."""

    path: Path
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    styles: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.text = self.path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        self.styles += values.get("style", "")
        if tag in LOADED:
            self.loaded += [values[name] for name in LOADED[tag] if name in values]
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


@pytest.fixture
def tools(monkeypatch) -> Callable[[str], ModuleType]:
    """Import a module of tools/site."""
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "site"))
    return importlib.import_module


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
        environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "MPLBACKEND": ""}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once(folder_of_the_run(tmp_path_factory, "site"), build)


@pytest.fixture(scope="module")
def pages(site) -> dict[str, Page]:
    found = sorted(site.rglob("*.html"))
    return {path.relative_to(site).as_posix(): Page(path) for path in found}


def test_it_has_every_document(pages):
    documents = {name_of(path).removeprefix("docs/") for path in (ROOT / "docs").rglob("*.md")}
    documents |= {name_of(path).removeprefix("docs/") for path in NOTEBOOKS}
    expected = {re.sub(r"\.(md|ipynb)$", ".html", name) for name in documents}
    assert expected <= set(pages)
    assert {"index.html", "changelog.html", "security.html", "models/index.html"} <= set(pages)


def test_internal_links_lead_somewhere(site, pages):
    broken = []
    for name, page in pages.items():
        if name == "404.html":  # is shown at any address
            continue
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            there = target.relative_to(site).as_posix() if target.is_relative_to(site) else ""
            if not target.is_file():
                broken.append(f"{name}: {link}: no such file")
            elif parts.fragment and unquote(parts.fragment) not in pages[there].ids:
                broken.append(f"{name}: {link}: no such place")
    assert broken == []


def test_nothing_comes_from_another_host(site, pages):
    found = []
    for name, page in pages.items():
        urls = [*page.loaded, *re.findall(r"url\(([^)]*)\)", page.styles)]
        found += [f"{name}: {url}" for url in urls if re.match(r"\s*[\"']?(?:https?:)?//", url)]
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        urls = re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^)\"']*)", text)
        found += [f"{path.name}: {url}" for url in urls]
    assert found == []


def test_every_public_name_of_python_is_in_the_reference(pages):
    ids = pages["reference/python.html"].ids | pages["reference/sources.html"].ids
    missing = [name for name in PUBLIC if name not in ids]
    assert missing == []


def test_every_declaration_of_the_header_is_in_the_reference(pages):
    header = HEADER.read_text(encoding="utf-8")
    functions = re.findall(r"^TAGNODE_API [^;(]*?(\w+)\(", header, re.MULTILINE)
    types = re.findall(r"^\} (\w+);|^typedef (?:struct|enum) \w+ (\w+);", header, re.MULTILINE)
    names = [*functions, *(a or b for a, b in types)]
    assert len(names) > 100
    page = pages["reference/c.html"]
    assert [name for name in names if name not in page.ids] == []
    assert "TAGNODE_NONBLOCKING" not in page.text


def test_every_command_and_option_is_in_the_reference(pages):
    page = pages["reference/command-line.html"]
    missing = []

    def walk(command: click.Command, context: click.Context) -> None:
        anchor = context.command_path.replace(" ", "-")
        missing.extend([anchor] if anchor not in page.ids else [])
        for each in command.params:
            missing.extend(o for o in each.opts if o.startswith("--") and o not in page.text)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                walk(inner, click.Context(inner, parent=context, info_name=name))

    walk(cli, click.Context(cli, info_name="tagnode"))
    assert missing == []


def test_every_field_of_a_card_and_every_effect_is_in_the_reference(pages):
    _, components = msgspec.json.schema_components([Card])
    fields = {name for component in components.values() for name in component["properties"]}
    shown = pages["reference/card.html"].text
    assert [name for name in fields if f"<code>{name}</code>" not in shown] == []
    effects = preset_schema()["properties"]["effect"]["items"]["properties"]["type"]["enum"]
    shown = pages["reference/preset.html"].text
    assert [name for name in effects if f"<code>{name}</code>" not in shown] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_shown_with_what_they_draw(pages, site, notebook):
    page = pages[f"notebooks/{notebook.stem}.html"]
    pictures = [url for url in page.loaded if url.startswith(notebook.stem)]
    assert len(pictures) >= 5
    assert all((site / "notebooks" / url).stat().st_size > 5000 for url in pictures)
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert page.text.count("highlight") >= sum(cell["cell_type"] == "code" for cell in cells)
    assert f"{notebook.name}" in page.links


def test_marks_are_filled_in(pages):
    assert [name for name, page in pages.items() if "generate:" in page.text] == []


@pytest.mark.parametrize(
    ("code", "message"),
    [("1 / 0", "ZeroDivisionError"), ("import warnings; warnings.warn('odd')", "odd")],
)
def test_a_notebook_that_fails_or_warns_is_an_error(tools, tmp_path, code, message):
    import nbformat  # which imports jsonschema: a second, in every process

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbformat.write(notebook, tmp_path / "n.ipynb")
    with pytest.raises(tools("notebooks").NotebookError, match=message):
        tools("notebooks").execute(tmp_path / "n.ipynb")


def test_links_become_those_of_the_site(tools):
    links = tools("links")
    assert doctest.testmod(links).failed == 0
    text = "`[a](README.md)` [![b](demo.png)](../README.md#models) [c](../Makefile) [d](#here)"
    made = "`[a](README.md)` [![b](demo.png)](index.md#models) c [d](#here)"
    assert links.of_site(text, "plugin.md") == made
    assert links.of_site("[x](../../examples/own_effect.py)", "notebooks/a.md") == (
        "[x](../examples.md#own_effectpy)"
    )


def test_what_is_checked_would_be_found(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        '<a href="none.html">x</a><img src="//host/x.png"><h2 id="here">'
        '<p style="background: url(http://host/y.png)">',
        encoding="utf-8",
    )
    page = Page(path)
    assert (page.links, page.loaded, page.ids) == (["none.html"], ["//host/x.png"], {"here"})
    with pytest.raises(AssertionError, match=r"page: //host/x\.png"):
        test_nothing_comes_from_another_host(tmp_path, {"page": page})
    with pytest.raises(AssertionError, match=r"none\.html: no such file"):
        test_internal_links_lead_somewhere(tmp_path, {"page": page})
