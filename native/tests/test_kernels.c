/* test_kernels.c - every table of kernels that this machine supports, compared with sums in int64
 * and C's own rounding. Inputs, weights and outputs end at the end of readable memory. */
#include "check.h"
#include "guarded.h"
#include "kernels/kernels.h"
#include "support/aligned.h"
#include "support/machine.h"
#include "system.h"
#include "tagger/ops_internal.h"

#include <stdalign.h>

enum { CANARY = 0x5A };

typedef struct {
    uint32_t positions, segments, length, channels;
    size_t step; /* 0: each position has its own pointers */
    int fill;    /* INT_MAX: random; otherwise every input and weight is this or its opposite end */
    float scale;
} shape;

enum { RANDOM = 1000 };

typedef struct {
    shape of;
    size_t taps, row; /* of a channel; bytes of each row of inputs */
    uint32_t rows;
    int32_t input_zero_point, zero_point;
    int8_t low, high;
    int8_t *filters, *expected; /* expected: [position][channel] */
    int32_t *bias;
    float *scale;
    const int8_t **runs;
    guarded inputs;
    kernels_input input;
} problem;

static uint32_t below(uint32_t *random, uint32_t bound) {
    return next_number(random) % bound;
}

static int8_t byte(uint32_t *random, int fill) {
    if (fill == RANDOM) return (int8_t)below(random, 256);
    return (int8_t)fill;
}

static void *take(size_t size) {
    void *memory = calloc(size + 1, 1);
    if (memory == NULL) abort();
    return memory;
}

static const int8_t *run_at(const problem *one, uint32_t position, uint32_t segment) {
    return one->input.runs[position * one->input.pitch + segment] + position * one->input.step;
}

static int8_t expect(const problem *one, uint32_t position, uint32_t channel) {
    const shape *of = &one->of;
    int64_t sum = one->bias[channel];
    for (uint32_t s = 0; s < of->segments; ++s)
        for (uint32_t i = 0; i < of->length; ++i)
            sum += (int64_t)(run_at(one, position, s)[i] - one->input_zero_point) *
                   one->filters[channel * one->taps + (size_t)s * of->length + i];
    if (sum < INT32_MIN || sum > INT32_MAX) abort(); /* an error of the test */
    const float value = (float)(int32_t)sum * one->scale[channel];
    const double rounded = (double)nearbyintf(value) + one->zero_point;
    return (int8_t)fmin(fmax(rounded, one->low), one->high);
}

/* Runs of rows that are `row` bytes apart, the last of which ends where memory does; positions
 * along a row, or anywhere. */
static void place_runs(problem *one, uint32_t *random) {
    const shape *of = &one->of;
    const uint32_t padded = (of->length + 3) / 4 * 4;
    const bool shared = of->step != 0;
    one->rows = shared ? of->segments : of->segments + below(random, 5);
    one->row = padded + (shared ? (of->positions - 1) * of->step : below(random, 9));
    one->inputs = guard(one->rows * one->row);
    int8_t *data = one->inputs.data;
    for (size_t i = 0; i < one->rows * one->row; ++i) data[i] = byte(random, of->fill);
    const size_t count = shared ? of->segments : (size_t)of->segments * of->positions;
    one->runs = (const int8_t **)take(count * sizeof *one->runs);
    for (size_t i = 0; i < count; ++i)
        one->runs[i] = shared ? data + i * one->row
                              : data + below(random, one->rows) * one->row +
                                    below(random, (uint32_t)(one->row - padded + 1));
    one->input =
        (kernels_input){one->runs, shared ? 0 : of->segments, (ptrdiff_t)of->step, of->positions};
}

static problem pose(const shape *of, uint32_t *random) {
    problem one = {.of = *of, .taps = (size_t)of->segments * of->length};
    const bool whole = of->fill == RANDOM;
    one.input_zero_point = whole ? (int32_t)below(random, 256) - 128 : -1 - of->fill;
    one.zero_point =
        below(random, 4) == 0 ? (below(random, 2) ? 127 : -128) : (int32_t)below(random, 256) - 128;
    one.low = below(random, 2) ? -128 : (int8_t)((int)below(random, 200) - 128);
    one.high = below(random, 2) ? 127 : (int8_t)(one.low + (int)below(random, 50));
    one.filters = take(one.taps * of->channels);
    one.bias = take(of->channels * sizeof *one.bias);
    one.scale = take(of->channels * sizeof *one.scale);
    one.expected = take((size_t)of->positions * of->channels);
    for (size_t i = 0; i < one.taps * of->channels; ++i)
        one.filters[i] = byte(random, whole ? RANDOM : (below(random, 2) ? 127 : -128));
    for (uint32_t c = 0; c < of->channels; ++c) {
        one.bias[c] = (int32_t)below(random, 200000) - 100000;
        one.scale[c] = of->scale * (float)(1 + below(random, 1000)) / 1000.0F;
    }
    place_runs(&one, random);
    for (uint32_t p = 0; p < of->positions; ++p)
        for (uint32_t c = 0; c < of->channels; ++c)
            one.expected[(size_t)p * of->channels + c] = expect(&one, p, c);
    return one;
}

static void forget(problem *one) {
    free(one->filters);
    free(one->bias);
    free(one->scale);
    free(one->expected);
    free((void *)one->runs);
    unguard(&one->inputs);
}

/* All at once, or in slices of random numbers of blocks; the order does not matter. */
static uint32_t slice(uint32_t channels, uint32_t first, bool whole, uint32_t *random) {
    const uint32_t left = channels - first, some = 16 * (1 + below(random, 6));
    return whole || some > left ? left : some;
}

static bool product_holds(const kernels_table *table, const problem *one,
                          const kernels_weights *weights, bool whole, uint32_t *random) {
    const uint32_t channels = one->of.channels, positions = one->of.positions;
    const size_t stride = channels + below(random, 3) * 16;
    const size_t size = (positions - 1) * stride + channels;
    guarded output = guard(size);
    int8_t *bytes = memset(output.data, CANARY, size);
    for (uint32_t c = 0, count; c < channels; c += count) {
        count = slice(channels, c, whole, random);
        table->product(weights, &one->input, c, count, bytes, stride);
    }
    bool holds = true;
    for (size_t i = 0; i < size; ++i)
        holds &=
            bytes[i] ==
            (i % stride < channels ? one->expected[i / stride * channels + i % stride] : CANARY);
    unguard(&output);
    return holds;
}

/* Twice: alone, and combined with bytes of which some are larger. */
static bool maximum_holds(const kernels_table *table, const problem *one,
                          const kernels_weights *weights, bool join, uint32_t *random) {
    const uint32_t channels = one->of.channels;
    guarded output = guard(channels);
    int8_t *bytes = output.data, *expected = take(channels);
    for (uint32_t c = 0; c < channels; ++c) {
        bytes[c] = (int8_t)below(random, 256);
        expected[c] = join ? bytes[c] : INT8_MIN;
        for (uint32_t p = 0; p < one->of.positions; ++p)
            if (one->expected[(size_t)p * channels + c] > expected[c])
                expected[c] = one->expected[(size_t)p * channels + c];
    }
    for (uint32_t c = 0, count; c < channels; c += count) {
        count = slice(channels, c, !join, random);
        table->product_max(weights, &one->input, c, count, bytes, join);
    }
    const bool holds = memcmp(bytes, expected, channels) == 0;
    free(expected);
    unguard(&output);
    return holds;
}

static void try_table(const kernels_table *table, const problem *one, uint32_t *random) {
    const shape *of = &one->of;
    const size_t size = table->packed_size(of->channels, of->segments, of->length);
    guarded memory = guard(size);
    kernels_weights weights;
    CHECK(size % 64 == 0);
    CHECK(table->pack(one->filters, one->bias, one->input_zero_point, of->channels, of->segments,
                      of->length, memory.data, &weights));
    CHECK(weights.padded_length == (of->length + 3) / 4 * 4 && weights.channels == of->channels);
    weights.zero_point = one->zero_point;
    weights.low = one->low;
    weights.high = one->high;
    memcpy(weights.scale, one->scale, of->channels * sizeof *one->scale);
    guard_from_writing(&memory);
    bool held = CHECK(product_holds(table, one, &weights, true, random));
    held = CHECK(product_holds(table, one, &weights, false, random)) && held;
    held = CHECK(maximum_holds(table, one, &weights, false, random)) && held;
    held = CHECK(maximum_holds(table, one, &weights, true, random)) && held;
    if (!held)
        fprintf(stderr, "%s: %u positions %zu apart, %u segments of %u, %u channels\n", table->name,
                of->positions, of->step, of->segments, of->length, of->channels);
    unguard(&memory);
}

static void try_shape(const shape *of, uint32_t *random) {
    problem one = pose(of, random);
    const kernels_table *table;
    for (uint32_t t = 0; (table = kernels_at(t)) != NULL; ++t) try_table(table, &one, random);
    forget(&one);
}

static void real_models(uint32_t *random) {
    static const shape shapes[] = {
        {59, 7, 38, 73, 1, RANDOM, 1e-4F},  {30, 7, 67, 79, 1, RANDOM, 1e-4F},
        {96, 32, 4, 18, 4, RANDOM, 1e-4F},  {96, 16, 4, 19, 4, RANDOM, 1e-4F},
        {96, 8, 4, 46, 4, RANDOM, 1e-4F},   {96, 128, 1, 18, 1, RANDOM, 1e-4F},
        {8, 7, 235, 64, 0, RANDOM, 1e-4F},  {1, 7, 235, 64, 235, RANDOM, 1e-4F},
        {3, 7, 64, 64, 0, RANDOM, 1e-4F},   {17, 3, 384, 128, 128, RANDOM, 1e-4F},
        {1, 1, 1506, 200, 0, RANDOM, 1e-4F}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; ++i) try_shape(&shapes[i], random);
}

static void random_shapes(uint32_t *random, uint32_t times) {
    static const float scales[] = {1e-3F, 1e-2F, 1.0F, 1e-6F};
    for (uint32_t i = 0; i < times; ++i) {
        const bool longer = below(random, 8) == 0;
        const shape of = {.positions = 1 + below(random, longer ? 3 : 20),
                          .segments = 1 + below(random, longer ? 3 : 9),
                          .length = 1 + below(random, longer ? 900 : 40),
                          .channels = 1 + below(random, longer ? 40 : 150),
                          .step = (size_t)below(random, 3) * below(random, 8),
                          .fill = RANDOM,
                          .scale = scales[below(random, 4)]};
        try_shape(&of, random);
    }
}

/* The largest possible sums, scales from nothing to infinite results, zero points at either end
 * (byte -128 with zero point 127 and vice versa). */
static void extremes(uint32_t *random) {
    static const float scales[] = {1e-45F, 1e-38F, 1e-9F, 1e-4F, 1.0F, 1e9F, 3e38F};
    static const int fills[] = {-128, 127};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; ++i)
        for (size_t j = 0; j < 2; ++j) {
            const shape small = {7, 3, 13, 35, 5, fills[j], scales[i]};
            const shape large = {2, 2, 20000, 17, 0, fills[j], scales[i]};
            try_shape(&small, random);
            try_shape(&large, random);
        }
}

/* Sums that hit halves, and sums beyond 2^24, which rounds them before they are scaled: a single
 * weight of 1, whose input is 0, and all the rest in the bias. */
static void rounding(const kernels_table *table) {
    enum { CHANNELS = 48 };
    int8_t filters[CHANNELS], output[CHANNELS], input[4] = {0};
    int32_t bias[CHANNELS];
    alignas(64) char memory[4096];
    const int8_t *const runs[] = {input};
    kernels_weights weights;
    for (int c = 0; c < CHANNELS; ++c) {
        filters[c] = 1;
        bias[c] = c < 24 ? c - 12 : ((c & 1) != 0 ? -1 : 1) * ((1 << 30) / (c - 23) + c);
    }
    CHECK(table->packed_size(CHANNELS, 1, 1) <= sizeof memory);
    CHECK(table->pack(filters, bias, 0, CHANNELS, 1, 1, memory, &weights));
    weights.zero_point = 3;
    for (int c = 0; c < CHANNELS; ++c)
        weights.scale[c] = c < 24 ? 0.5F : 0x1p-23F * (1.0F + (float)c / 64.0F);
    table->product(&weights, &(kernels_input){runs, 0, 0, 1}, 0, CHANNELS, output, CHANNELS);
    for (int c = 0; c < CHANNELS; ++c) {
        const float value = (float)bias[c] * weights.scale[c];
        CHECK(output[c] == (int8_t)fmin(fmax((double)nearbyintf(value) + 3, -128), 127));
    }
    CHECK(output[13] == 3 && output[15] == 5 && output[11] == 3 && output[9] == 1); /* to even */
}

/* Packing accepts what fits int32, and nothing else. */
static void overflow(const kernels_table *table) {
    enum { LENGTH = 1000 };
    int8_t filters[2 * LENGTH];
    kernels_weights weights;
    void *memory = tagnode_aligned_calloc(table->packed_size(2, 1, LENGTH));
    memset(filters, 1, LENGTH);
    memset(filters + LENGTH, -1, LENGTH); /* sums -127000 to 128000 and about */
    int32_t bias[2] = {INT32_MAX - 127 * LENGTH, INT32_MIN + 127 * LENGTH};
    CHECK(table->pack(filters, bias, 0, 2, 1, LENGTH, memory, &weights));
    ++bias[0];
    CHECK(!table->pack(filters, bias, 0, 2, 1, LENGTH, memory, &weights));
    CHECK(table->pack(filters, bias, 1, 1, 1, LENGTH, memory, &weights)); /* 1000 less */
    --bias[0], --bias[1];
    CHECK(!table->pack(filters, bias, 0, 2, 1, LENGTH, memory, &weights));
    CHECK(table->pack(filters, NULL, 127, 2, 1, LENGTH, memory, &weights));
    tagnode_aligned_free(memory);
}

static void interleaving(const kernels_table *table, uint32_t *random) {
    for (uint32_t count = 1; count < 200; count += count < 40 ? 1 : 13) {
        guarded rows[4], output = guard((size_t)4 * count);
        const int8_t *row[4];
        for (int r = 0; r < 4; ++r) {
            rows[r] = guard(count);
            row[r] = rows[r].data;
            for (uint32_t i = 0; i < count; ++i) ((int8_t *)rows[r].data)[i] = byte(random, RANDOM);
        }
        table->interleave4(row, count, output.data);
        bool holds = true;
        for (uint32_t i = 0; i < 4 * count; ++i)
            holds &= ((int8_t *)output.data)[i] == row[i % 4][i / 4];
        CHECK(holds);
        for (int r = 0; r < 4; ++r) unguard(&rows[r]);
        unguard(&output);
    }
}

/* Taps of channels, whose rows end after a whole block of 16, and an output that ends at once. */
static void weighing(const kernels_table *table, uint32_t *random) {
    enum { TAPS = 12, CHANNELS = 80, FULL = (CHANNELS + 15) / 16 * 16 };
    for (int turn = 0; turn < 300; ++turn) {
        const uint32_t channels = 1 + below(random, CHANNELS), taps = below(random, TAPS + 1),
                       padded = (channels + 15) / 16 * 16;
        const int fill = turn % 10 == 0 ? INT8_MIN : RANDOM;
        guarded row[2][TAPS], output = guard(channels);
        const int8_t *rows[2][TAPS];
        int32_t bias[FULL];
        float scale[FULL];
        for (uint32_t t = 0; t < 2 * taps; ++t) {
            guarded *one = &row[t % 2][t / 2];
            *one = guard(padded);
            rows[t % 2][t / 2] = one->data;
            for (uint32_t i = 0; i < padded; ++i) ((int8_t *)one->data)[i] = byte(random, fill);
        }
        for (int c = 0; c < FULL; ++c) {
            bias[c] = (int32_t)below(random, 40000) - 20000;
            scale[c] = ldexpf(1 + (float)below(random, 100) / 100, -(int)below(random, 16));
        }
        const kernels_weights weights = {.channels = channels,
                                         .bias = bias,
                                         .scale = scale,
                                         .zero_point = (int32_t)below(random, 256) - 128,
                                         .low = (int8_t)(below(random, 100) - 128),
                                         .high = (int8_t)(below(random, 100) + 28)};
        table->weigh(rows[0], rows[1], taps, &weights, output.data);
        bool holds = true;
        for (uint32_t c = 0; c < channels; ++c) {
            int32_t sum = bias[c];
            for (uint32_t t = 0; t < taps; ++t) sum += rows[0][t][c] * rows[1][t][c];
            const double rounded = (double)nearbyintf((float)sum * scale[c]) + weights.zero_point;
            holds &= ((int8_t *)output.data)[c] == fmin(fmax(rounded, weights.low), weights.high);
        }
        CHECK(holds);
        for (uint32_t t = 0; t < 2 * taps; ++t) unguard(&row[t % 2][t / 2]);
        unguard(&output);
    }
}

static void greatest_of_rows(const kernels_table *table, uint32_t *random) {
    enum { ROWS = 6 };
    for (uint32_t length = 1; length < 120; ++length) {
        const uint32_t count = below(random, ROWS + 1);
        const int8_t low = (int8_t)(below(random, 60) - 128),
                     high = (int8_t)(below(random, 60) + 40);
        guarded row[ROWS], output = guard(length);
        const int8_t *rows[ROWS];
        for (uint32_t r = 0; r < count; ++r) {
            row[r] = guard(length);
            rows[r] = row[r].data;
            for (uint32_t i = 0; i < length; ++i) ((int8_t *)row[r].data)[i] = byte(random, RANDOM);
        }
        table->greatest(rows, count, length, low, high, output.data);
        bool holds = true;
        for (uint32_t i = 0; i < length; ++i) {
            int most = low;
            for (uint32_t r = 0; r < count; ++r) most = rows[r][i] > most ? rows[r][i] : most;
            holds &= ((int8_t *)output.data)[i] == (most < high ? most : high);
        }
        CHECK(holds);
        for (uint32_t r = 0; r < count; ++r) unguard(&row[r]);
        unguard(&output);
    }
}

static void choice(void) {
    const kernels_table *table, *best = NULL;
    CHECK(strcmp(kernels_at(0)->name, "portable") == 0 && kernels_at(1000) == NULL);
    unsetenv("TAGNODE_ISA");
    for (uint32_t t = 0; (table = kernels_at(t)) != NULL; ++t) best = table;
    CHECK(kernels_select() == best);
    for (uint32_t t = 0; (table = kernels_at(t)) != NULL; ++t) {
        setenv("TAGNODE_ISA", table->name, 1);
        CHECK(kernels_select() == table);
        CHECK(strcmp(tagnode_model_instruction_set(), table->name) == 0);
    }
    setenv("TAGNODE_ISA", "avx512", 1);
    CHECK(kernels_select() ==
          best); /* AVX-512 is the best table if supported; otherwise the name is unknown */
    setenv("TAGNODE_ISA", "none", 1);
    CHECK(kernels_select() == best);
    unsetenv("TAGNODE_ISA");
}

#if defined(__x86_64__) /* as the compiler's library sees it, which is written apart */
static void instruction_sets(void) {
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl");
    CHECK(machine_has(MACHINE_AVX2) == avx2);
    CHECK(machine_has(MACHINE_AVX_VNNI) == (avx2 && __builtin_cpu_supports("avxvnni")));
    CHECK(machine_has(MACHINE_AVX512) ==
          (avx512 && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma")));
    CHECK(machine_has(MACHINE_AVX512_VNNI) == (avx512 && __builtin_cpu_supports("avx512vnni")));
    CHECK(!machine_has(MACHINE_DOT_PRODUCT));
}
#else
static void instruction_sets(void) {
    CHECK(!machine_has(MACHINE_AVX2) && !machine_has(MACHINE_AVX512));
}
#endif

/* ---- fixed point ---- */

/* gemmlowp's two roundings in other words: the product over 2^31 to the nearest integer, halves up;
 * that over a power of two to the nearest, halves away from 0. */
static int64_t fixed_times(int32_t value, int32_t multiplier, int shift) {
    const int64_t product = (int64_t)value * multiplier + (INT64_C(1) << 30);
    const int64_t below = product % (INT64_C(1) << 31) < 0 ? 1 : 0;
    const int64_t high = product / (INT64_C(1) << 31) - below;
    const double nearest = round(ldexp((double)high, shift)); /* exact: 31 bits */
    return (int64_t)nearest;
}

static void fixed_point(void) {
    uint32_t random = 3;
    for (int shift = 0; shift >= -31; --shift)
        for (int i = 0; i < 2000; ++i) {
            const double mantissa = 0.5 + next_number(&random) / 8589934592.0;
            const ops_fixed by = ops_fixed_of(ldexp(mantissa, shift));
            const int32_t value = (int32_t)(next_number(&random) >> next_number(&random) % 31) *
                                  (i % 2 == 0 ? 1 : -1);
            CHECK_NEAR(by.multiplier, mantissa * 2147483648.0, 0.5);
            CHECK(by.shift == shift);
            if (value < -(1 << 30) || value > 1 << 30) continue; /* limited, see ops.c */
            CHECK(ops_fixed_times(value, by) == fixed_times(value, by.multiplier, shift));
        }
}

/* Argument: the number of random shapes, for slow machines. */
int main(int count, char **arguments) {
    uint32_t random = 2463534242U;
    const kernels_table *table;
    choice();
    instruction_sets();
    for (uint32_t t = 0; (table = kernels_at(t)) != NULL; ++t) {
        rounding(table);
        overflow(table);
        interleaving(table, &random);
        weighing(table, &random);
        greatest_of_rows(table, &random);
    }
    real_models(&random);
    extremes(&random);
    random_shapes(&random, count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 3000);
    fixed_point();
    return closing_line();
}
