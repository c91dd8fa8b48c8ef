"""Make the recordings beside this file: cut from a corpus of openly licensed audio, or synthesised.

Usage: ``python tests/data/make_clips.py CORPUS``. The corpus is a folder with ``manifest.csv``
(path, seconds, category, labels, group, split, source, source_path, licence, attribution) and
``clips/clips.csv`` (file, content, source, source_path, source_start_s, licence, attribution).
"""

import csv
import sys
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

Samples = NDArray[np.float64]

HERE = Path(__file__).parent
RATE = 44100
ALLOWED = ("CC0-1.0", "CC-BY-3.0", "CC-BY-4.0")

# ---- those in clips/, for whole programs: name, recording, from and to in seconds

CLIPS = [
    ("speech", "clips/speech.ogg", 0, None),
    ("drum-loop", "clips/drum-loop.ogg", 0, None),
    ("radio-hour", "clips/radio-hour.ogg", 0, None),
    ("sung-pop", "song/spleeter/steven-m-bryant-slow-motion-dream-p01.ogg", 0, None),
    ("classical-strings", "music/phonograph/holiznacc0-composed.ogg", 0, 18),
]

# ---- those in labelled/, which manifest.csv lists too: recording, from and to in seconds
# Twelve seconds of a song are two windows of the head for voice, six of other music one.

LABELLED = [
    ("song/librosa/karissa-hobbs-lets-go-fishin-p01.ogg", 0, 12.1),
    ("song/librosa/karissa-hobbs-lets-go-fishin-p03.ogg", 0, 12.1),
    ("song/agb/josh-woodward-crazy-glue-p01.ogg", 0, 12.1),
    ("song/agb/josh-woodward-dead-code-p02.ogg", 0, 12.1),
    ("song/everythingisremixed/lithium-sung-over-music-1.ogg", 0, 12.1),
    ("song/vocadito/vocadito-1.ogg", 0, 12.1),
    ("song/vocadito/vocadito-14.ogg", 0, 11.4),
    ("song/sms-tools/singing-female.ogg", 0, 6.1),
    ("music/phonograph/holiznacc0-10-spring-on-the-horizon.ogg", 8, 14.1),
    ("music/digabi/hyde-acoustically-driven-instrumental.ogg", 8, 14.1),
    ("music/digabi/novarina-minimalism-n10-notre-envol-ii.ogg", 8, 14.1),
    ("music/tsc/land-land-2-p02.ogg", 8, 14.1),
    ("music/tuxemon/jrpg-battle-loop-p01.ogg", 8, 14.1),
    ("music/tuxemon/lunar-joyride-p01.ogg", 8, 14.1),
    ("music/everythingisremixed/sodium-instrumental-1.ogg", 8, 14.1),
    ("music/librosa/vibe-ace-p02.ogg", 8, 14.1),
    ("music/valyriatear/battle-lost-oga-mumu.ogg", 8, 14.1),
    ("music/tuxemon/boss-introduction-p01.ogg", 8, 14.1),
    ("music/tsc/story-theme-1-p01.ogg", 8, 14.1),
    ("music/valyriatear/dont-close-your-eyes.ogg", 8, 14.1),
    ("music/digabi/chopin-eliogu-op55-no1.ogg", 8, 14.1),
    ("music/digabi/romansenykmusic-inspiring-acousting-upli.ogg", 8, 14.1),
    ("music/sms-tools/orchestra.ogg", 0, 6.1),
    ("speech/librispeech/librivox-anders-lankford-en.ogg", 8, 14),
    ("speech/librispeech/librivox-garth-comira-en.ogg", 0, 6),
    ("speech/asterisk/ru-1.ogg", 0, 6),
    ("drums-rendered/groove/drummer4-session1-1-rock-87-beat-4-4-fluidr3.ogg", 4, 9),
    ("drums-rendered/groove/drummer8-session1-12-latin-118-beat-4-4-musescore.ogg", 4, 9),
    ("percussion/berklee/conga-110.ogg", 0, 5),
    ("percussion/sonic-pi/tabla-lezaarth.ogg", 0, 5),
    ("ambience/esc-10/rain-test-1.ogg", 0, 5),
    ("ambience/blanket/boat.ogg", 0, 5),
    ("ambience/blanket/storm.ogg", 0, 5),
    ("ambience/berklee/pump-machine.ogg", 0, 5),
    ("ambience/esc-10/rooster-test-1.ogg", 0, 5),
    ("instrument/berklee/theremin-001.ogg", 0, 5),
    ("instrument/sms-tools/cello-phrase.ogg", 0, 6),
    ("instrument/berklee/pluck-plucked-string.ogg", 0, 5),
]
COLUMNS = ("path", "seconds", "category", "labels", "group", "split", "source", "source_path")
COLUMNS += ("start_s", "licence", "attribution")
FADE = 0.01


def cut(path: Path, start: float, end: float | None) -> tuple[Samples, int]:
    """Read a stretch, (n, channels), faded where it was cut."""
    samples, rate = soundfile.read(path, always_2d=True)
    stop = len(samples) if end is None else round(end * rate)
    part = samples[round(start * rate) : stop].copy()
    ramp = np.minimum(1, np.arange(len(part)) / (FADE * rate))[:, None]
    if start > 0:
        part *= ramp
    if stop < len(samples):
        part *= ramp[::-1]
    return part, rate


def write(path: Path, samples: Samples, rate: int, quality: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(
        path, "w", rate, samples.shape[1], format="OGG", compression_level=1 - quality
    ) as file:
        for block in np.array_split(samples, max(1, len(samples) // 4096)):
            file.write(block)


def shown_spans(corpus: Path, path: str, start: float, end: float) -> list[tuple[str, str]]:
    """Return the spans with a voice in a stretch of a song, where they are known."""
    with (corpus / "song" / "voice.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"] == path]
    spans = [
        (max(float(row["start_s"]), start) - start, min(float(row["end_s"]), end) - start)
        for row in rows
    ]
    return [(f"{a:.3f}", f"{b:.3f}") for a, b in spans if b > a]


def make_labelled(corpus: Path, rows: dict[str, dict[str, str]]) -> None:
    listed, voices = [], []
    for name, path, start, end in CLIPS:
        if end is None and path in rows:  # one for both purposes
            listed.append({**rows[path], "path": f"clips/{name}.ogg", "start_s": f"{start:.3f}"})
    for path, start, end in LABELLED:
        row = rows[path]
        assert row["licence"] in ALLOWED, path
        samples, rate = cut(corpus / path, start, end)
        written = f"labelled/{row['category']}/{Path(path).name}"
        write(HERE / written, samples, rate, 0.1)
        seconds = f"{len(samples) / rate:.3f}"
        listed.append({**row, "path": written, "seconds": seconds, "start_s": f"{start:.3f}"})
        voices += [(written, *span) for span in shown_spans(corpus, path, start, end)]
    with (HERE / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)
    (HERE / "song").mkdir(exist_ok=True)
    with (HERE / "song" / "voice.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("path", "start_s", "end_s"), *voices])


# ---- the list of what is here, with thanks

README = """\
# Recordings for the tests

Short pieces of recordings under CC0 1.0, CC BY 3.0 and CC BY 4.0, and one that was synthesised, so
that no test skips for want of audio. `make_clips.py` beside this file cut them; the tables are
written by it. Thanks to all who gave their work away.

Licences: [CC0-1.0](https://creativecommons.org/publicdomain/zero/1.0/),
[CC-BY-3.0](https://creativecommons.org/licenses/by/3.0/),
[CC-BY-4.0](https://creativecommons.org/licenses/by/4.0/).

## clips

Six for whole programs. What presets should do follows from what is in them:

- `speech`: a German speaker in a studio.
- `drum-loop`: a loop of drums, 11 s.
- `classical-strings`: a string orchestra without voices or drums.
- `sung-pop`: a song; the voice is there from 3 to 9 s at least.
- `instrumental-metal`: two guitars, bass and drums at 110 beats a minute, as loud as records are.
- `radio-hour`: speech to 6 s, music to 14 s, silence to 19 s, then music with speech over it from
  19.5 to 29.5 s.

{clips}

## labelled

Five to twelve seconds each, mono. `manifest.csv` has their labels, and `split` says on which of
them no model of ours was trained; `song/voice.csv` has the times of voices where they are known.
Blanket gives CC BY without a version for the storm; 3.0 is assumed.

{labelled}
"""


def table(rows: list[tuple[str, ...]]) -> str:
    head = ("file", "recording", "author", "licence", "source", "changed")
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(each.replace('|', '/') for each in line)} |" for line in lines)


def write_readme(corpus: Path, rows: dict[str, dict[str, str]]) -> None:
    clips: list[tuple[str, ...]] = []
    with (corpus / "clips" / "clips.csv").open(newline="") as file:
        parts = [row for row in csv.DictReader(file) if row["licence"]]
    for name, path, start, end in CLIPS:
        for row in parts:
            if row["file"] == path.removeprefix("clips/"):
                change = (
                    f"from {float(row['source_start_s']):.1f} s on, joined and mixed with others"
                )
                if name == "drum-loop":
                    change = "encoded as Ogg Vorbis"
                clips.append((f"{name}.ogg", *credit(row), change))
        if path in rows:
            clips.append((f"{name}.ogg", *credit(rows[path]), changed(start, end)))
    made = "CC0-1.0", "`make_clips.py`", "synthesised"
    clips.append(("instrumental-metal.ogg", "a riff", "this project", *made))
    labelled = [
        (Path(path).name, *credit(rows[path]), changed(start, end)) for path, start, end in LABELLED
    ]
    text = README.format(clips=table(clips), labelled=table(labelled))
    (HERE / "README.md").write_text(text, encoding="utf-8")


def credit(row: dict[str, str]) -> tuple[str, ...]:
    return row["source_path"], row["attribution"], row["licence"], row["source"]


def changed(start: float, end: float | None) -> str:
    stretch = "a stretch" if end is None else f"{start:g} to {end:g} s of a stretch"
    return f"{stretch}, mono, 22.05 kHz, encoded as Ogg Vorbis"


# ---- metal, for there is none under these licences: two guitars, a bass and drums

BPM = 110
RIFF = (0, 0, 3, 5, 0, 0, 6, 5, 0, 0, 3, 5, 8, 7, 6, 5)  # semitones above E, two beats each
BARS = ((0, 1), (1, 0.5), (1.5, 0.5))  # where a chord begins and how long it lasts, in beats


def filtered(x: Samples, kind: str, edge: float, order: int = 2) -> Samples:
    return sosfilt(butter(order, edge, kind, fs=RATE, output="sos"), x)


def string(hertz: float, seconds: float, decay: float, random: np.random.Generator) -> Samples:
    """A plucked string after Karplus and Strong, that falls by 60 dB in `decay` seconds."""
    period = RATE / hertz
    delay = int(period - 0.5)
    share = period - 0.5 - delay
    x = np.zeros(int(seconds * RATE))
    x[:delay] = random.uniform(-1, 1, delay)[: len(x)]
    loop = -0.5 * 10 ** (-3 / (decay * hertz))
    feedback = np.zeros(delay + 3)
    feedback[0] = 1
    feedback[delay : delay + 3] = loop * (1 - share), loop, loop * share
    return lfilter([1], feedback, x)


def amplifier(x: Samples, gain: float) -> Samples:
    """Two stages of distortion and a loudspeaker."""
    x = filtered(np.tanh(gain * filtered(x, "high", 120, 1)), "high", 80, 1)
    x = filtered(filtered(np.tanh(3 * x), "high", 90, 4), "low", 5200, 4)
    return x + 0.7 * lfilter(*butter(2, [1800, 3200], "band", fs=RATE), x)


def place(out: Samples, x: Samples, at: float, gain: float) -> None:
    first = round(at * RATE)
    part = x[: max(0, len(out) - first)]
    out[first : first + len(part)] += gain * part


def guitar(seconds: float, random: np.random.Generator) -> Samples:
    clean = np.zeros(int(seconds * RATE))
    beat = 60 / BPM
    for half in range(int(seconds / (2 * beat)) + 1):
        root = 82.41 * 2 ** (RIFF[half % len(RIFF)] / 12)
        for start, length in BARS:
            at = max(0, (2 * half + start) * beat + random.normal(0, 0.003))
            for ratio, gain in ((1, 1), (1.4983, 0.9), (2, 0.7)):
                tuned = root * ratio * (1 + random.normal(0, 0.0008))
                note = string(tuned, 0.98 * length * beat, 3, random)
                end = np.minimum(1, np.arange(len(note))[::-1] / (0.01 * RATE))
                place(clean, note * end, at, 0.4 * gain)
    return amplifier(clean, 60)


def bass(seconds: float, random: np.random.Generator) -> Samples:
    out = np.zeros(int(seconds * RATE))
    beat = 60 / BPM
    for eighth in range(int(2 * seconds / beat) + 1):
        root = 41.2 * 2 ** (RIFF[eighth // 4 % len(RIFF)] / 12)
        note = filtered(string(root, beat / 2, 1.5, random), "low", 900)
        place(out, note, eighth * beat / 2, 0.6)
    return np.tanh(3 * out)


def drums(seconds: float, random: np.random.Generator) -> Samples:
    out = np.zeros(int(seconds * RATE))
    beat = 60 / BPM
    t = np.arange(RATE // 4) / RATE

    def hiss(decay: float) -> Samples:
        return random.normal(0, 1, len(t)) * np.exp(-t / decay)

    def cymbal(decay: float) -> Samples:
        time = np.arange(int(5 * decay * RATE)) / RATE
        partials = (3170, 4015, 5322, 5893, 7121, 8310, 9417)
        ring = sum(np.sign(np.sin(2 * np.pi * f * time + random.uniform(0, 6))) for f in partials)
        hit = 0.05 * ring + random.normal(0, 0.25, len(time))
        return filtered(hit, "high", 5000) * np.exp(-time / decay)

    for count in range(int(seconds / beat) + 1):
        for step in (0, 0.25, 0.5, 0.75) if count // 8 % 2 else (0, 0.5, 0.75):
            sweep = 2 * np.pi * (55 * t + 1.08 * (1 - np.exp(-t / 0.012)))
            kick = np.sin(sweep) * np.exp(-t / 0.09) + 0.5 * filtered(hiss(0.004), "high", 2000)
            place(out, kick, (count + step) * beat, 0.9)
        if count % 2:
            skin = 0.7 * np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.06)
            wires = filtered(filtered(0.5 * hiss(0.09), "high", 900), "low", 9000)
            place(out, skin + wires, count * beat, 1)
        for half in (0, 0.5):
            place(out, cymbal(0.12), (count + half) * beat, 0.25)
        if count % 8 == 0:
            place(out, cymbal(0.9), count * beat, 0.5)
    return out


def metal(seconds: float = 16, seed: int = 5) -> Samples:
    """A riff, (n, 2), as loud as records of the kind."""
    random = np.random.default_rng(seed)
    guitars = np.stack([guitar(seconds, random) for _ in range(2)], axis=1)
    rhythm = 0.25 * bass(seconds, random) + 0.3 * drums(seconds, random)
    mix = 0.5 * guitars + rhythm[:, None]
    mix = np.tanh(0.5 * mix / np.std(mix))
    return 0.6 * mix / np.abs(mix).max()


def main(corpus: Path) -> None:
    with (corpus / "manifest.csv").open(newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    for name, path, start, end in CLIPS:
        if path in rows:
            assert rows[path]["licence"] in ALLOWED, path
        target = HERE / "clips" / f"{name}.ogg"
        if start == 0 and end is None:
            target.parent.mkdir(exist_ok=True)
            target.write_bytes((corpus / path).read_bytes())
        else:
            write(target, *cut(corpus / path, start, end), 0.4)
    write(HERE / "clips" / "instrumental-metal.ogg", metal(), RATE, 0.3)
    make_labelled(corpus, rows)
    write_readme(corpus, rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
