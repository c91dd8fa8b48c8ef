"""VGGish, AudioSet's embedding, from the checkpoint that its authors publish.

The file has variables only; the network around them is that of vggish_slim.py (tensorflow/models,
research/audioset/vggish).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyplugin.errors import ModelError
from pyplugin.models.checkpoint import read_checkpoint, read_single_checkpoint
from pyplugin.models.folders import MOST_MODEL_BYTES, read_file
from pyplugin.models.importers.importer import BuildRequest, Built, Needs, Summary, register
from pyplugin.support.arrays import Array, Float32

_LICENCE = "Apache-2.0"
_ADDRESS = "https://storage.googleapis.com/audioset/vggish_model.ckpt"
_BLOCKS = (
    ("conv1",),
    ("conv2",),
    ("conv3/conv3_1", "conv3/conv3_2"),
    ("conv4/conv4_1", "conv4/conv4_2"),
)
_DENSE = ("fc1/fc1_1", "fc1/fc1_2", "fc2")


@register
class Vggish:
    """Builds the network in float, with its embedding as the only output."""

    def names(self) -> dict[str, Summary]:
        """Return the one model."""
        about = "An embedding of 128 numbers for each 0.96 s, without labels: AudioSet's VGGish."
        return {"vggish": Summary(about, _LICENCE)}

    def needs(self) -> Needs:
        """Return that the checkpoint is needed."""
        return Needs(
            f"vggish_model.ckpt of tensorflow/models ({_LICENCE}, 289 MB): {_ADDRESS}",
            fetched=False,
        )

    def build(self, source: BuildRequest) -> Built:
        """Build the model.

        Raises
        ------
        ModelError
            The file is missing, damaged, or has other variables.
        """
        from pyplugin.models.adapting import network_model
        from pyplugin.models.graphs.keras import KerasNetwork
        from pyplugin.models.import_options import ImportOptions

        assert source.path is not None  # the registry refuses a request without it
        source.report(f"{source.name}: reading {source.path}")
        network = KerasNetwork(_config(), _arrays(_variables(source.path)))
        options = ImportOptions(name="vggish", licence=_LICENCE)
        card, data, _ = network_model(source.path, network, None, options)
        return Built(((data, card),))


def _variables(path: Path) -> dict[str, Float32]:
    """Read a checkpoint: a single file, or an ``.index`` with its data beside it."""
    data = read_file(path, "checkpoint", MOST_MODEL_BYTES)
    if path.suffix != ".index":
        return read_single_checkpoint(data, wanted=_is_wanted)
    beside = path.with_suffix(".data-00000-of-00001")
    return read_checkpoint(
        data, read_file(beside, "checkpoint", MOST_MODEL_BYTES), wanted=_is_wanted
    )


def _is_wanted(name: str) -> bool:
    return name.startswith("vggish/") and name.endswith(("/weights", "/biases"))


def _config() -> dict[str, Any]:
    """Return the network as Keras would."""
    layers: list[tuple[str, str, dict[str, Any]]] = [
        ("InputLayer", "mel", {"batch_input_shape": [None, 96, 64]}),
        ("Reshape", "image", {"target_shape": [96, 64, 1]}),
    ]
    for number, block in enumerate(_BLOCKS, 1):
        same = {"strides": 1, "padding": "same", "activation": "relu"}
        layers += [("Conv2D", name, same) for name in block]
        layers.append(("MaxPooling2D", f"pool{number}", {"pool_size": 2, "padding": "same"}))
    layers.append(("Flatten", "flat", {}))
    layers += [("Dense", name, {"activation": "relu"}) for name in _DENSE[:-1]]
    layers.append(("Dense", _DENSE[-1], {}))
    content = [
        {"class_name": kind, "config": {"name": name, **rest}} for kind, name, rest in layers
    ]
    return {"class_name": "Sequential", "config": content}


def _arrays(variables: Mapping[str, Float32]) -> dict[str, dict[str, Array]]:
    """Name the variables as Keras does; check that they are those of VGGish."""
    sizes = {"conv1": (1, 64), "conv2": (64, 128)}
    sizes |= {"conv3/conv3_1": (128, 256), "conv3/conv3_2": (256, 256)}
    sizes |= {"conv4/conv4_1": (256, 512), "conv4/conv4_2": (512, 512)}
    shapes: dict[str, tuple[int, ...]] = {name: (3, 3, *size) for name, size in sizes.items()}
    shapes |= {"fc1/fc1_1": (12288, 4096), "fc1/fc1_2": (4096, 4096), "fc2": (4096, 128)}
    found: dict[str, dict[str, Array]] = {}
    for layer, shape in shapes.items():
        kernel = variables.get(f"vggish/{layer}/weights")
        bias = variables.get(f"vggish/{layer}/biases")
        if kernel is None or bias is None or kernel.shape != shape or bias.shape != shape[-1:]:
            have = "none" if kernel is None else str(list(kernel.shape))
            raise ModelError(
                f"The checkpoint is not VGGish's: its vggish/{layer} has {have}, expected "
                f"{list(shape)} with biases."
            )
        found[layer] = {"kernel": kernel, "bias": bias}
    return found
