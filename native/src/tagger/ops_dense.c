/* FULLY_CONNECTED: int8 through the kernels' product, float through their inner products, which are
 * the same bits on every machine. */
#include "tagger/ops_internal.h"

enum { BLOCK = 16 };

typedef struct {
    uint32_t units, depth;     /* outputs, inputs of each */
    uint32_t vectors;          /* input vectors of an output row */
    uint32_t segments, length; /* runs that make up a vector, elements of each */
    size_t row_elements;       /* of the input */
    kernels_weights weights;
    const kernels_table *kernels;
    const int8_t **runs;
    const float *filter, *bias; /* float; bias may be NULL */
    ops_float_clamp clamp;
} dense;

/* Returns where segment s of vector v starts. */
static const char *segment(const dense *plan, const void *const *rows, size_t v, size_t s,
                           size_t element_size) TAGNODE_NONBLOCKING {
    const size_t element = v * plan->depth + s * plan->length;
    const char *row = rows[element / plan->row_elements];
    return row + element % plan->row_elements * element_size;
}

static void run_int8(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const dense *plan = step->state;
    const ops_range units = ops_part(step, plan->units, BLOCK, part);
    for (size_t v = 0; v < plan->vectors; ++v)
        for (size_t s = 0; s < plan->segments; ++s)
            plan->runs[v * plan->segments + s] = (const int8_t *)segment(plan, part->rows, v, s, 1);
    const kernels_input input = {plan->runs, plan->segments, 0, plan->vectors};
    plan->kernels->product(&plan->weights, &input, (uint32_t)units.begin,
                           (uint32_t)(units.end - units.begin), part->output, plan->units);
}

/* Results one after the other, as many of a vector at once as there are. */
static void run_float(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const dense *plan = step->state;
    const ops_range results = ops_part(step, (size_t)plan->vectors * plan->units, 1, part);
    for (size_t i = results.begin, count; i < results.end; i += count) {
        const size_t v = i / plan->units, unit = i % plan->units, left = plan->units - unit;
        float *sums = (float *)part->output + i;
        count = results.end - i < left ? results.end - i : left;
        for (size_t u = 0; u < count; ++u) sums[u] = 0.0F;
        for (size_t s = 0; s < plan->segments; ++s)
            plan->kernels->floats->dot(
                (const float *)(const void *)segment(plan, part->rows, v, s, sizeof(float)),
                plan->filter + unit * plan->depth + s * plan->length, plan->length, plan->depth,
                (uint32_t)count, sums);
        for (size_t u = 0; u < count; ++u) {
            const float sum = sums[u] + (plan->bias != NULL ? plan->bias[unit + u] : 0.0F);
            sums[u] = ops_limited(sum, plan->clamp.low, plan->clamp.high);
        }
    }
}

static tagnode_status prepare_int8(const ops_work *work, const dense *found) {
    tagnode_status status = ops_check_filter(work, 0, found->units);
    if (status != TAGNODE_OK) return status;
    size_t needed = 0;
    ops_room(&needed, sizeof(dense));
    const size_t weights =
        ops_room(&needed, work->kernels->packed_size(found->units, found->segments, found->length));
    const size_t runs =
        ops_room(&needed, (size_t)found->vectors * found->segments * sizeof(int8_t *));
    status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    char *memory = work->step->state;
    dense *plan = work->step->state;
    *plan = *found;
    plan->runs = (const int8_t **)(void *)(memory + runs);
    ops_cut(work, found->units, (size_t)found->vectors * found->depth, BLOCK);
    work->step->run = run_int8;
    return ops_pack(work, found->segments, found->length, memory + weights, &plan->weights);
}

static tagnode_status prepare_float(const ops_work *work, const dense *found) {
    const float *bias = NULL;
    tagnode_status status = ops_float_bias(work, found->units, &bias);
    if (status == TAGNODE_OK) status = ops_allocate(work, sizeof(dense));
    if (status != TAGNODE_OK) return status;
    dense *plan = work->step->state;
    *plan = *found;
    plan->filter = ops_input(work, 1)->data;
    plan->bias = bias;
    plan->clamp = ops_clamp_float(work->op->activation);
    ops_cut(work, (size_t)found->vectors * found->units, (size_t)found->depth * OPS_COST_FLOAT, 1);
    work->step->run = run_float;
    return TAGNODE_OK;
}

/* How the input vectors are split over rows: an output row has the vectors of one row, or of all
 * rows if it is the only one. */
static tagnode_status place(const ops_work *work, dense *found) {
    const tagger_tensor *input = ops_input(work, 0), *filter = ops_input(work, 1);
    if (filter == NULL || filter->rank != 2) return ops_contradiction(work, "the inputs");
    if (filter->data == NULL) return ops_unsupported(work, "with a filter that is not constant");
    if (filter->type != input->type || work->output->type != input->type)
        return ops_unsupported(work, "of several types");
    const uint32_t units = filter->dims[0], depth = filter->dims[1], rows = tagger_rows(input);
    if (input->elements % depth != 0 || work->output->elements != input->elements / depth * units)
        return ops_contradiction(work, "input, filter and output");
    const size_t row_elements = input->elements / rows;
    const uint32_t length = depth < row_elements ? depth : (uint32_t)row_elements;
    if (depth % length != 0 || row_elements % length != 0)
        return ops_unsupported(work, "across rows");
    *found = (dense){.units = units,
                     .depth = depth,
                     .segments = depth / length,
                     .length = length,
                     .row_elements = row_elements,
                     .kernels = work->kernels};
    found->vectors = (uint32_t)(work->output->elements / work->step->rows / units);
    if (work->step->rows == rows && row_elements == (size_t)found->vectors * depth)
        ops_read_same(work, 0);
    else if (work->step->rows == 1)
        ops_read_all(work, 0);
    else
        return ops_unsupported(work, "that joins rows");
    return TAGNODE_OK;
}

tagnode_status ops_prepare_dense(const ops_work *work) {
    dense found = {0};
    const tagnode_status status = place(work, &found);
    if (status != TAGNODE_OK) return status;
    return ops_input(work, 0)->type == TAGGER_INT8 ? prepare_int8(work, &found)
                                                   : prepare_float(work, &found);
}
