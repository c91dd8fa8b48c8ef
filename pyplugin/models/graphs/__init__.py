"""Networks of other people: their files read into one form, and written as heads or ``.tflite``.

``graph``
    The form: operators on float arrays of fixed shapes, with constants folded.
``tensorflow``, ``saved_model``, ``onnx``, ``keras``, ``tfjs``
    Readers, without the frameworks; nothing in a file is executed. ``wire``, ``graphdef`` and
    ``hdf5`` read what several of them need.
``lowering``
    Writers: stages of a head, or a ``.tflite`` file.
``converter``, ``onnx_file``
    Networks with operators that are not known here: for TensorFlow to convert, or onnxruntime to
    run. Both start in processes of their own.
"""
