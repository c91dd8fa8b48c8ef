"""Results of calibration: one small JSON file a network, shipped with pyplugin."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec import MsgspecError, convert, to_builtins

from pyplugin.errors import ModelError
from pyplugin.models.card import CalibrationSource, Drift
from pyplugin.models.folders import shipped_folder
from pyplugin.models.quantisation import Calibration
from pyplugin.support.arrays import Float64
from pyplugin.support.documents import parse_json


@dataclass(frozen=True, eq=False)
class Record:
    """A calibration, where it came from and what the int8 model then lost.

    Attributes
    ----------
    calibration : Calibration
    source : CalibrationSource
    drift : Drift
    """

    calibration: Calibration
    source: CalibrationSource
    drift: Drift


def load_record(name: str) -> Record:
    """Read the calibration that is shipped for a network.

    Parameters
    ----------
    name : str
        Of the network, without suffix.

    Raises
    ------
    ModelError
        When the file is missing or damaged.
    """
    path = _record_path(name)
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        ranges = {key: (float(low), float(high)) for key, (low, high) in content["ranges"].items()}
        return Record(
            Calibration(ranges, _arrays(content["equalisation"]), _arrays(content["corrections"])),
            convert(content["source"], CalibrationSource),
            convert(content["drift"], Drift),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, MsgspecError) as error:
        raise ModelError(
            f"The calibration {path} is missing or damaged ({error}); install pyplugin again."
        ) from error


def save_record(name: str, record: Record) -> Path:
    """Write the calibration of a network where `load_record` finds it; return the path."""
    calibration = record.calibration
    content = {
        "source": to_builtins(record.source),
        "drift": to_builtins(record.drift),
        "ranges": calibration.ranges,
        "equalisation": _lists(calibration.equalisation),
        "corrections": _lists(calibration.corrections),
    }
    lines = (f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in content.items())
    path = _record_path(name)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return path


def _record_path(name: str) -> Path:
    return shipped_folder() / "calibration" / f"{name}.json"


def _lists(arrays: dict[str, Float64]) -> dict[str, list[float]]:
    return {key: values.tolist() for key, values in arrays.items()}


def _arrays(content: dict[str, list[float]]) -> dict[str, Float64]:
    return {key: np.array(values, np.float64) for key, values in content.items()}
