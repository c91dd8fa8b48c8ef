"""The program as a process: signals, closed descriptors, encodings, exit statuses."""

import csv
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import music

COMMAND = [sys.executable, "-m", "pyplugin"]
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def call(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(os.fsencode, map(str, arguments))],
        capture_output=True,
        check=False,
        timeout=120,
        **options,
    )


def shell(line: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash; the program is "$@" in it."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line, "bash", *COMMAND, *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=120,
    )


def names_in(table: Path) -> list[str]:
    with table.open(newline="") as stream:
        return list(dict.fromkeys(row[0] for row in list(csv.reader(stream))[1:]))


def wait_for(condition, process) -> None:
    end = time.monotonic() + 60
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    assert condition()


@pytest.fixture
def songs(tmp_path) -> list[Path]:
    """Five short recordings and a long one."""
    paths = [tmp_path / f"{number}.wav" for number in range(6)]
    for path in paths[:-1]:
        soundfile.write(path, music(5, 22050)[0], 22050)
    soundfile.write(paths[-1], np.tile(music(60, 22050)[0], 15), 22050)
    return paths


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_keeps_the_rows_of_what_is_done_and_the_rest_is_resumed(
    songs, tmp_path, number, status
):
    table = tmp_path / "tags.csv"
    with subprocess.Popen(
        [*COMMAND, "tag", *songs, "--csv", table], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        wait_for(lambda: table.exists() and len(names_in(table)) == 5, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (status, b"tagnode: Stopped.\n")
    assert names_in(table) == [str(song) for song in songs[:5]]
    soundfile.write(songs[5], music(6, 22050)[0], 22050)
    resumed = call("tag", *songs, "--csv", table, "--resume")
    assert resumed.returncode == 0
    assert resumed.stdout.count(b".wav") == 1, resumed.stdout
    whole = tmp_path / "whole.csv"
    assert call("tag", *songs, "--csv", whole).returncode == 0
    assert table.read_bytes() == whole.read_bytes()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_what_kill_leaves_is_swept_and_resumed(songs, tmp_path):
    table, output = tmp_path / "tags.csv", tmp_path / "out.wav"
    with subprocess.Popen(
        [*COMMAND, "render", songs[5], output, "--preset", "duck-under-voice"],
        stderr=subprocess.PIPE,
    ) as process:
        wait_for(lambda: list(tmp_path.glob(".out.wav.*.part")), process)
        assert call("tag", songs[0], "--csv", table).returncode == 0
        assert len(list(tmp_path.glob(".*.part"))) == 1, "the file of a living process was removed"
        process.kill()
    assert call("tag", songs[0], songs[1], "--csv", table, "--resume").returncode == 0
    assert list(tmp_path.glob(".*.part")) == []
    assert names_in(table) == [str(song) for song in songs[:2]]
    assert not output.exists()


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize("delay", [0.15, 0.3, 0.5, 0.8])
def test_a_signal_while_libraries_load_is_an_ordinary_end(songs, tmp_path, number, status, delay):
    out = tmp_path / "e.png"
    with subprocess.Popen(
        [*COMMAND, "tag", songs[5], "--plot", out], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        time.sleep(delay)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert err in (b"tagnode: Stopped.\n", b"")
    if process.returncode == 0:  # it was quicker than the signal
        assert out.exists()
        return
    assert process.returncode in (status, -number)  # a shell shows both as the same
    assert not out.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_midi_file_is_complete_after_a_signal(tmp_path, number):
    mido = pytest.importorskip("mido")
    path = tmp_path / "live.mid"
    options = ["--cc", "signal.rms_db=20", "--midi", path, "--json"]
    with subprocess.Popen(
        [*COMMAND, "listen", "-", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdin.write((32767 * music(6, 44100, 2).T).astype("<i2").tobytes())
        process.stdin.flush()
        for _ in range(4):
            assert json.loads(process.stdout.readline())["v"] == 1
        process.send_signal(number)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert b"Traceback" not in err
    assert process.returncode == (129 if number == signal.SIGHUP else 0), err
    assert any(message.type == "control_change" for message in mido.MidiFile(path).tracks[0])


def test_signals_that_nohup_ignores_stay_ignored(songs, tmp_path):
    table = tmp_path / "t.csv"
    with subprocess.Popen(
        ["nohup", *COMMAND, "tag", *songs[:5], "--csv", table],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        wait_for(table.exists, process)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(names_in(table)) == 5


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["tag", "embed", "render", "doctor", "--help"])
def test_closed_descriptors_are_an_ordinary_end(songs, tmp_path, closed, command):
    out = tmp_path / "out.csv"
    arguments: dict[str, list[object]] = {
        "tag": ["tag", songs[0], "--csv", out],
        "embed": ["embed", songs[0], "--out", tmp_path / "out.npy"],
        "render": ["render", songs[0], tmp_path / "o.wav", "--preset", "duck-under-voice"],
    }
    arguments["render"] += ["--curves", out]
    done = shell(f'"$@" {closed}', *arguments.get(command, [command]))
    assert (done.returncode, done.stderr) == (0, b"")
    if command in ("tag", "render"):
        assert out.read_text().startswith("file," if command == "tag" else "time,")


def test_the_other_outputs_are_complete_when_the_reader_of_stdout_goes(songs, tmp_path):
    table = tmp_path / "t.csv"
    for options in ([], ["--json"]):
        done = shell('"$@" | head -n 1', "tag", *songs[:5], "--csv", table, *options)
        assert (done.returncode, done.stderr) == (0, b"")
        assert names_in(table) == [str(song) for song in songs[:5]]


def test_the_reader_of_stderr_may_go(songs, tmp_path):
    read, write = os.pipe()
    os.close(read)
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"junk")
    done = subprocess.run(
        [*COMMAND, "tag", bad, songs[0]], stdout=subprocess.PIPE, stderr=write, check=False
    )
    os.close(write)
    assert done.returncode == 2
    assert str(songs[0]).encode() in done.stdout


def test_a_full_standard_output_is_a_failure(songs):
    for arguments in (["tag", songs[0]], ["tag", songs[0], "--json"], ["--help"]):
        done = shell('"$@" > /dev/full', *arguments)
        assert done.returncode == 1, done.stderr
        assert b"no space left" in done.stderr.lower()
        assert done.stderr.count(b"\n") == 1


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ODD_NAMES = [b"caf\xe9.wav", b"=1+1.wav", b"a\x1b[2J\x9b\nb.wav", "♫.wav".encode()]


@pytest.mark.parametrize(
    "environment",
    [
        C_LOCALE,
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C.UTF-8"},
    ],
)
def test_odd_names_in_any_encoding(songs, tmp_path, environment):
    folder = os.fsencode(tmp_path / "odd")
    (tmp_path / "odd").mkdir()
    for name in ODD_NAMES:
        shutil.copy(os.fsencode(songs[0]), folder + b"/" + name)
    environment = {**os.environ, **environment}
    table = tmp_path / "t.csv"
    command = [*COMMAND, "tag", "--csv", table, "--", *ODD_NAMES]
    done = subprocess.run(command, capture_output=True, check=False, env=environment, cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not any(byte < 32 and byte != 10 for byte in done.stdout)
    assert done.stdout.count(b".wav") == 4
    with table.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        cells = dict.fromkeys(row[0] for row in list(csv.reader(stream))[1:])
    assert [os.fsencode(cell) for cell in cells] == [
        b"'" + name if name.startswith(b"=") else name for name in ODD_NAMES
    ]
    command = [*COMMAND, "tag", "--json", "--", *ODD_NAMES]
    done = subprocess.run(command, capture_output=True, check=False, env=environment, cwd=folder)
    sources = dict.fromkeys(json.loads(line)["source"] for line in done.stdout.splitlines())
    assert len(sources) == 4
    assert not any(byte < 32 and byte != 10 for byte in done.stdout)


def test_names_that_are_not_utf8_work_in_every_output(songs, tmp_path):
    odd = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    shutil.copy(os.fsencode(songs[0]), odd)
    outputs = ["o.csv", "o.png", "o.npy", "o.txt"]
    options = ["--csv", "o.csv", "--plot", "o.png", "--embeddings", "o.npy", "--labels", "o.txt"]
    done = subprocess.run(
        [*COMMAND, "tag", odd, *options], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert all((tmp_path / name).stat().st_size for name in outputs)
    for out in ("o.parquet", "e.npy"):
        command = [*COMMAND, "embed", odd, songs[1], "--out", out, "--plot", "e.png"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
    parquet = pytest.importorskip("pyarrow.parquet")
    assert str(parquet.read_table(tmp_path / "o.parquet")["file"][0]).endswith("caf\\xe9.wav")


def test_devices_fifos_and_standard_output_receive_the_rows(songs, tmp_path):
    before = Path("/dev/null").stat()
    assert call("tag", songs[0], "--csv", "/dev/null").returncode == 0
    assert Path("/dev/null").stat().st_mode == before.st_mode
    table = tmp_path / "t.csv"
    assert call("tag", songs[0], "--csv", table).returncode == 0
    plain = call("tag", songs[0]).stdout
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        assert call("tag", songs[0], "--csv", fifo).returncode == 0
        assert reader.communicate(timeout=30)[0] == table.read_bytes()
    assert fifo.is_fifo()
    assert call("tag", songs[0], "--csv", "-", cwd=tmp_path).stdout == table.read_bytes()
    assert not (tmp_path / "-").exists()
    both = tmp_path / "both"
    assert shell(f'"$@" > {both}', "tag", songs[0], "--csv", "/dev/stdout").returncode == 0
    assert sorted(both.read_bytes().splitlines()) == sorted(
        table.read_bytes().splitlines() + plain.splitlines()
    )
    done = shell('"$@" 3>&1 >/dev/null', "tag", songs[0], "--csv", "/dev/fd/3")
    assert done.stdout == table.read_bytes()


def test_curves_to_a_fifo(songs, tmp_path):
    fifo = tmp_path / "curves.csv"
    os.mkfifo(fifo)
    render = ["render", songs[0], tmp_path / "o.wav", "--preset", "duck-under-voice", "--curves"]
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        assert call(*render, fifo).returncode == 0
        received = reader.communicate(timeout=30)[0]
    assert call(*render, tmp_path / "plain.csv").returncode == 0
    assert received == (tmp_path / "plain.csv").read_bytes()


def test_a_terminal_gets_no_control_characters(songs, tmp_path):
    bad = tmp_path / "a\x1b]0;owned\x07.wav"
    bad.write_bytes(b"junk")
    main, terminal = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "tag", bad, "--top", "x\x1b[31m"], stdout=terminal, stderr=terminal, check=False
    )
    one = os.read(main, 65536)
    done = subprocess.run([*COMMAND, "tag", bad], stdout=terminal, stderr=terminal, check=False)
    os.close(terminal)
    shown = one + os.read(main, 65536)
    os.close(main)
    assert done.returncode == 2
    assert b"\x1b]0" not in shown
    assert b"\x1b[31m" not in shown
    assert b"\\x1b]0;owned\\x07.wav" in shown


def test_without_a_place_for_temporary_files(songs, tmp_path):
    python = 'import tempfile; tempfile._candidate_tempdir_list = lambda: ["/nowhere"]; '
    python += "import sys; from pyplugin.cli import main; sys.argv[0] = 'pyplugin'; main()"
    done = subprocess.run(
        [sys.executable, "-c", python, "tag", songs[0], "--csv", "-"],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
