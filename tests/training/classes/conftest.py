"""What the tests of networks of classes share: a small dataset of GTZAN's layout."""

import contextlib
from pathlib import Path

import pytest
from genres import write_genres

from pyplugin.training.dataset import LabelledClip, read_dataset


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Two would wait for each other on a busy machine."""
    with contextlib.suppress(ImportError):
        import torch

        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def genres(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with one subfolder a class; the tags name the artists."""
    return write_genres(tmp_path_factory.mktemp("genres"))


@pytest.fixture(scope="session")
def clips(genres: Path) -> list[LabelledClip]:
    return read_dataset(genres).clips


@pytest.fixture(scope="session")
def features(clips):
    """The mel spectrograms of all clips, for the architecture ``own``."""
    from pyplugin.training.classes.features import compute_features
    from pyplugin.training.classes.settings import ARCHITECTURES

    return compute_features(clips, ARCHITECTURES["own"]).clips
