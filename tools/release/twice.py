"""Build a release twice, in two folders, and compare the bytes.

make release-twice ARGS="--only linux-x86_64"
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from release.archives import sha256
from release.targets import ROOT


def differences(first: Path, second: Path) -> list[str]:
    """Return the names of files that are not in both folders with the same bytes."""
    sums = [
        {path.name: sha256(path) for path in folder.iterdir() if path.is_file()}
        for folder in (first, second)
    ]
    names = sorted(set(sums[0]) | set(sums[1]))
    return [name for name in names if sums[0].get(name) != sums[1].get(name)]


def main() -> None:
    """Exit with status 1, and the names of the files that differ, if some do."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", default=[], help="as for `make release`")
    options = parser.parse_args()
    chosen = [word for name in options.only for word in ("--only", name)]
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / "first", Path(place) / "a second one"]
        for folder in folders:
            command = [sys.executable, "-m", "release", *chosen, "--out", str(folder)]
            if subprocess.run(command, cwd=ROOT).returncode != 0:
                sys.exit("The release was not built, see above.")
        found = differences(*folders)
        if found:
            sys.exit(f"Two builds of one commit differ in {', '.join(found)}.")
        print(f"{sum(path.is_file() for path in folders[0].iterdir())} files are the same twice")


if __name__ == "__main__":
    main()
