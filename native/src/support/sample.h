/* sample.h - what counts as an input sample, for all that look at one. */
#ifndef TAGNODE_SUPPORT_SAMPLE_H
#define TAGNODE_SUPPORT_SAMPLE_H

#include <string.h>

#include "tagnode.h"

/* A sample that is no number or infinite becomes 0 and `*broken` 1; past 1e12 the powers of a frame
 * could overflow, so that is the limit. */
static inline float tagnode_clean_sample(float sample, uint32_t *broken) TAGNODE_NONBLOCKING {
    const float limit = 1e12F;
    uint32_t bits;
    memcpy(&bits, &sample, sizeof bits);
    *broken = (bits & 0x7f800000U) == 0x7f800000U;
    bits = *broken ? 0 : bits;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x > limit ? limit : x < -limit ? -limit : x;
}

#endif
