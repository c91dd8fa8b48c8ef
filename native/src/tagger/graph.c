/* graph.c - reads the first subgraph of a .tflite file, twice: first without memory, to check it
 * and find its size, then into one block of that size. */
#include "tagger/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tagger/graph_reader.h"

enum {
    SCHEMA_VERSION = 3,
    ALIGNMENT = 8, /* of the parts of the graph's memory */
};

static const flatbuffer_field MODEL_VERSION = {0, 4, "Model.version"};
static const flatbuffer_field MODEL_OPERATOR_CODES = {1, 4, "Model.operator_codes"};
static const flatbuffer_field MODEL_SUBGRAPHS = {2, 4, "Model.subgraphs"};
static const flatbuffer_field MODEL_BUFFERS = {4, 4, "Model.buffers"};
static const flatbuffer_field SUBGRAPH_TENSORS = {0, 4, "SubGraph.tensors"};
static const flatbuffer_field SUBGRAPH_INPUTS = {1, 4, "SubGraph.inputs"};
static const flatbuffer_field SUBGRAPH_OUTPUTS = {2, 4, "SubGraph.outputs"};
static const flatbuffer_field SUBGRAPH_OPERATORS = {3, 4, "SubGraph.operators"};

/* Error messages */

void reader_show_name(const graph_reader *reader, flatbuffer_vector name, char shown[SHOWN_NAME]) {
    size_t length = 0;
    for (; length < name.length && length < SHOWN_NAME - 1; ++length) {
        const unsigned char byte = reader->file.bytes[name.at + length];
        shown[length] = byte >= ' ' && byte <= '~' && byte != '"' ? (char)byte : '?';
    }
    shown[length] = '\0';
}

static void show_part(const graph_reader *reader, char *text, size_t size) {
    char name[SHOWN_NAME];
    reader_show_name(reader, reader->name, name);
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

bool reader_failed(graph_reader *reader) {
    if (reader->status == TAGNODE_OK && reader->file.damage != NULL)
        report_damaged(reader, reader->file.damage, "points outside the file");
    return reader->status != TAGNODE_OK;
}

void reader_wrong(graph_reader *reader, flatbuffer_field field) {
    if (!reader_failed(reader)) report_damaged(reader, field.name, "is out of range");
}

void reader_unsupported(graph_reader *reader, const char *format, ...) {
    char part[96];
    char what[128];
    va_list arguments;
    if (reader_failed(reader)) return;
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

void *reader_take(graph_reader *reader, uint64_t bytes) {
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

void *reader_take_copy(graph_reader *reader, uint64_t bytes) {
    const uint64_t fixed = TAGGER_MAX_TENSORS * sizeof(tagger_tensor) +
                           TAGGER_MAX_OPS * (sizeof(tagger_op) + TAGGER_MAX_INPUTS * 4);
    if (reader->taken + bytes > fixed + 2 * (uint64_t)reader->file.size) {
        reader_unsupported(reader,
                           "needs more memory for constants than the size of the file allows");
        return NULL;
    }
    return reader_take(reader, bytes);
}

/* The graph */

/* Reads the graph except its inputs and outputs; without memory, only measures. */
static void read_parts(graph_reader *reader, uint32_t input) {
    tagger_graph *const graph = &reader->graph;
    tagger_tensor scratch;
    graph->tensor = reader_take(reader, graph->tensors * sizeof *graph->tensor);
    graph->op = reader_take(reader, graph->ops * sizeof *graph->op);
    for (uint32_t i = 0; i < graph->tensors && !reader_failed(reader); ++i)
        reader_tensor(reader, i, reader->block != NULL ? &graph->tensor[i] : &scratch);
    if (reader_failed(reader) || reader->block == NULL) return;
    reader->part = OF_MODEL;
    if (reader->known[input]) reader_wrong(reader, SUBGRAPH_INPUTS); /* a constant */
    if (graph->tensor[input].type == TAGGER_INT32)
        reader_unsupported(reader, "has an input of type INT32");
    reader->known[input] = true;
    graph->input = input;
    uint32_t placed = 0;
    for (uint32_t i = 0; i < reader->ops.length && !reader_failed(reader); ++i)
        placed += reader_op(reader, i, &graph->op[placed], graph->ops - placed);
    if (placed != graph->ops) reader_wrong(reader, SUBGRAPH_OPERATORS); /* the file changed */
}

static void read_outputs(graph_reader *reader, flatbuffer_vector outputs) {
    tagger_graph *const graph = &reader->graph;
    reader->part = OF_MODEL;
    for (uint32_t i = 0; i < outputs.length; ++i) {
        const int64_t tensor = flatbuffer_signed_of(&reader->file, outputs, i);
        if (tensor < 0 || tensor >= graph->tensors || !reader->known[tensor])
            reader_wrong(reader, SUBGRAPH_OUTPUTS);
        else if (tensor == graph->input || graph->tensor[tensor].data != NULL)
            reader_unsupported(reader, "has an output that no operation writes");
        if (reader_failed(reader)) return;
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
        reader_unsupported(reader, "has %u tensors, more than %d", reader->tensors.length,
                           TAGGER_MAX_TENSORS);
    if (reader->ops.length > TAGGER_MAX_OPS)
        reader_unsupported(reader, "has %u operations, more than %d", reader->ops.length,
                           TAGGER_MAX_OPS);
    if (inputs.length != 1) reader_unsupported(reader, "has %u inputs, not 1", inputs.length);
    if (outputs.length < 1 || outputs.length > TAGNODE_MAX_OUTPUTS)
        reader_unsupported(reader, "has %u outputs, not 1 to %d", outputs.length,
                           TAGNODE_MAX_OUTPUTS);
    if (reader_failed(reader)) return;
    const int64_t input = flatbuffer_signed_of(file, inputs, 0);
    reader->graph.tensors = reader->tensors.length;
    if (input < 0 || input >= reader->tensors.length) reader_wrong(reader, SUBGRAPH_INPUTS);
    if (!reader_failed(reader)) reader_measure_ops(reader);
    if (!reader_failed(reader)) read_parts(reader, (uint32_t)input);
    if (reader_failed(reader)) return;
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
    if (!reader_failed(reader)) read_outputs(reader, outputs);
}

static void read_model(graph_reader *reader) {
    flatbuffer *const file = &reader->file;
    const flatbuffer_table model = flatbuffer_root(file, "Model");
    if (flatbuffer_unsigned(file, model, MODEL_VERSION) != SCHEMA_VERSION)
        reader_wrong(reader, MODEL_VERSION);
    reader->codes = flatbuffer_list(file, model, MODEL_OPERATOR_CODES);
    reader->buffers = flatbuffer_list(file, model, MODEL_BUFFERS);
    const flatbuffer_vector subgraphs = flatbuffer_list(file, model, MODEL_SUBGRAPHS);
    if (subgraphs.length == 0) reader_wrong(reader, MODEL_SUBGRAPHS);
    if (subgraphs.length > 1)
        reader_unsupported(reader, "has %u subgraphs, not 1", subgraphs.length);
    if (reader_failed(reader)) return;
    const flatbuffer_table subgraph = flatbuffer_table_of(file, subgraphs, 0);
    if (!reader_failed(reader)) read_subgraph(reader, subgraph);
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
    if (reader_failed(&reader)) {
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
