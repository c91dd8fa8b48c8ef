"""The fuzzer of the readers of networks runs, and finds nothing in a moment."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(sys.platform != "linux", reason="limits are the system's")
def test_a_few_changes_of_each_format():
    pytest.importorskip("onnx", reason="needs onnx")
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT")
    command = [sys.executable, "tools/fuzz_readers.py", "--executions", "350", "--seed", "5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^350 executions in .*, 0 problems$", done.stdout, re.MULTILINE)
