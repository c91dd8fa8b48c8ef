"""The plugin in Ardour without a screen, by the scripts beside this file."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hosts import needs

SCANNER = Path("/usr/lib/ardour7/ardour-vst3-scanner")
URI = "urn:pyplugin:tagnode"


@pytest.fixture
def home(built: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has the plugins and no settings."""
    for bundle, folder in (("tagnode.lv2", ".lv2"), ("Tagnode.vst3", ".vst3")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / bundle).symlink_to(built / bundle)
    config, cache = str(tmp_path / ".config"), str(tmp_path / ".cache")
    own = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": config, "XDG_CACHE_HOME": cache}
    return {**os.environ, "LV2_PATH": f"{tmp_path}/.lv2:/usr/lib/lv2", **own}


def scanned(home: dict[str, str]) -> str:
    """The identity of the VST3, after Ardour's scanner took it in."""
    library_path = {"LD_LIBRARY_PATH": str(SCANNER.parent)}
    command = [SCANNER, "-f", Path(home["HOME"]) / ".vst3" / "Tagnode.vst3"]
    subprocess.run(command, env={**home, **library_path}, check=True, capture_output=True)
    (cache,) = Path(home["XDG_CACHE_HOME"]).rglob("*.v3i")
    (identity,) = re.findall(r' uid="(\w+)"', cache.read_text())
    return str(identity)


def printed(script: str, session: Path, plugin_format: str, home: dict[str, str]) -> str:
    identity = URI if plugin_format == "LV2" else scanned(home)
    done = subprocess.run(
        ["ardour7-lua", Path(__file__).with_name(script), session, plugin_format, identity],
        env=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs("ardour7-lua", package="--no-install-recommends ardour")
@pytest.mark.parametrize("plugin_format", ["LV2", "VST3"])
def test_values_move_and_a_session_restores_all(home: dict[str, str], plugin_format: str):
    session = Path(home["HOME"]) / "session"
    output = printed("ardour.lua", session, plugin_format, home)
    found: dict[str, dict[str, float]] = {"before": {}, "played": {}, "loaded": {}}
    lines = re.findall(r"^(\w+)\t(.+)\t(-?[\d.e+-]+)$", output, re.MULTILINE)
    for when, name, value in lines:
        found[when][name] = float(value)
    before, played, loaded = found.values()
    assert len(played) > 150
    assert all(before[f"Slot {slot} value"] == 0 for slot in range(1, 9))
    for values in (played, loaded):
        assert values["Slot 1 value"] > 0.3
        assert values["Slot 2 value"] > 0.3
        assert all(values[f"Slot {slot} value"] == 0 for slot in range(3, 9))
    moving = {"Slot 1 value", "Slot 2 value"}
    kept = {name: value for name, value in played.items() if name not in moving}
    assert kept["Slot 2 curve"] == 2
    assert {name: value for name, value in loaded.items() if name not in moving} == kept
    if plugin_format == "LV2":
        (state,) = (session / "plugins").rglob("state.ttl")
        assert f"{URI}#state" in state.read_text()


@needs("ardour7-lua", package="--no-install-recommends ardour")
@pytest.mark.parametrize("plugin_format", ["LV2", "VST3"])
def test_a_sidechain_is_analysed_when_it_is_chosen(home: dict[str, str], plugin_format: str):
    output = printed("sidechain.lua", Path(home["HOME"]) / "session", plugin_format, home)
    values = {
        when: float(value) for when, value in re.findall(r"^(\w+)\t([\d.e-]+)$", output, re.M)
    }
    assert values["unconnected"] == 0
    assert values["connected"] > 0.3
    assert values["main"] < 0.01  # which is silent
