"""``tagnode doctor``: what is installed, and the command that installs what is not."""


def test_doctor(run, monkeypatch, tmp_path):
    code, out, _ = run("doctor")
    assert code == 0
    for name in ("libtagnode", "instruction set", "litert", "pedalboard", "scene"):
        assert name in out
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    code, out, _ = run("doctor")
    assert code == 0
    assert "tagnode models get musicnn-mtt" in out
