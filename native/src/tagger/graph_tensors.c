/* graph_tensors.c - reads the tensors of a model file. */
#include <math.h>
#include <string.h>

#include "tagger/graph_reader.h"

/* TensorType as in the file. */
enum { TYPE_FLOAT32 = 0, TYPE_FLOAT16 = 1, TYPE_INT32 = 2, TYPE_INT8 = 9, TYPE_LAST = 22 };

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

static const char *const TYPE_NAMES[TYPE_LAST + 1] = {
    "FLOAT32",  "FLOAT16",  "INT32",     "UINT8",         "INT64",      "STRING",
    "BOOL",     "INT16",    "COMPLEX64", "INT8",          "FLOAT64",    "COMPLEX128",
    "UINT64",   "RESOURCE", "VARIANT",   "UINT32",        "UINT16",     "INT4",
    "BFLOAT16", "INT2",     "UINT4",     "FLOAT8_E4M3FN", "FLOAT8_E5M2"};

/* A tensor of half precision has values in the file, or cannot be read; it becomes float32. */
static bool is_half(graph_reader *reader, flatbuffer_table table) {
    return flatbuffer_signed(&reader->file, table, TENSOR_TYPE, TYPE_FLOAT32) == TYPE_FLOAT16;
}

static void read_type(graph_reader *reader, flatbuffer_table table, tagger_tensor *tensor) {
    const int32_t type = flatbuffer_signed(&reader->file, table, TENSOR_TYPE, TYPE_FLOAT32);
    if (type == TYPE_FLOAT32 || type == TYPE_FLOAT16)
        tensor->type = TAGGER_FLOAT32;
    else if (type == TYPE_INT8)
        tensor->type = TAGGER_INT8;
    else if (type == TYPE_INT32)
        tensor->type = TAGGER_INT32;
    else if (type < 0 || type > TYPE_LAST)
        reader_wrong(reader, TENSOR_TYPE);
    else
        reader_unsupported(reader, "is of type %s, not FLOAT32, INT8 or INT32", TYPE_NAMES[type]);
}

static void read_shape(graph_reader *reader, flatbuffer_table table, tagger_tensor *tensor) {
    const flatbuffer_vector shape = flatbuffer_list(&reader->file, table, TENSOR_SHAPE);
    tensor->elements = 1;
    if (shape.length > TAGGER_MAX_RANK) {
        reader_unsupported(reader, "has %u dimensions, more than %d", shape.length,
                           TAGGER_MAX_RANK);
        return;
    }
    for (uint32_t i = 0; i < shape.length; ++i) {
        const int64_t size = flatbuffer_signed_of(&reader->file, shape, i);
        if (size < -1)
            reader_wrong(reader, TENSOR_SHAPE);
        else if (size < 1)
            reader_unsupported(reader, "has dimension %u of %s", i,
                               size == 0 ? "size 0" : "any size");
        else if ((uint64_t)size * tensor->elements > TAGGER_MAX_ELEMENTS)
            reader_unsupported(reader, "has more than %d elements", TAGGER_MAX_ELEMENTS);
        if (reader_failed(reader)) return;
        tensor->dims[i] = (uint32_t)size;
        tensor->elements *= (size_t)size;
    }
    tensor->rank = shape.length;
}

/* Half precision (IEEE 754 binary16) as float32. */
static float from_half(const unsigned char *bytes) {
    const uint32_t half = bytes[0] | (uint32_t)bytes[1] << 8, exponent = half >> 10 & 31;
    const uint32_t sign = half >> 15 << 31, mantissa = half & 1023;
    if (exponent == 0) return (sign != 0 ? -1.0F : 1.0F) * (float)mantissa * 0x1p-24F;
    const uint32_t bits = sign | (exponent == 31 ? 255U : exponent + 112U) << 23 | mantissa << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void read_halves(graph_reader *reader, flatbuffer_vector data, tagger_tensor *tensor) {
    if (data.length == 0) reader_unsupported(reader, "is a variable of type FLOAT16");
    float *const copy = reader_take_copy(reader, 4 * (uint64_t)tensor->elements);
    if (reader_failed(reader)) return;
    tensor->data = reader->file.bytes + data.at; /* marks a constant on the first pass */
    if (copy == NULL) return;
    for (size_t i = 0; i < tensor->elements; ++i)
        copy[i] = from_half(reader->file.bytes + data.at + 2 * i);
    tensor->data = copy;
}

static void read_data(graph_reader *reader, flatbuffer_table table, tagger_tensor *tensor) {
    flatbuffer *const file = &reader->file;
    const uint64_t index = flatbuffer_unsigned(file, table, TENSOR_BUFFER);
    const bool half = is_half(reader, table);
    if (index == 0 && half) read_halves(reader, (flatbuffer_vector){0}, tensor);
    if (index == 0) return; /* index 0 means no buffer */
    if (index >= reader->buffers.length) reader_wrong(reader, TENSOR_BUFFER);
    const flatbuffer_table buffer = flatbuffer_table_of(file, reader->buffers, (uint32_t)index);
    const flatbuffer_vector data = flatbuffer_list(file, buffer, BUFFER_DATA);
    const size_t element = tensor->type == TAGGER_INT8 ? 1 : half ? 2 : 4;
    if (flatbuffer_unsigned(file, buffer, BUFFER_OFFSET) > 1) /* 1 is a placeholder */
        reader_unsupported(reader, "has its values outside the model's tables");
    else if (data.length != 0 && data.length != tensor->elements * element)
        reader_wrong(reader, BUFFER_DATA);
    if (!reader_failed(reader) && half) read_halves(reader, data, tensor);
    if (reader_failed(reader) || half || data.length == 0) return;
    tensor->data = file->bytes + data.at;
    if ((uintptr_t)tensor->data % element == 0) return;
    void *const copy = reader_take_copy(reader, data.length);
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
    unsigned char *const copy = reader_take_copy(reader, (uint64_t)scales.length * 8);
    if (copy == NULL) return;
    float *const scale = (float *)(void *)copy;
    int32_t *const zero_point = (int32_t *)(void *)(copy + 4 * (size_t)scales.length);
    for (uint32_t i = 0; i < scales.length; ++i) {
        const int64_t zero = flatbuffer_signed_of(&reader->file, zeros, zeros.length == 1 ? 0 : i);
        scale[i] = flatbuffer_float_of(&reader->file, scales, i);
        zero_point[i] = (int32_t)zero;
        if (!isfinite(scale[i]) || scale[i] <= 0.0F) reader_wrong(reader, QUANTIZATION_SCALE);
        if (!fits_type(zero, tensor) || (scales.length > 1 && zero != 0))
            reader_wrong(reader, QUANTIZATION_ZERO);
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
        reader_unsupported(reader, "has an unsupported quantisation");
    if (reader_failed(reader) || scales.length == 0) return;
    if (axis < 0 || (uint32_t)axis >= (tensor->rank != 0 ? tensor->rank : 1))
        reader_wrong(reader, QUANTIZATION_AXIS);
    else if (scales.length != 1 && (tensor->rank == 0 || scales.length != tensor->dims[axis]))
        reader_wrong(reader, QUANTIZATION_SCALE);
    else if (zeros.length != 1 && zeros.length != scales.length)
        reader_wrong(reader, QUANTIZATION_ZERO);
    if (reader_failed(reader)) return;
    tensor->axis = (uint32_t)axis;
    copy_scales(reader, scales, zeros, tensor);
}

void reader_tensor(graph_reader *reader, uint32_t index, tagger_tensor *tensor) {
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
        reader_unsupported(reader, "is a variable that keeps its value between runs");
    if (flatbuffer_has(file, table, TENSOR_SPARSITY)) reader_unsupported(reader, "is sparse");
    if (flatbuffer_unsigned(file, table, TENSOR_EXTERNAL) != 0)
        reader_unsupported(reader, "has its values in another file");
    if (!reader_failed(reader)) read_shape(reader, table, tensor);
    if (!reader_failed(reader)) read_data(reader, table, tensor);
    if (!reader_failed(reader)) read_quantization(reader, table, tensor);
    reader->known[index] = tensor->data != NULL;
}
