"""What tests of explanations share."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import Probe
from planted import planted_model, write_sounds

from pyplugin.models.model import Model


@pytest.fixture(scope="session")
def planted(probe: Probe) -> Model:
    return planted_model(probe)


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("explain") / "sounds")
