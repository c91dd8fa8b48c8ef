"""Every example runs, on the recording that ships with the project."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import DATA, whole_corpus

import pyplugin
from pyplugin.models import heads

EXAMPLES = Path(__file__).parents[1] / "examples"
DEMO = EXAMPLES / "demo" / "demo.ogg"
ARGUMENTS = {
    "tag_a_file.py": [DEMO],
    "listen_in_blocks.py": [DEMO],
    "own_effect.py": [DEMO, "out.wav"],
    "duck_under_speech.py": [DEMO, DEMO, "out.wav"],
    "reverb_follows_voice.py": [DEMO, "out.wav"],
    "filter_opens_with_drums.py": [DEMO, "out.wav"],
    "curve_from_numpy.py": [DEMO, "out.wav"],
    "export_a_curve.py": [DEMO, "out.mid"],
    "teach_a_label.py": [DEMO, "--out", "this.head"],
    "live_tag_meter.py": ["--tag", "speech"],
    "demo/demo.py": ["demo-output"],
}
RADIO = "demo/radio.py"  # which needs Icecast
VOICE = "voice_or_instrumental.py"  # which needs labelled recordings


def test_every_example_is_here():
    found = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
    assert found - {"demo/make_demo_audio.py", RADIO, VOICE} == set(ARGUMENTS)


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("name", ARGUMENTS)
def test_example(name, tmp_path):
    command = [sys.executable, EXAMPLES / name, *ARGUMENTS[name]]
    samples, _ = soundfile.read(DEMO, dtype="int16", always_2d=True)
    (tmp_path / "raw").write_bytes(
        np.repeat(samples[: 8 * 44100], 3 - samples.shape[1], 1).tobytes()
    )
    with (tmp_path / "raw").open() as raw:  # for the one that listens to a pipe
        done = subprocess.run(
            command, cwd=tmp_path, stdin=raw, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    outputs = {"out.wav": 1e6, "out.mid": 300}
    for written in set(outputs) & set(ARGUMENTS[name]):
        assert (tmp_path / written).stat().st_size > outputs[written]
    if name == "demo/demo.py":
        written = {path.name for path in (tmp_path / "demo-output").iterdir()}
        assert written == {"demo.wav", "demo.csv", "demo.png"}
        assert "drums 0." in done.stdout


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize(
    ("corpus", "model", "least"),
    [
        # 0.92 with each: all of 3 with a voice, and 5 of 6 without
        *((DATA, model, 0.82) for model in ("musicnn-mtt", "scene")),
        *((each, model, 0.85) for each in whole_corpus() for model in ("musicnn-mtt", "scene")),
    ],
)
def test_a_head_for_voice_is_right_of_other_artists_and_live(
    corpus, model, least, tmp_path, monkeypatch
):
    pytest.importorskip(
        "sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'"
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = [sys.executable, EXAMPLES / VOICE, corpus, tmp_path / "out"]
    done = subprocess.run([*command, "--model", model], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    head = tmp_path / "out" / f"voice-{model}.head"
    with (tmp_path / "out" / "test.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "out" / "train.csv").open() as file:
        assert not {row["artist"] for row in csv.DictReader(file)} & {row["artist"] for row in rows}
    right = {"voice": [], "instrumental": []}
    for row in rows:
        result = pyplugin.tag(tmp_path / "out" / row["path"], model=model, heads=[head])
        (tags,) = result.heads.values()
        right[row["label"]].append(tags.labels[tags.mean.argmax()] == row["label"])
    balanced = np.mean([np.mean(each) for each in right.values()])
    assert balanced > least
    # training reads the mean embedding of a clip, tag the mean of the results for its windows
    one = 0.5 / min(map(len, right.values()))  # which is what a recording counts for
    apart = abs(balanced - heads.load(head).about["external"]["balanced_accuracy"])
    assert apart < max(1.01 * one, 0.08)

    path = tmp_path / "out" / next(row["path"] for row in rows if row["label"] == "voice")
    tagged = subprocess.run(
        [sys.executable, "-m", "pyplugin", "tag", "--json", "--head", head, path],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [json.loads(line)["heads"][head.stem] for line in tagged.stdout.splitlines()]
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    samples = np.concatenate([samples, np.zeros((rate, 1), np.float32)])  # the latency
    with pyplugin.Node(rate, 1, 441, model=model, heads=[head]) as node:
        blocks = np.array_split(samples.T, range(441, len(samples), 441), axis=1)
        frames = [node.process(np.ascontiguousarray(block)) for block in blocks]
        columns = node.head_columns[head.stem]
    # A head that was trained on onsets, too, begins with windows that hold silence.
    whole = (result.window - result.hop / 2) * rate
    live = np.concatenate(
        [
            part.values[(part.state == pyplugin.State.FRESH) & (part.end >= whole)][:, columns]
            for part in frames
        ]
    )
    assert len(expected) > 2
    tags = [list(window.values()) for window in expected]
    np.testing.assert_allclose(live[: len(tags)], tags, atol=1e-6)


def test_spans_past_the_end_are_refused(tmp_path):
    soundfile.write(tmp_path / "short.wav", np.zeros(16000), 16000)
    command = [sys.executable, EXAMPLES / "teach_a_label.py", "short.wav", "--yes", "0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "short.wav has 1.0 s; the spans reach 28 s" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.waits(130)
@pytest.mark.skipif(shutil.which("icecast2") is None, reason="needs icecast2")
def test_the_monitor_reports_what_goes_wrong_at_the_station(tmp_path):
    command = [sys.executable, EXAMPLES / RADIO, "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reported = done.stdout.partition("What was sent")[0]
    for rule in ("no programme", "tone", "out of phase", "stuck", "down"):
        assert f"Demo FM: {rule} since" in reported
    for title in ("Good morning", "One channel inverted"):
        assert title in done.stdout.partition("The log")[2]
