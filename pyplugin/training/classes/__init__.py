"""Train networks that classify: from a folder with recordings of each class.

``settings``
    What can be chosen, and the architectures.
``features``
    The mel spectrograms of clips, checked and cached.
``folds``
    Clips to train, to stop early and to test on; groups are never divided.
``batches``
    Random batches of augmented windows.
``networks``, ``start``
    The networks in PyTorch; the weights of `scene` to start from.
``fit``, ``checkpoint``
    Training with early stopping; what is stored to resume it.
``export``
    The ``.tflite`` file and its card.
``report``
    The page with the results.
``train``
    All of these: `train_classes`.
"""
