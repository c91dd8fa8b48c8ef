"""The node in Python: blocks of audio in, descriptor frames out.

``node``
    :class:`Node`, its frames and its latency.
``frontend``
    :func:`melspectrogram`, by the node's own front-end.
``signals``
    What is measured rather than learned.
``runtimes``
    What runs a model: inline in the callback, or LiteRT on a thread.
"""
