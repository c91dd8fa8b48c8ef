"""Ten faults and four that look like one: what finds them, after how long, and what is mistaken."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile

from benchmarks.report import Figure, Row
from benchmarks.sounds import DEMO

RATE = 44100
BEFORE, FAULT, AFTER = 20, 70, 10  # seconds
SILENCE, LENGTH = -40, 20  # dBFS and seconds, for those that find silence by level
GATE = 500  # of int16, Frigate's min_volume

Sound = np.ndarray


@dataclass(frozen=True)
class Scenario:
    """What happens between programme; `fault` or something that must raise no alarm."""

    make: Callable[[Sound, Sound, Sound], Sound]  # of programme, talk and music
    fault: bool = True


def _level(x: Sound, db: float) -> Sound:
    return np.asarray(x * 10 ** (db / 20) / np.sqrt(np.mean(x**2)))


def _time() -> Sound:
    return np.arange(FAULT * RATE) / RATE


def _noise(seed: int) -> Sound:
    return np.random.default_rng(seed).standard_normal((2, FAULT * RATE))


def _both(x: Sound) -> Sound:
    return np.stack([x, x])


def _hum() -> Sound:
    return _both(sum((np.sin(2 * np.pi * 50 * k * _time()) / k for k in (1, 2, 3)), np.zeros(1)))


def _strings() -> Sound:
    """Long notes with vibrato, very quiet."""
    t, x = _time(), np.zeros(FAULT * RATE)
    for place, hertz in enumerate((196, 247, 294, 392)):
        swell = np.sin(np.pi * ((t / (5 + place)) % 1))
        bend = 2 * np.pi * hertz * t + 3 * np.sin(2 * np.pi * 5.3 * t + place)
        x += swell * sum(np.sin(k * bend) / k**1.5 for k in range(1, 6))
    return _level(_both(x), -45) + _level(_noise(5), -70)


def _pause(programme: Sound) -> Sound:
    x = programme.copy()
    x[:, 20 * RATE : 35 * RATE] = 0
    return x


def _organ() -> Sound:
    """A chord held for fifteen seconds, another one for the next, of pipes not quite in tune."""
    t, random, x = _time(), np.random.default_rng(3), np.zeros((2, FAULT * RATE))
    root = 130.8 * 2 ** ((t // 15 % 5) * 5 / 12)
    for interval in (1, 1.26, 1.498):
        for foot in (1, 2, 3, 4):
            tuned = interval * foot * (1 + random.uniform(-8e-4, 8e-4))
            phase = 2 * np.pi * np.cumsum(root * tuned) / RATE
            x += random.uniform(0.4, 1, (2, 1)) * sum(np.sin(k * phase) / k for k in (1, 2, 3))
    return _level(x, -22) + _level(_noise(4), -75)


SCENARIOS: dict[str, Scenario] = {
    "digital silence": Scenario(lambda p, s, m: np.zeros_like(p)),
    "hum, -35 dBFS": Scenario(lambda p, s, m: _level(_hum(), -35)),
    "hiss of FM, -20 dBFS": Scenario(lambda p, s, m: _level(_noise(1), -20)),
    "hiss, -50 dBFS": Scenario(lambda p, s, m: _level(_noise(2), -50)),
    "tone, 1 kHz": Scenario(lambda p, s, m: _both(0.25 * np.sin(2 * np.pi * 1000 * _time()))),
    "stuck in 3.2 s, MP3": Scenario(lambda p, s, m: np.resize(p[:, :141_000].T, p.T.shape).T),
    "out of phase": Scenario(lambda p, s, m: p * [[1], [-1]]),
    "one channel": Scenario(lambda p, s, m: p * [[1], [0]]),
    "clipped": Scenario(lambda p, s, m: np.clip(_level(p, -6), -0.5, 0.5)),
    "music on a talk station": Scenario(lambda p, s, m: m),
    "pianissimo strings": Scenario(lambda p, s, m: _strings(), fault=False),
    "pause of 15 s": Scenario(lambda p, s, m: _pause(p), fault=False),
    "held organ chords": Scenario(lambda p, s, m: _organ(), fault=False),
    "quiet talk, -43 dBFS": Scenario(lambda p, s, m: _level(s, -43), fault=False),
}


def measure() -> Figure:
    """Return how many faults each detector misses; the notes are the table."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _write(folder)
        found: dict[str, dict[str, list[float]]] = {"tagnode": _ours(folder, files)}
        if shutil.which("ffmpeg"):
            found["ffmpeg"] = {name: _ffmpeg(path) for name, path in files.items()}
        if shutil.which("liquidsoap"):
            found["liquidsoap"] = {name: _liquidsoap(path) for name, path in files.items()}
        found["rms gate"] = {name: _gate(path) for name, path in files.items()}
    rows = []
    for detector, alarms in found.items():
        missed = sum(not _caught(alarms[name]) for name, each in SCENARIOS.items() if each.fault)
        false = sum(_false(each, alarms[name]) for name, each in SCENARIOS.items())
        limit = 0.0 if detector == "tagnode" else None
        rows.append(Row(detector, missed, limit=limit, beside={"false": false}))
    what = f"of 10 faults of {FAULT} s, missed"
    notes = [
        f"ffmpeg silencedetect and liquidsoap blank.detect: {SILENCE} dB, {LENGTH} s; "
        f"rms gate: Frigate's {GATE} of int16 for {LENGTH} s",
        *_table(found),
    ]
    return Figure("monitor", what, "faults", rows, notes)


def _caught(alarms: list[float]) -> bool:
    return any(0 <= at <= FAULT for at in alarms)


def _false(scenario: Scenario, alarms: list[float]) -> int:
    return len(alarms) if not scenario.fault else sum(not 0 <= at <= FAULT + 2 for at in alarms)


def _table(found: dict[str, dict[str, list[float]]]) -> list[str]:
    lines = [f"{'alarm after':26}" + "".join(f"{detector:>12}" for detector in found)]
    for name, scenario in SCENARIOS.items():
        cells = []
        for alarms in found.values():
            at = [each for each in alarms[name] if 0 <= each <= FAULT]
            missed = "missed" if scenario.fault else "right"
            seconds = f"{min(at):.0f} s" if at else missed
            cells.append("false" if at and not scenario.fault else seconds)
        lines.append(f"{name:26}" + "".join(f"{cell:>12}" for cell in cells))
    return lines


# ---- sound


def _write(folder: Path) -> dict[str, Path]:
    samples, rate = soundfile.read(DEMO, dtype="float64", always_2d=True)
    assert rate == RATE
    mono = samples.mean(axis=1)
    wide = np.stack([mono, mono]) + 0.05 * np.roll(mono, 500) * [[1], [-1]]
    programme = _level(_looped(wide, BEFORE + FAULT + AFTER), -20)
    talk = _level(_looped(wide[:, : 6 * RATE], BEFORE + FAULT + AFTER), -20)
    music = _level(_looped(wide[:, 13 * RATE : 25 * RATE], FAULT), -20)
    files = {}
    edge = BEFORE * RATE, (BEFORE + FAULT) * RATE
    for number, (name, scenario) in enumerate(SCENARIOS.items()):
        around = talk if "talk" in name else programme
        inside = programme[:, edge[0] : edge[1]]
        fault = scenario.make(inside, talk[:, edge[0] : edge[1]], music)
        x = np.concatenate([around[:, : edge[0]], fault, around[:, edge[1] :]], axis=1)
        x = _coded(x) if "MP3" in name else x
        files[name] = folder / f"{number}.wav"
        soundfile.write(files[name], x.T, RATE, subtype="PCM_16")
    return files


def _looped(x: Sound, seconds: int) -> Sound:
    """Return it for so long; each round is varied, since a loop would be a fault."""
    rounds, random = [], np.random.default_rng(9)
    while sum(each.shape[1] for each in rounds) < seconds * RATE:
        speed = random.uniform(0.94, 1.06)
        at = np.arange(int(x.shape[1] / speed) - 1) * speed
        rounds.append(np.stack([np.interp(at, np.arange(x.shape[1]), each) for each in x]))
    return np.concatenate(rounds, axis=1)[:, : seconds * RATE]


def _coded(x: Sound) -> Sound:
    import io

    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=RATE, layout="stereo")
        stream.bit_rate = 128_000
        for start in range(0, x.shape[1], 1152):
            part = np.ascontiguousarray(x[:, start : start + 1152], np.float32)
            frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
            frame.sample_rate, frame.pts = RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as source:
        decoded = [frame.to_ndarray() for frame in source.decode(audio=0)]
    return np.concatenate(decoded, axis=1)


# ---- detectors: seconds from the beginning of the fault to each alarm


def _ours(folder: Path, files: dict[str, Path]) -> dict[str, list[float]]:
    """Run the monitor itself, with the alarms of each kind, and two that have none by default."""
    stations = "".join(
        f'[[station]]\nname = "{number}"\nfile = "{path}"\n'
        for number, path in enumerate(files.values())
    )
    talk = list(files).index("music on a talk station")
    rules = (
        '[[alarm]]\nname = "clipped"\nwhen = "clipped"\n[[alarm]]\nname = "music"\n'
        f'station = "{talk}"\nwhen = "music > 0.7 and speech < 0.2"\nfor = "20s"\n'
    )
    config = folder / "radio.toml"
    config.write_text(f'[monitor]\ndata = "{folder / "log"}"\n{stations}{rules}')
    command = [sys.executable, "-m", "pyplugin", "monitor"]
    subprocess.run([*command, "run", "--quiet", "--config", config], check=True)
    until = ["--to", "2999-01-01", "--json", "--config", str(config)]
    starts: dict[str, int] = {}
    for row in _json([*command, "log", *until]):
        starts[row["station"]] = min(row["start"], starts.get(row["station"], row["start"]))
    found: dict[str, list[float]] = {name: [] for name in files}
    names = list(files)
    for row in _json([*command, "alarms", *until]):
        if row["rule"] != "down":
            begin = starts[row["station"]] / 1000 + BEFORE
            found[names[int(row["station"])]].append(row["opened"] / 1000 - begin)
    return found


def _json(command: list[str]) -> list[dict[str, object]]:  # type: ignore[type-arg]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _ffmpeg(path: Path) -> list[float]:
    detect = f"silencedetect=n={SILENCE}dB:d={LENGTH}"
    command = ["ffmpeg", "-nostdin", "-i", path, "-af", detect, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    starts = re.findall(r"silence_start: ([\d.]+)", done.stderr)
    return [float(start) + LENGTH - BEFORE for start in starts]


def _liquidsoap(path: Path) -> list[float]:
    script = f"""
settings.init.allow_root.set(true)
s = once(single("{path}"))
s = blank.detect(max_blank={LENGTH}., threshold={SILENCE}., track_sensitive=false,
  {{print("BLANK")}}, s)
clock.assign_new(sync="none", [s])
output.dummy(fallible=true, on_stop=shutdown, s)
"""
    done = subprocess.run(
        ["liquidsoap", "-"], input=script, capture_output=True, text=True, timeout=120, check=True
    )
    return [float(LENGTH)] * done.stdout.count("BLANK")


def _gate(path: Path) -> list[float]:
    """Return when the RMS of chunks of 0.975 s was below the gate for long."""
    x, rate = soundfile.read(path, dtype="int16", always_2d=True)
    chunk = round(0.975 * rate)
    mono = x.mean(axis=1)[: len(x) // chunk * chunk].reshape(-1, chunk)
    quiet = np.sqrt(np.mean(mono**2, axis=1)) < GATE
    found, since = [], 0.0
    for number, silent in enumerate(quiet):
        since = since + 0.975 if silent else 0.0
        if since >= LENGTH > since - 0.975:
            found.append((number + 1) * 0.975 - BEFORE)
    return found
