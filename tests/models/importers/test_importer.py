"""The protocol: names and options, and a family of one file that is listed, built and run."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pyplugin import Node
from pyplugin.cli.models import command
from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.card import Card, Dataset, Input, Output
from pyplugin.models.frontends import PRESETS
from pyplugin.models.importers import importer as importers
from pyplugin.models.importers.importer import (
    Built,
    Needs,
    Option,
    Source,
    Summary,
    find,
    model_name,
    register,
)
from pyplugin.models.tflite import GraphWriter

PATCH = Option("patch", "p", "Mel frames in a window.", default=32, least=16, greatest=4096)
BANDS = 96


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    monkeypatch.setattr(importers, "_REGISTERED", list(importers.importers()))


class Tiny:
    """Mean energy of the low and of the high bands, each through a logistic function."""

    def names(self) -> dict[str, Summary]:
        return {"tiny": Summary("Low and high: energy of bands.", "MIT", ("low", "high"))}

    def needs(self) -> Needs:
        return Needs("a .npy of weights, (2, 96) float32", fetched=False, options=(PATCH,))

    def build(self, source: Source) -> Built:
        assert source.path is not None
        weights = np.load(source.path, allow_pickle=False)
        if weights.shape != (2, BANDS) or weights.dtype != np.float32:
            raise ModelError(f"{source.path} has {weights.dtype} {weights.shape}.")
        frames = source.options["patch"]
        graph = GraphWriter()
        mel = graph.input("mel", (1, frames, BANDS))
        image = graph.reshape("image", mel, (1, frames, 1, BANDS))
        mean = graph.mean("mean", image, (1, 2))
        flat = graph.reshape("flat", mean, (1, BANDS))
        bias = graph.constant("bias", np.zeros(2, np.float32))
        logits = graph.fully_connected("logits", flat, graph.constant("weights", weights), bias)
        tags = graph.logistic("tags", logits)
        data = graph.finish({"mel": mel}, {"tags": tags, "bands": flat}, description="tiny")
        card = Card(
            name=model_name("tiny", (PATCH,), source.options),
            link="https://example.org/tiny",
            version="1",
            description="Low and high: energy of bands.",
            license="MIT",
            author="tests",
            labels=("low", "high"),
            model_types=("tflite-float32",),
            dataset=Dataset("none", "none", "none", {}),
            inputs=(Input("mel", "float", (1, frames, BANDS)),),
            outputs=(Output("tags", 2, "predictions"), Output("bands", BANDS, "embeddings")),
            front_end=PRESETS["musicnn"],
            patch_frames=frames,
            default_hop=0.16,
            embedding="bands",
            calibration=None,
            sha256=hashlib.sha256(data).hexdigest(),
            quantisation=None,
        )
        source.report("tiny: built")
        return Built(((data, card),), {"LICENSE-tiny": b"MIT"})


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    values = np.zeros((2, BANDS), np.float32)
    values[0, :20], values[1, 60:] = 0.05, 0.05
    np.save(tmp_path / "weights.npy", values)
    return tmp_path / "weights.npy"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))

    def call(*arguments: object) -> str:
        result = CliRunner().invoke(command, [str(each) for each in arguments])
        if result.exception is not None:
            raise result.exception
        return result.output

    return call


def test_a_family_of_one_class_is_listed_built_and_run(
    run: Callable[..., str], weights: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    register(Tiny)
    (line,) = (line for line in run("list").splitlines() if line.startswith("tiny"))
    assert "not built" in line
    assert "Low and high" in line
    help_page = run("get", "--help")
    assert "tiny: a .npy of weights, (2, 96) float32." in help_page

    assert "tiny.tflite" in run("get", "tiny", "--from", weights)
    (line,) = (line for line in run("list").splitlines() if line.startswith("tiny"))
    assert "0.0 MB" in line
    assert "ok   tiny" in run("verify")
    assert (tmp_path / "models" / "LICENSE-tiny").read_bytes() == b"MIT"

    time = np.arange(16000) / 16000
    loud = {}
    for name, frequency in (("low", 200), ("high", 5000)):
        with Node(16000, 1, 800, model="tiny", offline=True) as node:
            assert node.descriptors == ["tag.tiny.low", "tag.tiny.high"]
            tone = np.sin(2 * np.pi * frequency * time).astype(np.float32)
            values = np.concatenate(
                [
                    node.process(tone[None, start : start + 800]).values
                    for start in range(0, 16000, 800)
                ]
            )
        assert len(values)
        loud[name] = values[-1]
    assert loud["low"][0] > loud["low"][1]
    assert loud["high"][1] > loud["high"][0]


def test_an_option_is_declared_by_its_importer(
    run: Callable[..., str], weights: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    register(Tiny)
    run("get", "tiny", "--from", weights, "--patch", 64)
    assert registry.load("tiny-p64").card.patch_frames == 64
    assert "tiny-p64" in run("list")
    with pytest.raises(ModelError, match="option patch of tiny is 5000; expected 16 to 4096"):
        run("get", "tiny", "--from", weights, "--patch", 5000)


def test_a_source_that_must_be_given_is_described(run: Callable[..., str]) -> None:
    register(Tiny)
    with pytest.raises(ModelError, match=r"tiny needs a \.npy of weights.*; give it with --from"):
        run("get", "tiny")


def test_all_builds_what_can_be_downloaded_only(
    run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(Tiny)
    asked: list[str] = []
    monkeypatch.setattr(registry, "get", lambda name, **_: asked.append(name) or [])
    run("get", "all")
    assert "musicnn-mtt" in asked
    assert "vgg-msd-float" in asked
    assert "tiny" not in asked


def test_two_importers_cannot_have_one_name() -> None:
    register(Tiny)

    class Other(Tiny):
        pass

    with pytest.raises(ModelError, match="Other and Tiny both have a model 'tiny'"):
        register(Other)


def test_a_card_whose_name_is_a_path_is_not_written(weights: Path, tmp_path: Path) -> None:
    @register
    class Sly(Tiny):
        def names(self) -> dict[str, Summary]:
            return {"sly": Summary("A name with a folder in it.", "MIT")}

        def build(self, source: Source) -> Built:
            return Built(((b"data", replace(registry.info("scene"), name="../sly")),))

    with pytest.raises(ModelError, match=r"cannot be called '\.\./sly'"):
        registry.get("sly", source=weights, folder=tmp_path / "models")
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("name", "standard", "options", "canonical"),
    [
        ("musicnn-mtt", "musicnn-mtt", {}, "musicnn-mtt"),
        ("musicnn-mtt-float", "musicnn-mtt-float", {}, "musicnn-mtt-float"),
        ("musicnn-mtt-p64", "musicnn-mtt", {"patch": 64}, "musicnn-mtt-p64"),
        ("musicnn-msd-p64-float", "musicnn-msd-float", {"patch": 64}, "musicnn-msd-p64-float"),
        ("musicnn-msd-float-p64", "musicnn-msd-float", {"patch": 64}, "musicnn-msd-p64-float"),
        ("musicnn-mtt-p187", "musicnn-mtt", {"patch": 187}, "musicnn-mtt"),
    ],
)
def test_a_name_is_taken_apart(
    name: str, standard: str, options: dict[str, int], canonical: str
) -> None:
    known = find(name)
    assert known is not None
    assert (known.standard, known.options, known.name) == (standard, options, canonical)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "scene",
        "musicnn",
        "musicnn-mtt-p064",
        "musicnn-mtt-p",
        "musicnn-mtt-p64x",
        "vgg-mtt-p64",
    ],
)
def test_a_name_that_no_importer_has(name: str) -> None:
    assert find(name) is None
