"""The protocol: names and options, and a family of one file that is listed, built and run."""

import re
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from pyplugin import Node
from pyplugin.cli.models import command
from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.importers import importer as importers
from pyplugin.models.importers.importer import (
    BuildOption,
    BuildRequest,
    Built,
    Importer,
    Summary,
    find,
    model_name,
    register,
)

BANDS = 96
DOCUMENT = Path(__file__).parents[3] / "docs" / "importers.md"


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importers that a test registers are removed after it."""
    monkeypatch.setattr(importers, "_REGISTERED", list(importers.importers()))


@pytest.fixture
def tiny(tmp_path: Path) -> type[Importer]:
    """The family in docs/importers.md, which registers itself when its file is imported."""
    _, code, *_ = re.split(r"^```(?:python)?\n", DOCUMENT.read_text(), flags=re.MULTILINE)
    path = tmp_path / "tiny.py"
    path.write_text(code)
    spec = spec_from_file_location("tiny", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Tiny  # type: ignore[no-any-return]


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


def test_a_family_of_one_file_is_listed_built_and_run(
    tiny: type[Importer], run: Callable[..., str], weights: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    (line,) = (line for line in run("list").splitlines() if line.startswith("tiny"))
    assert "not built" in line
    assert "Energy of low and of high bands." in line
    help_page = run("get", "--help")
    assert "tiny: a .npy file of float32 weights, (2, 96)." in help_page

    assert "tiny.tflite" in run("get", "tiny", "--from", weights)
    (line,) = (line for line in run("list").splitlines() if line.startswith("tiny"))
    assert "0.0 MB" in line
    assert "ok   tiny" in run("verify")
    assert (tmp_path / "models" / "LICENSE-tiny.md").read_bytes() == b"MIT"

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
    tiny: type[Importer], run: Callable[..., str], weights: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    run("get", "tiny", "--from", weights, "--patch", 64)
    assert registry.load("tiny-p64").card.patch_frames == 64
    assert "tiny-p64" in run("list")
    with pytest.raises(ModelError, match="option patch of tiny is 5000; expected 16 to 4096"):
        run("get", "tiny", "--from", weights, "--patch", 5000)


def test_a_source_that_must_be_given_is_described(
    tiny: type[Importer], run: Callable[..., str]
) -> None:
    with pytest.raises(ModelError, match=r"tiny needs a \.npy file .*; give it with --from"):
        run("get", "tiny")


def test_all_builds_what_can_be_downloaded_only(
    tiny: type[Importer], run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(registry, "get", lambda name, **_: asked.append(name) or [])
    run("get", "all")
    assert "musicnn-mtt" in asked
    assert "vgg-msd-float" in asked
    assert "tiny" not in asked


def test_two_importers_cannot_have_one_name(tiny: type[Importer]) -> None:
    class Other(tiny):  # type: ignore[misc, valid-type]
        pass

    with pytest.raises(ModelError, match="Other and Tiny both have a model 'tiny'"):
        register(Other)


def test_a_card_whose_name_is_a_path_is_not_written(
    tiny: type[Importer], weights: Path, tmp_path: Path
) -> None:
    @register
    class Sly(tiny):  # type: ignore[misc, valid-type]
        def names(self) -> dict[str, Summary]:
            return {"sly": Summary("A name with a folder in it.", "MIT")}

        def build(self, source: BuildRequest) -> Built:
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


def test_the_name_of_a_model_has_the_options_that_are_not_at_their_default() -> None:
    options = (
        BuildOption("patch", "p", "", default=187, least=1, greatest=4096),
        BuildOption("bands", "b", "", default=96, least=1, greatest=128),
    )
    assert model_name("x-float", options, {"bands": 64, "patch": 32}) == "x-p32-b64-float"
    assert model_name("x", options, {"bands": 96}) == "x"
