"""The operations of the tagger in the callback, in C, against LiteRT: at random and in our models.

The program run_graph is taken from TAGNODE_RUN_GRAPH, or compiled with the portable kernels.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
pytest.importorskip("flatbuffers", reason="needs flatbuffers")

from graph_runner import Answer, Job, Known, run_jobs, run_litert
from op_cases import KINDS, Case, cases
from op_models import Array, with_all_outputs

from pyplugin.node.frontend import melspectrogram

SEED = 20
LEAST_EQUAL = 0.999
FLOAT_TOLERANCE = 1e-5  # of the greatest value, or of 1
MODELS = ("musicnn-mtt", "musicnn-msd", "vgg-mtt", "vgg-msd")

NATIVE = Path(__file__).parents[2] / "native"
SOURCES = (
    "tests/run_graph.c",
    "src/kernels/floats_kernels.c",
    "src/kernels/floats_pack.c",
    "src/kernels/portable.c",
    "src/kernels/select.c",
    "src/support/message.c",
    "src/tagger/flatbuffer.c",
    "src/tagger/graph.c",
    "src/tagger/graph_ops.c",
    "src/tagger/graph_tensors.c",
)

Results = dict[str, list[tuple[Case, Known, Answer]]]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program run_graph."""
    given = os.environ.get("TAGNODE_RUN_GRAPH")
    if given:
        return Path(given)
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, or TAGNODE_RUN_GRAPH")
    built = tmp_path_factory.mktemp("native") / "run_graph"
    operations = sorted((NATIVE / "src" / "tagger").glob("ops*.c"))
    flags = ["-std=c11", "-O2", "-ffp-contract=off", "-D_POSIX_C_SOURCE=200809L"]
    flags += ["-DTAGNODE_FLOATS_NAME=portable", "-DTAGNODE_FLOATS_PLAIN"]
    folders = [f"-I{NATIVE / 'include'}", f"-I{NATIVE / 'src'}"]
    files = [*(NATIVE / name for name in SOURCES), *operations]
    subprocess.run([compiler, *flags, *folders, *files, "-o", built, "-lm"], check=True)
    return built


@pytest.fixture(scope="module")
def results(program: Path) -> Results:
    """All cases, run by LiteRT and by us."""
    drawn = list(cases(SEED))
    known = [run_litert(case.model, case.input) for case in drawn]
    jobs = [Job(c.model, {k.input: c.input}) for c, k in zip(drawn, known, strict=True)]
    found: Results = {kind: [] for kind in KINDS}
    for case, expected, answer in zip(drawn, known, run_jobs(program, jobs), strict=True):
        found[case.kind].append((case, expected, answer))
    return found


def pairs(known: Known, answer: Answer) -> Iterable[tuple[Array, Array]]:
    """Yield each output as LiteRT and as we have it."""
    assert answer.status == 0, answer.message
    for index, expected in known.outputs.items():
        ours = np.frombuffer(answer.computed[index], expected.dtype)
        yield expected, ours.reshape(expected.shape)


def distances(expected: Array, ours: Array) -> Array:
    """Return how far apart they are: in steps for int8, relative to the greatest for float."""
    apart = np.abs(ours.astype(np.float64) - expected.astype(np.float64)).ravel()
    if expected.dtype == np.int8:
        return apart
    return apart / max(1.0, float(np.abs(expected).max()))


def check_int8(apart: Array, what: str) -> None:
    equal = float(np.mean(apart == 0))
    assert apart.max() <= 1, f"{what}: {apart.max()} steps apart"
    assert equal >= LEAST_EQUAL, f"{what}: {100 * equal:.3f} % equal"


def test_there_are_enough_cases(results: Results) -> None:
    assert sum(len(found) for found in results.values()) >= 1000


@pytest.mark.parametrize("kind", KINDS)
def test_operation_gives_what_litert_gives(kind: str, results: Results) -> None:
    of_int8, of_float = [], []
    for _, known, answer in results[kind]:
        for expected, ours in pairs(known, answer):
            (of_int8 if expected.dtype == np.int8 else of_float).append(distances(expected, ours))
    if of_int8:
        check_int8(np.concatenate(of_int8), kind)
    if of_float:
        assert np.concatenate(of_float).max() <= FLOAT_TOLERANCE


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL"])
def test_cases_use_the_range_of_int8(kind: str, results: Results) -> None:
    values = np.concatenate(
        [
            expected.ravel()
            for _, known, answer in results[kind]
            for expected, _ in pairs(known, answer)
        ]
    )
    assert np.mean((values > -128) & (values < 127)) > 0.3
    assert len(np.unique(values)) > 240


@pytest.fixture(scope="module")
def mel(clips: Path) -> Array:
    """One patch of each real clip, (clips, 187, 96)."""
    soundfile = pytest.importorskip("soundfile", reason="needs soundfile")
    patches = []
    for path in sorted(clips.glob("*.ogg")):
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
        frames = melspectrogram(samples.T, sample_rate)
        start = (len(frames) - 187) // 2
        patches.append(frames[start : start + 187])
    return np.stack(patches)


@pytest.mark.parametrize("name", MODELS)
def test_model_gives_what_litert_gives(name: str, mel: Array, program: Path, models: Path) -> None:
    """Each operation on LiteRT's own inputs, and the activations of the whole."""
    model = (models / f"{name}.tflite").read_bytes()
    opened = with_all_outputs(model)
    patches = [patch[None] for patch in mel]
    known = [run_litert(opened, patch) for patch in patches]
    jobs = [
        Job(model, {**expected.outputs, expected.input: patch})
        for expected, patch in zip(known, patches, strict=True)
    ]
    of_int8, of_float = {}, {}
    for expected, answer in zip(known, run_jobs(program, jobs), strict=True):
        assert answer.status == 0, answer.message
        assert set(answer.computed) == set(expected.outputs)
        for index, value in expected.outputs.items():
            ours = np.frombuffer(answer.computed[index], value.dtype).reshape(value.shape)
            kept = of_int8 if value.dtype == np.int8 else of_float
            kept.setdefault(index, []).append(distances(value, ours))
    for index, apart in of_int8.items():
        check_int8(np.concatenate(apart), f"{name}, tensor {index}")
    assert max(float(np.concatenate(apart).max()) for apart in of_float.values()) <= FLOAT_TOLERANCE

    plain = [run_litert(model, patch) for patch in patches]
    alone = run_jobs(program, [Job(model, {plain[0].input: patch}) for patch in patches])
    for expected, answer in zip(plain, alone, strict=True):
        activations = next(iter(expected.outputs))
        ours = np.frombuffer(answer.computed[activations], np.float32)
        np.testing.assert_allclose(ours, expected.outputs[activations].ravel(), atol=1e-3)
