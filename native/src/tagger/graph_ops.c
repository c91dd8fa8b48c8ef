/* graph_ops.c - reads the operations of a model file. */
#include <math.h>
#include <string.h>

#include "tagger/graph_reader.h"

enum {
    MAX_STEP =
        65535 /* strides, dilations, windows and multipliers; products of two fit in 32 bits */
};

/* BuiltinOptions, ActivationFunctionType, BuiltinOperator as in the file. */
enum { OPTIONS_NONE = 0 };
enum { ACTIVATION_RELU6 = 3, ACTIVATION_SIGN_BIT = 5 };
enum { BUILTIN_CUSTOM = 32 };

static const flatbuffer_field CODE_DEPRECATED = {0, 1, "OperatorCode.deprecated_builtin_code"};
static const flatbuffer_field CODE_CUSTOM = {1, 1, "OperatorCode.custom_code"};
static const flatbuffer_field CODE_BUILTIN = {3, 4, "OperatorCode.builtin_code"};
static const flatbuffer_field OPERATOR_CODE = {0, 4, "Operator.opcode_index"};
static const flatbuffer_field OPERATOR_INPUTS = {1, 4, "Operator.inputs"};
static const flatbuffer_field OPERATOR_OUTPUTS = {2, 4, "Operator.outputs"};
static const flatbuffer_field OPERATOR_OPTIONS_TYPE = {3, 1, "Operator.builtin_options_type"};
static const flatbuffer_field OPERATOR_OPTIONS = {4, 4, "Operator.builtin_options"};

/* In the order of BuiltinOperator. */
/* clang-format off */
static const char *const BUILTIN_NAMES[] = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE",
    "DEQUANTIZE", "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP",
    "L2_NORMALIZATION", "L2_POOL_2D", "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION",
    "LSTM", "MAX_POOL_2D", "MUL", "RELU", "RELU_N1_TO_1", "RELU6", "RESHAPE", "RESIZE_BILINEAR",
    "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH", "CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL",
    "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD", "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER",
    "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP", "TOPK_V2",
    "SPLIT", "LOG_SOFTMAX", "DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM",
    "ARG_MAX", "MINIMUM", "LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL",
    "SELECT", "SLICE", "SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL",
    "NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE", "POW", "ARG_MIN", "FAKE_QUANT",
    "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT", "LOGICAL_AND", "LOGICAL_NOT",
    "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE", "FILL", "FLOOR_MOD",
    "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE", "MIRROR_PAD", "ABS",
    "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND", "COS", "WHERE", "RANK", "ELU",
    "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE", "MATRIX_SET_DIAG", "ROUND", "HARD_SWISH", "IF",
    "WHILE", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "SCATTER_ND", "SELECT_V2",
    "DENSIFY", "SEGMENT_SUM", "BATCH_MATMUL", "PLACEHOLDER_FOR_GREATER_OP_CODES", "CUMSUM",
    "CALL_ONCE", "BROADCAST_TO", "RFFT2D", "CONV_3D", "IMAG", "REAL", "COMPLEX_ABS", "HASHTABLE",
    "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE", "REDUCE_ALL", "CONV_3D_TRANSPOSE",
    "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "BROADCAST_ARGS", "RANDOM_STANDARD_NORMAL",
    "BUCKETIZE", "RANDOM_UNIFORM", "MULTINOMIAL", "GELU", "DYNAMIC_UPDATE_SLICE", "RELU_0_TO_1"};
/* clang-format on */

/* Options of operations. An absent table means the defaults. */

/* Its number differs, its name does not. */
static void read_activation(graph_reader *reader, flatbuffer_table options, uint16_t number,
                            tagger_op *op) {
    const flatbuffer_field field = {number, 1, "fused_activation_function"};
    const int32_t activation = flatbuffer_signed(&reader->file, options, field, TAGGER_ACT_NONE);
    if (activation < 0 || activation > ACTIVATION_SIGN_BIT)
        reader_wrong(reader, field);
    else if (activation > ACTIVATION_RELU6)
        reader_unsupported(reader, "has a fused TANH or SIGN_BIT");
    else
        op->activation = (tagger_activation)activation;
}

static void read_step(graph_reader *reader, flatbuffer_table options, flatbuffer_field field,
                      int32_t otherwise, uint32_t *step) {
    const int32_t value = flatbuffer_signed(&reader->file, options, field, otherwise);
    if (value < 1 || value > MAX_STEP) reader_wrong(reader, field);
    *step = (uint32_t)value;
}

/* The options of convolutions and pools start alike. */
static void read_window(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field PADDING = {0, 1, "padding"};
    static const flatbuffer_field STRIDE_W = {1, 4, "stride_w"}, STRIDE_H = {2, 4, "stride_h"};
    const int32_t padding = flatbuffer_signed(&reader->file, options, PADDING, TAGGER_PADDING_SAME);
    if (padding != TAGGER_PADDING_SAME && padding != TAGGER_PADDING_VALID)
        reader_wrong(reader, PADDING);
    else
        op->as.window.padding = (tagger_padding)padding;
    read_step(reader, options, STRIDE_W, 0, &op->as.window.stride_w);
    read_step(reader, options, STRIDE_H, 0, &op->as.window.stride_h);
}

static void read_conv(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field DILATION_W = {4, 4, "Conv2DOptions.dilation_w_factor"};
    static const flatbuffer_field DILATION_H = {5, 4, "Conv2DOptions.dilation_h_factor"};
    read_window(reader, options, op);
    read_activation(reader, options, 3, op);
    read_step(reader, options, DILATION_W, 1, &op->as.window.dilation_w);
    read_step(reader, options, DILATION_H, 1, &op->as.window.dilation_h);
}

static void read_depthwise(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field MULTIPLIER = {3, 4, "DepthwiseConv2DOptions.depth_multiplier"};
    static const flatbuffer_field DILATION_W = {5, 4, "DepthwiseConv2DOptions.dilation_w_factor"};
    static const flatbuffer_field DILATION_H = {6, 4, "DepthwiseConv2DOptions.dilation_h_factor"};
    read_window(reader, options, op);
    /* LiteRT does not check this. */
    if (flatbuffer_signed(&reader->file, options, MULTIPLIER, 0) == 0)
        reader_unsupported(reader, "has a depth_multiplier of 0");
    read_step(reader, options, MULTIPLIER, 0, &op->as.window.multiplier);
    read_activation(reader, options, 4, op);
    read_step(reader, options, DILATION_W, 1, &op->as.window.dilation_w);
    read_step(reader, options, DILATION_H, 1, &op->as.window.dilation_h);
}

static void read_transpose_conv(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    read_window(reader, options, op);
    read_activation(reader, options, 3, op);
    op->as.window.dilation_w = op->as.window.dilation_h = 1;
}

static void read_pool(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field FILTER_W = {3, 4, "Pool2DOptions.filter_width"};
    static const flatbuffer_field FILTER_H = {4, 4, "Pool2DOptions.filter_height"};
    read_window(reader, options, op);
    read_step(reader, options, FILTER_W, 0, &op->as.window.filter_w);
    read_step(reader, options, FILTER_H, 0, &op->as.window.filter_h);
    read_activation(reader, options, 5, op);
    op->as.window.dilation_w = op->as.window.dilation_h = 1;
}

/* Whether dimensions of 1 are kept is seen from the output's shape, here and in reductions. */
static void read_fully_connected(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field FORMAT = {1, 1, "FullyConnectedOptions.weights_format"};
    static const flatbuffer_field SPECIAL = {5, 1, "FullyConnectedOptions.quant_spec"};
    read_activation(reader, options, 0, op);
    if (flatbuffer_unsigned(&reader->file, options, FORMAT) != 0)
        reader_unsupported(reader, "has its weights shuffled");
    if (flatbuffer_list(&reader->file, options, SPECIAL).length != 0)
        reader_unsupported(reader, "has an unsupported quantisation");
}

static void read_concatenation(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field AXIS = {0, 4, "ConcatenationOptions.axis"};
    const int32_t rank = (int32_t)reader->graph.tensor[op->output].rank;
    op->as.concatenation.axis = flatbuffer_signed(&reader->file, options, AXIS, 0);
    if (op->as.concatenation.axis < -rank || op->as.concatenation.axis >= rank)
        reader_wrong(reader, AXIS);
    read_activation(reader, options, 1, op);
}

/* The options of ADD, SUB and MUL start alike. */
static void read_arithmetic(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    read_activation(reader, options, 0, op);
}

static void read_pack(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field COUNT = {0, 4, "PackOptions.values_count"};
    static const flatbuffer_field AXIS = {1, 4, "PackOptions.axis"};
    const int32_t rank = (int32_t)reader->graph.tensor[op->output].rank;
    const int64_t count = flatbuffer_signed(&reader->file, options, COUNT, 0);
    if (count != op->inputs) reader_wrong(reader, COUNT);
    op->as.concatenation.axis = flatbuffer_signed(&reader->file, options, AXIS, 0);
    if (op->as.concatenation.axis < -rank || op->as.concatenation.axis >= rank)
        reader_wrong(reader, AXIS);
}

static void read_split(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field COUNT = {0, 4, "num_splits"};
    const int64_t count = flatbuffer_signed(&reader->file, options, COUNT, 0);
    if (count != op->as.split.parts) reader_wrong(reader, COUNT);
}

static void read_softmax(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field BETA = {0, 4, "SoftmaxOptions.beta"};
    op->as.softmax.beta = flatbuffer_float(&reader->file, options, BETA);
    if (!isfinite(op->as.softmax.beta) || op->as.softmax.beta < 0.0F) reader_wrong(reader, BETA);
}

static void read_leaky_relu(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field ALPHA = {0, 4, "LeakyReluOptions.alpha"};
    op->as.leaky_relu.alpha = flatbuffer_float(&reader->file, options, ALPHA);
    if (!isfinite(op->as.leaky_relu.alpha)) reader_wrong(reader, ALPHA);
}

static void read_strided_slice(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field MASKS[] = {{0, 4, "StridedSliceOptions.begin_mask"},
                                             {1, 4, "StridedSliceOptions.end_mask"},
                                             {2, 4, "StridedSliceOptions.ellipsis_mask"},
                                             {3, 4, "StridedSliceOptions.new_axis_mask"},
                                             {4, 4, "StridedSliceOptions.shrink_axis_mask"}};
    static const flatbuffer_field OFFSET = {5, 1, "StridedSliceOptions.offset"};
    int32_t *const masks[] = {&op->as.strided_slice.begin_mask, &op->as.strided_slice.end_mask,
                              &op->as.strided_slice.ellipsis_mask,
                              &op->as.strided_slice.new_axis_mask,
                              &op->as.strided_slice.shrink_axis_mask};
    for (int i = 0; i < 5; ++i) {
        *masks[i] = flatbuffer_signed(&reader->file, options, MASKS[i], 0);
        if (*masks[i] < 0) reader_wrong(reader, MASKS[i]);
    }
    if (flatbuffer_unsigned(&reader->file, options, OFFSET) != 0)
        reader_unsupported(reader, "gives its end as an offset");
}

/* Operations */

typedef void (*options_reader)(graph_reader *reader, flatbuffer_table options, tagger_op *op);

/* `options_type` is the BuiltinOptions that `read` expects. The last input of an operation that
 * also takes one less, but at least 2, is a bias, and may be -1. */
typedef struct {
    tagger_opcode code;
    uint8_t builtin, least_inputs, most_inputs, options_type;
    options_reader read;
} op_kind;

/* In the order of tagger_opcode, then aliases. */
static const op_kind OP_KINDS[] = {
    {TAGGER_ABS, 101, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_ADD, 0, 2, 2, 11, read_arithmetic},
    {TAGGER_AVERAGE_POOL_2D, 1, 1, 1, 5, read_pool},
    {TAGGER_CONCATENATION, 2, 1, TAGGER_MAX_INPUTS, 10, read_concatenation},
    {TAGGER_CONV_2D, 3, 2, 3, 1, read_conv},
    {TAGGER_DEPTHWISE_CONV_2D, 4, 2, 3, 2, read_depthwise},
    {TAGGER_DEQUANTIZE, 6, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_DIV, 42, 2, 2, 29, read_arithmetic},
    {TAGGER_ELU, 111, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_EXP, 47, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_EXPAND_DIMS, 70, 2, 2, OPTIONS_NONE, NULL},
    {TAGGER_FULLY_CONNECTED, 9, 2, 3, 8, read_fully_connected},
    {TAGGER_HARD_SWISH, 117, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_LEAKY_RELU, 98, 1, 1, 75, read_leaky_relu},
    {TAGGER_LOG, 73, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_LOGISTIC, 14, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_MAXIMUM, 55, 2, 2, OPTIONS_NONE, NULL},
    {TAGGER_MAX_POOL_2D, 17, 1, 1, 5, read_pool},
    {TAGGER_MEAN, 40, 2, 2, OPTIONS_NONE, NULL},
    {TAGGER_MINIMUM, 57, 2, 2, OPTIONS_NONE, NULL},
    {TAGGER_MUL, 18, 2, 2, 21, read_arithmetic},
    {TAGGER_NEG, 59, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_PACK, 83, 1, TAGGER_MAX_INPUTS, 59, read_pack},
    {TAGGER_PAD, 34, 2, 2, OPTIONS_NONE, NULL},
    {TAGGER_QUANTIZE, 114, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_REDUCE_MAX, 82, 2, 2, OPTIONS_NONE, NULL},
    {TAGGER_RELU, 19, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_RELU6, 21, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_RESHAPE, 22, 1, 2, OPTIONS_NONE, NULL}, /* the output's shape is sufficient */
    {TAGGER_RSQRT, 76, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_SOFTMAX, 25, 1, 1, 9, read_softmax},
    {TAGGER_SPLIT, 49, 2, 2, 35, read_split},
    {TAGGER_SPLIT_V, 102, 3, 3, 79, read_split},
    {TAGGER_SQRT, 75, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_SQUARE, 92, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_SQUARED_DIFFERENCE, 99, 2, 2, OPTIONS_NONE, NULL},
    {TAGGER_SQUEEZE, 43, 1, 1, OPTIONS_NONE, NULL}, /* likewise */
    {TAGGER_STRIDED_SLICE, 45, 4, 4, 32, read_strided_slice},
    {TAGGER_SUB, 41, 2, 2, 28, read_arithmetic},
    {TAGGER_TANH, 28, 1, 1, OPTIONS_NONE, NULL},
    {TAGGER_TRANSPOSE, 39, 2, 2, OPTIONS_NONE, NULL},
    {TAGGER_TRANSPOSE_CONV, 67, 3, 4, 49, read_transpose_conv},
    {TAGGER_PAD, 60, 3, 3, OPTIONS_NONE, NULL}, /* PADV2 */
};

const char *tagger_opcode_name(tagger_opcode code) {
    if ((unsigned)code >= TAGGER_OPCODES) return "unknown";
    return BUILTIN_NAMES[OP_KINDS[code].builtin];
}

static void refuse_kind(graph_reader *reader, flatbuffer_table code, int32_t builtin) {
    const flatbuffer_vector custom = flatbuffer_list(&reader->file, code, CODE_CUSTOM);
    char name[SHOWN_NAME];
    if (builtin == BUILTIN_CUSTOM) {
        reader_show_name(reader, custom, name);
        reader_unsupported(reader, "is of the custom kind \"%s\"", name);
    } else if ((size_t)builtin < sizeof BUILTIN_NAMES / sizeof *BUILTIN_NAMES) {
        reader_unsupported(reader, "is a %s, which is not supported", BUILTIN_NAMES[builtin]);
    } else {
        reader_unsupported(reader, "is of kind %d, which is not supported", builtin);
    }
}

/* Returns NULL if it is not supported. */
static const op_kind *read_kind(graph_reader *reader, flatbuffer_table table) {
    flatbuffer *const file = &reader->file;
    const uint64_t index = flatbuffer_unsigned(file, table, OPERATOR_CODE);
    if (index >= reader->codes.length) reader_wrong(reader, OPERATOR_CODE);
    const flatbuffer_table code = flatbuffer_table_of(file, reader->codes, (uint32_t)index);
    /* Files from before 2020 have the first field only; later ones have 127 in it for codes above
     * that. */
    const int32_t old = flatbuffer_signed(file, code, CODE_DEPRECATED, 0);
    const int32_t builtin = flatbuffer_signed(file, code, CODE_BUILTIN, 0);
    const int32_t number = old > builtin ? old : builtin;
    if (old < 0) reader_wrong(reader, CODE_DEPRECATED);
    if (builtin < 0) reader_wrong(reader, CODE_BUILTIN);
    if (reader_failed(reader)) return NULL;
    for (size_t i = 0; i < sizeof OP_KINDS / sizeof *OP_KINDS; ++i) {
        if (OP_KINDS[i].builtin == number) {
            reader->op_name = BUILTIN_NAMES[number];
            return &OP_KINDS[i];
        }
    }
    refuse_kind(reader, code, number);
    return NULL;
}

/* Puts the variable input first: SPLIT has its axis there in the file, TRANSPOSE_CONV the output's
 * shape, which is known, and the filter. */
static void order_inputs(int32_t *input, tagger_op *op) {
    if (op->code != TAGGER_SPLIT && op->code != TAGGER_TRANSPOSE_CONV) return;
    const int32_t first = input[0];
    if (op->code == TAGGER_SPLIT) {
        input[0] = input[1];
        input[1] = first;
        return;
    }
    input[0] = input[2];
    if (op->inputs == 4) input[2] = input[3];
    --op->inputs;
}

static void read_inputs(graph_reader *reader, flatbuffer_table table, const op_kind *kind,
                        tagger_op *op) {
    const flatbuffer_vector inputs = flatbuffer_list(&reader->file, table, OPERATOR_INPUTS);
    const bool has_bias = kind->least_inputs >= 2 && kind->most_inputs == kind->least_inputs + 1;
    if (inputs.length < kind->least_inputs) reader_wrong(reader, OPERATOR_INPUTS);
    if (inputs.length > kind->most_inputs)
        reader_unsupported(reader, "has %u inputs, more than %u", inputs.length, kind->most_inputs);
    if (reader_failed(reader)) return;
    int32_t *const copy = reader_take(reader, 4 * (uint64_t)inputs.length);
    if (copy == NULL) return;
    for (uint32_t i = 0; i < inputs.length; ++i) {
        const int64_t tensor = flatbuffer_signed_of(&reader->file, inputs, i);
        const bool is_missing = tensor == -1 && has_bias && i == kind->least_inputs;
        if (!is_missing &&
            (tensor < 0 || tensor >= reader->graph.tensors || !reader->known[tensor]))
            reader_wrong(reader,
                         OPERATOR_INPUTS); /* no such tensor, or one that is written later */
        copy[i] = (int32_t)tensor;
    }
    op->inputs = inputs.length;
    op->input = copy;
    order_inputs(copy, op);
}

static void read_output(graph_reader *reader, flatbuffer_vector outputs, uint32_t index,
                        tagger_op *op) {
    const int64_t tensor = flatbuffer_signed_of(&reader->file, outputs, index);
    if (tensor < 0 || tensor >= reader->graph.tensors || reader->known[tensor]) {
        reader_wrong(reader,
                     OPERATOR_OUTPUTS); /* no such tensor, or one that has a value already */
        return;
    }
    reader->known[tensor] = true;
    op->output = (uint32_t)tensor;
}

static void read_options(graph_reader *reader, flatbuffer_table table, const op_kind *kind,
                         tagger_op *op) {
    flatbuffer *const file = &reader->file;
    const uint64_t type = flatbuffer_unsigned(file, table, OPERATOR_OPTIONS_TYPE);
    flatbuffer_table options = {0};
    if (type == kind->options_type)
        options = flatbuffer_child(file, table, OPERATOR_OPTIONS);
    else if (type != OPTIONS_NONE)
        reader_wrong(reader, OPERATOR_OPTIONS_TYPE);
    if (!reader_failed(reader)) kind->read(reader, options, op);
}

/* DEQUANTIZE of a constant that was in half precision: its result is that constant. Returns whether
 * the operation is one. */
static bool is_constant(graph_reader *reader, const tagger_op *op) {
    const tagger_tensor *input = &reader->graph.tensor[op->input[0]];
    tagger_tensor *output = &reader->graph.tensor[op->output];
    if (op->code != TAGGER_DEQUANTIZE || input->type != TAGGER_FLOAT32 || input->data == NULL)
        return false;
    if (output->type != TAGGER_FLOAT32 || output->elements != input->elements)
        reader_wrong(reader, OPERATOR_OUTPUTS);
    output->data = input->data;
    return true;
}

uint32_t reader_op(graph_reader *reader, uint32_t index, tagger_op *op, uint32_t room) {
    const flatbuffer_table table = flatbuffer_table_of(&reader->file, reader->ops, index);
    if (room == 0) return 0;
    memset(op, 0, sizeof *op);
    reader->part = OF_OPERATION;
    reader->index = index;
    reader->op_name = NULL;
    const op_kind *const kind = read_kind(reader, table);
    if (kind == NULL) return 0;
    op->code = kind->code;
    read_inputs(reader, table, kind, op);
    if (reader_failed(reader)) return 0;
    const flatbuffer_vector outputs = flatbuffer_list(&reader->file, table, OPERATOR_OUTPUTS);
    const bool splits = kind->read == read_split;
    if (outputs.length == 0 || outputs.length > (splits ? room : 1))
        reader_wrong(reader, OPERATOR_OUTPUTS);
    if (!reader_failed(reader)) read_output(reader, outputs, 0, op);
    if (reader_failed(reader)) return 0;
    if (is_constant(reader, op)) {
        --reader->graph.ops;
        return 0;
    }
    if (splits) op->as.split.parts = outputs.length;
    if (kind->read != NULL) read_options(reader, table, kind, op);
    for (uint32_t i = 1; i < outputs.length && !reader_failed(reader); ++i) {
        op[i] = op[0];
        op[i].as.split.part = i;
        read_output(reader, outputs, i, &op[i]);
    }
    return outputs.length;
}

void reader_measure_ops(graph_reader *reader) {
    uint64_t ops = 0;
    reader->part = OF_OPERATION;
    reader->op_name = NULL;
    for (uint32_t i = 0; i < reader->ops.length && !reader_failed(reader); ++i) {
        reader->index = i;
        const flatbuffer_table table = flatbuffer_table_of(&reader->file, reader->ops, i);
        const uint32_t inputs = flatbuffer_list(&reader->file, table, OPERATOR_INPUTS).length;
        const uint32_t outputs = flatbuffer_list(&reader->file, table, OPERATOR_OUTPUTS).length;
        if (inputs > TAGGER_MAX_INPUTS)
            reader_unsupported(reader, "has %u inputs, more than %d", inputs, TAGGER_MAX_INPUTS);
        reader_take(reader, 4 * (uint64_t)inputs);
        ops += outputs > 0 ? outputs : 1;
        if (ops > TAGGER_MAX_OPS)
            reader_unsupported(reader, "has %u outputs: too many, more than %d with those before",
                               outputs, TAGGER_MAX_OPS);
    }
    reader->graph.ops = (uint32_t)ops;
}
