"""The process that holds a MIDI port."""

import os
import signal
from pathlib import Path

from frames import until
from midi_ports import GAIN, needs_rtmidi, receiver, values


@needs_rtmidi
def test_the_process_ignores_control_c(jack, opened):
    with receiver("Synth") as port:
        output = opened("synth", ranges=GAIN)
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        held = [c for c in children if "midi_child" in Path(f"/proc/{c}/cmdline").read_text()]
        assert len(held) == 1
        os.kill(int(held[0]), signal.SIGINT)
        output.write_parameters(1.0, {"gain.gain_db": 0}, {})
        output.close()
        assert until(lambda: values(port))
        assert output.failures == 0
