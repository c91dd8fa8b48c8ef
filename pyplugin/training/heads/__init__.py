"""Train heads: small classifiers on a model's embedding.

``embeddings``
    The embeddings of clips, and their cache.
``configurations``
    Preprocessing, classifier and their parameters, as scikit-learn pipelines.
``descriptors``, ``selections``
    Files of Essentia's extractor, and Gaia's selections of their descriptors.
``search``
    Cross-validation of every configuration; the ranking.
``convert``
    Convert a fitted pipeline to a `pyplugin.models.heads.Head`.
``report``
    The ranking as a table, the best configuration as a page.
``train``
    All of these: `train_head`.
``classify``
    Apply a head on descriptors.
``teach``
    A head of one label from a handful of clips.
``background``
    Negative examples for such a head where no negative clips are given.
"""
