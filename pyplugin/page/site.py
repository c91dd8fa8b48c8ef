"""The files of the page, its menu of models, and a folder with all of it for any web host."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pyplugin.daw.container import encode
from pyplugin.errors import ModelError, PypluginError
from pyplugin.models import heads as heads_module
from pyplugin.models import registry
from pyplugin.models.heads import Head
from pyplugin.models.registry import Model
from pyplugin.support.files import write_file
from pyplugin.support.shipped import shipped
from pyplugin.web import access

STATIC = Path(__file__).parent / "static"

POLICY = (
    f"{access.POLICY}; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:; "
    "media-src 'self' blob:"
)
"""What the page may load, a Content-Security-Policy: WebAssembly, pictures and songs of its own."""

MOST_MB = 200


@dataclass(frozen=True)
class Choice:
    """A model of the menu, alone or with a head.

    Attributes
    ----------
    id : str
        ``"scene"``; ``"head.voice"``.
    name : str
        For people.
    model, head
        What it is.
    """

    id: str
    name: str
    model: Model
    head: Head | None = None

    @cached_property
    def container(self) -> bytes | None:
        """The ``.tagnode`` file; None for what the WebAssembly cannot run."""
        heads = [] if self.head is None else [self.head]
        try:
            return encode(self.model.card, self.model.data, heads, groups=False)
        except ModelError:
            return None

    @property
    def entry(self) -> dict[str, Any]:
        """Its part of ``site.json``."""
        card, data = self.model.card, self.container
        entry: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "description": card.description,
            "hop": card.default_hop,
        }
        if data is not None:
            entry["file"] = f"models/{self.id}.tagnode"
            entry["sha256"] = hashlib.sha256(data).hexdigest()
        return entry


def choices() -> list[Choice]:
    """Return all models and heads of this machine that have labels; scene is first."""
    found = [Choice(model.card.name, model.card.name, model) for model in _models()]
    by_name = {choice.model.card.name: choice.model for choice in found}
    for name in heads_module.available():
        try:
            head = heads_module.load(name)
        except ModelError:
            continue
        model = by_name.get(head.model)
        if model is not None:
            found.append(Choice(f"head.{name}", f"{name} ({head.model})", model, head))
    labelled = [each for each in found if each.model.card.labels or each.head is not None]
    return sorted(labelled, key=lambda each: (each.id != "scene", each.id))


def _models() -> Iterator[Model]:
    for status in registry.available():
        if status.built:
            try:
                model = registry.load(status.name)
            except ModelError:
                continue
            if model.card.outputs[0].purpose != "masks":
                yield model


def about(
    menu: Sequence[Choice], songs: Sequence[Path], *, server: bool, most_mb: int = MOST_MB
) -> dict[str, Any]:
    """Return ``site.json``: what the page asks first.

    Parameters
    ----------
    menu
        The models.
    songs
        Recordings that the page offers.
    server
        Whether a server can analyse what the page cannot.
    most_mb
        Megabytes of the largest recording.
    """
    wasm = (shipped("browser") / "core.js").is_file()
    entries = [choice.entry for choice in menu]
    if not server:
        entries = [entry for entry in entries if "file" in entry]
    return {
        "server": server,
        "wasm": wasm,
        "mostBytes": most_mb * 1_000_000,
        "models": entries,
        "songs": [{"name": song.name, "file": f"songs/{i}"} for i, song in enumerate(songs)],
    }


def export(folder: Path, menu: Sequence[Choice], songs: Sequence[Path] = ()) -> list[str]:
    """Write the page as static files, and return the names of the models that it has.

    Parameters
    ----------
    folder
        Where to; it may exist.
    menu
        Those that the WebAssembly cannot run are left out.
    songs
        Recordings to copy.

    Raises
    ------
    PypluginError
        The WebAssembly has not been built, or a file cannot be written.
    """
    if not (shipped("browser") / "core.js").is_file():
        raise PypluginError(
            "This installation lacks the WebAssembly, which computes in static pages; "
            "'make web' in a checkout builds it."
        )
    site = about(menu, songs, server=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(STATIC, folder, dirs_exist_ok=True)
        shutil.copytree(shipped("browser"), folder / "tagnode", dirs_exist_ok=True)
        for name in ("models", *(["songs"] if songs else [])):
            (folder / name).mkdir(exist_ok=True)
        for number, song in enumerate(songs):
            shutil.copyfile(song, folder / "songs" / str(number))
    except OSError as error:
        raise PypluginError(f"'{folder}' cannot be written: {error}.") from error
    page = (STATIC / "index.html").read_text("utf-8")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    write_file(folder / "index.html", page.replace("<head>", f"<head>\n  {policy}", 1).encode())
    for choice in menu:
        if choice.container is not None:
            write_file(folder / "models" / f"{choice.id}.tagnode", choice.container)
    write_file(folder / "site.json", json.dumps(site, indent=1).encode() + b"\n")
    return [entry["name"] for entry in site["models"]]
