"""From descriptors to parameters of effects.

``knobs``, ``sources``
    The knobs between a descriptor and a parameter, read from libtagnode; descriptors with knobs.
``movers``
    Values of parameters over time, computed in C.
``effects``, ``board``, ``playback``
    Effects of pedalboard, boards with automated parameters, and audio processing with them.
``analysis``
    The descriptors of a whole recording, analysed before it is processed.
``presets``, ``schema``, ``rendering``
    Presets in TOML, their JSON Schema, and a preset applied to a recording.
"""
