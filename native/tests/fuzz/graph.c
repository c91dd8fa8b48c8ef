/* graph.c - fuzzes the reader of model files, and checks what it accepts against the guarantees of
 * graph.h. */
#include "tagger/graph.h"

#include <math.h>

#include "fuzz.h"
#include "worker/model_file.h"

static volatile unsigned sink;

/* Reads each byte, so that AddressSanitizer checks it. */
static void touch(const void *bytes, size_t size) {
    const unsigned char *const byte = bytes;
    unsigned sum = 0;
    for (size_t i = 0; i < size; ++i) sum += byte[i];
    sink = sum;
}

static void check_tensor(const tagger_tensor *tensor) {
    const size_t element = tensor->type == TAGGER_INT8 ? 1 : 4;
    size_t elements = 1;
    PROMISE(tensor->type <= TAGGER_INT32);
    PROMISE(tensor->rank <= TAGGER_MAX_RANK);
    for (uint32_t i = 0; i < tensor->rank; ++i) {
        PROMISE(tensor->dims[i] > 0);
        PROMISE(tensor->dims[i] <= TAGGER_MAX_ELEMENTS / elements);
        elements *= tensor->dims[i];
    }
    PROMISE(tensor->elements == elements);
    touch(tensor->name, tensor->name_length);
    if (tensor->data != NULL) {
        PROMISE((uintptr_t)tensor->data % element == 0);
        touch(tensor->data, elements * element);
    }
    PROMISE(tensor->type != TAGGER_FLOAT32 || tensor->scales == 0);
    if (tensor->scales > 1)
        PROMISE(tensor->axis < tensor->rank && tensor->scales == tensor->dims[tensor->axis]);
    for (uint32_t i = 0; i < tensor->scales; ++i) {
        PROMISE(isfinite(tensor->scale[i]) && tensor->scale[i] > 0);
        PROMISE(tensor->scales == 1 || tensor->zero_point[i] == 0);
        PROMISE(tensor->type == TAGGER_INT32 ||
                (tensor->zero_point[i] >= -128 && tensor->zero_point[i] <= 127));
    }
}

static bool is_step(uint32_t value) {
    return value >= 1 && value <= 65535;
}

static void check_options(const tagger_graph *graph, const tagger_op *op) {
    const int32_t rank = (int32_t)graph->tensor[op->output].rank;
    PROMISE(op->activation <= TAGGER_ACT_RELU6);
    switch (op->code) {
    case TAGGER_DEPTHWISE_CONV_2D: PROMISE(is_step(op->as.window.multiplier)); /* fall through */
    case TAGGER_CONV_2D:
    case TAGGER_TRANSPOSE_CONV:
    case TAGGER_MAX_POOL_2D:
    case TAGGER_AVERAGE_POOL_2D:
        PROMISE(op->as.window.padding <= TAGGER_PADDING_VALID);
        PROMISE(is_step(op->as.window.stride_h) && is_step(op->as.window.stride_w));
        PROMISE(is_step(op->as.window.dilation_h) && is_step(op->as.window.dilation_w));
        if (op->code == TAGGER_CONV_2D || op->code == TAGGER_DEPTHWISE_CONV_2D ||
            op->code == TAGGER_TRANSPOSE_CONV)
            break;
        PROMISE(is_step(op->as.window.filter_h) && is_step(op->as.window.filter_w));
        break;
    case TAGGER_CONCATENATION:
    case TAGGER_PACK:
        PROMISE(op->as.concatenation.axis >= -rank && op->as.concatenation.axis < rank);
        break;
    case TAGGER_SPLIT:
    case TAGGER_SPLIT_V: PROMISE(op->as.split.part < op->as.split.parts); break;
    case TAGGER_SOFTMAX: PROMISE(isfinite(op->as.softmax.beta)); break;
    case TAGGER_LEAKY_RELU: PROMISE(isfinite(op->as.leaky_relu.alpha)); break;
    default: break;
    }
}

static void check_op(const tagger_graph *graph, const tagger_op *op, bool *known) {
    PROMISE(op->code < TAGGER_OPCODES && strlen(tagger_opcode_name(op->code)) > 2);
    PROMISE(op->inputs >= 1 && op->inputs <= TAGGER_MAX_INPUTS);
    for (uint32_t i = 0; i < op->inputs; ++i) {
        const int32_t input = op->input[i];
        if (input == -1)
            PROMISE(i == 2 && op->inputs == 3);
        else
            PROMISE(input >= 0 && (uint32_t)input < graph->tensors && known[input]);
    }
    PROMISE(op->output < graph->tensors && !known[op->output]);
    known[op->output] = true;
    check_options(graph, op);
}

static void check_graph(const tagger_graph *graph) {
    bool known[TAGGER_MAX_TENSORS] = {false};
    PROMISE(graph->tensors >= 1 && graph->tensors <= TAGGER_MAX_TENSORS);
    PROMISE(graph->ops <= TAGGER_MAX_OPS && graph->input < graph->tensors);
    for (uint32_t i = 0; i < graph->tensors; ++i) {
        check_tensor(&graph->tensor[i]);
        known[i] = graph->tensor[i].data != NULL;
    }
    PROMISE(!known[graph->input] && graph->tensor[graph->input].type != TAGGER_INT32);
    known[graph->input] = true;
    for (uint32_t i = 0; i < graph->ops; ++i) check_op(graph, &graph->op[i], known);
    PROMISE(graph->outputs >= 1 && graph->outputs <= TAGNODE_MAX_OUTPUTS);
    for (uint32_t i = 0; i < graph->outputs; ++i) {
        PROMISE(graph->output[i] < graph->tensors && known[graph->output[i]]);
        PROMISE(graph->tensor[graph->output[i]].data == NULL && graph->output[i] != graph->input);
    }
}

static void check_refusal(tagnode_status status, const tagger_graph *graph,
                          const tagnode_message *why) {
    static const tagger_graph NOTHING = {0};
    static const char REMEDY[] = "; the worker runtime runs any model.";
    const size_t length = strlen(why->text), tail = sizeof REMEDY - 1;
    PROMISE(status == TAGNODE_ERROR_MODEL || status == TAGNODE_ERROR_UNSUPPORTED);
    check_sentence(why);
    /* At the end, since a name in the file may contain the same words. */
    PROMISE((status == TAGNODE_ERROR_UNSUPPORTED) ==
            (length > tail && strcmp(why->text + length - tail, REMEDY) == 0));
    PROMISE(memcmp(graph, &NOTHING, sizeof NOTHING) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const exact copy = copy_exactly(data, size);
    tagger_graph graph;
    tagnode_message why = {""};
    const tagnode_status status = tagger_graph_read(copy.bytes, size, &graph, &why);
    if (status == TAGNODE_OK) {
        check_graph(&graph);
        tagger_graph_free(&graph);
    } else {
        check_refusal(status, &graph, &why);
    }
    if (tagnode_model_file_check(copy.bytes, size, &why) != TAGNODE_OK) check_sentence(&why);
    free(copy.memory);
    return 0;
}
