"""Models that the tests of stems share."""

import pytest
from small_unets import passing, variables_of, written

from pyplugin.stems.network import StemNetwork


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stems")


@pytest.fixture(scope="session")
def random_model(folder):
    """Two stems, random weights, patches of 128 spectra."""
    return written(folder, "spleeter-2stems", variables_of(2), patch=128)


@pytest.fixture(scope="session")
def passing_model(folder):
    """Everything up to 11 kHz is vocals; patches of 64 spectra."""
    return written(folder, "spleeter-2stems", passing("spleeter-2stems", "vocals"), patch=64)


@pytest.fixture
def random_network(random_model):
    return StemNetwork(random_model)


@pytest.fixture
def passing_network(passing_model):
    return StemNetwork(passing_model)
