"""Train a head of one label on a few seconds of a recording, and find similar passages."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import pyplugin
from pyplugin.inputs.files import load
from pyplugin.models import heads
from pyplugin.outputs.audio_files import AudioWriter
from pyplugin.training.heads.teach import teach


def main() -> None:
    """Train on some spans of a recording, and print the activation over all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("--label", default="this")
    parser.add_argument("--yes", type=float, nargs="+", default=[2, 6], help="starts in seconds")
    parser.add_argument("--no", type=float, nargs="+", default=[20, 24], help="starts in seconds")
    parser.add_argument("--length", type=float, default=4, help="length of a span in seconds")
    parser.add_argument("--model", default="scene")
    parser.add_argument("--out", default="this.head")
    options = parser.parse_args()

    audio, rate = load(options.source)
    seconds, last = audio.shape[1] / rate, max(*options.yes, *options.no) + options.length
    if last > seconds:
        parser.error(
            f"{options.source} has {seconds:.1f} s; the spans reach {last:g} s. Give others by "
            "--yes, --no and --length."
        )
    with TemporaryDirectory() as folder:

        def cut(start: float) -> Path:
            path = Path(folder) / f"{start}.wav"
            first, count = int(start * rate), int(options.length * rate)
            with AudioWriter(path, rate, len(audio)) as writer:
                writer.write(audio[:, first : first + count])
            return path

        result = teach(
            options.label,
            [cut(start) for start in options.yes],
            [cut(start) for start in options.no],
            model=options.model,
            out=options.out,
        )
    print(f"{result.correct} of {result.tested} spans are correct by a head trained without them")

    head = heads.load(result.head)
    tags = pyplugin.tag(options.source, model=options.model, embedding=head.output)
    for time, share in zip(tags.times, heads.run(head, tags.embeddings)[:, 0], strict=True):
        print(f"{time:6.1f} s  {share:.2f}  {'#' * int(np.ceil(30 * share))}")


if __name__ == "__main__":
    main()
