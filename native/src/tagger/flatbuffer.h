/* flatbuffer.h - reads a FlatBuffer from an untrusted file: nothing is followed or read before it
 * is checked to be inside the file, and nothing needs to be aligned. An absent field reads as
 * empty, or as its default. The first damage found is kept in `damage`; later reads may then return
 * absent values, so check `damage` before using what was read. */
#pragma once

#include "tagnode.h"

typedef struct {
    const unsigned char *bytes;
    size_t size; /* below 2^31 */
    const char
        *damage; /* the name of the field that points outside; NULL while there is no damage */
} flatbuffer;

typedef struct {
    uint16_t number; /* in the schema */
    uint8_t size;    /* bytes of the value, or of one element of the vector */
    const char *name;
} flatbuffer_field;

typedef struct {
    size_t at; /* 0: absent */
    size_t layout;
    uint16_t layout_size, size;
} flatbuffer_table;

typedef struct {
    size_t at; /* of the first element; 0: absent */
    uint32_t length;
    uint8_t size; /* of an element */
    const char *name;
} flatbuffer_vector;

flatbuffer_table flatbuffer_root(flatbuffer *file, const char *name);

/* A value of 1, 4 or 8 bytes. */
uint64_t flatbuffer_unsigned(flatbuffer *file, flatbuffer_table table, flatbuffer_field field);
/* A value of 1 or 4 bytes, or `otherwise` if it is absent. */
int32_t flatbuffer_signed(flatbuffer *file, flatbuffer_table table, flatbuffer_field field,
                          int32_t otherwise);
float flatbuffer_float(flatbuffer *file, flatbuffer_table table, flatbuffer_field field);
bool flatbuffer_has(flatbuffer *file, flatbuffer_table table, flatbuffer_field field);

/* A table that the field refers to, a vector or string (of bytes), a table from a vector. */
flatbuffer_table flatbuffer_child(flatbuffer *file, flatbuffer_table table, flatbuffer_field field);
flatbuffer_vector flatbuffer_list(flatbuffer *file, flatbuffer_table table, flatbuffer_field field);
flatbuffer_table flatbuffer_table_of(flatbuffer *file, flatbuffer_vector tables, uint32_t index);

/* An element of a vector; `index` must be below its length. */
int64_t flatbuffer_signed_of(const flatbuffer *file, flatbuffer_vector numbers, uint32_t index);
float flatbuffer_float_of(const flatbuffer *file, flatbuffer_vector numbers, uint32_t index);
