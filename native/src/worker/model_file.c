/* model_file.c - reads the part of a FlatBuffer that the check needs: little-endian tables, with
 * the field numbers of TFLite's schema.fbs. Position 0 stands for absent or outside the file, and
 * reads as 0. */
#include "worker/model_file.h"

#include "support/message.h"

#include <string.h>

enum {
    MODEL_SUBGRAPHS = 2,
    MODEL_SIGNATURES = 7,
    SUBGRAPH_INPUTS = 1,
    SUBGRAPH_OUTPUTS = 2,
    SIGNATURE_INPUTS = 0,
    SIGNATURE_OUTPUTS = 1,
    SIGNATURE_SUBGRAPH = 4,
    MAP_NAME = 0,
    MAP_TENSOR = 1
};

typedef struct {
    const unsigned char *bytes;
    size_t size;
} model_file;

static uint32_t read_number(const model_file *file, size_t at, size_t bytes) {
    uint32_t value = 0;
    if (at == 0 || at > file->size || file->size - at < bytes) return 0;
    for (size_t i = bytes; i > 0; --i) value = value << 8 | file->bytes[at + i - 1];
    return value;
}

static size_t follow(const model_file *file, size_t at) {
    const uint32_t offset = read_number(file, at, 4);
    return offset != 0 ? at + offset : 0;
}

static size_t element(const model_file *file, size_t vector, uint32_t index) {
    return vector != 0 && index < read_number(file, vector, 4) ? vector + 4 + 4 * (size_t)index : 0;
}

static size_t field(const model_file *file, size_t table, uint32_t number) {
    const int64_t layout = (int64_t)table - (int32_t)read_number(file, table, 4);
    const uint32_t entry = 4 + 2 * number;
    if (layout <= 0 || entry + 2 > read_number(file, (size_t)layout, 2)) return 0;
    const uint32_t offset = read_number(file, (size_t)layout + entry, 2);
    return offset != 0 ? table + offset : 0;
}

/* Returns the position of the vector, string or table that a field refers to. */
static size_t member(const model_file *file, size_t table, uint32_t number) {
    return follow(file, field(file, table, number));
}

/* Returns the position of the name that `maps` gives to a tensor. For LiteRT a string ends at its
 * first zero, so a name that contains one is another, shorter name, and counts as none. */
static size_t name_of(const model_file *file, size_t maps, uint32_t tensor) {
    for (uint32_t i = 0; i < TAGNODE_MODEL_FILE_OUTPUTS; ++i) {
        const size_t map = follow(file, element(file, maps, i));
        const size_t name = member(file, map, MAP_NAME);
        const uint32_t length = read_number(file, name, 4);
        if (length > 0 && length < file->size - name - 4 &&
            memchr(file->bytes + name + 4, 0, length) == NULL &&
            read_number(file, field(file, map, MAP_TENSOR), 4) == tensor)
            return name;
    }
    return 0;
}

static bool are_equal(const model_file *file, size_t a, size_t b) {
    const size_t length = 4 + (size_t)read_number(file, a, 4); /* including the length itself */
    return memcmp(file->bytes + a, file->bytes + b, 4) == 0 &&
           memcmp(file->bytes + a, file->bytes + b, length) == 0;
}

static bool have_own_names(const model_file *file, size_t maps, size_t tensors) {
    size_t names[TAGNODE_MODEL_FILE_OUTPUTS];
    const uint32_t count = read_number(file, tensors, 4);
    if (count > TAGNODE_MODEL_FILE_OUTPUTS) return false;
    for (uint32_t i = 0; i < count; ++i) {
        names[i] = name_of(file, maps, read_number(file, element(file, tensors, i), 4));
        if (names[i] == 0) return false;
        for (uint32_t j = 0; j < i; ++j)
            if (are_equal(file, names[i], names[j])) return false;
    }
    return true;
}

/* Returns whether the first signature, which is the one that runs, names all inputs and outputs of
 * its graph. A file without a signature is valid: LiteRT creates one. */
static bool signature_is_whole(const model_file *file) {
    const size_t model = file->bytes[0] | (size_t)file->bytes[1] << 8 |
                         (size_t)file->bytes[2] << 16 | (size_t)file->bytes[3] << 24;
    const size_t first = element(file, member(file, model, MODEL_SIGNATURES), 0);
    if (first == 0) return true;
    const size_t signature = follow(file, first);
    const uint32_t index = read_number(file, field(file, signature, SIGNATURE_SUBGRAPH), 4);
    const size_t graph = follow(file, element(file, member(file, model, MODEL_SUBGRAPHS), index));
    return graph != 0 &&
           have_own_names(file, member(file, signature, SIGNATURE_INPUTS),
                          member(file, graph, SUBGRAPH_INPUTS)) &&
           have_own_names(file, member(file, signature, SIGNATURE_OUTPUTS),
                          member(file, graph, SUBGRAPH_OUTPUTS));
}

tagnode_status tagnode_model_file_check(const void *bytes, size_t size, tagnode_message *why) {
    const model_file file = {bytes, size};
    if (size < 8 || memcmp(file.bytes + 4, "TFL3", 4) != 0)
        return tagnode_report(why, TAGNODE_ERROR_MODEL,
                              "The model file of %zu bytes is not a TFLite model, or damaged: it "
                              "lacks \"TFL3\" at byte 4; download it again.",
                              size);
    if (!signature_is_whole(&file))
        return tagnode_report(why, TAGNODE_ERROR_MODEL,
                              "The model's first signature does not name every input and output of "
                              "its graph a name of its own; the file is damaged, or has to be "
                              "written so.");
    return TAGNODE_OK;
}
