/* test_floats.c - every table of float arithmetic that this machine supports: sums bit for bit
 * those of C's fmaf (of a multiplication and an addition in the portable table) in the order of
 * floats.h, functions within 3 units of the last place of libm's in double. Inputs end where memory
 * does. */
#include <math.h>
#include <stdalign.h>

#include "check.h"
#include "guarded.h"
#include "kernels/kernels.h"

static uint32_t below(uint32_t *random, uint32_t bound) {
    return next_number(random) % bound;
}

static float real(uint32_t *random) {
    return (float)next_number(random) / 2147483648.0F - 1.0F;
}

static void *take(size_t size) {
    void *memory = calloc(size + 1, 1);
    if (memory == NULL) abort();
    return memory;
}

static void fill(float *values, size_t count, uint32_t *random) {
    for (size_t i = 0; i < count; ++i) values[i] = real(random);
}

#if defined(_WIN32) /* whose fmaf rounds twice */
/* Boldo and Melquiond, "Emulation of FMA and correctly rounded sums" (2008): a sum that is rounded
 * to odd in double rounds to float as the exact one. */
static float fused_multiply_add(float a, float b, float c) {
    const double product = (double)a * b; /* exact */
    double sum = product + c;
    const double added = sum - product, error = (product - (sum - added)) + (c - added);
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    if (error != 0 && (bits & 1) == 0) bits += (error > 0) == (sum > 0) ? 1 : UINT64_MAX;
    memcpy(&sum, &bits, sizeof bits);
    return (float)sum;
}
#else
static float fused_multiply_add(float a, float b, float c) {
    return fmaf(a, b, c);
}
#endif

/* Returns sum + a * b as a table computes it. */
static float added(const floats_table *table, float sum, float a, float b) {
    const bool fused = strcmp(table->name, "portable") != 0;
    const volatile float product = a * b; /* rounded */
    return fused ? fused_multiply_add(a, b, sum) : sum + product;
}

/* Returns the result of a channel's sum: clamped, then scaled and shifted, each rounded. */
static float settled(float sum, const floats_weights *of, uint32_t channel) {
    const volatile float clamped = fminf(fmaxf(sum, of->low), of->high);
    if (of->scale == NULL) return clamped;
    const volatile float scaled = clamped * of->scale[channel];
    return scaled + of->shift[channel];
}

/* Puts random values behind a bias of `padded` channels, where there is room for scale and shift.
 */
static void follow(floats_weights *of, size_t padded, uint32_t *random) {
    of->scale = of->bias + padded;
    of->shift = of->scale + padded;
    for (size_t i = 0; i < 2 * padded; ++i) of->scale[i] = real(random);
}

/* ---- product ---- */

typedef struct {
    uint32_t positions, segments, length, channels, step;
} shape;

typedef struct {
    shape of;
    uint32_t taps;
    float *filters, *bias;
    const float **runs;
    guarded inputs;
    size_t pitch;
} problem;

static problem pose(const shape *of, uint32_t *random) {
    problem one = {.of = *of, .taps = of->segments * of->length};
    const bool shared = of->step != 0;
    const size_t rows = of->segments + (shared ? 0 : below(random, 4));
    const size_t row = of->length + (shared ? (size_t)(of->positions - 1) * of->step : 7);
    const size_t count = shared ? of->segments : (size_t)of->segments * of->positions;
    one.pitch = shared ? 0 : of->segments;
    one.filters = take((size_t)one.taps * of->channels * sizeof(float));
    one.bias = take(of->channels * sizeof(float));
    one.runs = (const float **)take(count * sizeof *one.runs);
    one.inputs = guard(rows * row * sizeof(float));
    fill(one.filters, (size_t)one.taps * of->channels, random);
    fill(one.bias, of->channels, random);
    fill(one.inputs.data, rows * row, random);
    for (size_t i = 0; i < count; ++i)
        one.runs[i] = (const float *)one.inputs.data +
                      (shared ? i : below(random, (uint32_t)rows)) * row +
                      (shared ? 0 : below(random, 8));
    return one;
}

static void forget(problem *one) {
    free(one->filters);
    free(one->bias);
    free((void *)one->runs);
    unguard(&one->inputs);
}

static float expect(const floats_table *table, const problem *one, const floats_weights *weights,
                    uint32_t position, uint32_t channel) {
    float sum = one->bias[channel];
    for (uint32_t t = 0; t < one->taps; ++t) {
        const float *run = one->runs[position * one->pitch + t / one->of.length];
        const size_t at = (size_t)position * one->of.step + t % one->of.length;
        sum = added(table, sum, run[at], one->filters[(size_t)channel * one->taps + t]);
    }
    return settled(sum, weights, channel);
}

/* All taps in ranges, and all channels in groups, of random sizes unless `whole`. */
static void multiply(const floats_table *table, const problem *one, const floats_weights *weights,
                     float *output, bool whole, uint32_t *random) {
    const shape *of = &one->of;
    float **to = (float **)take(of->positions * sizeof *to);
    for (uint32_t c = 0, channels; c < of->channels; c += channels) {
        channels = whole ? of->channels : 16 * (1 + below(random, 6));
        if (channels > of->channels - c) channels = of->channels - c;
        for (uint32_t p = 0; p < of->positions; ++p) to[p] = output + (size_t)p * of->channels + c;
        for (uint32_t t = 0, count; t < one->taps; t += count) {
            count = whole ? one->taps : 1 + below(random, one->taps);
            if (count > one->taps - t) count = one->taps - t;
            const floats_input input = {.runs = one->runs + t / of->length,
                                        .pitch = one->pitch,
                                        .step = of->step,
                                        .positions = of->positions,
                                        .first = t,
                                        .count = count,
                                        .skip = t % of->length};
            table->product(weights, &input, c, channels, to);
        }
    }
    free((void *)to);
}

static void try_product(const floats_table *table, const problem *one, uint32_t *random) {
    const shape *of = &one->of;
    const size_t size = (size_t)of->positions * of->channels;
    floats_weights weights;
    guarded memory = guard(floats_packed_size(of->channels, one->taps)), output = guard(4 * size);
    CHECK((uintptr_t)memory.data % 64 == 0);
    floats_pack(one->filters, one->bias, of->channels, one->taps, memory.data, &weights);
    weights.length = of->length;
    weights.low = below(random, 2) ? -INFINITY : -0.5F;
    weights.high = below(random, 2) ? INFINITY : 0.5F;
    if (below(random, 2)) follow(&weights, (of->channels + (size_t)15) / 16 * 16, random);
    size_t wrong = 0;
    for (int turn = 0; turn < 2; ++turn) {
        float *values = memset(output.data, 0x7F, 4 * size);
        multiply(table, one, &weights, values, turn == 0, random);
        for (uint32_t p = 0; p < of->positions; ++p)
            for (uint32_t c = 0; c < of->channels; ++c)
                wrong += values[(size_t)p * of->channels + c] != expect(table, one, &weights, p, c);
    }
    if (!CHECK(wrong == 0))
        fprintf(stderr, "%s: %u positions %u apart, %u segments of %u, %u channels\n", table->name,
                of->positions, of->step, of->segments, of->length, of->channels);
    unguard(&memory);
    unguard(&output);
}

static void products(uint32_t *random, uint32_t times) {
    for (uint32_t i = 0; i < times; ++i) {
        const shape of = {.positions = 1 + below(random, 20),
                          .segments = 1 + below(random, 6),
                          .length = 1 + below(random, i % 8 == 0 ? 300 : 20),
                          .channels = 1 + below(random, 150),
                          .step = below(random, 3) * below(random, 8)};
        problem one = pose(&of, random);
        const kernels_table *kernels;
        for (uint32_t t = 0; (kernels = kernels_at(t)) != NULL; ++t)
            try_product(kernels->floats, &one, random);
        forget(&one);
    }
}

/* ---- depthwise ---- */

static void try_weigh(const floats_table *table, uint32_t taps, uint32_t channels,
                      uint32_t *random) {
    const size_t padded = ((size_t)channels + 15) / 16 * 16;
    guarded inputs = guard((taps * padded) * sizeof(float)), output = guard(4 * (size_t)channels);
    float *weights = take((taps + 3) * padded * sizeof(float));
    const float **input = (const float **)take(taps * sizeof *input);
    const float **filter = (const float **)take(taps * sizeof *filter);
    fill(inputs.data, taps * padded, random);
    fill(weights, (taps + 1) * padded, random);
    for (uint32_t t = 0; t < taps; ++t) {
        input[t] = (const float *)inputs.data + below(random, taps) * padded;
        filter[t] = weights + t * padded;
    }
    floats_weights of = {
        .channels = channels, .bias = weights + taps * padded, .low = -0.75F, .high = 0.75F};
    if (below(random, 2)) follow(&of, padded, random);
    float *values = output.data;
    table->weigh(input, filter, taps, &of, values);
    size_t wrong = 0;
    for (uint32_t c = 0; c < channels; ++c) {
        float sum = of.bias[c];
        for (uint32_t t = 0; t < taps; ++t) sum = added(table, sum, input[t][c], filter[t][c]);
        wrong += values[c] != settled(sum, &of, c);
    }
    CHECK(wrong == 0);
    free(weights);
    free((void *)input);
    free((void *)filter);
    unguard(&inputs);
    unguard(&output);
}

/* ---- inner products ---- */

static float expected_dot(const float *a, const float *b, size_t length) {
    float lanes[16] = {0};
    for (size_t i = 0; i < length; ++i) {
        const volatile float product = a[i] * b[i]; /* never fused */
        lanes[i % 16] += product;
    }
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    return lanes[0];
}

static void try_dot(const floats_table *table, uint32_t length, uint32_t units, uint32_t *random) {
    const size_t apart = length + below(random, 5);
    const size_t needed = (units - 1) * apart + length;
    guarded input = guard(4 * (size_t)length), weights = guard(4 * needed);
    fill(input.data, length, random);
    fill(weights.data, needed, random);
    float *sums = take(units * sizeof *sums), *before = take(units * sizeof *before);
    fill(sums, units, random);
    memcpy(before, sums, units * sizeof *sums);
    table->dot(input.data, weights.data, length, apart, units, sums);
    size_t wrong = 0;
    for (uint32_t u = 0; u < units; ++u)
        wrong += sums[u] !=
                 before[u] + expected_dot(input.data, (float *)weights.data + u * apart, length);
    CHECK(wrong == 0);
    free(sums);
    free(before);
    unguard(&input);
    unguard(&weights);
}

/* ---- functions ---- */

static double exactly(floats_code code, double x) {
    switch (code) {
    case FLOATS_EXP: return exp(x);
    case FLOATS_ELU: return x < 0 ? expm1(x) : x;
    case FLOATS_LOGISTIC: return 1.0 / (1.0 + exp(-x));
    case FLOATS_TANH: return tanh(x);
    case FLOATS_FUNCTIONS: break;
    }
    return NAN;
}

/* Returns how far a result is from the true one, in units of its last place. Denormal results may
 * be 0. */
static double units_apart(float result, double is) {
    const float nearest = (float)is;
    if (isnan(is)) return isnan(result) ? 0 : INFINITY;
    if (isinf(nearest)) return result == nearest ? 0 : INFINITY;
    const double unit = fmax(ldexp(1.0, ilogb(is == 0 ? 1e-38 : is) - 23), 0x1.0p-126);
    return fabs((double)result - is) / unit;
}

static void functions(const floats_table *table, const floats_table *portable, uint32_t *random) {
    enum { COUNT = 4096 };
    static float x[COUNT], y[COUNT], same[COUNT];
    static const float special[] = {0.0F,   -0.0F,     INFINITY, -INFINITY, NAN,   88.72F, 88.73F,
                                    89.5F,  -87.3F,    -87.4F,   -104.0F,   1e38F, -1e38F, 1e-30F,
                                    -1e-8F, 0x1p-126F, 9.1F,     -9.1F,     -17.5F};
    for (int code = 0; code < FLOATS_FUNCTIONS; ++code)
        for (int spread = 0; spread < 3; ++spread) {
            static const float widths[] = {1.0F, 20.0F, 100.0F};
            for (size_t i = 0; i < COUNT; ++i) x[i] = widths[spread] * real(random);
            memcpy(x, special, sizeof special);
            table->function((floats_code)code, 0.0F, 1.0F, x, y, COUNT);
            portable->function((floats_code)code, 0.0F, 1.0F, x, same, COUNT);
            double most = 0;
            size_t wrong = 0;
            for (size_t i = 0; i < COUNT; ++i) {
                const double apart = units_apart(y[i], exactly((floats_code)code, (double)x[i]));
                most = apart > most ? apart : most;
                wrong += !(isnan(y[i]) && isnan(same[i])) && y[i] != same[i];
            }
            if (!CHECK(most <= 3.0 && wrong == 0))
                fprintf(stderr, "%s: function %d, up to %g: %g units\n", table->name, code,
                        (double)widths[spread], most);
        }
    const float two[2] = {3.0F, 5.0F};
    table->function(FLOATS_EXP, 4.0F, 0.5F, two, y, 2);
    CHECK_NEAR(y[0], exp(-0.5), 1e-6);
    CHECK_NEAR(y[1], exp(0.5), 1e-6);
}

/* Argument: the number of random shapes, for slow machines. */
int main(int count, char **arguments) {
    uint32_t random = 2463534242U;
    const kernels_table *table;
    products(&random, count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 600);
    for (uint32_t t = 0; (table = kernels_at(t)) != NULL; ++t) {
        for (uint32_t i = 0; i < 200; ++i) {
            try_weigh(table->floats, 1 + below(&random, 12), 1 + below(&random, 70), &random);
            try_dot(table->floats, 1 + below(&random, 90), 1 + below(&random, 12), &random);
        }
        functions(table->floats, kernels_at(0)->floats, &random);
    }
    return closing_line();
}
