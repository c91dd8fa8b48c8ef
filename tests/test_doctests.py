"""The examples in docstrings run; those of modules that need PyTorch in tests/training."""

import pytest
from helpers import modules_with_examples, run_examples


@pytest.mark.parametrize("name", modules_with_examples(torch=False))
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_examples(name) == 0
