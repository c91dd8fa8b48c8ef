"""Print the content of a recording over time."""

import argparse

import pyplugin


def main() -> None:
    """Print the mean tags of a recording, then the highest tag of each window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument(
        "--hop", type=float, default=1.0, help="seconds between the starts of two windows"
    )
    options = parser.parse_args()

    result = pyplugin.tag(options.file, hop=options.hop)
    print(", ".join(f"{label} {score:.2f}" for label, score in result.top(5)))
    for start, row in zip(result.times, result.activations, strict=True):
        best = row.argmax()
        print(
            f"{start:7.2f} - {start + result.window:6.2f} s  {result.labels[best]} {row[best]:.2f}"
        )


if __name__ == "__main__":
    main()
