"""Choi's taggers, from the weights in his repository: CRNN (ICASSP 2017), ConvNet (ISMIR 2016).

The files have weights only, of Keras 1 with Theano: kernels are flipped, and ``running_std`` is a
variance. The networks around them are written here.

The ConvNet normalised each batch by its own mean and variance in training, and never stored them:
those of its file are 0 and 1. What they are on music was measured by ``tools/choi_statistics.py``
and is in ``models/choi-cnn.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from pyplugin.errors import ModelError
from pyplugin.models.download import PublishedFile
from pyplugin.models.importers.importer import BuildRequest, Built, Needs, Summary, register
from pyplugin.models.importers.musicnn_wheel import MSD_LABELS
from pyplugin.support.arrays import Array
from pyplugin.support.documents import parse_json
from pyplugin.support.shipped import shipped

if TYPE_CHECKING:
    from pyplugin.models.graphs.keras import KerasNetwork

_ADDRESS = "https://raw.githubusercontent.com/keunwoochoi/music-auto_tagging-keras"
FILE = PublishedFile(
    f"{_ADDRESS}/a3e105d0c4c529c512cc197ad8770ff1cc52aa32/data/music_tagger_crnn_weights_theano.h5",
    "783d8198417fd5d6ceee551dea5ec3e7f0210ec743af4819172b5c943044081c",
    1_649_664,
)
CNN_FILE = PublishedFile(
    f"{_ADDRESS}/8518dacd0e27fcd09eeabcfd645d4314ca625a35/data/cnn_weights_theano.h5",
    "81ca5b24278ca7de74630d3f29483c2d63cef1e8f37934e1d6a0e439e912fb8b",
    3_523_792,
)
_LICENCE = "MIT"
_FRAMES, _BANDS, _PADDING = 1366, 96, 37
_POOLS = ((2, 2), (3, 3), (4, 4), (4, 4))
_CNN_POOLS = ((2, 4), (2, 4), (2, 4), (3, 5), (4, 4))
_EPSILON = 1e-3
_GATES = "zrh"  # Keras' order of a GRU's parts: update, reset, new


@register
class ChoiCrnn:
    """Builds the network in float: a GRU wants it."""

    def names(self) -> dict[str, Summary]:
        """Return the one model."""
        about = "50 tags of genres, eras and moods from 29 s, learnt from the Million Song Dataset."
        return {"choi-crnn": Summary(about, _LICENCE, MSD_LABELS)}

    def needs(self) -> Needs:
        """Return that the file is needed, which is fetched where it is not given."""
        return Needs(
            f"{FILE.name} of keunwoochoi/music-auto_tagging-keras ({_LICENCE} licence), which is "
            f"fetched once ({FILE.size / 1e6:.1f} MB) and checked against its hash",
            fetched=True,
        )

    def build(self, source: BuildRequest) -> Built:
        """Build the model.

        Raises
        ------
        ModelError
            The file cannot be had or is another one, or h5py is missing.
        """
        from pyplugin.models.adapting import network_model
        from pyplugin.models.graphs.keras import KerasNetwork, h5_arrays
        from pyplugin.models.import_options import ImportOptions

        groups, _ = h5_arrays(FILE.read(source.path, source.folder, source.report))
        network = KerasNetwork(_config(), _arrays(groups), version="1")
        options = ImportOptions(
            name="choi-crnn",
            front_end="choi",
            known_labels=MSD_LABELS,
            hop=_FRAMES * 256 / 12000 / 4,
            licence=_LICENCE,
        )
        card, data, _ = network_model(Path("choi-crnn.h5"), network, None, options)
        return Built(((data, card),))


@register
class ChoiCnn:
    """Builds the ConvNet in float, with statistics that were measured on music."""

    def names(self) -> dict[str, Summary]:
        """Return the one model."""
        about = (
            "50 tags from 29 s by Choi's ConvNet, whose batch norms have statistics measured on "
            "other music: plausible, not as published; prefer choi-crnn."
        )
        return {"choi-cnn": Summary(about, _LICENCE, MSD_LABELS)}

    def needs(self) -> Needs:
        """Return that the file is needed, which is fetched where it is not given."""
        return Needs(
            f"{CNN_FILE.name} of keunwoochoi/music-auto_tagging-keras, branch mode0 ({_LICENCE} "
            f"licence), which is fetched once ({CNN_FILE.size / 1e6:.1f} MB) and checked against "
            "its hash",
            fetched=True,
        )

    def build(self, source: BuildRequest) -> Built:
        """Build the model.

        Raises
        ------
        ModelError
            The file cannot be had or is another one, or h5py is missing.
        """
        from pyplugin.models.adapting import network_model
        from pyplugin.models.graphs.keras import h5_arrays
        from pyplugin.models.import_options import ImportOptions

        groups, _ = h5_arrays(CNN_FILE.read(source.path, source.folder, source.report))
        content = parse_json((shipped("models") / "choi-cnn.json").read_text(encoding="utf-8"))
        network = cnn(groups, content["norms"])
        options = ImportOptions(
            name="choi-cnn",
            front_end="choi",
            known_labels=MSD_LABELS,
            hop=_FRAMES * 256 / 12000 / 4,
            licence=_LICENCE,
        )
        card, data, _ = network_model(Path("choi-cnn.h5"), network, None, options)
        about = (
            "50 tags from 29 s by Choi's ConvNet. The published file lacks the statistics of its "
            f"batch norms; these were measured on {content['source']}, {content['patches']} "
            f"windows of {content['recordings']} recordings, so its tags are plausible, not those "
            "of the paper."
        )
        return Built(((data, structs.replace(card, description=about)),))


def cnn(
    groups: Mapping[str, Mapping[str, Array]], norms: Mapping[str, Mapping[str, Any]]
) -> KerasNetwork:
    """Return the ConvNet of a file.

    Parameters
    ----------
    groups
        Arrays by layer, as in the file.
    norms
        ``mean`` and ``variance`` of the batch norms by layer: ``bn1`` and so on.
    """
    from pyplugin.models.graphs.keras import KerasNetwork

    arrays = _arrays(groups)
    for name, each in norms.items():
        for key in ("mean", "variance"):
            arrays[name][f"moving_{key}"] = np.asarray(each[key], np.float32)
    return KerasNetwork(_cnn_config(), arrays, version="1")


def _input(padding: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the layers before the first convolution."""
    return [
        ("InputLayer", "mel", {"batch_input_shape": [None, _FRAMES, _BANDS]}),
        ("Permute", "turned", {"dims": [2, 1]}),
        ("Reshape", "image", {"target_shape": [_BANDS, _FRAMES, 1]}),
        ("ZeroPadding2D", "padded", {"padding": [0, padding]}),
        ("BatchNormalization", "bn_0_freq", {"axis": 2, "epsilon": _EPSILON}),
    ]


def _blocks(pools: Sequence[tuple[int, int]]) -> list[tuple[str, str, dict[str, Any]]]:
    layers: list[tuple[str, str, dict[str, Any]]] = []
    for number, pool in enumerate(pools, 1):
        layers += [
            ("Conv2D", f"conv{number}", {"strides": 1, "padding": "same"}),
            ("BatchNormalization", f"bn{number}", {"axis": 3, "epsilon": _EPSILON}),
            ("ELU", f"elu{number}", {}),
            ("MaxPooling2D", f"pool{number}", {"pool_size": pool, "padding": "valid"}),
        ]
    return layers


def _config() -> dict[str, Any]:
    """Return the CRNN as Keras would."""
    gates = {"units": 32, "recurrent_activation": "hard_sigmoid", "activation": "tanh"}
    layers = [
        *_input(_PADDING),
        *_blocks(_POOLS),
        ("Reshape", "steps", {"target_shape": [15, 128]}),
        ("GRU", "gru1", {**gates, "return_sequences": True}),
        ("GRU", "gru2", gates),
        ("Dense", "output", {"activation": "sigmoid"}),
    ]
    return _sequential(layers)


def _cnn_config() -> dict[str, Any]:
    """Return the ConvNet as Keras would."""
    layers = [
        *_input(0),
        *_blocks(_CNN_POOLS),
        ("Flatten", "flat", {}),
        ("Dense", "output", {"activation": "sigmoid"}),
    ]
    return _sequential(layers)


def _sequential(layers: Sequence[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    content = [
        {"class_name": kind, "config": {"name": name, **rest}} for kind, name, rest in layers
    ]
    return {"class_name": "Sequential", "config": content}


def _arrays(groups: Mapping[str, Mapping[str, Array]]) -> dict[str, dict[str, Array]]:
    """Name the arrays as Keras does today, in its order of axes."""
    found: dict[str, dict[str, Array]] = {}
    try:
        for layer, group in groups.items():
            part = {name.removeprefix(f"{layer}_"): array for name, array in group.items()}
            if "running_std" in part:
                norm = {"moving_mean": part["running_mean"], "moving_variance": part["running_std"]}
                found[layer] = {"gamma": part["gamma"], "beta": part["beta"], **norm}
            elif layer.startswith("conv"):
                kernel = part["W"][:, :, ::-1, ::-1].transpose(2, 3, 1, 0)
                found[layer] = {"kernel": kernel, "bias": part["b"]}
            elif layer.startswith("gru"):
                joined = {
                    name: np.concatenate([part[f"{letter}_{gate}"] for gate in _GATES], axis=-1)
                    for name, letter in (("kernel", "W"), ("recurrent_kernel", "U"), ("bias", "b"))
                }
                found[layer] = joined
            elif "W" in part:
                found[layer] = {"kernel": part["W"], "bias": part["b"]}
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"The file lacks an array of the network ({error}).") from error
    return found
