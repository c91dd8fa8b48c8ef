"""What cffi gets of tagnode.h: every function and type, and nothing that it cannot read."""

import re
import runpy
from pathlib import Path

import pytest
from cffi import FFI

from pyplugin._native import lib

ROOT = Path(__file__).parents[2]
HEADER = (ROOT / "native" / "include" / "tagnode.h").read_text(encoding="utf-8")
BUILD = ROOT / "pyplugin" / "_native" / "build.py"  # not in the installed package


@pytest.fixture(scope="module")
def build():
    return runpy.run_path(str(BUILD))


@pytest.fixture(scope="module")
def declarations(build):
    return build["declarations"](HEADER)


def public_functions() -> set[str]:
    """Names of what the header marks as public: the word before the first bracket."""
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
    return set(re.findall(r"^TAGNODE_API\b[^(;]*?\b(tagnode_\w+)\(", code, flags=re.MULTILINE))


def test_every_public_function_is_declared_and_in_the_module(declarations):
    functions = public_functions()
    assert len(functions) > 50
    assert {"tagnode_create", "tagnode_prepare", "tagnode_process"} <= functions
    ffi = FFI()
    ffi.cdef(declarations)
    declared = {name for name in dir(ffi.dlopen(None)) if name.startswith("tagnode_")}
    assert declared == functions
    assert functions <= set(dir(lib))


def test_no_preprocessor_line_comment_or_macro_is_left(declarations):
    assert not re.search(r"^\s*#", declarations, flags=re.MULTILINE)
    assert "/*" not in declarations
    assert not re.search(r"TAGNODE_(API|NONBLOCKING)\b", declarations)
    assert 'extern "C"' not in declarations
    assert declarations.count("{") == declarations.count("}")


def test_continued_macros_and_comments_over_lines_are_taken_out(build):
    header = """
        #ifdef __cplusplus
        extern
        #endif
        #define TWO_LINES(x) \\
            do_something(x)
        /* A comment with # and
           TAGNODE_API int no(void); */
        TAGNODE_API int yes(int a) TAGNODE_NONBLOCKING; /* kept */
    """
    left = build["declarations"](header.replace("extern\n", "\n"))
    assert left.split() == ["int", "yes(int", "a)", ";"]


def test_the_source_written_is_of_the_module_that_is_imported(build, tmp_path):
    output = tmp_path / "_tagnode.c"
    build["main"](ROOT / "native" / "include" / "tagnode.h", output)
    text = output.read_text()
    assert '#include "tagnode.h"' in text
    assert lib.__name__ == "pyplugin._native._tagnode.lib"
    assert '"pyplugin._native._tagnode"' in text
    assert all(f"{name}(" in text for name in public_functions())
