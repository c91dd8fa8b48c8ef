/* sample.h - what counts as an input sample, shared by all that process samples. */
#pragma once

#include <string.h>

#include "tagnode.h"

/* Replaces a non-finite sample by 0 and sets `*broken` to 1. Clamps to 1e12, beyond which the
 * powers of a frame could overflow. */
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
