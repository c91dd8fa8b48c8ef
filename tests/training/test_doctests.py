"""The examples in docstrings of modules that need PyTorch run."""

import pytest
from helpers import modules_with_examples, run_examples


@pytest.mark.parametrize("name", modules_with_examples(torch=True))
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        failed = run_examples(name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        pytest.skip("needs torch: pip install 'tagnode[network]'")
    assert failed == 0
