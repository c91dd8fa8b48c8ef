/* TRANSPOSE_CONV in int8 and float: each output position adds up the taps of the filter that reach
 * it; int8 is requantised as in XNNPACK. */
#include <stdlib.h>

#include "tagger/ops_internal.h"

/* The filter is [channels][window of y][window of x][depth], both windows as the convolution that
 * this one transposes has them: from its input, our output, to its output, our input. */
typedef struct {
    ops_axis_window x, y;
    uint32_t depth, channels;
    const floats_table *floats;
    bool all_rows; /* are passed; otherwise one for each tap, the last one's first */
    const void *filter;
    const float *scale; /* int8 */
    const int32_t *bias;
    const float *real_bias; /* float */
    ops_float_clamp clamp;  /* int8: less the zero point */
    int32_t input_zero, zero_point;
} transposed;

/* Returns the input row that reaches an output row through a tap; NULL for none. */
static const void *row_of_tap(const transposed *plan, const tagger_part *part, uint32_t tap)
    TAGNODE_NONBLOCKING {
    if (!plan->all_rows) return part->rows[plan->y.window - 1 - tap];
    const int64_t place = (int64_t)part->row + plan->y.before - tap;
    if (place < 0 || place % plan->y.stride != 0 || place / plan->y.stride >= plan->y.output)
        return NULL;
    return part->rows[place / plan->y.stride];
}

/* Returns the input column that reaches output column `column` through a tap; -1 for none. */
static int64_t column_of_tap(const transposed *plan, size_t column, uint32_t tap)
    TAGNODE_NONBLOCKING {
    const int64_t place = (int64_t)column + plan->x.before - tap;
    if (place < 0 || place % plan->x.stride != 0 || place / plan->x.stride >= plan->x.output)
        return -1;
    return place / plan->x.stride;
}

static int32_t dot_int8(const int8_t *input, const int8_t *weights, int32_t zero, uint32_t depth)
    TAGNODE_NONBLOCKING {
    int32_t sum = 0;
    for (uint32_t d = 0; d < depth; ++d) sum += (input[d] - zero) * weights[d];
    return sum;
}

/* The sum of one output value, in int8 or in float. */
typedef struct {
    int32_t whole;
    float real;
} total;

static total add_taps(const transposed *plan, const tagger_part *part, size_t column,
                      uint32_t channel) TAGNODE_NONBLOCKING {
    total sum = {0, 0.0F};
    for (uint32_t r = 0; r < plan->y.window; ++r) {
        const void *row = row_of_tap(plan, part, r);
        if (row == NULL) continue;
        for (uint32_t tap = 0; tap < plan->x.window; ++tap) {
            const int64_t source = column_of_tap(plan, column, tap);
            if (source < 0) continue;
            const size_t at =
                (((size_t)channel * plan->y.window + r) * plan->x.window + tap) * plan->depth;
            const size_t from = (size_t)source * plan->depth;
            if (plan->scale != NULL)
                sum.whole += dot_int8((const int8_t *)row + from, (const int8_t *)plan->filter + at,
                                      plan->input_zero, plan->depth);
            else
                plan->floats->dot((const float *)row + from, (const float *)plan->filter + at,
                                  plan->depth, 0, 1, &sum.real);
        }
    }
    return sum;
}

static void run_transposed(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const transposed *plan = step->state;
    const uint32_t channels = plan->channels;
    const ops_range range = ops_part(step, (size_t)plan->x.input * channels, 1, part);
    for (size_t i = range.begin; i < range.end; ++i) {
        const uint32_t channel = (uint32_t)(i % channels);
        const total sum = add_taps(plan, part, i / channels, channel);
        if (plan->scale == NULL) {
            const float bias = plan->real_bias != NULL ? plan->real_bias[channel] : 0.0F;
            ((float *)part->output)[i] =
                ops_limited(sum.real + bias, plan->clamp.low, plan->clamp.high);
            continue;
        }
        const int32_t whole = sum.whole + (plan->bias != NULL ? plan->bias[channel] : 0);
        const float scaled =
            ops_limited((float)whole * plan->scale[channel], plan->clamp.low, plan->clamp.high);
        ((int8_t *)part->output)[i] = (int8_t)(ops_nearest(scaled) + plan->zero_point);
    }
}

/* Returns whether no channel's sum can overflow. */
static bool sums_fit(const transposed *plan) {
    const size_t taps = (size_t)plan->y.window * plan->x.window * plan->depth;
    const int8_t *weights = plan->filter;
    for (uint32_t c = 0; c < plan->channels; ++c) {
        int64_t sum = plan->bias != NULL ? llabs((int64_t)plan->bias[c]) : 0;
        for (size_t i = 0; i < taps; ++i) sum += INT64_C(256) * abs(weights[c * taps + i]);
        if (sum > INT32_MAX) return false;
    }
    return true;
}

/* Checks the shapes, and places the windows of the transposed convolution. */
static tagnode_status place(const ops_work *work, transposed *plan) {
    const tagger_tensor *input = ops_input(work, 0), *filter = ops_input(work, 1);
    const tagger_tensor *output = work->output;
    if (filter == NULL) return ops_contradiction(work, "the inputs");
    if (input->type != filter->type || input->type != output->type)
        return ops_unsupported(work, "of several types");
    if (filter->data == NULL) return ops_unsupported(work, "with a filter that is not constant");
    if (input->rank != 4 || filter->rank != 4 || output->rank != 4 ||
        filter->dims[0] != output->dims[3] || filter->dims[3] != input->dims[3])
        return ops_contradiction(work, "the shapes");
    if (!ops_place_transposed(work, filter->dims[1], filter->dims[2], &plan->x, &plan->y))
        return ops_contradiction(work, "input, filter and output");
    plan->filter = filter->data;
    plan->channels = filter->dims[0];
    plan->depth = filter->dims[3];
    return TAGNODE_OK;
}

static tagnode_status quantise(const ops_work *work, transposed *plan) {
    const tagger_tensor *bias = ops_input(work, 2);
    const tagnode_status status = ops_check_filter(work, 0, plan->channels);
    if (status != TAGNODE_OK) return status;
    const ops_clamp clamp = ops_int8_clamp(work->op->activation, work->output);
    plan->bias = bias != NULL ? bias->data : NULL;
    plan->input_zero = ops_input(work, 0)->zero_point[0];
    plan->zero_point = work->output->zero_point[0];
    plan->clamp.low = (float)(clamp.low - plan->zero_point);
    plan->clamp.high = (float)(clamp.high - plan->zero_point);
    if (!sums_fit(plan)) return ops_unsupported(work, "whose sums may overflow 32 bits");
    return TAGNODE_OK;
}

/* One row of the input for each tap, if the rows do not spread. */
static void read_rows(const ops_work *work, transposed *plan) {
    const uint32_t window = plan->y.window;
    plan->all_rows = plan->y.stride > 1;
    if (plan->all_rows)
        ops_read_all(work, 0);
    else
        ops_read(work, 0, (int32_t)plan->y.before - (int32_t)(window - 1), window, 1, 1);
}

tagnode_status ops_prepare_transpose_conv(const ops_work *work) {
    transposed plan = {.floats = work->kernels->floats,
                       .clamp = ops_clamp_float(work->op->activation)};
    tagnode_status status = place(work, &plan);
    if (status != TAGNODE_OK) return status;
    const bool is_int8 = work->output->type == TAGGER_INT8;
    status = is_int8 ? quantise(work, &plan) : ops_float_bias(work, plan.channels, &plan.real_bias);
    if (status != TAGNODE_OK) return status;
    size_t needed = 0;
    ops_room(&needed, sizeof plan);
    const size_t scales = ops_room(&needed, is_int8 ? plan.channels * sizeof(float) : 0);
    status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    if (is_int8) {
        float *scale = (float *)(void *)((char *)work->step->state + scales);
        for (uint32_t c = 0; c < plan.channels; ++c) scale[c] = ops_filter_scale(work, c);
        plan.scale = scale;
    }
    read_rows(work, &plan);
    memcpy(work->step->state, &plan, sizeof plan);
    const uint64_t reached = ((plan.y.window - 1) / plan.y.stride + 1) *
                             (uint64_t)((plan.x.window - 1) / plan.x.stride + 1);
    const uint64_t tried = (uint64_t)plan.y.window * plan.x.window;
    ops_cut(work, (size_t)plan.x.input * plan.channels,
            (reached * plan.depth + tried + 1) * OPS_COST_FLOAT + OPS_COST_INTEGER, 1);
    work->step->run = run_transposed;
    return TAGNODE_OK;
}
