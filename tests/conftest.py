"""Shared fixtures: real recordings, real models, and a small model with known results."""

import gc
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ctypes.util import find_library
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import browser
from helpers import BANDS, DATA, PATCH, Probe, published_weights
from hypothesis import HealthCheck, settings
from jackserver import JackServer, Neighbours
from sharing import (
    BUILD,
    build_missing,
    folder_of_the_run,
    folder_of_the_sources,
    locked,
    made_once,
)

from pyplugin.cli import main
from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.card import Card, Dataset, InputTensor, OutputTensor, Schema
from pyplugin.models.importers import musicnn as musicnn_family
from pyplugin.models.importers import vgg
from pyplugin.models.importers import yamnet as yamnet_family
from pyplugin.models.importers.musicnn_wheel import WHEEL
from pyplugin.models.tflite import GraphWriter
from pyplugin.node.frontend import PRESETS

# A busy machine is no failure.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

GENERATORS: list[tuple[np.random.Generator, Any]] = []
"""Random generators of the test modules, and how each begins."""

# Tests with such a fixture, which is costly or exclusive, stay together in one process.
TOGETHER = {
    "browser": "pages in a browser",
    "chromium": "chromium",
    "jack": "jack",
    "neighbours": "jack",
    "extended": "a copy with the examples of docs/extending.md",
    "results": "operations in C and by LiteRT",
}


def pytest_xdist_auto_num_workers() -> int:
    """Three processes more than there are cores, for some tests only wait."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    return (len(affinity(0)) if affinity else os.cpu_count() or 1) + 3


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what was imported out of later garbage collections, of which there are many.

    Note how random generators begin.
    """
    if getattr(session.config.option, "loadgroup", False):
        for item in session.items:
            grouped = item.get_closest_marker("xdist_group") is not None
            assert not grouped or "@" in item.nodeid, "pytest-xdist does not know of the groups"
    gc.collect()
    gc.freeze()
    GENERATORS.extend(
        (value, value.bit_generator.state)
        for module in list(sys.modules.values())
        if Path(getattr(module, "__file__", None) or "/").is_relative_to(Path(__file__).parent)
        for value in vars(module).values()
        if isinstance(value, np.random.Generator)
    )


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Return a short name for long content: it is in an environment variable of each process."""
    return f"{len(val)} {argname}" if isinstance(val, str | bytes) and len(val) > 200 else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep together what shares a fixture."""
    groups = {TOGETHER[each] for each in getattr(item, "fixturenames", ()) if each in TOGETHER}
    if groups and item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group("_".join(sorted(groups))))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits for minutes, and with the groups; amid the rest is what waits for less.

    So at any time most processes compute.
    """
    long, groups, short, rest = [], [], [], []
    for item in items:
        waits, group = item.get_closest_marker("waits"), item.get_closest_marker("xdist_group")
        if waits is not None:
            (long if waits.args[0] >= 60 else short).append(item)
        elif group is not None:
            (long if group.args[0] == "jack" else groups).append(item)
        else:
            rest.append(item)
    middle = len(rest) // 2
    items[:] = [*long, *groups, *rest[:middle], *short, *rest[middle:]]


@pytest.fixture(autouse=True)
def _same_numbers_in_any_order() -> None:
    """Let the generators of the test modules begin anew."""
    for generator, state in GENERATORS:
        generator.bit_generator.state = state


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder with six short recordings; tests/data/README.md says whose they are."""
    return DATA / "clips"


@pytest.fixture(scope="session")
def json_schemas() -> Any:
    """The validator of JSON Schemas; its import compiles a grammar, which takes a second."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator


@pytest.fixture(scope="module", autouse=True)
def _plugins_end_with_their_module() -> Iterator[None]:
    """Collect plugins in reference cycles now, so that their output is not in another test.

    What is left lives longer than the module: later collections need not look at it.
    """
    yield
    gc.collect()
    gc.freeze()


DPF = Path("/usr/share/dpf/distrho")


def built_vst3(name: str, *defines: str) -> Path:
    """The effect in tests/vst3 as a plugin of this name."""
    if not DPF.is_dir() or shutil.which("g++") is None:
        pytest.skip("no framework to build a VST3 effect with: apt-get install dpf-source g++")
    source = Path(__file__).parent / "vst3"
    options = ["-std=c++17", "-O1", "-w", "-fPIC", "-shared", "-fvisibility=hidden"]
    options += ["-DDISTRHO_PLUGIN_TARGET_VST3", *defines, f"-I{source}", f"-I{DPF}"]

    def make(folder: Path) -> None:
        binaries = folder / f"{name}.vst3" / "Contents" / f"{platform.machine()}-linux"
        binaries.mkdir(parents=True, exist_ok=True)
        files = [source / "strip.cpp", DPF / "DistrhoPluginMain.cpp"]
        binary = binaries / f"{name}.so"
        subprocess.run(["g++", *options, *files, "-o", binary, "-ldl"], check=True)

    folder = folder_of_the_sources(name, source.iterdir(), name, platform.machine(), *options)
    return made_once(folder, make) / f"{name}.vst3"


@pytest.fixture(scope="session")
def vst3() -> Path:
    """A small VST3 effect: gain, low-pass, a switch for it, and a selection of the output side."""
    return built_vst3("Strip")


@pytest.fixture(scope="session")
def late_vst3() -> Path:
    """The same, with a latency of 100 samples that it reports."""
    return built_vst3("Late", "-DSTRIP_LATENCY=100")


@pytest.fixture(scope="session")
def musicnn() -> registry.Model:
    """The first model, built if it is not there yet."""
    build_missing("musicnn-mtt")
    return registry.load("musicnn-mtt")


@pytest.fixture(scope="session")
def yamnet(tmp_path_factory: pytest.TempPathFactory) -> registry.Model:
    """YAMNet, in a folder of its own, where its published file is."""
    source = published_weights() / "yamnet" / yamnet_family.FILE.name

    def make(folder: Path) -> None:
        registry.get("yamnet", source=source, folder=folder)

    folder = made_once(folder_of_the_run(tmp_path_factory, "yamnet"), make)
    return registry.load(folder / "yamnet.tflite")


@pytest.fixture(scope="session")
def probe() -> Probe:
    random = np.random.default_rng(7)
    weights = random.normal(0, 0.02, (3, PATCH * BANDS)).astype(np.float32)
    bias = np.array([0.1, -0.2, 0.0], np.float32)
    graph = GraphWriter()
    mel = graph.input("mel", (1, PATCH, BANDS))
    flat = graph.reshape("flat", mel, (1, PATCH * BANDS))
    dense = graph.fully_connected(
        "dense", flat, graph.constant("weights", weights), graph.constant("bias", bias)
    )
    activations = graph.logistic("activations", dense)
    outputs = {"activations": activations, "dense": dense}
    data = graph.finish({"mel": mel}, outputs, description="probe")
    card = Card(
        name="probe",
        type="auto-tagging",
        link="https://example.org",
        version="1",
        description="Three inner products of the patch.",
        license="MIT",
        author="tests",
        labels=("Loud Guitar", "no vocals", "beat"),
        model_types=("tflite-float32",),
        dataset=Dataset("none", "none", "none", {}),
        schema=Schema(
            (InputTensor("mel", "float", (1, PATCH, BANDS)),),
            (
                OutputTensor("activations", "float", (1, 3), "predictions"),
                OutputTensor("dense", "float", (1, 3), "embeddings"),
            ),
        ),
        inference=PRESETS["musicnn"],
        patch_frames=PATCH,
        default_hop=0.16,
        embedding="dense",
        calibration=None,
        sha256=sha256(data).hexdigest(),
        quantisation=None,
    )
    return Probe(registry.Model("probe", Path("probe.tflite"), card, data), weights, bias)


@pytest.fixture(scope="session")
def jack() -> Iterator[JackServer]:
    """A JACK server that runs, for real streams without a sound card."""
    if shutil.which("jackd") is None or find_library("portaudio") is None:
        pytest.skip("no JACK server or PortAudio: sudo apt-get install jackd2 libportaudio2")
    with JackServer(f"pyplugin-{os.getpid()}") as server:
        yield server


@pytest.fixture(scope="session")
def neighbours(jack: JackServer) -> Iterator[Neighbours]:
    """Clients of the JACK server that send known samples and keep what they receive."""
    pytest.importorskip("jack")
    clients = Neighbours(jack)
    yield clients
    clients.close()


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The wheel, its hash checked."""
    try:
        with locked(BUILD / "models.lock"):
            return WHEEL.find(None, registry.data_folder(), print)
    except ModelError as error:
        pytest.skip(f"the wheel of musicnn 0.1.0 is missing: {error}")


@pytest.fixture(scope="session")
def models(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all models, and with those of 64 frames for MusiCNN."""
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")

    def make(folder: Path) -> None:
        for name in (*musicnn_family.NETWORKS, *vgg.NETWORKS):
            registry.get(name, source=wheel, folder=folder)
        for name in musicnn_family.NETWORKS:
            registry.get(name, patch=64, source=wheel, folder=folder)

    return made_once(folder_of_the_run(tmp_path_factory, "models"), make)


@pytest.fixture
def run(monkeypatch, capfd):
    """Run the command line in this process: (exit status, stdout, stderr)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pyplugin", *map(str, arguments)])
        capfd.readouterr()  # what the test itself printed, such as LiteRT's greeting
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Chromium, headless. Of a module, for no other event loop can run beside it."""
    with browser() as started:
        yield started
