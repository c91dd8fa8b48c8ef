"""A model of stems that anyone can compute: the mean of two channels, and what that leaves."""

import numpy as np


def mid_side(block: np.ndarray) -> np.ndarray:
    mid = np.broadcast_to(block.mean(axis=0), block.shape)
    return np.stack([mid, block - mid]).astype(np.float32)


class MidSideStream:
    """Delays the stems, as networks do."""

    def __init__(self, latency: int) -> None:
        self.latency, self.late, self.closed = latency, 0, False
        self._held = np.zeros((2, 2, latency), np.float32)

    def process(self, block: np.ndarray) -> np.ndarray:
        joined = np.concatenate([self._held, mid_side(block)], axis=2)
        self._held = joined[:, :, block.shape[1] :]
        return joined[:, :, : block.shape[1]]

    def close(self) -> None:
        self.closed = True


class MidSide:
    name, stems = "mid-side", ("mid", "side")

    def __init__(self, latency: int = 30000) -> None:
        self.latency, self.streams = latency, []

    def blocks(self, recording):
        for block in recording:
            yield block, mid_side(block)

    def stream(self, sample_rate, channels):
        self.streams.append(MidSideStream(self.latency))
        return self.streams[-1]
