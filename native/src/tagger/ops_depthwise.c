/* DEPTHWISE_CONV_2D: int8 in plain C, requantised as in XNNPACK, float through the kernels. */
#include <stdlib.h>

#include "tagger/ops_internal.h"

typedef struct {
    ops_axis_window x;
    uint32_t rows, depth, channels,
        multiplier; /* rows of the window; channels = depth * multiplier */
    int32_t input_zero, zero_point;
    const int8_t *filter; /* [rows][window][channels] */
    const float *scale;
    const int32_t *bias;
    int32_t *sums;
    float low, high; /* less the zero point */
} depthwise;

/* sums += (taps - zero point) * weights, over one tap of the window. */
static void add_tap(const depthwise *plan, const int8_t *restrict input,
                    const int8_t *restrict weights, int32_t *restrict sums) TAGNODE_NONBLOCKING {
    const int32_t zero = plan->input_zero;
    if (plan->multiplier == 1) {
        for (uint32_t c = 0; c < plan->channels; ++c) sums[c] += (input[c] - zero) * weights[c];
        return;
    }
    for (uint32_t d = 0; d < plan->depth; ++d) {
        const int32_t value = input[d] - zero;
        for (uint32_t m = 0; m < plan->multiplier; ++m)
            sums[d * plan->multiplier + m] += value * weights[d * plan->multiplier + m];
    }
}

static void add_position(const depthwise *plan, const int8_t *const *rows, int64_t first)
    TAGNODE_NONBLOCKING {
    memcpy(plan->sums, plan->bias, plan->channels * sizeof *plan->sums);
    for (uint32_t r = 0; r < plan->rows; ++r) {
        if (rows[r] == NULL) continue;
        for (uint32_t tap = 0; tap < plan->x.window; ++tap) {
            const int64_t column = first + (int64_t)tap * plan->x.dilation;
            if (column < 0 || column >= plan->x.input) continue;
            const int8_t *weights =
                plan->filter + ((size_t)r * plan->x.window + tap) * plan->channels;
            add_tap(plan, rows[r] + column * plan->depth, weights, plan->sums);
        }
    }
}

static void run_depthwise(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const depthwise *plan = step->state;
    const ops_range range = ops_part(step, plan->x.output, 1, part);
    for (size_t p = range.begin; p < range.end; ++p) {
        add_position(plan, (const int8_t *const *)part->rows,
                     (int64_t)(p * plan->x.stride) - plan->x.before);
        int8_t *result = (int8_t *)part->output + p * plan->channels;
        for (uint32_t c = 0; c < plan->channels; ++c) {
            const float scaled = (float)plan->sums[c] * plan->scale[c];
            result[c] = (int8_t)(ops_nearest(ops_limited(scaled, plan->low, plan->high)) +
                                 plan->zero_point);
        }
    }
}

static tagnode_status place(const ops_work *work, ops_axis_window *x, ops_axis_window *y) {
    const tagnode_status status = ops_place_filter(work, x, y);
    if (status != TAGNODE_OK) return status;
    const uint32_t *filter = ops_input(work, 1)->dims;
    if (filter[0] != 1) return ops_contradiction(work, "the shapes");
    if (filter[3] != work->output->dims[3] || filter[3] % ops_input(work, 0)->dims[3] != 0)
        return ops_contradiction(work, "filter, input and output");
    return TAGNODE_OK;
}

/* Returns whether no channel's sum can overflow. */
static bool sums_fit(const depthwise *plan) {
    const size_t taps = (size_t)plan->rows * plan->x.window;
    for (uint32_t c = 0; c < plan->channels; ++c) {
        int64_t sum = llabs((int64_t)plan->bias[c]);
        for (size_t i = 0; i < taps; ++i)
            sum += INT64_C(256) * abs(plan->filter[i * plan->channels + c]);
        if (sum > INT32_MAX) return false;
    }
    return true;
}

static void fill(const ops_work *work, depthwise *plan, float *scale, int32_t *bias) {
    const tagger_tensor *given = ops_input(work, 2);
    if (given != NULL) memcpy(bias, given->data, plan->channels * sizeof *bias);
    for (uint32_t c = 0; c < plan->channels; ++c) scale[c] = ops_filter_scale(work, c);
    const ops_clamp clamp = ops_int8_clamp(work->op->activation, work->output);
    plan->input_zero = ops_input(work, 0)->zero_point[0];
    plan->zero_point = work->output->zero_point[0];
    plan->low = (float)(clamp.low - plan->zero_point);
    plan->high = (float)(clamp.high - plan->zero_point);
}

static tagnode_status prepare_int8(const ops_work *work, ops_axis_window x, ops_axis_window y) {
    const tagger_tensor *filter = ops_input(work, 1);
    const uint32_t channels = filter->dims[3], depth = ops_input(work, 0)->dims[3];
    tagnode_status status = ops_check_filter(work, 3, channels);
    if (status != TAGNODE_OK) return status;
    size_t needed = 0;
    ops_room(&needed, sizeof(depthwise));
    const size_t scales = ops_room(&needed, channels * sizeof(float));
    const size_t biases = ops_room(&needed, channels * sizeof(int32_t));
    const size_t sums = ops_room(&needed, channels * sizeof(int32_t));
    status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    char *memory = work->step->state;
    depthwise *plan = work->step->state;
    *plan = (depthwise){.x = x,
                        .rows = y.window,
                        .depth = depth,
                        .channels = channels,
                        .multiplier = channels / depth,
                        .filter = filter->data,
                        .scale = (float *)(memory + scales),
                        .bias = (int32_t *)(memory + biases),
                        .sums = (int32_t *)(memory + sums)};
    fill(work, plan, (float *)(memory + scales), (int32_t *)(memory + biases));
    if (!sums_fit(plan)) return ops_unsupported(work, "whose sums may overflow 32 bits");
    const size_t taps = (size_t)y.window * x.window;
    ops_cut(work, x.output, channels * (taps * OPS_COST_FLOAT + OPS_COST_INTEGER), 1);
    work->step->run = run_depthwise;
    return TAGNODE_OK;
}

/* ---- float ---- */

typedef struct {
    floats_weights weights; /* one tap for each tap of the window: [tap][channel], padded */
    const floats_table *kernels;
    ops_axis_window x;
    uint32_t rows, depth, multiplier;
    size_t stride; /* channels, padded */
    const float **inputs, **filters;
    float *spread; /* inputs repeated `multiplier` times, for each tap */
} real_depthwise;

/* Collects the taps of a position that are inside the input, and returns their number. */
static uint32_t collect(const real_depthwise *plan, const float *const *rows, int64_t first)
    TAGNODE_NONBLOCKING {
    uint32_t count = 0;
    for (uint32_t r = 0; r < plan->rows; ++r) {
        if (rows[r] == NULL) continue;
        for (uint32_t tap = 0; tap < plan->x.window; ++tap) {
            const int64_t column = first + (int64_t)tap * plan->x.dilation;
            if (column < 0 || column >= plan->x.input) continue;
            const float *input = rows[r] + column * plan->depth;
            float *spread = plan->spread + count * plan->stride;
            for (size_t c = 0; plan->multiplier > 1 && c < plan->weights.channels; ++c)
                spread[c] = input[c / plan->multiplier];
            plan->inputs[count] = plan->multiplier > 1 ? spread : input;
            plan->filters[count++] =
                plan->weights.weights + ((size_t)r * plan->x.window + tap) * plan->stride;
        }
    }
    return count;
}

static void run_real(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const real_depthwise *plan = step->state;
    const ops_range range = ops_part(step, plan->x.output, 1, part);
    for (size_t p = range.begin; p < range.end; ++p) {
        const uint32_t taps = collect(plan, (const float *const *)part->rows,
                                      (int64_t)(p * plan->x.stride) - plan->x.before);
        plan->kernels->weigh(plan->inputs, plan->filters, taps, &plan->weights,
                             (float *)part->output + p * plan->weights.channels);
    }
}

/* Copies the filter and the bias, with room for whole blocks of channels. */
static void fill_real(const ops_work *work, real_depthwise *plan, const float *bias) {
    const size_t channels = plan->weights.channels, taps = (size_t)plan->rows * plan->x.window;
    const ops_float_clamp clamp = ops_clamp_float(work->op->activation);
    const float *filter = ops_input(work, 1)->data;
    for (size_t t = 0; t < taps; ++t)
        memcpy(plan->weights.weights + t * plan->stride, filter + t * channels,
               channels * sizeof *filter);
    if (bias != NULL) memcpy(plan->weights.bias, bias, channels * sizeof *bias);
    plan->weights.low = clamp.low;
    plan->weights.high = clamp.high;
}

static tagnode_status prepare_real(const ops_work *work, ops_axis_window x, ops_axis_window y) {
    const uint32_t channels = ops_input(work, 1)->dims[3], depth = ops_input(work, 0)->dims[3];
    const float *bias = NULL;
    tagnode_status status = ops_float_bias(work, channels, &bias);
    if (status != TAGNODE_OK) return status;
    real_depthwise plan = {.weights = {.channels = channels},
                           .kernels = work->kernels->floats,
                           .x = x,
                           .rows = y.window,
                           .depth = depth,
                           .multiplier = channels / depth,
                           .stride =
                               ((size_t)channels + FLOATS_BLOCK - 1) / FLOATS_BLOCK * FLOATS_BLOCK};
    const size_t taps = (size_t)y.window * x.window, vector = plan.stride * sizeof(float);
    size_t needed = 0;
    ops_room(&needed, sizeof plan);
    const size_t weights = ops_room(&needed, taps * vector);
    const size_t biases = ops_room(&needed, 3 * vector); /* and scale and shift */
    const size_t inputs = ops_room(&needed, taps * sizeof(float *));
    const size_t filters = ops_room(&needed, taps * sizeof(float *));
    const size_t spread = ops_room(&needed, plan.multiplier > 1 ? taps * vector : 0);
    status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    char *memory = work->step->state;
    plan.weights.weights = (float *)(void *)(memory + weights);
    plan.weights.bias = (float *)(void *)(memory + biases);
    plan.inputs = (const float **)(void *)(memory + inputs);
    plan.filters = (const float **)(void *)(memory + filters);
    plan.spread = (float *)(void *)(memory + spread);
    fill_real(work, &plan, bias);
    memcpy(work->step->state, &plan, sizeof plan);
    const size_t each = plan.multiplier > 1 ? OPS_COST_FUSED + OPS_COST_FLOAT : OPS_COST_FLOAT;
    ops_cut(work, x.output, plan.stride * (taps * each + OPS_COST_FLOAT), 1);
    work->step->run = run_real;
    work->step->epilogue = &((real_depthwise *)work->step->state)->weights;
    return TAGNODE_OK;
}

tagnode_status ops_prepare_depthwise(const ops_work *work) {
    ops_axis_window x = {0}, y = {0};
    const tagnode_status status = place(work, &x, &y);
    if (status != TAGNODE_OK) return status;
    ops_read(work, 0, -(int32_t)y.before, y.window, y.stride, y.dilation);
    return work->output->type == TAGGER_INT8 ? prepare_int8(work, x, y) : prepare_real(work, x, y);
}
