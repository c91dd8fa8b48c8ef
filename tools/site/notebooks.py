"""Notebooks as pages: executed, with what they print and draw below each cell."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

__all__ = ["NotebookError", "execute", "page"]

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_EMBEDDED = re.compile(r'"data:(?P<type>audio|video|image)/(?P<format>\w+);base64,(?P<data>[^"]+)"')
_PICTURES = {"image/png": "png", "image/gif": "gif", "image/webp": "webp"}


class NotebookError(Exception):
    """A cell failed, or printed warnings; the message has its source and what it printed."""


def execute(path: Path, version: int = 0) -> Any:
    """Run a notebook in its folder; return it with outputs, and leave the file as it is.

    Parameters
    ----------
    path
        The ``.ipynb`` file.
    version
        For callers that keep results: a number that changes with the file.
    """
    del version
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        extra_arguments=["--log-level=ERROR"],
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise NotebookError(_ANSI.sub("", str(error))[-2000:]) from error
    for output in (each for cell in notebook.cells for each in cell.get("outputs", ())):
        if output.get("name") == "stderr":
            raise NotebookError(f"A cell prints warnings: {output.text[-2000:]}")
    return notebook


def page(notebook: Any, name: str) -> tuple[str, dict[str, bytes]]:
    """Return an executed notebook as Markdown, and its pictures and sounds by file name."""
    parts: list[str] = []
    files: dict[str, bytes] = {}

    def kept(data: bytes, ending: str) -> str:
        file = f"{name}-{len(files) + 1}.{ending}"
        files[file] = data
        return file

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        parts += [text for output in cell.outputs if (text := _shown(output, kept))]
    title, _, rest = parts[0].partition("\n")
    note = (
        "*This page is a notebook, executed when the site was built:* "
        f'<a href="{name}.ipynb" download>{name}.ipynb</a>'
    )
    return "\n\n".join([title, note, rest.strip(), *parts[1:]]), files


def _shown(output: Any, kept: Any) -> str:
    if output.output_type == "stream":
        return f"```text\n{_ANSI.sub('', output.text).rstrip()}\n```"
    data = output.get("data", {})
    for kind, ending in _PICTURES.items():
        if kind in data:
            file = kept(base64.b64decode(data[kind]), ending)
            return f"![Figure {file.split('-')[-1].partition('.')[0]}]({file})"
    if "text/html" in data:
        html = _EMBEDDED.sub(
            lambda found: f'"{kept(base64.b64decode(found["data"]), found["format"])}"',
            data["text/html"],
        )
        return "\n".join(line.strip() for line in html.splitlines() if line.strip())
    return f"```text\n{data['text/plain']}\n```" if "text/plain" in data else ""
