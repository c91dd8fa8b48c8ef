"""Measure `scene` on the test groups of a corpus, beside other models: ``make evaluate``.

Run this after a change of the model or of its training::

    python -m pyplugin.training.evaluate --corpus FOLDER [--out FILE.tsv] [--model PATH ...]

The peers are YAMNet (the model ``yamnet``), MusiCNN (``musicnn-mtt``) and silero-vad, which
``make evaluate`` installs; what is not there is left out and reported. Songs are separated by
Spleeter to know when someone sings, if ``spleeter-2stems`` is there; instrumental music is also
rendered from SoundFonts, if there are some. Every model gets the same samples at the same levels,
and all figures but those of delay are for one result every 0.2 s.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from pyplugin.errors import ModelError, PypluginError
from pyplugin.support.files import write_file
from pyplugin.support.optional import need
from pyplugin.training.corpus import read_clips
from pyplugin.training.measures import Material, Measure, measure
from pyplugin.training.peers import Peer, musicnn, silero, tagger, yamnet
from pyplugin.training.processes import default_jobs
from pyplugin.training.recordings import load_separator, recorded_sounds
from pyplugin.training.soundfonts import SOUNDFONTS
from pyplugin.training.sounds import Sound, pools_of
from pyplugin.training.synthetic import SoundSettings, synthetic_sounds

_SEPARATOR = "spleeter-2stems"
_PLAYED, _PLAYED_SEED = 60, 1_000_001  # pieces, by another seed than any recipe's
_FONTS = ("FluidR3_GM.sf2", "MuseScore_General_Full.sf3", "TimGM6mb.sf2")
_SILERO = Path("build") / "silero"

Report = Callable[[str], None]


def evaluate(
    sounds: Sequence[Sound],
    peers: Sequence[Peer],
    *,
    per_group: int = 12,
    report: Report = lambda line: None,
) -> dict[str, list[Measure]]:
    """Return the measures of each peer, by its name.

    Parameters
    ----------
    sounds : sequence of Sound
        Of groups that no peer was trained on.
    peers : sequence of Peer
    per_group : int, optional
        Recordings to use of a group, at most.
    report : callable, optional
        Called with a line about progress.

    Returns
    -------
    dict of str to list of Measure
        The same measures in the same order for each; a value is NaN where a peer has no such label
        or there is no such sound.

    Raises
    ------
    PypluginError
        There are no sounds.
    """
    if not sounds:
        raise PypluginError("There are no recordings to evaluate on.")
    found = {}
    for peer in peers:
        report(f"measuring {peer.name}")
        found[peer.name] = measure(Material(pools_of(sounds), per_group), peer.detect)
    return found


def as_tsv(results: Mapping[str, Sequence[Measure]]) -> str:
    """Return the measures as tab-separated values: a row each, a column for each model."""
    lines = ["\t".join(("measure", "better", *results))]
    for row in zip(*results.values(), strict=True):
        values = ("" if each.value != each.value else f"{each.value:.4f}" for each in row)
        lines.append("\t".join((row[0].name, row[0].better, *values)))
    return "\n".join(lines) + "\n"


def print_table(results: Mapping[str, Sequence[Measure]]) -> None:
    """Print the measures as a table; the best value of each row is bold."""
    tables = need("rich.table", package="rich", extra="train", purpose="Printing tables")
    consoles = need("rich.console", package="rich", extra="train", purpose="Printing tables")
    table = tables.Table("measure", "better")
    for name in results:
        table.add_column(name, justify="right")
    for row in zip(*results.values(), strict=True):
        values = [each.value for each in row]
        known = [value for value in values if value == value]
        best = (max if row[0].better == "more" else min)(known, default=float("nan"))
        cells = (_cell(value, best=value == best and len(known) > 1) for value in values)
        table.add_row(row[0].name, row[0].better, *cells)
    consoles.Console(width=None if sys.stdout.isatty() else 120).print(table)


def _cell(value: float, *, best: bool) -> str:
    if value != value:
        return "-"
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return f"[bold]{text}[/bold]" if best else text


def _found_peers(models: Sequence[str], folder: Path, report: Report) -> Iterator[Peer]:
    """Yield the models to compare; those of others only if they are there."""
    for name in models:
        yield tagger(name)
    others: tuple[Callable[[], Peer], ...] = (yamnet, musicnn, lambda: silero(folder))
    for other in others:
        try:
            yield other()
        except PypluginError as error:
            report(f"left out: {error}")


def _sounds(options: argparse.Namespace, cache: Path, report: Report) -> list[Sound]:
    clips = read_clips(options.corpus, options.split)
    if not clips:
        raise PypluginError(f"The corpus {options.corpus} has no recordings of {options.split!r}.")
    separator = _SEPARATOR
    try:
        load_separator(separator)
    except ModelError as error:
        report(f"the whole of a song without known spans counts as sung: {error}")
        separator = ""
    jobs = default_jobs()
    sounds = recorded_sounds(clips, cache, separator=separator, processes=jobs)
    fonts = [path for path in sorted(SOUNDFONTS.rglob("*")) if path.name in _FONTS]
    if not fonts:
        report(f"left out: music from SoundFonts; there is none of {', '.join(_FONTS)}.")
        return sounds
    played = SoundSettings(played_music=_PLAYED, soundfonts=tuple(path.name for path in fonts))
    try:
        sounds += synthetic_sounds(played, (), fonts, cache, seed=_PLAYED_SEED, processes=jobs)
    except PypluginError as error:
        report(f"left out: music from SoundFonts; {error}")
    return sounds


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and write it; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pyplugin.training.evaluate",
        description="Measure scene on the test groups of a corpus, beside other models.",
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--split", default="test", help="split to measure on [test]")
    parser.add_argument(
        "--model", action="append", help="a version of scene: name or path; may be repeated [scene]"
    )
    parser.add_argument("--out", type=Path, help="file for the table, tab-separated")
    parser.add_argument("--cache", type=Path, help="folder to store sounds in")
    parser.add_argument("--silero", type=Path, default=_SILERO, help="folder of silero-vad")
    parser.add_argument(
        "--per-group", type=int, default=12, help="recordings of a group to use, at most [12]"
    )
    options = parser.parse_args(arguments)

    def report(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        with ExitStack() as stack:
            cache = options.cache
            if cache is None:
                cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tagnode-")))
            peers = list(_found_peers(options.model or ["scene"], options.silero, report))
            sounds = _sounds(options, cache, report)
            results = evaluate(sounds, peers, per_group=options.per_group, report=report)
        if options.out is not None:
            write_file(options.out, as_tsv(results).encode())
    except PypluginError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print_table(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
