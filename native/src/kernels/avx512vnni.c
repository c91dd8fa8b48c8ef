/* avx512vnni.c - the kernels with AVX-512 and its VNNI: a block of 16 channels is one register, and
 * one instruction adds four products to each. */
#include <immintrin.h>
#include <stdint.h>

#define NEAR_WEIGHTS SIZE_MAX /* more blocks in registers matter more */
#define INPUT_OFFSET 128      /* vpdpbusd's first factor is unsigned */
enum { LAYOUT_GROUP = 4, MOST_POSITIONS = 6, MOST_BLOCKS = 5, MOST_SUMS = 25 };
typedef int8_t packed_weight;

#include "kernels/tiles.h"

/* Four consecutive bytes of a run, with the offset, in every lane. */
ALWAYS_INLINE __m512i spread(const int8_t *run) {
    int32_t four;
    memcpy(&four, run, sizeof four);
    return _mm512_xor_si512(_mm512_set1_epi32(four), _mm512_set1_epi8(INT8_MIN));
}

/* Adds all products to the sums. `shared`: the positions share their pointers, which halves the
 * work for runs of a few bytes. */
ALWAYS_INLINE void add_products(const tile_job *job, int positions, int blocks, bool shared,
                                __m512i sums[][MOST_BLOCKS]) {
    const int8_t *weights = job->weights;
    const size_t block = job->block_weights;
    const ptrdiff_t step = job->step;
    for (uint32_t s = 0; s < job->segments; ++s) {
        const int8_t *run[MOST_POSITIONS];
        UNROLL
        for (int p = 0; p < positions; ++p)
            run[p] = shared ? job->runs[s] + job->offset + p * step : run_of(job, p, s);
        for (uint32_t i = 0; i < job->padded_length; i += 4, weights += 64) {
            __m512i weight[MOST_BLOCKS];
            UNROLL
            for (int b = 0; b < blocks; ++b) weight[b] = _mm512_load_si512(weights + b * block);
            UNROLL
            for (int p = 0; p < positions; ++p) {
                const __m512i input = spread(run[p] + i);
                UNROLL
                for (int b = 0; b < blocks; ++b)
                    sums[p][b] = _mm512_dpbusd_epi32(sums[p][b], input, weight[b]);
            }
        }
    }
}

ALWAYS_INLINE void tile(const tile_job *job, int positions, int blocks) {
    __m512i sums[MOST_POSITIONS][MOST_BLOCKS];
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int b = 0; b < blocks; ++b)
            sums[p][b] = _mm512_loadu_si512(job->bias + (size_t)b * BLOCK);
    }
    if (job->pitch == 0)
        add_products(job, positions, blocks, true, sums);
    else
        add_products(job, positions, blocks, false, sums);
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int b = 0; b < blocks; ++b)
            _mm512_store_si512(job->sums + (size_t)(p * blocks + b) * BLOCK, sums[p][b]);
    }
}

#define TILES(positions)                                                                           \
    TILE(tile_##positions##_1, positions, 1)                                                       \
    TILE(tile_##positions##_2, positions, 2)                                                       \
    TILE(tile_##positions##_3, positions, 3)                                                       \
    TILE(tile_##positions##_4, positions, 4)                                                       \
    TILE(tile_##positions##_5, positions, 5)
#define NAMES(positions)                                                                           \
    {tile_##positions##_1, tile_##positions##_2, tile_##positions##_3, tile_##positions##_4,       \
     tile_##positions##_5}
TILES(1)
TILES(2)
TILES(3)
TILES(4)
TILES(5)
TILES(6)
static tile_function *const tiles[MOST_POSITIONS][MOST_BLOCKS] = {NAMES(1), NAMES(2), NAMES(3),
                                                                  NAMES(4), NAMES(5), NAMES(6)};

static void run_tile(const tile_job *job) {
    tiles[job->positions - 1][job->blocks - 1](job);
}

KERNELS_TABLE(avx512vnni, avx512);
