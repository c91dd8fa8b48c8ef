"""Train from recordings of your own; needs the extra ``train``.

``heads``
    Small classifiers on a model's embedding.
"""
