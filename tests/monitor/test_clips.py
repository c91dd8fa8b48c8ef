"""Clips: what came before an alarm, playable, and no more than may be kept."""

import av
import numpy as np
from station_rows import BEGIN

from pyplugin.monitor.clips import BEFORE, ClipFolder, PreRoll, encode


def tone(seconds, rate, hertz=1000.0, channels=2):
    t = np.arange(round(seconds * rate)) / rate
    return np.tile((0.5 * np.sin(2 * np.pi * hertz * t)).astype(np.float32), (channels, 1))


def decoded(path):
    with av.open(str(path)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
        rate = file.streams.audio[0].rate
    return np.concatenate(frames, axis=1), rate


def rolled(seconds, rate, block=4410):
    roll = PreRoll()
    sound = tone(seconds, rate)
    for start in range(0, sound.shape[1], block):
        end = min(start + block, sound.shape[1])
        roll.add(sound[:, start:end], rate, BEGIN + round(1000 * end / rate))
    return roll


def test_a_clip_is_ten_seconds_before_and_what_followed(tmp_path):
    folder = ClipFolder(tmp_path / "clips", 10**6)
    start = BEGIN + 70_000  # of 80 s
    name = folder.write("7", rolled(80, 44100), start)
    samples, rate = decoded(tmp_path / "clips" / name)
    assert abs(samples.shape[-1] / rate - (BEFORE + 10)) < 0.2
    mono = samples.mean(axis=0)[rate : 2 * rate]
    peak = np.abs(np.fft.rfft(mono)).argmax() * rate / len(mono)
    assert abs(peak - 1000) < 2
    assert 0.3 < np.sqrt(np.mean(mono**2)) < 0.4


def test_memory_is_bounded_and_a_new_format_begins_anew():
    roll = rolled(300, 8000)
    samples, _ = roll.since(0)
    assert samples.shape[1] <= 41 * 8000
    roll.add(tone(1, 16000, channels=1), 16000, BEGIN + 301_000)
    samples, rate = roll.since(0)
    assert (samples.shape, rate) == ((1, 16000), 16000)


def test_the_oldest_clips_go_first(tmp_path):
    roll = rolled(20, 16000)
    folder = ClipFolder(tmp_path, 10**9)
    folder.write("1", roll, BEGIN)
    size = (tmp_path / "1.opus").stat().st_size
    folder.most = round(2.5 * size)
    for number in (2, 3, 4):
        assert folder.write(str(number), roll, BEGIN) == f"{number}.opus"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.opus", "4.opus"]


def test_nothing_is_written_where_there_is_nothing_or_no_room(tmp_path):
    assert ClipFolder(tmp_path, 0).write("1", rolled(5, 8000), BEGIN) == ""
    assert ClipFolder(tmp_path, 10**6).write("1", PreRoll(), BEGIN) == ""
    (tmp_path / "file").write_text("")
    assert ClipFolder(tmp_path / "file", 10**6).write("1", rolled(5, 8000), BEGIN) == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_any_rate_and_channels_can_be_encoded(tmp_path):
    for rate in (8000, 11025, 44100, 48000, 96000):
        for channels in (1, 2):
            samples = (tone(1, rate, 440, channels) * 32767).astype(np.int16)
            encode(samples, rate, tmp_path / "x.opus")
            got, _ = decoded(tmp_path / "x.opus")
            assert abs(got.shape[-1] / 48000 - 1) < 0.1
