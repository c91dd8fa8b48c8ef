"""``tagnode models explain``: planted units find their own sounds; bad input is reported."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from helpers import Probe, limit_file_size, sentence
from planted import RATE, planted_model, write_sounds

from pyplugin.models.card import render_card

pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'tagnode[plot]'")


@pytest.fixture(scope="module")
def planted_file(probe: Probe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = planted_model(probe)
    path = tmp_path_factory.mktemp("planted") / "planted.tflite"
    path.write_bytes(model.data)
    path.with_suffix(".json").write_text(render_card(model.card))
    return path


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("explained") / "sounds")


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "chunks.tsv").open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_planted_units_rank_their_own_sounds_first(
    run: Any, planted_file: Path, sounds: Path, tmp_path: Path
) -> None:
    out = tmp_path / "units"
    code, printed, err = run(
        *("models", "explain", planted_file, sounds, "--layer", "detectors"),
        *("--out", out, "--top", 3),
    )
    assert (code, err) == (0, "")
    assert printed == f"{out}/index.html: 3 units of detectors\n"
    best = {row["unit"]: row for row in rows_of(out) if row["rank"] == "1"}
    assert set(best) == {"0", "1"}  # the third is constant
    assert best["0"]["recording"] == str(sounds / "tone.wav")
    assert best["1"]["recording"] == str(sounds / "gap.wav")
    for unit, (begin, end) in {"0": (2.0, 2.5), "1": (3.0, 3.5)}.items():
        at = [float(best[unit][each]) for each in ("begin", "end")]
        assert begin - 0.05 < at[0] < at[1] < end + 0.05
        assert at[1] - at[0] == pytest.approx((2 * 256 + 512) / 16000, abs=0.002)
    samples, rate = soundfile.read(out / "unit-0.flac")
    assert rate == 44100
    first = np.abs(np.fft.rfft(samples[: rate // 2] * np.hanning(rate // 2)))
    assert first.argmax() * 2 == pytest.approx(1000, abs=4)
    silent, rate = soundfile.read(out / "unit-1.flac")
    assert np.abs(silent[rate // 2 : rate // 2 + 600]).max() < 1e-4
    assert {each.name for each in out.iterdir()} == {
        *("index.html", "chunks.tsv", "unit-0.flac", "unit-0.png", "unit-1.flac", "unit-1.png")
    }


def test_the_page_requests_nothing_but_its_files(
    run: Any, planted_file: Path, sounds: Path, tmp_path: Path
) -> None:
    song = tmp_path / "<b>&tune.wav"
    song.write_bytes((sounds / "tone.wav").read_bytes())
    out = tmp_path / "page"
    options = ("--layer", "activations", "--units", "1,0", "--out", out)
    assert run("models", "explain", planted_file, song, *options)[0] == 0
    page = (out / "index.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert text is not None
        digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    assert "style=" not in page  # which the policy would block
    assert not re.search(r"https?:|url\(|@import", page)
    assert {*re.findall(r'src="([^"]+)"', page)} == {
        *("unit-0.flac", "unit-0.png", "unit-1.flac", "unit-1.png")
    }
    assert "&lt;b&gt;&amp;tune.wav" in page
    assert page.index("Unit 1 silence") < page.index("Unit 0 1 kHz")
    assert "Receptive field</th><td>40 mel frames, 0.66 s" in page


def test_a_recording_that_fails_does_not_stop_the_others(
    run: Any, planted_file: Path, sounds: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no sound")
    soundfile.write(tmp_path / "click.wav", np.zeros(100), RATE)
    files = (tmp_path / "notes.txt", tmp_path / "click.wav", sounds / "noise.wav")
    options = ("--layer", "detectors", "--units", "0-1", "--out", tmp_path / "out")
    code, _, err = run("models", "explain", planted_file, *files, *options)
    assert code == 2
    assert len(err.strip().splitlines()) == 2
    assert "notes.txt' is not a recording" in err
    assert "click.wav lasts 0.01 s, less than the receptive field of the layer, 0.03 s" in err
    assert {row["recording"] for row in rows_of(tmp_path / "out")} == {str(files[2])}
    code, printed, _ = run("models", "explain", planted_file, *files[:2], *options[:-1], "other")
    assert (code, printed) == (2, "")
    assert not Path("other").exists()


def test_invalid_input_gets_one_sentence_and_leaves_no_folder(
    run: Any, planted_file: Path, sounds: Path, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    new = tmp_path / "new"

    def refused(message: str, *options: object, out: Path = new, layer: str = "detectors") -> None:
        arguments = (planted_file, sounds, "--layer", layer, "--out", out, *options)
        code, printed, err = run("models", "explain", *arguments)
        assert (code, printed) == (2, "")
        assert message in err.strip().splitlines()[-1]
        assert {each.name for each in tmp_path.iterdir()} == {"full"}

    refused("no layer 'detector'; did you mean 'detectors'?", layer="detector")
    refused("no layer 'x'; choose one of activations, detectors, flat, image, most", layer="x")
    refused("has no unit 3; it has 3, 0 to 2", "--units", "0,3")
    refused("'one' is given; numbers of units are expected", "--units", "0,one")
    refused("'2-1' ends before it begins", "--units", "2-1")
    refused("has content already", out=full)
    refused("is a file", out=full / "mine.txt")
    refused("does not exist; create it", out=new / "units")
    assert (full / "mine.txt").read_text() == "mine"
    arguments = (planted_file, "-", "--layer", "detectors", "--out", new)
    code, _, err = run("models", "explain", *arguments)
    assert code == 2
    assert "recordings are read twice" in err


def test_a_full_disk_leaves_nothing(
    run: Any, planted_file: Path, sounds: Path, tmp_path: Path
) -> None:
    options = ("--layer", "detectors", "--out", tmp_path / "out")
    with limit_file_size(30_000):
        code, _, err = run("models", "explain", planted_file, sounds / "tone.wav", *options)
    assert code == 1
    assert "cannot be written" in sentence(err)
    assert list(tmp_path.iterdir()) == []
