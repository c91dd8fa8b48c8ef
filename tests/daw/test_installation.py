"""tagnode plugins: installs complete copies or nothing, and checks them."""

import filecmp
import shutil

import pytest
from click.testing import CliRunner
from msgspec import structs

import pyplugin
from pyplugin.cli import cli
from pyplugin.daw import container, installation
from pyplugin.models import registry
from pyplugin.models.card import render_card


@pytest.fixture
def home(built, tmp_path, monkeypatch):
    """A home without plugins, and the built ones to install."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYPLUGIN_PLUGINS", str(built))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(cli, ["plugins", *arguments], catch_exceptions=True)


def test_what_is_installed_is_what_was_built(home, built):
    done = run("install")
    assert done.exit_code == 0, done.output
    assert len(done.stdout.splitlines()) == 3
    for form, folder in (("lv2", ".lv2"), ("clap", ".clap"), ("vst3", ".vst3")):
        about = installation.FORMATS[form]
        there = home / folder / about.bundle
        assert str(there) in done.stdout
        same = there / about.binary if about.binary else there
        other = built / about.bundle / about.binary if about.binary else built / about.bundle
        assert filecmp.cmp(same, other, shallow=False)
        assert [path.name for path in there.parent.iterdir()] == [about.bundle]
    assert (home / ".lv2" / "tagnode.lv2" / "manifest.ttl").is_file()
    assert run("check").exit_code == 0
    assert run("where").output.count(" installed ") == 3
    assert run("install").exit_code == 0  # again, over what is there
    assert run("uninstall").exit_code == 0
    assert not any(list((home / folder).iterdir()) for folder in (".lv2", ".clap", ".vst3"))
    assert "No plugin is installed" in run("uninstall").output


def test_one_format_alone(home):
    assert run("install", "--format", "clap").exit_code == 0
    assert (home / ".clap" / "tagnode.clap").is_file()
    assert not (home / ".vst3").exists()


def test_check_names_what_is_missing_damaged_or_old(home):
    missing = run("check", "--format", "clap")
    assert missing.exit_code == 1
    assert "not installed" in missing.output
    run("install")
    binary = home / ".clap" / "tagnode.clap"
    binary.write_bytes(binary.read_bytes()[:5000])
    damaged = run("check", "--format", "clap")
    assert damaged.exit_code == 1
    assert "does not load" in damaged.output
    shutil.copy(shutil.which("true"), binary)
    assert run("check", "--format", "clap").exit_code == 1
    whole = home / ".vst3" / "Tagnode.vst3" / installation.FORMATS["vst3"].binary
    with whole.open("ab") as file:
        file.write(bytes(16))
    old = run("check", "--format", "vst3")
    assert old.exit_code == 0
    assert "older than the built version" in old.output
    whole.unlink()
    assert run("check", "--format", "vst3").exit_code == 1


def test_without_plugins_the_command_that_builds_them_is_named(home, tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_PLUGINS", str(tmp_path / "nowhere"))
    for wanted in (installation.install, pyplugin.daw.installation.vst3_path):
        with pytest.raises(pyplugin.PypluginError, match="make plugins"):
            wanted()


def test_a_folder_that_cannot_be_made_is_named_and_nothing_is_written(home):
    (home / ".clap").write_text("a file")
    with pytest.raises(pyplugin.PypluginError, match=r"\.clap.*cannot be written"):
        installation.install(["clap"])
    assert (home / ".clap").read_text() == "a file"


def test_the_vst3_is_found(home, built):
    assert pyplugin.daw.installation.vst3_path() == built / "Tagnode.vst3"


def test_a_model_is_written_where_the_plugin_finds_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    done = run("model", "scene", "--as", "custom-2")
    assert done.exit_code == 0, done.output
    model = registry.load("scene")
    written = tmp_path / "plugins" / "custom-2.tagnode"
    assert written.read_bytes() == container.encode(model.card, model.data)
    copy = tmp_path / "other.tflite"
    copy.write_bytes(model.data)
    card = structs.replace(model.card, name="other")
    copy.with_suffix(".json").write_text(render_card(card))
    refused = run("model", str(copy))
    assert isinstance(refused.exception, pyplugin.ModelError)
    assert "--as custom-1" in str(refused.exception)


def test_an_installed_package_finds_what_make_built_here(tmp_path, monkeypatch):
    monkeypatch.delenv("PYPLUGIN_PLUGINS", raising=False)
    monkeypatch.setattr(installation, "shipped", lambda name: tmp_path / "site-packages" / name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pyplugin.PypluginError, match="make plugins"):
        installation.built_folder()
    bundle = tmp_path / "build" / "plugins" / "tagnode.clap"
    bundle.mkdir(parents=True)
    assert installation.built_folder() == bundle.parent
