/* simd128.c - the kernels with WebAssembly's SIMD. i32x4.dot_i16x8_s adds two products exactly, in
 * int32, so bytes are widened first: inputs a stretch at a time, weights when packed. */
#include <stdint.h>

#define NEAR_WEIGHTS SIZE_MAX
#define INPUT_OFFSET 0
#define STAGED int16_t
#define MOST_POSITIONS 4
enum { LAYOUT_GROUP = 2, MOST_BLOCKS = 1, MOST_SUMS = 4 };
typedef int16_t packed_weight;

#define OWN_REQUANTISE
#define OWN_ADD_TAPS

#include "kernels/tiles.h"

#include <wasm_simd128.h>

enum { VECTORS = BLOCK / 4 /* of the sums of a block */ };

ALWAYS_INLINE void stage(const int8_t *bytes, uint32_t count, int16_t *staged) {
    for (; count >= 16; count -= 16, bytes += 16, staged += 16) {
        const v128_t all = wasm_v128_load(bytes);
        wasm_v128_store(staged, wasm_i16x8_extend_low_i8x16(all));
        wasm_v128_store(staged + 8, wasm_i16x8_extend_high_i8x16(all));
    }
    for (; count > 0; count -= 4, bytes += 4, staged += 4)
        wasm_v128_store64_lane(staged, wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(bytes)),
                               0);
}

ALWAYS_INLINE void add_products(int positions, const int16_t staged[][STRETCH], uint32_t count,
                                const int16_t *weights, v128_t sums[][VECTORS]) {
    for (uint32_t i = 0; i < count; i += LAYOUT_GROUP) {
        v128_t weight[VECTORS];
        UNROLL
        for (int q = 0; q < VECTORS; ++q, weights += 8) weight[q] = wasm_v128_load(weights);
        UNROLL
        for (int p = 0; p < positions; ++p) {
            const v128_t pair = wasm_v128_load32_splat(&staged[p][i]);
            UNROLL
            for (int q = 0; q < VECTORS; ++q)
                sums[p][q] = wasm_i32x4_add(sums[p][q], wasm_i32x4_dot_i16x8(pair, weight[q]));
        }
    }
}

ALWAYS_INLINE void tile(const tile_job *job, int positions) {
    alignas(16) int16_t staged[MOST_POSITIONS][STRETCH];
    v128_t sums[MOST_POSITIONS][VECTORS];
    const packed_weight *weights = job->weights;
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int q = 0; q < VECTORS; ++q) sums[p][q] = wasm_v128_load(job->bias + (ptrdiff_t)4 * q);
    }
    place next = {0, 0};
    for (uint32_t count; (count = stage_next(job, positions, &next, staged)) > 0;) {
        add_products(positions, staged, count, weights, sums);
        weights += (size_t)count * BLOCK;
    }
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int q = 0; q < VECTORS; ++q)
            wasm_v128_store(job->sums + (ptrdiff_t)p * BLOCK + (ptrdiff_t)4 * q, sums[p][q]);
    }
}

/* 4 sums to 4 integers. */
ALWAYS_INLINE v128_t rounded(rounding to, const float *scale, const int32_t *sums) {
    const v128_t value = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(wasm_v128_load(sums)),
                                        wasm_v128_load(scale)),
                 raised = wasm_f32x4_pmax(wasm_f32x4_splat(to.low), value),
                 clamped = wasm_f32x4_pmin(wasm_f32x4_splat(to.high), raised);
    return wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(clamped)),
                          wasm_i32x4_splat(to.zero_point));
}

ALWAYS_INLINE void requantise(rounding to, const float *scale, const int32_t *sums,
                              int8_t *output) {
    const v128_t low = wasm_i16x8_narrow_i32x4(rounded(to, scale, sums),
                                               rounded(to, scale + 4, sums + 4)),
                 high = wasm_i16x8_narrow_i32x4(rounded(to, scale + 8, sums + 8),
                                                rounded(to, scale + 12, sums + 12));
    wasm_v128_store(output, wasm_i8x16_narrow_i16x8(low, high));
}

ALWAYS_INLINE void add_taps(const int8_t *const *inputs, const int8_t *const *filters,
                            uint32_t taps, uint32_t channel, const int32_t *bias, int32_t *sums) {
    v128_t sum[VECTORS];
    UNROLL
    for (int q = 0; q < VECTORS; ++q) sum[q] = wasm_v128_load(bias + (ptrdiff_t)4 * q);
    for (uint32_t t = 0; t < taps; ++t) {
        const v128_t input = wasm_v128_load(inputs[t] + channel),
                     filter = wasm_v128_load(filters[t] + channel),
                     low = wasm_i16x8_extmul_low_i8x16(input, filter),
                     high = wasm_i16x8_extmul_high_i8x16(input, filter);
        sum[0] = wasm_i32x4_add(sum[0], wasm_i32x4_extend_low_i16x8(low));
        sum[1] = wasm_i32x4_add(sum[1], wasm_i32x4_extend_high_i16x8(low));
        sum[2] = wasm_i32x4_add(sum[2], wasm_i32x4_extend_low_i16x8(high));
        sum[3] = wasm_i32x4_add(sum[3], wasm_i32x4_extend_high_i16x8(high));
    }
    UNROLL
    for (int q = 0; q < VECTORS; ++q) wasm_v128_store(sums + (ptrdiff_t)4 * q, sum[q]);
}

#include "kernels/positions.h"

KERNELS_TABLE(simd128, portable);
