/* MAX_POOL_2D and AVERAGE_POOL_2D, int8 and float; maxima in int8 through the kernels. */
#include "tagger/ops_internal.h"

enum { GRAIN = 16 };

typedef struct {
    ops_axis_window x;
    uint32_t rows, channels; /* rows of the window */
    int32_t zero_point;
    ops_clamp clamp;
    ops_float_clamp float_clamp;
    const kernels_table *kernels;
    const int8_t **values; /* of a window, for a maximum */
    int32_t *sums;
} pool;

/* A range of channels of one position; a part is a sequence of such. */
typedef struct {
    size_t position, first, count;
    ops_range columns; /* input columns of the window that are inside the input */
} stretch;

static stretch next_stretch(const pool *plan, ops_range *left) TAGNODE_NONBLOCKING {
    stretch next = {.position = left->begin / plan->channels,
                    .first = left->begin % plan->channels};
    const size_t rest = plan->channels - next.first, wanted = left->end - left->begin;
    next.count = rest < wanted ? rest : wanted;
    left->begin += next.count;
    const int64_t begin = (int64_t)(next.position * plan->x.stride) - plan->x.before;
    const int64_t end = begin + plan->x.window;
    next.columns.begin = begin < 0 ? 0 : (size_t)begin;
    next.columns.end = end < plan->x.input ? (size_t)end : plan->x.input;
    return next;
}

static uint32_t columns_of(const stretch *at) TAGNODE_NONBLOCKING {
    return at->columns.begin < at->columns.end ? (uint32_t)(at->columns.end - at->columns.begin)
                                               : 0;
}

static ops_range part_of(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const pool *plan = step->state;
    return ops_part(step, (size_t)plan->x.output * plan->channels, GRAIN, part);
}

static void keep_greater_float(const float *restrict values, float *restrict best, size_t count)
    TAGNODE_NONBLOCKING {
    for (size_t i = 0; i < count; ++i) best[i] = values[i] > best[i] ? values[i] : best[i];
}

/* Adds one row to the sums. */
static void add_int8(const pool *plan, const int8_t *row, const stretch *at) TAGNODE_NONBLOCKING {
    for (size_t c = at->columns.begin; c < at->columns.end; ++c) {
        const int8_t *values = row + c * plan->channels + at->first;
        for (size_t i = 0; i < at->count; ++i) plan->sums[i] += values[i];
    }
}

/* Joins one row with the greatest values so far, or with the sums. */
static void join_float(const pool *plan, const float *row, const stretch *at, bool is_max,
                       float *joined) TAGNODE_NONBLOCKING {
    for (size_t c = at->columns.begin; c < at->columns.end; ++c) {
        const float *values = row + c * plan->channels + at->first;
        if (is_max) keep_greater_float(values, joined, at->count);
        for (size_t i = 0; !is_max && i < at->count; ++i) joined[i] += values[i];
    }
}

/* The mean of sums of `count` values as in the reference kernel: rounded half away from 0. */
static void divide_int8(const pool *plan, int32_t count, int8_t *means, size_t length)
    TAGNODE_NONBLOCKING {
    for (size_t i = 0; i < length; ++i) {
        const int32_t half = plan->sums[i] > 0 ? count / 2 : -(count / 2);
        const int32_t mean = count > 0 ? (plan->sums[i] + half) / count : 0;
        means[i] = (int8_t)ops_clamped(mean, plan->clamp.low, plan->clamp.high);
    }
}

/* Over the part of a window that is inside the input. */
static void run_average(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const pool *plan = step->state;
    for (ops_range left = part_of(step, part); left.begin < left.end;) {
        const stretch at = next_stretch(plan, &left);
        int8_t *result = (int8_t *)part->output + at.position * plan->channels + at.first;
        uint32_t rows = 0;
        memset(plan->sums, 0, at.count * sizeof *plan->sums);
        for (uint32_t r = 0; r < plan->rows; ++r) {
            if (part->rows[r] == NULL) continue;
            add_int8(plan, part->rows[r], &at);
            ++rows;
        }
        divide_int8(plan, (int32_t)(rows * columns_of(&at)), result, at.count);
    }
}

static void run_max(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const pool *plan = step->state;
    for (ops_range left = part_of(step, part); left.begin < left.end;) {
        const stretch at = next_stretch(plan, &left);
        int8_t *result = (int8_t *)part->output + at.position * plan->channels + at.first;
        uint32_t count = 0;
        for (uint32_t r = 0; r < plan->rows; ++r)
            for (size_t c = at.columns.begin; part->rows[r] != NULL && c < at.columns.end; ++c)
                plan->values[count++] =
                    (const int8_t *)part->rows[r] + c * plan->channels + at.first;
        plan->kernels->greatest(plan->values, count, at.count, (int8_t)plan->clamp.low,
                                (int8_t)plan->clamp.high, result);
    }
}

static void run_float(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const pool *plan = step->state;
    const bool is_max = step->op->code == TAGGER_MAX_POOL_2D;
    const float low = plan->float_clamp.low, high = plan->float_clamp.high;
    for (ops_range left = part_of(step, part); left.begin < left.end;) {
        const stretch at = next_stretch(plan, &left);
        float *result = (float *)part->output + at.position * plan->channels + at.first;
        uint32_t rows = 0;
        for (size_t i = 0; i < at.count; ++i) result[i] = is_max ? low : 0.0F;
        for (uint32_t r = 0; r < plan->rows; ++r) {
            if (part->rows[r] == NULL) continue;
            join_float(plan, part->rows[r], &at, is_max, result);
            ++rows;
        }
        const float count = (float)(rows * columns_of(&at));
        for (size_t i = 0; !is_max && i < at.count; ++i)
            result[i] = ops_limited(result[i] / count, low, high);
        for (size_t i = 0; is_max && i < at.count; ++i)
            result[i] = result[i] > high ? high : result[i];
    }
}

static tagnode_status check(const ops_work *work, ops_axis_window *x, ops_axis_window *y) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    const tagger_op *op = work->op;
    if (input->rank != 4 || output->rank != 4 || input->dims[3] != output->dims[3] ||
        input->type != output->type)
        return ops_contradiction(work, "input and output");
    if (input->type == TAGGER_INT8 && (!ops_is_quantised(input) || !ops_is_quantised(output)))
        return ops_unsupported(work, "without quantisation");
    if (!ops_same_quantisation(input, output))
        return ops_unsupported(work, "that changes the quantisation");
    if (!ops_place_windows(work, op->as.window.filter_h, op->as.window.filter_w, x, y))
        return ops_contradiction(work, "input, window and output");
    if ((uint64_t)x->window * y->window > 1 << 23)
        return ops_unsupported(work, "with so large a window");
    return TAGNODE_OK;
}

tagnode_status ops_prepare_pool(const ops_work *work) {
    ops_axis_window x = {0}, y = {0};
    tagnode_status status = check(work, &x, &y);
    if (status != TAGNODE_OK) return status;
    const uint32_t channels = work->output->dims[3];
    size_t needed = 0;
    ops_room(&needed, sizeof(pool));
    const bool is_int8 = work->output->type == TAGGER_INT8,
               is_max = work->op->code == TAGGER_MAX_POOL_2D;
    const size_t sums = ops_room(&needed, channels * sizeof(int32_t));
    const size_t most = (size_t)(x.window < x.input ? x.window : x.input) *
                        (y.window < y.input ? y.window : y.input);
    const size_t values = ops_room(&needed, is_max ? most * sizeof(int8_t *) : 0);
    status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    pool *plan = work->step->state;
    char *memory = work->step->state;
    *plan = (pool){.x = x,
                   .rows = y.window,
                   .channels = channels,
                   .kernels = work->kernels,
                   .values = (const int8_t **)(void *)(memory + values),
                   .sums = (int32_t *)(void *)(memory + sums)};
    plan->float_clamp = ops_clamp_float(work->op->activation);
    if (is_int8) plan->clamp = ops_int8_clamp(work->op->activation, work->output);
    work->step->run = !is_int8 ? run_float : is_max ? run_max : run_average;
    const size_t each = is_int8 && is_max ? OPS_COST_BYTE : OPS_COST_FLOAT;
    const size_t last = is_int8 && !is_max ? OPS_COST_INTEGER : OPS_COST_FLOAT;
    ops_cut(work, (size_t)x.output * channels, (size_t)y.window * x.window * each + last, GRAIN);
    ops_read(work, 0, -(int32_t)y.before, y.window, y.stride, 1);
    return TAGNODE_OK;
}
