"""Tags in files: those of other programs are kept, the audio stays, and FFmpeg reads them."""

import os
import shutil

import av
import numpy as np
import pytest
import soundfile
from helpers import limit_file_size, music

from pyplugin import PypluginError
from pyplugin.catalogue.query import Database
from pyplugin.catalogue.writeback import Wanted, initial_key, labels_of, values_for, write_tags
from pyplugin.inputs.files import load

VALUES = {
    **{"genre": "Très rock", "mood": "calm", "bpm": "120"},
    **{"gain": "-3.25 dB", "peak": "0.500000"},
}
FORMATS = {".mp3": "libmp3lame", ".m4a": "aac", ".flac": "flac", ".ogg": "", ".wv": "wavpack"}


def encode(path, codec: str) -> None:
    samples = music(1, 44100, 2)
    if not codec:
        with soundfile.SoundFile(path, "w", 44100, 2) as file:
            file.title = "A title"
            file.write(samples.T)
        return
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=44100, layout="stereo")
        converter = av.AudioResampler(stream.format.name, "stereo", 44100)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", "stereo")
        frame.sample_rate, frame.pts = 44100, 0
        size = stream.codec_context.frame_size or 4096
        fifo = av.AudioFifo()
        for each in converter.resample(frame):
            fifo.write(each)
        while (part := fifo.read(size, partial=True)) is not None:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
        out.metadata["title"] = "A title"


def tags(path) -> dict[str, str]:
    """The oracle: what FFmpeg reads."""
    with av.open(str(path)) as opened:
        found = {**opened.metadata, **opened.streams.audio[0].metadata}
        return {name.lower(): value for name, value in found.items()}


@pytest.mark.parametrize("suffix", FORMATS)
def test_other_programs_read_what_was_written(tmp_path, suffix):
    path = tmp_path / f"song{suffix}"
    encode(path, FORMATS[suffix])
    before, audio = tags(path), load(path)[0]
    dry = write_tags(str(path), VALUES, dry_run=True)
    assert tags(path) == before
    change = write_tags(str(path), VALUES)
    assert change == dry
    assert change.before == dict.fromkeys(VALUES, "")
    read = tags(path)
    assert read["genre"] == "Très rock"
    if suffix == ".m4a":  # which FFmpeg does not show
        atom = path.read_bytes().partition(b"tmpo")[2]
        assert int.from_bytes(atom[16:18], "big") == 120
    else:
        assert "120" in (read.get("bpm"), read.get("tbpm"))
    assert read["replaygain_track_gain"] == "-3.25 dB"
    assert read["replaygain_track_peak"] == "0.500000"
    assert {name: read.get(name) for name in before} == before
    np.testing.assert_array_equal(load(path)[0], audio)
    assert write_tags(str(path), VALUES).after == {}


def test_opus_has_its_own_gain(tmp_path):
    path = tmp_path / "song.opus"
    soundfile.write(path, music(1, 48000).T, 48000, format="OGG", subtype="OPUS")
    write_tags(str(path), {"gain": "-3.00 dB"})
    assert tags(path)["r128_track_gain"] == str(-8 * 256)  # 5 dB below that of ReplayGain


def test_what_cannot_be_written_stays(tmp_path):
    path = tmp_path / "song.flac"
    soundfile.write(path, music(1, 44100).T, 44100)
    content = path.read_bytes()
    with limit_file_size(1000), pytest.raises(PypluginError, match="cannot be"):
        write_tags(str(path), VALUES)
    os.link(path, tmp_path / "other.flac")
    with pytest.raises(PypluginError, match="hard links"):
        write_tags(str(path), VALUES)
    assert path.read_bytes() == content
    shutil.copy(path, tmp_path / "song.txt")
    (tmp_path / "song.txt").write_bytes(b"no tags here")
    with pytest.raises(PypluginError, match="cannot be written"):
        write_tags(str(tmp_path / "song.txt"), VALUES)


def test_values_are_those_of_the_rows(built, setup):
    with Database(built) as database:
        wanted = Wanted(genre="scene", bpm=True, replaygain=True)
        found = dict(values_for(database, setup, wanted, None))
        rows = {row["path"]: row for row in database.query(columns=["loudness"]).dicts()}
    hiss = next(path for path in found if path.endswith("hiss.wav"))
    assert found[hiss]["genre"] == "noise"
    gain = float(found[hiss]["gain"].split()[0])
    assert gain == pytest.approx(-18 - rows[hiss]["loudness"], abs=0.01)
    with pytest.raises(PypluginError, match="did you mean 'scene'"):
        labels_of(setup, "scen")


@pytest.mark.parametrize(
    ("label", "key"),
    [("C major", "C"), ("c#m", "C#m"), ("B♭ minor", "Bbm"), ("Ab", "Ab"), ("H", ""), ("rock", "")],
)
def test_keys(label, key):
    assert initial_key(label) == key
