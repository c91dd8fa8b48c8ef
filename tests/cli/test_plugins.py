"""``tagnode plugins``, in folders of the test."""

import pytest
from helpers import sentence

from pyplugin.daw import container, installation
from pyplugin.errors import PypluginError
from pyplugin.models import registry


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Built plugins of three formats, and folders for user and system; nothing is installed."""
    built = tmp_path / "built"
    for about in installation.FORMATS.values():
        (built / about.bundle).mkdir(parents=True)
        (built / about.bundle / "content").write_text(about.name)
    monkeypatch.setattr(installation, "built_folder", lambda: built)

    def folder(form, *, system=False):
        return tmp_path / ("system" if system else "user") / form

    monkeypatch.setattr(installation, "folder", folder)
    return folder


def test_where_lists_six_folders_and_the_build(run, places, tmp_path):
    code, out, _ = run("plugins", "where")
    assert code == 0
    lines = out.splitlines()
    assert [str(places(form, system=system)) for form in ("lv2",) for system in (False, True)] == [
        line.split()[-1] for line in lines[:2]
    ]
    assert len(lines) == 7
    assert lines[-1] == f"built in {tmp_path / 'built'}"
    assert "installed" not in out


def test_where_reports_missing_plugins(run, places, monkeypatch):
    def missing():
        raise PypluginError("No plugins are built; run make plugins.")

    monkeypatch.setattr(installation, "built_folder", missing)
    code, out, _ = run("plugins", "where")
    assert code == 0
    assert out.splitlines()[-1] == "No plugins are built; run make plugins."


def test_check_reports_each_plugin_that_is_not_installed(run, places):
    code, out, _ = run("plugins", "check")
    assert code == 1
    assert out.count("BAD") == 3
    assert out.count("tagnode plugins install") == 3
    code, out, _ = run("plugins", "check", "--format", "lv2", "--system")
    assert code == 1
    assert str(places("lv2", system=True)) in out
    assert out.count("BAD") == 1


def test_uninstall_without_an_installation_changes_nothing(run, places):
    code, out, _ = run("plugins", "uninstall")
    assert (code, out) == (0, "No plugin is installed there.\n")


@pytest.mark.parametrize("command", ["install", "uninstall", "check"])
def test_an_unknown_format_is_rejected(run, command):
    code, _, err = run("plugins", command, "--format", "vst2")
    assert code == 2
    assert "'vst2' is not one of 'lv2', 'clap', 'vst3'" in err


def test_a_model_without_an_entry_needs_one(run, probe, monkeypatch):
    monkeypatch.setattr(registry, "load", lambda name: probe.model)
    code, _, err = run("plugins", "model", "probe")
    assert code == 2
    assert "--as custom-1" in sentence(err)


def test_the_entry_and_the_heads_are_passed_on(run, probe, monkeypatch, tmp_path):
    installed = []

    def install(model, heads, *, choice=None):
        installed.append((model.card.name, list(heads), choice))
        return tmp_path / "probe.tagnode"

    monkeypatch.setattr(registry, "load", lambda name: probe.model)
    monkeypatch.setattr(container, "install", install)
    code, out, _ = run("plugins", "model", "probe", "--as", "custom-2")
    assert code == 0
    assert installed == [("probe", [], "custom-2")]
    assert "in the plugin, Model is custom-2\n" in out
