/* steady.h - what in the last 2 s is steady: a tone, noise; and how much moves as programme does.
 *
 * Spectra come in frames of 1024 samples every 512, at 8 to 16 kHz, the sum of both streams. Their
 * bins are combined to bands as wide as critical bands. */
#pragma once

#include "tagnode.h"

enum {
    TAGNODE_STEADY_FFT = 1024,
    TAGNODE_STEADY_HOP = TAGNODE_STEADY_FFT / 2,
    TAGNODE_STEADY_BINS = TAGNODE_STEADY_FFT / 2 + 1,
    TAGNODE_STEADY_BANDS = 20,
    TAGNODE_STEADY_FRAMES = 64 /* at most in 2 s */
};

typedef struct {
    double hz_per_bin;
    uint32_t edge[TAGNODE_STEADY_BANDS + 1];    /* first bin of each band */
    float gain[TAGNODE_STEADY_BANDS];           /* K-weighting, of powers */
    float noise_variance[TAGNODE_STEADY_BANDS]; /* dB squared, of stationary noise */
    uint32_t window, at;                        /* frames; the ring's next one */
    /* Of each frame: */
    float peak[TAGNODE_STEADY_FRAMES], peak_hz[TAGNODE_STEADY_FRAMES]; /* the strongest line */
    float all[TAGNODE_STEADY_FRAMES]; /* mean square of the signal */
    float db[TAGNODE_STEADY_BANDS][TAGNODE_STEADY_FRAMES];
    float weighted[TAGNODE_STEADY_BANDS][TAGNODE_STEADY_FRAMES]; /* K-weighted power */
    float smooth[TAGNODE_STEADY_BANDS][TAGNODE_STEADY_FRAMES]; /* geometric over arithmetic mean */
} tagnode_steady;

typedef struct {
    float tone, noise, presence;
} tagnode_steady_reading;

/* For spectra at `rate` Hz, 8000 to 16000; `gain` returns the power gain of the K-weighting. */
void tagnode_steady_init(tagnode_steady *steady, double rate,
                         double (*gain)(const void *context, double hertz), const void *context);
void tagnode_steady_reset(tagnode_steady *steady) TAGNODE_NONBLOCKING;

/* Processes the power spectrum of a frame with a Hann window, and the mean square of the signal
 * since the last one. */
void tagnode_steady_push(tagnode_steady *steady, const float *power, double mean_square)
    TAGNODE_NONBLOCKING;

tagnode_steady_reading tagnode_steady_read(const tagnode_steady *steady) TAGNODE_NONBLOCKING;

/* Writes the levels of the last frame's bands in dB; returns whether it is above -70 LUFS. */
bool tagnode_steady_levels(const tagnode_steady *steady, float *db) TAGNODE_NONBLOCKING;
