/* MEAN and REDUCE_MAX over any axes. */
#include "tagger/ops_internal.h"

enum { DIMS = 3, GRAIN = 16 }; /* axes of a row */

typedef struct {
    size_t size[DIMS]; /* of an input row; the last is the inner one */
    bool is_reduced[DIMS];
    bool over_time;          /* rows too */
    bool by_itself;          /* an output row depends on one input row only, which is passed */
    uint32_t rows;           /* of the input */
    size_t results;          /* of an input row */
    size_t count;            /* input elements of a result */
    int32_t zero;            /* int8 */
    float scale, zero_point; /* of the sum; of the output */
    int32_t *sums;
} reduction;

/* Combines `count` values with a result each, or with a single one. */
typedef void joiner(const void *line, size_t count, bool single, void *joined) TAGNODE_NONBLOCKING;

static void add_int8(const void *line, size_t count, bool single, void *joined)
    TAGNODE_NONBLOCKING {
    const int8_t *values = line;
    int32_t *sums = joined, sum = 0;
    if (single) {
        for (size_t i = 0; i < count; ++i) sum += values[i];
        sums[0] += sum;
        return;
    }
    for (size_t i = 0; i < count; ++i) sums[i] += values[i];
}

static void add_float(const void *line, size_t count, bool single, void *joined)
    TAGNODE_NONBLOCKING {
    const float *values = line;
    float *sums = joined;
    for (size_t i = 0; i < count; ++i) sums[single ? 0 : i] += values[i];
}

static void max_int8(const void *line, size_t count, bool single, void *joined)
    TAGNODE_NONBLOCKING {
    const int8_t *values = line;
    int8_t *best = joined;
    for (size_t i = 0; i < count; ++i) {
        int8_t *result = &best[single ? 0 : i];
        *result = values[i] > *result ? values[i] : *result;
    }
}

static void max_float(const void *line, size_t count, bool single, void *joined)
    TAGNODE_NONBLOCKING {
    const float *values = line;
    float *best = joined;
    for (size_t i = 0; i < count; ++i) {
        float *result = &best[single ? 0 : i];
        *result = values[i] > *result ? values[i] : *result;
    }
}

/* Combines one input row with the results in the range, `size` bytes each. */
static void join_row(const reduction *plan, const void *row, size_t element_size, ops_range range,
                     joiner *join, void *joined, size_t size) TAGNODE_NONBLOCKING {
    const char *line = row;
    const bool single = plan->is_reduced[DIMS - 1]; /* the whole line has one result */
    const size_t inner = plan->size[DIMS - 1], length = single ? 1 : inner;
    for (size_t a = 0; a < plan->size[0]; ++a)
        for (size_t b = 0; b < plan->size[1]; ++b, line += inner * element_size) {
            const size_t outer = plan->is_reduced[0] ? 0 : a;
            const size_t at = plan->is_reduced[1] ? outer : outer * plan->size[1] + b;
            const size_t first = at * length, last = first + length;
            const size_t begin = first > range.begin ? first : range.begin;
            const size_t end = last < range.end ? last : range.end;
            if (begin < end)
                join(line + (begin - first) * element_size, single ? inner : end - begin, single,
                     (char *)joined + (begin - range.begin) * size);
        }
}

/* XNNPACK's for int8: the sum as a float times input / output scale / count, plus the zero point,
 * rounded to nearest even. */
static void finish_int8(const reduction *plan, int8_t *output, size_t count) TAGNODE_NONBLOCKING {
    for (size_t i = 0; i < count; ++i) {
        const int32_t sum = plan->sums[i] - (int32_t)plan->count * plan->zero;
        const float mean = (float)sum * plan->scale + plan->zero_point;
        output[i] = (int8_t)ops_nearest(ops_limited(mean, -128.0F, 127.0F));
    }
}

static void reduce_int8(const tagger_step *step, const void *const *rows, uint32_t count,
                        ops_range range, int8_t *output) TAGNODE_NONBLOCKING {
    const reduction *plan = step->state;
    const size_t length = range.end - range.begin;
    if (step->op->code == TAGGER_REDUCE_MAX) {
        memset(output, INT8_MIN, length);
        for (uint32_t r = 0; r < count; ++r) join_row(plan, rows[r], 1, range, max_int8, output, 1);
        return;
    }
    memset(plan->sums, 0, length * sizeof *plan->sums);
    for (uint32_t r = 0; r < count; ++r) join_row(plan, rows[r], 1, range, add_int8, plan->sums, 4);
    finish_int8(plan, output, length);
}

static void reduce_float(const tagger_step *step, const void *const *rows, uint32_t count,
                         ops_range range, float *output) TAGNODE_NONBLOCKING {
    const reduction *plan = step->state;
    const bool is_max = step->op->code == TAGGER_REDUCE_MAX;
    const size_t length = range.end - range.begin;
    for (size_t i = 0; i < length; ++i) output[i] = is_max ? -INFINITY : 0.0F;
    for (uint32_t r = 0; r < count; ++r)
        join_row(plan, rows[r], 4, range, is_max ? max_float : add_float, output, 4);
    for (size_t i = 0; !is_max && i < length; ++i) output[i] /= (float)plan->count;
}

/* If time stays, the results of the input rows follow each other; an output row may be any part of
 * them. */
static void run_reduce(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const reduction *plan = step->state;
    const bool is_int8 = plan->sums != NULL;
    const size_t size = is_int8 ? 1 : sizeof(float), elements = step->row_bytes / size;
    const ops_range own = ops_part(step, elements, GRAIN, part);
    const size_t base = plan->by_itself ? 0 : part->row * elements;
    for (size_t at = own.begin; at < own.end;) {
        const size_t flat = base + at, first = flat % plan->results;
        size_t length = plan->results - first;
        if (length > own.end - at) length = own.end - at;
        const void *const *from = part->rows + (plan->over_time ? 0 : flat / plan->results);
        const uint32_t count = plan->over_time ? plan->rows : 1;
        const ops_range range = {first, first + length};
        if (is_int8)
            reduce_int8(step, from, count, range, (int8_t *)part->output + at);
        else
            reduce_float(step, from, count, range, (float *)part->output + at);
        at += length;
    }
}

/* Marks the axes and computes `results` and `count`. */
static tagnode_status find_axes(const ops_work *work, reduction *plan) {
    const tagger_tensor *input = ops_input(work, 0), *axes = ops_input(work, 1);
    if (axes == NULL || axes->type != TAGGER_INT32 || axes->data == NULL)
        return ops_unsupported(work, "over axes that are not constant");
    bool is_reduced[TAGGER_MAX_RANK] = {false};
    for (size_t i = 0; i < axes->elements; ++i) {
        const int32_t axis = ops_axis(input, ((const int32_t *)axes->data)[i]);
        if (axis < 0) return ops_contradiction(work, "input and axes");
        is_reduced[axis] = true;
    }
    plan->count = 1;
    for (uint32_t axis = 0; axis < input->rank; ++axis)
        if (is_reduced[axis]) plan->count *= input->dims[axis];
    if (input->elements / plan->count != work->output->elements)
        return ops_contradiction(work, "input, axes and output");
    const uint32_t in_row = input->rank >= 3 ? input->rank - 2 : input->rank;
    plan->results = 1;
    for (uint32_t i = 0; i < DIMS; ++i) plan->size[i] = 1;
    for (uint32_t back = 1; back <= in_row; ++back) {
        plan->size[DIMS - back] = input->dims[input->rank - back];
        plan->is_reduced[DIMS - back] = is_reduced[input->rank - back];
        if (!is_reduced[input->rank - back]) plan->results *= input->dims[input->rank - back];
    }
    plan->rows = tagger_rows(input);
    plan->over_time = input->rank >= 3 && is_reduced[1];
    return TAGNODE_OK;
}

static tagnode_status find_rounding(const ops_work *work, reduction *plan) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    if (input->type != TAGGER_INT8) return TAGNODE_OK;
    if (!ops_is_quantised(input) || !ops_is_quantised(output))
        return ops_unsupported(work, "without quantisation of the whole tensor");
    if (work->op->code == TAGGER_REDUCE_MAX && !ops_same_quantisation(input, output))
        return ops_unsupported(work, "that changes the quantisation");
    if (plan->count > 1 << 23) return ops_unsupported(work, "of so many elements");
    plan->zero = input->zero_point[0];
    plan->zero_point = (float)output->zero_point[0];
    plan->scale = input->scale[0] / output->scale[0] / (float)plan->count;
    return TAGNODE_OK;
}

tagnode_status ops_prepare_reduce(const ops_work *work) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    if (input->type != output->type) return ops_contradiction(work, "input and output");
    reduction plan = {.sums = NULL};
    tagnode_status status = find_axes(work, &plan);
    if (status == TAGNODE_OK) status = find_rounding(work, &plan);
    if (status != TAGNODE_OK) return status;
    const size_t elements = output->elements / work->step->rows;
    size_t needed = 0;
    ops_room(&needed, sizeof plan);
    const size_t sums = ops_room(&needed, elements * sizeof(int32_t));
    status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    if (input->type == TAGGER_INT8)
        plan.sums = (int32_t *)(void *)((char *)work->step->state + sums);
    plan.by_itself = !plan.over_time && work->step->rows == plan.rows && elements == plan.results;
    memcpy(work->step->state, &plan, sizeof plan);
    if (plan.by_itself)
        ops_read_same(work, 0);
    else
        ops_read_all(work, 0);
    ops_cut(work, elements, plan.count * OPS_COST_FLOAT + OPS_COST_INTEGER, GRAIN);
    work->step->run = run_reduce;
    return TAGNODE_OK;
}
