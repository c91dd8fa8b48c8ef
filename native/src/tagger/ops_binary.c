/* ADD, SUB, MUL, MINIMUM, MAXIMUM, SQUARED_DIFFERENCE of two tensors that broadcast to the output's
 * shape, int8 and float; DIV of float. */
#include "tagger/ops_internal.h"

enum {
    DIMS = 3,       /* of a row */
    CHUNK = 64,     /* elements at a time */
    SPAN = 20,      /* bits of XNNPACK's multipliers; left shift of the reference kernels */
    SQUARE_SPAN = 7 /* left shift of a difference that is squared */
};

/* One operand, and how its position moves with that of the output; steps in elements. */
typedef struct {
    const char *constant;     /* NULL for a variable */
    uint32_t first_row, rows; /* of the pointers that are passed */
    char *gathered; /* buffer in which a variable's rows are joined if they are not the output's */
    size_t row_bytes;
    size_t row_step; /* from one output row to the next, if contiguous */
    size_t step[DIMS];
} operand;

typedef struct binary binary;
typedef void line_function(const binary *plan, const void *a, const void *b, void *output,
                           size_t count) TAGNODE_NONBLOCKING;

struct binary {
    operand side[2];
    size_t size[DIMS]; /* of a row of the output; the last is the inner one */
    size_t element_size;
    tagger_opcode code;
    line_function *line;
    ops_float_clamp clamp;
    int32_t zero[2], low, high, zero_point; /* int8; low and high are the clamp */
    int32_t multiplier[2], shift;           /* XNNPACK's addition */
    float scale, least, most;         /* XNNPACK's multiplication; clamp less the zero point */
    ops_fixed fixed[2], fixed_output; /* the reference kernels' */
};

static float clamped_ratio(float value, float low, float high) TAGNODE_NONBLOCKING {
    const float raised = value < low ? low : value;
    return raised > high ? high : raised;
}

static void line_float(const binary *plan, const void *a, const void *b, void *output, size_t count)
    TAGNODE_NONBLOCKING {
    const float *x = a, *y = b, low = plan->clamp.low, high = plan->clamp.high;
    float *result = output;
    switch (plan->code) {
    case TAGGER_ADD:
        for (size_t i = 0; i < count; ++i) result[i] = ops_limited(x[i] + y[i], low, high);
        break;
    case TAGGER_SUB:
        for (size_t i = 0; i < count; ++i) result[i] = ops_limited(x[i] - y[i], low, high);
        break;
    case TAGGER_MUL:
        for (size_t i = 0; i < count; ++i) result[i] = ops_limited(x[i] * y[i], low, high);
        break;
    case TAGGER_DIV: /* NaN, of 0 / 0, remains */
        for (size_t i = 0; i < count; ++i) result[i] = clamped_ratio(x[i] / y[i], low, high);
        break;
    case TAGGER_SQUARED_DIFFERENCE:
        for (size_t i = 0; i < count; ++i) result[i] = (x[i] - y[i]) * (x[i] - y[i]);
        break;
    case TAGGER_MINIMUM:
        for (size_t i = 0; i < count; ++i) result[i] = y[i] < x[i] ? y[i] : x[i];
        break;
    default: /* MAXIMUM */
        for (size_t i = 0; i < count; ++i) result[i] = y[i] > x[i] ? y[i] : x[i];
    }
}

/* MINIMUM and MAXIMUM. */
static void extreme_int8(const binary *plan, const void *a, const void *b, void *output,
                         size_t count) TAGNODE_NONBLOCKING {
    const int8_t *x = a, *y = b;
    int8_t *result = output;
    if (plan->code == TAGGER_MINIMUM)
        for (size_t i = 0; i < count; ++i) result[i] = y[i] < x[i] ? y[i] : x[i];
    else
        for (size_t i = 0; i < count; ++i) result[i] = y[i] > x[i] ? y[i] : x[i];
}

/* XNNPACK's: both operands in steps of the larger ratio of scales over 2^20, rounding half up. SUB
 * negates the second multiplier. */
static void add_int8(const binary *plan, const void *a, const void *b, void *output, size_t count)
    TAGNODE_NONBLOCKING {
    const int8_t *x = a, *y = b;
    int8_t *result = output;
    const int32_t half = (int32_t)1 << (plan->shift - 1);
    for (size_t i = 0; i < count; ++i) {
        const int32_t sum = (x[i] - plan->zero[0]) * plan->multiplier[0] +
                            (y[i] - plan->zero[1]) * plan->multiplier[1] + half;
        result[i] =
            (int8_t)ops_clamped((sum >> plan->shift) + plan->zero_point, plan->low, plan->high);
    }
}

/* The reference kernels': for ratios of scales that XNNPACK does not accept. */
static void add_int8_fixed(const binary *plan, const void *a, const void *b, void *output,
                           size_t count) TAGNODE_NONBLOCKING {
    const int8_t *x = a, *y = b;
    int8_t *result = output;
    const int32_t sign = plan->multiplier[1] < 0 ? -1 : 1;
    for (size_t i = 0; i < count; ++i) {
        const int32_t first = (x[i] - plan->zero[0]) * (1 << SPAN);
        const int32_t second = (y[i] - plan->zero[1]) * (1 << SPAN);
        const int32_t sum =
            ops_fixed_times(first, plan->fixed[0]) + sign * ops_fixed_times(second, plan->fixed[1]);
        const int32_t scaled = ops_fixed_times(sum, plan->fixed_output) + plan->zero_point;
        result[i] = (int8_t)ops_clamped(scaled, plan->low, plan->high);
    }
}

/* XNNPACK's: the product as a float times the ratio of scales, rounded to nearest even. */
static void multiply_int8(const binary *plan, const void *a, const void *b, void *output,
                          size_t count) TAGNODE_NONBLOCKING {
    const int8_t *x = a, *y = b;
    int8_t *result = output;
    for (size_t i = 0; i < count; ++i) {
        const int32_t product = (x[i] - plan->zero[0]) * (y[i] - plan->zero[1]);
        const float scaled = ops_limited((float)product * plan->scale, plan->least, plan->most);
        result[i] = (int8_t)(ops_nearest(scaled) + plan->zero_point);
    }
}

static void multiply_int8_fixed(const binary *plan, const void *a, const void *b, void *output,
                                size_t count) TAGNODE_NONBLOCKING {
    const int8_t *x = a, *y = b;
    int8_t *result = output;
    for (size_t i = 0; i < count; ++i) {
        const int32_t product = (x[i] - plan->zero[0]) * (y[i] - plan->zero[1]);
        const int32_t scaled = ops_fixed_times(product, plan->fixed_output) + plan->zero_point;
        result[i] = (int8_t)ops_clamped(scaled, plan->low, plan->high);
    }
}

/* The reference kernels': the operands as in their addition, but shifted by less. */
static void square_int8(const binary *plan, const void *a, const void *b, void *output,
                        size_t count) TAGNODE_NONBLOCKING {
    const int8_t *x = a, *y = b;
    int8_t *result = output;
    for (size_t i = 0; i < count; ++i) {
        const int32_t first = (x[i] - plan->zero[0]) * (1 << SQUARE_SPAN);
        const int32_t second = (y[i] - plan->zero[1]) * (1 << SQUARE_SPAN);
        const int32_t apart =
            ops_fixed_times(first, plan->fixed[0]) - ops_fixed_times(second, plan->fixed[1]);
        const int32_t scaled =
            ops_fixed_times(apart * apart, plan->fixed_output) + plan->zero_point;
        result[i] = (int8_t)ops_clamped(scaled, -128, 127);
    }
}

/* Returns the position of an operand's elements for this output row. */
static const char *base_of(const operand *side, size_t element_size, const void *const *rows,
                           uint32_t row) TAGNODE_NONBLOCKING {
    const char *base = side->constant;
    if (base == NULL) base = rows[side->first_row];
    if (side->gathered != NULL) {
        for (uint32_t r = 0; r < side->rows; ++r)
            memcpy(side->gathered + r * side->row_bytes, rows[side->first_row + r],
                   side->row_bytes);
        base = side->gathered;
    }
    return base + row * side->row_step * element_size;
}

/* Runs the inner loop over a stretch; an operand that does not move is expanded first. */
static void run_stretch(const binary *plan, const char *const *from, char *output, size_t count)
    TAGNODE_NONBLOCKING {
    float spread[2][CHUNK];
    const size_t size = plan->element_size;
    for (int s = 0; s < 2; ++s) {
        if (plan->side[s].step[DIMS - 1] != 0) continue;
        const size_t needed = count < CHUNK ? count : CHUNK;
        float value = 0.0F;
        memcpy(&value, from[s], size);
        if (size == 1) memset(spread[s], from[s][0], needed);
        for (size_t i = 0; size != 1 && i < needed; ++i) spread[s][i] = value;
    }
    for (size_t done = 0; done < count; done += CHUNK) {
        const void *at[2];
        for (int s = 0; s < 2; ++s)
            at[s] = plan->side[s].step[DIMS - 1] != 0 ? (const void *)(from[s] + done * size)
                                                      : spread[s];
        plan->line(plan, at[0], at[1], output + done * size,
                   count - done < CHUNK ? count - done : CHUNK);
    }
}

static void run_binary(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const binary *plan = step->state;
    const size_t size = plan->element_size, inner = plan->size[DIMS - 1];
    const char *base[2];
    for (int s = 0; s < 2; ++s) base[s] = base_of(&plan->side[s], size, part->rows, part->row);
    const ops_range range = ops_part(step, step->row_bytes / size, 1, part);
    for (size_t at = range.begin; at < range.end;) {
        const size_t line = at / inner, first = at % inner;
        const size_t rest = range.end - at < inner - first ? range.end - at : inner - first;
        const char *from[2];
        for (int s = 0; s < 2; ++s) {
            const size_t *steps = plan->side[s].step;
            from[s] = base[s] + (line / plan->size[1] * steps[0] + line % plan->size[1] * steps[1] +
                                 first * steps[2]) *
                                    size;
        }
        run_stretch(plan, from, (char *)part->output + at * size, rest);
        at += rest;
    }
}

/* Fills in how one operand moves, or reports why it does not match. */
static tagnode_status place_side(const ops_work *work, uint32_t index, binary *plan) {
    const tagger_tensor *tensor = ops_input(work, index), *output = work->output;
    operand *side = &plan->side[index];
    if (tensor->rank > output->rank) return ops_contradiction(work, "inputs and output");
    size_t step = 1;
    const uint32_t in_row = output->rank >= 3 ? output->rank - 2 : output->rank;
    for (uint32_t back = 1; back <= output->rank; ++back) { /* axes from the last one on */
        const uint32_t size = back <= tensor->rank ? tensor->dims[tensor->rank - back] : 1;
        if (size != 1 && size != output->dims[output->rank - back])
            return ops_contradiction(work, "inputs and output");
        const size_t moves = size == 1 ? 0 : step;
        if (back <= in_row)
            side->step[DIMS - back] = moves;
        else if (back == in_row + 1)
            side->row_step = moves;
        step *= size;
    }
    side->constant = tensor->data;
    side->row_bytes = tagger_row_bytes(tensor);
    side->rows = tagger_rows(tensor);
    if (tensor->data != NULL) {
        work->step->by_position |= side->row_step != 0;
        return TAGNODE_OK;
    }
    for (uint32_t i = 0; i < work->step->reads; ++i)
        side->first_row += ops_rows_read(work->graph, &work->step->read[i]);
    if (side->rows > 1 && tensor->rank == output->rank) {
        side->row_step = 0; /* only the one row is passed */
        ops_read_same(work, index);
    } else {
        ops_read_all(work, index);
    }
    return TAGNODE_OK;
}

/* Merges axes along which both operands move alike, from the inner one outwards. */
static void join_axes(binary *plan) {
    for (int axis = DIMS - 2; axis >= 0; --axis) {
        const size_t inner = plan->size[DIMS - 1];
        bool joins = true;
        for (int s = 0; s < 2; ++s)
            joins = joins && (plan->size[axis] == 1 || inner == 1 ||
                              plan->side[s].step[axis] == plan->side[s].step[DIMS - 1] * inner);
        if (!joins) return;
        for (int s = 0; s < 2; ++s) {
            if (inner == 1) plan->side[s].step[DIMS - 1] = plan->side[s].step[axis];
            plan->side[s].step[axis] = 0;
        }
        plan->size[DIMS - 1] *= plan->size[axis];
        plan->size[axis] = 1;
    }
}

/* XNNPACK's parameters if both ratios of scales are in its range, otherwise the reference kernels'.
 */
static line_function *prepare_addition(const ops_work *work, binary *plan) {
    const double sign = work->op->code == TAGGER_SUB ? -1.0 : 1.0;
    const float first = ops_input(work, 0)->scale[0], second = ops_input(work, 1)->scale[0];
    const float output = work->output->scale[0];
    const float ratio[2] = {first / output, second / output};
    const float greater = ratio[0] > ratio[1] ? ratio[0] : ratio[1];
    const float lesser = ratio[0] > ratio[1] ? ratio[1] : ratio[0];
    plan->multiplier[1] = (int32_t)sign;
    if (lesser >= 0x1.0p-10F && greater < 0x1.0p+8F) {
        int exponent;
        (void)frexpf(greater, &exponent);
        plan->shift = SPAN - (exponent - 1);
        plan->multiplier[0] = (int32_t)rint(ldexp((double)ratio[0], plan->shift));
        plan->multiplier[1] = (int32_t)rint(sign * ldexp((double)ratio[1], plan->shift));
        return add_int8;
    }
    const double twice = 2.0 * (double)(first > second ? first : second);
    plan->fixed[0] = ops_fixed_of((double)first / twice);
    plan->fixed[1] = ops_fixed_of((double)second / twice);
    plan->fixed_output = ops_fixed_of(twice / ((double)(1 << SPAN) * (double)output));
    return add_int8_fixed;
}

static line_function *prepare_multiplication(const ops_work *work, binary *plan) {
    const float product = ops_input(work, 0)->scale[0] * ops_input(work, 1)->scale[0];
    plan->scale = product / work->output->scale[0];
    if (plan->scale >= 0x1.0p-16F && plan->scale < 0x1.0p+8F) return multiply_int8;
    plan->fixed_output = ops_fixed_of((double)plan->scale);
    return multiply_int8_fixed;
}

static line_function *prepare_square(const ops_work *work, binary *plan) {
    const float first = ops_input(work, 0)->scale[0], second = ops_input(work, 1)->scale[0];
    const double twice = (double)(2.0F * (first > second ? first : second));
    plan->fixed[0] = ops_fixed_of((double)first / twice);
    plan->fixed[1] = ops_fixed_of((double)second / twice);
    plan->fixed_output = ops_fixed_of(
        twice * twice / (double)((float)(1 << 2 * SQUARE_SPAN) * work->output->scale[0]));
    return square_int8;
}

static tagnode_status prepare_int8(const ops_work *work, binary *plan) {
    const tagger_tensor *sides[2] = {ops_input(work, 0), ops_input(work, 1)};
    const tagger_opcode code = work->op->code;
    if (code == TAGGER_MINIMUM || code == TAGGER_MAXIMUM) {
        if (!ops_same_quantisation(sides[0], work->output) ||
            !ops_same_quantisation(sides[1], work->output))
            return ops_unsupported(work, "of tensors with different quantisation");
        plan->line = extreme_int8;
        return TAGNODE_OK;
    }
    if (code == TAGGER_DIV) return ops_unsupported(work, "of int8");
    if (!ops_is_quantised(sides[0]) || !ops_is_quantised(sides[1]) ||
        !ops_is_quantised(work->output))
        return ops_unsupported(work, "without quantisation of the whole tensor");
    const ops_clamp clamp = ops_int8_clamp(work->op->activation, work->output);
    plan->zero_point = work->output->zero_point[0];
    for (int s = 0; s < 2; ++s) plan->zero[s] = sides[s]->zero_point[0];
    plan->low = clamp.low;
    plan->high = clamp.high;
    plan->least = (float)(clamp.low - plan->zero_point);
    plan->most = (float)(clamp.high - plan->zero_point);
    plan->line = code == TAGGER_MUL                  ? prepare_multiplication(work, plan)
                 : code == TAGGER_SQUARED_DIFFERENCE ? prepare_square(work, plan)
                                                     : prepare_addition(work, plan);
    return TAGNODE_OK;
}

static tagnode_status place(const ops_work *work, binary *plan) {
    const tagger_tensor *output = work->output;
    const uint32_t in_row = output->rank >= 3 ? output->rank - 2 : output->rank;
    for (uint32_t axis = 0; axis < DIMS; ++axis) plan->size[axis] = 1;
    for (uint32_t back = 1; back <= in_row; ++back)
        plan->size[DIMS - back] = output->dims[output->rank - back];
    for (uint32_t s = 0; s < 2; ++s) {
        const tagnode_status status = place_side(work, s, plan);
        if (status != TAGNODE_OK) return status;
    }
    join_axes(plan);
    return TAGNODE_OK;
}

/* Allocates memory, with room for the rows of a variable that an output row reads across. */
static tagnode_status allocate(const ops_work *work, binary *plan) {
    size_t needed = 0, room[2] = {0, 0};
    ops_room(&needed, sizeof *plan);
    for (uint32_t s = 0; s < 2; ++s) {
        const operand *side = &plan->side[s];
        const bool comes_by_row = ops_input(work, s)->rank == work->output->rank;
        if (side->constant == NULL && side->rows > 1 && !comes_by_row)
            room[s] = ops_room(&needed, side->rows * side->row_bytes);
    }
    const tagnode_status status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    for (int s = 0; s < 2; ++s)
        if (room[s] > 0) plan->side[s].gathered = (char *)work->step->state + room[s];
    memcpy(work->step->state, plan, sizeof *plan);
    return TAGNODE_OK;
}

tagnode_status ops_prepare_binary(const ops_work *work) {
    const tagger_tensor *a = ops_input(work, 0), *b = ops_input(work, 1);
    if (b == NULL) return ops_contradiction(work, "the inputs");
    if (a->type != b->type || a->type != work->output->type)
        return ops_unsupported(work, "of several types");
    binary plan = {.element_size = ops_element_size(work->output),
                   .code = work->op->code,
                   .line = line_float,
                   .clamp = ops_clamp_float(work->op->activation)};
    tagnode_status status = place(work, &plan);
    if (status == TAGNODE_OK && a->type == TAGGER_INT8) status = prepare_int8(work, &plan);
    if (status == TAGNODE_OK) status = allocate(work, &plan);
    if (status != TAGNODE_OK) return status;
    const size_t cost = work->op->code == TAGGER_DIV ? OPS_COST_ROOT
                        : a->type == TAGGER_FLOAT32  ? OPS_COST_FLOAT
                        : plan.line == extreme_int8  ? OPS_COST_BYTE
                                                     : OPS_COST_INTEGER;
    ops_cut(work, work->step->row_bytes / plan.element_size, cost, 1);
    work->step->run = run_binary;
    return TAGNODE_OK;
}
