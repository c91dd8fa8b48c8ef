"""Train heads: small classifiers on a model's embedding.

``dataset``
    Which clip is of which class, and which clips belong together.
``embeddings``
    What a model makes of each clip, kept for the next time.
``configurations``
    What is tried: preprocessing, classifier and its parameters, as a scikit-learn pipeline.
``search``
    Every configuration on every fold; the ranking.
``convert``
    From a fitted pipeline to a `pyplugin.models.heads.Head`.
``report``
    The ranking as a table, the winner as a page.
``train``
    All of these: `train_head`.
``teach``
    A head of one label from a handful of clips.
``background``
    What such a label is told from where no clips without it are given.
"""
