"""``tagnode embed``: its files hold the embeddings of tag()."""

import numpy as np
import pytest
from helpers import limit_file_size, written_files

import pyplugin

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

RATE = 22050


def test_npy_and_parquet_hold_the_windows_of_all_files(
    run, labelled_clips, model_file, tmp_path, probe
):
    parquet = pytest.importorskip(
        "pyarrow.parquet", reason="needs pyarrow: pip install 'tagnode[train]'"
    )
    files = [labelled_clips / "loud" / "0.wav", labelled_clips / "soft" / "0.wav"]
    results = [pyplugin.tag(file, model=probe.model, embedding="dense") for file in files]
    expected = np.concatenate([result.embeddings for result in results])
    for name in ("e.npy", "e.parquet"):
        code, _, err = run("embed", *files, "--model", model_file, "--out", tmp_path / name)
        assert (code, err) == (0, "")
    np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), expected)
    table = parquet.read_table(tmp_path / "e.parquet").to_pydict()
    np.testing.assert_array_equal(np.array(table["embedding"], np.float32), expected)
    np.testing.assert_array_equal(table["start"], np.concatenate([r.times for r in results]))
    windows = np.subtract(table["end"], table["start"])
    np.testing.assert_allclose(windows, results[0].window)
    assert table["file"] == [str(f) for f, r in zip(files, results, strict=True) for _ in r.times]


def test_the_plot_is_a_picture(run, labelled_clips, model_file, tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'tagnode[plot]'")
    options = ["--model", model_file, "--out", tmp_path / "e.npy", "--plot", tmp_path / "e.png"]
    assert run("embed", *(labelled_clips / "loud").iterdir(), *options)[0] == 0
    data = (tmp_path / "e.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") == 1440


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "x.csv"], "--out is x.csv; a name that ends in .npy, .npz or .parquet"),
        (["--out", "x.npy", "--plot", "x.svg"], "--plot is x.svg; a name that ends in .png"),
        (["--out", "x.npy", "--embedding", "none"], "no output 'none'"),
        (["--out", "missing/x.npy"], "its folder does not exist"),
    ],
)
def test_invalid_options_get_one_sentence(
    run, labelled_clips, model_file, tmp_path, options, message, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("embed", labelled_clips / "loud" / "0.wav", "--model", model_file, *options)
    assert code == 2
    assert message in err
    assert written_files(tmp_path) == set()


@pytest.mark.parametrize("name", ["e.npy", "e.parquet", "e.png"])
def test_a_full_disk_ends_in_a_sentence_and_no_file(
    run, labelled_clips, model_file, tmp_path, name
):
    out = ["--out", tmp_path / name]
    if name.endswith(".png"):
        pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'tagnode[plot]'")
        out = ["--out", tmp_path / "e.npy", "--plot", tmp_path / name]
    files = 4 * sorted(labelled_clips.rglob("*.wav"))
    with limit_file_size(1000 if len(out) == 2 else 10_000):
        code, _, err = run("embed", *files, "--model", model_file, *out)
    assert code == 1
    assert f"{name}' cannot be written" in err
    assert written_files(tmp_path) <= {"e.npy"} - {name}


def test_unreadable_files_are_left_out(run, labelled_clips, model_file, tmp_path):
    (tmp_path / "bad.wav").write_text("no sound")
    files = [tmp_path / "bad.wav", labelled_clips / "loud" / "0.wav"]
    code, out, err = run("embed", *files, "--model", model_file, "--out", tmp_path / "e.npy")
    assert code == 2
    assert "bad.wav" in err
    assert "e.npy" in out
