"""A collection, and its catalogue."""

from pathlib import Path

import pandas as pd
import pytest
from collections_of_sounds import Inline, write_collection

from pyplugin.catalogue.building import build
from pyplugin.catalogue.query import Database
from pyplugin.catalogue.setup import Setup
from pyplugin.catalogue.store import Catalogue


@pytest.fixture
def collection(tmp_path) -> Path:
    return write_collection(tmp_path / "music")


@pytest.fixture(scope="session")
def setup() -> Setup:
    return Setup.of(["scene"], embeddings=True, windows=True)


@pytest.fixture(scope="session")
def built(setup, tmp_path_factory) -> Catalogue:
    """A catalogue that tests only read; its recordings are beside it."""
    folder = tmp_path_factory.mktemp("catalogue")
    write_collection(folder / "music")
    build([str(folder / "music")], folder / "tags", setup, Inline)
    return Catalogue(folder / "tags")


@pytest.fixture
def database(built):
    """The catalogue to query."""
    with Database(built) as made:
        yield made


@pytest.fixture
def frame(built) -> pd.DataFrame:
    """Its recordings as pandas reads them, in the order of their paths."""
    return pd.read_parquet(built.folder / "recordings").sort_values("path")
