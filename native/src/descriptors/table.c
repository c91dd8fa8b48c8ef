/* table.c - the one table of signals: names, units, usual ranges. */
#include "descriptors/descriptors.h"

static const tagnode_signal TABLE[TAGNODE_SIGNALS] = {
    {"rms_db", "dBFS", "level of the last 50 ms", -60, 0, 0.05F},
    {"peak_db", "dBFS", "largest sample in the last 50 ms", -60, 0, 0.05F},
    {"true_peak_db", "dBTP", "largest value between samples in the last 50 ms", -60, 0, 0.05F},
    {"loudness_momentary", "LUFS", "loudness of the last 0.4 s", -60, 0, 0.4F},
    {"loudness_short", "LUFS", "loudness of the last 3 s", -60, 0, 3},
    {"loudness_integrated", "LUFS", "gated loudness since the start", -60, 0, 0},
    {"crest_db", "dB", "peak over RMS", 0, 24, 0.05F},
    {"brightness_hz", "Hz", "centroid of the spectrum", 0, 4000, 0},
    {"flatness", "", "0 tone, 1 noise", 0, 0.5F, 0},
    {"flux", "", "share of the spectrum that is new", 0, 0.5F, 0},
    {"onset", "dB", "mean rise of the critical bands", 0, 10, 0},
    {"percussive", "", "0 harmonic, 1 percussive", 0, 1, 0},
    {"tempo_bpm", "BPM", "tempo, 0 if none is found", 60, 180, 0},
    {"tempo_confidence", "", "periodicity of the onsets", 0, 1, 0},
    {"silence", "", "1 in silence", 0, 1, 0},
    {"beat_s", "s", "length of a beat at the tempo found last", 0, 1, 0},
    {"correlation", "", "of the first two channels: 1 mono, -1 opposite", -1, 1, 3},
    {"side_db", "dB", "difference over sum of the first two channels", -30, 0, 3},
    {"channel_low_db", "dBFS", "level of the quietest channel", -60, 0, 3},
    {"channel_high_db", "dBFS", "level of the loudest channel", -60, 0, 3},
    {"channel_gap_db", "dB", "loudest over quietest channel", 0, 60, 3},
    {"dc_db", "dBFS", "largest constant offset of a channel", -80, -20, 3},
    {"clipping", "", "share of a channel on flat tops at its extreme", 0, 0.02F, 3},
    {"hum", "", "share of the power at 50 or 60 Hz and multiples", 0, 1, 2},
    {"tone", "", "share of the power in one steady tone", 0, 1, 2},
    {"hiss", "", "share of the power in steady broadband noise", 0, 1, 2},
    {"presence", "", "0 hum, hiss, tone or silence; 1 changes as programme", 0, 1, 2},
    {"repetition", "", "likeness to the sound 0.2 to 50 s before", 0, 1, 4},
};

uint32_t tagnode_signal_count(void) {
    return TAGNODE_SIGNALS;
}

const tagnode_signal *tagnode_signal_info(uint32_t signal) {
    return signal < TAGNODE_SIGNALS ? &TABLE[signal] : NULL;
}
