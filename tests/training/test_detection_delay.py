"""Delays of detection, with a network that measures the level of the last frames."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")

from pyplugin.models.frontends import PRESETS  # noqa: E402
from pyplugin.training.corpus import LABELS  # noqa: E402
from pyplugin.training.detection_delay import measure_delays  # noqa: E402
from pyplugin.training.held_out import WindowSet  # noqa: E402
from pyplugin.training.sounds import FRAME_RATE, Sound  # noqa: E402

PATCH = 20
SPEECH = LABELS.index("speech")


class LevelNetwork(torch.nn.Module):
    """Positive logits where the newest ``newest`` frames of a window are all loud."""

    def __init__(self, newest: int) -> None:
        super().__init__()
        self.newest = newest
        self.settings = type("Settings", (), {"patch": PATCH})()

    def columns(self, mel: torch.Tensor) -> torch.Tensor:
        return mel.mean(dim=2)[:, None, :, None]

    def answers(self, columns: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        windows = columns[:, 0, :, 0].unfold(1, self.newest, 1)  # at i: frames i to i + newest - 1
        loud = windows[:, ends - self.newest + 1].amin(dim=2) > 0.5
        return torch.where(loud, 10.0, -10.0)[..., None].expand(-1, -1, len(LABELS))


@pytest.fixture
def window_set() -> WindowSet:
    """A loud recording with speech, 2 s, and a faint one without."""
    seconds = round(2 * FRAME_RATE)
    mel = np.concatenate([np.full((seconds, 96), 2.0), np.full((seconds, 96), 1.0)])
    presence = np.zeros((2 * seconds, len(LABELS)), np.int8)
    presence[:seconds, SPEECH] = 1
    presence[seconds:, LABELS.index("noise")] = 1
    return WindowSet(
        mel.astype(np.float16),
        presence,
        np.array([[0, seconds], [seconds, 2 * seconds]]),
        np.zeros(0, np.int64),
        np.zeros((0, len(LABELS)), np.float32),
        np.zeros(0, np.int64),
        [Sound("music", name, name, Path(name)) for name in ("a", "b")],
        PATCH,
        PRESETS["musicnn"],
    )


@pytest.mark.parametrize("newest", [1, 5])
def test_delays_are_those_of_the_network(window_set: WindowSet, newest: int) -> None:
    silence, _ = measure_delays(LevelNetwork(newest), window_set, {"speech": 0.5})
    assert (silence.label, silence.context) == ("speech", "silence")
    # Loud when the newest frames all are; quiet again with the first quiet frame.
    np.testing.assert_allclose(silence.onset_delays, newest / FRAME_RATE)
    np.testing.assert_allclose(silence.release_delays, 1 / FRAME_RATE)


def test_a_sound_that_is_not_detected_has_no_release(window_set: WindowSet) -> None:
    silence, _ = measure_delays(LevelNetwork(1), window_set, {"speech": 1.1})
    assert silence.onset_delays.tolist() == [np.inf]
    assert len(silence.release_delays) == 0


def test_another_sound_has_the_same_power(window_set: WindowSet) -> None:
    _, other = measure_delays(LevelNetwork(1), window_set, {"speech": 0.5})
    assert other.context == "another sound"
    # As loud as the recording, it is detected all the time, also after the end.
    np.testing.assert_allclose(other.onset_delays, 1 / FRAME_RATE)
    assert other.release_delays.tolist() == [np.inf]


def test_short_recordings_are_left_out(window_set: WindowSet) -> None:
    least = round(FRAME_RATE)
    short = replace(window_set, spans=np.array([[0, least - 1], [125, 125 + least - 1]]))
    assert all(
        len(each.onset_delays) == 0
        for each in measure_delays(LevelNetwork(1), short, {"speech": 0.5})
    )


def test_recordings_with_a_label_for_less_than_half_of_them_are_left_out(
    window_set: WindowSet,
) -> None:
    presence = window_set.presence.copy()
    presence[30:, SPEECH] = 0
    presence[:125, LABELS.index("music")] = 1
    rarely = replace(window_set, presence=presence)
    found = measure_delays(LevelNetwork(1), rarely, {"speech": 0.5, "music": 0.5})
    assert [len(each.onset_delays) for each in found] == [0, 0, 1, 1]
