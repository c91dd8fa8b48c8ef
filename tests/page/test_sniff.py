"""The sample rate of files of each kind, by their headers; ffmpeg writes them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

SNIFF = Path(__file__).parents[2] / "pyplugin/page/static/sniff.js"
FORMATS = {
    "wav": ["-c:a", "pcm_s24le"],
    "flac": [],
    "ogg": ["-c:a", "libvorbis"],
    "oga": ["-c:a", "flac"],
    "opus": [],
    "mp3": ["-metadata", "title=A title"],
    "m4a": ["-c:a", "aac"],
}
PROGRAM = """
import fs from "node:fs";
const { sampleRateOf, evenScale } = await import(process.argv[2]);
const read = (file) => new Uint8Array(fs.readFileSync(file));
const rates = process.argv.slice(3).map((file) => sampleRateOf(read(file)));
const even = (values) => {
  const all = Float32Array.from(values);
  evenScale(all);
  return [...all];
};
console.log(JSON.stringify({ rates,
  sixteen: even([1, 16384 / 32767, -0.5, 0]),
  other: even([0.3, 0.123456, -0.7]),
}));
"""


def run(folder: Path, *files: Path) -> dict[str, list[float | None]]:
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js here: apt-get install nodejs")
    program = folder / "sniff.mjs"
    program.write_text(PROGRAM)
    shutil.copy(SNIFF, folder / "sniffed.mjs")
    command = ["node", program, folder / "sniffed.mjs", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[float | None]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_rates_are_those_of_ffmpeg(rate: int, tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("there is no ffmpeg here: apt-get install ffmpeg")
    files = [tmp_path / f"sine.{kind}" for kind in FORMATS]
    for path, options in zip(files, FORMATS.values(), strict=True):
        source = f"sine=sample_rate={rate}:duration=1"
        command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", source, *options, path]
        subprocess.run(command, check=True)
    found = dict(zip(FORMATS, run(tmp_path, *files)["rates"], strict=True))
    assert found == {**dict.fromkeys(FORMATS, rate), "opus": 48000}


def test_what_is_cut_or_no_audio_has_no_rate(tmp_path: Path) -> None:
    cases = [b"", b"RIFF", b"fLaC" + bytes(8), b"OggS", b"\0\0\0\x20ftypM4A ", b"text" * 1000]
    files = [tmp_path / str(number) for number in range(len(cases))]
    for path, data in zip(files, cases, strict=True):
        path.write_bytes(data)
    assert run(tmp_path, *files)["rates"] == [None] * len(cases)


def test_only_samples_of_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert found["sixteen"] == [32767 / 32768, 0.5, -0.5, 0]
    assert found["other"] == pytest.approx([0.3, 0.123456, -0.7], rel=1e-6)
