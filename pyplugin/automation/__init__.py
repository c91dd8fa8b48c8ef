"""From descriptors to parameters of effects.

``sources``
    Descriptors and the knobs between them and a parameter.
``movers``
    Parameters over time, in C.
``effects``, ``board``, ``playback``
    pedalboard's effects, boards whose parameters move, and audio through them.
``analysis``
    A whole recording analysed before it is played.
``presets``, ``schema``, ``rendering``
    Presets in TOML, their JSON Schema, and a preset applied to a recording.
"""
