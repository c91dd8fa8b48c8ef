"""The exceptions of pyplugin: one family, so that ``except PypluginError`` catches all of it.

Each message is for a person: what was given, what was expected, and what to do about it.
"""


class PypluginError(Exception):
    """Base class of every error that pyplugin raises on purpose.

    Attributes
    ----------
    exit_code
        Exit status of the command line: 2 for wrong input, 1 where the work itself failed.

    Examples
    --------
    >>> import pyplugin
    >>> try:
    ...     pyplugin.Node(44100, 2, 512, queue=0)
    ... except pyplugin.PypluginError as error:
    ...     print(error)
    queue is 0; a whole number from 2 to 65536 is expected.
    """

    exit_code = 2


class AudioError(PypluginError):
    """A recording, a block of samples or a sample rate cannot be used.

    Examples
    --------
    >>> import pyplugin
    >>> try:
    ...     pyplugin.Node(4000, 2, 512)
    ... except pyplugin.AudioError as error:
    ...     print(str(error).partition(";")[0])
    The sample rate is 4000 Hz
    """


class StreamError(AudioError):
    """A network stream, a command or a pipe fails; a later attempt may succeed.

    Examples
    --------
    >>> import pyplugin
    >>> try:
    ...     pyplugin.tag("http://127.0.0.1:9/song.mp3")
    ... except pyplugin.errors.StreamError as error:
    ...     print(error)
    http://127.0.0.1:9/song.mp3: connection refused.
    """

    exit_code = 1


class ModelError(PypluginError):
    """A model, its card or a runtime is missing, damaged or does not fit.

    Examples
    --------
    >>> import pyplugin
    >>> try:
    ...     pyplugin.Node(44100, 2, 512, model="scen")
    ... except pyplugin.ModelError as error:
    ...     print(error)
    There is no model 'scen'; did you mean 'scene'?
    """


class NotBuiltError(ModelError):
    """A known model has not been built on this machine yet."""


class DownloadError(ModelError):
    """The weights of a model could not be downloaded, or do not have the expected hash."""

    exit_code = 1


class UnsupportedError(ModelError):
    """A valid model that the inline runtime cannot run; an external runtime can."""


class PresetError(PypluginError):
    """A preset or a mapping names something that does not exist, or a value is out of range.

    Examples
    --------
    >>> import pyplugin
    >>> try:
    ...     pyplugin.sources.loudness("long")
    ... except pyplugin.PresetError as error:
    ...     print(str(error).partition(";")[0])
    There is no loudness 'long'
    """


class DeviceError(PypluginError):
    """A sound device cannot be opened or was disconnected.

    Examples
    --------
    >>> import pyplugin
    >>> try:
    ...     pyplugin.live.find_device("no such device", kind="input")
    ... except pyplugin.DeviceError as error:
    ...     print("There is no" in str(error) or "needs" in str(error))
    True
    """


class ReaderGoneError(PypluginError):
    """The reader of our output has closed it, as with ``| head``: an end, not a failure."""

    exit_code = 0


class ConfigError(PypluginError):
    r"""The configuration of the monitor has something unknown, impossible or out of range.

    Each line of the message is one problem, with the line of the file where it stands.

    Examples
    --------
    >>> from pyplugin.monitor.config import parse_config
    >>> try:
    ...     parse_config("[[station]]\nname = 'Test FM'\nurll = 'https://radio.example/live'")
    ... except ConfigError as error:
    ...     print(str(error).splitlines()[0])
    line 3: A station has no key 'urll'; did you mean 'url'?
    """
