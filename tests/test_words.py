"""The project's prose and code use the field's words: audio is analysed, results are reported.

The limit is not 0: some uses are right, where the field itself says so or a file format has it.
"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIMIT = 25
PATHS = ("*.py", "*.c", "*.h", "*.md", "presets/*.toml")
WORDS = re.compile(  # but for the method of files
    r"(?<![a-z])(hears?|heard|hearing|(?<!\.)(?<!def )tells?(?!\()|told|whom)(?![a-z])",
    re.IGNORECASE,
)


def tracked_files() -> list[Path]:
    """Return the files of the checkout that hold prose or code, but for this one."""
    command = ["git", "-C", ROOT, "ls-files", "-z", "--", *PATHS]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.split("\0") if name]
    return [file for file in files if file.is_file() and file != Path(__file__)]


def places(text: str) -> list[tuple[int, str]]:
    """Return line number and word of each use in a text."""
    lines = enumerate(text.splitlines(), 1)
    return [(number, word) for number, line in lines for word in WORDS.findall(line)]


def test_words():
    found = [
        f"{file.relative_to(ROOT)}:{number}: {word}"
        for file in tracked_files()
        for number, word in places(file.read_text(encoding="utf-8"))
    ]
    assert len(found) <= LIMIT, "\n".join([f"{len(found)} uses, {LIMIT} allowed:", *found])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A node hears a block.", ["hears"]),
        ("tagplug_slots_hear(slots); Told", ["hear", "Told"]),
        ("file.tell() and def tell(self)", []),
        ("the heart of a teller, a hearth, stereotold", []),
        ("whom it told:\nheard, hearing", ["whom", "told", "heard", "hearing"]),
    ],
)
def test_words_are_found(text, words):
    assert [word for _, word in places(text)] == words
