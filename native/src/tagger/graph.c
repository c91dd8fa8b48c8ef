/* graph.c - reads the first subgraph of a .tflite file, twice: first without memory, to check it
 * and find its size, then into one block of that size. Field numbers, codes and defaults are those
 * of TensorFlow Lite's schema.fbs, version 3. */
#include "tagger/graph.h"

#include "support/message.h"
#include "tagger/flatbuffer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCHEMA_VERSION = 3,
    MAX_STEP =
        65535,     /* strides, dilations, windows and multipliers; products of two fit in 32 bits */
    ALIGNMENT = 8, /* of the parts of the graph's memory */
    SHOWN_NAME = 41 /* bytes of a name in a message, including the terminator */
};

/* TensorType, BuiltinOptions, ActivationFunctionType as in the file. */
enum { TYPE_FLOAT32 = 0, TYPE_INT32 = 2, TYPE_INT8 = 9, TYPE_LAST = 22 };
enum { OPTIONS_NONE = 0 };
enum { ACTIVATION_RELU6 = 3, ACTIVATION_SIGN_BIT = 5 };
enum { BUILTIN_CUSTOM = 32 };

static const flatbuffer_field MODEL_VERSION = {0, 4, "Model.version"};
static const flatbuffer_field MODEL_OPERATOR_CODES = {1, 4, "Model.operator_codes"};
static const flatbuffer_field MODEL_SUBGRAPHS = {2, 4, "Model.subgraphs"};
static const flatbuffer_field MODEL_BUFFERS = {4, 4, "Model.buffers"};
static const flatbuffer_field CODE_DEPRECATED = {0, 1, "OperatorCode.deprecated_builtin_code"};
static const flatbuffer_field CODE_CUSTOM = {1, 1, "OperatorCode.custom_code"};
static const flatbuffer_field CODE_BUILTIN = {3, 4, "OperatorCode.builtin_code"};
static const flatbuffer_field SUBGRAPH_TENSORS = {0, 4, "SubGraph.tensors"};
static const flatbuffer_field SUBGRAPH_INPUTS = {1, 4, "SubGraph.inputs"};
static const flatbuffer_field SUBGRAPH_OUTPUTS = {2, 4, "SubGraph.outputs"};
static const flatbuffer_field SUBGRAPH_OPERATORS = {3, 4, "SubGraph.operators"};
static const flatbuffer_field TENSOR_SHAPE = {0, 4, "Tensor.shape"};
static const flatbuffer_field TENSOR_TYPE = {1, 1, "Tensor.type"};
static const flatbuffer_field TENSOR_BUFFER = {2, 4, "Tensor.buffer"};
static const flatbuffer_field TENSOR_NAME = {3, 1, "Tensor.name"};
static const flatbuffer_field TENSOR_QUANTIZATION = {4, 4, "Tensor.quantization"};
static const flatbuffer_field TENSOR_IS_VARIABLE = {5, 1, "Tensor.is_variable"};
static const flatbuffer_field TENSOR_SPARSITY = {6, 4, "Tensor.sparsity"};
static const flatbuffer_field TENSOR_EXTERNAL = {10, 4, "Tensor.external_buffer"};
static const flatbuffer_field QUANTIZATION_SCALE = {2, 4, "QuantizationParameters.scale"};
static const flatbuffer_field QUANTIZATION_ZERO = {3, 8, "QuantizationParameters.zero_point"};
static const flatbuffer_field QUANTIZATION_DETAILS = {4, 1, "QuantizationParameters.details_type"};
static const flatbuffer_field QUANTIZATION_AXIS = {6, 4,
                                                   "QuantizationParameters.quantized_dimension"};
static const flatbuffer_field BUFFER_DATA = {0, 1, "Buffer.data"};
static const flatbuffer_field BUFFER_OFFSET = {1, 8, "Buffer.offset"};
static const flatbuffer_field OPERATOR_CODE = {0, 4, "Operator.opcode_index"};
static const flatbuffer_field OPERATOR_INPUTS = {1, 4, "Operator.inputs"};
static const flatbuffer_field OPERATOR_OUTPUTS = {2, 4, "Operator.outputs"};
static const flatbuffer_field OPERATOR_OPTIONS_TYPE = {3, 1, "Operator.builtin_options_type"};
static const flatbuffer_field OPERATOR_OPTIONS = {4, 4, "Operator.builtin_options"};

typedef enum { OF_MODEL, OF_TENSOR, OF_OPERATION } part_kind;

typedef struct {
    flatbuffer file;
    flatbuffer_vector codes, buffers, tensors, ops;
    tagger_graph graph;
    unsigned char *block;           /* NULL on the first pass, which only counts */
    uint64_t taken, block_size;     /* bytes */
    bool known[TAGGER_MAX_TENSORS]; /* the constants, and the variables that have a value so far */
    tagnode_status status;          /* of the first fault */
    part_kind part;                 /* what is being read, for messages */
    uint32_t index;
    flatbuffer_vector name; /* of the tensor being read */
    const char *op_name;    /* of the operation being read, once known */
    tagnode_message *why;
} graph_reader;

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

static const char *const TYPE_NAMES[TYPE_LAST + 1] = {
    "FLOAT32",  "FLOAT16",  "INT32",     "UINT8",         "INT64",      "STRING",
    "BOOL",     "INT16",    "COMPLEX64", "INT8",          "FLOAT64",    "COMPLEX128",
    "UINT64",   "RESOURCE", "VARIANT",   "UINT32",        "UINT16",     "INT4",
    "BFLOAT16", "INT2",     "UINT4",     "FLOAT8_E4M3FN", "FLOAT8_E5M2"};

/* Error messages */

/* Copies a name from the file, made safe for a terminal. */
static void show_name(const graph_reader *reader, flatbuffer_vector name, char shown[SHOWN_NAME]) {
    size_t length = 0;
    for (; length < name.length && length < SHOWN_NAME - 1; ++length) {
        const unsigned char byte = reader->file.bytes[name.at + length];
        shown[length] = byte >= ' ' && byte <= '~' && byte != '"' ? (char)byte : '?';
    }
    shown[length] = '\0';
}

static void show_part(const graph_reader *reader, char *text, size_t size) {
    char name[SHOWN_NAME];
    show_name(reader, reader->name, name);
    if (reader->part == OF_TENSOR)
        snprintf(text, size, "tensor %u (\"%s\")", reader->index, name);
    else if (reader->part == OF_OPERATION && reader->op_name != NULL)
        snprintf(text, size, "operation %u (%s)", reader->index, reader->op_name);
    else if (reader->part == OF_OPERATION)
        snprintf(text, size, "operation %u", reader->index);
    else
        snprintf(text, size, "it");
}

static void report_damaged(graph_reader *reader, const char *field, const char *what) {
    char part[96];
    show_part(reader, part, sizeof part);
    reader->status = tagnode_report(reader->why, TAGNODE_ERROR_MODEL,
                                    "The model file is damaged: %s%s%s %s; download it again.",
                                    field, reader->part == OF_MODEL ? "" : " of ",
                                    reader->part == OF_MODEL ? "" : part, what);
}

/* Returns whether there was a fault so far. What was read is valid only if there was none. */
static bool failed(graph_reader *reader) {
    if (reader->status == TAGNODE_OK && reader->file.damage != NULL)
        report_damaged(reader, reader->file.damage, "points outside the file");
    return reader->status != TAGNODE_OK;
}

static void wrong(graph_reader *reader, flatbuffer_field field) {
    if (!failed(reader)) report_damaged(reader, field.name, "is out of range");
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void unsupported(graph_reader *reader, const char *format, ...) {
    char part[96];
    char what[128];
    va_list arguments;
    if (failed(reader)) return;
    show_part(reader, part, sizeof part);
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    reader->status = tagnode_report(reader->why, TAGNODE_ERROR_UNSUPPORTED,
                                    "The inline runtime cannot run this model: %s %s; the worker "
                                    "runtime runs any model.",
                                    part, what);
}

/* Memory */

/* Returns the next bytes of the graph's memory; NULL on the first pass. */
static void *take(graph_reader *reader, uint64_t bytes) {
    const uint64_t padded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (reader->block == NULL) {
        reader->taken += padded;
        return NULL;
    }
    if (padded > reader->block_size - reader->taken) {
        /* The file changed between the two passes. */
        reader->file.damage = MODEL_SUBGRAPHS.name;
        return NULL;
    }
    void *const at = reader->block + reader->taken;
    reader->taken += padded;
    return at;
}

/* Returns memory for data copied out of the file. Tables may be shared, so a small file could ask
 * for very much; a valid one needs no more than twice its size: at worst 8 bytes for a scale of 4.
 */
static void *take_copy(graph_reader *reader, uint64_t bytes) {
    const uint64_t fixed = TAGGER_MAX_TENSORS * sizeof(tagger_tensor) +
                           TAGGER_MAX_OPS * (sizeof(tagger_op) + TAGGER_MAX_INPUTS * 4);
    if (reader->taken + bytes > fixed + 2 * (uint64_t)reader->file.size) {
        unsupported(reader, "needs more memory for constants than the size of the file allows");
        return NULL;
    }
    return take(reader, bytes);
}

/* Tensors */

static void read_type(graph_reader *reader, flatbuffer_table table, tagger_tensor *tensor) {
    const int32_t type = flatbuffer_signed(&reader->file, table, TENSOR_TYPE, TYPE_FLOAT32);
    if (type == TYPE_FLOAT32)
        tensor->type = TAGGER_FLOAT32;
    else if (type == TYPE_INT8)
        tensor->type = TAGGER_INT8;
    else if (type == TYPE_INT32)
        tensor->type = TAGGER_INT32;
    else if (type < 0 || type > TYPE_LAST)
        wrong(reader, TENSOR_TYPE);
    else
        unsupported(reader, "is of type %s, not FLOAT32, INT8 or INT32", TYPE_NAMES[type]);
}

static void read_shape(graph_reader *reader, flatbuffer_table table, tagger_tensor *tensor) {
    const flatbuffer_vector shape = flatbuffer_list(&reader->file, table, TENSOR_SHAPE);
    tensor->elements = 1;
    if (shape.length > TAGGER_MAX_RANK) {
        unsupported(reader, "has %u dimensions, more than %d", shape.length, TAGGER_MAX_RANK);
        return;
    }
    for (uint32_t i = 0; i < shape.length; ++i) {
        const int64_t size = flatbuffer_signed_of(&reader->file, shape, i);
        if (size < -1)
            wrong(reader, TENSOR_SHAPE);
        else if (size < 1)
            unsupported(reader, "has dimension %u of %s", i, size == 0 ? "size 0" : "any size");
        else if ((uint64_t)size * tensor->elements > TAGGER_MAX_ELEMENTS)
            unsupported(reader, "has more than %d elements", TAGGER_MAX_ELEMENTS);
        if (failed(reader)) return;
        tensor->dims[i] = (uint32_t)size;
        tensor->elements *= (size_t)size;
    }
    tensor->rank = shape.length;
}

static void read_data(graph_reader *reader, flatbuffer_table table, tagger_tensor *tensor) {
    flatbuffer *const file = &reader->file;
    const uint64_t index = flatbuffer_unsigned(file, table, TENSOR_BUFFER);
    if (index == 0) return; /* index 0 means no buffer */
    if (index >= reader->buffers.length) wrong(reader, TENSOR_BUFFER);
    const flatbuffer_table buffer = flatbuffer_table_of(file, reader->buffers, (uint32_t)index);
    const flatbuffer_vector data = flatbuffer_list(file, buffer, BUFFER_DATA);
    const size_t element = tensor->type == TAGGER_INT8 ? 1 : 4;
    if (flatbuffer_unsigned(file, buffer, BUFFER_OFFSET) > 1) /* 1 is a placeholder */
        unsupported(reader, "has its values outside the model's tables");
    else if (data.length != 0 && data.length != tensor->elements * element)
        wrong(reader, BUFFER_DATA);
    if (failed(reader) || data.length == 0) return;
    tensor->data = file->bytes + data.at;
    if ((uintptr_t)tensor->data % element == 0) return;
    void *const copy = take_copy(reader, data.length);
    if (copy == NULL) return;
    memcpy(copy, tensor->data, data.length);
    tensor->data = copy;
}

static bool fits_type(int64_t zero_point, const tagger_tensor *tensor) {
    if (tensor->type == TAGGER_INT8) return zero_point >= INT8_MIN && zero_point <= INT8_MAX;
    return zero_point >= INT32_MIN && zero_point <= INT32_MAX;
}

static void copy_scales(graph_reader *reader, flatbuffer_vector scales, flatbuffer_vector zeros,
                        tagger_tensor *tensor) {
    unsigned char *const copy = take_copy(reader, (uint64_t)scales.length * 8);
    if (copy == NULL) return;
    float *const scale = (float *)(void *)copy;
    int32_t *const zero_point = (int32_t *)(void *)(copy + 4 * (size_t)scales.length);
    for (uint32_t i = 0; i < scales.length; ++i) {
        const int64_t zero = flatbuffer_signed_of(&reader->file, zeros, zeros.length == 1 ? 0 : i);
        scale[i] = flatbuffer_float_of(&reader->file, scales, i);
        zero_point[i] = (int32_t)zero;
        if (!isfinite(scale[i]) || scale[i] <= 0.0F) wrong(reader, QUANTIZATION_SCALE);
        if (!fits_type(zero, tensor) || (scales.length > 1 && zero != 0))
            wrong(reader, QUANTIZATION_ZERO);
    }
    tensor->scales = scales.length;
    tensor->scale = scale;
    tensor->zero_point = zero_point;
}

/* Calibration leaves ranges, and sometimes scales, on float tensors; they have no meaning there. */
static void read_quantization(graph_reader *reader, flatbuffer_table table, tagger_tensor *tensor) {
    flatbuffer *const file = &reader->file;
    const flatbuffer_table quantization = flatbuffer_child(file, table, TENSOR_QUANTIZATION);
    if (tensor->type == TAGGER_FLOAT32) return;
    const flatbuffer_vector scales = flatbuffer_list(file, quantization, QUANTIZATION_SCALE);
    const flatbuffer_vector zeros = flatbuffer_list(file, quantization, QUANTIZATION_ZERO);
    const int32_t axis = flatbuffer_signed(file, quantization, QUANTIZATION_AXIS, 0);
    if (flatbuffer_unsigned(file, quantization, QUANTIZATION_DETAILS) != 0)
        unsupported(reader, "has an unsupported quantisation");
    if (failed(reader) || scales.length == 0) return;
    if (axis < 0 || (uint32_t)axis >= (tensor->rank != 0 ? tensor->rank : 1))
        wrong(reader, QUANTIZATION_AXIS);
    else if (scales.length != 1 && (tensor->rank == 0 || scales.length != tensor->dims[axis]))
        wrong(reader, QUANTIZATION_SCALE);
    else if (zeros.length != 1 && zeros.length != scales.length)
        wrong(reader, QUANTIZATION_ZERO);
    if (failed(reader)) return;
    tensor->axis = (uint32_t)axis;
    copy_scales(reader, scales, zeros, tensor);
}

static void read_tensor(graph_reader *reader, uint32_t index, tagger_tensor *tensor) {
    flatbuffer *const file = &reader->file;
    const flatbuffer_table table = flatbuffer_table_of(file, reader->tensors, index);
    memset(tensor, 0, sizeof *tensor);
    reader->part = OF_TENSOR;
    reader->index = index;
    reader->name.length = 0;
    reader->name = flatbuffer_list(file, table, TENSOR_NAME);
    tensor->name = (const char *)file->bytes + reader->name.at;
    tensor->name_length = reader->name.length;
    read_type(reader, table, tensor);
    if (flatbuffer_unsigned(file, table, TENSOR_IS_VARIABLE) != 0)
        unsupported(reader, "is a variable that keeps its value between runs");
    if (flatbuffer_has(file, table, TENSOR_SPARSITY)) unsupported(reader, "is sparse");
    if (flatbuffer_unsigned(file, table, TENSOR_EXTERNAL) != 0)
        unsupported(reader, "has its values in another file");
    if (!failed(reader)) read_shape(reader, table, tensor);
    if (!failed(reader)) read_data(reader, table, tensor);
    if (!failed(reader)) read_quantization(reader, table, tensor);
    reader->known[index] = tensor->data != NULL;
}

/* Options of operations. An absent table means the defaults. */

/* Its number differs, its name does not. */
static void read_activation(graph_reader *reader, flatbuffer_table options, uint16_t number,
                            tagger_op *op) {
    const flatbuffer_field field = {number, 1, "fused_activation_function"};
    const int32_t activation = flatbuffer_signed(&reader->file, options, field, TAGGER_ACT_NONE);
    if (activation < 0 || activation > ACTIVATION_SIGN_BIT)
        wrong(reader, field);
    else if (activation > ACTIVATION_RELU6)
        unsupported(reader, "has a fused TANH or SIGN_BIT");
    else
        op->activation = (tagger_activation)activation;
}

static void read_step(graph_reader *reader, flatbuffer_table options, flatbuffer_field field,
                      int32_t otherwise, uint32_t *step) {
    const int32_t value = flatbuffer_signed(&reader->file, options, field, otherwise);
    if (value < 1 || value > MAX_STEP) wrong(reader, field);
    *step = (uint32_t)value;
}

/* The options of convolutions and pools start alike. */
static void read_window(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field PADDING = {0, 1, "padding"};
    static const flatbuffer_field STRIDE_W = {1, 4, "stride_w"}, STRIDE_H = {2, 4, "stride_h"};
    const int32_t padding = flatbuffer_signed(&reader->file, options, PADDING, TAGGER_PADDING_SAME);
    if (padding != TAGGER_PADDING_SAME && padding != TAGGER_PADDING_VALID)
        wrong(reader, PADDING);
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
        unsupported(reader, "has a depth_multiplier of 0");
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
        unsupported(reader, "has its weights shuffled");
    if (flatbuffer_list(&reader->file, options, SPECIAL).length != 0)
        unsupported(reader, "has an unsupported quantisation");
}

static void read_concatenation(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field AXIS = {0, 4, "ConcatenationOptions.axis"};
    const int32_t rank = (int32_t)reader->graph.tensor[op->output].rank;
    op->as.concatenation.axis = flatbuffer_signed(&reader->file, options, AXIS, 0);
    if (op->as.concatenation.axis < -rank || op->as.concatenation.axis >= rank) wrong(reader, AXIS);
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
    if (count != op->inputs) wrong(reader, COUNT);
    op->as.concatenation.axis = flatbuffer_signed(&reader->file, options, AXIS, 0);
    if (op->as.concatenation.axis < -rank || op->as.concatenation.axis >= rank) wrong(reader, AXIS);
}

static void read_split(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field COUNT = {0, 4, "num_splits"};
    const int64_t count = flatbuffer_signed(&reader->file, options, COUNT, 0);
    if (count != op->as.split.parts) wrong(reader, COUNT);
}

static void read_softmax(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field BETA = {0, 4, "SoftmaxOptions.beta"};
    op->as.softmax.beta = flatbuffer_float(&reader->file, options, BETA);
    if (!isfinite(op->as.softmax.beta) || op->as.softmax.beta < 0.0F) wrong(reader, BETA);
}

static void read_leaky_relu(graph_reader *reader, flatbuffer_table options, tagger_op *op) {
    static const flatbuffer_field ALPHA = {0, 4, "LeakyReluOptions.alpha"};
    op->as.leaky_relu.alpha = flatbuffer_float(&reader->file, options, ALPHA);
    if (!isfinite(op->as.leaky_relu.alpha)) wrong(reader, ALPHA);
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
        if (*masks[i] < 0) wrong(reader, MASKS[i]);
    }
    if (flatbuffer_unsigned(&reader->file, options, OFFSET) != 0)
        unsupported(reader, "gives its end as an offset");
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
        show_name(reader, custom, name);
        unsupported(reader, "is of the custom kind \"%s\"", name);
    } else if ((size_t)builtin < sizeof BUILTIN_NAMES / sizeof *BUILTIN_NAMES) {
        unsupported(reader, "is a %s, which is not supported", BUILTIN_NAMES[builtin]);
    } else {
        unsupported(reader, "is of kind %d, which is not supported", builtin);
    }
}

/* Returns NULL if it is not supported. */
static const op_kind *read_kind(graph_reader *reader, flatbuffer_table table) {
    flatbuffer *const file = &reader->file;
    const uint64_t index = flatbuffer_unsigned(file, table, OPERATOR_CODE);
    if (index >= reader->codes.length) wrong(reader, OPERATOR_CODE);
    const flatbuffer_table code = flatbuffer_table_of(file, reader->codes, (uint32_t)index);
    /* Files from before 2020 have the first field only; later ones have 127 in it for codes above
     * that. */
    const int32_t old = flatbuffer_signed(file, code, CODE_DEPRECATED, 0);
    const int32_t builtin = flatbuffer_signed(file, code, CODE_BUILTIN, 0);
    const int32_t number = old > builtin ? old : builtin;
    if (old < 0) wrong(reader, CODE_DEPRECATED);
    if (builtin < 0) wrong(reader, CODE_BUILTIN);
    if (failed(reader)) return NULL;
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
    if (inputs.length < kind->least_inputs) wrong(reader, OPERATOR_INPUTS);
    if (inputs.length > kind->most_inputs)
        unsupported(reader, "has %u inputs, more than %u", inputs.length, kind->most_inputs);
    if (failed(reader)) return;
    int32_t *const copy = take(reader, 4 * (uint64_t)inputs.length);
    if (copy == NULL) return;
    for (uint32_t i = 0; i < inputs.length; ++i) {
        const int64_t tensor = flatbuffer_signed_of(&reader->file, inputs, i);
        const bool is_missing = tensor == -1 && has_bias && i == kind->least_inputs;
        if (!is_missing &&
            (tensor < 0 || tensor >= reader->graph.tensors || !reader->known[tensor]))
            wrong(reader, OPERATOR_INPUTS); /* no such tensor, or one that is written later */
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
        wrong(reader, OPERATOR_OUTPUTS); /* no such tensor, or one that has a value already */
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
        wrong(reader, OPERATOR_OPTIONS_TYPE);
    if (!failed(reader)) kind->read(reader, options, op);
}

/* Reads operation `index` of the file as one for each of its outputs, at most `room`, and returns
 * their number. */
static uint32_t read_op(graph_reader *reader, uint32_t index, tagger_op *op, uint32_t room) {
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
    if (failed(reader)) return 0;
    const flatbuffer_vector outputs = flatbuffer_list(&reader->file, table, OPERATOR_OUTPUTS);
    const bool splits = kind->read == read_split;
    if (outputs.length == 0 || outputs.length > (splits ? room : 1))
        wrong(reader, OPERATOR_OUTPUTS);
    if (!failed(reader)) read_output(reader, outputs, 0, op);
    if (failed(reader)) return 0;
    if (splits) op->as.split.parts = outputs.length;
    if (kind->read != NULL) read_options(reader, table, kind, op);
    for (uint32_t i = 1; i < outputs.length && !failed(reader); ++i) {
        op[i] = op[0];
        op[i].as.split.part = i;
        read_output(reader, outputs, i, &op[i]);
    }
    return outputs.length;
}

/* The graph */

/* Counts the operations, one for each output, and the memory for their inputs. */
static void measure_ops(graph_reader *reader) {
    uint64_t ops = 0;
    reader->part = OF_OPERATION;
    reader->op_name = NULL;
    for (uint32_t i = 0; i < reader->ops.length && !failed(reader); ++i) {
        reader->index = i;
        const flatbuffer_table table = flatbuffer_table_of(&reader->file, reader->ops, i);
        const uint32_t inputs = flatbuffer_list(&reader->file, table, OPERATOR_INPUTS).length;
        const uint32_t outputs = flatbuffer_list(&reader->file, table, OPERATOR_OUTPUTS).length;
        if (inputs > TAGGER_MAX_INPUTS)
            unsupported(reader, "has %u inputs, more than %d", inputs, TAGGER_MAX_INPUTS);
        take(reader, 4 * (uint64_t)inputs);
        ops += outputs > 0 ? outputs : 1;
        if (ops > TAGGER_MAX_OPS)
            unsupported(reader, "has %u outputs: too many, more than %d with those before", outputs,
                        TAGGER_MAX_OPS);
    }
    reader->graph.ops = (uint32_t)ops;
}

/* Reads the graph except its inputs and outputs; without memory, only measures. */
static void read_parts(graph_reader *reader, uint32_t input) {
    tagger_graph *const graph = &reader->graph;
    tagger_tensor scratch;
    graph->tensor = take(reader, graph->tensors * sizeof *graph->tensor);
    graph->op = take(reader, graph->ops * sizeof *graph->op);
    for (uint32_t i = 0; i < graph->tensors && !failed(reader); ++i)
        read_tensor(reader, i, reader->block != NULL ? &graph->tensor[i] : &scratch);
    if (failed(reader) || reader->block == NULL) return;
    reader->part = OF_MODEL;
    if (reader->known[input]) wrong(reader, SUBGRAPH_INPUTS); /* a constant */
    if (graph->tensor[input].type == TAGGER_INT32)
        unsupported(reader, "has an input of type INT32");
    reader->known[input] = true;
    graph->input = input;
    uint32_t placed = 0;
    for (uint32_t i = 0; i < reader->ops.length && !failed(reader); ++i)
        placed += read_op(reader, i, &graph->op[placed], graph->ops - placed);
    if (placed != graph->ops) wrong(reader, SUBGRAPH_OPERATORS); /* the file changed */
}

static void read_outputs(graph_reader *reader, flatbuffer_vector outputs) {
    tagger_graph *const graph = &reader->graph;
    reader->part = OF_MODEL;
    for (uint32_t i = 0; i < outputs.length; ++i) {
        const int64_t tensor = flatbuffer_signed_of(&reader->file, outputs, i);
        if (tensor < 0 || tensor >= graph->tensors || !reader->known[tensor])
            wrong(reader, SUBGRAPH_OUTPUTS);
        else if (tensor == graph->input || graph->tensor[tensor].data != NULL)
            unsupported(reader, "has an output that no operation writes");
        if (failed(reader)) return;
        graph->output[i] = (uint32_t)tensor;
    }
    graph->outputs = outputs.length;
}

static void read_subgraph(graph_reader *reader, flatbuffer_table subgraph) {
    flatbuffer *const file = &reader->file;
    reader->tensors = flatbuffer_list(file, subgraph, SUBGRAPH_TENSORS);
    reader->ops = flatbuffer_list(file, subgraph, SUBGRAPH_OPERATORS);
    const flatbuffer_vector inputs = flatbuffer_list(file, subgraph, SUBGRAPH_INPUTS);
    const flatbuffer_vector outputs = flatbuffer_list(file, subgraph, SUBGRAPH_OUTPUTS);
    if (reader->tensors.length > TAGGER_MAX_TENSORS)
        unsupported(reader, "has %u tensors, more than %d", reader->tensors.length,
                    TAGGER_MAX_TENSORS);
    if (reader->ops.length > TAGGER_MAX_OPS)
        unsupported(reader, "has %u operations, more than %d", reader->ops.length, TAGGER_MAX_OPS);
    if (inputs.length != 1) unsupported(reader, "has %u inputs, not 1", inputs.length);
    if (outputs.length < 1 || outputs.length > TAGNODE_MAX_OUTPUTS)
        unsupported(reader, "has %u outputs, not 1 to %d", outputs.length, TAGNODE_MAX_OUTPUTS);
    if (failed(reader)) return;
    const int64_t input = flatbuffer_signed_of(file, inputs, 0);
    reader->graph.tensors = reader->tensors.length;
    if (input < 0 || input >= reader->tensors.length) wrong(reader, SUBGRAPH_INPUTS);
    if (!failed(reader)) measure_ops(reader);
    if (!failed(reader)) read_parts(reader, (uint32_t)input);
    if (failed(reader)) return;
    reader->block_size = reader->taken;
    reader->block = reader->taken <= SIZE_MAX ? malloc((size_t)reader->taken) : NULL;
    if (reader->block == NULL) {
        reader->status = tagnode_report(reader->why, TAGNODE_ERROR_MEMORY,
                                        "No memory for a model of %u tensors and %u operations.",
                                        reader->graph.tensors, reader->graph.ops);
        return;
    }
    reader->taken = 0;
    read_parts(reader, (uint32_t)input);
    if (!failed(reader)) read_outputs(reader, outputs);
}

static void read_model(graph_reader *reader) {
    flatbuffer *const file = &reader->file;
    const flatbuffer_table model = flatbuffer_root(file, "Model");
    if (flatbuffer_unsigned(file, model, MODEL_VERSION) != SCHEMA_VERSION)
        wrong(reader, MODEL_VERSION);
    reader->codes = flatbuffer_list(file, model, MODEL_OPERATOR_CODES);
    reader->buffers = flatbuffer_list(file, model, MODEL_BUFFERS);
    const flatbuffer_vector subgraphs = flatbuffer_list(file, model, MODEL_SUBGRAPHS);
    if (subgraphs.length == 0) wrong(reader, MODEL_SUBGRAPHS);
    if (subgraphs.length > 1) unsupported(reader, "has %u subgraphs, not 1", subgraphs.length);
    if (failed(reader)) return;
    const flatbuffer_table subgraph = flatbuffer_table_of(file, subgraphs, 0);
    if (!failed(reader)) read_subgraph(reader, subgraph);
}

tagnode_status tagger_graph_read(const void *bytes, size_t size, tagger_graph *graph,
                                 tagnode_message *why) {
    graph_reader reader = {.file = {bytes, size, NULL}, .why = why};
    memset(graph, 0, sizeof *graph);
    if (size < 8 || memcmp(reader.file.bytes + 4, "TFL3", 4) != 0)
        return tagnode_report(why, TAGNODE_ERROR_MODEL,
                              "The model file of %zu bytes is not a TFLite model, or damaged: it "
                              "lacks \"TFL3\" at byte 4; download it again.",
                              size);
    if (size > INT32_MAX)
        return tagnode_report(why, TAGNODE_ERROR_UNSUPPORTED,
                              "The inline runtime cannot run this model: its file is larger than 2 "
                              "GB; the worker runtime runs any model.");
    read_model(&reader);
    if (failed(&reader)) {
        free(reader.block);
        return reader.status;
    }
    *graph = reader.graph;
    graph->memory = reader.block;
    return TAGNODE_OK;
}

void tagger_graph_free(tagger_graph *graph) {
    free(graph->memory);
    memset(graph, 0, sizeof *graph);
}
