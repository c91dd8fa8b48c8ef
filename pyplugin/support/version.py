"""The version of the package; other files read it from here."""

__all__ = ["__version__"]

__version__ = "0.1.0"
