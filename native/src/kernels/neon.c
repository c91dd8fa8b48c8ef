/* neon.c - the kernels with the NEON of every 64-bit Arm: products of two bytes fit int16, sums of
 * two may not (-128 * -128 twice), so each pair is summed in int32. */
#include <arm_neon.h>
#include <stdint.h>

#define NEAR_WEIGHTS SIZE_MAX
#define INPUT_OFFSET 0
enum { LAYOUT_GROUP = 2, MOST_POSITIONS = 4, MOST_BLOCKS = 1, MOST_SUMS = 4 };
typedef int8_t packed_weight;

#include "kernels/tiles.h"

/* Adds two more products to each of the 16 sums of a position, 4 to a register. */
ALWAYS_INLINE void add_products(int32x4_t sums[4], int8x8_t input, int8x16_t low, int8x16_t high) {
    sums[0] = vpadalq_s16(sums[0], vmull_s8(input, vget_low_s8(low)));
    sums[1] = vpadalq_s16(sums[1], vmull_s8(input, vget_high_s8(low)));
    sums[2] = vpadalq_s16(sums[2], vmull_s8(input, vget_low_s8(high)));
    sums[3] = vpadalq_s16(sums[3], vmull_s8(input, vget_high_s8(high)));
}

ALWAYS_INLINE void tile(const tile_job *job, int positions) {
    int32x4_t sums[MOST_POSITIONS][4];
    const int8_t *weights = job->weights;
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int q = 0; q < 4; ++q) sums[p][q] = vld1q_s32(job->bias + (ptrdiff_t)4 * q);
    }
    for (uint32_t s = 0; s < job->segments; ++s) {
        const int8_t *run[MOST_POSITIONS];
        UNROLL
        for (int p = 0; p < positions; ++p) run[p] = run_of(job, p, s);
        for (uint32_t i = 0; i < job->padded_length; i += 2, weights += 32) {
            const int8x16_t low = vld1q_s8(weights), high = vld1q_s8(weights + 16);
            UNROLL
            for (int p = 0; p < positions; ++p) {
                int16_t two;
                memcpy(&two, run[p] + i, sizeof two);
                add_products(sums[p], vreinterpret_s8_s16(vdup_n_s16(two)), low, high);
            }
        }
    }
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int q = 0; q < 4; ++q)
            vst1q_s32(job->sums + (ptrdiff_t)p * BLOCK + (ptrdiff_t)4 * q, sums[p][q]);
    }
}

TILE(tile_1, 1)
TILE(tile_2, 2)
TILE(tile_3, 3)
TILE(tile_4, 4)

static tile_function *const tiles[] = {tile_1, tile_2, tile_3, tile_4};

static void run_tile(const tile_job *job) {
    tiles[job->positions - 1](job);
}

KERNELS_TABLE(neon);
