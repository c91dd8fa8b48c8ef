"""An imported model in every place that takes one: commands, nodes, presets, the plugin."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from helpers import level_noise
from imported import LABELS, NAME, import_network

import pyplugin
from pyplugin.automation.chains import automated_preset
from pyplugin.automation.presets import parse_preset
from pyplugin.daw import container
from pyplugin.models import heads, registry

RATE = 22050


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of models with an imported one."""
    place = tmp_path_factory.mktemp("imported")
    import_network(place)
    return place


@pytest.fixture(autouse=True)
def models(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    parts = [level_noise(label, seed) for seed in range(3) for label in ("loud", "soft")]
    soundfile.write(path, np.concatenate(parts), RATE)
    return path


def test_tag_and_node(run, song):
    code, out, err = run("tag", song, "--model", NAME, "--json")
    assert code == 0, err
    assert set(json.loads(out.splitlines()[0])["tags"]) == set(LABELS)
    with pyplugin.Node(RATE, 1, 512, model=NAME) as node:
        assert node.runtime == "inline"
        assert node.descriptors[0] == f"tag.{NAME}.loud"
    code, out, _ = run("models", "list", "--json")
    row = next(row for row in json.loads(out) if row["name"] == NAME)
    assert (row["labels"], row["runtime"], row["licence"]) == (3, "inline", "MIT")


@pytest.mark.parametrize("source", ["tag.loud", f"tag.{NAME}.loud"])
def test_presets(source, song):
    text = (
        f'[preset]\nname = "x"\nmodel = "{NAME}"\n[[effect]]\ntype = "gain"\n[[map]]\n'
        f'source = "{source}"\ntarget = "gain.gain_db"\nmin = 0\nmax = 10\nattack = 0\n'
        "release = 0\n"
    )
    curve = automated_preset(parse_preset(text))(song).curves["gain.gain_db"]
    tags = pyplugin.tag(song, model=NAME)
    assert curve.values.max() == pytest.approx(10 * tags.activations[:, 0].max(), abs=0.5)
    assert curve.values.min() == pytest.approx(10 * tags.activations[:, 0].min(), abs=0.5)


def test_listen(song):
    samples, _ = soundfile.read(song)
    command = [sys.executable, "-m", "pyplugin", "listen", "-", "--model", NAME, "--json"]
    command += ["--rate", str(RATE), "--channels", "1"]
    data = (samples * 32767).astype("<i2").tobytes()
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert set(json.loads(done.stdout.splitlines()[-1])["tags"]) == set(LABELS)


def test_teach_and_train_make_heads_on_it(run, tmp_path, song):
    pytest.importorskip("sklearn", reason="training needs scikit-learn")
    clips = tmp_path / "clips"
    for label in ("loud", "soft"):
        (clips / label).mkdir(parents=True)
        for seed in range(6):
            soundfile.write(clips / label / f"{seed}.wav", level_noise(label, seed), RATE)
    arguments = ("teach", "loud", clips / "loud", "--not", clips / "soft", "--model", NAME)
    code, out, err = run(*arguments, "--out", "shout")
    assert code == 0, err
    assert "12 of 12" in out
    assert heads.load("shout").model == NAME
    options = ("--backbone", NAME, "--classifier", "logistic", "--jobs", "1")
    code, _, err = run("train", "head", clips, "--out", "level", *options)
    assert code == 0, err
    code, out, err = run("tag", song, "--head", "shout", "--head", "level", "--json")
    assert code == 0, err
    first = json.loads(out.splitlines()[0])["heads"]  # of the loud second
    assert first["shout"]["loud"] > 0.7
    assert first["level"]["loud"] > 0.7 > first["level"]["soft"]


def test_the_plugin_takes_it_and_its_heads(run):
    code, out, err = run("plugins", "model", NAME, "--as", "custom-1")
    assert code == 0, err
    assert "in the plugin, Model is custom-1" in out
    assert "tag.soft-or-none: source " in out
    model = registry.load(NAME)
    written = container.container_path("custom-1").read_bytes()
    assert written == container.encode(model.card, model.data)
    code, _, err = run("plugins", "model", NAME)
    assert code == 2
    assert "--as custom-1" in err
