/* hum.h - the share of the power that is at 50 or 60 Hz and at multiples, over 2 s. */
#pragma once

#include "descriptors/vectors.h"

enum {
    TAGNODE_HUM_STREAMS = 2,
    TAGNODE_HUM_HARMONICS = 6, /* of 50 Hz, then those of 60 Hz */
    TAGNODE_HUM_LINES = 2 * TAGNODE_HUM_HARMONICS,
    TAGNODE_HUM_VECTORS = TAGNODE_HUM_LINES / TAGNODE_LANES,
    TAGNODE_HUM_BLOCKS = 20 /* of about 0.1 s */
};

typedef struct {
    float re, im;
} tagnode_hum_bin;

/* Of a block: the power in each line's bin, and its product with the previous block's, whose angle
 * is the line's frequency. Both streams together. */
typedef struct {
    double power[TAGNODE_HUM_LINES], re[TAGNODE_HUM_LINES], im[TAGNODE_HUM_LINES];
    double all; /* mean square of the signal */
} tagnode_hum_sums;

typedef struct {
    uint32_t streams;
    uint32_t length, filled;       /* samples in a block, and so far */
    double seconds;                /* of a block */
    float *memory, *cosine, *sine; /* by sample and line */
    tagnode_vector re[TAGNODE_HUM_STREAMS][TAGNODE_HUM_VECTORS];
    tagnode_vector im[TAGNODE_HUM_STREAMS][TAGNODE_HUM_VECTORS];
    tagnode_hum_bin before[TAGNODE_HUM_STREAMS][TAGNODE_HUM_LINES];
    tagnode_hum_sums block[TAGNODE_HUM_BLOCKS];
    uint32_t at;
} tagnode_hum;

/* For `streams` signals at `rate` Hz, at least 1000, in blocks of `length` samples. Returns OK or
 * ERROR_MEMORY. */
tagnode_status tagnode_hum_create(tagnode_hum *hum, uint32_t streams, double rate, uint32_t length);
void tagnode_hum_destroy(tagnode_hum *hum);
void tagnode_hum_reset(tagnode_hum *hum) TAGNODE_NONBLOCKING;

/* Processes samples, which may not go beyond the end of a block. */
void tagnode_hum_process(tagnode_hum *hum, const float *const *samples, uint32_t count)
    TAGNODE_NONBLOCKING;

/* Ends a block; `mean_square` is that of the streams in it, added, at any rate. Returns the share,
 * 0 to 1. */
float tagnode_hum_block(tagnode_hum *hum, double mean_square) TAGNODE_NONBLOCKING;
