"""Writes the C source of the cffi module from the public header: the two cannot drift apart."""

import re
import sys
from pathlib import Path

from cffi import FFI


def declarations(header: str) -> str:
    """Return what cffi needs of tagnode.h: no preprocessor lines, no attribute macros."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(
        r'#ifdef __cplusplus\nextern "C" \{\n#endif|#ifdef __cplusplus\n\}\n#endif', "", text
    )
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"\bTAGNODE_(API|NONBLOCKING)\b", "", text)


def main(header: Path, output: Path) -> None:
    """Emit the C source of ``pyplugin._native._tagnode``."""
    ffi = FFI()
    ffi.cdef(declarations(header.read_text(encoding="utf-8")))
    ffi.set_source("pyplugin._native._tagnode", '#include "tagnode.h"')
    ffi.emit_c_code(str(output))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
