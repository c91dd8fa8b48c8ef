"""The code in the documents runs: Python blocks, and commands that need no device and no network.

The blocks of docs/extending.md and docs/importers.md are those of test_extending.py and
models/importers/test_importer.py, notebooks those of test_site.py.
"""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import wiring
import yaml
from documents import (
    FENCE,
    NOTEBOOKS,
    PAGES,
    ROOT,
    SHELLS,
    commands,
    help_texts,
    name_of,
    simple_commands,
    text_of,
)
from msgspec import structs
from small_unets import variables_of

import pyplugin
from pyplugin.automation.presets import parse_preset
from pyplugin.catalogue.building import build
from pyplugin.catalogue.processes import ProcessPool
from pyplugin.catalogue.setup import Setup
from pyplugin.daw import installation
from pyplugin.models import heads, import_options, importing, registry, templates
from pyplugin.models.card import render_card
from pyplugin.models.folders import data_folder
from pyplugin.models.graphs.graph import GraphBuilder
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.importers.spleeter import build_family
from pyplugin.monitor.config import parse_config
from pyplugin.monitor.storage import Store

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RATE = 44100
ELSEWHERE = {"docs/extending.md": "test_extending.py", "docs/importers.md": "test_importer.py"}


def blocks(page: Path, *languages: str) -> list[str]:
    return [code for _, language, code in FENCE.findall(text_of(page)) if language in languages]


@pytest.fixture(scope="module")
def excerpts() -> dict[str, np.ndarray]:
    """Twelve seconds of the demo with piano and drums, and parts of it."""
    samples, rate = soundfile.read(ROOT / "examples" / "demo" / "demo.ogg", dtype="float32")
    assert rate == RATE
    cut = {"song": (13, 25), "voice": (0, 6), "one": (7, 10), "two": (10, 13), "three": (31, 34)}
    return {name: samples[start * RATE : end * RATE] for name, (start, end) in cut.items()}


@pytest.fixture(scope="module")
def recordings(excerpts, tmp_path_factory) -> Path:
    """A folder with the recordings that the documents name."""
    folder = tmp_path_factory.mktemp("recordings")
    files = {
        "song": ("song.ogg", "in.wav", "in.mp3", "bed.flac"),
        "voice": ("voice.wav", "piano.ogg", "speech/1.ogg"),
        "one": ("organ-1.ogg", "sung-rock.ogg", "applause/1.ogg"),
        "two": ("organ-2.ogg", "classical-strings.ogg", "applause/2.ogg"),
        "three": ("choir.ogg", "music/1.ogg"),
    }
    for excerpt, names in files.items():
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            soundfile.write(folder / name, excerpts[excerpt], RATE)
    return folder


@pytest.fixture(scope="module")
def catalogue(recordings, tmp_path_factory) -> Path:
    """A catalogue of those recordings."""
    folder = tmp_path_factory.mktemp("catalogue")
    build([str(recordings)], folder, Setup.of(embeddings=True), ProcessPool)
    return folder


@pytest.fixture(scope="module")
def stem_models(tmp_path_factory) -> Path:
    """A folder with small models of stems under the names of the published ones."""
    folder = tmp_path_factory.mktemp("stems")
    for name in ("spleeter-2stems", "spleeter-4stems"):
        model, card = build_family(name, variables_of(int(name[9])), patch=64)
        (folder / f"{name}.tflite").write_bytes(model)
        (folder / f"{name}.json").write_text(render_card(structs.replace(card, name=name)))
    return folder


@pytest.fixture
def desk(musicnn, recordings, catalogue, stem_models, tmp_path, monkeypatch) -> Path:
    """A folder with those recordings, a preset, and a head of each name."""
    del musicnn
    shutil.copytree(recordings, tmp_path, copy_function=os.link, dirs_exist_ok=True)
    shutil.copytree(catalogue, tmp_path / "tags")
    data = tmp_path / "models"
    (data / "heads").mkdir(parents=True)
    for path in data_folder().glob("*.*"):
        _place(path, data)
    monkeypatch.setenv("PYPLUGIN_MODELS", str(data))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "out").mkdir()
    (tmp_path / "Music").mkdir()
    (tmp_path / "Music" / "song.ogg").symlink_to(tmp_path / "song.ogg")
    (tmp_path / "favourites.m3u").write_text("song.ogg\n")
    for name in ("voice", "mood", "shouts", "voice-musicnn-mtt"):
        stages = (heads.Dense(np.zeros((2, 200)), np.zeros(2), "softmax"),)
        labels = ("voice", "instrumental")
        head = heads.Head(name, labels, "musicnn-mtt", "penultimate", 200, False, stages)
        heads.save(head)
        heads.save(head, tmp_path / "out" / f"{name}.head")
    _networks(tmp_path)
    scene = registry.load("scene")  # in the place of a network of classes
    (data / "my-genres.tflite").write_bytes(scene.data)
    card = structs.replace(scene.card, name="my-genres")
    (data / "my-genres.json").write_text(render_card(card))
    for path in stem_models.iterdir():
        _place(path, data)
    Store(tmp_path / "log").close()
    for name in ("radio.toml", "new.toml"):
        text = '[monitor]\ndata = "log"\n[[station]]\nname = "Test FM"\nfile = "song.ogg"\n'
        (tmp_path / name).write_text(text)
    shutil.copy(ROOT / "examples" / "demo" / "demo.toml", tmp_path / "mine.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _place(path: Path, folder: Path) -> None:
    """Put a file into a folder, not by a symbolic link: an import would write through it."""
    (folder / path.name).unlink(missing_ok=True)  # it may be a link to a model of the user
    try:
        os.link(path, folder / path.name)
    except OSError:  # another file system
        shutil.copy(path, folder)


def _networks(folder: Path) -> None:
    """Write networks of the kinds that the documents import, and one that has been imported."""
    rng = np.random.default_rng(0)
    head = folder / "danceability-msd-musicnn-1.pb"
    head.write_bytes(wiring.head_graph(rng.normal(size=(200, 2)), np.zeros(2)))
    head.with_suffix(".json").write_text('{"name": "x", "classes": ["danceable", "not"]}')
    builder = GraphBuilder()
    x = builder.reshape(builder.input("x", (1, 96, 64)), (1, 96, 64, 1))
    means = builder.reduce("mean", x, (1,), keep=False)
    y = builder.dense(builder.reshape(means, (1, 64)), rng.normal(size=(64, 521)))
    graph = builder.finish({"y": builder.unary("sigmoid", y), "reduce_mean": means})
    (folder / "yamnet.tflite").write_bytes(tflite_of(graph))
    importing.import_file(folder / "yamnet.tflite")
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    kind, weights = onnx.TensorProto.FLOAT, rng.normal(size=(2, 1, 3, 5)) / 10
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["c"]),
        onnx.helper.make_node("GlobalMaxPool", ["c"], ["g"]),
        onnx.helper.make_node("Flatten", ["g"], ["f"]),
        onnx.helper.make_node("Softmax", ["f"], ["y"]),
    ]
    whole = onnx.helper.make_graph(
        nodes,
        "net",
        [onnx.helper.make_tensor_value_info("x", kind, (1, 1, 32, 96))],
        [onnx.helper.make_tensor_value_info("y", kind, (1, 2))],
        [onnx.numpy_helper.from_array(weights.astype("f4"), "w")],
    )
    model = onnx.helper.make_model(whole, ir_version=9)
    (folder / "my-model.onnx").write_bytes(model.SerializeToString())
    (folder / "labels.txt").write_text("one\ntwo\n")
    options = import_options.ImportOptions(front_end="musicnn")
    content = json.loads(templates.card_template(folder / "my-model.onnx", options))
    (folder / "my-model.json").write_text(json.dumps({**content, "classes": ["one", "two"]}))
    importing.import_file(folder / "my-model.onnx")


# ---- Python


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if blocks(page, "python") and name_of(page) not in ELSEWHERE],
    ids=name_of,
)
def test_python_blocks_run(page, desk, excerpts, run):
    del desk
    if "vst3_path" in text_of(page):
        try:
            installation.vst3_path()
        except pyplugin.PypluginError as error:
            pytest.skip(str(error))
        assert run("presets", "export")[0] == 0
    from pedalboard import Gain, Pedalboard, Reverb

    from pyplugin.sources import loudness

    names = {
        "pyplugin": pyplugin,
        "label": pyplugin.label,
        "loudness": loudness,
        "board": Pedalboard([Reverb(), Gain()]),
        "audio": np.ascontiguousarray(excerpts["song"].T),
        "sample_rate": RATE,
        "block": np.zeros((2, 512), np.float32),
    }
    for number, code in enumerate(blocks(page, "python"), 1):
        exec(compile(code, f"{name_of(page)}, block {number}", "exec"), names)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_other_python_blocks_have_tests(name):
    (test,) = (ROOT / "tests").rglob(ELSEWHERE[name])
    assert Path(name).name in test.read_text(encoding="utf-8")


# ---- commands of pyplugin

NOT_RUN = {
    "catalogue build Music tags --scheduler": "tests/cli/test_catalogue.py",
    "catalogue build s3://bucket/masters": "tests/catalogue/test_locations.py",  # a cluster
    "classify": "tests/cli/test_classify.py",  # a head of descriptors
    "devices": "tests/cli/test_devices.py",  # a sound device
    "live": "tests/cli/test_live.py",  # likewise
    "listen": "tests/cli/test_listen.py",  # a sound device, or another program's output
    "models get": "tests/models/importers/test_importer.py",  # a download
    "models verify": "tests/cli/test_models.py",
    **dict.fromkeys(  # a station, for ever, root, and who is notified
        (f"monitor {each}" for each in ("init", "install", "probe", "run", "test-notify")),
        "tests/cli/test_monitor.py",
    ),
    "plugins": "tests/cli/test_plugins.py",  # folders of this user
    "serve": "tests/cli/test_serve.py",  # for ever
    "train": "tests/cli/test_train_head.py",  # minutes
    "train network": "tests/cli/test_train.py",
}
"""Commands that do not run here, and the test that runs them."""


def shown_commands() -> dict[str, str]:
    """All commands of the documents and of the help that run here, with a place of each."""
    found: dict[str, str] = {}
    texts = {name_of(page): text_of(page) for page in PAGES if name_of(page) not in ELSEWHERE}
    for name, text in {**texts, **help_texts()}.items():
        for words in commands(text):
            line = shlex.join(words)
            if not any(line.startswith(prefix) for prefix in NOT_RUN):
                found.setdefault(line, name)
    return found


@pytest.mark.parametrize(("line", "page"), shown_commands().items())
def test_commands_run(line, page, desk, run):
    words = []
    for word in shlex.split(line):
        found = sorted(path.name for path in desk.glob(word)) if "*" in word else []
        words += found or [word]
    if words[:2] == ["presets", "new"]:
        (desk / "mine.toml").unlink()
    code, _, err = run(*words)
    assert code == 0, err


@pytest.mark.parametrize("prefix", NOT_RUN)
def test_commands_that_do_not_run_here_have_a_test(prefix):
    texts = [*map(text_of, PAGES), *help_texts().values()]
    assert any(" ".join(words).startswith(prefix) for text in texts for words in commands(text))
    assert f'"{prefix.split()[-1]}"' in (ROOT / NOT_RUN[prefix]).read_text(encoding="utf-8")


# ---- other commands


def _make(words: list[str]) -> bool:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    return {word for word in words if "=" not in word} <= targets


def _pip(words: list[str]) -> bool:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    ours = (re.fullmatch(r"(?:tagnode|\.)\[(.+)\]", word) for word in words[1:])
    return words[0] == "install" and {
        extra for found in ours if found for extra in found[1].split(",")
    } <= set(extras)


def _python(words: list[str]) -> bool:
    if words[0] != "-m":
        return (ROOT / words[0]).is_file()
    place = ROOT.joinpath(*words[1].split("."))
    ours = place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()
    return ours or words[1] in ("twine", "http.server")


def _docker(words: list[str]) -> bool:
    """Return whether files that are named exist; test_containers.py reads what is in them."""
    if words[0] == "compose":
        return (ROOT / words[words.index("--file") + 1]).is_file()
    if words[0] == "run":
        image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        default = json.loads(image.splitlines()[-1].removeprefix("CMD "))
        ours = " ".join(words[words.index("tagnode") + 1 :] or default)
        return any(ours.startswith(prefix) for prefix in NOT_RUN)
    return words[0] == "logs" or (ROOT / "Dockerfile").is_file()


ADDRESSES = ("/metrics", "/healthz", "/api/v1/status")  # monitor/web/test_server.py


def _as_root(words: list[str]) -> bool:
    if words[0] == "systemctl":
        return words[-1] in ("tagnode-monitor", "prometheus")
    name, rest = Path(words[0]).name, words[1:]
    if name == "tagnode":
        return any(" ".join(rest).startswith(prefix) for prefix in NOT_RUN)
    if name in ("pip", "python3"):
        return CHECKS[name](rest)
    return words[:2] == ["apt-get", "install"]


def _cmake(words: list[str]) -> bool:
    return "-S" not in words or (ROOT / words[words.index("-S") + 1]).is_dir()


CHECKS: dict[str, Callable[[list[str]], bool]] = {
    "tagnode": lambda words: True,  # above, and in test_docs.py
    "pyplugin": lambda words: True,
    "make": _make,
    "pip": _pip,
    "python": _python,
    "cmake": _cmake,
    ".ci/run": lambda words: not words,
    "sudo": _as_root,
    "python3": lambda words: words[:2] == ["-m", "venv"],
    ".": lambda words: words[0].endswith("/bin/activate"),
    "promtool": lambda words: (ROOT / words[2]).is_file(),  # monitor/web/test_metrics.py
    "docker": _docker,
    "mosquitto_sub": bool,
    "curl": lambda words: any(each in words[-1] for each in ADDRESSES),
    "journalctl": bool,
    "pre-commit": lambda words: words == ["install"],
    "git": lambda words: words[0] in ("tag", "push", "clone"),
    "jq": bool,
    "rtl_fm": bool,
    "ffmpeg": bool,
    "essentia_streaming_extractor_music": bool,
}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_other_commands_exist(page):
    wrong = [
        " ".join(words)
        for words in simple_commands(text_of(page))
        if words[0] not in CHECKS or not CHECKS[words[0]](words[1:])
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        "make nothing",
        "pip install 'tagnode[nothing]'",
        "python examples/nothing.py",
        "python -m benchmarks.nothing",
        "cmake -S nothing",
        "nothing",
    ],
)
def test_other_commands_that_do_not_exist_are_found(line):
    (words,) = simple_commands(f"```sh\n{line}\n```\n")
    assert words[0] not in CHECKS or not CHECKS[words[0]](words[1:])


# ---- everything else in fences


def whole_config(text: str) -> object:
    """Read a part of a monitor's configuration, with the stations and targets that it names."""
    content = tomllib.loads(text)
    named = {"Test FM", *(each for rule in content.get("alarm", []) for each in stations_of(rule))}
    named -= {each["name"] for each in content.get("station", [])}
    missing = "".join(f'[[station]]\nname = "{name}"\ncommand = "x"\n' for name in named)
    return parse_config(f"{text}\n{missing}")


def stations_of(rule: dict[str, object]) -> list[str]:
    given = rule.get("station", [])
    return [given] if isinstance(given, str) else list(given)  # type: ignore[call-overload]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_fence_is_of_a_language_that_is_checked(page):
    radio = name_of(page).startswith(("docs/monitor", "docs/radio/"))
    toml = whole_config if radio else parse_preset
    read = {"toml": toml, "yaml": yaml.safe_load, "json": json.loads, "text": str, "": str}
    for _, language, code in FENCE.findall(text_of(page)):
        if language in read:
            read[language](code)
            first = code.split()[0] if code.split() else ""
            assert first not in CHECKS, f"a command in a fence without `sh`: {first}"
        elif language == "js":
            assert name_of(page) == "docs/web.md"  # native/test_browser.py runs it in Chromium
        else:
            assert language in ("python", *SHELLS) or name_of(page) in ELSEWHERE


# ---- notebooks


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_notebooks_are_stored_without_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
