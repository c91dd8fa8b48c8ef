"""Calibrate int8 models on audio, and measure the error of quantisation.

Run this after a change of a network or of its quantisation; users need not::

    python -m pyplugin.training.calibration --corpus FOLDER [--wheel FILE] [--network NAME ...]

The corpus is a folder with ``manifest.csv`` (columns path, seconds, category, group, split) and
``clips/clips.csv`` (column group). Recordings of the split ``train`` give ranges and corrections,
those of ``test`` the drift; recordings of a group that is in ``clips.csv`` are reserved for tests.
The result is written to ``models/calibration/NAME.json``, so that every machine builds the same
int8 model without any audio.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyplugin.errors import ModelError, PypluginError
from pyplugin.models import registry
from pyplugin.models.card import CalibrationSource, Drift
from pyplugin.models.folders import data_folder
from pyplugin.models.importers import musicnn, vgg
from pyplugin.models.importers.musicnn_wheel import PATCH_FRAMES, WHEEL, WheelNetwork, read_network
from pyplugin.models.layers import Variables
from pyplugin.models.networks import Network
from pyplugin.models.quantisation import Calibration
from pyplugin.models.records import Record, save_record
from pyplugin.support.arrays import Float32, Float64
from pyplugin.support.optional import install
from pyplugin.training.corpus import read_rows

NETWORKS: dict[str, WheelNetwork] = {**musicnn.NETWORKS, **vgg.NETWORKS}
"""What the command calibrates, by name."""


_DIGITS = 6
_CLIPPED = 0.005  # per cent of a channel's values, on either side, that may saturate
_LOWER_SHARE = 0.25  # of a range below zero, of that above: most channels hardly go below
_LEAST_SHARE = 1e-3  # of the widest channel's range: no channel is magnified beyond that
_PATCHES_PER_CATEGORY = {  # patches a recording and about how many recordings, by category
    "music": (2, 1000),
    "song": (4, 1000),
    "speech": (1, 20),
    "drums-rendered": (1, 20),
    "instrument": (1, 15),
    "percussion": (1, 10),
    "ambience": (1, 10),
}


def calibrate(network: Network, variables: Variables, patches: Float32) -> Calibration:
    """Determine activation ranges, channel equalisation and bias correction from audio.

    Every activation tensor has one int8 range, so its channels are first divided by their own
    ranges; the weights of the next layer are multiplied by them. The mean error that remains after
    all int8 layers is then subtracted in the first float layer.

    Parameters
    ----------
    network : Network
    variables : mapping of str to ndarray
        The checkpoint.
    patches : ndarray of float32, shape (count, frames, bands)
        Mel patches, the input of the network.

    Returns
    -------
    Calibration
        Rounded to six digits, as in the file.
    """
    original = network.build(variables, patch=patches.shape[1])
    names = (*network.activations, network.corrected)
    values = run_patches(original, patches, names)
    ranges, equalisation = {}, {}
    for name in network.activations:
        kept = values[name]
        if kept.shape[-1] == 1:  # the input must not saturate
            ends = np.stack([kept.min(axis=0), kept.max(axis=0)])
        else:
            low, high = np.percentile(kept, [_CLIPPED, 100 - _CLIPPED], axis=0)
            equalisation[name] = _rounded(_factors(low, high, turnable=name in network.turnable))
            ends = np.stack([low, high]) / equalisation[name]
        ranges[name] = (float(_rounded(ends.min())), float(_rounded(ends.max())))
    draft = Calibration(ranges, equalisation, {})
    quantised = network.build(variables, patch=patches.shape[1], calibration=draft)
    found = run_patches(quantised, patches, (network.corrected,))[network.corrected]
    error = (found.astype(np.float64) - values[network.corrected]).mean(axis=0)
    return Calibration(ranges, equalisation, {network.corrected: _rounded(-error)})


def measure_drift(
    network: Network, variables: Variables, calibration: Calibration, patches: Float32
) -> Drift:
    """Compare the int8 with the float model on mel patches.

    Parameters
    ----------
    network : Network
    variables : mapping of str to ndarray
        The checkpoint.
    calibration : Calibration
    patches : ndarray of float32, shape (count, frames, bands)

    Returns
    -------
    Drift
    """
    patch = patches.shape[1]
    name = network.outputs[0].name
    original = run_patches(network.build(variables, patch=patch), patches, (name,))[name]
    quantised_file = network.build(variables, patch=patch, calibration=calibration)
    quantised = run_patches(quantised_file, patches, (name,))[name]
    differences = np.abs(original - quantised)
    best = (np.argsort(-values)[:, :5].tolist() for values in (original, quantised))
    overlaps = [len(set(first) & set(second)) for first, second in zip(*best, strict=True)]
    means = _rounded(differences.mean(axis=0), 3).tolist()
    return Drift(
        float_mean_abs_diff=float(_rounded(differences.mean(), 3)),
        float_max_abs_diff=float(_rounded(differences.max(), 3)),
        top5_overlap=float(_rounded(np.mean(overlaps), 3)),
        per_label=dict(zip(network.labels, means, strict=True)),
    )


def run_patches(model: bytes, patches: Float32, names: Sequence[str]) -> dict[str, Float32]:
    """Run a model in LiteRT and return tensors of its graph.

    Parameters
    ----------
    model : bytes
        The ``.tflite`` file.
    patches : ndarray of float32, shape (count, frames, bands)
    names : sequence of str
        Tensors of the graph.

    Returns
    -------
    dict of str to ndarray
        By name, each of shape (count, size) or (count * positions, channels).
    """
    from ai_edge_litert.interpreter import Interpreter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the memory of preserve_all_tensors
        interpreter = Interpreter(
            model_content=model, num_threads=2, experimental_preserve_all_tensors=True
        )
    interpreter.allocate_tensors()
    indices = {detail["name"]: detail["index"] for detail in interpreter.get_tensor_details()}
    target = interpreter.get_input_details()[0]["index"]
    kept: dict[str, list[Float32]] = {name: [] for name in names}
    for patch in patches:
        interpreter.set_tensor(target, patch[None])
        interpreter.invoke()
        for name in names:
            values = interpreter.get_tensor(indices[name])
            kept[name].append(values.reshape(-1, values.shape[-1]).copy())
    return {name: np.concatenate(values) for name, values in kept.items()}


def check_litert() -> None:
    """Check that LiteRT, which `run_patches` needs, is installed and runs.

    Raises
    ------
    ModelError
        It is not installed.
    """
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError as error:
        raise ModelError(
            f"Quantising a network needs LiteRT ({error}); install it: {install('litert')}."
        ) from error
    scene = registry.load("scene")
    run_patches(scene.data, np.zeros((1, *scene.card.inputs[0].shape[1:]), np.float32), ())


def main(arguments: Sequence[str] | None = None) -> int:
    """Calibrate the networks and write the results; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pyplugin.training.calibration",
        description="Calibrate the int8 models on audio and measure their drift.",
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--wheel", type=Path, help="the wheel of musicnn 0.1.0")
    parser.add_argument(
        "--network",
        action="append",
        choices=list(NETWORKS),
        help="calibrate only this network; may be repeated",
    )
    options = parser.parse_args(arguments)
    try:
        _calibrate_all(options.corpus, options.wheel, options.network or list(NETWORKS))
    except PypluginError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _calibrate_all(corpus: Path, wheel: Path | None, names: Sequence[str]) -> None:
    archive = WHEEL.find(wheel, data_folder(), print)
    train, recordings = _corpus_patches(corpus, "train")
    test, _ = _corpus_patches(corpus, "test")
    print(f"{len(train)} patches to calibrate on, {len(test)} to measure drift on")
    source = CalibrationSource(
        "mostly music, some speech, drums and noise, from openly licensed recordings",
        recordings,
        len(train),
    )
    for name in names:
        network = NETWORKS[name]
        variables = read_network(archive, network.folder)
        calibration = calibrate(network, variables, train)
        drift = measure_drift(network, variables, calibration, test)
        path = save_record(name, Record(calibration, source, drift))
        print(
            f"{name}: mean {drift.float_mean_abs_diff:.4f}, max {drift.float_max_abs_diff:.3f}, "
            f"top 5 {drift.top5_overlap:.2f} -> {path}"
        )


def _corpus_patches(corpus: Path, split: str) -> tuple[Float32, int]:
    """Return patches of one split, evenly spread over its recordings, and how many those are."""
    clip_rows = read_rows(corpus / "clips" / "clips.csv")
    clip_groups = {group for row in clip_rows for group in row["group"].split(";")}
    patches: list[Float32] = []
    used = 0
    rows = [
        row
        for row in read_rows(corpus / "manifest.csv")
        if row["split"] == split and row["group"] not in clip_groups
    ]
    for category, (count, limit) in _PATCHES_PER_CATEGORY.items():
        chosen = [row for row in rows if row["category"] == category]
        for row in chosen[:: max(1, len(chosen) // limit)]:
            found = list(_recording_patches(corpus / row["path"], count))
            patches += found
            used += bool(found)
    if not patches:
        raise ModelError(f"The corpus {corpus} has no recordings of the split {split!r}.")
    return np.stack(patches), used


def _recording_patches(path: Path, count: int) -> Iterator[Float32]:
    import soundfile

    from pyplugin.node.frontend import melspectrogram

    samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    mel = melspectrogram(samples.mean(axis=1), sample_rate, preset="musicnn")
    spare = len(mel) - PATCH_FRAMES
    if spare >= 0:
        for number in range(count):
            start = int(spare * (number + 0.5) / count)
            yield mel[start : start + PATCH_FRAMES]


def _factors(low: Float64, high: Float64, *, turnable: bool) -> Float64:
    """Return the divisors that make all channels fill the range equally."""
    turned = (high < -low) & turnable
    low, high = np.where(turned, -high, low), np.where(turned, -low, high)
    sizes = np.maximum(high, -low / _LOWER_SHARE)
    sizes = np.maximum(sizes, sizes.max() * _LEAST_SHARE)
    return np.asarray(np.where(turned, -sizes, sizes))


def _rounded(values: Any, digits: int = _DIGITS) -> Float64:
    """Round to `digits` significant digits."""
    texts = [f"{value:.{digits}g}" for value in np.asarray(values, np.float64).ravel()]
    return np.array(texts, np.float64).reshape(np.shape(values))


if __name__ == "__main__":
    sys.exit(main())
