/* ops_internal.h - shared by the operations: the preparation in progress, rounding, and the
 * division of a row into parts. */
#pragma once

#include <math.h>
#include <string.h>

#include "support/message.h"
#include "tagger/ops.h"

/* Costs relative to a multiply-add of the int8 kernels, for the size of parts. */
enum {
    OPS_COST_FUSED = 4,     /* multiply-add of the float kernels */
    OPS_COST_COPY = 1,      /* byte moved */
    OPS_COST_BYTE = 4,      /* compared */
    OPS_COST_FLOAT = 8,     /* float added, multiplied or compared */
    OPS_COST_TABLE = 8,     /* byte looked up */
    OPS_COST_ROOT = 16,     /* float divided, or its square root */
    OPS_COST_INTEGER = 16,  /* int8 result in fixed point or requantised */
    OPS_COST_SERIES = 40,   /* exp, ELU, logistic or tanh */
    OPS_COST_FUNCTION = 200 /* log */
};

/* A preparation in progress. */
typedef struct {
    const tagger_graph *graph;
    const tagger_op *op;
    const kernels_table *kernels;
    tagger_step *step;
    const tagger_tensor *output;
    tagnode_message *why;
} ops_work;

/* Returns input `index`; NULL if the operation has none. */
const tagger_tensor *ops_input(const ops_work *work, uint32_t index);

/* Error messages: the operation, then `what` ("with a filter that is not constant"; "filter and
 * output"). The statuses are returned here so that static analysers see them. */
static inline tagnode_status ops_unsupported(const ops_work *work, const char *what) {
    (void)tagnode_report(work->why, TAGNODE_ERROR_UNSUPPORTED,
                         "The inline runtime does not support %s %s; the worker runtime runs "
                         "any model.",
                         tagger_opcode_name(work->op->code), what);
    return TAGNODE_ERROR_UNSUPPORTED;
}

static inline tagnode_status ops_contradiction(const ops_work *work, const char *what) {
    (void)tagnode_report(work->why, TAGNODE_ERROR_MODEL,
                         "The model is damaged: %s of %s do not match; download the file again.",
                         what, tagger_opcode_name(work->op->code));
    return TAGNODE_ERROR_MODEL;
}

/* The step's one block of memory: `ops_room` adds `bytes` to what is needed and returns their
 * offset; `ops_allocate` then allocates the block, zeroed. */
size_t ops_room(size_t *needed, size_t bytes);
tagnode_status ops_allocate(const ops_work *work, size_t needed);

/* Records which rows of input `index`, a variable, are read. */
void ops_read(const ops_work *work, uint32_t index, int32_t first, uint32_t count, uint32_t stride,
              uint32_t dilation);
void ops_read_all(const ops_work *work, uint32_t index);
void ops_read_same(const ops_work *work, uint32_t index); /* row r for row r */

/* Returns the number of pointers passed for one input of a step. */
uint32_t ops_rows_read(const tagger_graph *graph, const tagger_reads *reads);

/* Divides `count` items of a row, `cost` each, into parts of multiples of `grain`. */
void ops_cut(const ops_work *work, size_t count, uint64_t cost, size_t grain);

typedef struct {
    size_t begin, end;
} ops_range;

/* Returns the items of a part, as divided by ops_cut. */
ops_range ops_part(const tagger_step *step, size_t count, size_t grain, const tagger_part *part)
    TAGNODE_NONBLOCKING;

size_t ops_element_size(const tagger_tensor *tensor);
bool ops_same_shape(const tagger_tensor *a, const tagger_tensor *b);
bool ops_same_quantisation(const tagger_tensor *a, const tagger_tensor *b);
bool ops_is_quantised(const tagger_tensor *tensor); /* int8 with one scale */
int32_t ops_axis(const tagger_tensor *tensor,
                 int32_t axis); /* from the front; -1 if out of range */

/* Returns the int32 values of constant input `index`, `count` of them; NULL if it does not have
 * them. */
const int32_t *ops_integers(const ops_work *work, uint32_t index, size_t count);

/* A window along one axis, with the padding before the input. */
typedef struct {
    uint32_t input, output, window, stride, dilation, before;
} ops_axis_window;

/* Places the windows of a convolution or pool, `height` rows and `width` columns, over the input;
 * false if the output contradicts them. */
bool ops_place_windows(const ops_work *work, uint32_t height, uint32_t width, ops_axis_window *x,
                       ops_axis_window *y);

/* The same for a transposed convolution: the windows are those over its output. */
bool ops_place_transposed(const ops_work *work, uint32_t height, uint32_t width, ops_axis_window *x,
                          ops_axis_window *y);

/* The clamp of a fused activation. */
typedef struct {
    int32_t low, high;
} ops_clamp;
ops_clamp ops_int8_clamp(tagger_activation activation, const tagger_tensor *output);
typedef struct {
    float low, high;
} ops_float_clamp;
ops_float_clamp ops_clamp_float(tagger_activation activation);

/* gemmlowp's fixed point, as in the reference kernels: a double as multiplier / 2^31 * 2^shift, and
 * its product with an integer, rounded twice (to nearest in the high half, then half away from 0).
 */
typedef struct {
    int32_t multiplier, shift;
} ops_fixed;
ops_fixed ops_fixed_of(double value);
int32_t ops_fixed_times(int32_t value, ops_fixed by) TAGNODE_NONBLOCKING;

/* Requantisation as in XNNPACK: nearest even of a float of absolute value below 2^22, through the
 * mantissa of 1.5 * 2^23, which every compiler can vectorise. */
static inline int32_t ops_nearest(float value) {
    const float shifted = value + 12582912.0F;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return bits - 0x4B400000;
}

static inline float ops_limited(float value, float low, float high) {
    const float raised = value > low ? value : low; /* low for NaN */
    return raised < high ? raised : high;
}

static inline int32_t ops_clamped(int32_t value, int32_t low, int32_t high) {
    const int32_t raised = value < low ? low : value;
    return raised > high ? high : raised;
}

tagnode_status ops_prepare_conv(const ops_work *work);
tagnode_status ops_prepare_conv_float(const ops_work *work, ops_axis_window x, ops_axis_window y);
tagnode_status ops_prepare_depthwise(const ops_work *work);
tagnode_status ops_prepare_transpose_conv(const ops_work *work);
tagnode_status ops_prepare_dense(const ops_work *work);
tagnode_status ops_prepare_pool(const ops_work *work);
tagnode_status ops_prepare_reduce(const ops_work *work);
tagnode_status ops_prepare_binary(const ops_work *work);
tagnode_status ops_prepare_unary(const ops_work *work);
tagnode_status ops_prepare_softmax(const ops_work *work);
tagnode_status ops_prepare_reshape(const ops_work *work);
tagnode_status ops_prepare_view(const ops_work *work);
tagnode_status ops_prepare_pad(const ops_work *work);
tagnode_status ops_prepare_concatenation(const ops_work *work);
tagnode_status ops_prepare_stack(const ops_work *work);

/* Checks input, filter and output of a convolution, all int8 or all float, and places its windows.
 */
tagnode_status ops_place_filter(const ops_work *work, ops_axis_window *x, ops_axis_window *y);
/* Finds the positions whose windows are inside the row. */
ops_range ops_inner_positions(const ops_axis_window *x);
/* tagger_step_absorb for a float convolution, whose weights have room for scale and shift: twice
 * the channels, rounded up to blocks, after the bias. */
bool ops_absorb_float(const tagger_graph *graph, const tagger_op *next, tagger_step *step);
/* Checks the bias of a float operation; it may be missing: NULL. */
tagnode_status ops_float_bias(const ops_work *work, uint32_t channels, const float **values);
/* Checks an int8 filter's channels: one scale for each or one for all, zero points 0, an int32
 * bias.
 */
tagnode_status ops_check_filter(const ops_work *work, uint32_t axis, uint32_t channels);
/* The factor of a channel's sum: input * filter / output scale. */
float ops_filter_scale(const ops_work *work, uint32_t channel);
/* Packs the filter and the bias for the kernels, into `memory`. */
tagnode_status ops_pack(const ops_work *work, uint32_t segments, uint32_t length, void *memory,
                        kernels_weights *weights);
