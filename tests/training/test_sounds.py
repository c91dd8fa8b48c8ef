"""Sounds: what is read, synthesised, separated and cached, and what is present in them."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")
pytest.importorskip("soundfile", reason="needs soundfile: pip install 'tagnode[audio]'")

import soundfile

from pyplugin.errors import AudioError, ModelError, PypluginError
from pyplugin.training import recordings as module
from pyplugin.training.corpus import LABELS, CorpusClip, read_clips
from pyplugin.training.recordings import load_separator, recorded_sounds
from pyplugin.training.sounds import (
    RATE,
    SYNTHETIC,
    Sound,
    as_floats,
    is_validation,
    pools_of,
    resampled,
)
from pyplugin.training.synthetic import SoundSettings, find_soundfont, synthetic_sounds


def test_recordings_become_sounds_at_16_khz(corpus: Path, sounds: list[Sound]) -> None:
    clips = read_clips(corpus, "train")
    assert [sound.group for sound in sounds] == [clip.group for clip in clips]
    for clip, sound in zip(clips, sounds, strict=True):
        samples, rate = soundfile.read(clip.path, dtype="float32")
        found = as_floats(sound.samples())
        assert len(found) == pytest.approx(len(samples) * RATE / rate, abs=2)
        loud = np.sqrt(np.mean(np.square(samples)))
        assert np.sqrt(np.mean(np.square(found))) == pytest.approx(loud, rel=0.2)
        for number, label in enumerate(LABELS[:6]):
            if clip.targets[number] == 0:
                seen = sound.presence()[:, number]
                unknown = clip.category == "instrument" and label == "music"
                assert set(seen.tolist()) <= ({0, -1} if unknown else {0})


def test_speech_is_present_while_it_is_audible(sounds: list[Sound]) -> None:
    for sound in pools_of(sounds)["speech"].values():
        presence = sound[0].presence()
        spoken, voice = presence[:, LABELS.index("speech")], presence[:, LABELS.index("voice")]
        assert (spoken == 1).mean() > 0.9  # pauses between syllables are a part of it
        np.testing.assert_array_equal(spoken, voice)


def test_the_cache_is_used_and_facts_of_the_manifest_count(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = read_clips(corpus, "test")
    first = recorded_sounds(clips, tmp_path)
    monkeypatch.setattr(module, "read_samples", None)  # not read again
    assert recorded_sounds(clips, tmp_path) == first
    monkeypatch.undo()
    changed = [replace(clips[0], targets=1 - clips[0].targets), *clips[1:]]
    other = recorded_sounds(changed, tmp_path)
    assert other[0].path != first[0].path
    assert other[1:] == first[1:]


def test_a_duplicate_is_used_once(corpus: Path, tmp_path: Path) -> None:
    clips = read_clips(corpus, "test")
    shutil.copy(clips[0].path, tmp_path / "copy.wav")
    twice = [*clips, replace(clips[0], path=tmp_path / "copy.wav")]
    assert len(recorded_sounds(twice, tmp_path / "cache")) == len(clips)


def test_a_corrupt_recording_is_reported(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF no sound at all")
    clip = replace(read_clips(corpus, "test")[0], path=tmp_path / "bad.wav")
    with pytest.raises(AudioError, match=r"Cannot read .*bad\.wav"):
        recorded_sounds([clip], tmp_path / "cache")


def test_very_short_recordings_are_left_out(corpus: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "click.wav", np.ones(100), 16000)
    clip = replace(read_clips(corpus, "test")[0], path=tmp_path / "click.wav")
    assert recorded_sounds([clip], tmp_path / "cache") == []


def test_a_known_voice_in_a_song_is_present_within_its_spans(tmp_path: Path) -> None:
    folder = tmp_path / "song"
    folder.mkdir()
    t = np.arange(6 * RATE) / RATE
    soundfile.write(folder / "a.wav", 0.3 * np.sin(2 * np.pi * 300 * t), RATE)
    (folder / "voice.csv").write_text("path,start_s,end_s,basis\nsong/a.wav,2,4,words\n")
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "seconds", "category", "labels", "group", "split"))
        writer.writerow(("song/a.wav", 6, "song", "singing;music;tonal", "x", "train"))
    (found,) = recorded_sounds(read_clips(tmp_path), tmp_path / "cache")
    assert found.category == "song"
    sung = found.presence()[:, LABELS.index("singing")]
    np.testing.assert_array_equal(np.flatnonzero(sung == 1), np.arange(125, 251))
    np.testing.assert_array_equal(found.presence()[:, LABELS.index("voice")], sung)
    assert (found.presence()[10:-10, LABELS.index("music")] == 1).all()


def test_unaccompanied_singing_is_a_category_of_its_own(corpus: Path, tmp_path: Path) -> None:
    clip = next(each for each in read_clips(corpus, "test") if each.category == "instrument")
    alone = replace(clip, category="song")
    assert [each.category for each in recorded_sounds([alone], tmp_path)] == ["solo"]


@pytest.mark.parametrize("processes", [1, 2])
def test_synthetic_sounds_are_those_of_their_seed(
    sounds: list[Sound], tmp_path: Path, processes: int
) -> None:
    settings = SoundSettings(sung=2, made_percussion=1, made_notes=1, made_noise=1)
    speech = [sound for sound in sounds if sound.category == "speech"]
    made = [
        synthetic_sounds(settings, speech, (), folder, seed=3, processes=processes)
        for folder in (tmp_path / "a", tmp_path / "b")
    ]
    assert [sound.category for sound in made[0]] == [
        "sung",
        "sung",
        "made-percussion",
        "made-notes",
        "made-noise",
    ]
    assert len({sound.group for sound in made[0]}) == 5
    for one, other in zip(*made, strict=True):
        np.testing.assert_array_equal(one.samples(), other.samples())
        present = one.presence().max(axis=0)
        wanted = {"sung": 1, "made-percussion": 3, "made-notes": 4, "made-noise": 5}[one.category]
        assert present[wanted] == 1
        assert present[LABELS.index("voice")] == (one.category == "sung")


def test_without_speech_there_is_no_singing(tmp_path: Path) -> None:
    assert synthetic_sounds(SoundSettings(sung=3), (), (), tmp_path, seed=1) == []


def test_played_sounds_need_soundfonts() -> None:
    with pytest.raises(ValueError, match="need soundfonts"):
        SoundSettings(played_music=3)


def test_a_missing_separator_is_reported_with_the_command() -> None:
    with pytest.raises(ModelError, match="tagnode models get no-such-stems"):
        load_separator("no-such-stems")


def test_a_missing_soundfont_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PypluginError, match=r"none\.sf2.*apt install"):
        find_soundfont(tmp_path, "none.sf2")


def test_about_a_sixth_of_the_groups_is_to_validate_on() -> None:
    shares = [is_validation(f"artist:{number}") for number in range(3000)]
    assert np.mean(shares) == pytest.approx(1 / 6, abs=0.03)


def test_resampling_keeps_a_tone() -> None:
    t = np.arange(22050) / 22050
    found = resampled(np.sin(2 * np.pi * 1000 * t).astype(np.float32), 22050)
    wanted = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    np.testing.assert_allclose(found[200:-200], wanted[200:-200], atol=2e-3)


def test_categories_of_synthetic_sounds_are_settings() -> None:
    assert {name.replace("-", "_") for name in SYNTHETIC} <= set(SoundSettings().__dict__)


def test_stems_locate_the_voice_and_become_sounds(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The separator is Spleeter's, which is not here: one that knows the answer stands in."""
    t = np.arange(8 * RATE) / RATE
    voice = 0.3 * np.sin(2 * np.pi * 400 * t) * ((t > 2) & (t < 5))
    band = 0.2 * np.sin(2 * np.pi * 150 * t)
    soundfile.write(tmp_path / "song.wav", voice + band, RATE)
    targets = np.array([0, 1, 1, np.nan, 1, 0, 1], np.float32)
    clip = CorpusClip(tmp_path / "song.wav", 8.0, "song", "x", "train", targets)

    class Stems:
        stems = {"vocals": np.float32(voice), "accompaniment": np.float32(band)}  # noqa: RUF012

    monkeypatch.setattr(module, "load_separator", lambda name: object())
    monkeypatch.setattr(module, "separate", lambda *_, **__: Stems)
    found = recorded_sounds([clip], tmp_path / "cache", separator="spleeter-2stems")
    by_category = {sound.category: sound for sound in found}
    assert set(by_category) == {"song", "vocals", "backing"}
    whole = by_category["song"].presence()
    singing, music = whole[:, LABELS.index("singing")], whole[:, LABELS.index("music")]
    seen = np.arange(len(whole)) / 62.5
    assert (singing[(seen > 2.2) & (seen < 4.8)] == 1).all()
    assert (singing[(seen < 1.7) | (seen > 5.3)] == 0).all()
    assert (music[5:-5] == 1).all()
    alone = by_category["vocals"].presence()
    assert (alone[(seen > 2.2) & (seen < 4.8), LABELS.index("voice")] == 1).all()
    assert (alone[seen < 1.7] == 0).all()
    behind = by_category["backing"].presence()
    assert (behind[5:-5, LABELS.index("music")] == 1).all()
    assert (behind[5:-5, LABELS.index("voice")] == -1).all()
