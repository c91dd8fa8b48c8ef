/* portable.c - the kernels in plain C, for compilers to vectorise as they can. */
#include <stdint.h>

#define NEAR_WEIGHTS SIZE_MAX
#define INPUT_OFFSET 0
#define MOST_POSITIONS 4
enum { LAYOUT_GROUP = 1, MOST_BLOCKS = 1, MOST_SUMS = 4 };
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
    // NOLINTNEXTLINE(clang-analyzer-unix.cstring.UninitializedRead): there are 1 or more positions
    memcpy(job->sums, sums, (size_t)positions * sizeof sums[0]);
}

#include "kernels/positions.h"

KERNELS_TABLE(portable, portable);
