/* SOFTMAX over the last axis. */
#include "tagger/ops_internal.h"

typedef struct {
    const floats_table *floats;
    size_t length;
    float beta;
    float exponentials[256]; /* int8: by the distance below the largest value */
    float scale;             /* of the output */
    int32_t zero_point;
} softmax;

/* As in the reference kernel, whose table and sums are float: rounds half up. */
static void softmax_int8(const softmax *plan, const int8_t *input, int8_t *output)
    TAGNODE_NONBLOCKING {
    int32_t greatest = input[0];
    for (size_t i = 1; i < plan->length; ++i) greatest = input[i] > greatest ? input[i] : greatest;
    float sum = 0.0F;
    for (size_t i = 0; i < plan->length; ++i) sum += plan->exponentials[greatest - input[i]];
    const float inverse = 1.0F / (sum * plan->scale);
    for (size_t i = 0; i < plan->length; ++i) {
        const float share = plan->exponentials[greatest - input[i]] * inverse;
        const int32_t rounded = (int32_t)(ops_limited(share, 0.0F, 1024.0F) + 0.5F);
        output[i] = (int8_t)ops_clamped(rounded + plan->zero_point, -128, 127);
    }
}

static void softmax_float(const softmax *plan, const float *input, float *output)
    TAGNODE_NONBLOCKING {
    float greatest = input[0], sum = 0.0F;
    for (size_t i = 1; i < plan->length; ++i) greatest = input[i] > greatest ? input[i] : greatest;
    plan->floats->function(FLOATS_EXP, greatest, plan->beta, input, output, plan->length);
    for (size_t i = 0; i < plan->length; ++i) sum += output[i];
    const float inverse = 1.0F / sum;
    for (size_t i = 0; i < plan->length; ++i) output[i] *= inverse;
}

static void run_softmax(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const softmax *plan = step->state;
    const bool is_int8 = plan->zero_point != INT32_MIN;
    const size_t elements = is_int8 ? step->row_bytes : step->row_bytes / sizeof(float);
    const ops_range lines = ops_part(step, elements / plan->length, 1, part);
    for (size_t line = lines.begin; line < lines.end; ++line) {
        const size_t at = line * plan->length;
        if (is_int8)
            softmax_int8(plan, (const int8_t *)part->rows[0] + at, (int8_t *)part->output + at);
        else
            softmax_float(plan, (const float *)part->rows[0] + at, (float *)part->output + at);
    }
}

tagnode_status ops_prepare_softmax(const ops_work *work) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    const bool is_int8 = input->type == TAGGER_INT8;
    if (!ops_same_shape(input, output) || input->rank == 0 || input->type != output->type)
        return ops_contradiction(work, "input and output");
    if (is_int8 && (!ops_is_quantised(input) || !ops_is_quantised(output)))
        return ops_unsupported(work, "without quantisation of the whole tensor");
    const tagnode_status status = ops_allocate(work, sizeof(softmax));
    if (status != TAGNODE_OK) return status;
    softmax *plan = work->step->state;
    plan->floats = work->kernels->floats;
    plan->length = input->dims[input->rank - 1];
    plan->beta = work->op->as.softmax.beta;
    plan->zero_point = is_int8 ? output->zero_point[0] : INT32_MIN; /* INT32_MIN marks float */
    plan->scale = is_int8 ? output->scale[0] : 0.0F;
    for (int i = 0; is_int8 && i < 256; ++i)
        plan->exponentials[i] = expf(-input->scale[0] * plan->beta * (float)i);
    const size_t lines = output->elements / work->step->rows / plan->length;
    const size_t each = is_int8 ? OPS_COST_INTEGER * 2 : OPS_COST_SERIES;
    ops_cut(work, lines, plan->length * each, 1);
    ops_read_same(work, 0);
    work->step->run = run_softmax;
    return TAGNODE_OK;
}
