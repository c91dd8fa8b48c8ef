"""OpenL3's audio embeddings, from the files of weights that its authors publish.

A file has weights only; the network around them is that of openl3/models.py (marl/openl3). Keras
numbers the layers anew in every session, so they are taken in their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pyplugin.errors import ModelError
from pyplugin.models.folders import MOST_MODEL_BYTES, read_file
from pyplugin.models.importers.importer import BuildRequest, Built, Needs, Summary, register
from pyplugin.support.arrays import Array

_LICENCE = "CC-BY-4.0"
_ADDRESS = "https://github.com/marl/openl3/tree/models"
_FRAMES = 199
_FILTERS = (64, 64, 128, 128, 256, 256, 512, 512)
_LAST = "audio_embedding_layer"
_POOLS = {
    ("mel128", 6144): (4, 8),
    ("mel128", 512): (16, 24),
    ("mel256", 6144): (8, 8),
    ("mel256", 512): (32, 24),
}
_KINDS = {
    f"openl3-{content}-{bands}-emb{size}": (content, bands, size)
    for content in ("music", "env")
    for bands, size in _POOLS
}


@register
class OpenL3:
    """Builds the networks in float, with their embedding as the only output."""

    def names(self) -> dict[str, Summary]:
        """Return the models: by content, mel bands and size of the embedding."""
        about = "An embedding of {} numbers for each second of {}, without labels: OpenL3, {}."
        words = {"music": "music", "env": "environmental sounds"}
        return {
            name: Summary(about.format(size, words[content], bands), _LICENCE)
            for name, (content, bands, size) in _KINDS.items()
        }

    def needs(self) -> Needs:
        """Return that the file of weights is needed."""
        return Needs(
            "openl3_audio_BANDS_CONTENT-v0_4_0.h5 of marl/openl3, unpacked, or that of an earlier "
            f"version ({_LICENCE}, 19 MB): {_ADDRESS}",
            fetched=False,
        )

    def build(self, source: BuildRequest) -> Built:
        """Build one network.

        Raises
        ------
        ModelError
            The file is missing, damaged, of another network, or h5py is missing.
        """
        from pyplugin.models.adapting import network_model
        from pyplugin.models.graphs.keras import KerasNetwork, h5_arrays
        from pyplugin.models.import_options import ImportOptions

        assert source.path is not None  # the registry refuses a request without it
        _, bands, size = _KINDS[source.name]
        groups, _ = h5_arrays(read_file(source.path, "file of weights", MOST_MODEL_BYTES))
        network = KerasNetwork(_config(bands, size), _arrays(groups))
        # Files before version 0.4 have the layer of kapre 0.1 that made the spectrogram.
        older = any("spectrogram" in name for name in groups)
        options = ImportOptions(
            name=source.name,
            licence=_LICENCE,
            front_end=f"openl3-{bands}" if older else f"openl3-slaney-{bands}",
        )
        card, data, _ = network_model(source.path, network, None, options)
        return Built(((data, card),))


def _config(bands: str, size: int) -> dict[str, Any]:
    """Return the network as Keras would; frequency comes first."""
    count = int(bands.removeprefix("mel"))
    layers: list[tuple[str, str, dict[str, Any]]] = [
        ("InputLayer", "mel", {"batch_input_shape": [None, count, _FRAMES, 1]}),
        ("BatchNormalization", "norm0", {"axis": 3, "epsilon": 1e-3}),
    ]
    for number, filters in enumerate(_FILTERS, 1):
        layers.append(
            ("Conv2D", f"conv{number}", {"filters": filters, "strides": 1, "padding": "same"})
        )
        if number == len(_FILTERS):
            break
        layers += [
            ("BatchNormalization", f"norm{number}", {"axis": 3, "epsilon": 1e-3}),
            ("Activation", f"relu{number}", {"activation": "relu"}),
        ]
        if number % 2 == 0:
            pool = {"pool_size": 2, "strides": 2, "padding": "valid"}
            layers.append(("MaxPooling2D", f"pool{number}", pool))
    pool = {"pool_size": _POOLS[bands, size], "padding": "same"}
    layers += [("MaxPooling2D", "pool", pool), ("Flatten", "embedding", {})]
    content = [
        {"class_name": kind, "config": {"name": name, **rest}} for kind, name, rest in layers
    ]
    return {"class_name": "Sequential", "config": content}


def _arrays(groups: Mapping[str, Mapping[str, Array]]) -> dict[str, dict[str, Array]]:
    """Name the layers by their order; check that they are those of OpenL3."""
    norms = sorted((name for name in groups if "batch_normalization" in name), key=_number)
    convolutions = sorted((name for name in groups if name.startswith("conv2d")), key=_number)
    convolutions += [_LAST] if _LAST in groups else []
    depths = (1, *_FILTERS[:-1])
    if len(norms) != len(depths) or len(convolutions) != len(_FILTERS):
        raise ModelError(
            f"The file is not OpenL3's: it has {len(norms)} batch norms and {len(convolutions)} "
            f"convolutions, with {_LAST!r}; expected {len(depths)} and {len(_FILTERS)}."
        )
    found: dict[str, dict[str, Array]] = {}
    for number, (name, depth) in enumerate(zip(norms, depths, strict=True)):
        expected = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (depth,))
        found[f"norm{number}"] = _checked(name, groups[name], expected)
    for number, (name, filters) in enumerate(zip(convolutions, _FILTERS, strict=True), 1):
        kernel = (3, 3, depths[number - 1], filters)
        shapes = {"kernel": kernel, "bias": (filters,)}
        found[f"conv{number}"] = _checked(name, groups[name], shapes)
    return found


def _checked(
    name: str, arrays: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, Array]:
    for key, shape in shapes.items():
        have = arrays[key].shape if key in arrays else None
        if have != shape:
            raise ModelError(
                f"The file is not OpenL3's: {key} of its layer {name!r} has "
                f"{'no array' if have is None else list(have)}, expected {list(shape)}."
            )
    return {key: arrays[key] for key in shapes}


def _number(name: str) -> int:
    """Return the number at the end of a layer's name; the first has none.

    Examples
    --------
    >>> _number("conv2d_12"), _number("conv2d")
    (12, 0)
    """
    found = re.search(r"_(\d+)$", name)
    return int(found[1]) if found else 0
