"""The reference of C, from tagnode.h: its sections, declarations and comments as a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["head_file", "page"]

HEADER = Path(__file__).parents[2] / "native" / "include" / "tagnode.h"
WIDTH = 88  # characters of a declaration

_SECTION = re.compile(r"/\* -+ (.+?) -+ \*/")
_LEADING = re.compile(r"\s*/\*(.*?)\*/\n", re.DOTALL)
_THREAD = re.compile(r"\s*\[((?:main|audio|reader|any)[^\]]*)\]\s*$")
_NAME = re.compile(
    r"^TAGNODE_API [^;{]*?(\w+)\(|^typedef (?:struct|enum) \w+ (\w+);|^\} ?(\w+);"
    r"|^typedef enum \{[^}]*\} (\w+);|^#define (\w+)",
    re.MULTILINE,
)
_MACHINERY = ("#define TAGNODE_NONBLOCKING", "#define TAGNODE_API", "_JOIN", "#ifdef __cplusplus")


def _chunks() -> Iterator[str]:
    """Yield what blank lines separate, outside of comments and braces, from the first constant."""
    chunk: list[str] = []
    text = HEADER.read_text(encoding="utf-8").partition('extern "C" {\n#endif\n')[2]
    for line in [*text.splitlines(), ""]:
        so_far = "\n".join(chunk)
        inside = so_far.count("/*") > so_far.count("*/") or so_far.count("{") > so_far.count("}")
        if line.strip() or inside:
            chunk.append(line)
        elif chunk:
            if not any(part in so_far for part in _MACHINERY):
                yield so_far + "\n"
            chunk = []


def _prose(comment: str, names: frozenset[str]) -> str:
    """Return a comment as Markdown: indented lines are code, names of the header are links."""
    lines = [re.sub(r"^ ?\* ?", "", line.rstrip()) for line in comment.strip("\n").splitlines()]
    lines[0] = lines[0].strip()
    parts: list[str] = []
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip()):
        for kind, piece in _pieces(block):
            text = piece if kind == "code" else _linked(" ".join(piece.split()), names)
            parts.append(f"~~~\n{text}\n~~~" if kind == "code" else text)
    whole = "\n\n".join(parts).replace("\n~~~\n\n~~~\n", "\n\n")
    return re.sub(r"^~~~\n(.*?)^~~~", _fenced, whole, flags=re.MULTILINE | re.DOTALL)


def _fenced(code: re.Match[str]) -> str:
    language = "c" if "#include" in code[1] else "text"
    return f"```{language}\n{code[1]}```"


def _pieces(block: str) -> Iterator[tuple[str, str]]:
    """Divide a block into text and code, which is indented."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        kind = "code" if line.startswith("  ") else "text"
        if not found or found[-1][0] != kind:
            found.append((kind, []))
        found[-1][1].append(line)
    for kind, lines in found:
        margin = min(len(line) - len(line.lstrip()) for line in lines)
        yield kind, "\n".join(line[margin:] for line in lines)


def _linked(text: str, names: frozenset[str]) -> str:
    def shown(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        if match["name"]:
            code = f"`{match['name']}{match['call'] or ''}`"
            return f"[{code}](#{match['name'].lower()})" if match["name"] in names else code
        return "\\" + match[0]

    word = r"(?P<code>`[^`]*`)|(?P<name>\b(?:tagnode|TAGNODE)_\w+)(?P<call>\(\))?|[<>*_\[\]]"
    return re.sub(word, shown, text)


def _declared(code: str) -> list[str]:
    return [next(filter(None, groups)) for groups in _NAME.findall(code)]


def page() -> str:
    """Return the reference: an introduction, then a heading for each declaration."""
    opening = HEADER.read_text(encoding="utf-8").partition("*/")[0]
    chunks = list(_chunks())
    names = frozenset(name for chunk in chunks for name in _declared(chunk))
    about = _prose(opening.removeprefix("/* tagnode.h - "), names)
    parts = [about[0].upper() + about[1:], "## Versions and limits"]
    for chunk in chunks:
        section = _SECTION.match(chunk)
        if section:
            parts.append(f"## {section[1].removeprefix('the ').capitalize()}")
            continue
        parts += _entry(chunk, names)
    return "\n\n".join(parts)


def _entry(chunk: str, names: frozenset[str]) -> Iterator[str]:
    comment = _LEADING.match(chunk)
    code = chunk[comment.end() :] if comment else chunk
    about = comment[1] if comment else ""
    if not code.strip():
        return
    thread = _THREAD.search(" ".join(about.replace("\n *", "\n").split()))
    declared = _declared(code)
    title = declared or re.findall(r"\bTAGNODE_\w+", code)[:1]
    yield "### " + ", ".join(f"`{name}`" for name in title) + f" {{ #{title[0].lower()} }}"
    if title[1:]:
        yield "\n".join(f'<span id="{name.lower()}"></span>' for name in title[1:])
    yield f"```c\n{_signature(code)}\n```"
    if about:
        yield _prose(re.sub(r"\s*\[(?:main|audio|reader|any)[^\]]*\]\s*$", "", about), names)
    if thread:
        yield f"Threads: `[{thread[1]}]`"


def _signature(code: str) -> str:
    """Return declarations without macros; those of functions on one line, or a line a parameter."""
    if "TAGNODE_API" not in code:
        return code.rstrip()
    lines = []
    for function in re.findall(r"TAGNODE_API ([^;]*?)(?:\s+TAGNODE_NONBLOCKING)?;", code):
        line = " ".join(function.split()) + ";"
        if len(line) > WIDTH:
            start, _, parameters = line.partition("(")
            line = f"{start}(\n    " + parameters.replace(", ", ",\n    ")
        lines.append(line)
    return "\n".join(lines)


def head_file() -> str:
    """Return the layout of a .head file, from the comment of ``tagnode_head``."""
    chunk = next(each for each in _chunks() if each.rstrip().endswith("tagnode_head;"))
    comment = _LEADING.match(chunk)
    assert comment is not None
    return _prose(comment[1], frozenset())
