"""Archives of a release: their bytes, their installers, and the checks of what is inside."""

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile

import pytest
from documents import ROOT

from pyplugin.daw import installation

sys.path.insert(0, str(ROOT / "tools"))
from release import archives
from release.targets import TARGETS

BUNDLES = ("tagnode.lv2", "tagnode.clap", "Tagnode.vst3")


@pytest.fixture
def folder(tmp_path):
    """A folder to pack, with what the file system may have made of it."""
    made = tmp_path / "tagnode-plugins"
    (made / "sub").mkdir(parents=True)
    (made / "sub" / "b.txt").write_text("two")
    (made / "a.sh").write_text("one")
    (made / "a.sh").chmod(0o700)
    return made


@pytest.mark.parametrize("suffix", ["tar.xz", "zip"])
def test_bytes_depend_on_the_content_only(folder, tmp_path, suffix):
    first = archives.pack(folder, tmp_path / f"first.{suffix}", 1_700_000_000).read_bytes()
    os.utime(folder / "a.sh", (1, 1))
    (folder / "a.sh").chmod(0o711)
    (folder / "sub" / "b.txt").chmod(0o600)
    assert archives.pack(folder, tmp_path / f"2.{suffix}", 1_700_000_000).read_bytes() == first


def test_archives_unpack_to_one_folder(folder, tmp_path):
    with tarfile.open(archives.pack(folder, tmp_path / "x.tar.xz", 1_700_000_000)) as packed:
        entries = {each.name: (each.mode, each.uid, each.mtime) for each in packed}
    assert entries == {
        "tagnode-plugins/a.sh": (0o755, 0, 1_700_000_000),
        "tagnode-plugins/sub/b.txt": (0o644, 0, 1_700_000_000),
    }
    with zipfile.ZipFile(archives.pack(folder, tmp_path / "x.zip", 1_700_000_000)) as packed:
        assert packed.namelist() == list(entries)
        assert packed.testzip() is None


def test_checksums_are_those_of_sha256sum(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    archives.write_checksums(tmp_path)
    done = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0
    assert hashlib.sha256(b"abc").hexdigest() in (tmp_path / "SHA256SUMS").read_text()


# ---- installers


@pytest.fixture
def unpacked(tmp_path):
    """An archive's folder with the installers, and files in place of the plugins."""
    from release import bundles

    folder = tmp_path / "with a space"
    (folder / "tagnode.lv2").mkdir(parents=True)
    (folder / "Tagnode.vst3").mkdir()
    for name in ("tagnode.lv2/tagnode.so", "Tagnode.vst3/Tagnode.so", "tagnode.clap"):
        (folder / name).write_text("new")
    bundles._write_texts(TARGETS["linux-x86_64"], folder, "1.2.3")
    return folder


def shell(script, home, *words):
    command = ["sh", str(script), *words]
    environment = {**os.environ, "HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_what_is_installed_replaces_and_is_removed(unpacked, tmp_path):
    home = tmp_path / "a home"
    (home / ".clap").mkdir(parents=True)
    (home / ".clap" / "tagnode.clap").write_text("old")
    (home / ".clap" / "other.clap").write_text("somebody else's")
    done = shell(unpacked / "install.sh", home)
    places = [
        form.user.replace("~", str(home)) + f"/{form.bundle}"
        for form in installation.formats_of("linux", "x86_64").values()
    ]
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == places
    assert (home / ".clap" / "tagnode.clap").read_text() == "new"
    assert (home / ".lv2" / "tagnode.lv2" / "tagnode.so").read_text() == "new"
    assert shell(unpacked / "uninstall.sh", home).stdout.count("removed") == 3
    assert [path.name for path in home.rglob("*") if path.is_file()] == ["other.clap"]
    assert "No plugin" in shell(unpacked / "uninstall.sh", home).stdout


@pytest.mark.parametrize("name", ["install.sh", "uninstall.sh"])
def test_unknown_options_are_refused(unpacked, tmp_path, name):
    done = shell(unpacked / name, tmp_path, "--sytem")
    assert (done.returncode, "--sytem" in done.stderr) == (2, True)


def test_a_folder_that_cannot_be_written_is_named(unpacked, tmp_path):
    (tmp_path / ".lv2").write_text("a file in its place")
    done = shell(unpacked / "install.sh", tmp_path)
    assert done.returncode == 1
    assert f"{tmp_path}/.lv2 cannot be written" in done.stderr


def test_installers_for_windows_name_its_folders(tmp_path):
    from release import bundles

    bundles._write_texts(TARGETS["windows-x86_64"], tmp_path, "1.2.3")
    text = (tmp_path / "install.cmd").read_bytes()
    assert rb'copy /y "tagnode.clap" "%LOCALAPPDATA%\Programs\Common\CLAP\tagnode.clap"' in text
    assert text.count(b"\n") == text.count(b"\r\n")
