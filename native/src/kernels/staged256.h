/* staged256.h - the tiles of the tables with 256-bit registers: a block of 16 channels is two of
 * them, and inputs are staged. A table's file has `stage`, and `multiply_add`, which adds the
 * products of LAYOUT_GROUP inputs, the same ones in every lane, with the weights of 8 channels. */
#pragma once

#define OWN_REQUANTISE
#define OWN_ADD_TAPS

#include "kernels/tiles.h"

#include <immintrin.h>

ALWAYS_INLINE __m256i multiply_add(__m256i sum, __m256i input, __m256i weights);

static inline __m256i load(const void *memory) {
    return _mm256_loadu_si256(memory);
}

static inline void store(void *memory, __m256i value) {
    _mm256_storeu_si256(memory, value);
}

/* Adds a stretch's products to the sums of one block. */
ALWAYS_INLINE void add_products(int positions, const STAGED staged[][STRETCH], uint32_t count,
                                const packed_weight *weights, int32_t *sums, size_t lanes) {
    __m256i sum[MOST_POSITIONS][2];
    UNROLL
    for (int p = 0; p < positions; ++p) {
        sum[p][0] = load(sums + p * lanes);
        sum[p][1] = load(sums + p * lanes + 8);
    }
    for (uint32_t i = 0; i < count; i += LAYOUT_GROUP, weights += (size_t)16 * LAYOUT_GROUP) {
        const __m256i low = load(weights), high = load(weights + (size_t)8 * LAYOUT_GROUP);
        UNROLL
        for (int p = 0; p < positions; ++p) {
            int32_t group;
            memcpy(&group, &staged[p][i], sizeof group);
            const __m256i input = _mm256_set1_epi32(group);
            sum[p][0] = multiply_add(sum[p][0], input, low);
            sum[p][1] = multiply_add(sum[p][1], input, high);
        }
    }
    UNROLL
    for (int p = 0; p < positions; ++p) {
        store(sums + p * lanes, sum[p][0]);
        store(sums + p * lanes + 8, sum[p][1]);
    }
}

ALWAYS_INLINE void tile(const tile_job *job, int positions) {
    alignas(32) STAGED staged[MOST_POSITIONS][STRETCH];
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

/* 8 sums to 8 integers. */
ALWAYS_INLINE __m256i rounded(rounding to, const float *scale, const int32_t *sums) {
    const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(load(sums)), _mm256_loadu_ps(scale)),
                 raised = _mm256_max_ps(value, _mm256_set1_ps(to.low)),
                 clamped = _mm256_min_ps(raised, _mm256_set1_ps(to.high));
    return _mm256_add_epi32(_mm256_cvtps_epi32(clamped), _mm256_set1_epi32(to.zero_point));
}

ALWAYS_INLINE void requantise(rounding to, const float *scale, const int32_t *sums,
                              int8_t *output) {
    const __m256i low = rounded(to, scale, sums), high = rounded(to, scale + 8, sums + 8),
                  pairs = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
    _mm_storeu_si128((void *)output, _mm_packs_epi16(_mm256_castsi256_si128(pairs),
                                                     _mm256_extracti128_si256(pairs, 1)));
}

ALWAYS_INLINE __m256i widened(const int8_t *bytes) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)bytes));
}

ALWAYS_INLINE void add_taps(const int8_t *const *inputs, const int8_t *const *filters,
                            uint32_t taps, uint32_t channel, const int32_t *bias, int32_t *sums) {
    __m256i low = load(bias), high = load(bias + 8);
    for (uint32_t t = 0; t < taps; ++t) {
        const __m256i product =
            _mm256_mullo_epi16(widened(inputs[t] + channel), widened(filters[t] + channel));
        low = _mm256_add_epi32(low, _mm256_cvtepi16_epi32(_mm256_castsi256_si128(product)));
        high = _mm256_add_epi32(high, _mm256_cvtepi16_epi32(_mm256_extracti128_si256(product, 1)));
    }
    store(sums, low);
    store(sums + 8, high);
}
