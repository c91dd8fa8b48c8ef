"""The LV2 plugin in our own hosts and in others."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hosts import ROOT, SOURCES, exported, needed, needs, run
from jackserver import JackServer, Neighbours

from pyplugin.daw import container, parameters
from pyplugin.models import registry
from pyplugin.node.signals import SIGNALS
from pyplugin.support.descriptors import signal_name, tag_name

URI = "urn:pyplugin:tagnode"
RATE = 48000
# Slot 1 follows the level and moves the gain.
DUCK = {"slot1_source": 1, "slot1_target": 1, "slot1_min": 0.8, "slot1_max": 0.2}


@pytest.fixture(scope="module")
def bundle(built: Path) -> Path:
    return built / "tagnode.lv2"


@pytest.fixture(scope="module")
def hosts_find_it(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which hosts find the bundle, and no home to write to but this."""
    folder = tmp_path_factory.mktemp("lv2")
    (folder / bundle.name).symlink_to(bundle)
    path = os.pathsep.join([str(folder), "/usr/lib/lv2"])
    return {**os.environ, "LV2_PATH": path, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    samples = np.random.default_rng(1).normal(0, 0.1, (RATE, 2)).astype(np.float32)
    path = tmp_path_factory.mktemp("sound") / "noise.wav"
    soundfile.write(path, samples, RATE, "FLOAT")
    return path, samples


# ---- the files ----


@needs("lv2_validate", "sord_validate", package="lv2-dev sordi")
def test_the_turtle_is_valid(bundle: Path):
    printed = run("lv2_validate", *bundle.glob("*.ttl"))
    assert "Found 0 errors" in printed


def test_menus_of_sources_list_the_signals_and_the_labels_of_the_included_model(
    bundle: Path,
) -> None:
    turtle = (bundle / "tagnode.ttl").read_text(encoding="utf-8")
    ports = re.findall(r'lv2:symbol "slot\d+_source".*?\n\t\]', turtle, re.DOTALL)
    assert len(ports) == parameters.SLOTS
    points = re.findall(r'\n(_:\w+)\n\trdfs:label "([^"]+)" ;\n\trdf:value (\d+) \.', turtle)
    texts = {node: (text, int(value)) for node, text, value in points}
    due = {"none": 0}
    due |= {name: parameters.source_id(signal_name(name)) for name in SIGNALS}
    due |= {label: parameters.source_id(tag_name(label)) for label in registry.labels("scene")}
    for group in container.GROUPS["scene"]:
        due[f"any: {group}"] = parameters.source_id(f"head.any.{group}")
    for port in ports:
        assert "lv2:enumeration" in port
        nodes = re.findall(r"lv2:scalePoint (_:\w+)", port)
        assert [texts[node] for node in nodes] == sorted(due.items(), key=lambda each: each[1])


@needs("/usr/include/lv2/core/lv2.h", package="lv2-dev")
def test_the_interface_is_that_of_lv2_dev(built: Path):
    native = ROOT / "native"
    folders = [f"-I{native / part}" for part in ("include", "src", "plugin", "plugin/lv2")]
    program = built / "abi_lv2"
    run("cc", "-std=c11", *folders, SOURCES / "abi_lv2.c", "-lm", "-o", program)
    assert run(program).endswith(" 0 failed\n")


def test_one_symbol_is_exported_and_libc_and_libm_are_all_it_needs(bundle: Path):
    library = bundle / "tagnode.so"
    assert exported(library) == {"lv2_descriptor"}
    assert needed(library) <= {"libc", "libm", "ld-linux-aarch64"}
    assert library.stat().st_size <= 1 << 20


# ---- hosts of ours ----


def test_it_keeps_its_promises_to_hosts(built: Path, bundle: Path):
    assert run(built / "tests/plugin/host_lv2", bundle / "tagnode.so").endswith(" 0 failed\n")


@pytest.mark.parametrize("seed", [2, 3])
def test_a_host_may_do_anything_in_any_order(built: Path, bundle: Path, seed: int):
    program = built / "tests/plugin/fuzz_lv2"
    assert run(program, bundle / "tagnode.so", seed, 10000).endswith(" 0 failed\n")


def has_lilv() -> bool:
    exists = ["pkg-config", "--exists", "lilv-0"]
    return shutil.which(exists[0]) is not None and subprocess.run(exists).returncode == 0


@pytest.mark.skipif(not has_lilv(), reason="no lilv: apt-get install pkg-config liblilv-dev")
def test_lilv_finds_the_ports_of_the_table_and_restores_a_state(built: Path, bundle: Path):
    native = ROOT / "native"
    folders = [f"-I{native / part}" for part in ("include", "src", "plugin", "plugin/lv2")]
    flags = run("pkg-config", "--cflags", "--libs", "lilv-0").split()
    program = built / "host_lilv"
    sources = [SOURCES / "host_lilv.c", native / "plugin/core/scaling.c"]
    library = [built / "plugin/libtagplug.a", built / "libtagnode.a", "-lpthread", "-ldl", "-lm"]
    run("cc", "-std=c11", *folders, *sources, *library, *flags, "-o", program)
    assert run(program, f"{bundle}/").endswith(" 0 failed\n")


# ---- hosts of others ----


def ffmpeg(given: Path, out: Path, controls: dict[str, float], env: dict[str, str]) -> None:
    if " lv2 " not in run("ffmpeg", "-hide_banner", "-filters"):
        pytest.skip("this ffmpeg has no filter lv2: apt-get install ffmpeg")
    settings = "|".join(f"{name}={value}" for name, value in controls.items())
    effect = f"lv2=p={URI}".replace(":", r"\\:") + (f":c={settings}" if settings else "")
    run("ffmpeg", "-v", "error", "-i", given, "-af", effect, "-c:a", "pcm_f32le", out, env=env)


def lv2apply(given: Path, out: Path, controls: dict[str, float], env: dict[str, str]) -> None:
    settings = [part for name, value in controls.items() for part in ("-c", name, str(value))]
    run("lv2apply", "-i", given, "-o", out, *settings, URI, env=env)


def with_sidechain(path: Path, samples: np.ndarray, key: np.ndarray) -> Path:
    soundfile.write(path, np.hstack([samples, key]), RATE, "FLOAT")
    return path


PROGRAMS = [
    pytest.param(ffmpeg, marks=needs("ffmpeg", package="ffmpeg")),
    pytest.param(lv2apply, marks=needs("lv2apply", package="lilv-utils")),
]
Apply = Callable[[Path, Path, dict[str, float], dict[str, str]], None]


@pytest.mark.parametrize("apply", PROGRAMS)
def test_audio_passes_bit_for_bit_through_programs_that_apply_it(
    sound: tuple[Path, np.ndarray],
    hosts_find_it: dict[str, str],
    tmp_path: Path,
    apply: Apply,
):
    given, samples = sound
    if apply is lv2apply:  # takes a channel for each port only, optional or not
        given = with_sidechain(tmp_path / "four.wav", samples, np.zeros_like(samples))
    apply(given, tmp_path / "out.wav", {}, hosts_find_it)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "out.wav", dtype="float32")[0], samples)
    apply(given, tmp_path / "ducked.wav", DUCK, hosts_find_it)
    ducked = soundfile.read(tmp_path / "ducked.wav", dtype="float32")[0]
    assert ducked.shape == samples.shape
    level = np.sqrt(np.mean(ducked[RATE // 2 :] ** 2) / np.mean(samples[RATE // 2 :] ** 2))
    # rms -20 dBFS is 2/3 of the way from -60 to 0, so the share is 0.8 - 0.6 * 2/3 = 0.4: -24 dB
    assert 20 * np.log10(level) == pytest.approx(-24, abs=1)


@pytest.mark.parametrize("apply", PROGRAMS)
def test_a_sidechain_moves_the_gain_of_the_main_input(
    sound: tuple[Path, np.ndarray],
    hosts_find_it: dict[str, str],
    tmp_path: Path,
    apply: Apply,
):
    _, samples = sound
    half = RATE // 2
    key = np.concatenate([np.zeros((half, 2), np.float32), samples[half:]])
    given = with_sidechain(tmp_path / "four.wav", samples, key)
    apply(given, tmp_path / "out.wav", {**DUCK, "analysis_input": 1}, hosts_find_it)
    out = soundfile.read(tmp_path / "out.wav", dtype="float32")[0]
    np.testing.assert_allclose(out[:half], samples[:half], rtol=1e-6)
    end = slice(RATE - 8000, RATE - 1000)
    level = np.sqrt(np.mean(out[end] ** 2) / np.mean(samples[end] ** 2))
    assert 20 * np.log10(level) == pytest.approx(-24, abs=0.5)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.05)


@needs("jalv", package="jalv")
def test_jalv_sends_the_controller_of_a_slot(
    hosts_find_it: dict[str, str], jack: JackServer, neighbours: Neighbours
):
    from jack import Client

    controls = {"slot1_source": 1, "slot1_midi": 1, "slot1_cc": 74, "slot1_channel": 3}
    options = [part for name, value in controls.items() for part in ("-c", f"{name}={value}")]
    client = Client("receiver", servername=jack.name, no_start_server=True)
    port = client.midi_inports.register("midi")
    received: list[bytes] = []

    @client.set_process_callback
    def listen(_: int) -> None:
        received.extend(bytes(message) for _, message in port.incoming_midi_events())

    with (
        client,
        subprocess.Popen(
            ["jalv", "-x", "-n", "tagnode", *options, URI],
            env={**jack.environment, **hosts_find_it, "JACK_DEFAULT_SERVER": jack.name},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        try:
            wait_until(lambda: "tagnode:midi" in jack.run("jack_lsp").stdout, "jalv starts")
            client.connect("tagnode:midi", port)
            neighbours.sender.connect("sender:out_1", "tagnode:in_left")
            # Noise on one side of two at -20 dBFS is 2/3 of the way from -60 to 0 dBFS
            wait_until(
                lambda: any(message[2] > 70 for message in received), f"it rises: {received}"
            )
            neighbours.sender.disconnect("sender:out_1", "tagnode:in_left")
            wait_until(lambda: received[-1][2] == 0, f"it falls: {received[-9:]}")
        finally:
            process.terminate()
    assert {message[:2] for message in received} == {bytes([0xB2, 74])}
