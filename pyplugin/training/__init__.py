"""Train networks from a labelled corpus, and heads from a few recordings.

Networks need the extra ``network``, heads ``train``.

``corpus``
    What a corpus says of its recordings.
``augment``, ``voice``
    Recordings made to sound as others might have made them, and speech made to sing.
``made``, ``played``
    What a corpus lacks: made by models of instruments, or played from SoundFonts.
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
``heads``
    Small classifiers on a model's embedding.
"""
