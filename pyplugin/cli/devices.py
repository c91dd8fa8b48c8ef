"""``tagnode devices``: List the sound devices."""

import json
from dataclasses import asdict

import click

from pyplugin.cli.ui.terminal import echo
from pyplugin.support.printable import printable


@click.command("devices")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line instead of a table."
)
def command(as_json: bool) -> None:
    """List the audio devices of this machine.

    Other commands accept the index of a device or a part of its name. Under JACK each client with
    ports is a device. The exit status is 1 if there is no device.

    \b
    Examples:
      tagnode devices
      tagnode devices --json
    """
    from pyplugin.inputs.portaudio import devices

    found = devices()
    if not found:
        echo("tagnode: There is no sound device; connect one, or start JACK.", err=True)
        raise SystemExit(1)
    if as_json:
        for device in found:
            echo(json.dumps({"v": 1, **asdict(device)}))
        return
    rows = [("", "name", "host API", "in", "out", "rate", "")]
    for device in found:
        defaults = ("input" * device.default_input, "output" * device.default_output)
        default = " and ".join(filter(None, defaults))
        rate, note = f"{device.sample_rate} Hz", f"default {default}" if default else ""
        channels = (str(device.inputs), str(device.outputs))
        rows.append(
            (
                str(device.index),
                printable(device.name),
                printable(device.host_api),
                *channels,
                rate,
                note,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    for row in rows:
        cells = [
            cell.ljust(width) if column in (1, 2, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        echo("  ".join(cells).rstrip())
