/* avx2.c - the kernels with AVX2. vpmaddubsw would saturate, so bytes are widened first: inputs a
 * stretch at a time, weights when packed. vpmaddwd adds two products exactly, in int32. */
#include <immintrin.h>
#include <stdint.h>

#define NEAR_WEIGHTS ((size_t)20 << 10) /* leaves a third of an L1 cache for the inputs */
#define INPUT_OFFSET 0
#define STAGED int16_t
enum { LAYOUT_GROUP = 2, MOST_POSITIONS = 4, MOST_BLOCKS = 8, MOST_SUMS = 32 };
typedef int16_t packed_weight;

#include "kernels/tiles.h"

static inline __m256i load(const void *memory) {
    return _mm256_loadu_si256(memory);
}

static inline void store(void *memory, __m256i value) {
    _mm256_storeu_si256(memory, value);
}

ALWAYS_INLINE void stage(const int8_t *bytes, uint32_t count, int16_t *staged) {
    for (; count >= 16; count -= 16, bytes += 16, staged += 16)
        store(staged, _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)bytes)));
    for (; count > 0; count -= 4, bytes += 4, staged += 4) {
        int32_t four;
        memcpy(&four, bytes, sizeof four);
        _mm_storel_epi64((void *)staged, _mm_cvtepi8_epi16(_mm_cvtsi32_si128(four)));
    }
}

/* Adds a stretch's products to the sums of one block. */
ALWAYS_INLINE void add_products(int positions, const int16_t staged[][STRETCH], uint32_t count,
                                const packed_weight *weights, int32_t *sums, size_t lanes) {
    __m256i sum[MOST_POSITIONS][2];
    UNROLL
    for (int p = 0; p < positions; ++p) {
        sum[p][0] = load(sums + p * lanes);
        sum[p][1] = load(sums + p * lanes + 8);
    }
    for (uint32_t i = 0; i < count; i += 2, weights += 32) {
        const __m256i low = load(weights), high = load(weights + 16);
        UNROLL
        for (int p = 0; p < positions; ++p) {
            int32_t group;
            memcpy(&group, &staged[p][i], sizeof group);
            const __m256i input = _mm256_set1_epi32(group);
            sum[p][0] = _mm256_add_epi32(sum[p][0], _mm256_madd_epi16(input, low));
            sum[p][1] = _mm256_add_epi32(sum[p][1], _mm256_madd_epi16(input, high));
        }
    }
    UNROLL
    for (int p = 0; p < positions; ++p) {
        store(sums + p * lanes, sum[p][0]);
        store(sums + p * lanes + 8, sum[p][1]);
    }
}

ALWAYS_INLINE void tile(const tile_job *job, int positions) {
    alignas(32) int16_t staged[MOST_POSITIONS][STRETCH];
    const size_t lanes = (size_t)job->blocks * BLOCK;
    const packed_weight *weights = job->weights;
    for (int p = 0; p < positions; ++p)
        memcpy(job->sums + p * lanes, job->bias, lanes * sizeof *job->bias);
    place next = {0, 0};
    for (uint32_t count; (count = stage_next(job, positions, &next, staged)) > 0;) {
        for (uint32_t b = 0; b < job->blocks; ++b)
            add_products(positions, staged, count, weights + b * job->block_weights,
                         job->sums + (size_t)b * BLOCK, lanes);
        weights += (size_t)count * BLOCK;
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

KERNELS_TABLE(avx2);
