"""A process that analyses recordings: ``python -m pyplugin.catalogue.worker FD``.

It gets a :class:`Setup` and a limit of memory on its connection, answers ``True``, then gets lists
of recordings and returns an :class:`Outcome` for each as soon as it is there. It ends when the
connection does.
"""

from __future__ import annotations

import contextlib
import sys
from multiprocessing.connection import Connection

from pyplugin.catalogue.analysis import Analyser
from pyplugin.catalogue.setup import Setup

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
    ),
    "1",
)
"""Environment of a worker: there is one for each core, so libraries start no threads."""


def limit_memory(megabytes: int | None) -> None:
    """Let allocations beyond a limit fail with MemoryError; not on Windows and macOS."""
    if megabytes is not None and resource is not None:
        size = megabytes << 20
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def main() -> None:
    """Serve the connection until it ends."""
    connection = Connection(int(sys.argv[1]))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        setup, memory = connection.recv()
        assert isinstance(setup, Setup)
        limit_memory(memory)
        with Analyser(setup) as analyser:
            connection.send(True)
            while True:
                for found in connection.recv():
                    connection.send(analyser.outcome(found))


if __name__ == "__main__":
    main()
