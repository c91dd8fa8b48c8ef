"""The report on a trained network: a Markdown page of scores, delays, errors and limits."""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pyplugin.support.arrays import Bools, Float32, Float64, Texts
from pyplugin.training.corpus import LABELS
from pyplugin.training.detection_delay import measure_delays
from pyplugin.training.held_out import WindowSet
from pyplugin.training.network import SceneNetwork
from pyplugin.training.scenes import HOLD, ONSET, RECENT
from pyplugin.training.scores import score

_BINS = 5  # of the calibration curve
_CONFUSIONS, _FAILURES = 12, 3
_LEAST_WINDOWS = 10  # of a kind of sound, to list it
_PRESENT = 0.3  # of the frames of a recording, for a label to be named


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Probabilities of a model for a set of windows.

    Attributes
    ----------
    window_set : WindowSet
    float_probabilities, int8_probabilities : ndarray of float32, shape (n, labels)
        Probabilities before and after quantisation.
    """

    window_set: WindowSet
    float_probabilities: Float32
    int8_probabilities: Float32


def best_threshold(truth: Bools, values: Float32) -> tuple[float, float]:
    """Return the threshold with the greatest F1 score, and that score.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
    values : ndarray of float32, shape (n,)
        Probabilities.

    Returns
    -------
    threshold, score : float

    Examples
    --------
    >>> best_threshold(np.array([True, True, False]), np.float32([0.75, 0.5, 0.25]))
    (0.375, 1.0)
    """
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(truth[order])
    scores = 2.0 * hits / (np.arange(1, len(values) + 1) + truth.sum())
    last = np.append(np.diff(values[order]) != 0, True)  # a threshold cannot separate equal values
    best = int(np.argmax(np.where(last, scores, -1.0)))
    following = values[order][best + 1] if best + 1 < len(values) else 0.0
    return float((values[order][best] + following) / 2.0), float(scores[best])


def render_report(
    name: str,
    size: int,
    network: SceneNetwork,
    evaluations: Mapping[str, Evaluation],
    caveats: Sequence[str] = (),
    disputed: Sequence[str] = (),
) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    name : str
        Name of the model.
    size : int
        Size of its file in bytes.
    network : SceneNetwork
    evaluations : mapping of str to Evaluation
        Results by name of the test; the first one is analysed in detail.
    caveats : sequence of str
        Sentences on the limits of the model.
    disputed : sequence of str
        Sentences on labels that are not counted.
    """
    first = next(iter(evaluations.values()))
    parameters = sum(value.numel() for value in network.parameters())
    lines = [
        f"# {name}: evaluation",
        "",
        f"{parameters} parameters, {size} bytes in int8, windows of "
        f"{first.window_set.patch} mel frames. All figures are for windows that overlap by half, "
        "from groups (speakers, artists, families of instruments) that are not in the training "
        "set; the time before a recording counts as silence. What is wanted at the end of a window "
        "follows from what is audible in each frame: a label that was present for "
        f"{ONSET} s of the last {RECENT} s, and none that was absent for {HOLD} s. Windows in "
        "between are left out.",
    ]
    for test, found in evaluations.items():
        lines += ["", f"## {test[0].upper()}{test[1:]}", "", *_scores(found)]
    if disputed:
        apart = "They are not counted in the figures of this page."
        lines += ["", "## Disputed labels", "", apart, "", *(f"- {entry}" for entry in disputed)]
    lines += ["", "## Thresholds", "", *_thresholds(first)]
    lines += ["", "## Detection delay", "", *_delay_table(network, first)]
    lines += ["", "## Calibration", "", *_calibration(first)]
    lines += ["", "## Confusions", "", *_confusions(first)]
    lines += ["", "## Worst recordings", "", *_failures(first)]
    if caveats:
        lines += ["", "## Limits", "", *(f"- {caveat}" for caveat in caveats)]
    return "\n".join(lines) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _scores(found: Evaluation) -> list[str]:
    original = score(found.window_set.targets, found.float_probabilities)
    rows = [
        [
            label,
            f"{each.auc:.4f}",
            f"{original[label].auc - each.auc:+.4f}",
            f"{each.precision:.3f}",
            str(each.positives),
            str(each.negatives),
        ]
        for label, each in score(found.window_set.targets, found.int8_probabilities).items()
    ]
    head = ["label", "ROC-AUC", "loss by int8", "average precision", "positive windows", "negative"]
    return _table(head, rows)


def _known(found: Evaluation, number: int) -> tuple[Bools, Bools]:
    """Return which windows have a known target, and those targets."""
    targets = found.window_set.targets[:, number]
    known = ~np.isnan(targets)
    return known, targets[known] > 0.5


def _best_thresholds(found: Evaluation) -> dict[str, tuple[float, float]]:
    """Return `best_threshold` of each label with both positive and negative windows."""
    best = {}
    for number, label in enumerate(LABELS):
        known, truth = _known(found, number)
        if truth.any() and not truth.all():
            best[label] = best_threshold(truth, found.int8_probabilities[known, number])
    return best


def _thresholds(found: Evaluation) -> list[str]:
    rows = [
        [label, f"{threshold:.2f}", f"{best:.3f}"]
        for label, (threshold, best) in _best_thresholds(found).items()
    ]
    return [
        "Those with the greatest F1 score on these same windows, so F1 is slightly optimistic. Use "
        "higher thresholds where a label is rarer than here.",
        "",
        *_table(["label", "threshold", "F1"], rows),
    ]


def _delay_table(network: SceneNetwork, found: Evaluation) -> list[str]:
    rows = []
    thresholds = dict.fromkeys(_best_thresholds(found), 0.5)
    for each in measure_delays(network, found.window_set, thresholds):
        if not len(each.onset_delays):
            continue
        shares = [f"{100 * np.mean(each.onset_delays <= limit):.0f} %" for limit in (0.5, 1.0, 3.0)]
        releases = [_quantile(each.release_delays, share) for share in (0.5, 0.9)]
        rows.append([each.label, each.context, str(len(each.onset_delays)), *shares, *releases])
    head = ["label", "context", "recordings", "within 0.5 s", "1 s", "3 s"]
    return [
        "Up to 3 s of a recording between 3 s of silence, or between 3 s of another recording of "
        "the same power without the label: the share of recordings whose label reaches 0.5 within "
        "this time after the onset, and the time after the end until it is below 0.5 again (median "
        "and 90th percentile).",
        "",
        *_table([*head, "release: median", "90 %"], rows),
    ]


def _quantile(seconds: Float64, share: float) -> str:
    if not len(seconds):
        return "-"
    late = float(np.quantile(seconds, share, method="higher"))
    return f"{late:.1f} s" if np.isfinite(late) else "over 3 s"


def _calibration(found: Evaluation) -> list[str]:
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    rows = []
    for number, label in enumerate(LABELS):
        known, truth = _known(found, number)
        values = found.int8_probabilities[known, number]
        row = [label]
        for low, high in itertools.pairwise(edges):
            inside = (values >= low) & ((values < high) | (high == 1.0))
            row.append(f"{truth[inside].mean():.2f} ({inside.sum()})" if inside.any() else "-")
        rows.append(row)
    head = ["label", *(f"{a:.1f} to {b:.1f}" for a, b in itertools.pairwise(edges))]
    return [
        "The share of positive windows among those with a probability in this range (and their "
        "number). A perfectly calibrated model has 0.1, 0.3, 0.5, 0.7, 0.9.",
        "",
        *_table(head, rows),
    ]


def _confusions(found: Evaluation) -> list[str]:
    """List the kinds of sound with the most false positives and false negatives of each label."""
    of = _kinds(found)[found.window_set.clips]
    thresholds = _best_thresholds(found)
    rows = []
    for number, label in enumerate(LABELS):
        if label not in thresholds:
            continue
        known, truth = _known(found, number)
        values = found.int8_probabilities[known, number]
        detected = values >= thresholds[label][0]
        for kind in np.unique(of[known]):
            for present in (False, True):
                members = (of[known] == kind) & (truth == present)
                wrong = float((detected[members] != present).mean()) if members.any() else 0.0
                if members.sum() >= _LEAST_WINDOWS and wrong > 0.0:
                    what = "false negatives" if present else "false positives"
                    share = [f"{100 * wrong:.0f} %", str(members.sum())]
                    rows.append((-wrong, [label, what, str(kind), *share]))
    rows.sort(key=lambda row: row[0])
    head = ["label", "error", "kind of sound", "error rate", "windows"]
    return [
        "At the thresholds above, the highest error rates first.",
        "",
        *_table(head, [row for _, row in rows[:_CONFUSIONS]]),
    ]


def _kinds(found: Evaluation) -> Texts:
    """Return the kind of sound of each recording: its category and what it contains for long."""
    window_set, kinds = found.window_set, []
    for sound, (first, end) in zip(window_set.sources, window_set.spans, strict=True):
        shares = (window_set.presence[first:end] == 1).mean(axis=0)
        present = [each for each, share in zip(LABELS, shares, strict=True) if share >= _PRESENT]
        kinds.append(f"{sound.category} ({', '.join(present) or 'no label'})")
    return np.array(kinds)


def _failures(found: Evaluation) -> list[str]:
    rows = []
    for number, label in enumerate(LABELS):
        known, truth = _known(found, number)
        errors = np.abs(found.int8_probabilities[known, number] - truth)
        of: dict[int, list[float]] = defaultdict(list)
        clips = found.window_set.clips[known].tolist()
        for clip, error in zip(clips, errors.tolist(), strict=True):
            of[clip].append(error)
        worst = sorted(of, key=lambda clip: -float(np.mean(of[clip])))[:_FAILURES]
        for clip in worst:
            members = found.window_set.clips[known] == clip
            wanted = f"{100 * truth[members].mean():.0f} %"
            place = found.window_set.sources[clip].name
            rows.append([label, place, wanted, f"{np.mean(of[clip]):.2f}", str(len(of[clip]))])
    return [
        "The recordings with the greatest mean error of each label. Some of these are labelling "
        "errors in the corpus.",
        "",
        *_table(["label", "recording", "windows with it", "mean error", "windows"], rows),
    ]
