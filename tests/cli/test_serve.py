"""``tagnode serve``, as a program."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import package
from helpers import DATA

CLIP = DATA / "clips/speech.ogg"
Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run() -> Iterator[Run]:
    running: list[subprocess.Popen[str]] = []

    def run(*words: str) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, "-m", "pyplugin", "serve", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(program)
        return program

    yield run
    for program in running:
        program.kill()
        program.communicate()


def address_of(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    found = re.match(r"The page is at (http://127\.0\.0\.1:\d+/)", program.stdout.readline())
    assert found is not None
    return found[1]


def read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as response:
        return response.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(number: int, run: Run) -> None:
    program = run(str(CLIP), "--port", "0")
    address = address_of(program)
    assert b"<title>Tagnode</title>" in read(address)
    site = json.loads(read(f"{address}site.json"))
    assert site["models"][0]["id"] == "scene"
    assert [song["name"] for song in site["songs"]] == [CLIP.name]
    program.send_signal(number)
    assert program.wait(20) == 0
    assert program.stderr is not None
    assert program.stderr.read() == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing.ogg"], "'nothing.ogg' is not a file; a recording is expected."),
        (["--port", "70000"], "70000"),
    ],
)
def test_what_cannot_be_served_is_a_sentence(words: list[str], sentence: str, run: Run) -> None:
    output, problem = run(*words).communicate(timeout=60)
    assert sentence in problem
    assert "Traceback" not in problem
    assert "The page is at" not in output


def test_addresses_of_others_need_a_token_that_is_printed_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "of a user"))
    kept = tmp_path / "of a user/pyplugin/token"
    words = ["--host", "192.0.2.1", "--port", "0"]  # for documentation: nobody has this address
    output, problem = run(*words).communicate(timeout=60)
    assert output.startswith(f"The token of the API is {kept.read_text().strip()}; it is kept in ")
    assert "choose another by --host or --port" in problem
    assert run(*words).communicate(timeout=60)[0] == ""
    kept.unlink()
    kept.mkdir()
    problem = run(*words).communicate(timeout=60)[1]
    assert f"The token in '{kept}' cannot be used" in problem
    assert "Traceback" not in problem


def test_a_port_in_use_is_a_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        program = run("--port", str(other.getsockname()[1]))
        _, problem = program.communicate(timeout=60)
    assert program.returncode == 2
    assert "in use; choose another by --host or --port." in problem


def test_export_writes_a_folder(run: Run, tmp_path: Path) -> None:
    package()
    program = run("--export", str(tmp_path / "site"))
    output, problem = program.communicate(timeout=60)
    assert (program.returncode, problem) == (0, "")
    assert output.startswith(f"{tmp_path / 'site'}: the page, with scene")
    assert (tmp_path / "site/index.html").is_file()
