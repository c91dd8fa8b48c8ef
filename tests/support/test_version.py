"""The version is the same everywhere."""

from importlib.metadata import version

import pyplugin
from pyplugin.support.version import __version__


def test_the_version_is_that_of_the_installed_package():
    assert pyplugin.__version__ == __version__ == version("pyplugin")


def test_the_command_line_prints_it(run):
    assert run("--version")[1] == f"pyplugin, version {__version__}\n"
