"""The ``.tflite`` file of a network of classes, its card, and its output for clips."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pyplugin.models.card import CalibrationSource, Card, Dataset, OutputTensor
from pyplugin.models.layers import LayerWriter, Variables
from pyplugin.models.networks import Network
from pyplugin.models.quantisation import Calibration
from pyplugin.support.arrays import Float32, Float64
from pyplugin.training import export
from pyplugin.training.calibration import calibrate, measure_drift, run_patches
from pyplugin.training.classes.batches import Batches, spread_windows, targets_of
from pyplugin.training.classes.features import ClipFeatures
from pyplugin.training.classes.fit import Fitted, clip_means
from pyplugin.training.classes.networks import DeepsoundNetwork
from pyplugin.training.classes.settings import ClassesSettings

_PATCHES = 120
_DRIFT_CLIPS, _DRIFT_WINDOWS = 60, 2
_WINDOWS = 30  # of a clip to test on
_EMBEDDING = export.EMBEDDING


@dataclass(frozen=True, eq=False)
class Exported:
    """A quantised network.

    Attributes
    ----------
    data : bytes
        The ``.tflite`` file.
    card : Card
    """

    data: bytes
    card: Card


def build_deepsound(
    variables: Variables,
    *,
    patch: int,
    calibration: Calibration | None = None,
    description: str = "",
    exclusive: bool = True,
) -> bytes:
    """Return the network ``deepsound`` as a ``.tflite`` file for its receptive field.

    Its input is ``mel``, (1, 36, bands); its outputs are ``activations`` and ``logits``,
    (1, labels), and ``embedding``, (1, 256).

    Parameters
    ----------
    variables : mapping of str to ndarray
        Weights by their names in PyTorch.
    patch : int
        Mel frames.
    calibration : Calibration, optional
        Ranges for an int8 file; without it the file is float.
    description : str
        Description stored in the file.
    exclusive : bool
        Whether exactly one label holds.
    """
    layers = LayerWriter(calibration)
    count = sum(name.startswith("convolutions") for name in variables)
    x = layers.image(patch, variables["convolutions.0.weight"].shape[3])
    x, reads = layers.quantised(x), "image"
    for number in range(count):
        name = export.layer_name(number)
        block = export.folded(variables, number)
        x = layers.convolved(name, x, block, reads=reads, writes=name, padding="valid", pool=(2, 1))
        reads = name
    x = layers.released(x)
    embedding = layers.graph.reshape(_EMBEDDING, x, (1, x.shape[-1]))
    logits = layers.dense("logits", embedding, *export.dense_of(variables, "logits"))
    activations = export.activated(layers, logits, exclusive=exclusive)
    return layers.finish(activations, logits, embedding, description=description)


def network_of(
    fitted: Fitted, labels: Sequence[str], settings: ClassesSettings, name: str, description: str
) -> Network:
    """Return the description of a trained network that calibration and card need."""
    network = fitted.network
    if isinstance(network, DeepsoundNetwork):
        build: Any = partial(build_deepsound, exclusive=settings.exclusive)
        size, count, corrected = network.logits.in_features, len(network.convolutions), "logits"
    else:
        build = partial(export.build, settings=network.settings, exclusive=settings.exclusive)
        size, count = network.settings.embedding, len(network.settings.layers)
        corrected = "dense"
    op = "Softmax" if settings.exclusive else "Sigmoid"
    return Network(
        name=name,
        description=description,
        labels=tuple(labels),
        dataset=Dataset("", "", "", {}),
        outputs=(
            OutputTensor("activations", "float", (1, len(labels)), "predictions", op=op),
            OutputTensor("logits", "float", (1, len(labels)), "logits"),
            OutputTensor(_EMBEDDING, "float", (1, size), "embeddings"),
        ),
        embedding=_EMBEDDING,
        build=partial(build, description=description),
        activations=("image", *(export.layer_name(number) for number in range(count))),
        turnable=frozenset(),
        corrected=corrected,
        kind="multi-class classifier" if settings.exclusive else "auto-tagging",
        preset=settings.kind.preset,
    )


def export_network(
    fitted: Fitted,
    train: Sequence[ClipFeatures],
    validation: Sequence[ClipFeatures],
    labels: Sequence[str],
    settings: ClassesSettings,
    *,
    name: str,
    dataset: Dataset,
) -> Exported:
    """Quantise a network on windows of the clips that it learnt from, and write its card."""
    kind = settings.kind
    description = f"Trained on {dataset.name}: {', '.join(labels)}."
    source = network_of(fitted, labels, settings, name, description)
    variables = export.variables_of(fitted.network)
    patch = kind.patch if settings.architecture == "deepsound" else kind.frames
    batches = Batches(train, targets_of(train, labels), kind, patch)
    patches = batches.batch(_PATCHES, np.random.default_rng(settings.seed))[0]
    calibration = calibrate(source, variables, patches)
    data = source.build(variables, patch=patch, calibration=calibration)
    checked = np.concatenate(
        [spread_windows(c, patch, _DRIFT_WINDOWS) for c in validation[:_DRIFT_CLIPS]]
    )
    card = source.card(
        data,
        patch=patch,
        int8=True,
        name=name,
        description=description,
        dataset=dataset,
        default_hop=max(0.1, kind.step / kind.frame_rate),
        silence_before=settings.architecture == "own",
        calibration=CalibrationSource(
            "augmented windows of the training clips", len(train), len(patches)
        ),
        quantisation=measure_drift(source, variables, calibration, checked),
    )
    return Exported(data, card)


def clip_probabilities(exported: Exported, clips: Sequence[ClipFeatures]) -> Float64:
    """Return the mean activations of the int8 network over windows of each clip, (n, labels)."""
    if not clips:
        return np.zeros((0, len(exported.card.labels)))

    def activations(windows: Float32) -> Float32:
        return run_patches(exported.data, windows, ("activations",))["activations"]

    return clip_means(activations, clips, exported.card.patch_frames, _WINDOWS)
