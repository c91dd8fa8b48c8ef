"""Make a model from a corpus by a recipe: a TOML file that says all but where the sound is."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pyplugin.errors import PypluginError
from pyplugin.models.card import CalibrationSource, Card, Dataset, Input, Schema, render_card
from pyplugin.models.frontends import PRESETS
from pyplugin.support.files import replacing
from pyplugin.training.augment import band_limits, power_of, to_log
from pyplugin.training.calibration import calibrate, measure_drift, run_patches
from pyplugin.training.corpus import MADE, SUNG, read_clips, to_make, to_play, to_sing
from pyplugin.training.evaluate import predict, score
from pyplugin.training.export import scene_network, variables_of
from pyplugin.training.mixing import Mixer, MixSettings
from pyplugin.training.network import NetworkSettings, SceneNetwork
from pyplugin.training.report import Findings, render_report
from pyplugin.training.soundfonts import SOUNDFONTS
from pyplugin.training.synthesis import SECONDS
from pyplugin.training.teacher import taught
from pyplugin.training.train import TrainSettings, fit
from pyplugin.training.windows import Bank, Doubt, TakeSettings, build_bank, without_doubts

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Recipe", "export", "held_out_banks", "read_recipe", "train_bank", "train_network"]

Float32 = npt.NDArray[np.float32]
Report = Callable[[str], None]
Settings = TypeVar("Settings")

_TRAIN_STEP = 4
_TEST_SEED, _EXPORT_SEED = 2, 3
_DEGRADED = TakeSettings(speed=0.0, room=0.7, codec=0.7)
_DRIFT_WINDOWS = 400
_AUTHOR = "the authors of pyplugin"


@dataclass(frozen=True)
class Recipe:
    """What a model is made by.

    Attributes
    ----------
    name, description, version, license, link, dataset, citation : str
        For the card.
    default_hop : float
        Seconds, for the card.
    takes : tuple of TakeSettings
        How often, and how, each recording is heard.
    made : int
        How many recordings are made of percussion, and of held notes.
    soundfonts : tuple of str
        Names of the files of General MIDI SoundFonts.
    played : int
        How many recordings of percussion are played from each of them.
    doubts : tuple of Doubt
        Labels of the corpus that count as unknown.
    network : NetworkSettings
    mixing : MixSettings
    training : TrainSettings
    teachers : tuple of (TrainSettings, MixSettings)
        Of networks that are trained first, to teach the one that comes out. A table of them says
        what differs from `training`, and its table `mixing`, what from `mixing`.
    seed : int
        Of how recordings are heard.
    calibration : int
        Windows that int8 is calibrated on.
    caveats : tuple of str
        Sentences for the report: where not to trust the model.
    """

    name: str
    description: str
    version: str
    license: str
    link: str
    dataset: str
    citation: str
    default_hop: float = 0.1
    takes: tuple[TakeSettings, ...] = (TakeSettings(),)
    made: int = 0
    soundfonts: tuple[str, ...] = ()
    played: int = 0
    doubts: tuple[Doubt, ...] = ()
    network: NetworkSettings = field(default_factory=NetworkSettings)
    mixing: MixSettings = field(default_factory=MixSettings)
    training: TrainSettings = field(default_factory=TrainSettings)
    teachers: tuple[tuple[TrainSettings, MixSettings], ...] = ()
    seed: int = 1
    calibration: int = 600
    caveats: tuple[str, ...] = ()


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    PypluginError
        When the file cannot be read, is no TOML, or has a field that is missing, unknown or of
        another type.
    """
    try:
        with path.open("rb") as file:
            values: dict[str, Any] = tomllib.load(file)
    except OSError as error:
        raise PypluginError(f"Cannot read the recipe {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PypluginError(f"The recipe {path} is no TOML: {error}.") from None
    try:
        if "takes" in values:
            values["takes"] = tuple(TakeSettings(**take) for take in values["takes"])
        if "network" in values:
            values["network"] = NetworkSettings.from_table(values["network"])
        training, mixing = values.get("training", {}), values.get("mixing", {})
        values["training"], values["mixing"] = TrainSettings(**training), MixSettings(**mixing)
        teachers = [{"mixing": {}, **teacher} for teacher in values.get("teachers", ())]
        mixtures = [MixSettings(**{**mixing, **teacher.pop("mixing")}) for teacher in teachers]
        settings = [TrainSettings(**{**training, **teacher}) for teacher in teachers]
        values["teachers"] = tuple(zip(settings, mixtures, strict=True))
        values["doubts"] = tuple(Doubt(**doubt) for doubt in values.get("doubts", ()))
        for name in ("soundfonts", "caveats"):
            values[name] = tuple(values.get(name, ()))
        return Recipe(**values)
    except TypeError as error:
        raise PypluginError(f"The recipe {path} does not fit: {error}.") from None


def train_network(
    recipe: Recipe,
    corpus: Path,
    folder: Path,
    *,
    soundfonts: Path = SOUNDFONTS,
    cache: Path | None = None,
    report: Report = lambda line: None,
) -> Path:
    """Train a network, quantise it, and write model, card and report.

    Parameters
    ----------
    recipe : Recipe
    corpus : Path
        A folder with ``manifest.csv``; see `pyplugin.training.corpus`.
    folder : Path
        Where ``NAME.tflite``, ``NAME.json`` and ``NAME.md`` shall be.
    soundfonts : Path, optional
        A folder with the recipe's SoundFonts, or with folders that have them.
    cache : Path, optional
        A folder to keep mel spectrograms and the teacher's answers in, for the next time.
    report : callable, optional
        Takes a line of progress.

    Returns
    -------
    Path
        The ``.tflite`` file.

    Raises
    ------
    PypluginError
        When the corpus or a SoundFont cannot be read or the files cannot be written.
    """
    bank = train_bank(recipe, corpus, soundfonts=soundfonts, cache=cache, report=report)
    tests = held_out_banks(recipe, corpus, cache=cache, report=report)
    teachers = []
    for number, (settings, mixing) in enumerate(recipe.teachers, 1):
        report(f"teacher {number} of {len(recipe.teachers)}")
        teachers.append(fit(bank, recipe.network, mixing, settings, report=report))
    network = fit(
        bank, recipe.network, recipe.mixing, recipe.training, teachers=teachers, report=report
    )
    return export(recipe, network, bank, tests, folder, report=report)


def train_bank(
    recipe: Recipe,
    corpus: Path,
    *,
    soundfonts: Path = SOUNDFONTS,
    cache: Path | None = None,
    report: Report = lambda line: None,
) -> Bank:
    """Return the windows to learn from: as the teacher says, made to sing, made and played."""
    _check_doubts(recipe, corpus)
    fonts = [_soundfont(soundfonts, name) for name in recipe.soundfonts]
    recorded = read_clips(corpus, "train")
    if not recorded:
        raise PypluginError(f"The corpus {corpus} has no recordings of the split 'train'.")
    answers = None if cache is None else cache / "teacher"
    clips = taught(recorded, cache=answers, report=report)
    clips += to_sing(recorded) + to_make(recipe.made, SECONDS)
    clips += to_play(fonts, recipe.played, SECONDS)
    bank = build_bank(
        clips,
        recipe.takes,
        patch=recipe.network.patch,
        step=_TRAIN_STEP,
        seed=recipe.seed,
        cache=None if cache is None else cache / "takes",
        report=report,
    )
    return without_doubts(bank, recipe.doubts)


def _check_doubts(recipe: Recipe, corpus: Path) -> None:
    recordings = {clip.path for clip in read_clips(corpus)}
    for doubt in recipe.doubts:
        if corpus / doubt.path not in recordings:
            raise PypluginError(
                f"The recipe doubts a label of {doubt.path}, which the corpus {corpus} has not; "
                "give its path as in manifest.csv."
            )


def _soundfont(folder: Path, name: str) -> Path:
    found = sorted(path for path in folder.rglob("*") if path.name == name and path.is_file())
    if not found:
        raise PypluginError(
            f"The recipe plays percussion from {name}, which is not in {folder}. Install it (on "
            "Debian: apt install fluid-soundfont-gm musescore-general-soundfont) or say where it "
            "is with --soundfonts."
        )
    return found[0]


def held_out_banks(
    recipe: Recipe, corpus: Path, *, cache: Path | None = None, report: Report = lambda line: None
) -> dict[str, Bank]:
    """Return the windows to test on: as recorded, and degraded.

    Degraded are recordings of which 70 % were put in a room, 70 % through a codec, and half of
    whose windows lost bands, with levels that vary by 12 dB either way.
    """
    clips = read_clips(corpus, "test")
    if not clips:
        raise PypluginError(f"The corpus {corpus} has no recordings of the split 'test'.")
    banks = {}
    for name, take in (("as recorded", TakeSettings()), ("degraded", _DEGRADED)):
        banks[name] = build_bank(
            clips,
            [take],
            patch=recipe.network.patch,
            step=recipe.network.patch // 2,
            seed=_TEST_SEED,
            cache=None if cache is None else cache / "takes",
            report=report,
        )
    return banks


def export(
    recipe: Recipe,
    network: SceneNetwork,
    bank: Bank,
    tests: Mapping[str, Bank],
    folder: Path,
    *,
    report: Report = lambda line: None,
) -> Path:
    """Quantise a trained network, test it and write model, card and report; see `train_network`."""
    variables = variables_of(network)
    heard = Mixer(bank, recipe.mixing, _EXPORT_SEED).batch(recipe.calibration)[0]
    source = scene_network(
        recipe.network,
        name=recipe.name,
        description=recipe.description,
        dataset=Dataset(recipe.dataset, recipe.citation, _size(bank), {}),
    )
    report(f"calibrating on {len(heard)} windows")
    calibration = calibrate(source, variables, heard)
    model = source.build(variables, calibration=calibration)
    findings = {}
    for name, test in tests.items():
        report(f"testing: {name}, {len(test.starts)} windows")
        windows = _windows(test, degraded=name != "as recorded")
        exact = predict(network, windows)
        answers = run_patches(model, windows, ("activations",))["activations"]
        findings[name] = Findings(without_doubts(test, recipe.doubts), exact, answers)
    first = next(iter(findings.values()))
    metrics = {
        f"ROC-AUC {label}": round(found.auc, 4)
        for label, found in score(first.bank.targets, first.answers).items()
    }
    some = np.random.default_rng(_EXPORT_SEED).permutation(len(first.bank.starts))
    chosen = np.sort(some[:_DRIFT_WINDOWS])
    card = Card(
        name=recipe.name,
        type="auto-tagging",
        link=recipe.link,
        version=recipe.version,
        description=recipe.description,
        license=recipe.license,
        author=_AUTHOR,
        labels=source.labels,
        model_types=("tflite-int8",),
        dataset=Dataset(recipe.dataset, recipe.citation, _size(bank), metrics),
        schema=Schema(
            (Input("mel", "float", (1, recipe.network.patch, recipe.network.bands)),),
            source.outputs,
        ),
        inference=PRESETS["musicnn"],
        patch_frames=recipe.network.patch,
        default_hop=recipe.default_hop,
        silence_before=recipe.mixing.onset > 0,
        embedding=source.embedding,
        calibration=CalibrationSource(
            "mixtures of the training set as the network learnt from them",
            len({clip.path for clip in bank.sources if clip.category not in MADE}),
            len(heard),
        ),
        sha256=hashlib.sha256(model).hexdigest(),
        quantisation=measure_drift(source, variables, calibration, first.bank.windows(chosen)),
    )
    path = folder / f"{recipe.name}.tflite"
    doubts = [_doubted(doubt, recipe, next(iter(tests.values())), first) for doubt in recipe.doubts]
    text = render_report(recipe.name, len(model), network, findings, recipe.caveats, doubts)
    for place, content in (
        (path, model),
        (path.with_suffix(".json"), render_card(card).encode()),
        (path.with_suffix(".md"), text.encode()),
    ):
        with replacing(place) as file:
            file.write_bytes(content)
    return path


def _doubted(doubt: Doubt, recipe: Recipe, test: Bank, found: Findings) -> str:
    """Return why a label is in doubt, and what it would change where that can be told."""
    others = [other for other in recipe.doubts if other is not doubt]
    sentence = f"{doubt.path}, {doubt.label}: {doubt.why}"
    targets = without_doubts(test, others).targets
    scores = score(targets, found.answers)
    if doubt.label not in scores or np.array_equal(targets, found.bank.targets, equal_nan=True):
        return sentence
    return f"{sentence} With it, the ROC-AUC of {doubt.label} is {scores[doubt.label].auc:.4f}."


def _windows(bank: Bank, *, degraded: bool) -> Float32:
    """Return all windows; degraded ones at other levels and partly without their upper bands."""
    mel = bank.windows()
    if not degraded:
        return mel
    random = np.random.default_rng(_TEST_SEED)
    gains = band_limits(len(mel), random) * 10.0 ** random.uniform(-1.2, 1.2, (len(mel), 1))
    return to_log(power_of(mel) * gains[:, None].astype(np.float32))


def _size(bank: Bank) -> str:
    recorded = [clip for clip in bank.sources if clip.category not in (SUNG, *MADE)]
    minutes = sum(clip.seconds for clip in recorded) / 60.0
    return f"{len(recorded)} recordings, {minutes:.0f} minutes"
