"""How good heads get: by number of clips, model, output, preprocessing and classifier.

    python -m benchmarks.heads --corpus FOLDER [--plot docs/learning-curve.png]

Prints the tables of docs/training-heads.md: mean of the classes' accuracies in percent. The
corpus has the format of `pyplugin.training.corpus`; a clip is six seconds of a recording. Heads are
tested on groups (artists, speakers, families of sounds) that are not in their training set: in the
tasks voice and sound on the test split, which `scene` was not trained on either; in style on one or
more composers of each class, different ones in each draw.
"""

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from sklearn.metrics import balanced_accuracy_score

from pyplugin.models import registry
from pyplugin.tagging import tag
from pyplugin.training.corpus import LABELS, CorpusClip, read_clips, read_samples, window_targets
from pyplugin.training.heads.configurations import (
    CLASSIFIERS,
    PREPROCESSING,
    Configuration,
    grid,
    pipeline,
)
from pyplugin.training.heads.search import Examples, choose_folds, fitted, search

SECONDS = 6
CURVE = (1, 2, 3, 5, 10, 20, 40)
DRAWS = 30
FULL = 60  # clips of a class if all are used
PLAIN = Configuration("logistic", "standard", False, C=-5)
CURVED = ("musicnn-mtt", "scene")
MODELS = {  # and their outputs, the card's own first
    "musicnn-mtt": ("penultimate", "dense", "activations"),
    "musicnn-msd": ("penultimate", "dense", "activations"),
    "vgg-mtt": ("pool5", "activations"),
    "scene": ("embedding", "activations"),
}
STYLES = ("chiptune", "electronic", "game-orchestral")

Spans = list[tuple[CorpusClip, float]]
Outputs = dict[tuple[str, str], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Task:
    """A classification task: clip indices and their classes; `fixed` uses the corpus splits."""

    name: str
    clips: npt.NDArray[np.intp]
    labels: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    testing: npt.NDArray[np.bool_]
    fixed: bool

    def split(self, random: np.random.Generator) -> tuple[npt.NDArray[np.intp], ...]:
        """Return the rows to train on and those to test on."""
        if self.fixed:
            return np.flatnonzero(~self.testing), np.flatnonzero(self.testing)
        held: list[str] = []
        for label in np.unique(self.labels):
            names, sizes = np.unique(self.groups[self.labels == label], return_counts=True)
            small = np.delete(names, sizes.argmax())  # keeps enough to train on
            held += random.permutation(small)[: max(len(names) // 3, 1)].tolist()
        testing = np.isin(self.groups, held)
        return np.flatnonzero(~testing), np.flatnonzero(testing)

    def draw(
        self,
        rows: npt.NDArray[np.intp],
        count: int,
        random: np.random.Generator,
        *,
        groups: int | None = None,
    ) -> npt.NDArray[np.intp]:
        """Return up to `count` rows of each class, from `groups` groups if given."""
        chosen = []
        for label in np.unique(self.labels):
            own = random.permutation(rows[self.labels[rows] == label])
            named, sizes = np.unique(self.groups[own], return_counts=True)
            if groups is not None:  # groups with enough rows
                named = random.permutation(named[sizes * groups >= count])[:groups]
            chosen.append(own[np.isin(self.groups[own], named)][:count])
        return np.concatenate(chosen)


def spans(corpus: Path) -> Spans:
    """Return the clips: all of a song, two of any other recording."""
    found: Spans = []
    for clip in read_clips(corpus):
        last = max(clip.seconds - SECONDS, 0.0)
        starts = np.arange(0, last, SECONDS) if clip.category == "song" else (last / 3, last)
        found += [(clip, float(start)) for start in dict.fromkeys(starts)]
    return found


def tasks(corpus: Path, clips: Spans) -> list[Task]:
    """Return the classification tasks."""
    with (corpus / "manifest.csv").open(newline="", encoding="utf-8") as file:
        labels = {corpus / row["path"]: row["labels"].split(";") for row in csv.DictReader(file)}

    def voice(clip: CorpusClip, start: float) -> str:
        has = dict(zip(LABELS, window_targets(clip, np.array([start]), SECONDS)[0], strict=True))
        if clip.category not in ("song", "music"):
            return ""
        named = {(1, 1): "voice", (1, 0): "voice", (0, 1): "instrumental"}
        return named.get((has["singing"], has["music"]), "")

    def sound(clip: CorpusClip, start: float) -> str:
        has = dict(zip(LABELS, clip.targets, strict=True))
        named = {"speech": "speech", "music": "music", "song": "music"}
        if clip.category in ("drums-rendered", "percussion"):
            return "drums" if has["drums"] == 1 else ""
        return "noise" if has["noise"] == 1 else named.get(clip.category, "")

    def style(clip: CorpusClip, start: float) -> str:
        named = [name for name in STYLES if f"style:{name}" in labels[clip.path]]
        return named[0] if clip.category == "music" and len(named) == 1 else ""

    made = []
    for classify, fixed in ((voice, True), (sound, True), (style, False)):
        named = np.array([classify(clip, start) for clip, start in clips])
        rows = np.flatnonzero(named != "")
        groups = np.array([clips[row][0].group for row in rows])
        testing = np.array([clips[row][0].split == "test" for row in rows])
        made.append(Task(classify.__name__, rows, named[rows], groups, testing, fixed))
    return made


def embedded(clips: Spans) -> Outputs:
    """Return what each output of each model makes of the clips, means over windows, (n, E)."""
    found: Outputs = {}
    for name, outputs in MODELS.items():
        model = registry.load(name)
        for output in outputs[:-1]:
            rows, tags = [], []
            for number, (clip, start) in enumerate(clips):
                if not number or clips[number - 1][0] is not clip:
                    samples, rate = read_samples(clip.path)
                part = samples[round(start * rate) : round((start + SECONDS) * rate)]
                result = tag(part, rate, model=model, embedding=output)
                assert result.embeddings is not None
                rows.append(result.embeddings.mean(axis=0, dtype=np.float64))
                tags.append(result.activations.mean(axis=0, dtype=np.float64))
            # what float32 holds, as training has it
            found[name, output] = np.array(rows, np.float32).astype(np.float64)
            found[name, outputs[-1]] = np.array(tags, np.float32).astype(np.float64)
            print(f"{name}, {output}: {len(rows)} clips", file=sys.stderr)
    return found


def scores(
    task: Task, x: npt.NDArray[np.float64], count: int, groups: int | None = None
) -> npt.NDArray[np.float64]:
    """Return the score of each draw of `count` clips of each class, from `groups` if given."""
    found = []
    for seed in range(DRAWS):
        random = np.random.default_rng(seed)
        training, testing = task.split(random)
        chosen = task.draw(training, count, random, groups=groups)
        model = pipeline(PLAIN, len(chosen)).fit(x[task.clips[chosen]], task.labels[chosen])
        predicted = model.predict(x[task.clips[testing]])
        found.append(100 * balanced_accuracy_score(task.labels[testing], predicted))
    return np.array(found)


def best(
    task: Task, x: npt.NDArray[np.float64], tried: list[Configuration], draws: int
) -> npt.NDArray[np.float64]:
    """Search like `train head` on the whole training set; return the scores of the best."""
    found = []
    for seed in range(draws):
        random = np.random.default_rng(seed)
        training, testing = task.split(random)
        rows = task.draw(training, FULL, random)
        _, numbers = np.unique(task.groups[rows], return_inverse=True)
        examples = Examples(x[task.clips[rows]], task.labels[rows], numbers)
        with TemporaryDirectory() as folder:
            journal = Path(folder) / "folds"
            winner = search(examples, tried, choose_folds(examples), journal=journal)[0]
        predicted = fitted(examples, winner.configuration).predict(x[task.clips[testing]])
        found.append(100 * balanced_accuracy_score(task.labels[testing], predicted))
    return np.array(found)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def mean_and_deviation(values: npt.NDArray[np.float64]) -> str:
    """Return mean and standard deviation."""
    return f"{values.mean():.0f} ± {values.std():.0f}" if len(values) > 1 else f"{values[0]:.0f}"


def curves(work: list[Task], outputs: Outputs) -> dict[tuple[str, str], dict[int, list[float]]]:
    """Print the learning curves; return mean and standard deviation by task, model, count."""
    drawn: dict[tuple[str, str], dict[int, list[float]]] = {}
    lines = []
    for task in work:
        draws = [task.split(np.random.default_rng(seed))[0] for seed in range(DRAWS)]
        most = min(np.unique(task.labels[rows], return_counts=True)[1].min() for rows in draws)
        for name in CURVED:
            x = outputs[name, MODELS[name][0]]
            found = {count: scores(task, x, count) for count in CURVE if count <= most}
            lines.append(
                [
                    task.name,
                    name,
                    *(mean_and_deviation(found[c]) if c in found else "" for c in CURVE),
                ]
            )
            drawn[task.name, name] = {c: [v.mean(), v.std()] for c, v in found.items()}
    print("\n" + table(["task", "model", *map(str, CURVE)], lines))
    return drawn


def sources(work: list[Task], outputs: Outputs) -> None:
    """Print what ten clips a class are worth by how many groups they come from."""
    counts = (1, 2, 3)
    rows = [
        [
            task.name,
            name,
            *(
                mean_and_deviation(scores(task, outputs[name, MODELS[name][0]], 10, n))
                for n in counts
            ),
        ]
        for task in work
        for name in CURVED
    ]
    print("\n" + table(["task", "model", *map(str, counts)], rows))


def choices(work: list[Task], outputs: Outputs) -> None:
    """Print what becomes of models and outputs, classifiers, and preprocessing."""
    names = [task.name for task in work]
    rows = [
        [name, output, *(mean_and_deviation(scores(task, x, FULL)) for task in work)]
        for (name, output), x in outputs.items()
    ]
    print("\n" + table(["model", "output", *names], rows), flush=True)

    def line(name: str, tried: list[Configuration]) -> list[str]:
        x = outputs[name, MODELS[name][0]]
        return [mean_and_deviation(best(task, x, tried, 1 if task.fixed else 4)) for task in work]

    rows = [
        [name, kind, *line(name, grid(kind, full=False, unequal=False))]
        for name in CURVED
        for kind in CLASSIFIERS
    ]
    print("\n" + table(["model", "classifier", *names], rows), flush=True)
    logistic = grid("logistic", full=False, unequal=False)
    rows = []
    for name in CURVED:
        for step in PREPROCESSING:
            tried = [choice for choice in logistic if choice.preprocessing == step]
            rows.append([name, step, *line(name, tried)])
    print("\n" + table(["model", "preprocessing", *names], rows))


def draw(
    path: Path, classes: dict[str, int], drawn: dict[tuple[str, str], dict[int, list[float]]]
) -> None:
    """Plot the learning curves, with chance level as a dotted line."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(classes), figsize=(9, 3), sharey=True)
    for axis, task in zip(axes, classes, strict=True):
        for name, colour in zip(CURVED, ("#1f77b4", "#d95f02"), strict=True):
            counts = list(drawn[task, name])
            mean, deviation = np.array(list(drawn[task, name].values())).T
            axis.plot(counts, mean, "o-", color=colour, markersize=4, label=name)
            axis.fill_between(counts, mean - deviation, mean + deviation, color=colour, alpha=0.15)
        axis.axhline(100 / classes[task], color="#888", linestyle=":", linewidth=1)
        axis.set(title=task, xscale="log", xlabel="clips per class", ylim=(20, 100))
        axis.set_xticks(CURVE, map(str, CURVE))
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("mean of the classes'\naccuracies, %")
    axes[-1].legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.heads", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--plot", type=Path, help="write a plot of the learning curves (.png)")
    options = parser.parse_args()
    clips = spans(options.corpus)
    work = tasks(options.corpus, clips)
    for task in work:
        for part, rows in zip(("train", "test"), task.split(np.random.default_rng(0)), strict=True):
            for label in np.unique(task.labels):
                own = rows[task.labels[rows] == label]
                groups = len(np.unique(task.groups[own]))
                print(f"{task.name}, {part}: {label}, {len(own)} clips of {groups} groups")
    outputs = embedded(clips)
    drawn = curves(work, outputs)
    if options.plot is not None:
        classes = {task.name: len(np.unique(task.labels)) for task in work}
        draw(options.plot, classes, drawn)
    sources(work, outputs)
    choices(work, outputs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
