"""The menu of models, and the page as static files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from browsing import package
from helpers import DATA

from pyplugin.errors import PypluginError
from pyplugin.models import heads, registry
from pyplugin.models.heads import Dense, Head
from pyplugin.page import site
from pyplugin.page.site import Choice, choices, export

CLIP = DATA / "clips/speech.ogg"


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "own"))


@pytest.fixture
def lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout in which `make web` was not run."""
    monkeypatch.setattr(site, "shipped", lambda name: tmp_path / "none")


@pytest.mark.usefixtures("own_models")
def test_the_menu_has_models_and_heads() -> None:
    head = Head(
        name="calm",
        labels=("calm", "wild"),
        model="scene",
        output="activations",
        size=7,
        multi_label=False,
        stages=(Dense([[1.0] * 7, [0.5] * 7], [0.0, 0.0]),),
    )
    heads.save(head)
    assert [choice.id for choice in choices()] == ["scene", "head.calm"]
    alone, headed = choices()
    assert alone.container is not None
    assert headed.container is not None
    assert len(headed.container) > len(alone.container)
    assert headed.entry["name"] == "calm (scene)"
    assert alone.entry["sha256"] == hashlib.sha256(alone.container).hexdigest()


def test_an_export_is_all_that_the_page_needs(tmp_path: Path) -> None:
    package()
    menu = [Choice("scene", "scene", registry.load("scene"))]
    assert export(tmp_path / "site", menu, [CLIP]) == ["scene"]
    about = json.loads((tmp_path / "site/site.json").read_text())
    assert about["server"] is False
    assert about["wasm"] is True
    (entry,) = about["models"]
    model = (tmp_path / "site" / entry["file"]).read_bytes()
    assert hashlib.sha256(model).hexdigest() == entry["sha256"]
    assert (tmp_path / "site" / about["songs"][0]["file"]).read_bytes() == CLIP.read_bytes()
    assert "Content-Security-Policy" in (tmp_path / "site/index.html").read_text()
    for name in ("index.html", "main.js", "worker.js", "tagnode/core.js", "tagnode/tagnode.wasm"):
        assert (tmp_path / "site" / name).is_file()


@pytest.mark.usefixtures("lacking")
def test_without_the_webassembly_the_server_computes(tmp_path: Path) -> None:
    menu = [Choice("scene", "scene", registry.load("scene"))]
    assert site.about(menu, [], server=True)["wasm"] is False
    with pytest.raises(PypluginError, match="'make web' in a checkout builds it"):
        export(tmp_path / "site", menu)


def test_an_export_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    package()
    (tmp_path / "file").write_text("x")
    menu = [Choice("scene", "scene", registry.load("scene"))]
    with pytest.raises(PypluginError, match="cannot be written"):
        export(tmp_path / "file" / "site", menu)
