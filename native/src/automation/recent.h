/* recent.h - the median of the results of the last seconds. */
#pragma once

#include "tagnode.h"

enum { TAGNODE_RECENT = 640 }; /* results at most: 10 s of signals every 16 ms */

typedef struct {
    int64_t positions[TAGNODE_RECENT];
    float values[TAGNODE_RECENT]; /* a ring, in the order of time */
    float sorted[TAGNODE_RECENT];
    uint32_t first, length;
} tagnode_recent;

/* Forgets all results. */
void tagnode_recent_clear(tagnode_recent *recent) TAGNODE_NONBLOCKING;

/* Adds a result, which is not NaN, at a position not before the last one. */
void tagnode_recent_add(tagnode_recent *recent, int64_t position, float value) TAGNODE_NONBLOCKING;

/* Forgets the results at positions up to `until`, but for the last one. */
void tagnode_recent_drop(tagnode_recent *recent, int64_t until) TAGNODE_NONBLOCKING;

/* Returns the median, of an even number the lower one; there must be a result. */
float tagnode_recent_median(const tagnode_recent *recent) TAGNODE_NONBLOCKING;
