"""Windows of a recording as a node analyses them."""

from helpers import music

import pyplugin
from pyplugin.inputs import recording
from pyplugin.node.windows import analyse_windows


def test_memory_does_not_grow_with_the_recording(probe, monkeypatch):
    """Blocks are consumed as they come: no more than one is alive beside the source's."""
    monkeypatch.setattr(recording, "BLOCK", 4096)
    source = recording.Recording(music(20, 16000), 16000)
    with pyplugin.Node(16000, 1, 4096, model=probe.model, offline=True) as node:
        windows = analyse_windows(node, source)
        next(windows)
        assert source.read_samples == 4096
