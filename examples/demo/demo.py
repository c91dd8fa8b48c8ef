"""Tag the demo recording by section, then automate effects by its detected content.

Writes the processed recording, the parameter curves and a plot into a folder, and prints their
paths.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run(*arguments: object) -> str:
    """Run a command of pyplugin, and return its output."""
    command = [sys.executable, "-m", "pyplugin", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="demo-output", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    recording = HERE / "demo.ogg"

    print(f"The sections of {recording.name}, and the tags of the model `scene`:\n")
    listed = run("tag", recording, "--hop", "0.25", "--json")
    windows = [json.loads(line) for line in listed.splitlines()]
    for section in json.loads((HERE / "demo.json").read_text())["sections"]:
        start, end = section["start"], section["end"]
        inside = [w["tags"] for w in windows if start <= w["start"] and w["end"] <= end + 0.1]
        mean = {tag: sum(tags[tag] for tags in inside) / len(inside) for tag in inside[0]}
        best = sorted(mean, key=mean.__getitem__, reverse=True)[:4]
        tags_text = ", ".join(f"{tag} {mean[tag]:.2f}" for tag in best)
        print(f"  {start:5.1f} - {end:4.1f} s  {section['name']:<19} {tags_text}")

    outputs = [folder / name for name in ("demo.wav", "demo.csv", "demo.png")]
    options = ["--preset", HERE / "demo.toml", "--curves", outputs[1], "--plot", outputs[2]]
    print("\n" + run("render", recording, outputs[0], *options), end="")
    print("\nWritten:")
    for path, what in zip(outputs, ("audio", "parameter curves", "plot"), strict=True):
        print(f"  {path.resolve()}  {what}")


if __name__ == "__main__":
    main()
