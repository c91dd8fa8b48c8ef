"""Train networks from a labelled corpus; needs the extra ``train``.

``corpus``
    What a corpus says of its recordings.
``augment``, ``voice``
    Recordings made to sound as others might have made them, and speech made to sing.
``bank``, ``mixing``
    Windows of mel frames, and batches of them as a listener might meet them.
``teacher``
    MusiCNN's word where the corpus has none.
``network``, ``train``, ``evaluate``
    The network, its training, its score.
``export``, ``report``
    The ``.tflite`` file and the page that says how good it is.
``recipe``
    All of these, by one TOML file.
"""
