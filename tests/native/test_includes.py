"""C includes point down only, as docs/how-it-is-built.md shows the rooms, and never in a circle."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "native"

# Each room, and the rooms that it may include directly. All may include tagnode.h and support.
ROOMS: dict[str, set[str]] = {
    "faces": {"plugin"},  # plugin/lv2, plugin/clap, plugin/vst3
    "plugin": {"stream", "node", "parameters"},
    "parameters": set(),
    "stream": {"node"},
    "node": {"frontend", "descriptors", "tagger", "worker", "heads", "automation"},
    "frontend": set(),
    "stems": {"frontend"},
    "descriptors": {"frontend"},
    "tagger": {"kernels"},
    "kernels": set(),
    "worker": set(),
    "heads": set(),
    "automation": set(),
    "support": set(),
}
FACES = ("lv2", "clap", "vst3")


def room_of(file: Path) -> str:
    """Return the room of a file of native/src or native/plugin, given from native on."""
    if file.parts[0] == "plugin":
        return "faces" if file.parts[1] in FACES else "plugin"
    return file.parts[1]


def may_include(room: str, other: str) -> bool:
    """Return whether a path of arrows leads from a room down to another."""
    return other in (room, "support") or any(may_include(each, other) for each in ROOMS[room])


def wrong_arrows(includes: Iterable[tuple[Path, Path]]) -> list[str]:
    """Return a line for each include that points up or sideways."""
    return [
        f"{source} ({room_of(source)}) includes {target} ({room_of(target)})"
        for source, target in includes
        if not may_include(room_of(source), room_of(target))
    ]


def circles(includes: Iterable[tuple[Path, Path]]) -> list[str]:
    """Return a line for each pair that includes each other, directly or through others."""
    direct: dict[Path, set[Path]] = {}
    for source, target in includes:
        if source != target:
            direct.setdefault(source, set()).add(target)
    reached = {each: set(others) for each, others in direct.items()}
    for middle in direct:  # Warshall's closure
        for others in reached.values():
            if middle in others:
                others |= reached[middle]
    return [
        f"{one} and {other} include each other"
        for one in sorted(reached)
        for other in sorted(reached[one])
        if one < other and one in reached.get(other, ())
    ]


def includes_of_the_tree() -> list[tuple[Path, Path]]:
    """Return all includes between files of native/src and native/plugin."""
    found = []
    for file in sorted([*NATIVE.glob("src/**/*.[ch]"), *NATIVE.glob("plugin/**/*.[ch]")]):
        text = file.read_text(encoding="utf-8")
        for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, flags=re.MULTILINE):
            folders = (file.parent, NATIVE / "src", NATIVE / "plugin")
            there = [folder / name for folder in folders if (folder / name).is_file()]
            if there:
                target = there[0].resolve().relative_to(NATIVE.resolve())
                found.append((file.relative_to(NATIVE), target))
    return found


def test_every_file_is_in_a_room():
    files = {source for source, _ in includes_of_the_tree()}
    assert len(files) > 50
    assert [str(file) for file in sorted(files) if room_of(file) not in ROOMS] == []


def test_includes_point_down():
    assert wrong_arrows(includes_of_the_tree()) == []


def test_no_files_include_each_other():
    assert circles(includes_of_the_tree()) == []


def test_no_folders_include_each_other():
    assert (
        circles((source.parent, target.parent) for source, target in includes_of_the_tree()) == []
    )


@pytest.mark.parametrize(
    ("source", "target", "allowed"),
    [
        ("src/node/node.c", "src/heads/head.h", True),
        ("plugin/lv2/lv2.c", "src/support/ring.h", True),
        ("src/tagger/ops.h", "src/kernels/kernels.h", True),
        ("src/heads/head.c", "src/node/node.h", False),
        ("src/worker/worker.c", "src/kernels/kernels.h", False),
        ("src/frontend/dsp.c", "src/descriptors/level.h", False),
        ("plugin/core/text.c", "plugin/lv2/lv2_ports.h", False),
        ("plugin/lv2/lv2.c", "plugin/core/tagplug.h", True),
        ("src/support/ring.c", "src/tagger/run.h", False),
    ],
)
def test_arrows(source, target, allowed):
    assert (wrong_arrows([(Path(source), Path(target))]) == []) is allowed


def test_a_circle_is_found_through_a_third_file():
    a, b, c = (Path("src/tagger") / name for name in ("a.h", "b.h", "c.h"))
    assert circles([(a, b), (b, c), (c, a)]) == [
        "src/tagger/a.h and src/tagger/b.h include each other",
        "src/tagger/a.h and src/tagger/c.h include each other",
        "src/tagger/b.h and src/tagger/c.h include each other",
    ]
    assert circles([(a, b), (b, c), (a, c), (a, a)]) == []
