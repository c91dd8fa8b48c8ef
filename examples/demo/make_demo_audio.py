"""Make demo.ogg and demo.json: speech, piano, techno, rock, silence, and speech over a guitar.

Everything is composed here and synthesised by free programs, so the recording is CC0. It is the
same at every run with the same versions of them:

    sudo apt-get install espeak-ng ffmpeg fluidsynth fluid-soundfont-gm
    pip install numpy mido
    python examples/demo/make_demo_audio.py
"""

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
RATE = 44100
DRUMS = 9  # the MIDI channel whose notes are drums
KICK, CLAP, SNARE, CLOSED_HAT, OPEN_HAT, CRASH = 36, 39, 38, 42, 46, 49
SPEECH_LEVEL, MUSIC_LEVEL, BACKGROUND_LEVEL = -20.0, -17.0, -27.0  # RMS, dB below full scale
PEAK = 10 ** (-1 / 20)

Audio = NDArray[np.float64]  # (samples, 2)


@dataclass
class Score:
    """Notes in beats, with small seeded random changes of timing and velocity."""

    tempo: float
    looseness: float  # seconds
    messages: list[tuple[float, mido.Message]] = field(default_factory=list)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(20))

    def instrument(self, channel: int, program: int, reverb: int, pan: int = 64) -> None:
        """Set the General MIDI program of a channel, and its reverb and pan, both 0 to 127."""
        controls = [mido.Message("program_change", channel=channel, program=program)]
        for control, value in [(91, reverb), (10, pan)]:
            controls.append(
                mido.Message("control_change", channel=channel, control=control, value=value)
            )
        self.messages += [(0.0, message) for message in controls]

    def note(self, channel: int, start: float, length: float, pitch: int, force: int) -> None:
        """Add a note: `pitch` in semitones, 60 is middle C; `force` 1 to 127."""
        start = max(0.0, start + self.random.normal(0, self.looseness) * self.tempo / 60)
        force = int(np.clip(force + self.random.normal(0, 5), 1, 127))
        on = mido.Message("note_on", channel=channel, note=pitch, velocity=force)
        off = mido.Message("note_off", channel=channel, note=pitch)
        self.messages += [(start, on), (start + length, off)]

    def chord(
        self, channel: int, start: float, length: float, pitches: list[int], force: int
    ) -> None:
        """Add a chord."""
        for pitch in pitches:
            self.note(channel, start, length, pitch, force)

    def save(self, path: Path) -> None:
        """Write a MIDI file."""
        file = mido.MidiFile(ticks_per_beat=960)
        track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(self.tempo))])
        now = 0
        for start, message in sorted(self.messages, key=lambda item: item[0]):
            tick = round(start * file.ticks_per_beat)
            track.append(message.copy(time=tick - now))
            now = tick
        file.tracks.append(track)
        file.save(path)


def piano() -> Score:
    """Compose a slow piece in A minor: broken chords, a song above them, soft strings."""
    score = Score(tempo=80, looseness=0.012)
    score.instrument(0, program=0, reverb=70)
    score.instrument(1, program=48, reverb=90, pan=80)
    chords = [(45, 52, 57, 60), (41, 48, 53, 57), (48, 52, 55, 60), (43, 50, 55, 59)]
    chords += [(45, 52, 57, 60), (50, 53, 57, 62), (40, 47, 52, 56), (45, 52, 57, 60)]
    for index, chord in enumerate(chords):
        for step, voice in enumerate((0, 1, 2, 3)):
            score.note(0, 2 * index + step / 2, 1.9 - step / 2, chord[voice], 52 - 3 * (step % 2))
        score.chord(1, 2 * index, 2.0, [chord[1] + 12, chord[3] + 12], 34 + 2 * index)
    song = [(0, 1.5, 76), (1.5, 0.5, 74), (2, 1, 72), (3, 1, 69), (4, 1.5, 79), (5.5, 0.5, 77)]
    song += [(6, 2, 74), (8, 1, 76), (9, 0.5, 81), (9.5, 0.5, 79), (10, 1, 77), (11, 1, 74)]
    song += [(12, 0.75, 71), (12.75, 0.25, 72), (13, 1, 68), (14, 2, 69)]
    for start, length, pitch in song:
        score.note(0, start, length, pitch, 78 + int(10 * np.sin(start / 16 * np.pi)))
    return score


def techno() -> Score:
    """Compose four on the floor, a bass between the beats, then an arpeggio, then a pad."""
    score = Score(tempo=128, looseness=0.0)
    score.instrument(DRUMS, program=25, reverb=10)
    score.instrument(0, program=38, reverb=5)
    score.instrument(1, program=81, reverb=60, pan=84)
    score.instrument(2, program=90, reverb=80, pan=44)
    roots = [45, 45, 41, 43, 45, 48]
    for bar, root in enumerate(roots):
        beat = 4 * bar
        for quarter in range(4):
            score.note(DRUMS, beat + quarter, 0.5, KICK, 120)
            score.note(DRUMS, beat + quarter + 0.5, 0.25, OPEN_HAT, 82)
            if quarter % 2:
                score.note(DRUMS, beat + quarter, 0.5, CLAP, 100)
            for part in (0.25, 0.5, 0.75):
                score.note(0, beat + quarter + part, 0.2, root - 12, 108 if part == 0.5 else 90)
        for sixteenth in range(16):
            score.note(DRUMS, beat + sixteenth / 4, 0.1, CLOSED_HAT, 50 + 18 * (sixteenth % 2))
            if bar >= 1:
                pitch = root + 24 + (0, 7, 12, 15, 12, 7, 19, 12)[sixteenth % 8]
                score.note(1, beat + sixteenth / 4, 0.18, pitch, 44 + 4 * bar + 6 * (sixteenth % 3))
        if bar >= 2:
            score.chord(2, beat, 3.9, [root + 12, root + 19, root + 24], 46)
    return score


def rock() -> Score:
    """Compose power chords on two guitars, bass, a heavy kit, and a lead in the last bars."""
    score = Score(tempo=138, looseness=0.006)
    score.instrument(DRUMS, program=16, reverb=35)
    score.instrument(0, program=30, reverb=30, pan=20)
    score.instrument(1, program=29, reverb=30, pan=108)
    score.instrument(2, program=34, reverb=10)
    score.instrument(3, program=30, reverb=70)
    score.note(DRUMS, 0, 1, CRASH, 115)
    for bar, root in enumerate([40, 43, 45, 38, 40]):
        beat = 4 * bar
        for eighth in range(8):
            at = beat + eighth / 2
            accent = 14 if eighth in (0, 3, 6) else 0
            for guitar in (0, 1):
                score.chord(guitar, at, 0.46, [root, root + 7, root + 12], 78 + accent)
            score.note(2, at, 0.45, root - 12, 98 + accent)
            score.note(DRUMS, at, 0.3, OPEN_HAT if eighth == 7 else CLOSED_HAT, 80 + accent)
        for at in (0, 1.5, 2, 3.5):
            score.note(DRUMS, beat + at, 0.3, KICK, 118)
        for at in (1, 3):
            score.note(DRUMS, beat + at, 0.3, SNARE, 116)
    lead = [(8, 1, 69), (9, 0.5, 72), (9.5, 0.5, 74), (10, 1.5, 76), (11.5, 0.5, 74)]
    lead += [(12, 1, 74), (13, 0.5, 72), (13.5, 0.5, 69), (14, 1, 67), (15, 1, 69), (16, 3, 76)]
    for start, length, pitch in lead:
        score.note(3, start, length, pitch, 100)
    return score


def guitar() -> Score:
    """Compose a picked guitar over strings, in G."""
    score = Score(tempo=96, looseness=0.008)
    score.instrument(0, program=25, reverb=50)
    score.instrument(1, program=48, reverb=80)
    chords = [(43, 55, 59, 62), (40, 52, 55, 59), (48, 52, 55, 64), (50, 57, 62, 66)]
    for bar, chord in enumerate(chords):
        for eighth, voice in enumerate((0, 2, 3, 1, 0, 3, 2, 1)):
            force = 84 if eighth % 4 == 0 else 66
            score.note(0, 4 * bar + eighth / 2, 1.2, chord[voice], force)
        score.chord(1, 4 * bar, 4.0, [pitch + 12 for pitch in chord[1:]], 50)
    return score


def decode(path: Path) -> Audio:
    """Read an audio file as stereo at the sample rate of the demo."""
    command = ["ffmpeg", "-v", "error", "-i", str(path)]
    command += ["-f", "f64le", "-ac", "2", "-ar", str(RATE), "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, dtype=np.float64).reshape(-1, 2)


def play(score: Score) -> Audio:
    """Synthesise a score with reverberation."""
    with tempfile.TemporaryDirectory() as folder:
        midi, sound = Path(folder, "score.mid"), Path(folder, "score.wav")
        score.save(midi)
        room = ["-R", "1", "-o", "synth.reverb.room-size=0.6", "-o", "synth.reverb.level=0.7"]
        command = ["fluidsynth", "-ni", "-q", "-g", "0.4", "-r", str(RATE), *room]
        subprocess.run([*command, "-F", sound, SOUNDFONT, midi], check=True)
        return decode(sound)


def synthesise_speech(text: str, voice: str) -> Audio:
    """Synthesise speech; `voice` is one of ``espeak-ng --voices``."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder, "speech.wav")
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", sound, text], check=True)
        return decode(sound)


def fitted(audio: Audio, seconds: float, level: float, fade: float = 0.0) -> Audio:
    """Cut or pad to `seconds`, set the RMS of the audible part to `level` dB, fade out."""
    result = np.zeros((round(seconds * RATE), 2))
    length = min(len(result), len(audio))
    result[:length] = audio[:length]
    sounding = result[np.abs(result).max(axis=1) > 1e-3]
    result *= 10 ** (level / 20) / np.sqrt(np.mean(sounding**2))
    if fade:
        count = round(fade * RATE)
        result[-count:] *= np.cos(np.linspace(0, np.pi / 2, count))[:, None]
    return result


def speech_section(seconds: float) -> Audio:
    """Return a speaking voice."""
    text = "This is a person who speaks. There is no music yet: only a voice, in a quiet room."
    return fitted(synthesise_speech(text, "en-gb"), seconds, SPEECH_LEVEL)


def speech_over_guitar_section(seconds: float) -> Audio:
    """Return another voice over quiet music, which begins one second earlier."""
    text = "And now somebody talks, while a guitar plays softly in the background. Goodbye!"
    voice = np.concatenate([np.zeros((RATE, 2)), synthesise_speech(text, "en-us+f3")])
    return fitted(voice, seconds, SPEECH_LEVEL) + fitted(
        play(guitar()), seconds, BACKGROUND_LEVEL, fade=1.5
    )


SECTIONS: list[tuple[str, float, Callable[[float], Audio]]] = [
    ("speech", 6.5, speech_section),
    ("piano", 12.5, lambda seconds: fitted(play(piano()), seconds, MUSIC_LEVEL, 1.0)),
    ("techno", 11.25, lambda seconds: fitted(play(techno()), seconds, MUSIC_LEVEL, 0.05)),
    ("rock", 8.7, lambda seconds: fitted(play(rock()), seconds, MUSIC_LEVEL, 0.5)),
    ("silence", 4.0, lambda seconds: np.zeros((round(seconds * RATE), 2))),
    ("speech over guitar", 9.0, speech_over_guitar_section),
]


def encode(audio: Audio, path: Path) -> None:
    """Write Ogg Vorbis, with identical bytes for identical audio."""
    command = ["ffmpeg", "-v", "error", "-y", "-f", "f64le", "-ac", "2", "-ar", str(RATE)]
    vorbis = ["-c:a", "libvorbis", "-q:a", "2", "-bitexact"]
    subprocess.run([*command, "-i", "-", *vorbis, path], input=audio.tobytes(), check=True)


def main() -> None:
    """Synthesise the sections, join them, and write the audio and its description."""
    audio = np.concatenate([make(seconds) for _, seconds, make in SECTIONS])
    encode(audio * PEAK / np.abs(audio).max(), HERE / "demo.ogg")
    ends = np.cumsum([seconds for _, seconds, _ in SECTIONS]).tolist()
    sections = [
        {"name": name, "start": round(end - seconds, 3), "end": round(end, 3)}
        for (name, seconds, _), end in zip(SECTIONS, ends, strict=True)
    ]
    about = {
        "sections": sections,
        "licence": "CC0-1.0",
        "made_with": ["make_demo_audio.py", "eSpeak NG", "FluidSynth", "FluidR3 GM (MIT)"],
    }
    (HERE / "demo.json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
