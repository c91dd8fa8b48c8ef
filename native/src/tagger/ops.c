#include "tagger/ops.h"

#include "support/aligned.h"
#include "tagger/ops_internal.h"

enum { ALIGNMENT = 64 };

uint32_t tagger_rows(const tagger_tensor *tensor) {
    return tensor->rank >= 3 ? tensor->dims[1] : 1;
}

size_t tagger_row_bytes(const tagger_tensor *tensor) {
    return tensor->elements / tagger_rows(tensor) * ops_element_size(tensor);
}

size_t ops_element_size(const tagger_tensor *tensor) {
    return tensor->type == TAGGER_INT8 ? 1 : 4;
}

const tagger_tensor *ops_input(const ops_work *work, uint32_t index) {
    if (index >= work->op->inputs || work->op->input[index] < 0) return NULL;
    return &work->graph->tensor[work->op->input[index]];
}

size_t ops_room(size_t *needed, size_t bytes) {
    const size_t place = *needed;
    *needed += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return place;
}

tagnode_status ops_allocate(const ops_work *work, size_t needed) {
    work->step->state = tagnode_aligned_calloc(needed);
    if (work->step->state == NULL) return tagnode_no_memory(work->why, "the model");
    return TAGNODE_OK;
}

void ops_read(const ops_work *work, uint32_t index, int32_t first, uint32_t count, uint32_t stride,
              uint32_t dilation) {
    work->step->read[work->step->reads++] = (tagger_reads){
        .tensor = (uint32_t)work->op->input[index],
        .first = first,
        .count = count,
        .stride = stride,
        .dilation = dilation,
    };
}

void ops_read_all(const ops_work *work, uint32_t index) {
    ops_read(work, index, 0, tagger_rows(ops_input(work, index)), 0, 1);
    work->step->read[work->step->reads - 1].all = true;
}

void ops_read_same(const ops_work *work, uint32_t index) {
    ops_read(work, index, 0, 1, 1, 1);
}

uint32_t ops_rows_read(const tagger_graph *graph, const tagger_reads *reads) {
    return reads->all ? tagger_rows(&graph->tensor[reads->tensor]) : reads->count;
}

void ops_cut(const ops_work *work, size_t count, uint64_t cost, size_t grain) {
    const uint64_t grains = (count + (uint64_t)grain - 1) / grain;
    const uint64_t fitting = TAGGER_PART_COST / (cost * grain);
    const uint64_t parts = fitting < 2 ? grains : (grains + fitting - 1) / fitting;
    const uint64_t dearest = (grains + parts - 1) / parts * grain;
    const uint64_t most = (dearest < count ? dearest : count) * cost;
    work->step->parts = (uint32_t)parts;
    work->step->part_cost = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

ops_range ops_part(const tagger_step *step, size_t count, size_t grain, const tagger_part *part)
    TAGNODE_NONBLOCKING {
    const uint64_t grains = (count + (uint64_t)grain - 1) / grain;
    const uint64_t begin = grains * part->number / step->parts * grain;
    const uint64_t end = grains * (part->number + 1) / step->parts * grain;
    return (ops_range){(size_t)begin, end < count ? (size_t)end : count};
}

bool ops_same_shape(const tagger_tensor *a, const tagger_tensor *b) {
    if (a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; ++i)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

bool ops_is_quantised(const tagger_tensor *tensor) {
    return tensor->type == TAGGER_INT8 && tensor->scales == 1;
}

bool ops_same_quantisation(const tagger_tensor *a, const tagger_tensor *b) {
    if (a->type != b->type) return false;
    if (a->type != TAGGER_INT8) return true;
    if (a->scales == 0 || b->scales == 0) return a->scales == b->scales;
    return a->scale[0] == b->scale[0] && a->zero_point[0] == b->zero_point[0];
}

int32_t ops_axis(const tagger_tensor *tensor, int32_t axis) {
    const int32_t rank = (int32_t)tensor->rank;
    if (axis < -rank || axis >= rank) return -1;
    return axis < 0 ? axis + rank : axis;
}

const int32_t *ops_integers(const ops_work *work, uint32_t index, size_t count) {
    const tagger_tensor *tensor = ops_input(work, index);
    const bool fits = tensor != NULL && tensor->type == TAGGER_INT32 && tensor->elements == count;
    return fits ? tensor->data : NULL;
}

static bool place_window(ops_axis_window *axis, tagger_padding padding) {
    const uint64_t reach = (uint64_t)(axis->window - 1) * axis->dilation + 1;
    uint64_t output = (axis->input + (uint64_t)axis->stride - 1) / axis->stride;
    if (padding == TAGGER_PADDING_VALID)
        output = axis->input < reach ? 0 : (axis->input - reach) / axis->stride + 1;
    if (output == 0 || output != axis->output || reach > INT32_MAX) return false;
    const uint64_t covered = (output - 1) * axis->stride + reach;
    axis->before = covered > axis->input ? (uint32_t)(covered - axis->input) / 2 : 0;
    return true;
}

static bool place_windows(const tagger_op *op, const tagger_tensor *input,
                          const tagger_tensor *output, uint32_t height, uint32_t width,
                          ops_axis_window *x, ops_axis_window *y) {
    *y = (ops_axis_window){.input = input->dims[1],
                           .output = output->dims[1],
                           .window = height,
                           .stride = op->as.window.stride_h,
                           .dilation = op->as.window.dilation_h};
    *x = (ops_axis_window){.input = input->dims[2],
                           .output = output->dims[2],
                           .window = width,
                           .stride = op->as.window.stride_w,
                           .dilation = op->as.window.dilation_w};
    return place_window(x, op->as.window.padding) && place_window(y, op->as.window.padding);
}

bool ops_place_windows(const ops_work *work, uint32_t height, uint32_t width, ops_axis_window *x,
                       ops_axis_window *y) {
    return place_windows(work->op, ops_input(work, 0), work->output, height, width, x, y);
}

bool ops_place_transposed(const ops_work *work, uint32_t height, uint32_t width, ops_axis_window *x,
                          ops_axis_window *y) {
    return place_windows(work->op, work->output, ops_input(work, 0), height, width, x, y);
}

ops_float_clamp ops_clamp_float(tagger_activation activation) {
    switch (activation) {
    case TAGGER_ACT_RELU: return (ops_float_clamp){0.0F, INFINITY};
    case TAGGER_ACT_RELU6: return (ops_float_clamp){0.0F, 6.0F};
    case TAGGER_ACT_RELU_N1_TO_1: return (ops_float_clamp){-1.0F, 1.0F};
    case TAGGER_ACT_NONE: break;
    }
    return (ops_float_clamp){-INFINITY, INFINITY};
}

ops_clamp ops_int8_clamp(tagger_activation activation, const tagger_tensor *output) {
    const ops_float_clamp real = ops_clamp_float(activation);
    const float scale = output->scale[0], zero_point = (float)output->zero_point[0];
    const float low = rintf(real.low / scale) + zero_point;
    const float high = rintf(real.high / scale) + zero_point;
    return (ops_clamp){(int32_t)ops_limited(low, -128.0F, 127.0F),
                       (int32_t)ops_limited(high, -128.0F, 127.0F)};
}

ops_fixed ops_fixed_of(double value) {
    if (value == 0.0) return (ops_fixed){0, 0};
    if (!isfinite(value)) return (ops_fixed){INT32_MAX, 30};
    int exponent;
    const double mantissa = frexp(value, &exponent);
    int64_t multiplier = (int64_t)round(mantissa * 2147483648.0);
    if (multiplier == INT64_C(1) << 31) {
        multiplier /= 2;
        ++exponent;
    }
    if (exponent < -31) return (ops_fixed){0, 0};
    if (exponent > 30) return (ops_fixed){INT32_MAX, 30};
    return (ops_fixed){(int32_t)multiplier, exponent};
}

int32_t ops_fixed_times(int32_t value, ops_fixed by) TAGNODE_NONBLOCKING {
    const int right = by.shift < 0 ? -by.shift : 0;
    const int64_t shifted = (int64_t)value * (INT64_C(1) << (by.shift > 0 ? by.shift : 0));
    const int64_t held = shifted > INT32_MAX   ? INT32_MAX
                         : shifted < INT32_MIN ? INT32_MIN
                                               : shifted;
    const int64_t product = held * by.multiplier;
    const int64_t nudged = product + (product >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30));
    const int64_t high = nudged / (INT64_C(1) << 31);
    const int64_t mask = (INT64_C(1) << right) - 1;
    const int64_t threshold = mask / 2 + (high < 0 ? 1 : 0);
    const int64_t result = (high >> right) + ((high & mask) > threshold ? 1 : 0);
    const int64_t most = 1 << 30; /* far beyond int8, with room for a zero point */
    return (int32_t)(result > most ? most : result < -most ? -most : result);
}

tagnode_status ops_place_filter(const ops_work *work, ops_axis_window *x, ops_axis_window *y) {
    const tagger_tensor *input = ops_input(work, 0), *filter = ops_input(work, 1);
    if (filter == NULL) return ops_contradiction(work, "the inputs");
    if (input->type != filter->type || input->type != work->output->type)
        return ops_unsupported(work, "of several types");
    if (filter->data == NULL) return ops_unsupported(work, "with a filter that is not constant");
    if (input->rank != 4 || filter->rank != 4 || work->output->rank != 4)
        return ops_contradiction(work, "the shapes");
    if (!ops_place_windows(work, filter->dims[1], filter->dims[2], x, y))
        return ops_contradiction(work, "input, filter and output");
    return TAGNODE_OK;
}

ops_range ops_inner_positions(const ops_axis_window *x) {
    const uint64_t reach = (uint64_t)(x->window - 1) * x->dilation + 1;
    const uint64_t room = (uint64_t)x->input + x->before;
    uint64_t end = room < reach ? 0 : (room - reach) / x->stride + 1;
    if (end > x->output) end = x->output;
    uint64_t begin = ((uint64_t)x->before + x->stride - 1) / x->stride;
    if (begin > end) begin = end;
    return (ops_range){(size_t)begin, (size_t)end};
}

tagnode_status ops_float_bias(const ops_work *work, uint32_t channels, const float **values) {
    const tagger_tensor *bias = ops_input(work, 2);
    *values = NULL;
    if (bias == NULL) return TAGNODE_OK;
    if (bias->type != TAGGER_FLOAT32 || bias->data == NULL)
        return ops_unsupported(work, "with a bias that is not a float constant");
    if (bias->elements != channels) return ops_contradiction(work, "filter and bias");
    *values = bias->data;
    return TAGNODE_OK;
}

tagnode_status ops_check_filter(const ops_work *work, uint32_t axis, uint32_t channels) {
    const tagger_tensor *input = ops_input(work, 0), *filter = ops_input(work, 1);
    const tagger_tensor *bias = ops_input(work, 2);
    if (!ops_is_quantised(input) || !ops_is_quantised(work->output) || filter->scales == 0)
        return ops_unsupported(work, "without quantisation");
    if (filter->scales > 1 && (filter->scales != channels || filter->axis != axis))
        return ops_unsupported(work, "with filters quantised along another axis");
    if (bias != NULL && (bias->type != TAGGER_INT32 || bias->data == NULL))
        return ops_unsupported(work, "with a bias that is not an int32 constant");
    if (bias != NULL && bias->elements != channels)
        return ops_contradiction(work, "filter and bias");
    for (uint32_t i = 0; i < filter->scales; ++i)
        if (filter->zero_point[i] != 0)
            return ops_unsupported(work, "with filters that have a zero point");
    for (uint32_t i = 0; i < channels; ++i) {
        const float scale = ops_filter_scale(work, i);
        if (!(scale > 0.0F) || !isfinite(scale))
            return ops_unsupported(work, "with scales so far apart");
    }
    return TAGNODE_OK;
}

float ops_filter_scale(const ops_work *work, uint32_t channel) {
    const tagger_tensor *filter = ops_input(work, 1);
    const float product =
        ops_input(work, 0)->scale[0] * filter->scale[filter->scales > 1 ? channel : 0];
    return product / work->output->scale[0];
}

tagnode_status ops_pack(const ops_work *work, uint32_t segments, uint32_t length, void *memory,
                        kernels_weights *weights) {
    const tagger_tensor *filter = ops_input(work, 1), *bias = ops_input(work, 2);
    const ops_clamp clamp = ops_int8_clamp(work->op->activation, work->output);
    if (!work->kernels->pack(filter->data, bias != NULL ? bias->data : NULL,
                             ops_input(work, 0)->zero_point[0], filter->dims[0], segments, length,
                             memory, weights))
        return ops_unsupported(work, "whose sums may overflow 32 bits");
    for (uint32_t i = 0; i < weights->channels; ++i) weights->scale[i] = ops_filter_scale(work, i);
    weights->zero_point = work->output->zero_point[0];
    weights->low = (int8_t)clamp.low;
    weights->high = (int8_t)clamp.high;
    return TAGNODE_OK;
}

typedef tagnode_status preparer(const ops_work *work);

static preparer *const PREPARERS[TAGGER_OPCODES] = {
    [TAGGER_CONV_2D] = ops_prepare_conv,
    [TAGGER_DEPTHWISE_CONV_2D] = ops_prepare_depthwise,
    [TAGGER_TRANSPOSE_CONV] = ops_prepare_transpose_conv,
    [TAGGER_FULLY_CONNECTED] = ops_prepare_dense,
    [TAGGER_AVERAGE_POOL_2D] = ops_prepare_pool,
    [TAGGER_MAX_POOL_2D] = ops_prepare_pool,
    [TAGGER_MEAN] = ops_prepare_reduce,
    [TAGGER_REDUCE_MAX] = ops_prepare_reduce,
    [TAGGER_ADD] = ops_prepare_binary,
    [TAGGER_SUB] = ops_prepare_binary,
    [TAGGER_MUL] = ops_prepare_binary,
    [TAGGER_DIV] = ops_prepare_binary,
    [TAGGER_SQUARED_DIFFERENCE] = ops_prepare_binary,
    [TAGGER_MINIMUM] = ops_prepare_binary,
    [TAGGER_MAXIMUM] = ops_prepare_binary,
    [TAGGER_RELU] = ops_prepare_unary,
    [TAGGER_RELU6] = ops_prepare_unary,
    [TAGGER_LEAKY_RELU] = ops_prepare_unary,
    [TAGGER_ELU] = ops_prepare_unary,
    [TAGGER_LOGISTIC] = ops_prepare_unary,
    [TAGGER_TANH] = ops_prepare_unary,
    [TAGGER_HARD_SWISH] = ops_prepare_unary,
    [TAGGER_ABS] = ops_prepare_unary,
    [TAGGER_EXP] = ops_prepare_unary,
    [TAGGER_LOG] = ops_prepare_unary,
    [TAGGER_NEG] = ops_prepare_unary,
    [TAGGER_RSQRT] = ops_prepare_unary,
    [TAGGER_SQRT] = ops_prepare_unary,
    [TAGGER_SQUARE] = ops_prepare_unary,
    [TAGGER_QUANTIZE] = ops_prepare_unary,
    [TAGGER_DEQUANTIZE] = ops_prepare_unary,
    [TAGGER_SOFTMAX] = ops_prepare_softmax,
    [TAGGER_RESHAPE] = ops_prepare_reshape,
    [TAGGER_SQUEEZE] = ops_prepare_reshape,
    [TAGGER_EXPAND_DIMS] = ops_prepare_reshape,
    [TAGGER_TRANSPOSE] = ops_prepare_view,
    [TAGGER_STRIDED_SLICE] = ops_prepare_view,
    [TAGGER_SPLIT] = ops_prepare_view,
    [TAGGER_SPLIT_V] = ops_prepare_view,
    [TAGGER_PAD] = ops_prepare_pad,
    [TAGGER_CONCATENATION] = ops_prepare_concatenation,
    [TAGGER_PACK] = ops_prepare_stack,
};

/* Axis 0 of a stack of rows is 1: one window. */
static bool is_one_window(const tagger_tensor *tensor) {
    return tensor->data != NULL || tensor->rank < 3 || tensor->dims[0] == 1;
}

static tagnode_status check_tensors(const ops_work *work) {
    bool one = is_one_window(work->output);
    for (uint32_t i = 0; i < work->op->inputs; ++i) {
        const tagger_tensor *input = ops_input(work, i);
        one = one && (input == NULL || is_one_window(input));
    }
    if (!one) return ops_unsupported(work, "of several windows at once");
    const tagger_tensor *input = ops_input(work, 0);
    if (input == NULL) return ops_contradiction(work, "the inputs");
    if (input->type == TAGGER_INT32 || work->output->type == TAGGER_INT32)
        return ops_unsupported(work, "of int32");
    preparer *prepare = PREPARERS[work->op->code];
    if (prepare == NULL) return ops_unsupported(work, "at all");
    if (input->data != NULL && prepare != ops_prepare_binary &&
        prepare != ops_prepare_concatenation && prepare != ops_prepare_stack)
        return ops_unsupported(work, "of a constant");
    return TAGNODE_OK;
}

tagnode_status tagger_step_prepare(const tagger_graph *graph, uint32_t index,
                                   const kernels_table *kernels, tagger_step *step,
                                   tagnode_message *why) {
    const tagger_op *op = &graph->op[index];
    const tagger_tensor *output = &graph->tensor[op->output];
    *step = (tagger_step){.op = op, .output = op->output, .parts = 1};
    step->rows = tagger_rows(output);
    step->row_bytes = (uint32_t)tagger_row_bytes(output);
    const ops_work work = {graph, op, kernels, step, output, why};
    tagnode_status status = check_tensors(&work);
    if (status == TAGNODE_OK) status = PREPARERS[op->code](&work);
    if (status != TAGNODE_OK) tagger_step_free(step);
    return status;
}

void tagger_step_free(tagger_step *step) {
    tagnode_aligned_free(step->state);
    *step = (tagger_step){0};
}
