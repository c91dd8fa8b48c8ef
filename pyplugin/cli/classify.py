"""``tagnode classify``: Classify recordings by files with their descriptors, from Essentia."""

import json
from contextlib import ExitStack
from pathlib import Path

import click

from pyplugin.cli.ui.paths import check_outputs, path_option
from pyplugin.cli.ui.terminal import echo
from pyplugin.errors import PypluginError
from pyplugin.models import heads
from pyplugin.support.cells import csv_row, guarded, readable
from pyplugin.support.files import replacing
from pyplugin.support.printable import printable


@click.command("classify")
@click.argument("head")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each FILE.")
@path_option("--csv", "Write a table with a row for each FILE to this file.")
def command(head: str, files: tuple[str, ...], as_json: bool, csv: Path | None) -> None:
    """Classify recordings by their descriptors, with a head of 'train head --features'.

    HEAD is a name, or the path of a .head file; FILE is a .json, .yaml or .sig file of Essentia's
    extractor, or a folder of them. Prints the classes of each, the most probable first. If a FILE
    cannot be used, this is reported, the others are processed, and the exit status is 2.

    \b
    Examples:
      tagnode classify genre song.json
      tagnode classify genre descriptors --csv genres.csv
      tagnode classify genre *.json --json | jq .probabilities
    """
    from pyplugin.training.dataset import clips_below
    from pyplugin.training.heads.classify import classify

    loaded = heads.load(head)
    paths = clips_below(files)
    if not paths:
        raise PypluginError(
            f"There are no files in {files[0]}; give files of Essentia's extractor."
        )
    check_outputs((csv,), list(map(str, paths)))
    status, done = 0, 0
    with ExitStack() as stack:
        table = None
        if csv is not None:
            part = stack.enter_context(replacing(csv))
            table = stack.enter_context(part.open("w", encoding="utf-8", newline=""))
            table.write(csv_row(["file", "class", *map(guarded, loaded.labels)]))
        for path in paths:
            try:
                found = classify(loaded, path)
            except PypluginError as error:
                if done == 0 and len(paths) == 1:
                    raise
                echo(f"tagnode: {printable(error)}", err=True)
                status = 2
                continue
            done += 1
            best = max(found.probabilities, key=lambda label: found.probabilities[label])
            if table is not None:
                values = [f"{value:.4f}" for value in found.probabilities.values()]
                name = guarded(readable(str(path)))
                table.write(csv_row([name, guarded(best), *values]))
            for name in found.unknown:
                echo(
                    f"tagnode: {printable(path)}: no file that {loaded.name} was trained on has "
                    f"this value of {name}; it counts as one more.",
                    err=True,
                )
            if as_json:
                rounded = {label: round(value, 4) for label, value in found.probabilities.items()}
                row = {"v": 1, "file": readable(str(path)), "class": best, "probabilities": rounded}
                echo(json.dumps(row, ensure_ascii=False), vital=True)
            else:
                _print(path, found.probabilities)
    raise SystemExit(status)


def _print(path: Path, probabilities: dict[str, float]) -> None:
    ordered = sorted(probabilities.items(), key=lambda item: -item[1])
    width = max(len(printable(label)) for label in probabilities)
    echo(printable(path))
    for label, value in ordered:
        echo(f"  {printable(label):<{width}}  {value:.3f}  {'#' * round(30 * value)}".rstrip())
