"""The LV2, CLAP and VST3 plugin, seen from Python.

``installation``
    Where the plugin is, and putting it where hosts look.
``container``
    A model, its card and its heads in one file for the plugin.
``presets``
    Presets as states and preset files of the plugin.
"""
