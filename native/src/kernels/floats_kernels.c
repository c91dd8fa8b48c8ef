/* floats_kernels.c - the float32 arithmetic, compiled once for each instruction set
 * (TAGNODE_FLOATS_NAME names the table; TAGNODE_FLOATS_PLAIN makes the portable one).
 * Multiplications and additions are fused where `multiply_add` says so, and nowhere else. */
#include "kernels/floats.h"

#include <math.h>
#include <stdalign.h>
#include <string.h>

#if defined(TAGNODE_FLOATS_PLAIN)
#define SET 0
#elif defined(__AVX512F__)
#define SET 512
#elif defined(__FMA__)
#define SET 256
#elif defined(__aarch64__)
#define SET 128
#else
#define SET 0
#endif

#if SET == 512
#include <immintrin.h>
typedef __m512 vector;
enum { MOST_POSITIONS = 8, MOST_BLOCKS = 4, UNITS = 4 };
#define TILE_POSITIONS {8, 8, 8, 6}
#elif SET == 256
#include <immintrin.h>
typedef __m256 vector;
enum { MOST_POSITIONS = 6, MOST_BLOCKS = 1, UNITS = 4 };
#define TILE_POSITIONS {6}
#elif SET == 128
#include <arm_neon.h>
typedef float32x4_t vector;
enum { MOST_POSITIONS = 6, MOST_BLOCKS = 1, UNITS = 4 };
#define TILE_POSITIONS {6}
#else
typedef float vector __attribute__((vector_size(16)));
enum { MOST_POSITIONS = 2, MOST_BLOCKS = 1, UNITS = 1 };
#define TILE_POSITIONS {2}
#endif

typedef float loose __attribute__((vector_size(sizeof(vector)), aligned(4), may_alias));

enum {
    BLOCK = FLOATS_BLOCK,
    LANES = sizeof(vector) / sizeof(float),
    PARTS = BLOCK / LANES /* vectors of a block */
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8") /* as in tiles.h */

ALWAYS_INLINE vector load(const float *from) {
    return *(const loose *)from;
}

ALWAYS_INLINE void store(float *to, vector value) {
    *(loose *)to = value;
}

ALWAYS_INLINE vector spread(float value) {
#if SET == 512
    return _mm512_set1_ps(value);
#elif SET == 256
    return _mm256_set1_ps(value);
#elif SET == 128
    return vdupq_n_f32(value);
#else
    return (vector){value, value, value, value};
#endif
}

ALWAYS_INLINE vector multiply_add(vector sum, vector a, vector b) {
#if SET == 512
    return _mm512_fmadd_ps(a, b, sum);
#elif SET == 256
    return _mm256_fmadd_ps(a, b, sum);
#elif SET == 128
    return vfmaq_f32(sum, a, b);
#else
    return sum + a * b;
#endif
}

ALWAYS_INLINE float limited(float value, float low, float high) {
    const float raised = value > low ? value : low; /* low for NaN, as in the operations */
    return raised < high ? raised : high;
}

/* ---- products ---- */

/* Some taps of a few positions and blocks; the sums, [position][block][16], are read and written.
 */
typedef struct {
    const float *const *runs; /* of the first position, at `offset` */
    size_t pitch;
    ptrdiff_t offset, step;
    uint32_t length, skip, count; /* of a run; taps */
    const float *weights;         /* of the first block, from the first tap on */
    size_t block_weights;         /* from one block to the next */
    float *sums;
} tile_job;

typedef void tile_function(const tile_job *job) TAGNODE_NONBLOCKING;

/* Adds the products of `count` consecutive values. */
ALWAYS_INLINE void add_run(const tile_job *job, const float *const *run, const float *weights,
                           uint32_t count, int positions, int blocks,
                           vector sums[][MOST_BLOCKS][PARTS]) {
    for (uint32_t i = 0; i < count; ++i, weights += BLOCK) {
        vector weight[MOST_BLOCKS][PARTS];
        UNROLL
        for (int b = 0; b < blocks; ++b) {
            UNROLL
            for (int q = 0; q < PARTS; ++q)
                weight[b][q] = load(weights + (size_t)b * job->block_weights + (size_t)q * LANES);
        }
        UNROLL
        for (int p = 0; p < positions; ++p) {
            const vector input = spread(run[p][i]);
            UNROLL
            for (int b = 0; b < blocks; ++b) {
                UNROLL
                for (int q = 0; q < PARTS; ++q)
                    sums[p][b][q] = multiply_add(sums[p][b][q], input, weight[b][q]);
            }
        }
    }
}

ALWAYS_INLINE void tile(const tile_job *job, int positions, int blocks) {
    vector sums[MOST_POSITIONS][MOST_BLOCKS][PARTS];
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int b = 0; b < blocks; ++b) {
            UNROLL
            for (int q = 0; q < PARTS; ++q)
                sums[p][b][q] =
                    load(job->sums + (size_t)(p * blocks + b) * BLOCK + (size_t)q * LANES);
        }
    }
    const float *weights = job->weights;
    uint32_t left = job->count, skip = job->skip;
    for (size_t s = 0; left > 0; ++s, skip = 0) {
        const uint32_t rest = job->length - skip, count = left < rest ? left : rest;
        const float *run[MOST_POSITIONS];
        UNROLL
        for (int p = 0; p < positions; ++p)
            run[p] = job->runs[p * job->pitch + s] + job->offset + p * job->step + skip;
        add_run(job, run, weights, count, positions, blocks, sums);
        weights += (size_t)count * BLOCK;
        left -= count;
    }
    UNROLL
    for (int p = 0; p < positions; ++p) {
        UNROLL
        for (int b = 0; b < blocks; ++b) {
            UNROLL
            for (int q = 0; q < PARTS; ++q)
                store(job->sums + (size_t)(p * blocks + b) * BLOCK + (size_t)q * LANES,
                      sums[p][b][q]);
        }
    }
}

#define TILE(positions, blocks)                                                                    \
    static void tile_##positions##_##blocks(const tile_job *job) TAGNODE_NONBLOCKING {             \
        tile(job, positions, blocks);                                                              \
    }
/* clang-format off */
#if SET == 512
#define TILES(p) TILE(p, 1) TILE(p, 2) TILE(p, 3) TILE(p, 4)
#define NAMES(p) {tile_##p##_1, tile_##p##_2, tile_##p##_3, tile_##p##_4}
#define TILES_3(p) TILE(p, 1) TILE(p, 2) TILE(p, 3)
#define NAMES_3(p) {tile_##p##_1, tile_##p##_2, tile_##p##_3}
#else
#define TILES(p) TILE(p, 1)
#define NAMES(p) {tile_##p##_1}
#endif

TILES(1) TILES(2)
#if SET > 0
TILES(3) TILES(4) TILES(5) TILES(6)
#endif
#if SET == 512
TILES_3(7) TILES_3(8)
#endif

static tile_function *const tiles[MOST_POSITIONS][MOST_BLOCKS] = {
    NAMES(1), NAMES(2),
#if SET > 0
    NAMES(3), NAMES(4), NAMES(5), NAMES(6),
#endif
#if SET == 512
    NAMES_3(7), NAMES_3(8)
#endif
};
/* clang-format on */

static const uint32_t tile_positions[MOST_BLOCKS] = TILE_POSITIONS;

/* The sums of a tile before its taps: the bias, or those of the taps before. */
static void start(const floats_weights *weights, const floats_input *input, uint32_t channel,
                  uint32_t lanes, uint32_t count, uint32_t positions, float *const *output,
                  float *sums) TAGNODE_NONBLOCKING {
    for (uint32_t p = 0; p < positions; ++p, sums += lanes) {
        const float *from = input->first == 0 ? weights->bias + channel : output[p];
        const uint32_t given = input->first == 0 ? lanes : count;
        for (uint32_t c = 0; c < given; ++c) sums[c] = from[c];
        for (uint32_t c = given; c < lanes; ++c) sums[c] = 0.0F;
    }
}

/* The results of sums, of channels `channel` on. */
ALWAYS_INLINE void settle(const floats_weights *weights, size_t channel, size_t count,
                          const float *restrict sums, float *restrict output) {
    const float low = weights->low, high = weights->high;
    if (weights->scale == NULL) {
        for (size_t c = 0; c < count; ++c) output[c] = limited(sums[c], low, high);
        return;
    }
    const float *restrict scale = weights->scale + channel, *restrict shift =
                                                                weights->shift + channel;
    for (size_t c = 0; c < count; ++c)
        output[c] = limited(sums[c], low, high) * scale[c] + shift[c];
}

static void finish(const floats_weights *weights, bool last, uint32_t channel, uint32_t lanes,
                   uint32_t count, uint32_t positions, const float *sums, float *const *output)
    TAGNODE_NONBLOCKING {
    for (uint32_t p = 0; p < positions; ++p, sums += lanes) {
        if (last)
            settle(weights, channel, count, sums, output[p]);
        else
            memcpy(output[p], sums, count * sizeof *sums);
    }
}

/* Returns how many of `left` to compute next, at most `most`, so that the pieces are equal. */
static uint32_t share(uint32_t left, uint32_t most) TAGNODE_NONBLOCKING {
    const uint32_t times = (left + most - 1) / most;
    return (left + times - 1) / times;
}

/* All positions of `blocks` blocks from `channel` on, of which `count` channels are wanted;
 * `output` is that of `first`. */
static void compute(const floats_weights *weights, const floats_input *input, uint32_t first,
                    uint32_t channel, uint32_t blocks, uint32_t count, float *const *output)
    TAGNODE_NONBLOCKING {
    alignas(64) float sums[MOST_POSITIONS * MOST_BLOCKS * BLOCK];
    const size_t block = (size_t)weights->taps * BLOCK;
    const uint32_t lanes = blocks * BLOCK, most = tile_positions[blocks - 1];
    const bool last = input->first + input->count == weights->taps;
    tile_job job = {.pitch = input->pitch,
                    .step = input->step,
                    .length = weights->length,
                    .skip = input->skip,
                    .count = input->count,
                    .weights =
                        weights->weights + channel / BLOCK * block + (size_t)input->first * BLOCK,
                    .block_weights = block,
                    .sums = sums};
    for (uint32_t p = 0, positions; p < input->positions; p += positions) {
        positions = share(input->positions - p, most);
        float *to[MOST_POSITIONS];
        for (uint32_t i = 0; i < positions; ++i) to[i] = output[p + i] + (channel - first);
        job.runs = input->runs + p * input->pitch;
        job.offset = (ptrdiff_t)p * input->step;
        start(weights, input, channel, lanes, count, positions, to, sums);
        tiles[positions - 1][blocks - 1](&job);
        finish(weights, last, channel, lanes, count, positions, sums, to);
    }
}

static void product(const floats_weights *weights, const floats_input *input,
                    uint32_t first_channel, uint32_t count, float *const *output)
    TAGNODE_NONBLOCKING {
    uint32_t left = (count + BLOCK - 1) / BLOCK;
    const uint32_t end = first_channel + count;
    for (uint32_t channel = first_channel, blocks; left > 0; channel += blocks * BLOCK) {
        blocks = share(left, MOST_BLOCKS);
        const uint32_t lanes = blocks * BLOCK, rest = end - channel;
        compute(weights, input, first_channel, channel, blocks, lanes < rest ? lanes : rest,
                output);
        left -= blocks;
    }
}

/* ---- depthwise ---- */

/* One block of channels, `count` of which are wanted. */
ALWAYS_INLINE void weigh_block(const float *const *inputs, const float *const *weights,
                               uint32_t taps, const floats_weights *of, size_t channel,
                               size_t count, float *output) {
    vector sums[PARTS];
    UNROLL
    for (int q = 0; q < PARTS; ++q) sums[q] = load(of->bias + channel + (size_t)q * LANES);
    for (uint32_t t = 0; t < taps; ++t) {
        const float *input = inputs[t] + channel, *weight = weights[t] + channel;
        UNROLL
        for (int q = 0; q < PARTS; ++q)
            sums[q] = multiply_add(sums[q], load(input + (size_t)q * LANES),
                                   load(weight + (size_t)q * LANES));
    }
    alignas(64) float values[BLOCK];
    UNROLL
    for (int q = 0; q < PARTS; ++q) store(values + (size_t)q * LANES, sums[q]);
    settle(of, channel, count, values, output + channel);
}

static void weigh(const float *const *inputs, const float *const *weights, uint32_t taps,
                  const floats_weights *of, float *output) TAGNODE_NONBLOCKING {
    const size_t channels = of->channels;
    size_t c = 0;
    for (; c + BLOCK <= channels; c += BLOCK)
        weigh_block(inputs, weights, taps, of, c, BLOCK, output);
    if (c < channels) weigh_block(inputs, weights, taps, of, c, channels - c, output);
}

/* ---- inner products ---- */

/* Not fused: the same in all tables. */
ALWAYS_INLINE void dot_units(const float *input, const float *weights, size_t length, size_t apart,
                             int units, float *results) {
    vector sums[UNITS][PARTS];
    UNROLL
    for (int u = 0; u < units; ++u) {
        UNROLL
        for (int q = 0; q < PARTS; ++q) sums[u][q] = spread(0.0F);
    }
    size_t i = 0;
    for (; i + BLOCK <= length; i += BLOCK) {
        UNROLL
        for (int q = 0; q < PARTS; ++q) {
            const size_t at = i + (size_t)q * LANES;
            const vector x = load(input + at);
            UNROLL
            for (int u = 0; u < units; ++u)
                sums[u][q] = sums[u][q] + x * load(weights + (size_t)u * apart + at);
        }
    }
    UNROLL
    for (int u = 0; u < units; ++u) {
        alignas(64) float lanes[BLOCK];
        UNROLL
        for (int q = 0; q < PARTS; ++q) store(lanes + (size_t)q * LANES, sums[u][q]);
        for (size_t j = i, lane = 0; j < length; ++j, ++lane)
            lanes[lane] += input[j] * weights[(size_t)u * apart + j];
        for (size_t half = BLOCK / 2; half > 0; half /= 2)
            for (size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
        results[u] += lanes[0];
    }
}

static void dot(const float *input, const float *weights, size_t length, size_t apart,
                uint32_t units, float *sums) TAGNODE_NONBLOCKING {
    uint32_t u = 0;
    for (; u + UNITS <= units; u += UNITS)
        dot_units(input, weights + u * apart, length, apart, UNITS, sums + u);
    for (; u < units; ++u) dot_units(input, weights + u * apart, length, apart, 1, sums + u);
}

/* ---- functions ---- */

/* x = n ln 2 + r: returns r, |r| <= ln 2 / 2, and n as a float. ln 2 is split so that n times its
 * first part is exact (Cody and Waite). */
ALWAYS_INLINE float reduced(float x, float *n) {
    const float unit = 0x1.8p23F; /* where floats are 1 apart */
    const float whole = (x * 1.44269504F + unit) - unit;
    *n = whole;
    return (x - whole * 0.693359375F) + whole * 2.12194440e-4F;
}

/* e^r - 1, with the coefficients of Cephes' expf. */
ALWAYS_INLINE float series(float r) {
    float p = 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    return p * (r * r) + r;
}

/* 2^n for a whole number of -126 to 127. */
ALWAYS_INLINE float power_of_2(float n) {
    const float shifted = n + 12582912.0F; /* 1.5 * 2^23: n is in the low bits */
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits - 0x4B400000U + 127U) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* e^x, infinite above 88.7 and 0 below -87.3, where results would be denormal. */
ALWAYS_INLINE float exponential(float x) {
    float n;
    const float r = reduced(limited(x, -88.0F, 89.0F), &n);
    const float half = n > 0.0F ? 64.0F : 0.0F; /* in two steps, since 2^128 is infinite */
    const float y = (series(r) + 1.0F) * power_of_2(n - half) * power_of_2(half);
    return x < -87.3F ? 0.0F : x == x ? y : x;
}

/* e^x - 1 for x of -17 to 43. */
ALWAYS_INLINE float less_one(float x) {
    float n;
    const float r = reduced(x, &n), power = power_of_2(n);
    return power * series(r) + (power - 1.0F);
}

ALWAYS_INLINE float elu(float x) {
    const float below = less_one(limited(x, -17.0F, 0.0F));
    return x < 0.0F ? below : x;
}

ALWAYS_INLINE float logistic(float x) {
    return 1.0F / (1.0F + exponential(-x));
}

ALWAYS_INLINE float hyperbolic_tangent(float x) {
    const float e = less_one(2.0F * limited(x, -8.5F, 9.2F));
    const float y = e / (e + 2.0F);
    return x == x ? y : x;
}

#define EACH(f)                                                                                    \
    for (size_t i = 0; i < count; ++i) output[i] = f(scale * (input[i] - offset));                 \
    break

static void function(floats_code code, float offset, float scale, const float *input, float *output,
                     size_t count) TAGNODE_NONBLOCKING {
    switch (code) {
    case FLOATS_EXP: EACH(exponential);
    case FLOATS_ELU: EACH(elu);
    case FLOATS_LOGISTIC: EACH(logistic);
    case FLOATS_TANH: EACH(hyperbolic_tangent);
    case FLOATS_FUNCTIONS: break;
    }
}

#define JOINED(a, b) a##b
#define NAMED(name) JOINED(tagnode_floats_, name)
#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

extern const floats_table NAMED(TAGNODE_FLOATS_NAME);
const floats_table NAMED(TAGNODE_FLOATS_NAME) = {
    .name = TEXT(TAGNODE_FLOATS_NAME),
    .most_blocks = MOST_BLOCKS,
    .tile_positions = TILE_POSITIONS,
    .product = product,
    .weigh = weigh,
    .dot = dot,
    .function = function,
};
