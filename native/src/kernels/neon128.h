/* neon128.h - the tiles of the tables for 64-bit Arm: a block of 16 channels is four registers. A
 * table's file has `add_products`, which adds those of the LAYOUT_GROUP bytes at `input` to the
 * sums of a position. */
#pragma once

#include "kernels/tiles.h"

#include <arm_neon.h>

ALWAYS_INLINE void add_products(int32x4_t sums[4], const int8_t *input,
                                const int8x16_t weights[LAYOUT_GROUP]);

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
        for (uint32_t i = 0; i < job->padded_length; i += LAYOUT_GROUP) {
            int8x16_t weight[LAYOUT_GROUP];
            UNROLL
            for (int q = 0; q < LAYOUT_GROUP; ++q, weights += 16) weight[q] = vld1q_s8(weights);
            UNROLL
            for (int p = 0; p < positions; ++p) add_products(sums[p], run[p] + i, weight);
        }
    }
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int q = 0; q < 4; ++q)
            vst1q_s32(job->sums + (ptrdiff_t)p * BLOCK + (ptrdiff_t)4 * q, sums[p][q]);
    }
}
