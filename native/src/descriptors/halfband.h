/* halfband.h - halves the sample rate of a signal with a half-band filter. */
#pragma once

#include "tagnode.h"

enum {
    TAGNODE_HALFBAND_TAPS = 8,   /* weights at odd distances from the middle, each used twice */
    TAGNODE_HALFBAND_MOST = 256, /* samples in a call */
    TAGNODE_HALFBAND_ODD = 2 * TAGNODE_HALFBAND_TAPS - 1, /* past samples that are kept */
    TAGNODE_HALFBAND_EVEN = TAGNODE_HALFBAND_TAPS - 1
};

typedef struct {
    float odd[TAGNODE_HALFBAND_ODD + TAGNODE_HALFBAND_MOST / 2];
    float even[TAGNODE_HALFBAND_EVEN + TAGNODE_HALFBAND_MOST / 2];
} tagnode_halfband;

/* The weights: flat to 0.42 of the lower rate and -55 dB from 0.58 of it on; or fewer of them, flat
 * to 0.2 and -55 dB from 0.8 on, where another filter follows. */
typedef struct {
    float weight[TAGNODE_HALFBAND_TAPS];
    bool wide;
} tagnode_halfband_filter;

void tagnode_halfband_build(tagnode_halfband_filter *filter, bool wide);

/* Filters `length` samples, an even number, and writes half as many; `output` may be `input`. A new
 * state is all zeros. */
void tagnode_halfband_process(const tagnode_halfband_filter *filter, tagnode_halfband *state,
                              const float *input, size_t length, float *output) TAGNODE_NONBLOCKING;
