/* DEPTHWISE_CONV_2D: through the kernels, in int8 and in float. */
#include <stdlib.h>

#include "tagger/ops_internal.h"

enum { BLOCK = KERNELS_BLOCK };

/* Taps outside the input read padding, so that each position has the same ones. */
typedef struct {
    kernels_weights weights; /* of the sums: bias, scale and clamp */
    const kernels_table *kernels;
    ops_axis_window x;
    uint32_t rows, depth, multiplier; /* rows of the window; channels are depth * multiplier */
    size_t stride;                    /* channels, rounded up to whole blocks */
    const int8_t **inputs, **filters; /* of each tap */
    int8_t *spread;                   /* inputs repeated `multiplier` times, for each tap */
    const int8_t *padding;
} depthwise;

static const int8_t *input_of(const depthwise *plan, const int8_t *row, int64_t column,
                              int8_t *spread) TAGNODE_NONBLOCKING {
    if (row == NULL || column < 0 || column >= plan->x.input) return plan->padding;
    const int8_t *input = row + column * plan->depth;
    if (plan->multiplier == 1) return input;
    for (uint32_t d = 0; d < plan->depth; ++d)
        memset(spread + (size_t)d * plan->multiplier, input[d], plan->multiplier);
    return spread;
}

static void run_depthwise(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const depthwise *plan = step->state;
    const int8_t *const *rows = (const int8_t *const *)part->rows;
    const ops_range range = ops_part(step, plan->x.output, 1, part);
    for (size_t p = range.begin; p < range.end; ++p) {
        const int64_t first = (int64_t)(p * plan->x.stride) - plan->x.before;
        uint32_t taps = 0;
        for (uint32_t r = 0; r < plan->rows; ++r)
            for (uint32_t tap = 0; tap < plan->x.window; ++tap, ++taps)
                plan->inputs[taps] =
                    input_of(plan, rows[r], first + (int64_t)tap * plan->x.dilation,
                             plan->spread + taps * plan->stride);
        plan->kernels->weigh(plan->inputs, plan->filters, taps, &plan->weights,
                             (int8_t *)part->output + p * plan->weights.channels);
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

/* Copies a channel's filter, and its bias less the zero point's share; false if a sum could
 * overflow. */
static bool fill_channel(const depthwise *plan, const int8_t *filter, int8_t *copy, uint32_t c) {
    const size_t taps = (size_t)plan->rows * plan->x.window;
    const int32_t bias = plan->weights.bias[c];
    int64_t sum = 0, most = llabs((int64_t)bias);
    for (size_t t = 0; t < taps; ++t) {
        const int8_t weight = filter[t * plan->weights.channels + c];
        copy[t * plan->stride + c] = weight;
        sum += weight;
        most += INT64_C(256) * abs(weight);
    }
    if (most > INT32_MAX) return false;
    plan->weights.bias[c] = (int32_t)(bias - plan->weights.input_zero_point * sum);
    return true;
}

static bool fill(const ops_work *work, depthwise *plan, int8_t *filters) {
    const tagger_tensor *filter = ops_input(work, 1), *bias = ops_input(work, 2);
    const ops_clamp clamp = ops_int8_clamp(work->op->activation, work->output);
    const size_t taps = (size_t)plan->rows * plan->x.window;
    plan->weights.input_zero_point = ops_input(work, 0)->zero_point[0];
    plan->weights.zero_point = work->output->zero_point[0];
    plan->weights.low = (int8_t)clamp.low;
    plan->weights.high = (int8_t)clamp.high;
    if (bias != NULL)
        memcpy(plan->weights.bias, bias->data, plan->weights.channels * sizeof(int32_t));
    for (size_t t = 0; t < taps; ++t) plan->filters[t] = filters + t * plan->stride;
    for (uint32_t c = 0; c < plan->weights.channels; ++c) {
        plan->weights.scale[c] = ops_filter_scale(work, c);
        if (!fill_channel(plan, filter->data, filters, c)) return false;
    }
    return true;
}

static tagnode_status prepare_int8(const ops_work *work, ops_axis_window x, ops_axis_window y) {
    const uint32_t channels = ops_input(work, 1)->dims[3], depth = ops_input(work, 0)->dims[3];
    tagnode_status status = ops_check_filter(work, 3, channels);
    if (status != TAGNODE_OK) return status;
    depthwise plan = {.weights = {.channels = channels},
                      .kernels = work->kernels,
                      .x = x,
                      .rows = y.window,
                      .depth = depth,
                      .multiplier = channels / depth,
                      .stride = ((size_t)channels + BLOCK - 1) / BLOCK * BLOCK};
    const size_t taps = (size_t)y.window * x.window, bytes = plan.stride + TAGGER_ROW_SLACK;
    size_t needed = 0;
    ops_room(&needed, sizeof plan);
    const size_t biases = ops_room(&needed, plan.stride * sizeof(int32_t));
    const size_t scales = ops_room(&needed, plan.stride * sizeof(float));
    const size_t inputs = ops_room(&needed, taps * sizeof(int8_t *));
    const size_t pointers = ops_room(&needed, taps * sizeof(int8_t *));
    const size_t filters = ops_room(&needed, taps * plan.stride);
    const size_t spread = ops_room(&needed, plan.multiplier > 1 ? taps * plan.stride : 0);
    const size_t padding = ops_room(&needed, bytes);
    status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    char *memory = work->step->state;
    plan.weights.bias = (int32_t *)(void *)(memory + biases);
    plan.weights.scale = (float *)(void *)(memory + scales);
    plan.inputs = (const int8_t **)(void *)(memory + inputs);
    plan.filters = (const int8_t **)(void *)(memory + pointers);
    plan.spread = (int8_t *)(memory + spread);
    plan.padding = (int8_t *)(memory + padding);
    memset(memory + padding, ops_input(work, 0)->zero_point[0], bytes);
    if (!fill(work, &plan, (int8_t *)(memory + filters)))
        return ops_unsupported(work, "whose sums may overflow 32 bits");
    memcpy(work->step->state, &plan, sizeof plan);
    ops_cut(work, x.output, plan.stride * (taps * OPS_COST_FLOAT + OPS_COST_INTEGER), 1);
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
