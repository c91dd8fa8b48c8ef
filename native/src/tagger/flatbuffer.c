/* flatbuffer.c - the format: a table is [offset back to its layout, fields]; a layout is [its size,
 * the table's size, the position of each field in the table]; a vector is [length, elements]; a
 * reference is the distance to its target, always forward. All little-endian. */
#include "tagger/flatbuffer.h"

#include <string.h>

/* The caller has checked that the bytes exist. */
static uint64_t number_at(const flatbuffer *file, size_t at, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = size; i > 0; --i) value = value << 8 | file->bytes[at + i - 1];
    return value;
}

static bool fits(const flatbuffer *file, size_t at, uint64_t size) {
    return at <= file->size && size <= file->size - at;
}

static flatbuffer_table damage(flatbuffer *file, const char *name) {
    if (file->damage == NULL) file->damage = name;
    return (flatbuffer_table){0};
}

static float float_from(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* At a position that `follow` returned: 4 bytes exist. */
static flatbuffer_table table_at(flatbuffer *file, size_t at, const char *name) {
    flatbuffer_table table = {.at = at};
    if (at == 0) return table;
    /* Neither end can wrap in 64 bits: both terms are below 2^32. */
    const int64_t layout = (int64_t)at - (int32_t)number_at(file, at, 4);
    if (layout < 0 || !fits(file, (size_t)layout, 4)) return damage(file, name);
    table.layout = (size_t)layout;
    table.layout_size = (uint16_t)number_at(file, table.layout, 2);
    table.size = (uint16_t)number_at(file, table.layout + 2, 2);
    if (table.layout_size < 4 || table.size < 4 || !fits(file, table.layout, table.layout_size) ||
        !fits(file, at, table.size))
        return damage(file, name);
    return table;
}

/* Returns the position of a field of `size` bytes, 0 if it is absent. */
static size_t place_of(flatbuffer *file, flatbuffer_table table, flatbuffer_field field,
                       unsigned size) {
    const unsigned entry = 4 + 2 * (unsigned)field.number;
    if (table.at == 0 || entry + 2 > table.layout_size) return 0;
    const unsigned offset = (unsigned)number_at(file, table.layout + entry, 2);
    if (offset == 0) return 0;
    if (offset >= 4 && offset + size <= table.size) return table.at + offset;
    (void)damage(file, field.name);
    return 0;
}

/* Returns the target of the reference at `at`: at least 4 bytes inside the file, or 0. */
static size_t follow(flatbuffer *file, size_t at, const char *name) {
    const uint32_t distance = (uint32_t)number_at(file, at, 4);
    if (distance > 0 && distance <= file->size - at && fits(file, at + distance, 4))
        return at + distance;
    (void)damage(file, name);
    return 0;
}

flatbuffer_table flatbuffer_root(flatbuffer *file, const char *name) {
    if (!fits(file, 0, 4)) return damage(file, name);
    return table_at(file, follow(file, 0, name), name);
}

uint64_t flatbuffer_unsigned(flatbuffer *file, flatbuffer_table table, flatbuffer_field field) {
    const size_t at = place_of(file, table, field, field.size);
    return at != 0 ? number_at(file, at, field.size) : 0;
}

int32_t flatbuffer_signed(flatbuffer *file, flatbuffer_table table, flatbuffer_field field,
                          int32_t otherwise) {
    const size_t at = place_of(file, table, field, field.size);
    if (at == 0) return otherwise;
    const uint32_t value = (uint32_t)number_at(file, at, field.size);
    return field.size == 1 ? (int8_t)value : (int32_t)value;
}

float flatbuffer_float(flatbuffer *file, flatbuffer_table table, flatbuffer_field field) {
    return float_from((uint32_t)flatbuffer_unsigned(file, table, field));
}

bool flatbuffer_has(flatbuffer *file, flatbuffer_table table, flatbuffer_field field) {
    return place_of(file, table, field, field.size) != 0;
}

flatbuffer_table flatbuffer_child(flatbuffer *file, flatbuffer_table table,
                                  flatbuffer_field field) {
    const size_t at = place_of(file, table, field, 4);
    return table_at(file, at != 0 ? follow(file, at, field.name) : 0, field.name);
}

flatbuffer_vector flatbuffer_list(flatbuffer *file, flatbuffer_table table,
                                  flatbuffer_field field) {
    const flatbuffer_vector none = {0, 0, field.size, field.name};
    const size_t place = place_of(file, table, field, 4);
    const size_t at = place != 0 ? follow(file, place, field.name) : 0;
    if (at == 0) return none;
    const uint32_t length = (uint32_t)number_at(file, at, 4);
    if (fits(file, at + 4, (uint64_t)length * field.size))
        return (flatbuffer_vector){at + 4, length, field.size, field.name};
    (void)damage(file, field.name);
    return none;
}

flatbuffer_table flatbuffer_table_of(flatbuffer *file, flatbuffer_vector tables, uint32_t index) {
    if (index >= tables.length) return (flatbuffer_table){0};
    return table_at(file, follow(file, tables.at + 4 * (size_t)index, tables.name), tables.name);
}

int64_t flatbuffer_signed_of(const flatbuffer *file, flatbuffer_vector numbers, uint32_t index) {
    const uint64_t value = number_at(file, numbers.at + (size_t)numbers.size * index, numbers.size);
    return numbers.size == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

float flatbuffer_float_of(const flatbuffer *file, flatbuffer_vector numbers, uint32_t index) {
    return float_from((uint32_t)number_at(file, numbers.at + (size_t)numbers.size * index, 4));
}
