"""The corpus: what is known, what is not, and what must not leak."""

from pathlib import Path

import numpy as np
import pytest

from pyplugin.errors import PypluginError
from pyplugin.training.corpus import (
    LABELS,
    CorpusClip,
    active_frames,
    presence_of,
    read_clips,
    window_targets,
)

HEAD = "path,seconds,category,labels,group,split\n"


def corpus_of(folder: Path, *rows: str, voice: str = "") -> list[CorpusClip]:
    (folder / "manifest.csv").write_text(HEAD + "\n".join(rows))
    if voice:
        (folder / "song").mkdir()
        (folder / "song" / "voice.csv").write_text(voice)
    return read_clips(folder)


def test_a_listed_label_is_present_a_missing_one_absent_and_a_questioned_one_unknown(
    tmp_path: Path,
) -> None:
    (clip,) = corpus_of(tmp_path, "a.ogg,3,music,music;drums?;style:jazz,someone,train")
    wanted = {"music": 1.0, "drums": np.nan}
    np.testing.assert_array_equal(clip.targets, [wanted.get(name, 0.0) for name in LABELS])


def test_a_group_in_two_splits_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(PypluginError, match=r"'someone'.*'train' and 'test'"):
        corpus_of(tmp_path, "a.ogg,3,music,music,someone,train", "b.ogg,3,music,music,someone,test")


@pytest.mark.parametrize("row", ["a.ogg,long,music,music,x,train", "a.ogg"])
def test_a_manifest_with_an_invalid_row_is_reported(tmp_path: Path, row: str) -> None:
    with pytest.raises(PypluginError, match=r"manifest\.csv has a row without"):
        corpus_of(tmp_path, row)


def test_a_folder_without_a_manifest_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PypluginError, match=r"manifest\.csv"):
        read_clips(tmp_path)


def test_windows_have_singing_within_spans_and_are_unknown_at_their_ends(tmp_path: Path) -> None:
    voice = "path,start_s,end_s,basis\nsong/a.ogg,2,4,words\nsong/a.ogg,4.2,6,words\n"
    row = "song/a.ogg,10,song,singing;music,x,train"
    (clip,) = corpus_of(tmp_path, row, voice=voice)
    starts = np.array([0.0, 1.0, 1.3, 1.6, 3.6, 6.0])
    found = window_targets(clip, starts, 1.0)[:, LABELS.index("singing")]
    np.testing.assert_array_equal(found, [0, 0, np.nan, 1, 1, 0])


def test_voice_follows_from_speech_and_singing(tmp_path: Path) -> None:
    rows = ("a,3,song,singing;music,x,train", "b,3,music,music,x,train", "c,3,a,speech?,x,train")
    rows += ("d,3,song,speech?;singing,x,train",)
    found = [clip.targets[LABELS.index("voice")] for clip in corpus_of(tmp_path, *rows)]
    np.testing.assert_array_equal(found, [1.0, 0.0, np.nan, 1.0])


@pytest.mark.parametrize("speech", [0.0, 1.0, np.nan])
@pytest.mark.parametrize("singing", [0.0, 1.0, np.nan])
def test_presence_is_that_of_the_targets_where_it_is_audible(speech: float, singing: float) -> None:
    row = np.array([speech, singing, 1, np.nan, 0, 0, 0], np.float32)
    found = presence_of(np.repeat(row[None], 2, 0), np.array([True, False]))
    as_number = {0.0: 0, 1.0: 1}
    one, other = as_number.get(speech, -1), as_number.get(singing, -1)
    voice = 1 if 1 in (one, other) else -1 if -1 in (one, other) else 0
    np.testing.assert_array_equal(found[0], [one, other, 1, -1, 0, 0, voice])
    assert not found[1].any()


def test_short_pauses_are_a_part_of_a_sound() -> None:
    row = np.array([1, 0, 1, np.nan, 0, 0, 1], np.float32)
    active = np.ones(420, np.bool_)
    active[100:150] = False  # 0.8 s
    active[200:280] = False  # 1.28 s
    active[290:410] = False  # 1.92 s
    found = presence_of(np.repeat(row[None], 420, 0), active)
    speech, drums = found[:, 0], found[:, LABELS.index("drums")]
    assert (speech[:200] == 1).all()
    assert (speech[200:280] == -1).all()  # longer than 0.9 s
    assert (speech[280:290] == 1).all()
    assert not speech[290:410].any()  # longer than 1.8 s
    assert (drums[:290] == -1).all()
    assert not found[290:410].any()
    assert not found[:, LABELS.index("noise")].any()


def test_spans_of_a_detector_are_known_as_such(tmp_path: Path) -> None:
    voice = "path,start_s,end_s,basis\nsong/a.ogg,2,4,estimated\n"
    (clip,) = corpus_of(tmp_path, "song/a.ogg,10,song,singing;music,x,train", voice=voice)
    assert clip.estimated
    assert clip.tags == {"singing", "music"}


def test_silence_within_a_recording_is_inactive() -> None:
    power = np.full((100, 96), 1e-2, np.float32)
    power[40:60] = 1e-9
    np.testing.assert_array_equal(
        active_frames(power), ~((np.arange(100) >= 40) & (np.arange(100) < 60))
    )
    assert not active_frames(power * 1e-7).any()


def test_noise_between_words_is_inactive_but_noise_alone_is_active() -> None:
    random = np.random.default_rng(0)
    power = (1e-3 * random.chisquare(8, (1000, 96)) / 8).astype(np.float32)
    power[400:450, 10:40] += 0.1
    words = np.zeros(1000, np.bool_)
    words[400:450] = True
    np.testing.assert_array_equal(active_frames(power, "speech"), words)
    assert active_frames(power, "ambience").all()


def test_decay_after_a_stroke_is_active_for_less_time_than_a_fading_note() -> None:
    power = np.repeat(10.0 ** (-np.arange(100.0) / 20.0)[:, None], 96, 1).astype(np.float32)
    struck, fading = active_frames(power, "percussion"), active_frames(power, "instrument")
    assert 40 < struck.sum() < 65
    assert 70 < fading.sum() < 95
