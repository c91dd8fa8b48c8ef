/* balance.h - what the channels of the last 3 s have in common: correlation, levels, offset. */
#pragma once

#include "tagnode.h"

enum {
    TAGNODE_CHUNK = 256,     /* samples that are measured at once */
    TAGNODE_BLOCKS_3_S = 30, /* blocks of about 0.1 s, a whole number of chunks */
};

/* Sums over samples. */
typedef struct {
    double sum[TAGNODE_MAX_CHANNELS], square[TAGNODE_MAX_CHANNELS];
    double middle, side; /* squares of the sum and of the difference of the first two channels */
} tagnode_balance_sums;

typedef struct {
    uint32_t channels;
    double samples; /* in 3 s */
    tagnode_balance_sums now, block[TAGNODE_BLOCKS_3_S];
    uint32_t at;
} tagnode_balance;

typedef struct {
    float correlation, side_db, low_db, high_db, offset_db;
} tagnode_balance_reading;

/* For blocks of `block_chunks` chunks. */
void tagnode_balance_init(tagnode_balance *balance, uint32_t channels, uint32_t block_chunks);
void tagnode_balance_reset(tagnode_balance *balance) TAGNODE_NONBLOCKING;

/* Processes a chunk of each channel. */
void tagnode_balance_process(tagnode_balance *balance, const float *const *samples)
    TAGNODE_NONBLOCKING;

/* Ends a block; returns what is measured over the last 3 s. */
tagnode_balance_reading tagnode_balance_block(tagnode_balance *balance) TAGNODE_NONBLOCKING;
