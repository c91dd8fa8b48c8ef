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


def test_the_list_as_json_has_every_model(run):
    code, out, _ = run("models", "list", "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert (rows["scene"]["labels"], rows["scene"]["runtime"]) == (7, "inline")
    assert rows["yamnet"]["labels"] == 521
    assert rows["scene"]["cpu"] == {}


def test_the_schema_of_cards_is_printed(run):
    code, out, _ = run("models", "schema")
    assert code == 0
    assert json.loads(out)["title"] == "tagnode card"


def test_a_card_template_goes_from_the_file_to_a_tag(run, tmp_path, monkeypatch, model_file, song):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    model_file.with_suffix(".json").unlink()
    options = ("--output", "activations")
    code, out, _ = run("models", "import", model_file, "--card-template", *options)
    assert code == 0
    content = json.loads(out)
    assert "3 labels" in content["// classes"]
    content |= {"classes": ["loud", "quiet", "beat"], "license": "MIT", "name": "mine"}
    card = tmp_path / "mine.json"
    card.write_text(json.dumps(content, indent=1))
    code, _, err = run("models", "import", model_file, "--card", card, "--name", "mine")
    assert code == 0, err
    assert "licence is not known" not in err
    assert "loud" in run("tag", song, "--model", "mine")[1]
    code, _, err = run("models", "import", model_file, "--card-template", "--hop", "1")
    assert code == 2
    assert "--card-template takes one FILE" in err
