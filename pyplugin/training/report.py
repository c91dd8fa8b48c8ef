"""What a person should know before trusting a model: a page of Markdown."""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pyplugin.training.corpus import LABELS
from pyplugin.training.detection_delay import react
from pyplugin.training.evaluate import score
from pyplugin.training.network import SceneNetwork
from pyplugin.training.windows import Bank

__all__ = ["Findings", "best_threshold", "render_report"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_BINS = 5  # of the calibration curve
_CONFUSIONS, _FAILURES = 12, 3
_LEAST_WINDOWS = 10  # of a kind of sound, to speak of it


@dataclass(frozen=True, eq=False)
class Findings:
    """What a model said of a set of windows.

    Attributes
    ----------
    bank : Bank
    exact, answers : ndarray of float32, shape (n, labels)
        Probabilities before and after quantisation.
    """

    bank: Bank
    exact: Float32
    answers: Float32


def best_threshold(truth: npt.NDArray[np.bool_], values: Float32) -> tuple[float, float]:
    """Return the threshold of the greatest F1, and that F1."""
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(truth[order])
    scores = 2.0 * hits / (np.arange(1, len(values) + 1) + truth.sum())
    last = np.append(np.diff(values[order]) != 0, True)  # equal values fall on one side
    best = int(np.argmax(np.where(last, scores, -1.0)))
    following = values[order][best + 1] if best + 1 < len(values) else 0.0
    return float((values[order][best] + following) / 2.0), float(scores[best])


def render_report(
    name: str,
    size: int,
    network: SceneNetwork,
    findings: Mapping[str, Findings],
    caveats: Sequence[str] = (),
    doubts: Sequence[str] = (),
) -> str:
    """Return the report.

    Parameters
    ----------
    name : str
        Of the model.
    size : int
        Of its file in bytes.
    network : SceneNetwork
    findings : mapping of str to Findings
        By name of the test; the first one is looked at closely.
    caveats : sequence of str
        Sentences on where not to trust the model.
    doubts : sequence of str
        Sentences on labels that do not count.
    """
    first = next(iter(findings.values()))
    parameters = sum(value.numel() for value in network.parameters())
    lines = [
        f"# {name}: how well it hears",
        "",
        f"{parameters} parameters, {size} bytes in int8, windows of {first.bank.patch} mel frames. "
        "Every figure below is of windows half a window apart, from groups (speakers, artists, "
        "families of instruments) that the training did not hear. Windows that hold little but "
        "silence, noise between words, or what rings on after a stroke are left out: the labels, "
        "which are of whole recordings, say nothing of those.",
    ]
    for test, found in findings.items():
        lines += ["", f"## {test[0].upper()}{test[1:]}", "", *_scores(found)]
    if doubts:
        lines += ["", "## Labels in doubt", "", "They count nowhere in this page.", ""]
        lines += [f"- {doubt}" for doubt in doubts]
    lines += ["", "## Thresholds", "", *_thresholds(first)]
    lines += ["", "## How soon it tells", "", *_reactions(network, first)]
    lines += ["", "## Calibration", "", *_calibration(first)]
    lines += ["", "## What it takes for what", "", *_confusions(first)]
    lines += ["", "## Where it fails", "", *_failures(first)]
    if caveats:
        lines += ["", "## Where not to trust it", "", *(f"- {caveat}" for caveat in caveats)]
    return "\n".join(lines) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _scores(found: Findings) -> list[str]:
    exact = score(found.bank.targets, found.exact)
    rows = [
        [
            label,
            f"{each.auc:.4f}",
            f"{exact[label].auc - each.auc:+.4f}",
            f"{each.precision:.3f}",
            str(each.positives),
            str(each.negatives),
        ]
        for label, each in score(found.bank.targets, found.answers).items()
    ]
    head = ["label", "ROC-AUC", "lost by int8", "average precision", "windows with", "without"]
    return _table(head, rows)


def _known(found: Findings, number: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which windows are known, and the truth of those."""
    targets = found.bank.targets[:, number]
    known = ~np.isnan(targets)
    return known, targets[known] > 0.5


def _best_thresholds(found: Findings) -> dict[str, tuple[float, float]]:
    """Return `best_threshold` of each label that some windows have and some have not."""
    best = {}
    for number, label in enumerate(LABELS):
        known, truth = _known(found, number)
        if truth.any() and not truth.all():
            best[label] = best_threshold(truth, found.answers[known, number])
    return best


def _thresholds(found: Findings) -> list[str]:
    rows = [
        [label, f"{threshold:.2f}", f"{best:.3f}"]
        for label, (threshold, best) in _best_thresholds(found).items()
    ]
    return [
        "Of the greatest F1 on these same windows, so F1 is a little too good. Where a label is "
        "rarer than here, take a higher one.",
        "",
        *_table(["label", "threshold", "F1"], rows),
    ]


def _reactions(network: SceneNetwork, found: Findings) -> list[str]:
    rows = []
    for each in react(network, found.bank, dict.fromkeys(_best_thresholds(found), 0.5)):
        if not len(each.told):
            continue
        shares = [f"{100 * np.mean(each.told <= limit):.0f} %" for limit in (0.5, 1.0, 3.0)]
        gone = [_late(each.gone, share) for share in (0.5, 0.9)]
        rows.append([each.label, each.around, str(len(each.told)), *shares, *gone])
    head = ["label", "around", "recordings", "told in 0.5 s", "in 1 s", "in 3 s"]
    return [
        "Up to 3 s of a recording after and before 3 s of silence, or of another recording, as "
        "loud, without the label: of how many the label passes 0.5 so soon after the onset, and "
        "when after the end it is below 0.5 again (half of them, nine in ten).",
        "",
        *_table([*head, "gone: median", "90 %"], rows),
    ]


def _late(seconds: Float64, share: float) -> str:
    if not len(seconds):
        return "-"
    late = float(np.quantile(seconds, share, method="higher"))
    return f"{late:.1f} s" if np.isfinite(late) else "over 3 s"


def _calibration(found: Findings) -> list[str]:
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    rows = []
    for number, label in enumerate(LABELS):
        known, truth = _known(found, number)
        values = found.answers[known, number]
        row = [label]
        for low, high in itertools.pairwise(edges):
            inside = (values >= low) & ((values < high) | (high == 1.0))
            row.append(f"{truth[inside].mean():.2f} ({inside.sum()})" if inside.any() else "-")
        rows.append(row)
    head = ["label", *(f"{a:.1f} to {b:.1f}" for a, b in itertools.pairwise(edges))]
    return [
        "Of the windows that got such an answer, the share that has the label (and how many "
        "those are). A perfect model would have 0.1, 0.3, 0.5, 0.7, 0.9.",
        "",
        *_table(head, rows),
    ]


def _confusions(found: Findings) -> list[str]:
    """List kinds of sound without a label that often get it, and with it that seldom do."""
    kinds = np.array([_kind(clip.category, clip.targets) for clip in found.bank.sources])
    of = kinds[found.bank.clips]
    thresholds = _best_thresholds(found)
    rows = []
    for number, label in enumerate(LABELS):
        if label not in thresholds:
            continue
        known, truth = _known(found, number)
        values = found.answers[known, number]
        said = values >= thresholds[label][0]
        for kind in np.unique(of[known]):
            for present in (False, True):
                members = (of[known] == kind) & (truth == present)
                wrong = float((said[members] != present).mean()) if members.any() else 0.0
                if members.sum() >= _LEAST_WINDOWS and wrong > 0.0:
                    what = "missed" if present else "heard where it is not"
                    share = [f"{100 * wrong:.0f} %", str(members.sum())]
                    rows.append((-wrong, [label, what, str(kind), *share]))
    rows.sort(key=lambda row: row[0])
    head = ["label", "", "in", "of windows", "windows"]
    return [
        "At the thresholds above, the worst first.",
        "",
        *_table(head, [row for _, row in rows[:_CONFUSIONS]]),
    ]


def _kind(category: str, targets: Float32) -> str:
    present = [label for label, target in zip(LABELS, targets, strict=True) if target == 1.0]
    return f"{category} ({', '.join(present) or 'no label'})"


def _failures(found: Findings) -> list[str]:
    rows = []
    for number, label in enumerate(LABELS):
        known, truth = _known(found, number)
        errors = np.abs(found.answers[known, number] - truth)
        of: dict[int, list[float]] = defaultdict(list)
        for clip, error in zip(found.bank.clips[known].tolist(), errors.tolist(), strict=True):
            of[clip].append(error)
        worst = sorted(of, key=lambda clip: -float(np.mean(of[clip])))[:_FAILURES]
        for clip in worst:
            source = found.bank.sources[clip]
            place = f"{source.path.parent.name}/{source.path.name}"
            says = "has it" if source.targets[number] == 1.0 else "has it not"
            rows.append([label, place, says, f"{np.mean(of[clip]):.2f}", str(len(of[clip]))])
    return [
        "The recordings with the greatest mean error of each label. Some of these are errors of "
        "the corpus.",
        "",
        *_table(["label", "recording", "the corpus says it", "mean error", "windows"], rows),
    ]
