"""Calibration as its command runs it, and the files that it leaves."""

import csv
from pathlib import Path

import numpy as np
import pytest

from pyplugin.models import records
from pyplugin.models.importers.musicnn_wheel import read_network
from pyplugin.training import calibration

COLUMNS = ("path", "seconds", "category", "group", "split")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the shipped one."""
    folder = tmp_path / "shipped"
    (folder / "calibration").mkdir(parents=True)
    monkeypatch.setattr(records, "shipped_folder", lambda: folder)
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Seven seconds of swelling noise a recording, one of them in a group of the clips."""
    soundfile = pytest.importorskip("soundfile", reason="needs soundfile")
    folder = tmp_path / "corpus"
    (folder / "clips").mkdir(parents=True)
    (folder / "clips" / "clips.csv").write_text("file,group\nx.ogg,a;b\n")
    rows = []
    for number, (group, split) in enumerate(
        [("b", "train"), ("c", "train"), ("d", "train"), ("e", "test")]
    ):
        random = np.random.default_rng(number)
        swell = np.linspace(0, 0.3, 7 * 22050)
        name = f"{number}.wav"
        soundfile.write(folder / name, swell * random.standard_normal(len(swell)), 22050)
        rows.append((name, 7, "music", group, split))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return folder


def test_the_command_writes_what_building_then_reads(
    corpus: Path, wheel: Path, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    arguments = ["--corpus", str(corpus), "--wheel", str(wheel), "--network", "vgg-msd"]
    assert calibration.main(arguments) == 0
    assert "4 patches to learn from, 2 to measure drift on" in capsys.readouterr().out
    assert [path.name for path in (shipped / "calibration").iterdir()] == ["vgg-msd.json"]
    record = records.load_record("vgg-msd")
    assert (record.source.recordings, record.source.patches) == (2, 4)
    network = calibration.NETWORKS["vgg-msd"]
    assert set(record.calibration.ranges) == set(network.activations)
    assert set(record.drift.per_label) == set(network.labels)
    assert record.drift.float_max_abs_diff < 0.1
    variables = read_network(wheel, network.folder)
    assert network.build(variables, calibration=record.calibration)


def test_a_corpus_without_manifest_is_named(
    tmp_path: Path, wheel: Path, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibration.main(["--corpus", str(tmp_path), "--wheel", str(wheel)]) == 1
    assert "clips.csv" in capsys.readouterr().err
