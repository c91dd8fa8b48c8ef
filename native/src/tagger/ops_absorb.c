/* Operations on single values, merged into the float convolution before them. */
#include "tagger/ops_internal.h"

/* Returns the values of a constant: one for all channels or one for each; NULL if the operation has
 * another operand. */
static const float *by_channel(const tagger_graph *graph, const tagger_op *op, uint32_t output,
                               uint32_t channels, size_t *step) {
    if (op->inputs != 2) return NULL;
    const int32_t side = op->input[0] == (int32_t)output ? 1 : 0;
    const tagger_tensor *values = &graph->tensor[op->input[side]];
    *step = values->elements == 1 ? 0 : 1;
    const bool fits = values->elements == 1 ||
                      (values->elements == channels && values->dims[values->rank - 1] == channels);
    return values->type == TAGGER_FLOAT32 && fits ? values->data : NULL;
}

static bool absorb_affine(floats_weights *into, const tagger_op *op, const float *values,
                          size_t step) {
    const bool multiplies = op->code == TAGGER_MUL;
    const size_t channels = into->channels;
    const size_t padded = (channels + FLOATS_BLOCK - 1) / FLOATS_BLOCK * FLOATS_BLOCK;
    if (into->scale != NULL && (multiplies || into->is_shifted)) return false;
    if (into->scale == NULL) {
        into->scale = into->bias + padded;
        into->shift = into->scale + padded;
        for (size_t c = 0; c < channels; ++c) into->scale[c] = 1.0F;
    }
    for (size_t c = 0; c < channels; ++c)
        (multiplies ? into->scale : into->shift)[c] = values[c * step];
    into->is_shifted = !multiplies;
    return true;
}

bool ops_absorb_float(const tagger_graph *graph, const tagger_op *next, tagger_step *step) {
    floats_weights *into = step->epilogue;
    const tagger_tensor *before = &graph->tensor[step->output],
                        *after = &graph->tensor[next->output];
    size_t apart = 0;
    if (!ops_same_shape(before, after) || after->type != TAGGER_FLOAT32) return false;
    if (next->code == TAGGER_RELU || next->code == TAGGER_RELU6) {
        if (into->scale != NULL) return false;
        into->low = fmaxf(into->low, 0.0F);
        if (next->code == TAGGER_RELU6) into->high = fminf(into->high, 6.0F);
    } else if (next->code == TAGGER_MUL || next->code == TAGGER_ADD) {
        const float *values = by_channel(graph, next, step->output, into->channels, &apart);
        if (values == NULL || next->activation != TAGGER_ACT_NONE ||
            !absorb_affine(into, next, values, apart))
            return false;
    } else {
        return false;
    }
    step->output = next->output;
    return true;
}
