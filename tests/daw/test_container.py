"""Containers for the DAW plugin: what is in them, read by another hand."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from pyplugin.daw import container, parameters
from pyplugin.errors import ModelError
from pyplugin.models import heads, registry
from pyplugin.support.spelling import slug


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Read a container as native/plugin/core/models.h describes it."""
    magic, crc, count = struct.unpack_from("<8sII", data)
    assert magic == b"TAGMODL2"
    assert crc == zlib.crc32(data[12:])
    at = 16
    for _ in range(count):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + size]
        padded = -(-size // 16) * 16
        assert not any(data[at + 8 + size : at + 8 + padded])
        at += 8 + padded
    assert at == len(data)


def take_text(data: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from("<H", data, at)
    return data[at + 2 : at + 2 + size].decode(), at + 2 + size


def take_labels(data: bytes, at: int) -> tuple[list[str], int]:
    (count,) = struct.unpack_from("<I", data, at)
    at, labels = at + 4, []
    for _ in range(count):
        label, at = take_text(data, at)
        labels.append(label)
    return labels, at


def a_head(size: int, output: str) -> heads.Head:
    random = np.random.default_rng(1)
    stage = heads.Dense(random.normal(size=(2, size)), np.zeros(2), "logistic")
    return heads.Head("mood", ("Happy", "sad"), "scene", output, size, True, (stage,))


def test_a_container_says_what_the_card_says() -> None:
    model = registry.load("scene")
    card, front_end = model.card, model.card.front_end
    (_, head), (name, graph), _ = chunks(container.encode(card, model.data))
    assert (name, graph) == (b"TFLT", model.data)
    text, at = take_text(head, 0)
    assert text == "scene"
    assert struct.unpack_from("<5I", head, at) == (
        front_end.sample_rate,
        front_end.frame,
        front_end.fft,
        front_end.hop,
        front_end.bands,
    )
    # Periodic Hann, Slaney's scale with triangles in Hz, and its norm, power, as it is,
    # log10(1 + 100000 x), centred, patches as they are: as tagnode.h numbers them.
    assert struct.unpack_from("<9I", head, at + 20) == (0, 0, 0, 1, 0, 0, 1, 0, 0)
    reals = struct.unpack_from("<4d", head, at + 56)
    assert reals == (100_000, front_end.fmin, front_end.fmax, front_end.patch_range)
    patch, outputs = struct.unpack_from("<2I", head, at + 88)
    assert patch == card.patch_frames
    sizes = struct.unpack_from(f"<{outputs}I", head, at + 96)
    assert sizes == tuple(output.size for output in card.outputs)
    labels, at = take_labels(head, at + 96 + 4 * outputs)
    assert labels == list(card.labels)
    assert struct.unpack("<I", head[at:]) == (1,)  # silence_before
    (_, head), *_ = chunks(container.encode(replace(card, silence_before=False), model.data))
    assert head[at:] == bytes(4)


def test_heads_go_along_whole() -> None:
    model = registry.load("scene")
    output = [each.name for each in model.card.outputs].index(model.card.embedding)
    head = a_head(model.card.outputs[output].size, model.card.embedding)
    (name, found) = list(chunks(container.encode(model.card, model.data, [head])))[3]
    assert name == b"HEAD"
    text, at = take_text(found, 0)
    assert text == "mood"
    assert struct.unpack_from("<I", found, at) == (output,)
    labels, at = take_labels(found, at + 4)
    assert labels == ["Happy", "sad"]
    assert found[at:] == heads.encode(head)


@pytest.mark.parametrize("name", sorted(container.GROUPS))
def test_a_group_is_the_sum_of_its_labels(name: str) -> None:
    labels = registry.labels(name)
    head = container.group_head(name, labels)
    assert head is not None
    activations = np.random.default_rng(2).random((5, len(labels))).astype(np.float32)
    said = heads.run(head, activations)
    for group, members in container.GROUPS[name].items():
        columns = [labels.index(member) for member in members]
        np.testing.assert_allclose(
            said[:, head.labels.index(group)], activations[:, columns].sum(axis=1), rtol=1e-6
        )
    numbered = [] if len(labels) > 100 else labels  # of more the number is a hash
    for descriptor in [*(f"tag.{slug(label)}" for label in numbered), *head.descriptors]:
        number = parameters.source_id(descriptor)  # one that stands in the plugin's table
        assert parameters.source_name(number) == descriptor


def test_a_model_without_groups_is_alone() -> None:
    assert container.group_head("musicnn-msd", ("a", "b")) is None


def test_what_the_plugin_cannot_run_is_refused() -> None:
    model = registry.load("scene")
    floating = replace(model.card, model_types=("tflite-float32",))
    with pytest.raises(ModelError, match="int8 models only"):
        container.encode(floating, model.data)
    embedding = model.card.embedding
    with pytest.raises(ModelError, match=rf"takes 3 floats of the output '{embedding}'; scene has"):
        container.encode(model.card, model.data, [a_head(3, embedding)])
    with pytest.raises(ModelError, match="the output 'none'"):
        container.encode(model.card, model.data, [a_head(3, "none")])
    with pytest.raises(ModelError, match="at most 4096 and 32"):
        container.encode(model.card, model.data, [a_head(3, embedding)] * 33)
    wrong = replace(model.card, labels=("a\nb", *model.card.labels[1:]))
    with pytest.raises(ModelError, match="control characters"):
        container.encode(wrong, model.data)


def test_a_model_is_installed_where_the_plugin_looks(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    for name in ("musicnn-mtt", "musicnn-msd", "vgg-mtt", "vgg-msd"):
        model = registry.load(models / f"{name}.tflite")
        path = container.install(model)
        assert path == tmp_path / "plugins" / f"{name}.tagnode"
        assert path.read_bytes() == container.encode(model.card, model.data)


def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    model = registry.load("scene")
    path = container.write(tmp_path / "scene.tagnode", model.card, model.data)
    assert path.read_bytes() == container.encode(model.card, model.data)
    with pytest.raises(ModelError, match="folder does not exist"):
        container.write(tmp_path / "none" / "scene.tagnode", model.card, model.data)
    assert [each.name for each in tmp_path.iterdir()] == ["scene.tagnode"]
