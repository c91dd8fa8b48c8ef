#include "descriptors/clipping.h"

#include <string.h>

enum { SHORTEST = 3 /* samples of a flat top */, STEP = 16 /* tolerances */, GROUP = 16 };

static const float QUIET = 1e-3F; /* what stays below it has flat tops by its rounding to 16 bits */

/* Samples up to this much below the extreme are at it: 16-bit audio after a gain is rounded. */
static float tolerance_of(float top) TAGNODE_NONBLOCKING {
    const float relative = 1e-4F * top, rounding = 2e-5F;
    return relative > rounding ? relative : rounding;
}

void tagnode_clipping_init(tagnode_clipping *c, uint32_t channels, uint32_t block_chunks) {
    memset(c, 0, sizeof *c);
    c->channels = channels;
    c->samples = (double)block_chunks * TAGNODE_CHUNK * TAGNODE_BLOCKS_3_S;
}

void tagnode_clipping_reset(tagnode_clipping *c) {
    memset(c->tops, 0, sizeof c->tops);
    c->at = 0;
}

static void find_extremes(const float *restrict x, float *high, float *low) TAGNODE_NONBLOCKING {
    float most[GROUP] = {0}, least[GROUP] = {0};
    for (size_t i = 0; i < TAGNODE_CHUNK; i += GROUP)
        for (size_t j = 0; j < GROUP; ++j) {
            most[j] = x[i + j] > most[j] ? x[i + j] : most[j];
            least[j] = x[i + j] < least[j] ? x[i + j] : least[j];
        }
    for (size_t j = 1; j < GROUP; ++j) {
        most[0] = most[j] > most[0] ? most[j] : most[0];
        least[0] = least[j] < least[0] ? least[j] : least[0];
    }
    *high = most[0];
    *low = least[0];
}

/* A run ends before `after`. Smooth peaks have runs, too, of low tones above all, but no steps
 * beside them. */
static void end_run(tagnode_flat_tops *t, float after, float far) TAGNODE_NONBLOCKING {
    if (t->run >= SHORTEST && (t->steep || after < far)) t->count += t->run;
    t->run = 0;
}

/* `top` is the largest of the samples times `sign`. */
static void find_runs(tagnode_flat_tops *t, const float *x, float sign, float top)
    TAGNODE_NONBLOCKING {
    if (top > t->top + tolerance_of(t->top)) t->count = t->run = 0; /* the former top was none */
    t->top = top > t->top ? top : t->top;
    const float tolerance = tolerance_of(t->top), level = t->top - tolerance;
    const float far = t->top - STEP * tolerance;
    if (top < level || top < t->floor) {
        end_run(t, sign * x[0], far);
        t->before = sign * x[TAGNODE_CHUNK - 1];
        return;
    }
    for (size_t i = 0; i < TAGNODE_CHUNK; ++i) {
        const float v = sign * x[i];
        if (v < level) {
            end_run(t, v, far);
        } else {
            if (t->run == 0) t->steep = t->before < far;
            t->run += t->run < UINT32_MAX / 4;
        }
        t->before = v;
    }
}

void tagnode_clipping_process(tagnode_clipping *c, const float *const *samples) {
    for (uint32_t channel = 0; channel < c->channels; ++channel) {
        float high, low;
        find_extremes(samples[channel], &high, &low);
        find_runs(&c->tops[channel][0], samples[channel], 1, high);
        find_runs(&c->tops[channel][1], samples[channel], -1, -low);
    }
}

/* Samples in flat tops at the extreme of all blocks. */
static uint32_t end_block(tagnode_flat_tops *t, uint32_t at) TAGNODE_NONBLOCKING {
    t->tops[at] = t->top;
    t->counts[at] = t->count;
    t->count = 0;
    if (t->run == 0) t->top = 0; /* a run may go on in the next block */
    float top = 0;
    for (uint32_t i = 0; i < TAGNODE_BLOCKS_3_S; ++i) top = t->tops[i] > top ? t->tops[i] : top;
    t->floor = top - 2 * tolerance_of(top);
    if (top < QUIET) return 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < TAGNODE_BLOCKS_3_S; ++i)
        count += t->tops[i] >= t->floor ? t->counts[i] : 0;
    return count;
}

float tagnode_clipping_block(tagnode_clipping *c) {
    uint32_t most = 0;
    for (uint32_t channel = 0; channel < c->channels; ++channel) {
        const uint32_t count =
            end_block(&c->tops[channel][0], c->at) + end_block(&c->tops[channel][1], c->at);
        most = count > most ? count : most;
    }
    c->at = (c->at + 1) % TAGNODE_BLOCKS_3_S;
    const double share = most / c->samples; /* a run may have begun before these 3 s */
    return share < 1 ? (float)share : 1;
}
