"""The conditions of a measurement: processor, instruction set, versions, date."""

import importlib.metadata
import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

PACKAGES = (
    "pyplugin",
    "numpy",
    "ai-edge-litert",
    "librosa",
    "essentia-tensorflow",
    "kaldi-native-fbank",
    "soxr",
)


def facts() -> dict[str, Any]:
    from pyplugin._native import ffi, lib

    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "instruction_set": ffi.string(lib.tagnode_frontend_instruction_set()).decode(),
        "model_instruction_set": ffi.string(lib.tagnode_model_instruction_set()).decode(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := version(name)) is not None},
    }


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(("model name", "Model")) and ":" in line:  # x86, Arm
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
