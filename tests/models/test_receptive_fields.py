"""Receptive fields are what changing one frame after the other changes, and as published."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin.errors import ModelError
from pyplugin.models.graphs.graph import Graph, GraphBuilder, Value
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.importing import layers_in
from pyplugin.models.receptive_fields import unit_fields
from pyplugin.models.registry import Model

FRAMES, BANDS = 23, 5

Ints = npt.NDArray[np.int64]


def dependence(graph: Graph) -> npt.NDArray[np.bool_]:
    """Whether each value of the output changes with each frame of the input, (frames, *shape)."""
    zero = graph.run(np.zeros((1, FRAMES, BANDS)))["y"]
    changed = []
    for frame in range(FRAMES):
        x = np.zeros((1, FRAMES, BANDS))
        x[:, frame] = 1.0
        changed.append(np.abs(graph.run(x)["y"] - zero) > 0)
    return np.array(changed)


def expected(graph: Graph, units: int, time: int | None) -> tuple[Ints, Ints]:
    """First and last frame by position and unit, from changing the frames."""
    found = dependence(graph)
    axes = [units] if time is None else [time, units]
    found = np.moveaxis(found, [axis + 1 for axis in axes], list(range(1, 1 + len(axes))))
    found = found.reshape(*found.shape[: 1 + len(axes)], -1).any(axis=-1)
    found = found if time is not None else found[:, None]
    first = found.argmax(axis=0)
    return first, FRAMES - 1 - found[::-1].argmax(axis=0)


def positive(draw: st.DrawFn, *shape: int) -> npt.NDArray[np.float64]:
    """Weights that never cancel each other."""
    seed = draw(st.integers(0, 99))
    return np.random.default_rng(seed).uniform(0.5, 1.0, shape)


def convolved(draw: st.DrawFn, build: GraphBuilder, x: Value) -> Value:
    height, width, out = draw(st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(1, 3)))
    skip, step = draw(st.sampled_from([(1, 1), (1, 2), (2, 1), (3, 1)]))
    options = {
        "stride": (step, 1),
        "dilation": (skip, 1),
        "padding": draw(st.sampled_from(["valid", "same"])),
    }
    if draw(st.booleans()):
        return build.conv(x, positive(draw, height, width, x.shape[3], out), **options)
    kernel = positive(draw, height, width, 1, x.shape[3] * out)
    return build.conv(x, kernel, groups=x.shape[3], **options)


@st.composite
def networks(draw: st.DrawFn) -> Graph:
    """Convolutions, pools, pads, slices, branches and an end of any kind, without cancellation."""
    build = GraphBuilder()
    x = build.reshape(build.input("mel", (1, FRAMES, BANDS)), (1, FRAMES, BANDS, 1))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "conv", "pool", "pad", "slice", "branch", "add"]))
        if kind == "conv" and x.shape[1] > 9 and x.shape[2] > 1:
            x = convolved(draw, build, x)
        elif kind == "pool" and x.shape[1] > 3:
            size = draw(st.integers(1, 3))
            x = build.pool("mean_pool", x, (size, 1), stride=(draw(st.integers(1, 2)), 1))
        elif kind == "pad":
            x = build.pad(x, ((0, 0), (draw(st.integers(0, 3)), 1), (0, 0), (0, 0)))
        elif kind == "slice" and x.shape[1] > 4:
            whole = [(0, size, 1) for size in x.shape]
            x = build.slice(x, [whole[0], (1, x.shape[1] - 1, draw(st.integers(1, 2))), *whole[2:]])
        elif kind == "branch":
            options = {"padding": "same"}
            other = build.conv(x, positive(draw, 3, 1, x.shape[3], 2), **options)
            x = build.concat([x, other], 3)
        elif kind == "add":
            kernel = positive(draw, 2, 1, x.shape[3], x.shape[3])
            x = build.binary("add", x, build.conv(x, kernel, padding="same"))
    end = draw(st.sampled_from(["image", "mean", "flat", "dense", "turned"]))
    if end == "mean":
        x = build.reduce("mean", x, [2], keep=draw(st.booleans()))
    elif end == "turned":
        x = build.transpose(x, (0, 3, 1, 2))
    elif end != "image":
        x = build.reshape(x, (1, -1))
        x = build.dense(x, positive(draw, x.size, 2)) if end == "dense" else x
    return build.finish({"y": x})


@settings(max_examples=60)
@given(networks())
def test_fields_are_the_frames_that_change_a_value(graph: Graph) -> None:
    if not dependence(graph).any():
        return
    fields = unit_fields(tflite_of(graph), "y")
    assert fields.shape == graph.outputs["y"].shape
    depends = dependence(graph)
    axes = [axis for axis in range(1, depends.ndim) if axis - 1 not in (fields.units, fields.time)]
    known = depends.any(axis=tuple(axes)).any(axis=0)  # not of padding alone
    known = known if fields.time is None or fields.time < fields.units else known.T
    known = known.reshape(fields.first.shape)
    first, last = expected(graph, fields.units, fields.time)
    np.testing.assert_array_equal(fields.first[known], first[known])
    np.testing.assert_array_equal(fields.last[known], last[known])


@pytest.mark.parametrize(
    ("layer", "frames"),
    [
        ("timbral_38", 7),  # heights of the filters in Pons and Serra's paper and code
        ("timbral_67", 7),
        ("temporal_128", 128),
        ("temporal_64", 64),
        ("temporal_32", 32),
        ("mid_1", 134),  # 128 and 7 frames
        ("penultimate", 187),
    ],
)
def test_fields_of_musicnn_are_those_of_its_filters(
    musicnn: Model, layer: str, frames: int
) -> None:
    assert set(unit_fields(musicnn.data, layer).frames.tolist()) == {frames}


def test_units_of_one_layer_may_have_different_fields(musicnn: Model) -> None:
    frames = unit_fields(musicnn.data, "frontend").frames
    assert set(frames.tolist()) == {7, 32, 64, 128}


def test_every_layer_of_a_published_network_has_fields(yamnet: Model) -> None:
    """Each depthwise convolution of YAMNet sees as far as the one before it, or farther."""
    layers = [each for each in layers_in(yamnet.path) if each.kind == "DEPTHWISE_CONV_2D"]
    frames = [int(unit_fields(yamnet.data, each.name).frames.max()) for each in layers]
    assert len(frames) == 13
    # 3x3 in steps of 2 at the layers 1, 3, 5, 7 and 13 (yamnet.py): 3, then 2 * product of steps
    assert frames[:4] == [7, 11, 19, 27]
    assert sorted(frames) == frames


def test_the_field_of_a_published_architecture() -> None:
    """Three times 5 frames and a pool of 2, as deepsound's genre network: 36 frames, every 8."""
    build, frames = GraphBuilder(), 60
    x = build.reshape(build.input("mel", (1, frames, BANDS)), (1, frames, 1, BANDS))
    for _ in range(3):
        x = build.conv(x, np.ones((5, 1, x.shape[3], 3)))
        x = build.pool("max_pool", x, (2, 1), stride=(2, 1))
    fields = unit_fields(tflite_of(build.finish({"y": x})), "y")
    assert fields.frames.tolist() == [36, 36, 36]
    assert np.diff(fields.first[:, 0]).tolist() == [8] * (len(fields.first) - 1)


def test_a_layer_without_a_batch_has_its_positions_first() -> None:
    """As before the recurrent layers of Choi's network: (time, channels)."""
    build = GraphBuilder()
    x = build.reshape(build.input("mel", (1, FRAMES, BANDS)), (FRAMES, BANDS))
    fields = unit_fields(tflite_of(build.finish({"y": build.dense(x, np.ones((BANDS, 2)))})), "y")
    assert fields.shape == (1, FRAMES, 2)
    assert fields.first[:, 1].tolist() == fields.last[:, 0].tolist() == list(range(FRAMES))


def test_a_layer_that_is_not_there_or_reads_nothing_is_refused(musicnn: Model) -> None:
    with pytest.raises(ModelError, match="did you mean 'timbral_38'"):
        unit_fields(musicnn.data, "timbral_39")
