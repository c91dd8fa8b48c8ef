"""The process in which TensorFlow converts a network: ``graph.pb`` to ``network.tflite``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyplugin.support.apart import RefusedError, serve


def _work(job: Mapping[str, Any]) -> None:
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(Path("graph.pb").read_bytes())
    try:
        converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(
            "graph.pb", list(job["inputs"]), job["outputs"], job["inputs"]
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.allow_custom_ops = False
        Path("network.tflite").write_bytes(converter.convert())
    except Exception as error:  # the converter raises anything
        raise RefusedError(_sentence(str(error), graph)) from error


def _sentence(text: str, graph: Any) -> str:
    """Return what the user has to know of an error of the converter."""
    known = {node.op for node in graph.node}
    named = set(re.findall(r"tf\.(\w+)", text)) | set(re.findall(r"Flex(\w+)", text))
    lacking = sorted(named & known)
    if lacking:
        return f"TensorFlow cannot convert it either: .tflite has no operator {', '.join(lacking)}."
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"TensorFlow cannot convert it either: {lines[0][:300] if lines else 'no reason given'}."


if __name__ == "__main__":
    serve(_work)
