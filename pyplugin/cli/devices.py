"""``pyplugin devices``: List the sound devices."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

__all__ = ["command"]


@click.command("devices")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead.")
def command(as_json: bool) -> None:
    """List the sound devices of this machine.

    Other commands take a device by its index here or by a part of its name. Under JACK each
    program that has ports is one. Exit status 1 if there is none.
    """
    from pyplugin.inputs.portaudio import devices

    found = devices()
    if not found:
        click.echo("pyplugin: There is no sound device here; connect one, or start JACK.", err=True)
        raise SystemExit(1)
    if as_json:
        for device in found:
            click.echo(json.dumps({"v": 1, **asdict(device)}))
        return
    rows = [("", "name", "through", "in", "out", "rate", "")]
    for device in found:
        defaults = ("input" * device.default_input, "output" * device.default_output)
        default = " and ".join(filter(None, defaults))
        rows.append(
            (
                str(device.index),
                device.name,
                device.host_api,
                str(device.inputs),
                str(device.outputs),
                f"{device.sample_rate} Hz",
                f"default {default}" if default else "",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    for row in rows:
        cells = [
            cell.ljust(width) if column in (1, 2, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
