"""Docstrings name things as Sphinx does, ``:class:`Node```; mkdocstrings shows them as code."""

from __future__ import annotations

import re
from typing import Any

import griffe

__all__ = ["Roles"]

_ROLE = re.compile(r":(?:func|class|meth|data|mod|attr|exc):`~?(?:([^`<]+?) *<[^`>]+>|([^`]+))`")


class Roles(griffe.Extension):
    """Replaces roles by code in every docstring."""

    def on_instance(self, *, obj: griffe.Object, **others: Any) -> None:
        """Change the docstring of what was just read."""
        del others
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(
                lambda role: f"`{role[1] or role[2]}`", obj.docstring.value
            )
