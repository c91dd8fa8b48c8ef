"""``tagnode models``: list, info, get and verify, and what a missing or damaged model leads to."""

import json
import os
from pathlib import Path

from helpers import sentence

DEMO = Path(__file__).parents[2] / "examples" / "demo" / "demo.ogg"


def test_models_list_info_and_verify(run, musicnn):
    code, out, _ = run("models", "list")
    assert code == 0
    for name in ("musicnn-mtt", "musicnn-msd", "vgg-mtt", "vgg-msd"):
        assert name in out
    code, out, _ = run("models", "info", "musicnn-mtt")
    assert code == 0
    card = json.loads(out)
    assert card["classes"] == list(musicnn.card.labels)
    assert len(card["quantisation"]["per_label"]) == 50
    code, out, _ = run("models", "verify")
    assert code == 0
    assert "ok" in out


def copy_models(monkeypatch, tmp_path, musicnn) -> Path:
    for path in musicnn.path.parent.glob("musicnn-mtt.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    return tmp_path


def test_a_damaged_model_is_found(run, musicnn, monkeypatch, tmp_path):
    path = copy_models(monkeypatch, tmp_path, musicnn) / "musicnn-mtt.tflite"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, out, _ = run("models", "verify")
    assert code == 1
    assert "BAD" in out
    code, _, err = run("tag", DEMO, "--model", "musicnn-mtt")
    assert code == 2
    assert "damaged" in sentence(err)
    assert "tagnode models get" in err


def test_a_missing_model_is_reported_with_the_command_that_builds_it(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    code, _, err = run("tag", DEMO, "--model", "musicnn-mtt")
    assert code == 2
    assert "tagnode models get musicnn-mtt" in sentence(err)


def test_a_wheel_with_the_wrong_hash_is_rejected(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    (tmp_path / "w.whl").write_bytes(b"PK")
    code, _, err = run("models", "get", "musicnn-mtt", "--from", tmp_path / "w.whl")
    assert code == 1
    assert "f38a4890" in err
    assert not list((tmp_path / "models").glob("*")) if (tmp_path / "models").exists() else True


def test_without_a_network_the_message_names_the_option_for_a_file(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    code, _, err = run("models", "get", "musicnn-mtt")
    assert code == 1
    assert "--from" in err
    assert "Traceback" not in err
