"""The command line: ``tagnode``. One module for each command, loaded when called."""

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

_PROGRAM = os.path.basename(sys.argv[0]) in ("pyplugin", "tagnode", "__main__.py")  # noqa: PTH119
if _PROGRAM and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # While the program itself is loading, Ctrl-C ends it without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from pyplugin.cli.ui.interrupts import Interrupts  # noqa: E402

if TYPE_CHECKING:
    from pyplugin.cli.program import cli as cli
    from pyplugin.cli.program import commands as commands


def __getattr__(name: str) -> Any:
    if name not in ("cli", "commands"):
        raise AttributeError(f"module 'pyplugin.cli' has no attribute {name!r}")
    from pyplugin.cli import program

    return getattr(program, name)


def main() -> None:
    """Run the command line; errors become one sentence on stderr, never a traceback."""
    with Interrupts() as interrupts:
        try:
            from pyplugin.cli.program import run

            code = run(interrupts, globals().get("cli"))
        except KeyboardInterrupt:  # while the command line itself was loaded
            print("tagnode: Stopped.", file=sys.stderr)
            code = 128 + (interrupts.received or 2)
        if code:
            sys.exit(code)
