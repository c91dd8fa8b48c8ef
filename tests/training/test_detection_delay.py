"""Delays of detection, with a network that measures the level of the last frames."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

from pyplugin.training.corpus import LABELS, CorpusClip  # noqa: E402
from pyplugin.training.detection_delay import measure_delays  # noqa: E402
from pyplugin.training.windows import FRAME_RATE, WindowSet  # noqa: E402

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

    def classify(self, windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        loud = windows[:, 0, -self.newest :, 0].amin(dim=1) > 0.5
        return torch.where(loud, 10.0, -10.0)[:, None].expand(-1, len(LABELS)), windows


@pytest.fixture
def window_set() -> WindowSet:
    """A loud recording with speech, 2 s, and a faint one without."""
    seconds = round(2 * FRAME_RATE)
    mel = np.concatenate([np.full((seconds, 96), 2.0), np.full((seconds, 96), 1.0)])
    targets = np.zeros((4, len(LABELS)), np.float32)
    targets[:2, SPEECH] = 1.0
    last = seconds - PATCH
    clips = [
        CorpusClip(Path(name), 2.0, "music", name, "test", targets[row])
        for name, row in (("a", 0), ("b", 2))
    ]
    starts = np.array([0, last, seconds, seconds + last])
    return WindowSet(mel.astype(np.float16), starts, targets, np.array([0, 0, 1, 1]), clips, PATCH)


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
    short = WindowSet(
        window_set.mel,
        np.array([0, 10]),
        window_set.targets[[0, 2]],
        np.array([0, 1]),
        window_set.sources,
        PATCH,
    )
    assert all(
        len(each.onset_delays) == 0
        for each in measure_delays(LevelNetwork(1), short, {"speech": 0.5})
    )
