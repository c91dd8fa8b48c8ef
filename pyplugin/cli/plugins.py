"""``pyplugin plugins``: Install the LV2, CLAP and VST3 plugin."""

from __future__ import annotations

import click

__all__ = ["command"]

_FORMATS = ("lv2", "clap", "vst3")


@click.group("plugins")
def command() -> None:
    """Put the plugins for audio workstations where hosts find them.

    \b
    Examples:
      make plugins
      pyplugin plugins install
      pyplugin plugins check
    """


def _scope(function: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option(
            "--format",
            "formats",
            multiple=True,
            type=click.Choice(_FORMATS),
            help="This one only; may be repeated.",
        ),
        click.option(
            "--user/--system",
            "user",
            default=True,
            help="For this user, or for everybody (as root).  [default: --user]",
        ),
    ):
        function = option(function)
    return function


@command.command("install")
@_scope
def install(formats: tuple[str, ...], user: bool) -> None:
    """Copy the plugins to where hosts look, replacing older ones."""
    from pyplugin.daw import installation

    for path in installation.install(formats, system=not user):
        click.echo(path)
    click.echo("Have your host look for new plugins; it will list Tagnode.", err=True)


@command.command("uninstall")
@_scope
def uninstall(formats: tuple[str, ...], user: bool) -> None:
    """Remove the plugins from where hosts look."""
    from pyplugin.daw import installation

    removed = installation.uninstall(formats, system=not user)
    for path in removed:
        click.echo(f"removed {path}")
    if not removed:
        click.echo("None is installed there.")


@command.command("model")
@click.argument("name")
@click.option("--head", "heads", multiple=True, help="A head of this model; may be repeated.")
@click.option(
    "--as",
    "choice",
    type=click.Choice(("custom-1", "custom-2", "custom-3", "custom-4")),
    help="Which of the plugin's own choices it shall be.  [default: the one of its name]",
)
def model(name: str, heads: tuple[str, ...], choice: str | None) -> None:
    """Write a model for the plugin, with heads if you like.

    'pyplugin models get' has done so for models without heads. The plugin takes int8 models.
    """
    from pyplugin.daw import container
    from pyplugin.errors import ModelError
    from pyplugin.models import registry
    from pyplugin.models.heads import load as load_head

    chosen = registry.load(name)
    own = chosen.card.name
    if choice is None and own not in container.CHOICES:
        raise ModelError(
            f"The plugin has no choice named {own}; make it one of the user's: --as custom-1."
        )
    path = container.install(chosen, [load_head(head) for head in heads], choice=choice)
    click.echo(f"{path}: in the plugin, Model is {choice or own}")


@command.command("where")
def where() -> None:
    """Print where hosts look, what is there, and where the plugins were built."""
    from pyplugin.daw import installation
    from pyplugin.errors import PypluginError

    for form, about in installation.FORMATS.items():
        for system in (False, True):
            place = installation.folder(form, system=system)
            there = "installed" if (place / about.bundle).exists() else "-"
            click.echo(f"{about.name:<5} {'system' if system else 'user':<7} {there:<10} {place}")
    try:
        click.echo(f"built in {installation.built_folder()}")
    except PypluginError as error:
        click.echo(error)


@command.command("check")
@_scope
def check(formats: tuple[str, ...], user: bool) -> None:
    """Load the installed plugins, each in a process of its own.

    Exit status 1 if one is missing or does not load.
    """
    from pyplugin.daw import installation

    good = True
    for form in formats or _FORMATS:
        about = installation.FORMATS[form]
        path = installation.folder(form, system=not user) / about.bundle
        if not path.exists():
            click.echo(f"BAD  {path}: not installed; pyplugin plugins install")
            good = False
            continue
        found = installation.check(path, form)
        good = good and not found.problem
        note = ", older than the one that was built: pyplugin plugins install"
        click.echo(
            f"{'BAD ' if found.problem else 'ok  '} {path}"
            + (f": {found.problem}" if found.problem else note * found.outdated)
        )
    if not good:
        raise SystemExit(1)
