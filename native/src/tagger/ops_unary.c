/* Operations on one element at a time: int8 by a table of 256, float by a function. */
#include <stdlib.h>

#include "tagger/ops_internal.h"

enum { ROOT_BITS = 20 }; /* of RSQRT's intermediate value */

typedef struct {
    int8_t table[256];        /* int8 to int8, by the value + 128 */
    float reals[256];         /* int8 to float */
    float alpha;              /* of LEAKY_RELU */
    float inverse, low, high; /* float to int8: 1 / scale; clamp, less the zero point */
    int32_t zero_point;
    const floats_table *floats; /* and its function, or FLOATS_FUNCTIONS for none */
    floats_code series;
} unary;

static void run_table(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const unary *plan = step->state;
    const ops_range range = ops_part(step, step->row_bytes, 1, part);
    const int8_t *input = part->rows[0];
    int8_t *result = part->output;
    for (size_t i = range.begin; i < range.end; ++i) result[i] = plan->table[input[i] + 128];
}

static void run_dequantise(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const unary *plan = step->state;
    const ops_range range = ops_part(step, step->row_bytes / sizeof(float), 1, part);
    const int8_t *input = part->rows[0];
    float *result = part->output;
    for (size_t i = range.begin; i < range.end; ++i) result[i] = plan->reals[input[i] + 128];
}

/* XNNPACK's: times 1 / scale, rounded to nearest even. */
static void run_quantise(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const unary *plan = step->state;
    const ops_range range = ops_part(step, step->row_bytes, 1, part);
    const float *input = part->rows[0];
    int8_t *result = part->output;
    for (size_t i = range.begin; i < range.end; ++i) {
        const float scaled = ops_limited(input[i] * plan->inverse, plan->low, plan->high);
        result[i] = (int8_t)(ops_nearest(scaled) + plan->zero_point);
    }
}

/* One loop for each function, which compilers can vectorise. */
#define EACH(y)                                                                                    \
    for (size_t i = 0; i < count; ++i) {                                                           \
        const float x = input[i];                                                                  \
        output[i] = (y);                                                                           \
    }                                                                                              \
    break

static void apply_power(tagger_opcode code, const float *restrict input, float *restrict output,
                        size_t count) TAGNODE_NONBLOCKING {
    switch (code) {
    case TAGGER_LOG: EACH(logf(x));
    case TAGGER_RSQRT: EACH(1.0F / sqrtf(x));
    case TAGGER_SQRT: EACH(sqrtf(x));
    case TAGGER_SQUARE: EACH(x * x);
    default: EACH(x);
    }
}

static void apply(tagger_opcode code, float alpha, const float *restrict input,
                  float *restrict output, size_t count) TAGNODE_NONBLOCKING {
    switch (code) {
    case TAGGER_RELU: EACH(x < 0.0F ? 0.0F : x);
    case TAGGER_RELU6: EACH(ops_limited(x, 0.0F, 6.0F));
    case TAGGER_LEAKY_RELU: EACH(x < 0.0F ? x * alpha : x);
    case TAGGER_HARD_SWISH: EACH(x / 6.0F * ops_limited(x + 3.0F, 0.0F, 6.0F));
    case TAGGER_ABS: EACH(fabsf(x));
    case TAGGER_NEG: EACH(-x);
    default: apply_power(code, input, output, count);
    }
}

static void run_function(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const unary *plan = step->state;
    const ops_range range = ops_part(step, step->row_bytes / sizeof(float), 1, part);
    apply(step->op->code, plan->alpha, (const float *)part->rows[0] + range.begin,
          (float *)part->output + range.begin, range.end - range.begin);
}

static floats_code series_of(tagger_opcode code) {
    switch (code) {
    case TAGGER_ELU: return FLOATS_ELU;
    case TAGGER_EXP: return FLOATS_EXP;
    case TAGGER_LOGISTIC: return FLOATS_LOGISTIC;
    case TAGGER_TANH: return FLOATS_TANH;
    default: return FLOATS_FUNCTIONS;
    }
}

static void run_series(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const unary *plan = step->state;
    const ops_range range = ops_part(step, step->row_bytes / sizeof(float), 1, part);
    plan->floats->function(plan->series, 0.0F, 1.0F, (const float *)part->rows[0] + range.begin,
                           (float *)part->output + range.begin, range.end - range.begin);
}

static double exact(tagger_opcode code, double x) {
    switch (code) {
    case TAGGER_ELU: return x < 0.0 ? expm1(x) : x;
    case TAGGER_LOGISTIC: return 1.0 / (1.0 + exp(-x));
    case TAGGER_TANH: return tanh(x);
    case TAGGER_EXP: return exp(x);
    case TAGGER_LOG: return log(x);
    default: return x;
    }
}

/* A function of the real value; then times 1 / scale as a float, rounded to nearest. */
static int32_t by_function(tagger_opcode code, int32_t value, const tagger_tensor *input,
                           const tagger_tensor *output) {
    const float x = input->scale[0] * (float)(value - input->zero_point[0]);
    const float y = (float)exact(code, x) * (1.0F / output->scale[0]);
    return (int32_t)rintf(ops_limited(y, -1024.0F, 1024.0F)) + output->zero_point[0];
}

/* Requantisation from int8 to int8, with another slope below 0 (LEAKY_RELU): as in XNNPACK, in
 * steps of 1/256, if the ratio of the scales is in its range, otherwise as in the reference
 * kernels, in fixed point, with a ratio computed in double for QUANTIZE and in float for
 * LEAKY_RELU. */
static int32_t by_ratio(int32_t value, const float *alpha, const tagger_tensor *input,
                        const tagger_tensor *output) {
    const int32_t zero = output->zero_point[0], centred = value - input->zero_point[0];
    const float ratio = input->scale[0] / output->scale[0];
    const float negative = alpha != NULL ? ratio * *alpha : ratio;
    const float least = 0x1.0p-8F, most = 0x1.0p+7F, slope = centred < 0 ? negative : ratio;
    const bool in_range = ratio >= least && ratio <= most && fabsf(negative) >= least &&
                          negative <= most && negative >= -0x1.FFFC00p+6F;
    if (!in_range) {
        const double precise = (double)input->scale[0] / (double)output->scale[0];
        return ops_fixed_times(centred, ops_fixed_of(alpha != NULL ? (double)slope : precise)) +
               zero;
    }
    const int32_t multiplier = (int32_t)rintf(256.0F * slope), sum = centred * multiplier + 128;
    const int32_t floored = sum >= 0 ? sum / 256 : -((255 - sum) / 256);
    return floored + zero;
}

/* RELU, RELU6: the reference kernels' fixed point, then the clamp. */
static int32_t by_clamp(tagger_opcode code, int32_t value, const tagger_tensor *input,
                        const tagger_tensor *output) {
    const tagger_activation activation = code == TAGGER_RELU ? TAGGER_ACT_RELU : TAGGER_ACT_RELU6;
    const ops_clamp clamp = ops_int8_clamp(activation, output);
    const ops_fixed ratio = ops_fixed_of((double)(input->scale[0] / output->scale[0]));
    const int32_t scaled = ops_fixed_times(value - input->zero_point[0], ratio);
    return ops_clamped(scaled + output->zero_point[0], clamp.low, clamp.high);
}

static int32_t saturated16(int32_t value) {
    return ops_clamped(value, INT16_MIN, INT16_MAX);
}

/* High half of the doubled product of two int16; rounded (half up in magnitude) or truncated
 * towards 0. */
static int32_t high16(int32_t a, int32_t b, bool is_rounded) {
    const int32_t product = a * b;
    const int32_t nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
    return saturated16((is_rounded ? product + nudge : product) / (1 << 15));
}

static int32_t divided_by_power(int32_t value, int32_t wanted) {
    const int32_t exponent = ops_clamped(wanted, 0, 31);
    const int32_t whole = value >= 0 ? value : -value;
    const int64_t half = exponent > 0 ? INT64_C(1) << (exponent - 1) : 0;
    const int32_t result = (int32_t)((whole + half) >> exponent);
    return value >= 0 ? result : -result;
}

static int32_t narrowed16(int32_t multiplier) {
    return multiplier >= INT32_MAX - (1 << 15) ? INT16_MAX : (multiplier + (1 << 15)) >> 16;
}

/* HARD_SWISH in the reference kernel's 16-bit fixed point: x / output scale, times relu6(x + 3) / 6
 * as a fraction of 2^15, both from x in 128ths of its step. */
static int32_t by_hard_swish(int32_t value, const tagger_tensor *input,
                             const tagger_tensor *output) {
    const float fine = 1.0F / 128.0F * input->scale[0];
    const ops_fixed to_output = ops_fixed_of((double)(fine / output->scale[0]));
    const ops_fixed to_relu = ops_fixed_of((double)(fine / (3.0F / 32768.0F)));
    const int32_t x = (value - input->zero_point[0]) * 128;
    const int32_t scaled = high16(x, narrowed16(to_output.multiplier), true);
    int32_t relu = x;
    if (to_relu.shift > 0) relu = saturated16(relu * (1 << ops_clamped(to_relu.shift - 1, 0, 15)));
    relu = high16(relu, narrowed16(to_relu.multiplier), true);
    if (to_relu.shift > 0) relu = saturated16(relu * 2);
    relu = divided_by_power(relu, -to_relu.shift);
    relu = (relu + (1 << 15)) >> 1;
    const int32_t product = high16(relu, scaled, false);
    return divided_by_power(product, -to_output.shift) + output->zero_point[0];
}

/* ABS: the reference kernel's fixed point, if the scales differ. */
static int32_t by_magnitude(int32_t value, const tagger_tensor *input,
                            const tagger_tensor *output) {
    const int32_t distance = abs(value - input->zero_point[0]), zero = output->zero_point[0];
    if (input->scale[0] == output->scale[0]) return distance + zero;
    const double ratio = (double)(input->scale[0] / output->scale[0]);
    return ops_fixed_times(distance, ops_fixed_of(ratio)) + zero;
}

/* SQRT: the reference kernel rounds towards 0; it refuses negative values, here they count as 0. */
static int32_t by_root(int32_t value, const tagger_tensor *input, const tagger_tensor *output) {
    const float x = input->scale[0] * (float)(value - input->zero_point[0]);
    const float root = x > 0.0F ? sqrtf(x) / output->scale[0] : 0.0F;
    return (int32_t)ops_limited(root, 0.0F, 1024.0F) + output->zero_point[0];
}

/* RSQRT: the reference kernel's fixed point, with 1 / sqrt in 2^-20; the greatest value at 0, and
 * here below 0, which the kernel refuses. */
static int32_t by_inverse_root(int32_t value, const tagger_tensor *input,
                               const tagger_tensor *output) {
    const int32_t centred = value - input->zero_point[0];
    if (centred <= 0) return INT8_MAX;
    const double scale = 1.0 / (double)(sqrtf(input->scale[0]) * output->scale[0]);
    ops_fixed factor = ops_fixed_of(scale);
    factor.shift -= ROOT_BITS;
    const int32_t inverse = (int32_t)rint((1 << ROOT_BITS) / sqrt((double)centred));
    return ops_fixed_times(inverse, factor) + output->zero_point[0];
}

/* LOG: the lowest value at 0 and below. */
static int32_t by_logarithm(int32_t value, const tagger_tensor *input,
                            const tagger_tensor *output) {
    return value > input->zero_point[0] ? by_function(TAGGER_LOG, value, input, output) : INT8_MIN;
}

static int32_t looked_up(const ops_work *work, int32_t value) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    const tagger_opcode code = work->op->code;
    switch (code) {
    case TAGGER_RELU:
    case TAGGER_RELU6: return by_clamp(code, value, input, output);
    case TAGGER_QUANTIZE: return by_ratio(value, NULL, input, output);
    case TAGGER_LEAKY_RELU: return by_ratio(value, &work->op->as.leaky_relu.alpha, input, output);
    case TAGGER_HARD_SWISH: return by_hard_swish(value, input, output);
    case TAGGER_ABS: return by_magnitude(value, input, output);
    case TAGGER_SQRT: return by_root(value, input, output);
    case TAGGER_RSQRT: return by_inverse_root(value, input, output);
    case TAGGER_LOG: return by_logarithm(value, input, output);
    default: return by_function(code, value, input, output);
    }
}

static void prepare_table(const ops_work *work, unary *plan) {
    for (int32_t value = -128; value < 128; ++value)
        plan->table[value + 128] = (int8_t)ops_clamped(looked_up(work, value), -128, 127);
    ops_cut(work, work->step->row_bytes, OPS_COST_TABLE, 1);
    work->step->run = run_table;
}

static void prepare_dequantise(const ops_work *work, unary *plan) {
    const tagger_tensor *input = ops_input(work, 0);
    for (int32_t value = -128; value < 128; ++value)
        plan->reals[value + 128] = (float)(value - input->zero_point[0]) * input->scale[0];
    ops_cut(work, work->step->row_bytes / sizeof(float), OPS_COST_TABLE, 1);
    work->step->run = run_dequantise;
}

static void prepare_quantise(const ops_work *work, unary *plan) {
    plan->inverse = 1.0F / work->output->scale[0];
    plan->zero_point = work->output->zero_point[0];
    plan->low = (float)(-128 - plan->zero_point);
    plan->high = (float)(127 - plan->zero_point);
    ops_cut(work, work->step->row_bytes, OPS_COST_FLOAT, 1);
    work->step->run = run_quantise;
}

static void prepare_function(const ops_work *work, unary *plan) {
    const tagger_opcode code = work->op->code;
    plan->alpha = code == TAGGER_LEAKY_RELU ? work->op->as.leaky_relu.alpha : 0.0F;
    plan->floats = work->kernels->floats;
    plan->series = series_of(code);
    const bool is_series = plan->series != FLOATS_FUNCTIONS;
    const bool is_root = code == TAGGER_SQRT || code == TAGGER_RSQRT;
    ops_cut(work, work->step->row_bytes / sizeof(float),
            is_series            ? OPS_COST_SERIES
            : code == TAGGER_LOG ? OPS_COST_FUNCTION
            : is_root            ? 2 * OPS_COST_ROOT
                                 : OPS_COST_FLOAT,
            1);
    work->step->run = is_series ? run_series : run_function;
}

tagnode_status ops_prepare_unary(const ops_work *work) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    if (!ops_same_shape(input, output)) return ops_contradiction(work, "input and output");
    const bool from_int8 = input->type == TAGGER_INT8, to_int8 = output->type == TAGGER_INT8;
    if ((from_int8 && !ops_is_quantised(input)) || (to_int8 && !ops_is_quantised(output)))
        return ops_unsupported(work, "without quantisation of the whole tensor");
    if (from_int8 != to_int8 && work->op->code != (to_int8 ? TAGGER_QUANTIZE : TAGGER_DEQUANTIZE))
        return ops_unsupported(work, "of several types");
    if (from_int8 && (work->op->code == TAGGER_NEG || work->op->code == TAGGER_SQUARE))
        return ops_unsupported(work, "of int8");
    const tagnode_status status = ops_allocate(work, sizeof(unary));
    if (status != TAGNODE_OK) return status;
    ops_read_same(work, 0);
    if (from_int8 && to_int8)
        prepare_table(work, work->step->state);
    else if (from_int8)
        prepare_dequantise(work, work->step->state);
    else if (to_int8)
        prepare_quantise(work, work->step->state);
    else
        prepare_function(work, work->step->state);
    return TAGNODE_OK;
}
