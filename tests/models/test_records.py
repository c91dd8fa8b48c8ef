"""Calibration records: what is written reads back, damage is named."""

from pathlib import Path

import numpy as np
import pytest

from pyplugin.errors import ModelError
from pyplugin.models import records
from pyplugin.models.card import CalibrationSource, Drift
from pyplugin.models.quantisation import Calibration


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the shipped one."""
    (tmp_path / "calibration").mkdir()
    monkeypatch.setattr(records, "shipped_folder", lambda: tmp_path)
    return tmp_path


def test_a_record_reads_back(shipped: Path) -> None:
    calibration = Calibration(
        {"conv": (-0.5, 2.0)}, {"conv": np.array([1.0, -2.0])}, {"dense": np.array([0.125])}
    )
    written = records.Record(
        calibration, CalibrationSource("noise", 3, 4), Drift(0.1, 0.2, 4.5, {"a": 0.1})
    )
    path = records.save_record("vgg-msd", written)
    assert path == shipped / "calibration" / "vgg-msd.json"
    read = records.load_record("vgg-msd")
    assert (read.source, read.drift) == (written.source, written.drift)
    assert read.calibration.ranges == calibration.ranges
    np.testing.assert_array_equal(read.calibration.equalisation["conv"], [1.0, -2.0])
    np.testing.assert_array_equal(read.calibration.corrections["dense"], [0.125])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"ranges": {"x": [1]}}', '{"ranges": 3}'])
def test_a_damaged_calibration_is_refused(text: str, shipped: Path) -> None:
    (shipped / "calibration" / "vgg-msd.json").write_text(text)
    with pytest.raises(ModelError, match=r"vgg-msd\.json is missing or damaged"):
        records.load_record("vgg-msd")


def test_a_missing_calibration_is_refused(shipped: Path) -> None:
    with pytest.raises(ModelError, match=r"vgg-mtt\.json is missing or damaged"):
        records.load_record("vgg-mtt")
