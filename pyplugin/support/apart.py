"""Work in a process of its own, with limits of time and memory, on files that nobody has checked.

:func:`run_apart` starts a module and waits for it; the module ends with :func:`serve`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pyplugin.errors import PypluginError
from pyplugin.support.files import sentence

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_JOB, _RESULT, _LOG = "job.json", "result.json", "log.txt"
_FILE_BYTES = 1 << 30
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class RefusedError(Exception):
    """What a module refuses; the sentence is for the user."""


def run_apart(
    module: str,
    job: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    what: str,
    seconds: float,
    memory: int,
    result: str | None = None,
    error: type[PypluginError] = PypluginError,
) -> Any:
    """Run a module in a process of its own, in a folder of its own, without output.

    Parameters
    ----------
    module
        Its name; it calls `serve`.
    job
        What the work gets: JSON.
    files
        Contents of files in its folder.
    what
        Subject of the messages: ``"The conversion"``.
    seconds, memory
        Limits. Memory is in bytes, and is not limited on Windows and macOS.
    result
        A file that it writes; its content is returned instead of what the work returns.
    error
        Class of the exception.

    Returns
    -------
    object
        What the work returned, or the content of the file.

    Raises
    ------
    PypluginError
        The module refused the job, failed, or exceeded a limit.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pyplugin-")))
            for place, content in files.items():
                (folder / place).write_bytes(content)
            (folder / _JOB).write_text(json.dumps({"memory": memory, **job}), encoding="utf-8")
            status = _waited(module, folder, what, seconds, error)
        except OSError as reason:
            raise error(f"{what} cannot be started: {sentence(reason)}.") from reason
        try:
            answer = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise error(_why_it_ended(folder, what, status, memory)) from None
        if "refused" in answer:
            raise error(answer["refused"])
        if result is None:
            return answer["result"]
        return (folder / result).read_bytes()


def _waited(
    module: str, folder: Path, what: str, seconds: float, error: type[PypluginError]
) -> int:
    """Run the process to its end, and return its exit status; it never outlives this function."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONSAFEPATH": "1"}
    with (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=folder,
            env={**os.environ, **quiet},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # an interrupt of the terminal is for us
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise error(f"{what} took more than {seconds:.0f} s and was stopped.") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _why_it_ended(folder: Path, what: str, status: int, memory: int) -> str:
    log = (folder / _LOG).read_text(encoding="utf-8", errors="replace")
    if "MemoryError" in log or "bad_alloc" in log:
        return f"{what} needs more than {memory / (1 << 30):.0f} GiB of memory."
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last = f": {lines[-1][:300]}" if lines else ""
    return f"{what} failed with the status {status}{last}."


def serve(work: Callable[[Mapping[str, Any]], Any]) -> None:
    """Do the work of a process that `run_apart` started, in its folder.

    Parameters
    ----------
    work
        Gets the job; what it returns is JSON. A :class:`RefusedError` is a message for the user.
    """
    job = json.loads(Path(_JOB).read_text(encoding="utf-8"))
    _limit(int(job["memory"]))
    try:
        answer = {"result": work(job)}
    except RefusedError as error:
        answer = {"refused": str(error)}
    part = Path(_RESULT + ".part")
    part.write_text(json.dumps(answer), encoding="utf-8")
    part.replace(_RESULT)
    sys.stdout.flush()
    os._exit(0)  # libraries of this size need seconds to take themselves down


def _limit(memory: int) -> None:
    """Limit memory and files, and end with the process that started this one."""
    if resource is not None:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
