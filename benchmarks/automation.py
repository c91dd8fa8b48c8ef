"""The cost of automating a board, and the speed of processing a song."""

import time
import warnings
from collections.abc import Callable
from statistics import median

import numpy as np
import soundfile
from pedalboard import Chorus, Compressor, Gain, LadderFilter, Pedalboard, Reverb

from benchmarks.measuring import best_seconds
from benchmarks.report import Figure, Row
from benchmarks.sounds import DEMO
from pyplugin import automate, label
from pyplugin.automation.analysis import analyse
from pyplugin.automation.board import AutomatedBoard
from pyplugin.automation.playback import stages_of
from pyplugin.inputs.recording import Recording
from pyplugin.models import registry
from pyplugin.sources import loudness, onset, percussive

MODEL = "musicnn-mtt"
SECONDS = 180
ROUNDS = 5
BLOCK = 512
PIECE = 65536  # samples per read, as for recordings


def song() -> tuple[np.ndarray, int]:
    """Three minutes of the demo recording, stereo: speech, piano, techno, rock, silence."""
    samples, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    length = SECONDS * rate
    return np.tile(samples, (-(-length // len(samples)), 1))[:length].T.copy(), rate


def board() -> Pedalboard:
    return Pedalboard([Compressor(-18, 3), LadderFilter(cutoff_hz=8000), Reverb(), Gain()])


def example() -> dict:
    """Return the mappings of the README, a label and a measured gate, on four effects."""
    return {
        "reverb.wet_level": label("vocal").scale(0.0, 0.7).attack(0.1).release(0.8),
        "gain.gain_db": loudness().below(-30, hysteresis=3).scale(0, 6),
    }


def tags() -> dict:
    voice = label("vocal") + label("singing") + label("male") + label("female")
    return {
        "reverb.wet_level": label("vocal").scale(0.0, 0.7).attack(0.1).release(0.8),
        "ladder_filter.cutoff_hz": (label("drums") + label("beat"))
        .scale(500, 18000, curve="log")
        .attack(0.1)
        .release(0.6),
        "gain.gain_db": voice.above(0.6).scale(0, -9).attack(0.15).release(0.8),
    }


def signals() -> dict:
    return {
        "reverb.wet_level": percussive().range(0.3, 0.9).scale(0.5, 0.0),
        "ladder_filter.cutoff_hz": loudness().range(-40, -10).scale(500, 18000, curve="log"),
        "gain.gain_db": onset().above(5, hysteresis=2).scale(0, -9).attack(0.005).release(0.18),
    }


def measure(*, long: bool = False) -> list[Figure]:
    registry.get(MODEL)
    samples, rate = song()
    return [overhead(samples, rate), whole(samples, rate)]


def overhead(samples: np.ndarray, rate: int) -> Figure:
    """Compare the effects alone, with the analysis done before. All variants store their output."""
    out, plain = np.empty_like(samples), board()

    def alone(moving: bool) -> Callable[[], None]:
        reverb, gain = plain[2], plain[3]

        def call() -> None:
            for start in range(0, samples.shape[1], BLOCK):
                if moving:
                    reverb.wet_level = 0.3 + (start // BLOCK % 64) / 1000
                    gain.gain_db = -(start // BLOCK % 64) / 64
                block = samples[:, start : start + BLOCK]
                done = plain.process(block, rate, reset=start == 0)
                out[:, start : start + BLOCK] = done

        return call

    steps: dict[str, int] = {}
    calls = {"alone": alone(False), "hand": alone(True)}
    whats = {
        "example": ("label and gate, as in README (2 parameters)", example(), None),
        "tags": ("labels, a result every 0.25 s (3)", tags(), 0.25),
        "signals": ("signals, 62.5 a second (3)", signals(), None),
    }
    for name, (_, mappings, hop) in whats.items():
        calls[name] = player(
            automate(board(), mappings, model=MODEL, hop=hop), samples, rate, name, steps
        )
    best = best_seconds(calls, ROUNDS, 1)
    blocks = -(-samples.shape[1] // BLOCK)
    rows = [
        Row(who, best[name], beside={"steps a block": steps[name] / blocks})
        for name, (who, _, _) in whats.items()
    ]
    rows[0].against = {"pedalboard": 1.15}
    rows.append(Row("the board alone, blocks of 512", best["alone"], "pedalboard"))
    rows.append(Row("2 parameters set by hand every block", best["hand"], "by hand"))
    title = (
        f"{SECONDS} s of stereo through compressor, filter, reverb and gain, automated by ..., "
        f"analysis not counted (least of {ROUNDS})"
    )
    return Figure("automation", title, "s", rows)


def player(auto: AutomatedBoard, samples: np.ndarray, rate: int, name: str, steps: dict):
    """Return a call that processes the samples, which are analysed once here."""
    paths = auto._paths(rate)
    parameters = auto._parameters(rate, paths)
    with (
        Recording(samples, rate) as recording,
        auto.plan.build(rate, 2, PIECE, offline=True) as node,
    ):
        analysis = analyse(node, recording, parameters, lambda share: None)
    mover = analysis.mover(auto._parameters(rate, paths), rate, align=True)
    steps[name] = sum(1 for _ in mover.steps(0, samples.shape[1], BLOCK))
    (stage,) = stages_of(auto.board, rate, 2, BLOCK)

    def call() -> None:
        mover = analysis.mover(auto._parameters(rate, paths), rate, align=True)
        blocks = (samples[:, at : at + PIECE] for at in range(0, samples.shape[1], PIECE))
        for _ in stage.play(blocks, mover):
            pass

    return call


def whole(samples: np.ndarray, rate: int) -> Figure:
    rows = []
    four = Pedalboard([Compressor(-18, 3), LadderFilter(), Chorus(), Reverb(), Gain()])
    for who, mappings in (
        ("MusiCNN, a result every 0.25 s", tags()),
        ("signals alone, no model", signals()),
    ):
        auto = automate(four, mappings, model=MODEL, hop=0.25)
        taken = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                auto(samples, rate)
            taken.append(time.perf_counter() - started)
        rows.append(
            Row(
                who,
                median(taken),
                limit=SECONDS / 60,
                beside={"times real time": SECONDS / median(taken)},
            )
        )
    title = f"a song of {SECONDS} s, analysis and five effects (median of {ROUNDS})"
    return Figure("automation", title, "s", rows)
