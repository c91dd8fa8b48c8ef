"""What the units of a layer respond to, after Choi's auralisation: sound and pictures of each.

``activations``
    The activations of a recording's units, and the mel frames that they depend on, as a stream.
``best``
    The chunks with the highest activations, of any amount of audio in constant memory.
``sounds``
    The samples of those chunks, one sound for each unit.
``page``
    The folder with the sounds, the pictures and the page.
``explainer``
    All of these: :class:`~pyplugin.explain.explainer.Explainer`.
"""
