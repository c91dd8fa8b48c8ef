"""A catalogue as files for other programs."""

import csv
import json

import pandas as pd
import pytest

from pyplugin.catalogue.export import export_csv, export_jams, export_m3u
from pyplugin.inputs.playlists import read_playlist


def test_a_table_has_all_columns(database, built, frame, tmp_path):
    out = tmp_path / "tags.csv"
    assert export_csv(database, out, built.identity["descriptors"], None) == 3
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["path"] for row in rows] == frame["path"].tolist()
    loudness = [float(row["loudness"]) for row in rows]
    assert loudness == pytest.approx(frame["loudness"].tolist(), rel=1e-4)
    assert {f"tag.scene.noise.{each}" for each in ("mean", "max", "share")} <= set(rows[0])


def test_a_playlist_is_one_that_is_read(database, frame, tmp_path):
    out = tmp_path / "noisy.m3u"
    assert export_m3u(database, out, None, "loudness") == 3
    expected = frame.sort_values("loudness", ascending=False)["path"].tolist()
    assert list(read_playlist(str(out))) == expected


def test_jams_have_the_spans_of_the_windows(database, built, tmp_path):
    jams = pytest.importorskip("jams")
    assert export_jams(built, database, tmp_path, "noise > .5") >= 1
    (path,) = list(tmp_path.glob("hiss.jams"))
    note = jams.load(str(path), validate=False).annotations[0]
    windows = pd.read_parquet(built.folder / "windows")
    hiss = windows[windows["path"].str.endswith("hiss.wav")]
    present = {name for name in built.identity["descriptors"] if (hiss[name] >= 0.3).any()}
    assert {each.value for each in note.data} == present
    assert json.loads(path.read_text())["file_metadata"]["title"] == "hiss.wav"
