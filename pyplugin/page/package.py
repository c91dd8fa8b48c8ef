"""The package for web pages: the modules of ``native/browser``, the WebAssembly and models.

Run as: ``python -m pyplugin.page.package SOURCES SIMD PORTABLE FOLDER``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from pyplugin._native import VERSION
from pyplugin.daw.container import encode
from pyplugin.models import registry
from pyplugin.models.registry import Model
from pyplugin.support.files import write_file

WASM = "tagnode.wasm"
PORTABLE_WASM = "tagnode-portable.wasm"
MODELS = "models"
MANIFEST = "models.json"


def write_models(folder: Path, models: Iterable[Model]) -> None:
    """Write models as ``.tagnode`` files, and ``models.json`` with their hashes.

    Parameters
    ----------
    folder
        Where to; it is made.
    models
        Int8 models with labels.

    Raises
    ------
    ModelError
        A model that a container cannot hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for model in models:
        name, data = model.card.name, encode(model.card, model.data)
        write_file(folder / f"{name}.tagnode", data)
        entries.append(
            {
                "name": name,
                "file": f"{name}.tagnode",
                "sha256": hashlib.sha256(data).hexdigest(),
                "bytes": len(data),
            }
        )
    write_file(folder / MANIFEST, json.dumps(entries, indent=1).encode() + b"\n")


def write_package(sources: Path, simd: Path, portable: Path, folder: Path) -> None:
    """Write the package.

    Parameters
    ----------
    sources
        ``native/browser``.
    simd, portable
        The two builds of ``tagnode.wasm``.
    folder
        Where to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*sources.glob("*.js"), *sources.glob("*.md"), *sources.glob("types/*.d.ts")]:
        copy = folder / path.relative_to(sources)
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, copy)
    shutil.copyfile(simd, folder / WASM)
    shutil.copyfile(portable, folder / PORTABLE_WASM)
    about = {**json.loads((sources / "package.json").read_text("utf-8")), "version": VERSION}
    write_file(folder / "package.json", json.dumps(about, indent=2).encode() + b"\n")
    write_models(folder / MODELS, [registry.load("scene")])


def _main() -> None:
    parser = argparse.ArgumentParser(description="Write the package for web pages.")
    for name in ("sources", "simd", "portable", "folder"):
        parser.add_argument(name, type=Path)
    write_package(**vars(parser.parse_args()))


if __name__ == "__main__":
    _main()
