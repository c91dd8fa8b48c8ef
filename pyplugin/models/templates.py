"""Starts of cards for files of other people: what can be read of a network is filled in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from pyplugin.models.adapting import described, graph_to, tflite_found
from pyplugin.models.frontends import PRESETS
from pyplugin.models.graphs.lowering import stages_of
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.importing import open_file
from pyplugin.models.recognition import Found, System, backbone_of, head_name, recognise
from pyplugin.models.tflite_file import TfliteFile
from pyplugin.support.spelling import alternatives


def card_template(path: str | Path, options: ImportOptions | None = None) -> str:
    """Return a start of a card for a network, to be filled in and given to the import.

    Parameters
    ----------
    path
        As for :func:`pyplugin.models.importing.import_file`.
    options
        `patch` and `output`, where the file needs them; `front_end`.

    Returns
    -------
    str
        JSON, with keys that begin with ``//`` as comments.

    Raises
    ------
    ModelError
        The file is damaged or of another kind, or has several outputs.
    """
    file, given = Path(path), options or ImportOptions()
    opened = open_file(file, given.patch)
    if isinstance(opened, TfliteFile):
        found, output = tflite_found(file, opened, None, given)
        head = False
    else:
        found, output = described(file, opened, None, given)
        head = (
            recognise(found) is None
            and given.front_end is None
            and stages_of(graph_to(file, opened, {"activations": output})) is not None
        )
    content = _head(file, found) if head else _model(file, found, output, given)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _common(path: Path, found: Found, system: System | None) -> dict[str, Any]:
    labels = list(system.labels) if system is not None else []
    return {
        "//": (
            f"Start of a card for {path.name}. Keys that begin with // are comments. Then: "
            f"tagnode models import {path.name} --card THIS-FILE"
        ),
        "// classes": f"{found.labels} labels, in the order of the network's values.",
        "classes": labels if len(labels) == found.labels else [],
        "// license": "SPDX identifier of the weights' licence, such as MIT or CC-BY-4.0.",
        "license": system.licence if system is not None and system.licence else "unknown",
        "description": f"{system.name if system is not None else 'A network'} from {path.name}.",
        "author": "unknown",
        "link": system.link if system is not None and system.link else "none",
    }


def _head(path: Path, found: Found) -> dict[str, Any]:
    """Return the start for a short network on another model's embedding."""
    place = backbone_of(path.stem, None)
    return {
        **_common(path, found, None),
        "name": head_name(path.stem),
        "// inference": (
            f"The model whose embedding of {found.sizes[-1]} values it takes; models without an "
            "Essentia name are given by --model and --embedding."
        ),
        "inference": {"embedding_model": {"model_name": place[0] if place else ""}},
    }


def _model(path: Path, found: Found, output: str, options: ImportOptions) -> dict[str, Any]:
    system = recognise(found)
    name = options.front_end or (system.front_end if system is not None else None)
    front_end = PRESETS.get(name or "", PRESETS["musicnn"])
    known = "as the network was trained" if name else "replace it: the network is not known here"
    frames = next((size for size in found.sizes if size != front_end.bands), front_end.bands)
    seconds = frames * front_end.hop / front_end.sample_rate
    return {
        **_common(path, found, system),
        "name": path.stem,
        **({} if options.patch is None else {"patch_frames": options.patch}),
        "type": system.type if system is not None else "auto-tagging",
        "// schema": "The layer of the predictions; 'tagnode models layers' lists all layers.",
        "schema": {"outputs": [{"name": output, "output_purpose": "predictions"}]},
        "// inference": (
            f"The mel spectrogram that it takes, {found.sizes}: {known}. --front-end replaces it "
            f"by {alternatives(sorted(PRESETS))}."
        ),
        "inference": msgspec.to_builtins(front_end),
        "// default_hop": "Seconds between two results.",
        "default_hop": round(system.hop if system is not None else seconds / 2, 4),
    }
