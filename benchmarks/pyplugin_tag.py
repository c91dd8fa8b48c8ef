"""The counterpart of essentia_tag.py: ``pyplugin_tag.py MODEL AUDIO HOP``, HOP in mel frames."""

import sys
import time

import pyplugin

model, audio, hop = sys.argv[1:]
started = time.process_time()
pyplugin.tag(audio, model=model, hop=int(hop) * 256 / 16000)
print(time.process_time() - started)
