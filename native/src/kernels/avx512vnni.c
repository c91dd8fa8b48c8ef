/* avx512vnni.c - the kernels with AVX-512 and its VNNI: a block of 16 channels is one register, and
 * one instruction adds four products to each. */
#include <immintrin.h>
#include <stdint.h>

#define NEAR_WEIGHTS SIZE_MAX /* more blocks in registers matter more */
#define INPUT_OFFSET 128      /* vpdpbusd's first factor is unsigned */
enum { LAYOUT_GROUP = 4, MOST_POSITIONS = 6, MOST_BLOCKS = 5, MOST_SUMS = 25 };
typedef int8_t packed_weight;
#define OWN_REQUANTISE
#define OWN_ADD_TAPS

#include "kernels/tiles.h"

/* Four consecutive bytes of a run, with the offset, in every lane. */
ALWAYS_INLINE __m512i spread(const int8_t *run) {
    int32_t four;
    memcpy(&four, run, sizeof four);
    return _mm512_xor_si512(_mm512_set1_epi32(four), _mm512_set1_epi8(INT8_MIN));
}

/* The products of four bytes of each position's run. */
ALWAYS_INLINE void add_four(const int8_t *const *run, ptrdiff_t at, const int8_t *weights,
                            size_t block, int positions, int blocks, __m512i sums[][MOST_BLOCKS]) {
    __m512i weight[MOST_BLOCKS];
    UNROLL
    for (int b = 0; b < blocks; ++b) weight[b] = _mm512_load_si512(weights + b * block);
    UNROLL
    for (int p = 0; p < positions; ++p) {
        const __m512i input = spread(run[p] + at);
        UNROLL
        for (int b = 0; b < blocks; ++b)
            sums[p][b] = _mm512_dpbusd_epi32(sums[p][b], input, weight[b]);
    }
}

typedef __m512i sums_set[MOST_POSITIONS][MOST_BLOCKS];

/* Finds a segment's run of each position. `shared`: they share their pointers, which halves the
 * work for runs of a few bytes. */
ALWAYS_INLINE void find_runs(const tile_job *job, int positions, bool shared, uint32_t segment,
                             const int8_t **run) {
    UNROLL
    for (int p = 0; p < positions; ++p)
        run[p] =
            shared ? job->runs[segment] + job->offset + p * job->step : run_of(job, p, segment);
}

/* Adds all products to the sums: four bytes to one set of them, the next four to the next, of which
 * `sets` (1, 2 or 4) are enough that no instruction waits for the one before. */
ALWAYS_INLINE void add_products(const tile_job *job, int positions, int blocks, bool shared,
                                int sets, sums_set *sums) {
    const int8_t *weights = job->weights, *run[MOST_POSITIONS];
    const size_t block = job->block_weights;
    const uint32_t length = job->padded_length, all = (uint32_t)sets;
    uint32_t s = 0;
    for (; length == 4 && s + all <= job->segments; s += all) {
        UNROLL
        for (int k = 0; k < sets; ++k, weights += 64) {
            find_runs(job, positions, shared, s + k, run);
            add_four(run, 0, weights, block, positions, blocks, sums[k]);
        }
    }
    for (; s < job->segments; ++s) {
        find_runs(job, positions, shared, s, run);
        uint32_t i = 0;
        for (; sets > 1 && i + 4 * all <= length; i += 4 * all) {
            UNROLL
            for (int k = 0; k < sets; ++k, weights += 64)
                add_four(run, i + 4 * k, weights, block, positions, blocks, sums[k]);
        }
        for (; i < length; i += 4, weights += 64)
            add_four(run, i, weights, block, positions, blocks, sums[0]);
    }
}

ALWAYS_INLINE void tile(const tile_job *job, int positions, int blocks) {
    const int each = positions * blocks, sets = each <= 2 ? 4 : each <= 8 ? 2 : 1;
    sums_set sums[4];
    UNROLL
    for (int k = 0; k < sets; ++k) {
        UNROLL
        for (int p = 0; p < positions; ++p) {
            UNROLL
            for (int b = 0; b < blocks; ++b)
                sums[k][p][b] = k == 0 ? _mm512_loadu_si512(job->bias + (size_t)b * BLOCK)
                                       : _mm512_setzero_si512();
        }
    }
    if (job->pitch == 0)
        add_products(job, positions, blocks, true, sets, sums);
    else
        add_products(job, positions, blocks, false, sets, sums);
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int b = 0; b < blocks; ++b) {
            __m512i sum = sums[0][p][b];
            UNROLL
            for (int k = 1; k < sets; ++k) sum = _mm512_add_epi32(sum, sums[k][p][b]);
            _mm512_store_si512(job->sums + (size_t)(p * blocks + b) * BLOCK, sum);
        }
    }
}

ALWAYS_INLINE void requantise(rounding to, const float *scale, const int32_t *sums,
                              int8_t *output) {
    const __m512 value = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums)),
                                       _mm512_loadu_ps(scale)),
                 raised = _mm512_max_ps(value, _mm512_set1_ps(to.low)),
                 clamped = _mm512_min_ps(raised, _mm512_set1_ps(to.high));
    const __m512i rounded = _mm512_cvtps_epi32(clamped);
    _mm_storeu_si128((void *)output, _mm512_cvtepi32_epi8(_mm512_add_epi32(
                                         rounded, _mm512_set1_epi32(to.zero_point))));
}

ALWAYS_INLINE void add_taps(const int8_t *const *inputs, const int8_t *const *filters,
                            uint32_t taps, uint32_t channel, const int32_t *bias, int32_t *sums) {
    __m512i sum = _mm512_loadu_si512(bias);
    for (uint32_t t = 0; t < taps; ++t) {
        const __m256i input = _mm256_cvtepi8_epi16(
                          _mm_loadu_si128((const void *)(inputs[t] + channel))),
                      filter = _mm256_cvtepi8_epi16(
                          _mm_loadu_si128((const void *)(filters[t] + channel)));
        sum = _mm512_add_epi32(sum, _mm512_cvtepi16_epi32(_mm256_mullo_epi16(input, filter)));
    }
    _mm512_store_si512(sums, sum);
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
