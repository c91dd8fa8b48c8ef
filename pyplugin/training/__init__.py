"""Train networks from a labelled corpus, and heads from a few recordings.

Networks need the extra ``network``, heads the extra ``train``.

``corpus``
    The recordings of a corpus, and in which frames their labels are present.
``augment``, ``singing``
    Augmentation of recordings; singing synthesised from speech.
``synthesis``, ``soundfonts``, ``soundfont_music``
    What a corpus lacks, synthesised or rendered from SoundFonts: percussion, held notes, noise,
    and music that is mistaken for voices and drums.
``sounds``, ``recordings``, ``synthetic``, ``scenes``, ``sequences``
    All sounds in a cache, the scenes composed of them, and batches of these with what is wanted.
``yamnet``, ``teacher``
    YAMNet, and a classifier of scenes on its embeddings.
``network``, ``train``
    The network and its training.
``held_out``, ``scores``, ``detection_delay``
    Windows of recordings to test on, scores and delays.
``peers``, ``measures``, ``evaluate``
    `scene` beside other models: ``make evaluate``.
``processes``
    Jobs in a few processes.
``export``, ``calibration``, ``report``
    The ``.tflite`` file, its quantisation, and the page with the results.
``recipe``
    All of these, from one TOML file.
``heads``
    Small classifiers on the embedding of a model.
"""
