/* TRANSPOSE, STRIDED_SLICE, SPLIT and SPLIT_V: output elements from input elements at constant
 * steps along each axis. */
#include <stdlib.h>

#include "tagger/ops_internal.h"

enum { DIMS = 3 }; /* of a row */

/* A step in rows, and in bytes within a row. */
typedef struct {
    int64_t rows, bytes;
} stride;

typedef struct {
    size_t element_size;
    stride origin, by_row; /* start of output row 0; step from one row to the next */
    size_t size[DIMS];     /* of an output row; the last is the inner one */
    stride step[DIMS];
    bool by_itself; /* only the one row that is read is passed, not all */
} view;

static void copy_line(const view *plan, const void *const *rows, stride from, char *output,
                      size_t count) TAGNODE_NONBLOCKING {
    const stride step = plan->step[DIMS - 1];
    const size_t size = plan->element_size;
    if (step.rows == 0) {
        const char *input = (const char *)rows[plan->by_itself ? 0 : from.rows] + from.bytes;
        if (step.bytes == (int64_t)size) {
            memcpy(output, input, count * size);
            return;
        }
        for (size_t i = 0; i < count; ++i)
            memcpy(output + i * size, input + (int64_t)i * step.bytes, size);
        return;
    }
    for (size_t i = 0; i < count; ++i, from.rows += step.rows, from.bytes += step.bytes)
        memcpy(output + i * size, (const char *)rows[from.rows] + from.bytes, size);
}

static void run_view(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const view *plan = step->state;
    const size_t inner = plan->size[DIMS - 1];
    const ops_range range = ops_part(step, step->row_bytes / plan->element_size, 1, part);
    for (size_t at = range.begin; at < range.end;) {
        const size_t line = at / inner, first = at % inner;
        const size_t rest = range.end - at < inner - first ? range.end - at : inner - first;
        const int64_t index[DIMS] = {(int64_t)(line / plan->size[1]),
                                     (int64_t)(line % plan->size[1]), (int64_t)first};
        stride from = {plan->origin.rows + part->row * plan->by_row.rows,
                       plan->origin.bytes + part->row * plan->by_row.bytes};
        for (int axis = 0; axis < DIMS; ++axis) {
            from.rows += index[axis] * plan->step[axis].rows;
            from.bytes += index[axis] * plan->step[axis].bytes;
        }
        copy_line(plan, part->rows, from, (char *)part->output + at * plan->element_size, rest);
        at += rest;
    }
}

/* One step along an axis of the input. */
static stride along(const tagger_tensor *input, uint32_t axis) {
    if (input->rank >= 3 && axis == 0) return (stride){0, 0};
    if (input->rank >= 3 && axis == 1) return (stride){1, 0};
    int64_t bytes = (int64_t)ops_element_size(input);
    for (uint32_t i = axis + 1; i < input->rank; ++i) bytes *= input->dims[i];
    return (stride){0, bytes};
}

static stride times(stride step, int64_t count) {
    return (stride){step.rows * count, step.bytes * count};
}

/* Turns steps along each axis of the output into the plan, and records the rows that it reads. */
static tagnode_status finish(const ops_work *work, stride origin, const stride *steps) {
    const tagger_tensor *output = work->output;
    const tagnode_status status = ops_allocate(work, sizeof(view));
    if (status != TAGNODE_OK) return status;
    view *plan = work->step->state;
    *plan = (view){.element_size = ops_element_size(output), .origin = origin, .size = {1, 1, 1}};
    const uint32_t in_row = output->rank >= 3 ? output->rank - 2 : output->rank;
    bool within_row = true;
    for (uint32_t back = 1; back <= in_row; ++back) {
        plan->size[DIMS - back] = output->dims[output->rank - back];
        plan->step[DIMS - back] = steps[output->rank - back];
        within_row = within_row && steps[output->rank - back].rows == 0;
    }
    if (output->rank >= 3) plan->by_row = steps[1];
    plan->by_itself = within_row && plan->by_row.rows > 0;
    if (plan->by_itself)
        ops_read(work, 0, (int32_t)origin.rows, 1, (uint32_t)plan->by_row.rows, 1);
    else
        ops_read_all(work, 0);
    ops_cut(work, output->elements / work->step->rows, OPS_COST_FLOAT, 1);
    work->step->run = run_view;
    return TAGNODE_OK;
}

static tagnode_status prepare_transpose(const ops_work *work) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    const int32_t *order = ops_integers(work, 1, input->rank);
    if (order == NULL) return ops_unsupported(work, "by an order that is not constant");
    if (output->rank != input->rank) return ops_contradiction(work, "input and output");
    stride steps[TAGGER_MAX_RANK] = {{0, 0}};
    uint32_t seen = 0;
    for (uint32_t axis = 0; axis < output->rank; ++axis) {
        const int32_t source = ops_axis(input, order[axis]);
        if (source < 0 || (seen >> source & 1U) != 0 || input->dims[source] != output->dims[axis])
            return ops_contradiction(work, "input, order and output");
        seen |= 1U << source;
        steps[axis] = along(input, (uint32_t)source);
    }
    return finish(work, (stride){0, 0}, steps);
}

/* Computes the start and the length of a slice of one axis (Python's rules). */
typedef struct {
    int64_t begin, step, count;
} slice;

static slice slice_of(int64_t size, int64_t begin, int64_t end, int64_t step, bool from_edge,
                      bool to_edge) {
    const int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? size : size - 1;
    if (begin < 0) begin += size;
    if (end < 0) end += size;
    if (from_edge) begin = step > 0 ? 0 : size - 1;
    if (to_edge) end = step > 0 ? size : -1;
    if (begin < lowest) begin = lowest;
    if (begin > highest) begin = highest;
    if (end < lowest) end = lowest;
    if (end > highest) end = highest;
    const int64_t span = step > 0 ? end - begin : begin - end;
    return (slice){begin, step, span <= 0 ? 0 : (span + llabs(step) - 1) / llabs(step)};
}

static tagnode_status prepare_slice(const ops_work *work) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    const tagger_op *op = work->op;
    const int32_t *begin = ops_integers(work, 1, input->rank);
    const int32_t *end = ops_integers(work, 2, input->rank);
    const int32_t *step = ops_integers(work, 3, input->rank);
    if (begin == NULL || end == NULL || step == NULL)
        return ops_unsupported(work, "by limits that are not constant or not of every axis");
    if (op->as.strided_slice.ellipsis_mask != 0 || op->as.strided_slice.new_axis_mask != 0)
        return ops_unsupported(work, "with an ellipsis or new axes");
    stride steps[TAGGER_MAX_RANK] = {{0, 0}}, origin = {0, 0};
    uint32_t kept = 0;
    for (uint32_t axis = 0; axis < input->rank; ++axis) {
        if (step[axis] == 0) return ops_contradiction(work, "the steps");
        slice part = slice_of(input->dims[axis], begin[axis], end[axis], step[axis],
                              (op->as.strided_slice.begin_mask >> axis & 1) != 0,
                              (op->as.strided_slice.end_mask >> axis & 1) != 0);
        const bool shrinks = (op->as.strided_slice.shrink_axis_mask >> axis & 1) != 0;
        if (part.begin < 0 || part.begin >= input->dims[axis])
            return ops_contradiction(work, "input and limits");
        const stride one = along(input, axis), offset = times(one, part.begin);
        origin = (stride){origin.rows + offset.rows, origin.bytes + offset.bytes};
        if (shrinks) continue;
        if (kept >= output->rank || output->dims[kept] != part.count)
            return ops_contradiction(work, "limits and output");
        steps[kept++] = times(one, part.step);
    }
    if (kept != output->rank) return ops_contradiction(work, "limits and output");
    return finish(work, origin, steps);
}

/* Finds the length of an output of SPLIT_V along its axis of `size`, and where it begins; one
 * length may be -1: the rest. */
static bool find_part(const ops_work *work, const int32_t *lengths, int64_t size, slice *found) {
    const uint32_t part = work->op->as.split.part, parts = work->op->as.split.parts;
    int64_t given = 0;
    uint32_t rests = 0;
    for (uint32_t i = 0; i < parts; ++i) {
        if (lengths[i] < -1) return false;
        if (lengths[i] == -1)
            ++rests;
        else
            given += lengths[i];
    }
    const int64_t rest = size - given;
    if (rests > 1 || rest < 0 || (rests == 0 && rest != 0)) return false;
    *found = (slice){.step = 1, .count = lengths[part] >= 0 ? lengths[part] : rest};
    for (uint32_t i = 0; i < part; ++i) found->begin += lengths[i] >= 0 ? lengths[i] : rest;
    return true;
}

static tagnode_status prepare_split(const ops_work *work) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    const uint32_t part = work->op->as.split.part, parts = work->op->as.split.parts;
    const bool by_length = work->op->code == TAGGER_SPLIT_V;
    const int32_t *wanted = ops_integers(work, by_length ? 2 : 1, 1);
    const int32_t *lengths = by_length ? ops_integers(work, 1, parts) : NULL;
    if (wanted == NULL || (by_length && lengths == NULL))
        return ops_unsupported(work, "by an axis or lengths that are not constant");
    if (!ops_same_quantisation(input, output))
        return ops_unsupported(work, "that changes the quantisation");
    const int32_t axis = ops_axis(input, *wanted);
    if (axis < 0 || output->rank != input->rank)
        return ops_contradiction(work, "input, axis and output");
    const uint32_t size = input->dims[axis], each = size / parts;
    slice found = {.begin = (int64_t)part * each, .step = 1, .count = each};
    if (by_length ? !find_part(work, lengths, size, &found) : size % parts != 0)
        return ops_contradiction(work, "input and outputs");
    stride steps[TAGGER_MAX_RANK] = {{0, 0}};
    for (uint32_t i = 0; i < input->rank; ++i) {
        if (output->dims[i] != ((int32_t)i == axis ? found.count : input->dims[i]))
            return ops_contradiction(work, "input and outputs");
        steps[i] = along(input, i);
    }
    return finish(work, times(along(input, (uint32_t)axis), found.begin), steps);
}

tagnode_status ops_prepare_view(const ops_work *work) {
    const tagger_tensor *input = ops_input(work, 0);
    if (input->type != work->output->type) return ops_contradiction(work, "input and output");
    switch (work->op->code) {
    case TAGGER_TRANSPOSE: return prepare_transpose(work);
    case TAGGER_STRIDED_SLICE: return prepare_slice(work);
    default: return prepare_split(work);
    }
}
