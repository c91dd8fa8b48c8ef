/* tiles.h - code shared by the tables, compiled into each for its own instruction set. A table's
 * file defines the layout of its weights and `run_tile`, which computes the sums of a few positions
 * and a few blocks of 16 channels; this file has everything around it.
 *
 * Define before including it: LAYOUT_GROUP, consecutive bytes of a run that are stored together for
 * each channel (1, 2 or 4); packed_weight, their type; INPUT_OFFSET, what the tiles add to each
 * input byte; MOST_POSITIONS and MOST_BLOCKS, the largest tile each way, and MOST_SUMS, the largest
 * product of the two; NEAR_WEIGHTS, the bytes of weights that a tile should stay within.
 *
 * Sums may wrap around on the way (with vpdpbusd's unsigned input, for example), as the true ones
 * fit. */
#pragma once

#include "kernels/kernels.h"

#include <float.h>
#include <stdalign.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "requantisation counts on floats that round to float");

enum { BLOCK = KERNELS_BLOCK };

typedef struct {
    uint32_t positions, blocks;
    const int8_t *const *runs; /* of the tile's first position, at `offset` */
    size_t pitch;
    ptrdiff_t offset, step;
    uint32_t segments, padded_length;
    const packed_weight *weights; /* of the tile's first block */
    size_t block_weights;         /* from one block to the next */
    const int32_t *bias;
    int32_t *sums; /* [position][block][16] */
} tile_job;

typedef void tile_function(const tile_job *job) TAGNODE_NONBLOCKING;

static void run_tile(const tile_job *job) TAGNODE_NONBLOCKING;

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* gcc keeps an array in registers only if it unrolls the loops over it early: twice as fast. */
#define UNROLL _Pragma("GCC unroll 8")
/* gcc vectorises a loop over 16 only if it has not unrolled it before; clang does either way. */
#if defined(__clang__)
#define VECTORISE
#else
#define VECTORISE _Pragma("GCC unroll 1")
#endif

/* A tile with a constant number of positions (and blocks), so that the sums stay in registers. */
#define TILE(name, ...)                                                                            \
    static void name(const tile_job *job) TAGNODE_NONBLOCKING {                                    \
        tile(job, __VA_ARGS__);                                                                    \
    }

ALWAYS_INLINE const int8_t *run_of(const tile_job *job, int position, uint32_t segment) {
    return job->runs[(size_t)position * job->pitch + segment] + job->offset + position * job->step;
}

#ifdef STAGED
/* Inputs that tiles need in another form are staged, a stretch at a time: `stage`, from the table's
 * file, converts a few bytes (a multiple of 4), and this function the next ones of each position's
 * runs, one run after the other. Returns the bytes of a position; 0 at the end. */
enum { STRETCH = 1024 };

typedef struct {
    uint32_t segment, byte; /* what is next */
} place;

ALWAYS_INLINE void stage(const int8_t *bytes, uint32_t count, STAGED *staged);

ALWAYS_INLINE uint32_t stage_next(const tile_job *job, int positions, place *next,
                                  STAGED staged[][STRETCH]) {
    uint32_t filled = 0;
    while (filled < STRETCH && next->segment < job->segments) {
        const uint32_t left = job->padded_length - next->byte, room = STRETCH - filled,
                       count = left < room ? left : room;
        if (job->pitch == 0 && count == 4) {
            const int8_t *run = job->runs[next->segment] + job->offset;
            UNROLL
            for (int p = 0; p < positions; ++p) stage(run + p * job->step, 4, staged[p] + filled);
        } else {
            for (int p = 0; p < positions; ++p)
                stage(run_of(job, p, next->segment) + next->byte, count, staged[p] + filled);
        }
        filled += count;
        next->byte += count;
        if (next->byte == job->padded_length) *next = (place){next->segment + 1, 0};
    }
    return filled;
}
#endif

static size_t padded(size_t number, size_t unit) {
    return (number + unit - 1) / unit * unit;
}

static size_t block_weights(uint32_t segments, uint32_t length) {
    return (size_t)segments * padded(length, 4) * BLOCK;
}

static size_t packed_size(uint32_t channels, uint32_t segments, uint32_t length) {
    const size_t all = padded(channels, BLOCK);
    return all / BLOCK * block_weights(segments, length) * sizeof(packed_weight) +
           all * (sizeof(int32_t) + sizeof(float));
}

/* The bias with the zero point's share subtracted, or false if a sum could overflow int32. */
static bool pack_bias(const int8_t *filter, size_t length, int64_t bias, int32_t input_zero_point,
                      int32_t *packed) {
    int64_t sum = 0, least = 0, most = 0;
    for (size_t i = 0; i < length; ++i) {
        const int weight = filter[i];
        sum += weight;
        least += weight < 0 ? weight * INT8_MAX : weight * INT8_MIN;
        most += weight < 0 ? weight * INT8_MIN : weight * INT8_MAX;
    }
    bias -= input_zero_point * sum;
    if (bias + least < INT32_MIN || bias + most > INT32_MAX) return false;
    const uint32_t wrapped = (uint32_t)(bias - INPUT_OFFSET * sum);
    memcpy(packed, &wrapped, sizeof wrapped);
    return true;
}

/* One channel's weights: [segment][group][16][LAYOUT_GROUP], of which this fills every 16th. */
static void pack_channel(const int8_t *filter, const kernels_weights *packed,
                         packed_weight *weights) {
    for (uint32_t s = 0; s < packed->segments; ++s, filter += packed->length)
        for (uint32_t i = 0; i < packed->length; ++i) {
            const size_t at = (size_t)s * packed->padded_length + i;
            weights[at / LAYOUT_GROUP * LAYOUT_GROUP * BLOCK + at % LAYOUT_GROUP] = filter[i];
        }
}

static bool pack(const int8_t *filters, const int32_t *bias, int32_t input_zero_point,
                 uint32_t channels, uint32_t segments, uint32_t length, void *memory,
                 kernels_weights *packed) {
    const size_t filter = (size_t)segments * length, block = block_weights(segments, length),
                 all = padded(channels, BLOCK);
    packed_weight *weights = memset(memory, 0, packed_size(channels, segments, length));
    int32_t *packed_bias = (int32_t *)(void *)(weights + all / BLOCK * block);
    *packed = (kernels_weights){.channels = channels,
                                .segments = segments,
                                .length = length,
                                .padded_length = (uint32_t)padded(length, 4),
                                .weights = weights,
                                .bias = packed_bias,
                                .scale = (float *)(void *)(packed_bias + all),
                                .input_zero_point = input_zero_point,
                                .low = INT8_MIN,
                                .high = INT8_MAX};
    for (uint32_t c = 0; c < channels; ++c) {
        if (!pack_bias(filters + c * filter, filter, bias != NULL ? bias[c] : 0, input_zero_point,
                       packed_bias + c))
            return false;
        pack_channel(filters + c * filter, packed,
                     weights + c / BLOCK * block + (size_t)(c % BLOCK) * LAYOUT_GROUP);
    }
    return true;
}

/* Requantisation, in variables of the caller: what is written are bytes, which might be anything,
 * so that a compiler would load the weights' fields again for each block. */
typedef struct {
    const float *scale; /* of the first channel */
    float low, high;    /* less the zero point */
    int32_t zero_point;
} rounding;

ALWAYS_INLINE rounding rounding_of(const kernels_weights *weights, uint32_t channel) {
    return (rounding){weights->scale + channel, (float)(weights->low - weights->zero_point),
                      (float)(weights->high - weights->zero_point), weights->zero_point};
}

/* 16 sums to 16 bytes. Clamping comes first: the rest converts to int without overflow. */
ALWAYS_INLINE void requantise(rounding to, const float *scale, const int32_t *sums, int8_t *output);

#ifndef OWN_REQUANTISE
/* Adding 1.5 * 2^23, where floats are 1 apart, rounds to nearest even. */
ALWAYS_INLINE void requantise(rounding to, const float *scale, const int32_t *sums,
                              int8_t *output) {
    const float unit = 0x1.8p23F;
    VECTORISE
    for (int c = 0; c < BLOCK; ++c) {
        float value = (float)sums[c] * scale[c];
        value = value > to.low ? value : to.low;
        value = value < to.high ? value : to.high;
        output[c] = (int8_t)((int32_t)((value + unit) - unit) + to.zero_point);
    }
}
#endif

typedef struct {
    const kernels_weights *weights;
    uint32_t first, count; /* channels */
    int8_t *output;
    size_t stride;
    bool maximum, join;
} target;

/* Requantises `count` sums and writes them. */
ALWAYS_INLINE void finish(rounding to, uint32_t count, const int32_t *sums, int8_t *output) {
    uint32_t c = 0;
    for (; c + BLOCK <= count; c += BLOCK) requantise(to, to.scale + c, sums + c, output + c);
    if (c == count) return;
    int8_t block[BLOCK];
    requantise(to, to.scale + c, sums + c, block);
    memcpy(output + c, block, count - c);
}

/* The same, combined with what is there. */
static void finish_join(rounding to, uint32_t count, const int32_t *sums, int8_t *output)
    TAGNODE_NONBLOCKING {
    int8_t block[BLOCK];
    for (uint32_t c = 0; c < count; ++c) {
        if (c % BLOCK == 0) requantise(to, to.scale + c, sums + c, block);
        const int8_t here = block[c % BLOCK];
        output[c] = output[c] > here ? output[c] : here;
    }
}

/* `best` becomes the maximum of itself and each position's sums. Requantisation is monotonic, so
 * the maximum of the sums gives the maximum of the outputs. */
static inline void keep_most(const int32_t *sums, uint32_t positions, uint32_t lanes, int32_t *best)
    TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < lanes; i += BLOCK) {
        int32_t most[BLOCK];
        memcpy(most, best + i, sizeof most);
        for (uint32_t p = 0; p < positions; ++p) {
            const int32_t *sum = sums + (size_t)p * lanes + i;
            VECTORISE
            for (int c = 0; c < BLOCK; ++c) most[c] = most[c] > sum[c] ? most[c] : sum[c];
        }
        memcpy(best + i, most, sizeof most);
    }
}

/* Returns how many of `left` to process next, at most `most`, so that the pieces are equal. */
static uint32_t share(uint32_t left, uint32_t most) TAGNODE_NONBLOCKING {
    const uint32_t times = (left + most - 1) / most;
    return (left + times - 1) / times;
}

/* All positions of `blocks` blocks from `channel` on. */
static void compute_blocks(const target *to, const kernels_input *input, uint32_t channel,
                           uint32_t blocks) TAGNODE_NONBLOCKING {
    alignas(64) int32_t sums[MOST_POSITIONS * MOST_BLOCKS * BLOCK];
    alignas(64) int32_t best[MOST_BLOCKS * BLOCK];
    const kernels_weights *weights = to->weights;
    const rounding to_bytes = rounding_of(weights, channel);
    const size_t block = block_weights(weights->segments, weights->length);
    const uint32_t lanes = blocks * BLOCK, left = to->first + to->count - channel,
                   count = lanes < left ? lanes : left;
    tile_job job = {.blocks = blocks,
                    .pitch = input->pitch,
                    .step = input->step,
                    .segments = weights->segments,
                    .padded_length = weights->padded_length,
                    .weights = (const packed_weight *)weights->weights + channel / BLOCK * block,
                    .block_weights = block,
                    .bias = weights->bias + channel,
                    .sums = sums};
    const uint32_t most = MOST_SUMS / blocks < MOST_POSITIONS ? MOST_SUMS / blocks : MOST_POSITIONS;
    for (uint32_t i = 0; i < lanes; ++i) best[i] = INT32_MIN;
    for (uint32_t p = 0, positions; p < input->positions; p += positions) {
        positions = share(input->positions - p, most);
        job.runs = input->runs + p * input->pitch;
        job.offset = (ptrdiff_t)p * input->step;
        job.positions = positions;
        run_tile(&job);
        if (to->maximum) {
            keep_most(sums, positions, lanes, best);
            continue;
        }
        for (uint32_t i = 0; i < positions; ++i)
            finish(to_bytes, count, sums + (size_t)i * lanes,
                   to->output + (p + i) * to->stride + channel);
    }
    if (to->maximum && to->join)
        finish_join(to_bytes, count, best, to->output + channel);
    else if (to->maximum)
        finish(to_bytes, count, best, to->output + channel);
}

static void compute(const target *to, const kernels_input *input) TAGNODE_NONBLOCKING {
    const size_t block = block_weights(to->weights->segments, to->weights->length),
                 near = NEAR_WEIGHTS / (block * sizeof(packed_weight));
    const uint32_t most = near >= MOST_BLOCKS ? MOST_BLOCKS : near > 1 ? (uint32_t)near : 1;
    uint32_t left = (to->count + BLOCK - 1) / BLOCK;
    for (uint32_t channel = to->first, blocks; left > 0; channel += blocks * BLOCK) {
        blocks = share(left, most);
        compute_blocks(to, input, channel, blocks);
        left -= blocks;
    }
}

static void product(const kernels_weights *weights, const kernels_input *input,
                    uint32_t first_channel, uint32_t count, int8_t *output, size_t stride)
    TAGNODE_NONBLOCKING {
    compute(&(target){weights, first_channel, count, output, stride, false, false}, input);
}

static void product_max(const kernels_weights *weights, const kernels_input *input,
                        uint32_t first_channel, uint32_t count, int8_t *output, bool join)
    TAGNODE_NONBLOCKING {
    compute(&(target){weights, first_channel, count, output, 0, true, join}, input);
}

typedef int8_t bytes16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef int16_t pairs8 __attribute__((vector_size(16), aligned(1), may_alias));

/* 16 columns of four rows: bytes into pairs, pairs into fours. Compilers do not find this in the
 * loop below. */
ALWAYS_INLINE void interleave16(const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d,
                                int8_t *output) {
    const bytes16 ra = *(const bytes16 *)a, rb = *(const bytes16 *)b, rc = *(const bytes16 *)c,
                  rd = *(const bytes16 *)d;
#define LOWER(x, y)                                                                                \
    __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define UPPER(x, y)                                                                                \
    __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    const pairs8 ab[2] = {(pairs8)LOWER(ra, rb), (pairs8)UPPER(ra, rb)};
    const pairs8 cd[2] = {(pairs8)LOWER(rc, rd), (pairs8)UPPER(rc, rd)};
#undef LOWER
#undef UPPER
    pairs8 *to = (pairs8 *)output;
    UNROLL
    for (size_t i = 0; i < 2; ++i) {
        to[2 * i] = __builtin_shufflevector(ab[i], cd[i], 0, 8, 1, 9, 2, 10, 3, 11);
        to[2 * i + 1] = __builtin_shufflevector(ab[i], cd[i], 4, 12, 5, 13, 6, 14, 7, 15);
    }
}

/* Sums of 16 channels over taps. Products of two bytes fit int16. */
ALWAYS_INLINE void add_taps(const int8_t *const *inputs, const int8_t *const *filters,
                            uint32_t taps, uint32_t channel, const int32_t *bias, int32_t *sums);

#ifndef OWN_ADD_TAPS
ALWAYS_INLINE void add_taps(const int8_t *const *inputs, const int8_t *const *filters,
                            uint32_t taps, uint32_t channel, const int32_t *bias, int32_t *sums) {
    memcpy(sums, bias, BLOCK * sizeof *sums);
    for (uint32_t t = 0; t < taps; ++t) {
        const int8_t *input = inputs[t] + channel, *filter = filters[t] + channel;
        VECTORISE
        for (int c = 0; c < BLOCK; ++c) sums[c] += (int16_t)(input[c] * filter[c]);
    }
}
#endif

static void weigh(const int8_t *const *inputs, const int8_t *const *filters, uint32_t taps,
                  const kernels_weights *weights, int8_t *output) TAGNODE_NONBLOCKING {
    alignas(64) int32_t sums[BLOCK];
    const int32_t *bias = weights->bias;
    const uint32_t channels = weights->channels;
    const rounding to = rounding_of(weights, 0);
    for (uint32_t c = 0; c < channels; c += BLOCK) {
        add_taps(inputs, filters, taps, c, bias + c, sums);
        const uint32_t left = channels - c;
        rounding here = to;
        here.scale += c;
        finish(here, left < BLOCK ? left : BLOCK, sums, output + c);
    }
}

ALWAYS_INLINE bytes16 greater(bytes16 a, bytes16 b) {
    const bytes16 chosen = a > b;
    return (a & chosen) | (b & ~chosen);
}

static void greatest(const int8_t *const *rows, uint32_t count, size_t length, int8_t low,
                     int8_t high, int8_t *output) TAGNODE_NONBLOCKING {
    const bytes16 none = {0}, least = none + low, most = none + high;
    for (size_t i = 0; length >= BLOCK && i < length; i += BLOCK) {
        if (i + BLOCK > length) i = length - BLOCK; /* the last ones once more */
        bytes16 best = least;
        for (uint32_t r = 0; r < count; ++r) best = greater(best, *(const bytes16 *)(rows[r] + i));
        *(bytes16 *)(output + i) = ~greater(~best, ~most); /* the lesser */
    }
    for (size_t i = 0; length < BLOCK && i < length; ++i) {
        int8_t best = low;
        for (uint32_t r = 0; r < count; ++r) best = best > rows[r][i] ? best : rows[r][i];
        output[i] = best < high ? best : high;
    }
}

static void interleave4(const int8_t *const *rows, uint32_t count, int8_t *output)
    TAGNODE_NONBLOCKING {
    const int8_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    uint32_t i = 0;
    for (; i + 16 <= count; i += 16)
        interleave16(a + i, b + i, c + i, d + i, output + 4 * (size_t)i);
    for (; i < count; ++i) {
        const uint32_t four = (uint32_t)(uint8_t)a[i] | (uint32_t)(uint8_t)b[i] << 8 |
                              (uint32_t)(uint8_t)c[i] << 16 | (uint32_t)(uint8_t)d[i] << 24;
        memcpy(output + 4 * (size_t)i, &four, sizeof four);
    }
}

/* The table `id`, with the float32 arithmetic of the table `real`. */
#define KERNELS_TABLE(id, real)                                                                    \
    extern const floats_table tagnode_floats_##real;                                               \
    extern const kernels_table tagnode_kernels_##id;                                               \
    const kernels_table tagnode_kernels_##id = {#id,      packed_size, pack,                       \
                                                product,  product_max, weigh,                      \
                                                greatest, interleave4, &tagnode_floats_##real}
