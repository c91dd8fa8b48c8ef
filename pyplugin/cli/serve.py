"""``tagnode serve``: Show what is in songs, on a page in the browser."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyplugin.cli.ui.interrupts import ended_by_interrupts
from pyplugin.cli.ui.paths import PATH
from pyplugin.cli.ui.terminal import echo
from pyplugin.errors import AudioError
from pyplugin.support.printable import printable
from pyplugin.support.spelling import counted

if TYPE_CHECKING:
    from pyplugin.page.site import Choice

PORT = 8080


@click.command("serve")
@click.argument("songs", nargs=-1, type=PATH, metavar="[SONG]...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    default=PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen at; 0 for any free one.",
)
@click.option(
    "--most-mb",
    default=200,
    show_default=True,
    type=click.IntRange(1, 4000),
    help="Size of the largest recording that is taken.",
)
@click.option(
    "--export",
    "export_to",
    type=PATH,
    metavar="FOLDER",
    help="Write the page as static files for any web host instead, which needs no server of ours.",
)
@click.option("--seconds", type=click.FloatRange(0), help="End after this time.")
def command(
    songs: tuple[Path, ...],
    host: str,
    port: int,
    most_mb: int,
    export_to: Path | None,
    seconds: float | None,
) -> None:
    """Open a page that shows what is in a song while it plays.

    The page analyses in the browser, by WebAssembly; nothing is uploaded unless the browser cannot
    run the model or read the file, in which case this server does. SONG are recordings that the
    page offers besides those that are dropped on it. Addresses other than this machine's need a
    token, which is printed once.

    \b
    Examples:
      tagnode serve
      tagnode serve song.ogg --port 8080
      tagnode serve --export site
    """
    _check(songs)
    from pyplugin.page.site import choices, export

    menu = choices()
    if export_to is not None:
        names = export(export_to, menu, songs)
        echo(f"{printable(export_to)}: the page, with {', '.join(map(printable, names))}")
        return
    _serve(menu, songs, host, port, most_mb, seconds)


def _check(songs: Sequence[Path]) -> None:
    for song in songs:
        if not song.is_file():
            raise AudioError(f"'{song}' is not a file; a recording is expected.")


def _serve(
    menu: Sequence[Choice],
    songs: Sequence[Path],
    host: str,
    port: int,
    most_mb: int,
    seconds: float | None,
) -> None:
    from pyplugin.models.folders import user_folder
    from pyplugin.page.app import PRIVATE, Page
    from pyplugin.support.shipped import shipped
    from pyplugin.web.access import access_to
    from pyplugin.web.serving import Serving

    access = access_to(host, str(user_folder()), echo, guarded=PRIVATE)
    page = Page(menu, songs, access, most_mb=most_mb)
    try:
        serving = Serving(
            page.app, host, port, extra="page", remedy="choose another by --host or --port"
        )
        serving.start()
        shown = f"[{host}]" if ":" in host else host
        token = "?token=TOKEN" if access.token else ""
        where = "in the browser" if (shipped("browser") / "core.js").is_file() else "by this server"
        echo(
            f"The page is at http://{shown}:{serving.port}/{token} "
            f"({counted(len(menu), 'model')}; computed {where}). Ctrl-C ends it."
        )
        begun = time.monotonic()
        try:
            with ended_by_interrupts():
                while serving.alive and (seconds is None or time.monotonic() - begun < seconds):
                    time.sleep(0.1)
        finally:
            serving.stop()
    finally:
        page.close()
