"""The process in which onnxruntime runs a network once, for the shapes of its results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyplugin.support.apart import RefusedError, serve


def _work(job: Mapping[str, Any]) -> dict[str, list[int]]:
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            Path("network.onnx").read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        given = {name: np.zeros(shape, np.float32) for name, shape in job["inputs"].items()}
        names = [output.name for output in session.get_outputs()]
        results = session.run(names, given)
    except Exception as error:  # onnxruntime's errors have no class of their own
        lines = str(error).splitlines()
        reason = lines[0][:300] if lines else "no reason given"
        raise RefusedError(f"onnxruntime cannot run the network: {reason}") from error
    return {
        name: list(value.shape)
        for name, value in zip(names, results, strict=True)
        if isinstance(value, np.ndarray) and value.dtype == np.float32
    }


if __name__ == "__main__":
    serve(_work)
