"""One recording: the results are those of pyplugin.tag, and of other libraries."""

import hashlib
import os
import shutil

import numpy as np
import pyloudnorm
import pytest
import soundfile
from helpers import needs_permissions, without_privileges

import pyplugin
from pyplugin.catalogue.analysis import Analyser
from pyplugin.catalogue.records import FoundRecording, Problem, RecordingAnalysis
from pyplugin.catalogue.setup import Setup
from pyplugin.tempo import tempo


def found(path) -> FoundRecording:
    status = path.stat()
    return FoundRecording(str(path), status.st_size, status.st_mtime_ns // 1000)


@pytest.fixture
def analyser(setup):
    with Analyser(setup) as made:
        yield made


@pytest.mark.parametrize("name", ["chords.flac", "tone.ogg", "noises/hiss.wav"])
def test_results_are_those_of_tag(analyser, collection, name):
    path = collection / name
    result = analyser.analyse(str(path))
    expected = pyplugin.tag(path, hop=1.0, embedding="embedding")
    np.testing.assert_allclose(result.mean, expected.mean, atol=1e-6)
    np.testing.assert_array_equal(result.max, expected.activations.max(axis=0))
    np.testing.assert_allclose(result.share, (expected.activations >= 0.3).mean(axis=0))
    np.testing.assert_allclose(result.embedding, expected.embeddings.mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(result.windows, expected.activations)
    np.testing.assert_allclose(result.starts, expected.times)
    assert (result.duration, result.window) == (expected.duration, expected.window)
    assert result.content == hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    measured = tempo(path)
    assert (result.tempo, result.tempo_confidence) == pytest.approx(
        (measured.overall, measured.overall_confidence), abs=1e-6
    )


def test_several_models_are_those_of_tag_too(collection, musicnn):
    with Analyser(Setup.of(["scene", "musicnn-mtt"], windows=True)) as both:
        result = both.analyse(str(collection / "chords.flac"))
    every = pyplugin.tag(collection / "chords.flac", model=musicnn, hop=0.016)
    for start, row in zip(result.starts, result.windows[:, -50:], strict=True):
        (near,) = np.nonzero(np.abs(every.times - start) < 0.017)  # a mel frame before or after
        assert min(np.abs(every.activations[place] - row).max() for place in near) < 1e-6
    np.testing.assert_allclose(result.mean[-50:], result.windows[:, -50:].mean(axis=0), atol=1e-6)


def test_loudness_is_that_of_another_library(analyser, collection):
    samples, rate = soundfile.read(collection / "chords.flac")
    result = analyser.analyse(str(collection / "chords.flac"))
    expected = pyloudnorm.Meter(rate).integrated_loudness(samples)
    assert result.loudness == pytest.approx(expected, abs=0.1)
    assert result.true_peak >= 20 * np.log10(np.abs(samples).max()) - 0.01


def test_a_recording_does_not_depend_on_those_before_it(analyser, collection):
    first = analyser.analyse(str(collection / "tone.ogg"))
    analyser.analyse(str(collection / "noises" / "hiss.wav"))
    again = analyser.analyse(str(collection / "tone.ogg"))
    np.testing.assert_array_equal(first.windows, again.windows)
    assert first.loudness == again.loudness


def test_memory_does_not_grow_with_formats(analyser, tmp_path):
    for rate in range(16000, 16000 + 8 * 100, 100):
        soundfile.write(tmp_path / "a.wav", np.zeros(rate), rate)
        assert analyser.analyse(str(tmp_path / "a.wav")).sample_rate == rate
    assert len(analyser._nodes) == 4


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"no sound at all" * 100, "unreadable"),
        (b"\0\0\0\x20ftypM4A " + b"\0" * 500 + b"stsd....drms" + b"\0" * 500, "protected"),
    ],
)
def test_bad_files_have_a_reason(analyser, tmp_path, content, kind):
    path = tmp_path / "bad.m4a"
    path.write_bytes(content)
    result = analyser.outcome(found(path)).result
    assert isinstance(result, Problem)
    assert (result.kind, str(path) in result.message) == (kind, True)


def test_a_file_that_vanishes_or_changes_has_a_reason(analyser, collection):
    path = collection / "tone.ogg"
    before = found(path)
    os.utime(path, ns=(0, 0))
    assert analyser.outcome(before).result.kind == "changed"
    assert isinstance(
        analyser.outcome(found(path)).result, RecordingAnalysis
    )  # however old it says it is
    now = found(path)
    path.unlink()
    assert analyser.outcome(now).result.kind == "missing"


@needs_permissions
def test_a_file_that_may_not_be_read_has_a_reason(analyser, collection, tmp_path):
    path = collection / "tone.ogg"
    path.chmod(0)
    with without_privileges(collection):
        assert analyser.outcome(found(path)).result.kind == "permission"


def test_a_name_that_is_not_utf8_is_read(analyser, collection, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.ogg")
    shutil.copy(collection / "tone.ogg", path)
    assert isinstance(analyser.outcome(found(path)).result, RecordingAnalysis)
