/* PAD, PADV2, CONCATENATION and PACK. */
#include "tagger/ops_internal.h"

enum { DIMS = 3 }; /* of a row */

typedef struct {
    uint32_t input[DIMS], before[DIMS], output[DIMS]; /* of a row; the last is the inner one */
    size_t element_size;
    char value[4];
} padding;

static void fill(const padding *plan, char *output, size_t count) TAGNODE_NONBLOCKING {
    if (plan->element_size == 1) {
        memset(output, plan->value[0], count);
        return;
    }
    for (size_t i = 0; i < count; ++i)
        memcpy(output + i * sizeof plan->value, plan->value, sizeof plan->value);
}

static void run_pad(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const padding *plan = step->state;
    const size_t size = plan->element_size, inner = plan->output[2], before = plan->before[2];
    const ops_range lines = ops_part(step, (size_t)plan->output[0] * plan->output[1], 1, part);
    for (size_t line = lines.begin; line < lines.end; ++line) {
        char *result = (char *)part->output + line * inner * size;
        const size_t outer = line / plan->output[1], middle = line % plan->output[1];
        const size_t i = outer - plan->before[0],
                     j = middle - plan->before[1]; /* may wrap around */
        if (part->rows[0] == NULL || i >= plan->input[0] || j >= plan->input[1]) {
            fill(plan, result, inner);
            continue;
        }
        const size_t length = plan->input[2];
        fill(plan, result, before);
        memcpy(result + before * size,
               (const char *)part->rows[0] + (i * plan->input[1] + j) * length * size,
               length * size);
        fill(plan, result + (before + length) * size, inner - before - length);
    }
}

/* Merges the inner two axes if nothing is inserted along the last. */
static void join_axes(padding *plan) {
    for (int joins = 0; joins < DIMS - 1 && plan->input[2] == plan->output[2]; ++joins) {
        const uint32_t size = plan->input[2];
        plan->input[2] = plan->input[1] * size;
        plan->before[2] = plan->before[1] * size;
        plan->output[2] = plan->output[1] * size;
        plan->input[1] = plan->input[0];
        plan->before[1] = plan->before[0];
        plan->output[1] = plan->output[0];
        plan->input[0] = plan->output[0] = 1;
        plan->before[0] = 0;
    }
}

/* The inserted value: 0, or PADV2's constant. */
static tagnode_status find_value(const ops_work *work, padding *plan) {
    const tagger_tensor *input = ops_input(work, 0), *value = ops_input(work, 2);
    if (input->type == TAGGER_INT8 && !ops_is_quantised(input))
        return ops_unsupported(work, "without quantisation of the whole tensor");
    if (!ops_same_quantisation(input, work->output))
        return ops_unsupported(work, "that changes the quantisation");
    if (value == NULL) {
        if (input->type == TAGGER_INT8) plan->value[0] = (char)input->zero_point[0];
        return TAGNODE_OK;
    }
    if (value->data == NULL || value->elements != 1 || value->type != input->type ||
        !ops_same_quantisation(value, input))
        return ops_unsupported(work, "with a value that is not constant or quantised otherwise");
    memcpy(plan->value, value->data, plan->element_size);
    return TAGNODE_OK;
}

tagnode_status ops_prepare_pad(const ops_work *work) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    const int32_t *amounts = ops_integers(work, 1, 2 * (size_t)input->rank);
    if (amounts == NULL) return ops_unsupported(work, "by amounts that are not constant");
    if (input->type != output->type || input->rank != output->rank || input->rank == 0)
        return ops_contradiction(work, "input and output");
    padding plan = {.input = {1, 1, 1}, .output = {1, 1, 1}};
    plan.element_size = ops_element_size(input);
    const uint32_t rank = input->rank, in_row = rank >= 3 ? rank - 2 : rank;
    for (uint32_t axis = 0; axis < rank; ++axis) {
        const int64_t before = amounts[2 * (size_t)axis], after = amounts[2 * (size_t)axis + 1];
        if (before < 0 || after < 0 || before + after + input->dims[axis] != output->dims[axis])
            return ops_contradiction(work, "input, amounts and output");
        if (axis < rank - in_row) continue;
        const uint32_t place = DIMS - (rank - axis);
        plan.input[place] = input->dims[axis];
        plan.before[place] = (uint32_t)before;
        plan.output[place] = output->dims[axis];
    }
    join_axes(&plan);
    tagnode_status status = find_value(work, &plan);
    if (status == TAGNODE_OK) status = ops_allocate(work, sizeof plan);
    if (status != TAGNODE_OK) return status;
    memcpy(work->step->state, &plan, sizeof plan);
    ops_read(work, 0, rank >= 3 ? -amounts[2] : 0, 1, 1, 1);
    ops_cut(work, (size_t)plan.output[0] * plan.output[1], plan.output[2] * plan.element_size, 1);
    work->step->run = run_pad;
    return TAGNODE_OK;
}

typedef struct {
    const char *constant; /* all rows of it, NULL for a variable */
    uint32_t pointer;     /* index of its first pointer */
    uint32_t first, rows; /* along time: the output rows that come from it */
    size_t bytes;         /* bytes of it in a row, for each index before the axis */
} joined;

typedef struct {
    bool over_time;
    size_t outer; /* indices before the axis, within a row */
    uint32_t count;
    joined *part;
} concatenation;

static void run_over_time(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const concatenation *plan = step->state;
    const ops_range range = ops_part(step, step->row_bytes, 1, part);
    const joined *from = plan->part;
    while (part->row - from->first >= from->rows) ++from;
    const char *source = from->constant != NULL
                             ? from->constant + (size_t)(part->row - from->first) * step->row_bytes
                             : part->rows[from->pointer];
    memcpy((char *)part->output + range.begin, source + range.begin, range.end - range.begin);
}

static void run_within_row(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const concatenation *plan = step->state;
    const ops_range range = ops_part(step, plan->outer, 1, part);
    char *result = (char *)part->output + range.begin * (step->row_bytes / plan->outer);
    for (size_t outer = range.begin; outer < range.end; ++outer)
        for (uint32_t i = 0; i < plan->count; ++i) {
            const joined *from = &plan->part[i];
            const char *source =
                from->constant != NULL
                    ? from->constant + (size_t)part->row * plan->outer * from->bytes
                    : part->rows[from->pointer];
            memcpy(result, source + outer * from->bytes, from->bytes);
            result += from->bytes;
        }
}

/* Checks input `index` against the output along every axis except the joined one. */
static tagnode_status check_part(const ops_work *work, uint32_t index, uint32_t axis) {
    const tagger_tensor *input = ops_input(work, index), *output = work->output;
    if (input == NULL || input->rank != output->rank || input->type != output->type)
        return ops_contradiction(work, "inputs and output");
    for (uint32_t i = 0; i < output->rank; ++i)
        if (i != axis && input->dims[i] != output->dims[i])
            return ops_contradiction(work, "inputs and output");
    if (!ops_same_quantisation(input, output))
        return ops_unsupported(work, "of tensors with different quantisation");
    return TAGNODE_OK;
}

static void place_part(const ops_work *work, uint32_t index, concatenation *plan, uint32_t *first,
                       uint32_t *pointer) {
    const tagger_tensor *input = ops_input(work, index);
    joined *part = &plan->part[index];
    part->constant = input->data;
    part->pointer = *pointer;
    part->rows = tagger_rows(input);
    part->bytes = tagger_row_bytes(input) / plan->outer;
    if (plan->over_time) part->first = *first;
    *first += part->rows;
    if (input->data != NULL) {
        work->step->by_position |= !plan->over_time && part->rows > 1;
        return;
    }
    ops_read(work, index, plan->over_time ? -(int32_t)part->first : 0, 1, 1, 1);
    ++*pointer;
}

tagnode_status ops_prepare_concatenation(const ops_work *work) {
    const tagger_tensor *output = work->output;
    const int32_t axis = ops_axis(output, work->op->as.concatenation.axis);
    if (axis < 0) return ops_contradiction(work, "axis and output");
    if (work->op->activation != TAGGER_ACT_NONE) return ops_unsupported(work, "with an activation");
    if (output->rank >= 3 && axis == 0) return ops_unsupported(work, "of several windows at once");
    uint64_t joined_size = 0;
    for (uint32_t i = 0; i < work->op->inputs; ++i) {
        const tagnode_status status = check_part(work, i, (uint32_t)axis);
        if (status != TAGNODE_OK) return status;
        joined_size += ops_input(work, i)->dims[axis];
    }
    if (joined_size != output->dims[axis]) return ops_contradiction(work, "inputs and output");
    size_t needed = 0;
    ops_room(&needed, sizeof(concatenation));
    const size_t parts = ops_room(&needed, work->op->inputs * sizeof(joined));
    const tagnode_status status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    concatenation *plan = work->step->state;
    *plan = (concatenation){.over_time = output->rank >= 3 && axis == 1,
                            .outer = 1,
                            .count = work->op->inputs,
                            .part = (joined *)(void *)((char *)work->step->state + parts)};
    for (int32_t i = output->rank >= 3 ? 2 : 0; i < axis; ++i) plan->outer *= output->dims[i];
    uint32_t first = 0, pointer = 0;
    for (uint32_t i = 0; i < plan->count; ++i) place_part(work, i, plan, &first, &pointer);
    work->step->run = plan->over_time ? run_over_time : run_within_row;
    ops_cut(work, plan->over_time ? work->step->row_bytes : plan->outer,
            plan->over_time ? OPS_COST_COPY : work->step->row_bytes / plan->outer, 1);
    return TAGNODE_OK;
}

/* An input of PACK. */
typedef struct {
    const char *constant;
    uint32_t pointer;
} stacked;

typedef struct {
    bool by_row;      /* output row r from row r of each input, not from all rows */
    size_t block;     /* bytes that come from an input in one go */
    size_t input_row; /* bytes */
    uint32_t count;
    stacked *part;
} stack;

/* The output alternates between blocks of the inputs: input i / block % count for byte i. */
static void run_stack(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const stack *plan = step->state;
    const ops_range range = ops_part(step, step->row_bytes, 1, part);
    const size_t base = (size_t)part->row * step->row_bytes;
    for (size_t at = range.begin; at < range.end;) {
        const size_t whole = base + at, number = whole / plan->block, within = whole % plan->block;
        const stacked *from = &plan->part[number % plan->count];
        const size_t source = number / plan->count * plan->block + within;
        const size_t offset = source % plan->input_row;
        size_t count = plan->block - within, wanted = range.end - at;
        if (count > plan->input_row - offset) count = plan->input_row - offset;
        if (count > wanted) count = wanted;
        const char *input = from->constant;
        if (input != NULL)
            input += source;
        else
            input = (const char *)
                        part->rows[from->pointer + (plan->by_row ? 0 : source / plan->input_row)] +
                    offset;
        memcpy((char *)part->output + at, input, count);
        at += count;
    }
}

/* Checks input `index` of PACK: the output's shape without the axis. */
static tagnode_status check_stacked(const ops_work *work, uint32_t index, uint32_t axis) {
    const tagger_tensor *input = ops_input(work, index), *output = work->output;
    if (input == NULL || input->rank + 1 != output->rank || input->type != output->type)
        return ops_contradiction(work, "inputs and output");
    for (uint32_t i = 0; i < input->rank; ++i)
        if (input->dims[i] != output->dims[i < axis ? i : i + 1])
            return ops_contradiction(work, "inputs and output");
    if (!ops_same_quantisation(input, output))
        return ops_unsupported(work, "of tensors with different quantisation");
    return TAGNODE_OK;
}

static void place_stacked(const ops_work *work, stack *plan) {
    uint32_t pointer = 0;
    for (uint32_t i = 0; i < plan->count; ++i) {
        const tagger_tensor *input = ops_input(work, i);
        plan->part[i] = (stacked){input->data, pointer};
        if (input->data != NULL) {
            work->step->by_position |= tagger_rows(work->output) > 1;
        } else if (plan->by_row) {
            ops_read_same(work, i);
            ++pointer;
        } else {
            ops_read_all(work, i);
            pointer += tagger_rows(input);
        }
    }
}

tagnode_status ops_prepare_stack(const ops_work *work) {
    const tagger_tensor *output = work->output, *first = ops_input(work, 0);
    const int32_t axis = ops_axis(output, work->op->as.concatenation.axis);
    if (axis < 0 || output->dims[axis] != work->op->inputs)
        return ops_contradiction(work, "inputs and output");
    for (uint32_t i = 0; i < work->op->inputs; ++i) {
        const tagnode_status status = check_stacked(work, i, (uint32_t)axis);
        if (status != TAGNODE_OK) return status;
    }
    size_t needed = 0;
    ops_room(&needed, sizeof(stack));
    const size_t parts = ops_room(&needed, work->op->inputs * sizeof(stacked));
    const tagnode_status status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    stack *plan = work->step->state;
    *plan = (stack){.by_row = first->rank >= 3 && axis >= 2,
                    .block = ops_element_size(first),
                    .input_row = tagger_row_bytes(first),
                    .count = work->op->inputs,
                    .part = (stacked *)(void *)((char *)work->step->state + parts)};
    for (uint32_t i = (uint32_t)axis; i < first->rank; ++i) plan->block *= first->dims[i];
    place_stacked(work, plan);
    const size_t copied = plan->block < plan->input_row ? plan->block : plan->input_row;
    ops_cut(work, work->step->row_bytes, OPS_COST_COPY + OPS_COST_FUNCTION / copied, 1);
    work->step->run = run_stack;
    return TAGNODE_OK;
}
