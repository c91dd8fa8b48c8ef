"""The plugins for audio workstations: where they are, and installing them where hosts scan.

Tagnode is one plugin in three formats, LV2, CLAP and VST3; ``make plugins`` builds them. It needs
no Python: this module copies and checks files.
"""

import filecmp
import os
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pyplugin.errors import PypluginError
from pyplugin.support.files import sentence
from pyplugin.support.shipped import shipped


@dataclass(frozen=True)
class Format:
    """One of the three formats.

    Attributes
    ----------
    name : str
        As displayed.
    bundle : str
        Name of the plugin's file or folder.
    binary : str
        Path of the shared object in it; "" where the bundle is that file.
    entry : str
        Entry point that hosts look up.
    user, system : str
        Folders that hosts scan, with ``~`` and environment variables.
    """

    name: str
    bundle: str
    binary: str
    entry: str
    user: str
    system: str


def formats_of(system: str, machine: str) -> dict[str, Format]:
    """Return the three formats on an operating system.

    Parameters
    ----------
    system : str
        As :data:`sys.platform`.
    machine : str
        As :func:`platform.machine`.

    Examples
    --------
    >>> formats_of("darwin", "arm64")["clap"].binary
    'Contents/MacOS/tagnode'
    """
    shared, clap = "tagnode.so", ""
    if system == "darwin":
        users, systems = "~/Library/Audio/Plug-Ins", "/Library/Audio/Plug-Ins"
        places = {name: (f"{users}/{name}", f"{systems}/{name}") for name in ("LV2", "CLAP")}
        places["VST3"] = (f"{users}/VST3", f"{systems}/VST3")
        inside, clap = "Contents/MacOS/Tagnode", "Contents/MacOS/tagnode"
    elif system == "win32":
        mine, common = r"%LOCALAPPDATA%\Programs\Common", "%COMMONPROGRAMFILES%"
        places = {name: (rf"{mine}\{name}", rf"{common}\{name}") for name in ("CLAP", "VST3")}
        places["LV2"] = (r"%APPDATA%\LV2", rf"{common}\LV2")
        inside = f"Contents/{'x86_64' if machine == 'AMD64' else machine.lower()}-win/Tagnode.vst3"
        shared = "tagnode.dll"
    else:
        places = {
            "LV2": ("~/.lv2", "/usr/local/lib/lv2"),
            "CLAP": ("~/.clap", "/usr/lib/clap"),
            "VST3": ("~/.vst3", "/usr/local/lib/vst3"),
        }
        inside = f"Contents/{machine}-linux/Tagnode.so"
    return {
        "lv2": Format("LV2", "tagnode.lv2", shared, "lv2_descriptor", *places["LV2"]),
        "clap": Format("CLAP", "tagnode.clap", clap, "clap_entry", *places["CLAP"]),
        "vst3": Format("VST3", "Tagnode.vst3", inside, "GetPluginFactory", *places["VST3"]),
    }


FORMATS = formats_of(sys.platform, platform.machine())
"""By the names of the command line."""


def built_folder() -> Path:
    """Return the folder of the built plugins: in the package or ``build/plugins`` where this runs.

    The environment variable ``PYPLUGIN_PLUGINS`` names another one.

    Raises
    ------
    PypluginError
        They have not been built.
    """
    chosen = os.environ.get("PYPLUGIN_PLUGINS")
    here = Path("build", "plugins").resolve()  # of the source tree, beside an installed package
    places = [Path(chosen).expanduser()] if chosen else [shipped("plugins"), here]
    for place in places:
        if any((place / form.bundle).exists() for form in FORMATS.values()):
            return place
    raise PypluginError(
        f"There are no plugins in {places[0]}; build them with 'make plugins' in the source "
        "tree, or name their folder by the environment variable PYPLUGIN_PLUGINS."
    )


def vst3_path() -> Path:
    """Return the path of the VST3, for ``pedalboard.load_plugin``.

    Raises
    ------
    PypluginError
        It has not been built.

    Examples
    --------
    >>> plugin = pedalboard.load_plugin(str(vst3_path()))  # doctest: +SKIP
    """
    return _built("vst3")


def _built(form: str) -> Path:
    path = built_folder() / FORMATS[form].bundle
    if not path.exists():
        raise PypluginError(f"{path} has not been built; build it with 'make plugins'.")
    return path


def folder(form: str, *, system: bool = False) -> Path:
    """Return the folder that hosts scan for a format: this user's, or the one for all users."""
    chosen = FORMATS[form].system if system else FORMATS[form].user
    return Path(os.path.expandvars(chosen)).expanduser()


def preset_folder(form: str) -> Path:
    """Return the folder of this user's presets of a format.

    CLAP has none; its states go to the user's data folder.
    """
    if form == "lv2":
        return folder("lv2")
    if form == "clap":
        return Path(platformdirs.user_data_dir("pyplugin", appauthor=False)) / "presets"
    places = {"darwin": "~/Library/Audio/Presets", "win32": "~/Documents/VST3 Presets"}
    root = Path(places.get(sys.platform, "~/.vst3/presets")).expanduser()
    return root / "pyplugin" / "Tagnode"


def install(formats: Sequence[str] = (), *, system: bool = False) -> list[Path]:
    """Copy the plugins to the folders that hosts scan, replacing what is there.

    Parameters
    ----------
    formats : sequence of str, optional
        Of :data:`FORMATS`; all of them without it.
    system : bool
        For all users of this machine.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    PypluginError
        They have not been built, or a folder cannot be written.
    """
    written = []
    for form in formats or FORMATS:
        source = _built(form)
        place = folder(form, system=system) / source.name
        try:
            _replace(source, place)
        except OSError as error:
            advice = "run this as root" if system else "look at the permissions of its folder"
            problem = f"{place} cannot be written: {sentence(error)}; {advice}."
            raise PypluginError(problem) from error
        written.append(place)
    return written


def uninstall(formats: Sequence[str] = (), *, system: bool = False) -> list[Path]:
    """Remove the plugins from the folders that hosts scan; return what was removed.

    Raises
    ------
    PypluginError
        The system refuses.
    """
    removed = []
    for form in formats or FORMATS:
        place = folder(form, system=system) / FORMATS[form].bundle
        if not place.exists():
            continue
        try:
            _remove(place)
        except OSError as error:
            raise PypluginError(f"{place} cannot be removed: {sentence(error)}.") from error
        removed.append(place)
    return removed


def _replace(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        if source.is_dir():
            shutil.copytree(source, part)
        else:
            shutil.copy2(source, part)
        if place.exists():
            _remove(place)
        part.rename(place)
    finally:
        if part.exists():
            _remove(part)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@dataclass(frozen=True)
class Check:
    """The result of :func:`check` for one plugin.

    Attributes
    ----------
    path : Path
    problem : str
        A sentence; empty if there is none.
    outdated : bool
        A newer one has been built.
    """

    path: Path
    problem: str
    outdated: bool


def check(path: Path, form: str) -> Check:
    """Check that a plugin is complete: its binary loads and has the entry point.

    It is loaded in a process of its own, so that a broken one cannot crash this one.
    """
    about = FORMATS[form]
    binary = path / about.binary if about.binary else path
    if not binary.is_file():
        return Check(path, f"{binary} is missing; install the plugins again.", outdated=False)
    program = "import ctypes, sys; getattr(ctypes.CDLL(sys.argv[1]), sys.argv[2])"
    command = [sys.executable, "-c", program, str(binary.resolve()), about.entry]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        reason = lines[-1] if lines else f"its process ended with status {done.returncode}"
        return Check(path, f"{binary} does not load ({reason}); install it again.", outdated=False)
    try:
        source = built_folder() / about.bundle
    except PypluginError:
        return Check(path, "", outdated=False)
    other = source / about.binary if about.binary else source
    outdated = other.is_file() and not filecmp.cmp(binary, other, shallow=False)
    return Check(path, "", outdated)
