/* clipping.h - the share of the last 3 s that lies on flat tops at the extreme of that time. */
#pragma once

#include "descriptors/balance.h"

/* Flat tops of one channel on one side of 0. */
typedef struct {
    float top;      /* the extreme of this block so far */
    float floor;    /* tops below it do not count: the block is far from the extreme */
    float before;   /* the sample before the next chunk */
    uint32_t run;   /* samples at the top up to here */
    bool steep;     /* whether the run began with a step */
    uint32_t count; /* samples in such runs */
    float tops[TAGNODE_BLOCKS_3_S];
    uint32_t counts[TAGNODE_BLOCKS_3_S];
} tagnode_flat_tops;

typedef struct {
    uint32_t channels, at;
    double samples;                                  /* in 3 s */
    tagnode_flat_tops tops[TAGNODE_MAX_CHANNELS][2]; /* above and below 0 */
} tagnode_clipping;

void tagnode_clipping_init(tagnode_clipping *clipping, uint32_t channels, uint32_t block_chunks);
void tagnode_clipping_reset(tagnode_clipping *clipping) TAGNODE_NONBLOCKING;

/* Processes a chunk of each channel. */
void tagnode_clipping_process(tagnode_clipping *clipping, const float *const *samples)
    TAGNODE_NONBLOCKING;

/* Ends a block; returns the share of the last 3 s of the channel that has the most. */
float tagnode_clipping_block(tagnode_clipping *clipping) TAGNODE_NONBLOCKING;
