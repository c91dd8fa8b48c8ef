"""Build what a release publishes, for every platform, on one Linux machine.

    make release
    make release ARGS="--only linux-x86_64"

Writes into build/release, or another folder, and publishes nothing.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from release import archives, bundles, compiling, inspecting, sbom, wheels
from release.check import version
from release.targets import ROOT, TARGETS, Target

PYTHON = "python"  # the wheels and the sdist


def build_archive(target: Target, out: Path, work: Path, parts: dict[str, Path]) -> Path:
    """Build, check and pack the plugins for a platform; return the archive."""
    seconds, number = archives.time_of_commit(), version()
    name = f"tagnode-plugins-{number}-{target.name}"
    built = [compiling.build(target, part, work, parts) for part in target.slices]
    folder = bundles.lay_out(target, built, work / name, number)
    for line in inspecting.inspect(target, folder):
        print(f"  {line}")
    (folder / "sbom.cdx.json").write_text(sbom.make(folder, target, number, seconds))
    shutil.copy(folder / "sbom.cdx.json", out / f"{name}.cdx.json")
    return archives.pack(folder, out / f"{name}.{target.packing}", seconds)


def main() -> None:
    """Build what is asked for; the exit status is 1 if something is missing or wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--only", action="append", choices=[*TARGETS, PYTHON], help="may be repeated"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "release", metavar="FOLDER")
    options = parser.parse_args()
    chosen, out = options.only or [*TARGETS, PYTHON], options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    work = out / "work"
    try:
        plugins = [TARGETS[name] for name in chosen if name != PYTHON]
        parts = compiling.prepare(work) if plugins else {}
        for target in plugins:
            archive = build_archive(target, out, work, parts)
            print(f"{archive.name} {archive.stat().st_size >> 10} kB", flush=True)
        if PYTHON in chosen:
            for path in wheels.build(out, work, archives.time_of_commit()):
                print(f"{path.name} {path.stat().st_size >> 10} kB", flush=True)
        print(archives.write_checksums(out))
    except compiling.ReleaseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
