"""``tagnode teach`` on short recordings and a small model."""

import pytest
from helpers import level_noise

import pyplugin
from pyplugin.models import heads

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

RATE = 22050


def test_a_label_is_detected_in_new_sounds_of_its_class_only(
    run, labelled_clips, model_file, tmp_path, probe
):
    out = tmp_path / "loud.head"
    positive = [labelled_clips / "loud" / f"{n}.wav" for n in range(3)]
    negative = [labelled_clips / "soft", labelled_clips / "clicks"]
    code, message, err = run(
        "teach", "loud", *positive, "--not", *negative, "--model", model_file, "--out", out
    )
    assert (code, err) == (0, "")
    assert "15 of 15 clips are classified correctly" in message
    head = heads.load(out)
    assert head.labels == ("loud",)
    assert head.multi_label
    for label, expected in (("loud", True), ("soft", False), ("clicks", False)):
        result = pyplugin.tag(level_noise(label, 99), RATE, model=probe.model, embedding="dense")
        assert (heads.run(head, result.embeddings).mean() > 0.5) == expected


def test_invalid_input_gets_one_sentence(run, labelled_clips, model_file, tmp_path):
    loud, soft = labelled_clips / "loud", labelled_clips / "soft"
    (tmp_path / "bad.wav").write_text("no sound")
    (empty := tmp_path / "empty").mkdir()
    for message, arguments in {
        "has no background for probe. Give clips without 'loud' after --not": ["loud", loud],
        "There are no clips without 'loud' in": ["loud", loud, "--not", empty],
        "is given with and without 'loud'": ["loud", loud, "--not", soft, loud / "1.wav"],
        "There is no file": ["loud", loud, "--not", tmp_path / "none.wav"],
        "'!' is not a label": ["!", loud, "--not", soft],
        "No clip with 'loud' can be used": ["loud", tmp_path / "bad.wav", "--not", soft],
    }.items():
        out = tmp_path / "t.head"
        code, _, err = run("teach", *arguments, "--model", model_file, "--out", out)
        assert code == 2, message
        assert message in err
        assert not out.exists()
