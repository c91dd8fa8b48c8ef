"""Checkpoints: only the same configuration is resumed."""

from dataclasses import replace

import pytest
from helpers import limit_file_size

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import torch

from pyplugin.errors import PypluginError
from pyplugin.training.classes.checkpoint import Checkpoint, configuration_of
from pyplugin.training.classes.settings import ClassesSettings

SETTINGS = ClassesSettings()


def test_parts_are_read_again(clips, tmp_path):
    configuration = configuration_of(SETTINGS, clips)
    first = Checkpoint(tmp_path / "c", configuration)
    assert not first.resume()
    first.save(a={"weights": torch.arange(3.0)}, b=[1.5])
    first.save(b=[2.5])
    again = Checkpoint(tmp_path / "c", configuration_of(SETTINGS, list(reversed(clips))))
    assert again.resume()
    assert again.state["b"] == [2.5]
    assert again.state["a"]["weights"].tolist() == [0, 1, 2]
    again.remove()
    assert not again.resume()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 32}, r"--batch changed \(was 64, now 32\)"),
        ({"architecture": "deepsound"}, "--architecture changed"),
        ({"exclusive": False, "start": "scene"}, "--exclusive changed.*; --from changed"),
    ],
)
def test_another_configuration_is_refused(clips, tmp_path, changes, message):
    Checkpoint(tmp_path / "c", configuration_of(SETTINGS, clips)).save(a=1)
    other = configuration_of(replace(SETTINGS, **changes), clips)
    with pytest.raises(PypluginError, match=f"another configuration: {message}"):
        Checkpoint(tmp_path / "c", other).resume()


def test_other_clips_and_groups_are_refused(clips, tmp_path):
    Checkpoint(tmp_path / "c", configuration_of(SETTINGS, clips)).save(a=1)
    moved = [replace(clips[0], group="another"), *clips[1:]]
    for other in (clips[1:], moved):
        with pytest.raises(PypluginError, match="the clips, their classes and groups changed"):
            Checkpoint(tmp_path / "c", configuration_of(SETTINGS, other)).resume()


@pytest.mark.parametrize("content", [b"", b"damaged", b"PK\x03\x04damaged"])
def test_a_damaged_file_is_reported(clips, tmp_path, content):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(PypluginError, match=r"is damaged.*start anew without --resume"):
        Checkpoint(tmp_path / "c", configuration_of(SETTINGS, clips)).resume()


def test_a_full_disk_is_reported_and_the_last_state_kept(clips, tmp_path):
    configuration = configuration_of(SETTINGS, clips)
    checkpoint = Checkpoint(tmp_path / "c", configuration)
    checkpoint.save(a=1)
    with limit_file_size(5000), pytest.raises(PypluginError, match="cannot be written"):
        checkpoint.save(a=torch.zeros(10000))
    again = Checkpoint(tmp_path / "c", configuration)
    assert again.resume()
    assert again.state == {"a": 1}
