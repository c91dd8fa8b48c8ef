"""Train and export a model by a recipe: a TOML file with all settings but the corpus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.models.card import CalibrationSource, Dataset, render_card
from pyplugin.support.arrays import Float32
from pyplugin.support.documents import DocumentError, parse_toml
from pyplugin.support.files import write_file
from pyplugin.training.augment import band_limits, log_mel, mel_power
from pyplugin.training.calibration import calibrate, measure_drift, run_patches
from pyplugin.training.corpus import (
    SYNTHETIC,
    SYNTHETIC_SINGING,
    read_clips,
    singing_clips,
    soundfont_clips,
    synthetic_clips,
)
from pyplugin.training.evaluate import predict, score
from pyplugin.training.export import scene_network, variables_of
from pyplugin.training.mixing import Mixer, MixSettings
from pyplugin.training.network import NetworkSettings, SceneNetwork
from pyplugin.training.report import Evaluation, render_report
from pyplugin.training.soundfonts import SOUNDFONTS
from pyplugin.training.synthesis import SECONDS
from pyplugin.training.teacher import pseudo_label
from pyplugin.training.train import TrainSettings, fit
from pyplugin.training.windows import (
    DisputedLabel,
    VariantSettings,
    WindowSet,
    build_windows,
    mask_disputed,
)

Report = Callable[[str], None]

_TRAIN_STEP = 4
_TEST_SEED, _EXPORT_SEED = 2, 3
_DEGRADED = VariantSettings(speed=0.0, room=0.7, codec=0.7)
_DRIFT_WINDOWS = 400
_AUTHOR = "the authors of pyplugin"


@dataclass(frozen=True)
class Recipe:
    """The settings of a model.

    Attributes
    ----------
    name, description, version, license, link, dataset, citation : str
        Fields of the card.
    default_hop : float
        Seconds; a field of the card.
    variants : tuple of VariantSettings
        One for each variant of every recording.
    synthetic_per_kind : int
        Number of synthetic clips of percussion, and of held notes.
    soundfonts : tuple of str
        File names of General MIDI SoundFonts.
    percussion_per_soundfont : int
        Number of clips of percussion rendered from each SoundFont.
    disputed : tuple of DisputedLabel
        Labels of the corpus that count as unknown.
    network : NetworkSettings
    mixing : MixSettings
    training : TrainSettings
    teachers : tuple of (TrainSettings, MixSettings)
        Settings of the networks that are trained first, as teachers. In the file, each table lists
        what differs from `training`, and its table `mixing` what differs from `mixing`.
    seed : int
        Seed of the variants.
    calibration : int
        Number of windows to calibrate int8 on.
    caveats : tuple of str
        Sentences for the report on the limits of the model.
    """

    name: str
    description: str
    version: str
    license: str
    link: str
    dataset: str
    citation: str
    default_hop: float = 0.1
    variants: tuple[VariantSettings, ...] = (VariantSettings(),)
    synthetic_per_kind: int = 0
    soundfonts: tuple[str, ...] = ()
    percussion_per_soundfont: int = 0
    disputed: tuple[DisputedLabel, ...] = ()
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
        The file cannot be read, is not TOML, or has a missing or unknown field or one of the
        wrong type.
    """
    try:
        values = parse_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PypluginError(f"Cannot read the recipe {path}: {error.strerror}.") from error
    except (DocumentError, UnicodeDecodeError) as error:
        raise PypluginError(f"The recipe {path} is not valid TOML: {error}.") from None
    try:
        if "variants" in values:
            values["variants"] = tuple(VariantSettings(**variant) for variant in values["variants"])
        if "network" in values:
            values["network"] = NetworkSettings.from_table(values["network"])
        training, mixing = values.get("training", {}), values.get("mixing", {})
        values["training"], values["mixing"] = TrainSettings(**training), MixSettings(**mixing)
        teachers = [{"mixing": {}, **teacher} for teacher in values.get("teachers", ())]
        mixtures = [MixSettings(**{**mixing, **teacher.pop("mixing")}) for teacher in teachers]
        settings = [TrainSettings(**{**training, **teacher}) for teacher in teachers]
        values["teachers"] = tuple(zip(settings, mixtures, strict=True))
        values["disputed"] = tuple(DisputedLabel(**entry) for entry in values.get("disputed", ()))
        for name in ("soundfonts", "caveats"):
            values[name] = tuple(values.get(name, ()))
        return Recipe(**values)
    except TypeError as error:
        problem = f"The recipe {path} has a missing, unknown or invalid key: {error}."
        raise PypluginError(problem) from None


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
        Folder to write ``NAME.tflite``, ``NAME.json`` and ``NAME.md`` to.
    soundfonts : Path, optional
        Folder that contains the recipe's SoundFonts, at any depth.
    cache : Path, optional
        Folder to store mel spectrograms and the teacher's activations in.
    report : callable, optional
        Called with a line about progress.

    Returns
    -------
    Path
        The ``.tflite`` file.

    Raises
    ------
    PypluginError
        The corpus or a SoundFont cannot be read, or the files cannot be written.
    """
    window_set = training_windows(recipe, corpus, soundfonts=soundfonts, cache=cache, report=report)
    tests = held_out_windows(recipe, corpus, cache=cache, report=report)
    teachers = []
    for number, (settings, mixing) in enumerate(recipe.teachers, 1):
        report(f"teacher {number} of {len(recipe.teachers)}")
        teachers.append(fit(window_set, recipe.network, mixing, settings, report=report))
    network = fit(
        window_set, recipe.network, recipe.mixing, recipe.training, teachers=teachers, report=report
    )
    return export(recipe, network, window_set, tests, folder, report=report)


def training_windows(
    recipe: Recipe,
    corpus: Path,
    *,
    soundfonts: Path = SOUNDFONTS,
    cache: Path | None = None,
    report: Report = lambda line: None,
) -> WindowSet:
    """Return the windows to train on: recorded, with pseudo-labels, and synthetic ones."""
    _check_disputed(recipe, corpus)
    fonts = [_find_soundfont(soundfonts, name) for name in recipe.soundfonts]
    recorded = read_clips(corpus, "train")
    if not recorded:
        raise PypluginError(f"The corpus {corpus} has no recordings of the split 'train'.")
    labels = None if cache is None else cache / "teacher"
    clips = pseudo_label(recorded, cache=labels, report=report)
    clips += singing_clips(recorded) + synthetic_clips(recipe.synthetic_per_kind, SECONDS)
    clips += soundfont_clips(fonts, recipe.percussion_per_soundfont, SECONDS)
    build = _builder(recipe, cache, report)
    window_set = build(clips, recipe.variants, step=_TRAIN_STEP, seed=recipe.seed)
    return mask_disputed(window_set, recipe.disputed)


def _builder(recipe: Recipe, cache: Path | None, report: Report) -> Callable[..., WindowSet]:
    """Return `build_windows` for windows of the recipe's length."""
    variants = None if cache is None else cache / "variants"
    return partial(build_windows, patch=recipe.network.patch, cache=variants, report=report)


def _check_disputed(recipe: Recipe, corpus: Path) -> None:
    recordings = {clip.path for clip in read_clips(corpus)}
    for entry in recipe.disputed:
        if corpus / entry.path not in recordings:
            raise PypluginError(
                f"The recipe disputes a label of {entry.path}, which is not in the corpus "
                f"{corpus}; give its path as in manifest.csv."
            )


def _find_soundfont(folder: Path, name: str) -> Path:
    found = sorted(path for path in folder.rglob("*") if path.name == name and path.is_file())
    if not found:
        raise PypluginError(
            f"The recipe needs the SoundFont {name}, which is not in {folder}. Install it (on "
            "Debian: apt install fluid-soundfont-gm musescore-general-soundfont) or give its "
            "folder with --soundfonts."
        )
    return found[0]


def held_out_windows(
    recipe: Recipe, corpus: Path, *, cache: Path | None = None, report: Report = lambda line: None
) -> dict[str, WindowSet]:
    """Return the windows to test on: as recorded, and degraded.

    Of the degraded recordings 70 % have reverberation and 70 % codec artefacts; half of their
    windows have a limited bandwidth, and their levels vary by +-12 dB.
    """
    clips = read_clips(corpus, "test")
    if not clips:
        raise PypluginError(f"The corpus {corpus} has no recordings of the split 'test'.")
    build, step = _builder(recipe, cache, report), recipe.network.patch // 2
    variants = {"as recorded": VariantSettings(), "degraded": _DEGRADED}
    return {
        name: build(clips, [variant], step=step, seed=_TEST_SEED)
        for name, variant in variants.items()
    }


def export(
    recipe: Recipe,
    network: SceneNetwork,
    window_set: WindowSet,
    tests: Mapping[str, WindowSet],
    folder: Path,
    *,
    report: Report = lambda line: None,
) -> Path:
    """Quantise and test a trained network; write model, card and report. See `train_network`."""
    variables = variables_of(network)
    patches = Mixer(window_set, recipe.mixing, _EXPORT_SEED).batch(recipe.calibration)[0]
    source = scene_network(
        recipe.network,
        name=recipe.name,
        description=recipe.description,
        dataset=Dataset(recipe.dataset, recipe.citation, _describe_corpus(window_set), {}),
    )
    report(f"calibrating on {len(patches)} windows")
    calibration = calibrate(source, variables, patches)
    model = source.build(variables, calibration=calibration)
    evaluations = {}
    for name, test in tests.items():
        report(f"testing: {name}, {len(test.starts)} windows")
        windows = _degrade(test, degraded=name != "as recorded")
        original = predict(network, windows)
        quantised = run_patches(model, windows, ("activations",))["activations"]
        evaluations[name] = Evaluation(mask_disputed(test, recipe.disputed), original, quantised)
    first = next(iter(evaluations.values()))
    metrics = {
        f"ROC-AUC {label}": round(found.auc, 4)
        for label, found in score(first.window_set.targets, first.int8_probabilities).items()
    }
    some = np.random.default_rng(_EXPORT_SEED).permutation(len(first.window_set.starts))
    chosen = np.sort(some[:_DRIFT_WINDOWS])
    card = source.card(
        model,
        patch=recipe.network.patch,
        int8=True,
        name=recipe.name,
        link=recipe.link,
        version=recipe.version,
        description=recipe.description,
        license=recipe.license,
        author=_AUTHOR,
        dataset=Dataset(recipe.dataset, recipe.citation, _describe_corpus(window_set), metrics),
        default_hop=recipe.default_hop,
        silence_before=recipe.mixing.onset > 0,
        calibration=CalibrationSource(
            "mixtures of the training set, as in training",
            len({clip.path for clip in window_set.sources if clip.category not in SYNTHETIC}),
            len(patches),
        ),
        quantisation=measure_drift(
            source, variables, calibration, first.window_set.windows(chosen)
        ),
    )
    path = folder / f"{recipe.name}.tflite"
    disputed = [
        _describe_disputed(entry, recipe, next(iter(tests.values())), first)
        for entry in recipe.disputed
    ]
    text = render_report(recipe.name, len(model), network, evaluations, recipe.caveats, disputed)
    contents = {".tflite": model, ".json": render_card(card).encode(), ".md": text.encode()}
    for suffix, content in contents.items():
        write_file(path.with_suffix(suffix), content)
    return path


def _describe_disputed(
    entry: DisputedLabel, recipe: Recipe, test: WindowSet, found: Evaluation
) -> str:
    """Return the reason for a disputed label, and the ROC-AUC with it, if it can be computed."""
    others = [other for other in recipe.disputed if other is not entry]
    sentence = f"{entry.path}, {entry.label}: {entry.reason}"
    targets = mask_disputed(test, others).targets
    scores = score(targets, found.int8_probabilities)
    same = np.array_equal(targets, found.window_set.targets, equal_nan=True)
    if entry.label not in scores or same:
        return sentence
    auc = scores[entry.label].auc
    return f"{sentence} With this label the ROC-AUC of {entry.label} is {auc:.4f}."


def _degrade(window_set: WindowSet, *, degraded: bool) -> Float32:
    """Return all windows; degraded ones with random levels and bandwidths."""
    mel = window_set.windows()
    if not degraded:
        return mel
    random = np.random.default_rng(_TEST_SEED)
    gains = band_limits(len(mel), random) * 10.0 ** random.uniform(-1.2, 1.2, (len(mel), 1))
    return log_mel(mel_power(mel) * gains[:, None].astype(np.float32))


def _describe_corpus(window_set: WindowSet) -> str:
    made = (SYNTHETIC_SINGING, *SYNTHETIC)
    recorded = [clip for clip in window_set.sources if clip.category not in made]
    minutes = sum(clip.seconds for clip in recorded) / 60.0
    return f"{len(recorded)} recordings, {minutes:.0f} minutes"
