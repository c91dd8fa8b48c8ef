"""The version, which stands here only."""

__all__ = ["__version__"]

__version__ = "0.1.0"
