"""Train networks from a labelled corpus, and heads from a few recordings.

Networks need the extra ``network``, heads the extra ``train``.

``corpus``
    The recordings of a corpus and their labels.
``augment``, ``singing``
    Augmentation of recordings; singing synthesised from speech.
``synthesis``, ``soundfonts``
    Percussion and held notes that a corpus lacks, synthesised or rendered from SoundFonts.
``windows``, ``mixing``
    Windows of mel frames, and random batches of them.
``teacher``
    Pseudo-labels by MusiCNN where the corpus has none.
``network``, ``train``, ``evaluate``, ``detection_delay``
    The network, its training, its scores and its delays.
``export``, ``calibration``, ``report``
    The ``.tflite`` file, its quantisation, and the page with the results.
``recipe``
    All of these, from one TOML file.
``heads``
    Small classifiers on the embedding of a model.
"""
