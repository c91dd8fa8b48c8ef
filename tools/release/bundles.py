"""The folder that an archive holds: plugins, presets, installers, licences."""

from __future__ import annotations

import shutil
from pathlib import Path

from pyplugin.automation.presets import read_preset, shipped_presets
from pyplugin.daw import installation
from pyplugin.daw.presets import export, slots_of
from release.compiling import llvm, run, zig_folder
from release.targets import ROOT, Target

TEMPLATES = Path(__file__).parent / "templates"
COPY = r"""echo {1}\{0}
if not exist "{1}" mkdir "{1}"
{2}
if errorlevel 1 goto failed"""
COPY_FOLDER = r"""if exist "{1}\{0}" rd /s /q "{1}\{0}"
xcopy /e /i /q /y "{0}" "{1}\{0}" >nul"""
COPY_FILE = r'copy /y "{0}" "{1}\{0}" >nul'
DROP = r"""if exist "{1}\{0}" echo removing {1}\{0}
if exist "{1}\{0}\" rd /s /q "{1}\{0}"
if exist "{1}\{0}" del /q "{1}\{0}"
if exist "{1}\{0}" goto failed"""
PLATFORMS = {"Linux": "linux", "Windows": "win32", "Darwin": "darwin"}  # as sys.platform


def formats_of(target: Target) -> dict[str, installation.Format]:
    """Return the plugin's formats on a platform."""
    return installation.formats_of(PLATFORMS[target.system], target.slices[0].processor)


def lay_out(target: Target, built: list[Path], folder: Path, version: str) -> Path:
    """Fill a folder with all that belongs into an archive.

    Parameters
    ----------
    target : Target
    built : list of Path
        Folders with the plugins, one for each processor of the target.
    folder : Path
        Is emptied first.
    version : str
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for form in formats_of(target).values():
        _copy(built[0] / form.bundle, folder / form.bundle)
        if len(built) > 1:
            _join([place / form.bundle / form.binary for place in built], folder, form)
    export([slots_of(read_preset(name)) for name in shipped_presets()], folder / "presets")
    _write_texts(target, folder, version)
    _copy_licences(target, folder / "licences")
    return folder


def _copy(source: Path, place: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, place, ignore=shutil.ignore_patterns("*.lib", "*.a"))
    else:
        shutil.copy(source, place)


def _join(binaries: list[Path], folder: Path, form: installation.Format) -> None:
    """Write one binary for several processors."""
    place = folder / form.bundle / form.binary
    run(llvm("llvm-lipo"), "-create", *binaries, "-output", place)
    place.chmod(0o755)


def _write_texts(target: Target, folder: Path, version: str) -> None:
    windows = target.system == "Windows"
    formats = formats_of(target).values()
    row = COPY if windows else 'copy {0} "{1}" "{2}"'
    drop = DROP if windows else 'drop {0} "{1}" "{2}"'
    names = ["install.cmd", "uninstall.cmd"] if windows else ["install.sh", "uninstall.sh"]
    values = {
        "@version@": version,
        "@platform@": target.name,
        "@installer@": names[0],
        "@uninstaller@": names[1],
        "@copies@": "\n".join(_commands(row, form) for form in formats),
        "@drops@": "\n".join(_commands(drop, form) for form in formats),
        "@folders@": "\n".join(f"    {each.name:6} {each.user}" for each in formats),
    }
    for name in [*names, "README.txt"]:
        text = (TEMPLATES / name).read_text(encoding="utf-8")
        for key, value in values.items():
            text = text.replace(key, value)
        if windows:
            text = text.replace("\n", "\r\n")
        (folder / name).write_bytes(text.encode())
        (folder / name).chmod(0o755 if name.endswith(".sh") else 0o644)


def _commands(pattern: str, form: installation.Format) -> str:
    """Return the lines of an installer for one bundle."""
    single = COPY_FOLDER if form.binary else COPY_FILE
    one = single.format(form.bundle, form.user)
    place = one if pattern is COPY else form.system
    return pattern.format(form.bundle, form.user.replace("~", "$HOME"), place)


def _copy_licences(target: Target, folder: Path) -> None:
    """Copy the licence of this project, and those of what the compilers add to a binary."""
    folder.mkdir()
    texts = {"tagnode.txt": ROOT / "LICENSE"}
    if target.system == "Windows":
        for name in ("mingw-w64-common", "gcc-mingw-w64-base"):
            texts[f"{name}.txt"] = Path("/usr/share/doc") / name / "copyright"
    elif target.system == "Linux":
        texts["zig.txt"] = zig_folder() / "LICENSE"
    for name, source in texts.items():
        shutil.copy(source, folder / name)
        (folder / name).chmod(0o644)
