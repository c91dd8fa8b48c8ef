"""Networks of other people: their files read into one form, and written as heads or ``.tflite``.

``graph``
    The form: operators on float arrays of fixed shapes, with constants folded.
``wire``, ``tensorflow``, ``onnx``, ``keras``, ``tfjs``
    Readers, without the frameworks; nothing in a file is executed.
``lowering``
    Writers: stages of a head, or a ``.tflite`` file.
"""
