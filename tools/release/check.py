"""Check that a release may be published; RELEASE.md is the checklist that this follows.

    make release-check
    python tools/release/check.py --only version --only build

Writes into build/release only, and publishes nothing.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build" / "release"
DEMO = ROOT / "examples" / "demo" / "demo.ogg"


class CheckError(Exception):
    """A check that does not hold; the message says what to do."""


def run(*command: object, at: Path | None = None) -> str:
    """Run a command, in the checkout or elsewhere; return what it prints."""
    words = [str(each) for each in command]
    done = subprocess.run(words, cwd=at or ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        end = (done.stdout + done.stderr).strip()[-1500:]
        raise CheckError(f"{' '.join(map(str, command))} ends with {done.returncode}:\n{end}")
    return done.stdout


def version_of(header: str) -> str:
    r"""Return the version in the text of tagnode.h.

    Examples
    --------
    >>> parts = ("MAJOR 1", "MINOR 2", "PATCH 3")
    >>> version_of("\n".join(f"#define TAGNODE_VERSION_{part}" for part in parts))
    '1.2.3'
    """
    parts = ("MAJOR", "MINOR", "PATCH")
    found = [re.search(rf"#define TAGNODE_VERSION_{part} (\d+)", header) for part in parts]
    if None in found:
        raise CheckError("native/include/tagnode.h has no version of three numbers.")
    return ".".join(number[1] for number in found if number)


def section_of(changelog: str, title: str) -> str | None:
    r"""Return the text under a heading of the second level that begins with a title.

    Examples
    --------
    >>> section_of("## 1.0.0 - 2026-01-02\n\n- New.\n\n## 0.9.0 - 2025-01-02\n", "1.0.0")
    '- New.'
    """
    for part in re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        if heading.split() and heading.split()[0] == title:
            return text.strip()
    return None


def version() -> str:
    """Return the version that is to be released."""
    return version_of((ROOT / "native" / "include" / "tagnode.h").read_text(encoding="utf-8"))


def check_version() -> str:
    """Compare the version of tagnode.h with the changelog and the tags."""
    number = version()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if section_of(changelog, number) is None:
        raise CheckError(f"CHANGELOG.md has no heading '## {number} - DATE'; add it.")
    if not re.search(rf"^## {re.escape(number)} - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        raise CheckError(f"The heading of {number} in CHANGELOG.md has no date; add it.")
    if run("git", "tag", "--list", f"v{number}").strip():
        raise CheckError(f"v{number} is published already; raise the version in tagnode.h.")
    return number


def check_changes() -> str:
    """Find entries that nobody moved under the version's heading."""
    left = section_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), "Unreleased")
    if left and "- " in left:
        raise CheckError("CHANGELOG.md has entries under 'Unreleased'; move them to the version.")
    return "nothing is unreleased"


def check_tree() -> str:
    """Find changes that are not committed."""
    changed = run("git", "status", "--porcelain").strip()
    if changed:
        raise CheckError(f"These files are not committed:\n{changed}")
    return run("git", "rev-parse", "--short", "HEAD").strip()


def check_tests() -> str:
    """Run the linters and the whole suite."""
    run("make", "lint")
    return run("make", "test").strip().splitlines()[-1].strip("= ")


def check_build() -> str:
    """Build an sdist, and from it a wheel; both have the version."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    run(sys.executable, "-m", "build", "--outdir", OUT, ROOT)  # the wheel from the sdist
    sdists, wheels = list(OUT.glob("*.tar.gz")), list(OUT.glob("*.whl"))
    if len(sdists) != 1 or len(wheels) != 1:
        raise CheckError(f"Expected one sdist and one wheel in {OUT}.")
    with tarfile.open(sdists[0]) as archive:
        name = next(each for each in archive.getnames() if each.endswith("/PKG-INFO"))
        texts = [archive.extractfile(name).read()]  # type: ignore[union-attr]
    with zipfile.ZipFile(wheels[0]) as archive:
        name = next(each for each in archive.namelist() if each.endswith("dist-info/METADATA"))
        texts.append(archive.read(name))
    for text in texts:
        if f"\nVersion: {version()}\n" not in text.decode():
            raise CheckError(f"{name} has another version than tagnode.h.")
    return ", ".join(f"{path.name} {path.stat().st_size >> 10} kB" for path in sdists + wheels)


def check_install() -> str:
    """Install the wheel into a fresh environment, and use it from another folder."""
    wheels = list(OUT.glob("*.whl"))
    if not wheels:
        raise CheckError("There is no wheel in build/release; run the check `build` first.")
    folder = OUT / "environment"
    run(sys.executable, "-m", "venv", "--clear", folder)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    run(programs / "python", "-m", "pip", "install", "--quiet", f"{wheels[0]}[all]")
    try:
        shown = run(programs / "pyplugin", "--version", at=folder)
        if version() not in shown:
            raise CheckError(f"tagnode --version prints {shown.strip()!r}, not {version()}.")
        run(programs / "pyplugin", "doctor", at=folder)
        tags = run(programs / "pyplugin", "tag", DEMO, "--top", "1", at=folder)
    finally:
        shutil.rmtree(folder)
    return " ".join(tags.split()[-3:-1])


CHECKS: dict[str, Callable[[], str]] = {
    "version": check_version,
    "changes": check_changes,
    "tree": check_tree,
    "tests": check_tests,
    "build": check_build,
    "install": check_install,
}


def main() -> None:
    """Run the checks; the exit status is 1 if one does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=CHECKS, help="may be repeated")
    parser.add_argument("--list", action="store_true", help="print the checks")
    options = parser.parse_args()
    failures = 0
    for name, check in CHECKS.items():
        if options.list:
            print(f"{name:8} {(check.__doc__ or '').partition('.')[0]}.")
        elif not options.only or name in options.only:
            try:
                print(f"{name:8} ok    {check()}", flush=True)
            except CheckError as error:
                failures += 1
                print(f"{name:8} FAILS {error}", flush=True)
    if failures:
        sys.exit(f"{failures} of the checks do not hold; RELEASE.md describes each.")


if __name__ == "__main__":
    main()
