/* test_graph.c - reads valid model files, and refuses malicious ones. The files are built here,
 * field by field. If TAGNODE_MODELS names a folder, the .tflite files in it are read too. What is
 * accepted must keep every guarantee of graph.h: fuzz/graph.c, linked in, checks that. */
#include "tagger/graph.h"

#include "check.h"
#include "graph_file.h"

#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The tests */

static void test_valid_model(void) {
    model_plan model = sound_model();
    const file_writer file = write_model(&model);
    tagger_graph graph;
    tagnode_message why;
    if (!CHECK(tagger_graph_read(file.bytes, file.size, &graph, &why) == TAGNODE_OK)) {
        fprintf(stderr, "%s\n", why.text);
        exit(closing_line());
    }
    CHECK(graph.tensors == 5 && graph.ops == 2 && graph.input == 0);
    CHECK(graph.outputs == 1 && graph.output[0] == 4);
    const tagger_tensor *const input = &graph.tensor[0];
    CHECK(input->type == TAGGER_INT8 && input->rank == 4 && input->elements == 48);
    CHECK(input->dims[0] == 1 && input->dims[1] == 4 && input->dims[2] == 6 && input->dims[3] == 2);
    CHECK(input->data == NULL && input->scales == 1);
    CHECK(input->scale[0] == 0.5F && input->zero_point[0] == -7);
    CHECK(input->name_length == 2 && memcmp(input->name, "in", 2) == 0);
    const tagger_tensor *const weights = &graph.tensor[1];
    CHECK(weights->scales == 3 && weights->axis == 0 && weights->scale[2] == 0.3F);
    CHECK(memcmp(weights->data, WEIGHTS, sizeof WEIGHTS) == 0);
    const tagger_tensor *const bias = &graph.tensor[2]; /* one zero point for all channels */
    CHECK(bias->type == TAGGER_INT32 && bias->scales == 3 && bias->zero_point[2] == 0);
    CHECK(memcmp(bias->data, BIAS, sizeof BIAS) == 0);
    const tagger_op *const conv = &graph.op[0];
    CHECK(conv->code == TAGGER_CONV_2D && conv->inputs == 3 && conv->output == 3);
    CHECK(conv->input[0] == 0 && conv->input[1] == 1 && conv->input[2] == 2);
    CHECK(conv->activation == TAGGER_ACT_RELU6);
    CHECK(conv->as.window.padding == TAGGER_PADDING_VALID);
    CHECK(conv->as.window.stride_w == 2 && conv->as.window.stride_h == 1);
    CHECK(conv->as.window.dilation_w == 1 && conv->as.window.dilation_h == 1); /* the defaults */
    CHECK(graph.op[1].code == TAGGER_RELU && graph.op[1].input[0] == 3);
    tagger_graph_free(&graph);
    CHECK(graph.memory == NULL && graph.tensors == 0);
    tagger_graph_free(&graph);
    free(file.bytes);
}

/* Constants are aligned to their type for any alignment of the file in memory. */
static void test_any_alignment(void) {
    model_plan model = sound_model();
    const file_writer file = write_model(&model);
    for (size_t shift = 0; shift < 8; ++shift) {
        unsigned char *const bytes = malloc(file.size + shift);
        tagger_graph graph;
        if (bytes == NULL) abort();
        memcpy(bytes + shift, file.bytes, file.size);
        if (CHECK(tagger_graph_read(bytes + shift, file.size, &graph, NULL) == TAGNODE_OK)) {
            const int32_t *const bias = graph.tensor[2].data;
            CHECK((uintptr_t)bias % 4 == 0 && memcmp(bias, BIAS, sizeof BIAS) == 0);
            CHECK(memcmp(graph.tensor[1].data, WEIGHTS, sizeof WEIGHTS) == 0);
            tagger_graph_free(&graph);
        }
        free(bytes);
    }
    free(file.bytes);
}

static bool is_refused(const file_writer *file, tagnode_status status, const char *words) {
    unsigned char *const exact = malloc(file->size); /* so that a read past its end is detected */
    tagger_graph graph;
    tagnode_message why = {""};
    if (exact == NULL) abort();
    memcpy(exact, file->bytes, file->size);
    const tagnode_status actual = tagger_graph_read(exact, file->size, &graph, &why);
    bool holds = actual == status && message_has(&why, words) && graph.memory == NULL;
    if (actual == TAGNODE_ERROR_UNSUPPORTED)
        holds = holds && message_has(&why, "; the worker runtime runs any model.");
    tagger_graph_free(&graph);
    free(exact);
    return holds;
}

static bool is_model_refused(model_plan *model, tagnode_status status, const char *words) {
    file_writer file = write_model(model);
    const bool holds = is_refused(&file, status, words);
    free(file.bytes);
    return holds;
}

/* Makes one edit to a valid model, which is then refused with this message. */
#define DAMAGED(edit, words) REFUSED(edit, TAGNODE_ERROR_MODEL, words)
#define UNSUPPORTED(edit, words) REFUSED(edit, TAGNODE_ERROR_UNSUPPORTED, words)
#define REFUSED(edit, status, words)                                                               \
    do {                                                                                           \
        model_plan m = sound_model();                                                              \
        edit;                                                                                      \
        check(is_model_refused(&m, status, words), #edit, __FILE__, __LINE__);                     \
    } while (0)

static void test_models(void) {
    DAMAGED(m.version = 2, "Model.version");
    DAMAGED(m.subgraphs = 0, "Model.subgraphs");
    UNSUPPORTED(m.subgraphs = 2, "has 2 subgraphs");
    UNSUPPORTED(m.inputs = 0, "has 0 inputs");
    UNSUPPORTED(m.inputs = 2, "has 2 inputs");
    UNSUPPORTED(m.outputs = 0, "has 0 outputs");
    UNSUPPORTED(m.outputs = 9, "has 9 outputs");
    DAMAGED(m.input[0] = -1, "SubGraph.inputs");
    DAMAGED(m.input[0] = 5, "SubGraph.inputs");
    DAMAGED(m.input[0] = 1, "SubGraph.inputs"); /* a constant */
    DAMAGED(m.output[0] = -1, "SubGraph.outputs");
    DAMAGED(m.output[0] = 5, "SubGraph.outputs");
    UNSUPPORTED(m.output[0] = 0, "an output that no operation writes");
    UNSUPPORTED(m.output[0] = 1, "an output that no operation writes");
    UNSUPPORTED(m.repeated_tensors = TAGGER_MAX_TENSORS, "has 4101 tensors");
    UNSUPPORTED(m.repeated_ops = TAGGER_MAX_OPS, "has 4098 operations");
}

static void test_tensors(void) {
    UNSUPPORTED(m.tensor[0].type = 4, "tensor 0 (\"in\") is of type INT64");
    UNSUPPORTED(m.tensor[3].type = 17, "tensor 3 (\"y\") is of type INT4");
    DAMAGED(m.tensor[0].type = 23, "Tensor.type of tensor 0");
    DAMAGED(m.tensor[0].type = -1, "Tensor.type");
    UNSUPPORTED((m.tensor[0].type = 2, m.tensor[0].name = "i"), "an input of type INT32");
    UNSUPPORTED(m.tensor[3].rank = 6, "has 6 dimensions");
    UNSUPPORTED(m.tensor[3].dims[1] = 0, "dimension 1 of size 0");
    UNSUPPORTED(m.tensor[3].dims[0] = -1, "dimension 0 of any size");
    DAMAGED(m.tensor[3].dims[0] = -2, "Tensor.shape of tensor 3");
    DAMAGED(m.tensor[3].dims[3] = INT32_MIN, "Tensor.shape");
    UNSUPPORTED(m.tensor[3].dims[3] = INT32_MAX, "more than 67108864 elements");
    UNSUPPORTED((m.tensor[3].dims[1] = 65536, m.tensor[3].dims[2] = 65536), "elements");
    UNSUPPORTED(m.tensor[3].is_variable = 1, "keeps its value");
    UNSUPPORTED(m.tensor[1].sparsity = 1, "is sparse");
    UNSUPPORTED(m.tensor[1].external = 1, "in another file");
    DAMAGED(m.tensor[1].buffer = 3, "Tensor.buffer of tensor 1");
    DAMAGED(m.tensor[1].buffer = -1, "Tensor.buffer");
    DAMAGED(m.tensor[1].buffer = 2, "Buffer.data of tensor 1");
    DAMAGED(m.buffer[1].size = 5, "Buffer.data");
    DAMAGED(m.buffer[2].size = 11, "Buffer.data");
    UNSUPPORTED(m.buffer[1].offset = 4096, "outside the model's tables");
    UNSUPPORTED((m.tensor[4].name = "\x1b[31m\"\xc3\xa9", m.tensor[4].type = 1), "\"?[31m???\"");
}

static void test_quantisation(void) {
    DAMAGED(m.tensor[0].scale[0] = 0, "QuantizationParameters.scale of tensor 0");
    DAMAGED(m.tensor[0].scale[0] = -0.5F, "QuantizationParameters.scale");
    DAMAGED(m.tensor[0].scale[0] = INFINITY, "QuantizationParameters.scale");
    DAMAGED(m.tensor[0].scale[0] = NAN, "QuantizationParameters.scale");
    DAMAGED(m.tensor[1].scale[2] = NAN, "QuantizationParameters.scale");
    DAMAGED(m.tensor[0].zero[0] = 128, "QuantizationParameters.zero_point");
    DAMAGED(m.tensor[0].zero[0] = -129, "QuantizationParameters.zero_point");
    DAMAGED(m.tensor[0].zero[0] = INT64_C(1) << 32, "QuantizationParameters.zero_point");
    DAMAGED(m.tensor[2].zero[0] = INT64_MIN, "QuantizationParameters.zero_point");
    DAMAGED(m.tensor[1].zero[1] = 1, "QuantizationParameters.zero_point");
    DAMAGED(m.tensor[1].zeros = 2, "QuantizationParameters.zero_point");
    DAMAGED(m.tensor[1].zeros = 4, "QuantizationParameters.zero_point");
    DAMAGED(m.tensor[0].zeros = 0, "QuantizationParameters.zero_point");
    DAMAGED(m.tensor[1].scales = 2, "QuantizationParameters.scale");
    DAMAGED(m.tensor[1].scales = 4, "QuantizationParameters.scale");
    DAMAGED(m.tensor[1].axis = 3, "QuantizationParameters.scale");
    DAMAGED(m.tensor[1].axis = 4, "QuantizationParameters.quantized_dimension");
    DAMAGED(m.tensor[1].axis = -1, "QuantizationParameters.quantized_dimension");
    UNSUPPORTED(m.tensor[1].details = 2, "unsupported quantisation");
}

static void test_operation_kinds(void) {
    DAMAGED(m.op[0].code = 2, "Operator.opcode_index of operation 0");
    DAMAGED(m.op[0].code = UINT32_MAX, "Operator.opcode_index");
    DAMAGED(m.deprecated[1] = -1, "OperatorCode.deprecated_builtin_code");
    DAMAGED(m.builtin[1] = INT32_MIN, "OperatorCode.builtin_code");
    UNSUPPORTED((m.deprecated[1] = 36, m.builtin[1] = 0), "operation 1 is a GATHER");
    UNSUPPORTED((m.deprecated[1] = 127, m.builtin[1] = 150), "operation 1 is a GELU");
    UNSUPPORTED((m.deprecated[1] = 127, m.builtin[1] = INT32_MAX), "is of kind 2147483647");
    UNSUPPORTED((m.builtin[1] = 32, m.custom = "Flex\nErf"), "of the custom kind \"Flex?Erf\"");
}

static void test_operation_tensors(void) {
    DAMAGED(m.op[0].inputs = 1, "Operator.inputs of operation 0 (CONV_2D)");
    UNSUPPORTED(m.op[0].inputs = 4, "has 4 inputs, more than 3");
    UNSUPPORTED(m.op[0].inputs = 65, "has 65 inputs, more than 64");
    DAMAGED(m.op[0].input[0] = -1, "Operator.inputs");
    DAMAGED(m.op[0].input[2] = -2, "Operator.inputs");
    DAMAGED(m.op[0].input[2] = 5, "Operator.inputs");
    DAMAGED(m.op[0].input[0] = 4, "Operator.inputs"); /* written later */
    DAMAGED(m.op[0].input[0] = 3, "Operator.inputs"); /* its own output */
    DAMAGED(m.op[1].input[0] = -1, "Operator.inputs of operation 1 (RELU)");
    DAMAGED((m.builtin[1] = 45, m.op[1].inputs = 4, m.op[1].input[2] = -1),
            "Operator.inputs of operation 1 (STRIDED_SLICE)");
    DAMAGED(m.op[0].outputs = 0, "Operator.outputs");
    DAMAGED(m.op[0].outputs = 2, "Operator.outputs");
    DAMAGED(m.op[0].output[0] = -1, "Operator.outputs");
    DAMAGED(m.op[0].output[0] = 5, "Operator.outputs");
    DAMAGED(m.op[0].output[0] = 0, "Operator.outputs"); /* the graph's input */
    DAMAGED(m.op[0].output[0] = 2, "Operator.outputs"); /* a constant */
    DAMAGED(m.op[1].output[0] = 3, "Operator.outputs"); /* written before */
    DAMAGED(m.repeated_ops = 1, "Operator.outputs of operation 2");
}

/* Turns operation 1 into another, with one of its options set. */
static void set_op(model_plan *model, int builtin, int type, int number, int size, int64_t value) {
    model->deprecated[1] = model->builtin[1] = builtin;
    model->op[1].options_type = type;
    model->op[1].options = 1;
    model->op[1].option[0] = (file_field){number, size, value};
}

/* Turns operation 1 into a SPLIT or SPLIT_V of tensor 0 into the last tensor and a new one: the
 * filters' place is taken by the axis. */
static void set_split(model_plan *model, int builtin) {
    static const int32_t AXIS[] = {3};
    set_op(model, builtin, builtin == 49 ? 35 : 79, 0, 4, 2);
    model->deprecated[0] = model->builtin[0] = 19; /* operation 0 becomes a RELU */
    model->op[0].inputs = 1;
    model->op[0].options_type = model->op[0].options = 0;
    model->buffer[1] = (model_buffer){AXIS, sizeof AXIS, 0};
    model->tensor[1] = (model_tensor){2, 0, 1, .name = "axis"};
    model->tensor[2].buffer = 0;
    model->op[1].inputs = model->op[1].outputs = 2;
    model->op[1].input[0] = 1;
    model->op[1].input[1] = 3;
    model->op[1].output[1] = 2;
}

static int64_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void test_transpose_conv(void) {
    DAMAGED((set_op(&m, 67, 49, 1, 4, 1)), "Operator.inputs of operation 1 (TRANSPOSE_CONV)");
    DAMAGED((set_op(&m, 67, 49, 1, 4, 1), m.op[1].inputs = 3),
            "stride_h of operation 1 (TRANSPOSE_CONV)");
    DAMAGED((set_op(&m, 67, 49, 0, 1, 2), m.op[1].inputs = 3),
            "padding of operation 1 (TRANSPOSE_CONV)");
    DAMAGED((set_op(&m, 67, 49, 1, 4, 1), m.op[1].inputs = 3, m.op[1].input[2] = -1),
            "Operator.inputs of operation 1 (TRANSPOSE_CONV)");
}

static void test_binary_and_pack_options(void) {
    DAMAGED((set_op(&m, 42, 29, 0, 1, 6), m.op[1].inputs = 2), "operation 1 (DIV)");
    DAMAGED((set_op(&m, 83, 59, 0, 4, 2)), "PackOptions.values_count of operation 1 (PACK)");
    DAMAGED((set_op(&m, 83, 59, 0, 4, -1)), "PackOptions.values_count");
    DAMAGED((set_op(&m, 83, 59, 1, 4, 0)), "PackOptions.values_count"); /* the default is 0 */
    DAMAGED((set_op(&m, 83, 59, 0, 4, 1), m.op[1].options = 2,
             m.op[1].option[1] = (file_field){1, 4, 4}),
            "PackOptions.axis");
}

static void test_splits(void) {
    DAMAGED((set_split(&m, 49), m.op[1].option[0].value = 3), "num_splits of operation 1 (SPLIT)");
    DAMAGED((set_split(&m, 49), m.op[1].options_type = 0), "num_splits of operation 1 (SPLIT)");
    DAMAGED((set_split(&m, 49), m.op[1].outputs = 0), "Operator.outputs of operation 1 (SPLIT)");
    DAMAGED((set_split(&m, 49), m.op[1].output[1] = 4), "Operator.outputs of operation 1 (SPLIT)");
    DAMAGED((set_split(&m, 49), m.op[1].output[1] = 9), "Operator.outputs of operation 1 (SPLIT)");
    DAMAGED((set_split(&m, 49), m.op[1].inputs = 1), "Operator.inputs of operation 1 (SPLIT)");
    DAMAGED((set_split(&m, 102)), "Operator.inputs of operation 1 (SPLIT_V)");
    UNSUPPORTED((set_split(&m, 49), m.repeated_ops = TAGGER_MAX_OPS - 2), "too many");
}

static void test_options(void) {
    DAMAGED(m.op[0].options_type = 2, "Operator.builtin_options_type");
    DAMAGED(m.op[0].options_type = 0, "stride_w of operation 0 (CONV_2D)"); /* the default is 0 */
    DAMAGED(m.op[0].option[0].value = 2, "padding of operation 0 (CONV_2D)");
    DAMAGED(m.op[0].option[1].value = 0, "stride_w of operation 0 (CONV_2D)");
    DAMAGED(m.op[0].option[2].value = -1, "stride_h of operation 0 (CONV_2D)");
    DAMAGED(m.op[0].option[1].value = 65536, "stride_w of operation 0 (CONV_2D)");
    DAMAGED(m.op[0].option[3].value = 6, "fused_activation_function of operation 0 (CONV_2D)");
    DAMAGED(m.op[0].option[3].value = -1, "fused_activation_function of operation 0 (CONV_2D)");
    UNSUPPORTED(m.op[0].option[3].value = 4, "fused TANH");
    DAMAGED(m.op[0].option[3] = ((file_field){4, 4, 0}), "Conv2DOptions.dilation_w_factor");
    DAMAGED(m.op[0].option[3] = ((file_field){5, 4, 65536}), "Conv2DOptions.dilation_h_factor");
    UNSUPPORTED((m.builtin[0] = 4, m.op[0].options_type = 2, m.op[0].option[3].number = 4),
                "depth_multiplier of 0");
    DAMAGED((set_op(&m, 17, 5, 0, 1, 1)), "stride_w of operation 1 (MAX_POOL_2D)");
    DAMAGED((set_op(&m, 2, 10, 0, 4, 4)), "ConcatenationOptions.axis");
    DAMAGED((set_op(&m, 2, 10, 0, 4, -5)), "ConcatenationOptions.axis");
    DAMAGED((set_op(&m, 25, 9, 0, 4, bits_of(NAN))), "SoftmaxOptions.beta");
    DAMAGED((set_op(&m, 25, 9, 0, 4, bits_of(-1))), "SoftmaxOptions.beta");
    DAMAGED((set_op(&m, 98, 75, 0, 4, bits_of(INFINITY))), "LeakyReluOptions.alpha");
    UNSUPPORTED((set_op(&m, 9, 8, 1, 1, 1), m.op[1].inputs = 2, m.op[1].input[1] = 1), "shuffled");
    UNSUPPORTED((set_op(&m, 45, 32, 5, 1, 1), m.op[1].inputs = 4), "as an offset");
    DAMAGED((set_op(&m, 45, 32, 2, 4, -1), m.op[1].inputs = 4),
            "StridedSliceOptions.ellipsis_mask");
}

/* The values of options, present and absent. */
static void test_options_and_their_defaults(void) {
    model_plan model = sound_model();
    tagger_graph graph;
    set_op(&model, 2, 10, 0, 4, -4);
    file_writer file = write_model(&model);
    if (CHECK(tagger_graph_read(file.bytes, file.size, &graph, NULL) == TAGNODE_OK))
        CHECK(graph.op[1].code == TAGGER_CONCATENATION && graph.op[1].as.concatenation.axis == -4);
    tagger_graph_free(&graph);
    free(file.bytes);
    set_op(&model, 98, 75, 0, 4, bits_of(0.125F));
    file = write_model(&model);
    if (CHECK(tagger_graph_read(file.bytes, file.size, &graph, NULL) == TAGNODE_OK))
        CHECK(graph.op[1].code == TAGGER_LEAKY_RELU && graph.op[1].as.leaky_relu.alpha == 0.125F);
    tagger_graph_free(&graph);
    free(file.bytes);
    model.op[1].options_type = 0;
    model.op[0].input[2] = -1; /* no bias */
    file = write_model(&model);
    if (CHECK(tagger_graph_read(file.bytes, file.size, &graph, NULL) == TAGNODE_OK))
        CHECK(graph.op[1].as.leaky_relu.alpha == 0.0F && graph.op[0].input[2] == -1);
    tagger_graph_free(&graph);
    free(file.bytes);
}

/* A SPLIT becomes one operation for each output, with the axis last. */
static void test_several_outputs(void) {
    model_plan model = sound_model();
    tagger_graph graph;
    set_split(&model, 49);
    const file_writer file = write_model(&model);
    if (CHECK(tagger_graph_read(file.bytes, file.size, &graph, NULL) == TAGNODE_OK)) {
        CHECK(graph.ops == 3);
        for (uint32_t i = 0; graph.ops == 3 && i < 2; ++i) {
            const tagger_op *const op = &graph.op[1 + i];
            CHECK(op->code == TAGGER_SPLIT && op->inputs == 2);
            CHECK(op->input[0] == 3 && op->input[1] == 1 && op->output == (i == 0 ? 4 : 2));
            CHECK(op->as.split.part == i && op->as.split.parts == 2);
        }
    }
    tagger_graph_free(&graph);
    free(file.bytes);
}

/* Weights in half precision, and the DEQUANTIZE that restores them, become a float32 constant. */
static void test_half_precision(void) {
    static const uint16_t halves[] = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x8400, 0xFC00};
    static const float values[] = {1.0F, -2.0F, 65504.0F, 0x1p-24F, -0x1p-14F, -INFINITY};
    model_plan model = sound_model();
    tagger_graph graph;
    model.buffer[1] = (model_buffer){halves, sizeof halves, 0};
    model.tensor[1].type = 1;
    model.builtin[0] = model.deprecated[0] = 6;
    model.op[0] = (model_op){.code = 0, .inputs = 1, .input = {1}, .outputs = 1, .output = {3}};
    model.tensor[3].type = 0;
    memcpy(model.tensor[3].dims, model.tensor[1].dims, sizeof model.tensor[3].dims);
    model.op[1].input[0] = 0;
    file_writer file = write_model(&model);
    if (CHECK(tagger_graph_read(file.bytes, file.size, &graph, NULL) == TAGNODE_OK)) {
        CHECK(graph.ops == 1 && graph.op[0].output == 4);
        CHECK(graph.tensor[3].type == TAGGER_FLOAT32);
        const float *data = graph.tensor[3].data;
        CHECK(data != NULL && memcmp(data, values, sizeof values) == 0);
        tagger_graph_free(&graph);
    }
    free(file.bytes);
    model.tensor[3].dims[0] = 4; /* another number of values */
    CHECK(is_model_refused(&model, TAGNODE_ERROR_MODEL, "Operator.outputs"));
    model.tensor[3].dims[0] = 3;
    model.buffer[1].size = 10;
    CHECK(is_model_refused(&model, TAGNODE_ERROR_MODEL, "Buffer.data"));
    model.tensor[1].buffer = 0;
    CHECK(is_model_refused(&model, TAGNODE_ERROR_UNSUPPORTED, "a variable of type FLOAT16"));
}

/* Offsets and lengths that point to wrong places. */
static void test_structure(void) {
    static const int64_t LENGTHS[] = {UINT32_MAX, INT32_MAX, INT64_C(1) << 30, INT64_C(1) << 31,
                                      1 << 20};
    static const int64_t BACK[] = {INT32_MAX, INT32_MIN, -1, 1 << 20, -(1 << 20)};
    model_plan model = sound_model();
    const file_writer sound = write_model(&model);
    const struct {
        size_t at;
        const char *name;
    } vectors[] = {{model.tensors, "SubGraph.tensors"},
                   {model.ops, "SubGraph.operators"},
                   {model.shape, "Tensor.shape"},
                   {model.name, "Tensor.name"},
                   {model.data, "Buffer.data"},
                   {model.op_inputs, "Operator.inputs"},
                   {model.scale, "QuantizationParameters.scale"}},
      tables[] = {{model.root, "Model"},
                  {model.tensor_table, "SubGraph.tensors of tensor 1"},
                  {model.op_table, "SubGraph.operators of operation 0"}};
    file_writer file = {malloc(sound.size), sound.size};
    if (file.bytes == NULL) abort();
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; ++i) {
        for (size_t j = 0; j < sizeof vectors / sizeof *vectors; ++j) {
            memcpy(file.bytes, sound.bytes, sound.size);
            put_at(&file, vectors[j].at, LENGTHS[i], 4);
            CHECK(is_refused(&file, TAGNODE_ERROR_MODEL, vectors[j].name));
        }
        for (size_t j = 0; j < sizeof tables / sizeof *tables; ++j) {
            memcpy(file.bytes, sound.bytes, sound.size);
            put_at(&file, tables[j].at, BACK[i], 4);
            CHECK(is_refused(&file, TAGNODE_ERROR_MODEL, tables[j].name));
        }
        memcpy(file.bytes, sound.bytes, sound.size);
        put_at(&file, model.tensors + 4, LENGTHS[i], 4);
        CHECK(is_refused(&file, TAGNODE_ERROR_MODEL, "SubGraph.tensors of tensor 0"));
        put_at(&file, 0, LENGTHS[i], 4);
        CHECK(is_refused(&file, TAGNODE_ERROR_MODEL, "Model points outside"));
    }
    memcpy(file.bytes, sound.bytes, sound.size);
    put_at(&file, model.root - file.bytes[model.root], UINT16_MAX, 2); /* the layout's size */
    CHECK(is_refused(&file, TAGNODE_ERROR_MODEL, "Model points outside"));
    memcpy(file.bytes, sound.bytes, sound.size);
    put_at(&file, model.tensors + 4, 0, 4); /* a reference to itself */
    CHECK(is_refused(&file, TAGNODE_ERROR_MODEL, "SubGraph.tensors of tensor 0"));
    put_at(&file, 0, 0, 4);
    CHECK(is_refused(&file, TAGNODE_ERROR_MODEL, "Model points outside"));
    put_at(&file, 4, 0, 4);
    CHECK(is_refused(&file, TAGNODE_ERROR_MODEL, "TFL3"));
    free(file.bytes);
    free(sound.bytes);
}

/* A small file must not make the reader allocate much memory: here thousands of tensors share one
 * table of many scales. A single one is accepted. */
static void test_shared_tables(void) {
    enum { SCALES = 30000 };
    static float scales[SCALES];
    model_plan model = sound_model();
    for (size_t i = 0; i < SCALES; ++i) scales[i] = 0.5F;
    model.tensor[1] =
        (model_tensor){9, 1, 0, SCALES, 1, .dims = {SCALES}, .many = scales, .name = "shared"};
    model.op[0].inputs = 2;
    model.op[0].input[1] = 2;
    const file_writer file = write_model(&model);
    tagger_graph graph;
    CHECK(tagger_graph_read(file.bytes, file.size, &graph, NULL) == TAGNODE_OK);
    CHECK(graph.tensors > 1 && graph.tensor[1].scales == SCALES);
    tagger_graph_free(&graph);
    free(file.bytes);
    model.repeated_tensors = 4000;
    CHECK(is_model_refused(&model, TAGNODE_ERROR_UNSUPPORTED, "than the size of the file"));
}

static void read_exact(const unsigned char *bytes, size_t size) {
    LLVMFuzzerTestOneInput(bytes, size); /* aborts if a guarantee is broken */
    CHECK(true);
}

static void test_every_truncation(const unsigned char *bytes, size_t size) {
    for (size_t length = 0; length < size; ++length) read_exact(bytes, length);
}

static void test_every_bit(unsigned char *bytes, size_t size) {
    for (size_t bit = 0; bit < 8 * size; ++bit) {
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        read_exact(bytes, size);
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
}

/* Critical words, at each position. */
static void test_every_word(unsigned char *bytes, size_t size) {
    static const uint32_t WORDS[] = {0,         1,          4,          UINT32_MAX,
                                     INT32_MAX, 0x80000000, 0xfffffffc, 0xffff};
    for (size_t at = 0; at + 4 <= size; ++at) {
        unsigned char kept[4];
        memcpy(kept, bytes + at, 4);
        for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; ++i) {
            memcpy(bytes + at, &WORDS[i], 4);
            read_exact(bytes, size);
        }
        memcpy(bytes + at, kept, 4);
    }
}

static void test_hostile(void) {
    model_plan model = sound_model();
    const file_writer file = write_model(&model);
    test_every_truncation(file.bytes, file.size);
    test_every_bit(file.bytes, file.size);
    test_every_word(file.bytes, file.size);
    free(file.bytes);
    model = sound_model();
    set_split(&model, 49);
    const file_writer split = write_model(&model);
    test_every_truncation(split.bytes, split.size);
    test_every_bit(split.bytes, split.size);
    test_every_word(split.bytes, split.size);
    free(split.bytes);
}

static void test_names(void) {
    CHECK(strcmp(tagger_opcode_name(TAGGER_ADD), "ADD") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_ELU), "ELU") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_ABS), "ABS") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_DIV), "DIV") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_EXP), "EXP") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_LOG), "LOG") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_NEG), "NEG") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_PACK), "PACK") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_PAD), "PAD") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_RSQRT), "RSQRT") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_SPLIT), "SPLIT") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_SPLIT_V), "SPLIT_V") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_SQRT), "SQRT") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_SQUARE), "SQUARE") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_SQUARED_DIFFERENCE), "SQUARED_DIFFERENCE") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_REDUCE_MAX), "REDUCE_MAX") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_TRANSPOSE), "TRANSPOSE") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_TRANSPOSE_CONV), "TRANSPOSE_CONV") == 0);
    CHECK(strcmp(tagger_opcode_name(TAGGER_OPCODES), "unknown") == 0);
}

/* Reads a model from the folder, also after some damage. */
static void test_model(unsigned char *bytes, uint32_t size, const char *path) {
    tagger_graph graph;
    tagnode_message why;
    uint32_t random = 1;
    /* Some in the folder may be for the worker runtime. */
    const tagnode_status status = tagger_graph_read(bytes, size, &graph, &why);
    if (!CHECK(status == TAGNODE_OK || strstr(why.text, "not supported") != NULL))
        fprintf(stderr, "%s: %s\n", path, why.text);
    tagger_graph_free(&graph);
    for (int i = 0; i < 100; ++i) {
        const uint32_t at = next_number(&random) % size;
        const unsigned char bit = (unsigned char)(1U << next_number(&random) % 8);
        read_exact(bytes, at);
        bytes[at] ^= bit;
        read_exact(bytes, size);
        bytes[at] ^= bit;
    }
}

static void test_file(const char *path) {
    enum { LARGEST = 1 << 24 };
    FILE *const stream = fopen(path, "rb");
    unsigned char *const bytes = malloc(LARGEST);
    if (stream == NULL || bytes == NULL) abort();
    const size_t size = fread(bytes, 1, LARGEST, stream);
    fclose(stream);
    if (size == LARGEST)
        fprintf(stderr, "%s is larger than what runs in a callback: not read\n", path);
    else if (CHECK(size > 0))
        test_model(bytes, (uint32_t)size, path);
    free(bytes);
}

static void test_folder(void) {
    const char *const folder = getenv("TAGNODE_MODELS");
    DIR *const entries = folder != NULL ? opendir(folder) : NULL;
    if (entries == NULL) {
        fprintf(stderr, "no models read: TAGNODE_MODELS names no folder of .tflite files\n");
        return;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[1024];
        const size_t length = strlen(entry->d_name);
        if (length < 7 || strcmp(entry->d_name + length - 7, ".tflite") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        test_file(path);
    }
    closedir(entries);
}

int main(void) {
    test_valid_model();
    test_any_alignment();
    test_models();
    test_tensors();
    test_quantisation();
    test_operation_kinds();
    test_operation_tensors();
    test_transpose_conv();
    test_binary_and_pack_options();
    test_splits();
    test_options();
    test_options_and_their_defaults();
    test_several_outputs();
    test_half_precision();
    test_structure();
    test_shared_tables();
    test_hostile();
    test_names();
    test_folder();
    return closing_line();
}
