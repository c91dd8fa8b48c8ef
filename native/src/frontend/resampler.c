#include "frontend/resampler.h"

#include "support/aligned.h"
#include "support/kaiser.h"
#include "support/message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* With more than this many positions between two input samples, neighbouring filters of a table of
 * this size are interpolated linearly. The error, (pi / 1024)^2 / 8 of a full-band signal, is -118
 * dB. */
enum { MOST_PHASES = 1024 };

static const double PI = 3.14159265358979323846;
static const double REJECTION = 100.0; /* dB */
static const double PASSBAND = 0.9;    /* of the lower Nyquist frequency */

static uint32_t greatest_common_divisor(uint32_t a, uint32_t b) {
    while (b != 0) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Returns the filter's unscaled value `t` input samples from its centre; length and beta after
 * Kaiser (1974). */
static double prototype(double t, double cutoff, double reach) {
    const double beta = 0.1102 * (REJECTION - 8.7), x = t / reach;
    if (fabs(x) >= 1) return 0;
    const double angle = PI * cutoff * t;
    const double sinc = fabs(angle) < 1e-9 ? 1 : sin(angle) / angle;
    return sinc * tagnode_kaiser(x, beta);
}

static void build_table(tagnode_resampler *r, double cutoff) {
    const size_t used = 2 * (size_t)r->delay + 1;
    for (uint32_t phase = 0; phase <= r->phases; ++phase) {
        float *filter = r->table + phase * r->taps;
        const double centre = r->delay + (double)phase / r->phases;
        double sum = 0;
        for (size_t i = 0; i < used; ++i) {
            const double value = prototype((double)i - centre, cutoff, r->delay + 1.0);
            filter[i] = (float)value;
            sum += value;
        }
        for (size_t i = 0; i < used; ++i) filter[i] = (float)(filter[i] / sum);
    }
}

tagnode_status tagnode_resampler_create(uint32_t from, uint32_t to, const tagnode_dsp *dsp,
                                        tagnode_resampler *r, tagnode_message *why) {
    const uint32_t common = greatest_common_divisor(from, to);
    memset(r, 0, sizeof *r);
    r->up = to / common;
    r->down = from / common;
    r->dsp = dsp;
    if (from == to) return TAGNODE_OK;

    const double lower = from < to ? from : to; /* twice the lower Nyquist frequency */
    const double width = PI * (1 - PASSBAND) * lower / from;
    r->delay = (uint32_t)ceil((REJECTION - 7.95) / (2.285 * width) / 2);
    r->interpolated = r->up > MOST_PHASES;
    r->phases = r->interpolated ? MOST_PHASES : r->up;
    r->taps = (2 * (size_t)r->delay + 1 + 15) / 16 * 16;
    r->capacity = r->taps + 4 * TAGNODE_RESAMPLER_CHUNK;
    /* Aligned to a cache line, as each filter is then: dot() loads one of its operands in whole
     * vectors. */
    const size_t bytes = (r->phases + 1) * r->taps * sizeof *r->table;
    r->table = tagnode_aligned_calloc(bytes);
    r->history = calloc(r->capacity, sizeof *r->history);
    if (r->table == NULL || r->history == NULL) {
        tagnode_resampler_destroy(r);
        return tagnode_report(why, TAGNODE_ERROR_MEMORY,
                              "No memory for resampling from %u to %u Hz.", from, to);
    }
    build_table(r, (1 + PASSBAND) / 2 * lower / from);
    tagnode_resampler_reset(r);
    return TAGNODE_OK;
}

void tagnode_resampler_destroy(tagnode_resampler *r) {
    tagnode_aligned_free(r->table);
    free(r->history);
    memset(r, 0, sizeof *r);
}

void tagnode_resampler_reset(tagnode_resampler *r) {
    r->first = -(int64_t)r->delay;
    r->fill = r->delay; /* zeros before the start */
    r->whole = 0;
    r->part = 0;
    if (r->history != NULL) memset(r->history, 0, r->capacity * sizeof *r->history);
}

size_t tagnode_resampler_yield(const tagnode_resampler *r, size_t length) {
    return (size_t)(((uint64_t)length * r->up + r->down - 1) / r->down) + 1;
}

int64_t tagnode_resampler_needs(const tagnode_resampler *r, int64_t index) {
    return index * r->down / r->up + r->delay + 1;
}

static float filtered(const tagnode_resampler *r, const float *input) TAGNODE_NONBLOCKING {
    if (!r->interpolated) return r->dsp->dot(input, r->table + r->part * r->taps, r->taps);
    const double place = (double)r->part * r->phases / r->up;
    const uint32_t phase = (uint32_t)place;
    const float *filter = r->table + phase * r->taps, mix = (float)(place - phase);
    const float near = r->dsp->dot(input, filter, r->taps);
    return near + mix * (r->dsp->dot(input, filter + r->taps, r->taps) - near);
}

size_t tagnode_resampler_push(tagnode_resampler *r, const float *input, size_t length,
                              float *output) {
    if (r->delay == 0) {
        memcpy(output, input, length * sizeof *output);
        return length;
    }
    memcpy(r->history + r->fill, input, length * sizeof *input);
    r->fill += length;
    const int64_t end = r->first + (int64_t)r->fill;
    size_t count = 0;
    while (r->whole + r->delay < end) {
        output[count++] = filtered(r, r->history + (r->whole - r->delay - r->first));
        r->whole += r->down / r->up;
        r->part += r->down % r->up;
        if (r->part >= r->up) {
            r->part -= r->up;
            ++r->whole;
        }
    }
    /* Make room for the next push and keep the samples that the next output needs. Reads beyond the
     * fill level meet zero weights and must be finite: the room after it holds old samples or
     * zeros. */
    const int64_t keep = r->whole - r->delay;
    if (r->fill + r->taps + TAGNODE_RESAMPLER_CHUNK > r->capacity && keep > r->first) {
        const size_t gone =
            (size_t)(keep - r->first) < r->fill ? (size_t)(keep - r->first) : r->fill;
        memmove(r->history, r->history + gone, (r->fill - gone) * sizeof *r->history);
        r->fill -= gone;
        r->first += (int64_t)gone;
    }
    return count;
}
