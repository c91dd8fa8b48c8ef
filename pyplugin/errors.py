"""The exceptions of pyplugin: one family, so that ``except PypluginError`` catches all of it.

Each message is for a person: what was given, what was expected, and what to do about it.
"""


class PypluginError(Exception):
    """Base of every error that pyplugin raises on purpose."""


class AudioError(PypluginError):
    """A recording, a block of samples or a sample rate cannot be used."""


class ModelError(PypluginError):
    """A model, its card or a runtime is missing, damaged or does not fit."""


class PresetError(PypluginError):
    """A preset names something that does not exist, or a value out of its range."""


class DeviceError(PypluginError):
    """A sound device cannot be opened or has vanished."""
