"""Tag samples at 48 kHz with a warm Essentia: ``essentia_stream.py GRAPH SOUND HOP``.

Prints the processor seconds for a second of audio, the least of three; HOP is in mel frames, SOUND
holds float32 samples without a header. Nothing is read, loaded or made within the time.
"""

import sys
import time

import essentia

essentia.log.infoActive = False
essentia.log.warningActive = False

import numpy as np  # noqa: E402
from essentia.standard import Resample, TensorflowPredictMusiCNN  # noqa: E402

graph, sound, hop = sys.argv[1:]
samples = np.fromfile(sound, np.float32)
resample = Resample(inputSampleRate=48000, outputSampleRate=16000, quality=4)
predict = TensorflowPredictMusiCNN(graphFilename=graph, patchHopSize=int(hop), batchSize=1)
predict(resample(samples[: 5 * 48000]))
taken = []
for _ in range(3):
    started = time.process_time()
    predict(resample(samples))
    taken.append(time.process_time() - started)
print(min(taken) * 48000 / len(samples))
