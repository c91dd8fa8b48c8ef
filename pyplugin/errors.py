"""The exceptions of pyplugin: one family, so that ``except PypluginError`` catches all of it.

Each message is for a person: what was given, what was expected, and what to do about it.
"""


class PypluginError(Exception):
    """Base of every error that pyplugin raises on purpose.

    ``exit_code`` is what the command line ends with: 2 for wrong input, 1 where the work itself
    failed.
    """

    exit_code = 2


class AudioError(PypluginError):
    """A recording, a block of samples or a sample rate cannot be used."""


class ModelError(PypluginError):
    """A model, its card or a runtime is missing, damaged or does not fit."""


class NotBuiltError(ModelError):
    """A model that pyplugin knows has not been built on this machine yet."""


class DownloadError(ModelError):
    """The weights of a model cannot be downloaded, or their hash is wrong."""

    exit_code = 1


class UnsupportedError(ModelError):
    """A valid model that the inline runtime does not support; another runtime does."""


class PresetError(PypluginError):
    """A preset names something that does not exist, or a value out of its range."""


class DeviceError(PypluginError):
    """An audio device cannot be opened, or it was disconnected."""


class ReaderGoneError(PypluginError):
    """The reader of the output has exited, as with ``| head``; this is not a failure."""

    exit_code = 0
