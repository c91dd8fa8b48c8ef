"""Where audio comes from: files, arrays, devices, pipes.

``files``
    Recordings of any format, block by block.
``devices``
    A node on a sound device, and a stream that also plays.
``portaudio``, ``portaudio_stream``
    The devices there are, and a PortAudio stream that calls libtagnode.
"""
