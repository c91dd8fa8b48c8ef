"""Tag a file with Essentia; a separate script, so that only its own imports are measured.

``essentia_tag.py GRAPH AUDIO HOP [OUTPUT.npy]``: prints the CPU seconds between imports and
activations. HOP is in mel frames. An AUDIO that ends in .npy holds samples at 16 kHz.
"""

import sys
import time

import essentia

essentia.log.infoActive = False
essentia.log.warningActive = False

import numpy as np  # noqa: E402
from essentia.standard import MonoLoader, TensorflowPredictMusiCNN  # noqa: E402

graph, audio, hop, *output = sys.argv[1:]
started = time.process_time()
if audio.endswith(".npy"):
    samples = np.load(audio)
else:  # the quality in Essentia's examples, the fastest
    samples = MonoLoader(filename=audio, sampleRate=16000, resampleQuality=4)()
# One patch at a time was faster than batches of 8, of 64 and of all.
predict = TensorflowPredictMusiCNN(graphFilename=graph, patchHopSize=int(hop), batchSize=1)
activations = np.asarray(predict(samples))
print(time.process_time() - started)
if output:
    np.save(output[0], activations)
