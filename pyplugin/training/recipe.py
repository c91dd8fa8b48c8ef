"""Train and export a model by a recipe: a TOML file with all settings but the corpus."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.models.card import CalibrationSource, Dataset, render_card
from pyplugin.support.arrays import Float32
from pyplugin.support.documents import DocumentError, parse_toml
from pyplugin.support.files import write_file
from pyplugin.training.calibration import calibrate, measure_drift, run_patches
from pyplugin.training.corpus import LABELS, CorpusClip, read_clips, with_voice
from pyplugin.training.export import scene_network, variables_of
from pyplugin.training.held_out import (
    DisputedLabel,
    WindowSet,
    build_windows,
    mask_disputed,
    with_channels,
)
from pyplugin.training.network import NetworkSettings, SceneNetwork, add_offsets
from pyplugin.training.recordings import check_models, recorded_sounds
from pyplugin.training.report import Evaluation, render_report
from pyplugin.training.scores import predict, score
from pyplugin.training.sequences import (
    SceneSettings,
    SequenceSet,
    augmented,
    build_sequences,
    front_end_values,
)
from pyplugin.training.soundfonts import SOUNDFONTS
from pyplugin.training.sounds import BACKING, VOCALS, Progress, Sound, is_validation, pools_of
from pyplugin.training.synthetic import SoundSettings, find_soundfont, synthetic_sounds
from pyplugin.training.teacher import TeacherSettings, teach
from pyplugin.training.train import TrainSettings, fit

Report = Callable[[str], None]

_TEST_SEED, _EXPORT_SEED = 2, 3
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
    sounds : SoundSettings
        What scenes are composed of besides the recordings of the corpus.
    scenes : SceneSettings
    teacher : TeacherSettings or None
        None: the network learns from the labels of the corpus alone.
    disputed : tuple of DisputedLabel
        Labels of the corpus that count as unknown.
    network : NetworkSettings
    training : TrainSettings
    offsets : mapping of str to float
        By label, what is added to its logit after the training, where it was taught too rarely.
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
    sounds: SoundSettings = field(default_factory=SoundSettings)
    scenes: SceneSettings = field(default_factory=SceneSettings)
    teacher: TeacherSettings | None = None
    disputed: tuple[DisputedLabel, ...] = ()
    network: NetworkSettings = field(default_factory=NetworkSettings)
    training: TrainSettings = field(default_factory=TrainSettings)
    offsets: Mapping[str, float] = field(default_factory=dict)
    calibration: int = 600
    caveats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for label, offset in self.offsets.items():
            if label not in LABELS:
                raise ValueError(f"{label!r} is not a label; expected one of {', '.join(LABELS)}")
            if not isinstance(offset, (int, float)):
                raise TypeError(f"the offset of {label} is {offset!r}; a number is expected")

    @property
    def yamnet(self) -> str:
        """Name of YAMNet among the models; empty without a teacher."""
        return "" if self.teacher is None else self.teacher.model


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
        if "network" in values:
            values["network"] = NetworkSettings.from_table(values["network"])
        if "sounds" in values:
            fonts = tuple(values["sounds"].pop("soundfonts", ()))
            values["sounds"] = SoundSettings(**values["sounds"], soundfonts=fonts)
        for name, kind in (
            ("scenes", SceneSettings),
            ("teacher", TeacherSettings),
            ("training", TrainSettings),
        ):
            if name in values:
                values[name] = kind(**values[name])
        values["disputed"] = tuple(DisputedLabel(**entry) for entry in values.get("disputed", ()))
        values["caveats"] = tuple(values.get("caveats", ()))
        return Recipe(**values)
    except (AttributeError, TypeError, ValueError) as error:
        problem = f"The recipe {path} has a missing, unknown or invalid key: {error}."
        raise PypluginError(problem) from None


def train_network(
    recipe: Recipe,
    corpus: Path,
    folder: Path,
    *,
    soundfonts: Path = SOUNDFONTS,
    cache: Path | None = None,
    processes: int = 1,
    progress: Progress = lambda stage, done, of: None,
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
        Folder to store sounds, scenes and the state of the training in: after an interruption, the
        same call goes on. Without it they are temporary.
    processes : int, optional
        That compute sounds and scenes.
    progress : callable, optional
        Called with the name of a stage, the number of finished items, and the total.
    report : callable, optional
        Called with a line about a result.

    Returns
    -------
    Path
        The ``.tflite`` file.

    Raises
    ------
    PypluginError
        The corpus, a SoundFont or a model that the recipe needs cannot be read, or the files
        cannot be written.
    """
    check_models(recipe.yamnet, recipe.sounds.separator)
    with ExitStack() as stack:
        if cache is None:
            cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tagnode-")))
        work = _Work(recipe, corpus, soundfonts, cache, processes, progress, report)
        # Of all recordings first, so that one that cannot be read is reported at once.
        recorded, tests = work.recorded("train"), work.tests()
        sequences, validation = work.sequences(recorded)
        network = fit(
            sequences,
            recipe.network,
            recipe.training,
            validation=validation,
            cache=cache,
            progress=progress,
            report=report,
        )
        add_offsets(network, recipe.offsets)
        described = _describe_corpus(read_clips(corpus, "train"))
        return export(recipe, network, sequences, tests, folder, described, report=report)


@dataclass(frozen=True)
class _Work:
    """The stages before the training, each of which is kept in the cache."""

    recipe: Recipe
    corpus: Path
    soundfonts: Path
    cache: Path
    processes: int
    progress: Progress
    report: Report

    def recorded(self, split: str) -> list[Sound]:
        """Return the recordings of a split, and the stems of its songs."""
        clips = read_clips(self.corpus, split)
        if not clips:
            raise PypluginError(
                f"The corpus {self.corpus} has no recordings of the split {split!r}."
            )
        if split == "train":
            clips = _without_disputed(clips, self.recipe.disputed, self.corpus)
        sounds = recorded_sounds(
            clips,
            self.cache / "sounds",
            yamnet=self.recipe.yamnet,
            separator=self.recipe.sounds.separator,
            stage=f"Recordings to {split} on",
            processes=self.processes,
            progress=self.progress,
        )
        if not sounds:
            raise PypluginError(
                f"The recordings of the split {split!r} are all shorter than 50 ms."
            )
        return sounds

    def tests(self) -> dict[str, WindowSet]:
        """Return the windows to test on: as recorded, and degraded."""
        return held_out_windows(self.recipe, self.recorded("test"))

    def sequences(self, recorded: Sequence[Sound]) -> tuple[SequenceSet, SequenceSet | None]:
        """Return the sequences to train on, taught by the teacher, and those to validate on."""
        recipe = self.recipe
        fonts = [find_soundfont(self.soundfonts, name) for name in recipe.sounds.soundfonts]
        sounds = list(recorded)
        sounds += synthetic_sounds(
            recipe.sounds,
            [sound for sound in recorded if sound.category == "speech"],
            fonts,
            self.cache / "sounds",
            seed=recipe.scenes.seed,
            processes=self.processes,
            progress=self.progress,
        )
        scenes, validation = recipe.scenes, None
        if scenes.validation:
            kept = [sound for sound in sounds if is_validation(sound.group)]
            sounds = [sound for sound in sounds if not is_validation(sound.group)]
            fewer = replace(scenes, count=scenes.validation, validation=0)
            validation = self._scenes(kept, fewer, "Scenes to validate on")
        sequences = self._scenes(sounds, scenes, "Scenes")
        if recipe.teacher is not None:
            sequences.taught = teach(
                sequences, recipe.teacher, progress=self.progress, report=self.report
            )
        return sequences, validation

    def _scenes(self, sounds: Sequence[Sound], settings: SceneSettings, stage: str) -> SequenceSet:
        return build_sequences(
            pools_of(sounds),
            settings,
            self.cache,
            stage=stage,
            yamnet=self.recipe.yamnet,
            processes=self.processes,
            progress=self.progress,
        )


def _without_disputed(
    clips: Sequence[CorpusClip], disputed: Sequence[DisputedLabel], corpus: Path
) -> list[CorpusClip]:
    """Return recordings with the targets of disputed labels set to unknown (NaN).

    Raises
    ------
    PypluginError
        A recording of a disputed label is not in the corpus.
    """
    known = {clip.path for clip in read_clips(corpus)}
    unknown: dict[Path, list[int]] = {}
    for entry in disputed:
        path = corpus / entry.path
        if path not in known:
            raise PypluginError(
                f"The recipe disputes a label of {entry.path}, which is not in the corpus "
                f"{corpus}; give its path as in manifest.csv."
            )
        unknown.setdefault(path, []).append(LABELS.index(entry.label))
    found = []
    for clip in clips:
        targets = clip.targets.copy()
        targets[unknown.get(clip.path, [])] = np.nan
        found.append(replace(clip, targets=with_voice(targets)))
    return found


def held_out_windows(recipe: Recipe, sounds: Sequence[Sound]) -> dict[str, WindowSet]:
    """Return the windows to test on: as recorded, and degraded.

    Of the degraded recordings 70 % have reverberation and 70 % codec artefacts; half of their
    windows have a limited bandwidth, and their levels vary by +-12 dB.

    Parameters
    ----------
    recipe : Recipe
    sounds : sequence of Sound
        Recordings, and stems of songs, which are left out.

    Returns
    -------
    dict of str to WindowSet
    """
    whole = [sound for sound in sounds if sound.category not in (VOCALS, BACKING)]
    patch = recipe.network.patch
    return {
        name: build_windows(
            whole,
            recipe.network.front_end,
            patch=patch,
            step=patch // 2,
            degraded=name == "degraded",
            seed=_TEST_SEED,
        )
        for name in ("as recorded", "degraded")
    }


def export(
    recipe: Recipe,
    network: SceneNetwork,
    sequences: SequenceSet,
    tests: Mapping[str, WindowSet],
    folder: Path,
    described: str,
    *,
    report: Report = lambda line: None,
) -> Path:
    """Quantise and test a trained network; write model, card and report.

    Parameters
    ----------
    recipe : Recipe
    network : SceneNetwork
    sequences : SequenceSet
        To calibrate on.
    tests : mapping of str to WindowSet
        The first is as recorded.
    folder : Path
    described : str
        The number and the length of recordings, for the card.
    report : callable, optional

    Returns
    -------
    Path
        The ``.tflite`` file.

    Raises
    ------
    PypluginError
        A file cannot be written.
    """
    variables = variables_of(network)
    patches = _calibration_patches(recipe, sequences)
    source = scene_network(
        recipe.network,
        name=recipe.name,
        description=recipe.description,
        dataset=Dataset(recipe.dataset, recipe.citation, described, {}),
    )
    report(f"calibrating on {len(patches)} windows")
    calibration = calibrate(source, variables, patches)
    model = source.build(variables, calibration=calibration)
    evaluations = {}
    for name, test in tests.items():
        report(f"testing: {name}, {len(test.starts)} windows")
        degraded = name != "as recorded"
        windows = with_channels(test, seed=_TEST_SEED) if degraded else test.windows()
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
        dataset=Dataset(recipe.dataset, recipe.citation, described, metrics),
        default_hop=recipe.default_hop,
        silence_before=True,
        calibration=CalibrationSource(
            "scenes of the training set, augmented as in training",
            int(described.split()[0]),
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


def _calibration_patches(recipe: Recipe, sequences: SequenceSet) -> Float32:
    """Return windows of sequences, augmented as in training, (count, patch, bands)."""
    random = np.random.default_rng(_EXPORT_SEED)
    patch, end = recipe.network.patch, recipe.network.front_end
    parts: list[Float32] = []
    for _ in range(recipe.calibration):
        batch = sequences.batch([int(random.integers(len(sequences)))])
        values = front_end_values(augmented(batch, patch - 1, random, end), end)[0]
        first = int(random.integers(len(values) - patch + 1))
        parts.append(values[first : first + patch])
    return np.stack(parts)


def _describe_corpus(clips: Sequence[CorpusClip]) -> str:
    minutes = sum(clip.seconds for clip in clips) / 60.0
    return f"{len(clips)} recordings, {minutes:.0f} minutes"
