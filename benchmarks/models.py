"""Networks of other people: the cost of a second of audio here and in their own programs.

PYPLUGIN_WEIGHTS names the folder of their files; what is not there is left out.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

import pyplugin
from benchmarks.machine import version
from benchmarks.measuring import run
from benchmarks.report import Figure, Row
from benchmarks.sounds import DEMO
from pyplugin._native import ffi, floats, lib, message
from pyplugin.cli.models import patches_of
from pyplugin.cli.ui.model_table import cost
from pyplugin.errors import UnsupportedError
from pyplugin.models import heads, registry
from pyplugin.models.adapting import ImportOptions, described, tflite_found
from pyplugin.models.importing import import_file, open_file
from pyplugin.models.recognition import Found
from pyplugin.models.tflite_file import TfliteFile

HERE = Path(__file__).parent
CLIPS = HERE.parent / "tests" / "data" / "labelled"
WEIGHTS = Path(os.environ.get("PYPLUGIN_WEIGHTS", HERE.parents[1] / "shared" / "weights"))
TEMPOCNN = HERE.parent / "build" / "tempocnn"  # the package, without what it depends on
SECONDS = 24.0
ROUNDS = 3
HEADS = "essentia-heads-msd-musicnn-tfjs"
HEAD_RUNS = 10_000
IMPORT_LIMIT, HEAD_LIMIT, DIFFERENCE_LIMIT = 2.0, 5.0, 1e-4


@dataclass(frozen=True)
class Case:
    """A network and the program that it was made for."""

    name: str
    file: str
    kind: str  # of original.py
    peer: str
    package: str
    rate: int
    hop: float  # s
    step: int  # the hop in the program's unit
    original: str = ""  # what the program is given, where it is another file
    limit: float | None = None  # ms
    against: float | None = None
    equal: bool = True  # the same weights, so that values can be compared
    tolerance: float = DIFFERENCE_LIMIT
    seconds: float = SECONDS


MUSICNN = partial(
    Case,
    kind="essentia_musicnn",
    peer="Essentia",
    package="essentia-tensorflow",
    rate=16000,
    hop=94 * 256 / 16000,
    step=94,
)
TEMPO = partial(Case, rate=11025, hop=128 * 512 / 11025, step=128)
CASES = (
    Case(
        "YAMNet",
        "yamnet/yamnet_spectra_in.tflite",
        "litert_waveform",
        "LiteRT, waveform",
        "ai-edge-litert",
        16000,
        0.48,
        7680,
        original="yamnet/yamnet-waveform.tflite",
        limit=4.0,
        against=0.25,
        equal=False,
    ),
    MUSICNN("msd-musicnn-1", "essentia-msd-musicnn/msd-musicnn-1.pb"),
    *(
        MUSICNN(stem, f"essentia-classifiers-v1/{stem}.pb")
        for stem in ("danceability-musicnn-msd", "genre_dortmund_musicnn_msd")
    ),
    TEMPO(
        "deeptemp_k16",
        "essentia-test-graphs/deeptemp_k16.pb",
        "essentia_tempocnn",
        "Essentia",
        "essentia-tensorflow",
    ),
    *(
        TEMPO(
            stem,
            f"tempocnn/{stem}.h5",
            "tempocnn",
            "tempo-cnn",
            "tempocnn",
            original=stem,
            seconds=255.5 * 512 / 11025,  # one patch: it normalises the whole file at once
            tolerance=tolerance,
        )
        # std_normalizer of the second returns float16
        for stem, tolerance in (("fcn", DIFFERENCE_LIMIT), ("deeptemp_k4", 1e-3))
    ),
)


def measure(*, long: bool = False) -> list[Figure]:
    if not WEIGHTS.is_dir():
        notes = ["left out: PYPLUGIN_WEIGHTS names no folder of networks"]
        return [Figure("models", "networks of other people", "ms", [], notes)]
    figures: list[Figure] = []
    imports: list[Row] = []
    differences: list[Row] = []
    absent: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PYPLUGIN_MODELS"] = str(folder / "models")
        for case in CASES:
            if (WEIGHTS / case.file).is_file():
                figures.append(one(case, folder, imports, differences))
            else:
                absent.append(f"left out: {case.file} is not in {WEIGHTS}")
        figures += list(of_heads())
    title = f"import of a file, processor time of the whole process (least of {ROUNDS})"
    figures.append(Figure("models", title, "s", imports, absent))
    title = (
        "largest difference of a value from that of the original program, from the audio file on"
    )
    figures.append(Figure("models", title, "", differences))
    return figures


def one(case: Case, folder: Path, imports: list[Row], differences: list[Row]) -> Figure:
    """Import a network; return what it and its original cost."""
    path = WEIGHTS / case.file
    found, output = known_of(path)
    labels = folder / "labels.txt"
    labels.write_text("\n".join(f"value {number}" for number in range(found.labels)))
    command = ["-m", "pyplugin", "models", "import", path, "--name", "float", "--labels", labels]
    seconds = min(run(command).cpu for _ in range(ROUNDS))
    imports.append(Row(case.name, seconds, limit=IMPORT_LIMIT))
    model = registry.load("float")
    audio = folder / "audio.wav"
    sound = music(case, audio)
    notes: list[str] = []
    calls = {
        f"{place}, {kind}": (each, runtime)
        for kind, each in forms(path, model, labels, notes)
        for place, runtime in (("inline", "inline"), ("worker", "litert"))
    }
    best: dict[str, float] = {}
    for who, (each, runtime) in calls.items():
        options = {"hop": case.hop, "audio": sound, "sample_rate": case.rate, "rounds": ROUNDS}
        try:
            best[who] = cost(each, runtime, **options)  # type: ignore[arg-type]
        except UnsupportedError:  # inline
            continue
    rows = [Row(who, value) for who, value in best.items()]
    mine = next((row for row in rows if row.who == "inline, int8"), None)
    if mine is not None:
        mine.limit = case.limit
        mine.against = {} if case.against is None else {case.peer: case.against}
    theirs, note = original(case, path, output, audio, folder)
    if theirs is None:
        notes.append(note)
    else:
        who = f"{case.peer} {version(case.package) or ''}".rstrip()
        rows.append(Row(who, theirs * 1e3 / case.seconds, case.peer))
        if case.equal:
            expected = np.load(folder / "values.npy")
            got = pyplugin.tag(audio, model=model, hop=case.hop).activations
            count = min(len(got), len(expected))
            apart = float(np.abs(got[:count] - expected[:count]).max())
            who = f"{case.name}, float; {case.peer}, {count} windows"
            differences.append(Row(who, apart, limit=case.tolerance))
    title = f"{case.name}: a second of audio, one result every {case.hop:.3g} s, processor time"
    return Figure("models", f"{title} (least of {ROUNDS})", "ms", rows, notes)


def known_of(path: Path) -> tuple[Found, str]:
    opened = open_file(path)
    if isinstance(opened, TfliteFile):
        return tflite_found(path, opened, None, ImportOptions())
    return described(path, opened, None, ImportOptions())


def forms(
    path: Path, model: registry.Model, labels: Path, notes: list[str]
) -> Iterator[tuple[str, registry.Model]]:
    """Yield the model as it was imported, and in int8 where that changes little."""
    if "tflite-int8" in model.card.model_types:
        yield "int8", model
        return
    yield "float", model
    clips = tuple(str(clip) for clip in sorted(CLIPS.rglob("*.ogg"))[::4])
    options = ImportOptions(name="int8", labels=labels, patches=partial(patches_of, clips))
    notes += [note for note in import_file(path, options).notes if "int8" in note]
    quantised = registry.load("int8")
    if "tflite-int8" in quantised.card.model_types:
        yield "int8", quantised


def music(case: Case, path: Path) -> np.ndarray:
    """Write music at the network's rate, so that no resampler takes part; return it, (1, n)."""
    import soxr

    samples, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(1), rate, case.rate)
    count = int(case.seconds * case.rate)
    repeated = np.tile(mono, -(-count // len(mono)))[:count].astype(np.float32)
    soundfile.write(path, repeated, case.rate, subtype="FLOAT")
    return np.ascontiguousarray(repeated[np.newaxis])


def original(
    case: Case, path: Path, output: str, audio: Path, folder: Path
) -> tuple[float | None, str]:
    """Return the processor seconds of the original program for the audio, or why there are none."""
    given = WEIGHTS / case.original if "/" in case.original else case.original or path
    if case.kind.startswith("essentia"):
        given = f"{path}:{output}"
    packages = case.package == "tempocnn"
    if packages and not TEMPOCNN.is_dir():
        place = TEMPOCNN.relative_to(HERE.parent)
        install = f"pip install --no-deps --target {place} tempocnn==0.0.8 tf_keras"
        return None, f"left out: tempo-cnn is not installed: make oracle && {install}"
    if not packages and version(case.package) is None:
        return None, f"left out: {case.package} is not installed: pip install 'tagnode[bench]'"
    before = os.environ.get("PYTHONPATH")
    if packages:
        os.environ["PYTHONPATH"] = str(TEMPOCNN)
    try:
        script = [HERE / "original.py", case.kind, given, audio, str(case.step)]
        done = run([*script, folder / "values.npy"], one_core=True)
    except RuntimeError as error:
        return None, f"left out: {case.peer}: {str(error).strip().splitlines()[-1]}"
    finally:
        os.environ.pop("PYTHONPATH", None)
        if before is not None:
            os.environ["PYTHONPATH"] = before
    return float(done.output.splitlines()[-1]), ""


def of_heads() -> Iterator[Figure]:
    """Yield the time of heads on an embedding."""
    rows = []
    for path in sorted((WEIGHTS / HEADS).glob("*/model.json")):
        found, _ = known_of(path)
        labels = tuple(f"value {number}" for number in range(found.labels))
        options = ImportOptions(model="musicnn-msd", embedding="dense", known_labels=labels)
        head = heads.load(import_file(path, options).name)
        opened = heads.open_head(head)
        vectors = np.random.default_rng(0).normal(size=(HEAD_RUNS, head.size)).astype(np.float32)
        values = np.empty((HEAD_RUNS, len(labels)), np.float32)
        taken, why = [], message()
        for _ in range(ROUNDS):
            started = time.process_time()
            status = lib.tagnode_head_run(opened, floats(vectors), HEAD_RUNS, floats(values), why)
            taken.append(time.process_time() - started)
            assert status == lib.TAGNODE_OK
        rows.append(Row(head.name, min(taken) / HEAD_RUNS * 1e6, limit=HEAD_LIMIT))
        ffi.release(opened)
    if rows:
        yield Figure("models", "one result of a head, in C", "µs", rows)
