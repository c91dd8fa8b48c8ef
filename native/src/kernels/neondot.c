/* neondot.c - the kernels with Arm's dot product: sdot adds four products to each of 4 channels. */
#include <arm_neon.h>
#include <stdint.h>

#define NEAR_WEIGHTS SIZE_MAX
#define INPUT_OFFSET 0
enum { LAYOUT_GROUP = 4, MOST_POSITIONS = 5, MOST_BLOCKS = 1, MOST_SUMS = 5 };
typedef int8_t packed_weight;

#include "kernels/tiles.h"

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
        for (uint32_t i = 0; i < job->padded_length; i += 4, weights += 64) {
            int8x16_t weight[4];
            UNROLL
            for (int q = 0; q < 4; ++q) weight[q] = vld1q_s8(weights + (ptrdiff_t)16 * q);
            UNROLL
            for (int p = 0; p < positions; ++p) {
                int32_t four;
                memcpy(&four, run[p] + i, sizeof four);
                const int8x16_t input = vreinterpretq_s8_s32(vdupq_n_s32(four));
                UNROLL
                for (int q = 0; q < 4; ++q) sums[p][q] = vdotq_s32(sums[p][q], input, weight[q]);
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
TILE(tile_5, 5)

static tile_function *const tiles[] = {tile_1, tile_2, tile_3, tile_4, tile_5};

static void run_tile(const tile_job *job) {
    tiles[job->positions - 1](job);
}

KERNELS_TABLE(neondot);
