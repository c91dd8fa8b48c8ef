"""What a terminal can show."""

import math
import os
import sys
from importlib.util import find_spec


def can_draw() -> bool:
    """Return whether stdout and stderr are terminals that can move the cursor, and rich is here."""
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    terminals = all(each and each.isatty() for each in (sys.stdout, sys.stderr))
    return terminals and not dumb and find_spec("rich") is not None


def shown(value: float, span: float) -> str:
    """Return a value with three significant digits of `span`, the width of its range."""
    decimals = 3 - math.ceil(math.log10(span)) if span > 0 else 3
    decimals = min(max(decimals, 0), 6)
    return f"{round(value, decimals) + 0.0:.{decimals}f}"  # avoids -0
