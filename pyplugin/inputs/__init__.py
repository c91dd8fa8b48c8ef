"""Where audio comes from: recordings, devices, network streams, commands, pipes.

``input``
    What every input does: blocks and events.
``files``, ``recording``
    Recordings of any format, block by block; ``joined``, ``expanding`` and ``levels`` help.
``opening``, ``streams``
    Live audio from a URL, a command or a pipe: read on a thread, connected again.
``connections``, ``http``, ``icy``, ``hls``, ``playlists``
    What such a stream reads from.
``decoding``, ``sniffing``, ``ogg``, ``timeline``
    Audio out of bytes, and where it lies in time.
``devices``, ``portaudio``, ``portaudio_stream``
    Sound devices, whose callback calls libtagnode.
"""
