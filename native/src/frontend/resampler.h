/* resampler.h - one channel from any rate to any other through a linear-phase polyphase filter.
 *
 * Kaiser-windowed sinc: flat to 0.9 of the lower Nyquist frequency, 100 dB down from that Nyquist
 * frequency on. The filter reaches `delay` input samples to either side, so output sample m, which
 * stands at input position m * from / to, can be computed once the input has come `delay` samples
 * past it. */
#ifndef TAGNODE_FRONTEND_RESAMPLER_H
#define TAGNODE_FRONTEND_RESAMPLER_H

#include "frontend/dsp.h"

typedef struct {
    uint32_t up, down; /* to / from in lowest terms: output samples are down / up input ones long */
    uint32_t delay;    /* input samples; 0 when the rates are equal */
    uint32_t phases;   /* filters in the table, not counting the closing one */
    bool interpolated; /* more than `phases` positions: neighbouring filters are mixed */
    size_t taps;       /* of one filter, a multiple of 16 */
    float *table;      /* (phases + 1) * taps */
    float *history;    /* input samples; room for capacity */
    size_t capacity, fill;
    int64_t first; /* input position of history[0] */
    int64_t whole; /* next output sample stands at input position whole + part / up */
    uint32_t part;
    const tagnode_dsp *dsp;
} tagnode_resampler;

enum { TAGNODE_RESAMPLER_CHUNK = 256 }; /* input samples that one push may bring */

/* Returns OK or ERROR_MEMORY. Rates must be in range. */
tagnode_status tagnode_resampler_create(uint32_t from, uint32_t to, const tagnode_dsp *dsp,
                                        tagnode_resampler *resampler, tagnode_message *why);
void tagnode_resampler_destroy(tagnode_resampler *resampler);
void tagnode_resampler_reset(tagnode_resampler *resampler) TAGNODE_NONBLOCKING;

/* Most output samples that a push of `length` can yield. */
size_t tagnode_resampler_yield(const tagnode_resampler *resampler, size_t length)
    TAGNODE_NONBLOCKING;

/* Takes up to TAGNODE_RESAMPLER_CHUNK samples; returns how many were written to `output`. */
size_t tagnode_resampler_push(tagnode_resampler *resampler, const float *input, size_t length,
                              float *output) TAGNODE_NONBLOCKING;

/* How many input samples must have come for output sample `index` to be computed. */
int64_t tagnode_resampler_needs(const tagnode_resampler *resampler, int64_t index)
    TAGNODE_NONBLOCKING;

#endif
