"""``tagnode separate``: files, options, and sentences for what is wrong."""

import numpy as np
import pytest
import soundfile
from small_unets import variables_of, written

pytest.importorskip("ai_edge_litert", reason="needs LiteRT")


@pytest.fixture
def models(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    folder.mkdir()
    written(folder, "spleeter-2stems", variables_of(2), patch=64)
    for end in (".tflite", ".json"):
        (folder / f"spleeter-2stems-p64{end}").rename(folder / f"spleeter-2stems{end}")
    monkeypatch.setenv("PYPLUGIN_MODELS", str(folder))
    return folder


def test_each_file_gets_a_folder(run, tmp_path, song, models):
    out = tmp_path / "stems"
    code, printed, _ = run("separate", song, "--out", out, "--residual", "--format", "flac")
    assert code == 0
    names = {"vocals.flac", "accompaniment.flac", "residual.flac"}
    assert {path.name for path in (out / "song").iterdir()} == names
    assert printed.count("5.0 s") == 3
    parts = [soundfile.read(out / "song" / name)[0] for name in names]
    np.testing.assert_allclose(sum(parts), soundfile.read(song)[0], atol=1e-6)


def test_the_spectrograms_are_plotted(run, tmp_path, song, models):
    from matplotlib.image import imread

    given = ("--out", tmp_path / "out", "--plot", tmp_path / "stems.png", "--residual")
    code, _, err = run("separate", song, *given)
    assert code == 0, err
    height, width = imread(tmp_path / "stems.png").shape[:2]
    assert width == 1440
    assert height > 4 * 2 * 120  # the recording and three stems
    code, _, err = run("separate", song, tmp_path / "out" / "song" / "vocals.wav", *given)
    assert code == 2
    assert "--plot needs one FILE; 2 were given" in err
    code, _, err = run("separate", song, "--out", tmp_path / "new", "--plot", "stems.jpg")
    assert code == 2
    assert not (tmp_path / "new").exists()


def test_only_the_stems_that_are_wanted(run, tmp_path, song, models):
    code, _, _ = run(
        "separate", song, "--out", tmp_path / "one", "--stems", "vocals", "--wiener", 1
    )
    assert code == 0
    assert [path.name for path in (tmp_path / "one" / "song").iterdir()] == ["vocals.wav"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stems", "vocls"], "did you mean 'vocals'"),
        (["--model", "spleeter-4stems"], "has not been built"),
        (["--model", "scene"], "no model of stems"),
        (["--overlap", "5"], "multiple of 64"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(run, tmp_path, song, models, options, message):
    code, _, err = run("separate", song, "--out", tmp_path / "out", *options)
    assert code == 2
    assert message in err
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_read_does_not_stop_the_others(run, tmp_path, song, models):
    (tmp_path / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "six.wav", np.zeros((44100, 6)), 44100)
    given = [tmp_path / "text.wav", tmp_path / "six.wav", song]
    code, _, err = run("separate", *given, "--out", tmp_path / "out")
    assert code == 2
    assert "6 channels" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in (tmp_path / "out" / "song").iterdir())


def test_two_files_of_one_name_are_refused(run, tmp_path, song, models):
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "song.wav"
    other.write_bytes(song.read_bytes())
    code, _, err = run("separate", song, other, "--out", tmp_path / "out")
    assert code == 2
    assert "would both become" in err


def test_embed_writes_the_bottlenecks(run, tmp_path, song, models):
    code, _, _ = run("embed", song, "--out", tmp_path / "e.npy", "--model", "spleeter-2stems")
    assert code == 0
    rows = np.load(tmp_path / "e.npy")
    assert rows.shape[1] == 2 * (6 + 16)
    assert len(rows) == 3  # of 1.5 s, in 5 s
    code, _, _ = run(
        "embed", song, "--out", tmp_path / "e.npy", "--model", "spleeter-2stems", "--layer", "x"
    )
    assert code == 2
