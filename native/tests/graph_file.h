/* graph_file.h - small .tflite files, written field by field, any of which a test may spoil. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Writes FlatBuffers: what is referred to follows the table that refers to it. */

enum { FILE_BYTES = 1 << 20, REFERENCE = 0 };

typedef struct {
    unsigned char *bytes;
    size_t size;
} file_writer;

typedef struct {
    int number, size; /* REFERENCE: 4 bytes, filled in later */
    int64_t value;
} file_field;

static inline void put_at(file_writer *file, size_t at, int64_t value, int size) {
    for (int i = 0; i < size; ++i) file->bytes[at + (size_t)i] = (unsigned char)(value >> 8 * i);
}

static inline size_t put(file_writer *file, int64_t value, int size) {
    const size_t at = file->size;
    if (at + (size_t)size > FILE_BYTES) abort();
    file->size += (size_t)size;
    put_at(file, at, value, size);
    return at;
}

static inline void align(file_writer *file, size_t to) {
    while (file->size % to != 0) put(file, 0, 1);
}

/* Makes the reference at `place` point to the current end. */
static inline void refer(file_writer *file, size_t place) {
    align(file, 4);
    put_at(file, place, (int64_t)(file->size - place), 4);
}

/* Returns the position of the table; `places` gets those of its fields. */
static inline size_t put_table(file_writer *file, const file_field *fields, int count,
                               size_t *places) {
    int numbers = 0;
    for (int i = 0; i < count; ++i)
        if (fields[i].number >= numbers) numbers = fields[i].number + 1;
    align(file, 4);
    const size_t layout = put(file, 4 + 2 * numbers, 2);
    put(file, 0, 2);
    for (int i = 0; i < numbers; ++i) put(file, 0, 2);
    const size_t table = put(file, 0, 4);
    put_at(file, table, (int64_t)(table - layout), 4);
    for (int i = 0; i < count; ++i) {
        const int size = fields[i].size == REFERENCE ? 4 : fields[i].size;
        places[i] = put(file, fields[i].value, size);
        put_at(file, layout + 4 + 2 * (size_t)fields[i].number, (int64_t)(places[i] - table), 2);
    }
    put_at(file, layout + 2, (int64_t)(file->size - table), 2);
    return table;
}

static inline void refer_to_table(file_writer *file, size_t place, const file_field *fields,
                                  int count, size_t *places) {
    align(file, 4);
    const size_t table = put_table(file, fields, count, places);
    put_at(file, place, (int64_t)(table - place), 4);
}

static inline void refer_to_numbers(file_writer *file, size_t place, const void *numbers, int count,
                                    int size) {
    refer(file, place);
    put(file, count, 4);
    for (int i = 0; i < count * size; ++i) put(file, ((const unsigned char *)numbers)[i], 1);
}

/* Writes a vector of references; returns the position of the first. */
static inline size_t refer_to_references(file_writer *file, size_t place, int count) {
    refer(file, place);
    put(file, count, 4);
    const size_t first = file->size;
    for (int i = 0; i < count; ++i) put(file, 0, 4);
    return first;
}

/* A model to write. */

typedef struct {
    int type, rank, buffer, scales, zeros, axis, details;
    int32_t dims[6];
    float scale[4];
    int64_t zero[4];
    const float *many; /* scales, instead of those above */
    int is_variable, sparsity, external;
    const char *name;
} model_tensor;

typedef struct {
    int inputs, outputs, options_type, options;
    unsigned code;
    int32_t input[70], output[2];
    file_field option[6];
} model_op;

typedef struct {
    const void *data;
    int size;
    int64_t offset;
} model_buffer;

enum { MODEL_TENSORS = 5, MODEL_OPS = 2, MODEL_BUFFERS = 3, MODEL_CODES = 2 };

typedef struct {
    int version, subgraphs, inputs, outputs;
    int32_t input[2], output[10];
    int deprecated[MODEL_CODES], builtin[MODEL_CODES];
    const char *custom;
    model_buffer buffer[MODEL_BUFFERS];
    model_tensor tensor[MODEL_TENSORS];
    model_op op[MODEL_OPS];
    int repeated_tensors, repeated_ops; /* further references to tensor 1, to operation 0 */
    /* Positions in the file */
    size_t root, tensors, ops, tensor_table, op_table, shape, data, name, scale, op_inputs, options;
} model_plan;

static const int8_t WEIGHTS[] = {1, -2, 3, -4, 5, -6};
static const int32_t BIAS[] = {100, -200, 300};

/* int8 [1, 4, 6, 2], CONV_2D 1 by 1 to 3 channels, RELU. */
static inline model_plan sound_model(void) {
    const model_plan model = {
        .version = 3,
        .subgraphs = 1,
        .inputs = 1,
        .input = {0},
        .outputs = 1,
        .output = {4},
        .deprecated = {3, 19},
        .builtin = {3, 19},
        .buffer = {{NULL, 0, 0}, {WEIGHTS, sizeof WEIGHTS, 0}, {BIAS, sizeof BIAS, 0}},
        .tensor =
            {{9, 4, 0, 1, 1, .dims = {1, 4, 6, 2}, .scale = {0.5F}, .zero = {-7}, .name = "in"},
             {9, 4, 1, 3, 3, .dims = {3, 1, 1, 2}, .scale = {0.1F, 0.2F, 0.3F}, .name = "w"},
             {2, 1, 2, 3, 1, .dims = {3}, .scale = {0.05F, 0.1F, 0.15F}, .name = "bias"},
             {9, 4, 0, 1, 1, .dims = {1, 4, 6, 3}, .scale = {0.25F}, .zero = {3}, .name = "y"},
             {9, 4, 0, 1, 1, .dims = {1, 4, 6, 3}, .scale = {0.25F}, .zero = {3}, .name = "z"}},
        .op = {{.code = 0,
                .inputs = 3,
                .input = {0, 1, 2},
                .outputs = 1,
                .output = {3},
                .options_type = 1,
                .options = 4,
                .option = {{0, 1, 1}, {1, 4, 2}, {2, 4, 1}, {3, 1, 3}}},
               {.code = 1, .inputs = 1, .input = {3}, .outputs = 1, .output = {4}}}};
    return model;
}

static inline void put_tensor(file_writer *file, model_plan *model, int index, size_t place) {
    const model_tensor *const tensor = &model->tensor[index];
    const file_field fields[] = {{0, REFERENCE, 0},         {1, 1, tensor->type},
                                 {2, 4, tensor->buffer},    {3, REFERENCE, 0},
                                 {4, REFERENCE, 0},         {5, 1, tensor->is_variable},
                                 {10, 4, tensor->external}, {6, REFERENCE, 0}};
    const file_field quantization[] = {
        {2, REFERENCE, 0}, {3, REFERENCE, 0}, {4, 1, tensor->details}, {6, 4, tensor->axis}};
    size_t at[8];
    size_t inner[4];
    refer_to_table(file, place, fields, 7 + tensor->sparsity, at);
    if (index == 1) model->tensor_table = place + file->bytes[place]; /* the offset is small */
    if (tensor->sparsity) refer_to_table(file, at[7], NULL, 0, inner);
    refer_to_numbers(file, at[0], tensor->dims, tensor->rank, 4);
    if (index == 1) model->shape = file->size - 4 * (size_t)tensor->rank - 4;
    refer_to_numbers(file, at[3], tensor->name, (int)strlen(tensor->name), 1);
    if (index == 1) model->name = file->size - strlen(tensor->name) - 4;
    refer_to_table(file, at[4], quantization, 4, inner);
    refer_to_numbers(file, inner[0], tensor->many != NULL ? tensor->many : tensor->scale,
                     tensor->scales, 4);
    if (index == 1) model->scale = file->size - 4 * (size_t)tensor->scales - 4;
    refer_to_numbers(file, inner[1], tensor->zero, tensor->zeros, 8);
}

static inline void put_op(file_writer *file, model_plan *model, int index, size_t place) {
    const model_op *const op = &model->op[index];
    const file_field fields[] = {{0, 4, op->code},
                                 {1, REFERENCE, 0},
                                 {2, REFERENCE, 0},
                                 {3, 1, op->options_type},
                                 {4, REFERENCE, 0}};
    size_t at[5];
    size_t inner[6];
    refer_to_table(file, place, fields, op->options != 0 ? 5 : 4, at);
    if (index == 0) model->op_table = place + file->bytes[place];
    refer_to_numbers(file, at[1], op->input, op->inputs, 4);
    if (index == 0) model->op_inputs = file->size - 4 * (size_t)op->inputs - 4;
    refer_to_numbers(file, at[2], op->output, op->outputs, 4);
    if (op->options != 0) refer_to_table(file, at[4], op->option, op->options, inner);
    if (index == 0 && op->options != 0) model->options = inner[0];
}

static inline void put_buffers(file_writer *file, model_plan *model, size_t place) {
    const size_t first = refer_to_references(file, place, MODEL_BUFFERS);
    for (int i = 0; i < MODEL_BUFFERS; ++i) {
        const model_buffer *const buffer = &model->buffer[i];
        const file_field fields[] = {{1, 8, buffer->offset}, {0, REFERENCE, 0}};
        size_t at[2];
        refer_to_table(file, first + 4 * (size_t)i, fields, buffer->data != NULL ? 2 : 1, at);
        if (buffer->data == NULL) continue;
        refer_to_numbers(file, at[1], buffer->data, buffer->size, 1);
        if (i == 2) model->data = file->size - (size_t)buffer->size - 4;
    }
}

static inline void put_codes(file_writer *file, const model_plan *model, size_t place) {
    const size_t first = refer_to_references(file, place, MODEL_CODES);
    for (int i = 0; i < MODEL_CODES; ++i) {
        const file_field fields[] = {
            {0, 1, model->deprecated[i]}, {3, 4, model->builtin[i]}, {1, REFERENCE, 0}};
        size_t at[3];
        refer_to_table(file, first + 4 * (size_t)i, fields, model->custom != NULL ? 3 : 2, at);
        if (model->custom == NULL) continue;
        refer_to_numbers(file, at[2], model->custom, (int)strlen(model->custom), 1);
    }
}

/* Points the references after the first `count` to the target of that of `index`. */
static inline void repeat(file_writer *file, size_t first, int count, int index, int times) {
    const size_t place = first + 4 * (size_t)index;
    int64_t target = (int64_t)place;
    for (int i = 0; i < 4; ++i) target += (int64_t)file->bytes[place + (size_t)i] << 8 * i;
    for (int i = count; i < count + times; ++i) {
        const size_t at = first + 4 * (size_t)i;
        put_at(file, at, target - (int64_t)at, 4);
    }
}

static inline void put_subgraph(file_writer *file, model_plan *model, size_t place) {
    static const file_field FIELDS[] = {
        {0, REFERENCE, 0}, {1, REFERENCE, 0}, {2, REFERENCE, 0}, {3, REFERENCE, 0}};
    size_t at[4];
    refer_to_table(file, place, FIELDS, 4, at);
    refer_to_numbers(file, at[1], model->input, model->inputs, 4);
    refer_to_numbers(file, at[2], model->output, model->outputs, 4);
    const size_t tensors =
        refer_to_references(file, at[0], MODEL_TENSORS + model->repeated_tensors);
    for (int i = 0; i < MODEL_TENSORS; ++i) put_tensor(file, model, i, tensors + 4 * (size_t)i);
    repeat(file, tensors, MODEL_TENSORS, 1, model->repeated_tensors);
    const size_t ops = refer_to_references(file, at[3], MODEL_OPS + model->repeated_ops);
    for (int i = 0; i < MODEL_OPS; ++i) put_op(file, model, i, ops + 4 * (size_t)i);
    repeat(file, ops, MODEL_OPS, 0, model->repeated_ops);
    model->tensors = tensors - 4;
    model->ops = ops - 4;
}

static inline file_writer write_model(model_plan *model) {
    const file_field fields[] = {
        {0, 4, model->version}, {1, REFERENCE, 0}, {2, REFERENCE, 0}, {4, REFERENCE, 0}};
    file_writer file = {malloc(FILE_BYTES), 0};
    size_t at[4];
    if (file.bytes == NULL) abort();
    put(&file, 0, 4);
    for (int i = 0; i < 4; ++i) put(&file, "TFL3"[i], 1);
    refer_to_table(&file, 0, fields, 4, at);
    model->root = file.bytes[0];
    put_codes(&file, model, at[1]);
    const size_t subgraphs = refer_to_references(&file, at[2], model->subgraphs);
    for (int i = 0; i < model->subgraphs; ++i)
        put_subgraph(&file, model, subgraphs + 4 * (size_t)i);
    put_buffers(&file, model, at[3]);
    return file;
}
