/* neondot.c - the kernels with Arm's dot product: sdot adds four products to each of 4 channels. */
#include <stdint.h>

#define NEAR_WEIGHTS SIZE_MAX
#define INPUT_OFFSET 0
#define MOST_POSITIONS 5
enum { LAYOUT_GROUP = 4, MOST_BLOCKS = 1, MOST_SUMS = 5 };
typedef int8_t packed_weight;

#include "kernels/neon128.h"

ALWAYS_INLINE void add_products(int32x4_t sums[4], const int8_t *input,
                                const int8x16_t weights[LAYOUT_GROUP]) {
    int32_t four;
    memcpy(&four, input, sizeof four);
    const int8x16_t group = vreinterpretq_s8_s32(vdupq_n_s32(four));
    UNROLL
    for (int q = 0; q < 4; ++q) sums[q] = vdotq_s32(sums[q], group, weights[q]);
}

#include "kernels/positions.h"

KERNELS_TABLE(neondot, neon);
