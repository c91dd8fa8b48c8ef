/* avxvnni.c - the kernels with AVX-VNNI, for processors that have it without AVX-512: a block of 16
 * channels is two registers. */
#include <immintrin.h>
#include <stdint.h>

#define NEAR_WEIGHTS ((size_t)20 << 10) /* leaves a third of an L1 cache for the inputs */
#define INPUT_OFFSET 128                /* vpdpbusd's first factor is unsigned */
#define STAGED uint8_t
enum { LAYOUT_GROUP = 4, MOST_POSITIONS = 5, MOST_BLOCKS = 8, MOST_SUMS = 40 };
typedef int8_t packed_weight;

#include "kernels/tiles.h"

static inline __m256i load(const void *memory) {
    return _mm256_loadu_si256(memory);
}

static inline void store(void *memory, __m256i value) {
    _mm256_storeu_si256(memory, value);
}

ALWAYS_INLINE void stage(const int8_t *bytes, uint32_t count, uint8_t *staged) {
    for (; count >= 32; count -= 32, bytes += 32, staged += 32)
        store(staged, _mm256_xor_si256(load(bytes), _mm256_set1_epi8(INT8_MIN)));
    for (; count > 0; count -= 4, bytes += 4, staged += 4) {
        uint32_t four;
        memcpy(&four, bytes, sizeof four);
        four ^= 0x80808080U;
        memcpy(staged, &four, sizeof four);
    }
}

/* Adds a stretch's products to the sums of one block. */
ALWAYS_INLINE void add_products(int positions, const uint8_t staged[][STRETCH], uint32_t count,
                                const packed_weight *weights, int32_t *sums, size_t lanes) {
    __m256i sum[MOST_POSITIONS][2];
    UNROLL
    for (int p = 0; p < positions; ++p) {
        sum[p][0] = load(sums + p * lanes);
        sum[p][1] = load(sums + p * lanes + 8);
    }
    for (uint32_t i = 0; i < count; i += 4, weights += 64) {
        const __m256i low = load(weights), high = load(weights + 32);
        UNROLL
        for (int p = 0; p < positions; ++p) {
            int32_t group;
            memcpy(&group, &staged[p][i], sizeof group);
            const __m256i input = _mm256_set1_epi32(group);
            sum[p][0] = _mm256_dpbusd_avx_epi32(sum[p][0], input, low);
            sum[p][1] = _mm256_dpbusd_avx_epi32(sum[p][1], input, high);
        }
    }
    UNROLL
    for (int p = 0; p < positions; ++p) {
        store(sums + p * lanes, sum[p][0]);
        store(sums + p * lanes + 8, sum[p][1]);
    }
}

ALWAYS_INLINE void tile(const tile_job *job, int positions) {
    alignas(32) uint8_t staged[MOST_POSITIONS][STRETCH];
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
TILE(tile_5, 5)

static tile_function *const tiles[] = {tile_1, tile_2, tile_3, tile_4, tile_5};

static void run_tile(const tile_job *job) {
    tiles[job->positions - 1](job);
}

KERNELS_TABLE(avxvnni);
