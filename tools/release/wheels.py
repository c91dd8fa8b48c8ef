"""Wheels of the Python package for Linux, by zig through scikit-build-core, and its sdist."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import sysconfig
import tarfile
from pathlib import Path

from release.compiling import ReleaseError, link_flags, options, run
from release.targets import GLIBC, TARGETS, Slice, Target

POLICY = "manylinux2014"  # PEP 599: GLIBC of targets.py, by the name that pips of all ages know
CHANGED = {  # what differs between processors in pyconfig.h, as each compiler knows it
    "SIZEOF_LONG": "__SIZEOF_LONG__",
    "SIZEOF_SIZE_T": "__SIZEOF_SIZE_T__",
    "SIZEOF_VOID_P": "__SIZEOF_POINTER__",
    "SIZEOF_UINTPTR_T": "__SIZEOF_POINTER__",
    "SIZEOF_TIME_T": "__SIZEOF_LONG__",
    "SIZEOF_LONG_DOUBLE": "__SIZEOF_LONG_DOUBLE__",
}


def build(out: Path, work: Path, seconds: int) -> list[Path]:
    """Build the sdist, and wheels from it; return their paths."""
    env = {"SOURCE_DATE_EPOCH": str(seconds)}
    source = work / "python"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    run(sys.executable, "-m", "build", "--sdist", "--outdir", source, env=env)
    (sdist,) = source.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(source, filter="data")
    unpacked = source / sdist.name.removesuffix(".tar.gz")
    headers = write_headers(source / "include")
    found = [Path(shutil.copy(sdist, out))]
    for target in TARGETS.values():
        if target.system == "Linux":
            wheel = _wheel(target, unpacked, headers, work, env)
            found.append(Path(shutil.copy(wheel, out)))
    return found


def write_headers(folder: Path) -> Path:
    """Copy Python's headers, with sizes that the compiler decides: they are this machine's."""
    shutil.copytree(sysconfig.get_path("include"), folder)
    text = Path(sysconfig.get_config_h_filename()).read_text(encoding="utf-8")
    for name, value in CHANGED.items():
        text = re.sub(rf"^#define {name} \d+$", f"#define {name} {value}", text, flags=re.MULTILINE)
    (folder / "pyconfig.h").write_text(text, encoding="utf-8")
    return folder


def _wheel(target: Target, source: Path, headers: Path, work: Path, env: dict[str, str]) -> Path:
    part = target.slices[0]
    folder = work / "wheels" / target.name
    shutil.rmtree(folder, ignore_errors=True)
    arguments = [
        *options(target, part, work / "compilers" / f"{target.name}-{part.processor}"),
        f"-DPython_INCLUDE_DIR={headers}",
        f'-DCMAKE_C_FLAGS="-ffile-prefix-map={source}=."',
        f"-DCMAKE_MODULE_LINKER_FLAGS={link_flags(target)}",
    ]
    platform = f"linux-{part.processor}"
    cross = {"CMAKE_ARGS": shlex.join(arguments), "_PYTHON_HOST_PLATFORM": platform}
    # an environment of pip's own would get the other machine's wheels
    command = ("build", "--wheel", "--no-isolation", "--outdir", folder, source)
    run(sys.executable, "-m", *command, env={**env, **cross})
    (plain,) = folder.glob("*.whl")
    _check(plain, part)
    tag = f"{POLICY}_{part.processor}.manylinux_{GLIBC.replace('.', '_')}_{part.processor}"
    run(sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", tag, plain, env=env)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _check(wheel: Path, part: Slice) -> None:
    """Check that auditwheel agrees with the name that the wheel is to have."""
    shown = run(sys.executable, "-m", "auditwheel", "show", wheel)
    words = " ".join(shown.split())
    found = re.search(r"platform tag: \"manylinux_(\d+)_(\d+)_(\w+)\"", words)
    allowed = tuple(map(int, GLIBC.split(".")))
    if found is None or found[3] != part.processor or (int(found[1]), int(found[2])) > allowed:
        raise ReleaseError(f"{wheel.name} is not for {POLICY} on {part.processor}:\n{shown}")
