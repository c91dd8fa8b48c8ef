/* ticks.h - at which mel frames a node's results are due, in integers.
 *
 * Results are due at regular times of the node's first front-end. For that one they are a whole
 * number of mel frames apart, for another front-end usually not: then tick t comes after
 * floor((offset + t * step) / divisor) of its mel frames, so that each window ends with the last
 * mel frame that is complete. The products are within 64 bits for years, except with a mel hop of a
 * few samples. */
#pragma once

#include <stdint.h>

#include "tagnode.h"

typedef struct {
    int64_t offset, step, divisor; /* 0 < divisor <= step */
} tagnode_ticks;

/* Returns a / b rounded down; b above 0. */
static inline int64_t tagnode_floor_divide(int64_t a, int64_t b) TAGNODE_NONBLOCKING {
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/* Returns the number of mel frames at a tick. */
static inline int64_t tagnode_ticks_frames(const tagnode_ticks *ticks, int64_t tick)
    TAGNODE_NONBLOCKING {
    return tagnode_floor_divide(ticks->offset + tick * ticks->step, ticks->divisor);
}

/* Returns the first tick with that many mel frames, or more. */
static inline int64_t tagnode_ticks_from(const tagnode_ticks *ticks, int64_t frames)
    TAGNODE_NONBLOCKING {
    return tagnode_floor_divide(frames * ticks->divisor - ticks->offset + ticks->step - 1,
                                ticks->step);
}

/* Returns the fraction of a mel frame that is left at a tick, in 1 / divisor. */
static inline int64_t tagnode_ticks_rest(const tagnode_ticks *ticks, int64_t tick)
    TAGNODE_NONBLOCKING {
    return ticks->offset + tick * ticks->step - tagnode_ticks_frames(ticks, tick) * ticks->divisor;
}

/* Return the fewest and the most mel frames between two ticks. */
static inline uint32_t tagnode_ticks_fewest(const tagnode_ticks *ticks) {
    return (uint32_t)(ticks->step / ticks->divisor);
}

static inline uint32_t tagnode_ticks_most(const tagnode_ticks *ticks) {
    return (uint32_t)((ticks->step + ticks->divisor - 1) / ticks->divisor);
}
