/* neon.c - the kernels with the NEON of every 64-bit Arm: products of two bytes fit int16, sums of
 * two may not (-128 * -128 twice), so each pair is summed in int32. */
#include <stdint.h>

#define NEAR_WEIGHTS SIZE_MAX
#define INPUT_OFFSET 0
#define MOST_POSITIONS 4
enum { LAYOUT_GROUP = 2, MOST_BLOCKS = 1, MOST_SUMS = 4 };
typedef int8_t packed_weight;

#include "kernels/neon128.h"

ALWAYS_INLINE void add_products(int32x4_t sums[4], const int8_t *input,
                                const int8x16_t weights[LAYOUT_GROUP]) {
    int16_t two;
    memcpy(&two, input, sizeof two);
    const int8x8_t pair = vreinterpret_s8_s16(vdup_n_s16(two));
    sums[0] = vpadalq_s16(sums[0], vmull_s8(pair, vget_low_s8(weights[0])));
    sums[1] = vpadalq_s16(sums[1], vmull_s8(pair, vget_high_s8(weights[0])));
    sums[2] = vpadalq_s16(sums[2], vmull_s8(pair, vget_low_s8(weights[1])));
    sums[3] = vpadalq_s16(sums[3], vmull_s8(pair, vget_high_s8(weights[1])));
}

#include "kernels/positions.h"

KERNELS_TABLE(neon, neon);
