"""The registry: names, atomic files, damage, and working without a network."""

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.importers import importer as importers
from pyplugin.models.wheel import Wheel
from pyplugin.training.corpus import LABELS

NAMES = ("musicnn-mtt", "musicnn-msd", "vgg-mtt", "vgg-msd")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no network."""
    path = tmp_path / "data"
    monkeypatch.setenv("PYPLUGIN_MODELS", str(path))
    monkeypatch.setattr(Wheel, "_download", _no_network)
    return path


@pytest.fixture
def built(folder: Path, models: Path) -> Path:
    """A data folder with one network."""
    folder.mkdir()
    for path in models.glob("musicnn-msd*"):
        shutil.copy(path, folder)
    return folder


def _no_network(wheel: Wheel, scratch: Path) -> Path:
    raise AssertionError("a test has used the network")


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_get_writes_models_cards_and_licence(folder: Path, wheel: Path) -> None:
    lines: list[str] = []
    paths = registry.get("musicnn-msd", source=wheel, report=lines.append)
    assert paths == [folder / "musicnn-msd.tflite", folder / "musicnn-msd-float.tflite"]
    assert sorted(content(folder)) == [
        "LICENSE-musicnn.md",
        "musicnn-msd-float.json",
        "musicnn-msd-float.tflite",
        "musicnn-msd.json",
        "musicnn-msd.tflite",
    ]
    assert "Permission to use, copy, modify" in (folder / "LICENSE-musicnn.md").read_text()
    assert lines


def test_load_gives_file_and_card(built: Path) -> None:
    for name, form in (("musicnn-msd", "tflite-int8"), ("musicnn-msd-float", "tflite-float32")):
        model = registry.load(name)
        assert (model.name, model.path) == (name, built / f"{name}.tflite")
        assert model.data == model.path.read_bytes()
        assert model.card.sha256 == hashlib.sha256(model.data).hexdigest()
        assert model.card.model_types == (form,)
        assert model.card.labels == importers.names()["musicnn-msd"].labels
        assert (model.card.quantisation is None) == ("float" in form)
        assert registry.info(name) == model.card


def test_load_takes_a_path(built: Path, tmp_path: Path) -> None:
    moved = tmp_path / "mine.tflite"
    shutil.copy(built / "musicnn-msd.tflite", moved)
    shutil.copy(built / "musicnn-msd.json", moved.with_suffix(".json"))
    assert registry.load(moved) == registry.load(str(moved))
    assert registry.load(moved).card == registry.info("musicnn-msd")
    moved.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"card .*mine\.json"):
        registry.load(moved)
    moved.unlink()
    with pytest.raises(ModelError, match="no model file"):
        registry.load(moved)


@pytest.mark.parametrize("position", [0, 4, 1000, -1])
def test_a_damaged_file_is_refused(position: int, built: Path) -> None:
    path = built / "musicnn-msd.tflite"
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"damaged.*`tagnode models get musicnn-msd`"):
        registry.load("musicnn-msd")
    found = {item.name: item for item in registry.verify()}
    assert not found["musicnn-msd"].ok
    assert "damaged" in found["musicnn-msd"].problem
    assert found["musicnn-msd-float"].ok


def test_a_truncated_file_is_refused(built: Path) -> None:
    path = built / "musicnn-msd.tflite"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="damaged"):
        registry.load("musicnn-msd")


def test_verify_finds_a_card_of_another_graph(built: Path) -> None:
    path = built / "musicnn-msd.json"
    path.write_text(path.read_text().replace('"dense"', '"thick"'))
    found = {item.name: item for item in registry.verify()}
    assert "inputs and outputs" in found["musicnn-msd"].problem


def test_verify_accepts_what_get_builds(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYPLUGIN_MODELS", str(models))
    found = registry.verify()
    assert len(found) == 13
    assert [item for item in found if not item.ok] == []


def test_available_lists_what_is_built_and_what_is_not(built: Path) -> None:
    (built / "stranger.tflite").write_bytes(b"")
    statuses = {status.name: status for status in registry.available()}
    assert set(statuses) == {
        "scene",
        *importers.names(),
        "musicnn-msd-p64",
        "musicnn-msd-p64-float",
    }
    assert {name for name, status in statuses.items() if status.built} == {
        "scene",
        "musicnn-msd",
        "musicnn-msd-float",
        "musicnn-msd-p64",
        "musicnn-msd-p64-float",
    }
    path = built / "musicnn-msd.tflite"
    assert (statuses["musicnn-msd"].path, statuses["musicnn-msd"].size) == (
        path,
        path.stat().st_size,
    )
    assert (statuses["vgg-mtt"].path, statuses["vgg-mtt"].size) == (None, 0)
    licences = {"ISC", "MIT", "Apache-2.0", "AGPL-3.0-only", "CC-BY-4.0"}
    assert {status.licence for status in statuses.values()} == licences


@pytest.mark.parametrize("ask", [registry.load, registry.info, registry.get])
def test_an_unknown_name_suggests_the_nearest(ask: object, folder: Path) -> None:
    assert callable(ask)
    with pytest.raises(ModelError, match="did you mean 'musicnn-mtt'"):
        ask("musicn-mtt")
    with pytest.raises(ModelError, match="there are scene, musicnn-mtt, "):
        ask("zzz")


@pytest.mark.parametrize("name", ["musicnn-mtt", "musicnn-mtt-p64", "vgg-msd-float"])
def test_a_model_that_is_not_built_says_how_to(name: str, folder: Path) -> None:
    with pytest.raises(ModelError, match=f"not been built; run `tagnode models get {name}`"):
        registry.load(name)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", range(5))
def test_get_leaves_nothing_half_written(
    failure: BaseException,
    after: int,
    built: Path,
    wheel: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = content(built)
    written = 0
    write = Path.write_bytes

    def fail(path: Path, data: bytes) -> int:
        nonlocal written
        if written == after:
            write(path, data[: len(data) // 2])
            raise failure
        written += 1
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(ModelError if isinstance(failure, OSError) else KeyboardInterrupt):
        registry.get("vgg-msd", source=wheel)
    assert content(built) == before


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(ModelError, match="PYPLUGIN_MODELS"):
        registry.get("vgg-msd", source=wheel)


def test_missing_schema_says_what_to_do(
    folder: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(ModelError, match="copy its models folder here"):
        registry.get("musicnn-mtt", source=wheel)
    assert not folder.exists()


def test_models_copied_from_another_machine_load_and_verify_without_the_schema(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    assert registry.load("musicnn-msd").card.patch_frames == 187
    assert all(item.ok for item in registry.verify())


def test_the_shipped_folder_has_a_calibration_of_every_network() -> None:
    calibrations = registry.shipped_folder() / "calibration"
    assert {path.stem for path in calibrations.glob("*.json")} == set(NAMES)
    assert sum(path.stat().st_size for path in calibrations.iterdir()) < 200_000


def test_the_model_that_comes_with_pyplugin_needs_no_network_and_no_folder(folder: Path) -> None:
    model = registry.load("scene")
    assert not folder.exists()
    assert len(model.data) <= 250_000
    assert model.card.labels == LABELS
    assert registry.available()[0].name == "scene"
    with pytest.raises(ModelError, match="scene comes with pyplugin; there is nothing to build"):
        registry.get("scene")


@pytest.fixture
def users(built: Path) -> Path:
    """A data folder into which a user has put a model of another family, with its card."""
    shutil.copy(built / "musicnn-msd.tflite", built / "mine-2.0.tflite")
    card = (built / "musicnn-msd.json").read_text()
    (built / "mine-2.0.json").write_text(card.replace('"musicnn-msd"', '"mine-2.0"', 1))
    return built


def test_a_model_that_a_user_has_put_into_the_folder_has_its_name(users: Path) -> None:
    model = registry.load("mine-2.0")
    assert (model.name, model.path) == ("mine-2.0", users / "mine-2.0.tflite")
    status = {each.name: each for each in registry.available()}["mine-2.0"]
    assert (status.built, status.description) == (True, model.card.description)
    assert {each.name: each.ok for each in registry.verify()}["mine-2.0"]
    assert registry.labels("mine-2.0") == model.card.labels
    with pytest.raises(ModelError, match=r"did you mean 'mine-2\.0'"):
        registry.load("mine-2")
    with pytest.raises(ModelError, match=r"mine-2\.0 was put into .*; no importer has it"):
        registry.get("mine-2.0")


def test_a_users_model_with_a_damaged_card_is_listed_with_the_problem(users: Path) -> None:
    (users / "mine-2.0.json").write_text("{")
    status = {each.name: each for each in registry.available()}["mine-2.0"]
    assert "mine-2.0.json" in status.description
    assert "mine-2.0.json" in {each.name: each for each in registry.verify()}["mine-2.0"].problem


def test_a_damaged_users_model_says_to_get_it_again(users: Path) -> None:
    (users / "mine-2.0.tflite").write_bytes(b"half")
    with pytest.raises(ModelError, match="get the file and its card again"):
        registry.load("mine-2.0")


@pytest.mark.parametrize("name", ["../scene", "models/../scene", "", ".", "mine-2.0/", "\0"])
def test_a_name_is_no_path(name: str, users: Path) -> None:
    with pytest.raises(ModelError, match="There is no model"):
        registry.load(name)


def test_labels_are_known_before_a_model_is_built(folder: Path) -> None:
    assert registry.labels("vgg-mtt-float")[:2] == ("guitar", "classical")
    assert registry.labels("scene")[0] == "speech"
    assert not folder.exists()
