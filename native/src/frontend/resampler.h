/* resampler.h - resamples one channel between any two rates with a linear-phase polyphase filter.
 *
 * A Kaiser-windowed sinc: flat to 0.9 of the lower Nyquist frequency, -100 dB from that Nyquist
 * frequency on. The filter spans `delay` input samples to either side, so output sample m, at input
 * position m * from / to, can be computed once the input is `delay` samples past it. */
#pragma once

#include "frontend/dsp.h"

typedef struct {
    uint32_t up,
        down;        /* to / from in lowest terms: an output sample lasts down / up input samples */
    uint32_t delay;  /* input samples; 0 when the rates are equal */
    uint32_t phases; /* filters in the table, without the closing one */
    bool interpolated; /* more than `phases` positions: interpolates between neighbouring filters */
    size_t taps;       /* of one filter, a multiple of 16 */
    float *table;      /* (phases + 1) * taps */
    float *history;    /* input samples; room for capacity */
    size_t capacity, fill;
    int64_t first; /* input position of history[0] */
    int64_t whole; /* the next output sample is at input position whole + part / up */
    uint32_t part;
    const tagnode_dsp *dsp;
} tagnode_resampler;

enum { TAGNODE_RESAMPLER_CHUNK = 256 }; /* largest number of input samples in a push */

/* Returns OK or ERROR_MEMORY. Rates must be in range. */
tagnode_status tagnode_resampler_create(uint32_t from, uint32_t to, const tagnode_dsp *dsp,
                                        tagnode_resampler *resampler, tagnode_message *why);
void tagnode_resampler_destroy(tagnode_resampler *resampler);
void tagnode_resampler_reset(tagnode_resampler *resampler) TAGNODE_NONBLOCKING;

/* Returns the largest number of output samples for a push of `length`. */
size_t tagnode_resampler_yield(const tagnode_resampler *resampler, size_t length)
    TAGNODE_NONBLOCKING;

/* Processes up to TAGNODE_RESAMPLER_CHUNK samples; returns the number written to `output`. */
size_t tagnode_resampler_push(tagnode_resampler *resampler, const float *input, size_t length,
                              float *output) TAGNODE_NONBLOCKING;

/* Returns the number of input samples needed to compute output sample `index`. */
int64_t tagnode_resampler_needs(const tagnode_resampler *resampler, int64_t index)
    TAGNODE_NONBLOCKING;
