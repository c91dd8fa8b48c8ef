/* graph.h - a model file, read and checked: tensors and operations, before planning.
 *
 * Everything here points into the model file's bytes, which must outlive it, or into one block of
 * memory that the graph owns. A graph that was read without an error is valid: indices are in
 * range, shapes are positive and their products fit, constants have the length of their shapes,
 * quantisation parameters are finite and in range, and operations follow those that they depend on.
 */
#pragma once

#include "tagnode.h"

enum {
    TAGGER_MAX_RANK = 5,
    TAGGER_MAX_TENSORS = 4096,
    TAGGER_MAX_OPS = 4096,
    TAGGER_MAX_INPUTS = 64,       /* of an operation */
    TAGGER_MAX_ELEMENTS = 1 << 26 /* of a tensor */
};

typedef enum { TAGGER_FLOAT32, TAGGER_INT8, TAGGER_INT32 } tagger_type;

typedef struct {
    tagger_type type;
    uint32_t rank; /* 0 for a scalar */
    uint32_t dims[TAGGER_MAX_RANK];
    size_t elements;
    const void *data; /* of a constant, little-endian, aligned to its type; NULL for a variable */
    /* real = scale * (integer - zero_point). `scales` is 0 without quantisation (always for
     * float32, sometimes for int8 and int32), 1 for one pair, otherwise dims[axis] pairs with zero
     * points of 0. Scales are finite and above 0, zero points fit the type. */
    uint32_t scales;
    const float *scale;
    const int32_t *zero_point;
    uint32_t axis;
    const char *name; /* not terminated */
    uint32_t name_length;
} tagger_tensor;

typedef enum {
    TAGGER_ABS,
    TAGGER_ADD,
    TAGGER_AVERAGE_POOL_2D,
    TAGGER_CONCATENATION,
    TAGGER_CONV_2D,
    TAGGER_DEPTHWISE_CONV_2D,
    TAGGER_DEQUANTIZE,
    TAGGER_DIV,
    TAGGER_ELU,
    TAGGER_EXP,
    TAGGER_EXPAND_DIMS,
    TAGGER_FULLY_CONNECTED,
    TAGGER_HARD_SWISH,
    TAGGER_LEAKY_RELU,
    TAGGER_LOG,
    TAGGER_LOGISTIC,
    TAGGER_MAXIMUM,
    TAGGER_MAX_POOL_2D,
    TAGGER_MEAN,
    TAGGER_MINIMUM,
    TAGGER_MUL,
    TAGGER_NEG,
    TAGGER_PACK,
    TAGGER_PAD, /* PAD and PADV2 */
    TAGGER_QUANTIZE,
    TAGGER_REDUCE_MAX,
    TAGGER_RELU,
    TAGGER_RELU6,
    TAGGER_RESHAPE,
    TAGGER_RSQRT,
    TAGGER_SOFTMAX,
    TAGGER_SPLIT,
    TAGGER_SPLIT_V,
    TAGGER_SQRT,
    TAGGER_SQUARE,
    TAGGER_SQUARED_DIFFERENCE,
    TAGGER_SQUEEZE,
    TAGGER_STRIDED_SLICE,
    TAGGER_SUB,
    TAGGER_TANH,
    TAGGER_TRANSPOSE,
    TAGGER_TRANSPOSE_CONV,
    TAGGER_OPCODES
} tagger_opcode;

typedef enum { TAGGER_PADDING_SAME, TAGGER_PADDING_VALID } tagger_padding;
typedef enum {
    TAGGER_ACT_NONE,
    TAGGER_ACT_RELU,
    TAGGER_ACT_RELU_N1_TO_1,
    TAGGER_ACT_RELU6
} tagger_activation;

typedef struct {
    tagger_opcode code;
    uint32_t inputs; /* at least 1 */
    /* Tensor indices; -1 only for a missing bias, the third of three. SPLIT has its axis
     * last, TRANSPOSE_CONV only input, filter and bias. */
    const int32_t *input;
    uint32_t output;
    /* Fused: ADD SUB MUL DIV CONV DEPTHWISE TRANSPOSE_CONV FULLY_CONNECTED POOLS CONCATENATION. */
    tagger_activation activation;
    union {
        struct { /* CONV_2D, DEPTHWISE_CONV_2D, MAX_POOL_2D, AVERAGE_POOL_2D, TRANSPOSE_CONV */
            tagger_padding padding; /* the values below are 1 to 65535 */
            uint32_t stride_h, stride_w;
            uint32_t dilation_h, dilation_w; /* 1 for the pools */
            uint32_t filter_h, filter_w;     /* of the pools */
            uint32_t multiplier;             /* of DEPTHWISE_CONV_2D, as in the file */
        } window;
        struct {
            int32_t axis;
        } concatenation; /* also of PACK; -rank to rank - 1, of the output */
        struct {
            uint32_t part, parts;
        } split; /* SPLIT and SPLIT_V: one operation for each of the `parts` outputs */
        struct {
            float beta;
        } softmax; /* finite, at least 0 */
        struct {
            float alpha;
        } leaky_relu; /* finite */
        struct {
            int32_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask;
        } strided_slice; /* not negative */
    } as;
} tagger_op;

typedef struct {
    uint32_t tensors, ops;
    tagger_tensor *tensor;
    tagger_op *op;                        /* in execution order */
    uint32_t input;                       /* tensor index of the one input, float32 or int8 */
    uint32_t outputs;                     /* 1 to TAGNODE_MAX_OUTPUTS */
    uint32_t output[TAGNODE_MAX_OUTPUTS]; /* in the order of the subgraph's outputs */
    void *memory;
} tagger_graph;

/* Reads the first subgraph of a .tflite file. Returns OK, ERROR_MODEL (damaged: `why` names the
 * field), ERROR_UNSUPPORTED (`why` names the operation, type or option, and that the worker runtime
 * runs any model) or ERROR_MEMORY. [main] */
tagnode_status tagger_graph_read(const void *bytes, size_t size, tagger_graph *graph,
                                 tagnode_message *why);
void tagger_graph_free(tagger_graph *graph);

/* Returns an operation's name as TensorFlow Lite spells it, for messages. */
const char *tagger_opcode_name(tagger_opcode code);
