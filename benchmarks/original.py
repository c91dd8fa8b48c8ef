"""Run somebody's network in its own program: ``original.py KIND FILE AUDIO HOP [OUTPUT.npy]``.

Prints the processor seconds for a second of audio, the least of three, without imports and loading.
KIND is a function below, HOP in the program's own unit. AUDIO is a .wav at the network's rate.
"""

import os
import sys
import time
from collections.abc import Callable

os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", OMP_NUM_THREADS="1")
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_USE_LEGACY_KERAS="1", CUDA_VISIBLE_DEVICES="-1")

import numpy as np

Run = Callable[[], np.ndarray]


def essentia_musicnn(file: str, audio: str, hop: str) -> Run:
    """Essentia's TensorflowPredictMusiCNN, from the decoded file on; FILE is GRAPH:OUTPUT."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False
    from essentia.standard import MonoLoader, TensorflowPredictMusiCNN

    graph, output = file.rsplit(":", 1)
    predict = TensorflowPredictMusiCNN(
        graphFilename=graph, output=output, patchHopSize=int(hop), batchSize=1
    )
    samples = MonoLoader(filename=audio, sampleRate=16000)()
    return lambda: np.asarray(predict(samples))


def essentia_tempocnn(file: str, audio: str, hop: str) -> Run:
    """Essentia's TensorflowPredictTempoCNN."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False
    from essentia.standard import MonoLoader, TensorflowPredictTempoCNN

    graph, output = file.rsplit(":", 1)
    predict = TensorflowPredictTempoCNN(
        graphFilename=graph, output=output, patchHopSize=int(hop), batchSize=1
    )
    samples = MonoLoader(filename=audio, sampleRate=11025)()
    return lambda: np.asarray(predict(samples)).reshape(-1, 256)


def tempocnn(file: str, audio: str, hop: str) -> Run:
    """The package tempocnn: its features and classifier; it normalises the whole file at once."""
    from tempocnn.classifier import TempoClassifier
    from tempocnn.feature import read_features

    classifier = TempoClassifier(file)
    step = int(hop)
    return lambda: np.asarray(classifier.estimate(read_features(audio, 256, step)))


def litert_waveform(file: str, audio: str, hop: str) -> Run:
    """LiteRT's interpreter on a network that takes samples, every HOP samples."""
    import soundfile
    from ai_edge_litert.interpreter import Interpreter

    made = Interpreter(model_path=file, num_threads=1)
    made.allocate_tensors()
    entry = made.get_input_details()[0]
    scores = next(each for each in made.get_output_details() if each["shape"][-1] == 521)
    samples, _ = soundfile.read(audio, dtype="float32")
    size = int(np.prod(entry["shape"]))

    def run() -> np.ndarray:
        rows = []
        for at in range(0, len(samples) - size + 1, int(hop)):
            made.set_tensor(entry["index"], samples[at : at + size].reshape(entry["shape"]))
            made.invoke()
            rows.append(made.get_tensor(scores["index"]).reshape(-1, 521).mean(0))
        return np.array(rows)

    return run


def main() -> None:
    kind, file, audio, hop, *output = sys.argv[1:]
    run = globals()[kind](file, audio, hop)
    values, taken = run(), []
    for _ in range(3):
        started = time.process_time()
        run()
        taken.append(time.process_time() - started)
    print(min(taken))
    if output:
        np.save(output[0], values)


if __name__ == "__main__":
    main()
