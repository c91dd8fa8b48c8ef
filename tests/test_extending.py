"""The blocks of docs/extending.md work: they are applied to a copy of the sources and run there."""

import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(diff|python)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The package is installed editable: without its finder the copy is imported.
PRELUDE = """
import sys
sys.meta_path[:] = [each for each in sys.meta_path if "Editable" not in type(each).__name__
                    and "ScikitBuild" not in type(each).__name__]
sys.path.insert(0, {copy!r})
import pyplugin
assert pyplugin.__file__.startswith({copy!r})
"""


@dataclass
class Section:
    """What a section of the page adds."""

    title: str
    diffs: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)

    @property
    def touched(self) -> set[str]:
        changed = re.findall(r"^\+\+\+ b/(\S+)", "\n".join(self.diffs), re.MULTILINE)
        return {*changed, *self.files}


def sections() -> list[Section]:
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        section = Section(part.partition("\n")[0])
        for kind, path, block in BLOCK.findall(part):
            if kind == "diff":
                section.diffs.append(block)
            elif path:
                section.files[path] = block
            else:
                section.checks.append(block)
        if section.checks:
            found.append(section)
    return found


SECTIONS = sections()


def run(*command: object, at: Path, given: str | None = None) -> None:
    done = subprocess.run(
        [str(each) for each in command], cwd=at, input=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def build(copy: Path) -> None:
    """Build libtagnode, and the extension module over it."""
    run("cmake", "-S", "native", "-B", "lib", "-DCMAKE_C_FLAGS_RELEASE=-O0", at=copy)
    run("cmake", "--build", "lib", "--parallel", "2", "--target", "tagnode", at=copy)
    source, header = copy / "_tagnode.c", copy / "native" / "include" / "tagnode.h"
    run(sys.executable, "pyplugin/_native/build.py", header, source, at=copy)
    include = sysconfig.get_path("include")
    run(
        *("cc", "-shared", "-fPIC", f"-I{include}", "-Inative/include", source),
        *("lib/libtagnode.a", "-lm", "-lpthread", "-ldl"),
        *("-o", "pyplugin/_native/_tagnode.abi3.so"),
        at=copy,
    )


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the sources with everything that the page adds, built."""
    for tool in ("cmake", "cc", "git"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    copy = tmp_path_factory.mktemp("extended")
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    for folder in ("native", "pyplugin", "presets", "models"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    shutil.copy(ROOT / "examples" / "demo" / "demo.ogg", copy)
    for section in SECTIONS:
        for diff in section.diffs:
            run("git", "apply", "-", at=copy, given=diff)
        for path, text in section.files.items():
            assert not (copy / path).exists()
            (copy / path).write_text(text, encoding="utf-8")
    build(copy)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_the_example_works(extended, section):
    for check in section.checks:
        run(sys.executable, "-c", PRELUDE.format(copy=str(extended)) + check, at=extended)


@pytest.mark.slow
def test_the_plugin_compiles_with_its_new_parameter(extended):
    folders = [f"-Inative/{each}" for each in ("include", "src", "plugin", "plugin/core")]
    flags = ("-std=c11", "-D_POSIX_C_SOURCE=200809L", "-fsyntax-only", "-Werror")
    run("cc", *flags, *folders, "native/plugin/core/tagplug.c", at=extended)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_three_files_are_enough(section):
    assert 1 <= len(section.touched) <= 3
