/* portable.c - the kernels in plain C, for compilers to vectorise as they can. */
#include <stdint.h>

#define NEAR_WEIGHTS SIZE_MAX
#define INPUT_OFFSET 0
enum { LAYOUT_GROUP = 1, MOST_POSITIONS = 4, MOST_BLOCKS = 1, MOST_SUMS = 4 };
typedef int16_t packed_weight; /* products of two int16 vectorise better than those of two int8 */

#include "kernels/tiles.h"

ALWAYS_INLINE void tile(const tile_job *job, int positions) {
    uint32_t sums[MOST_POSITIONS][BLOCK]; /* unsigned, as these may wrap around */
    const packed_weight *weights = job->weights;
    for (int p = 0; p < positions; ++p) memcpy(sums[p], job->bias, sizeof sums[p]);
    for (uint32_t s = 0; s < job->segments; ++s) {
        const int8_t *run[MOST_POSITIONS];
        for (int p = 0; p < positions; ++p) run[p] = run_of(job, p, s);
        for (uint32_t i = 0; i < job->padded_length; ++i, weights += BLOCK)
            for (int p = 0; p < positions; ++p) {
                VECTORISE
                for (int c = 0; c < BLOCK; ++c) sums[p][c] += (uint32_t)(weights[c] * run[p][i]);
            }
    }
    memcpy(job->sums, sums, (size_t)positions * sizeof sums[0]);
}

TILE(tile_1, 1)
TILE(tile_2, 2)
TILE(tile_3, 3)
TILE(tile_4, 4)

static tile_function *const tiles[] = {tile_1, tile_2, tile_3, tile_4};

static void run_tile(const tile_job *job) {
    tiles[job->positions - 1](job);
}

KERNELS_TABLE(portable);
