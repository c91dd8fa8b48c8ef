/* head_file.h - .head files with random numbers. */
#pragma once

#include "check.h"

typedef struct {
    unsigned char bytes[1 << 20];
    size_t size;
    uint32_t random;
} head_file;

static inline void add_word(head_file *f, uint32_t word) {
    for (unsigned i = 0; i < 4; ++i) f->bytes[f->size++] = (unsigned char)(word >> 8 * i);
}

static inline void add_float(head_file *f, float number) {
    uint32_t word;
    memcpy(&word, &number, sizeof word);
    add_word(f, word);
}

static inline void add_double(head_file *f, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    add_word(f, (uint32_t)bits);
    add_word(f, (uint32_t)(bits >> 32));
}

static inline double drawn(head_file *f) {
    return next_number(&f->random) / 2147483648.0 - 1;
}

static inline void begin_file(head_file *f, uint32_t stages) {
    static const char card[] = "{\"name\": \"drawn\"}";
    memset(f, 0, sizeof *f);
    f->random = 99;
    memcpy(f->bytes, "TAGHEAD1", 8);
    f->size = 8;
    add_word(f, sizeof card - 1);
    memcpy(f->bytes + f->size, card, sizeof card - 1);
    f->size = (f->size + sizeof card - 1 + 15) / 16 * 16;
    add_word(f, stages);
}

static inline void begin_stage(head_file *f, uint32_t kind, uint32_t rows, uint32_t columns,
                               uint32_t flags) {
    const uint32_t words[] = {kind, rows, columns, flags};
    for (unsigned i = 0; i < 4; ++i) add_word(f, words[i]);
}

static inline void add_floats(head_file *f, size_t count) {
    for (size_t i = 0; i < count; ++i) add_float(f, (float)drawn(f));
}

static inline void add_dense(head_file *f, uint32_t outputs, uint32_t inputs, uint32_t activation) {
    begin_stage(f, 3, outputs, inputs, activation);
    add_floats(f, (size_t)outputs * (inputs + 1));
}

static inline void add_kernel(head_file *f, uint32_t vectors, uint32_t inputs, uint32_t outputs,
                              uint32_t kernel) {
    begin_stage(f, 4, vectors, inputs, kernel);
    add_word(f, outputs);
    add_word(f, 3);
    add_double(f, 0.3);
    add_double(f, 0.5);
    add_floats(f, (size_t)vectors * inputs);
    for (uint32_t i = 0; i < outputs * (vectors + 1); ++i) add_double(f, drawn(f));
}

/* A head with every kind of stage, from `inputs` floats to 3. */
static inline void whole_head(head_file *f, uint32_t inputs) {
    begin_file(f, 6);
    begin_stage(f, 1, 1, inputs, 0);
    add_floats(f, 2 * (size_t)inputs);
    begin_stage(f, 2, 5, inputs, 0);
    for (int rank = 0; rank < 5; ++rank)
        for (uint32_t i = 0; i < inputs; ++i) add_float(f, (float)rank * 0.5F - 1);
    add_dense(f, 19, inputs, 2);
    add_kernel(f, 11, 19, 4, 0);
    begin_stage(f, 5, 1, 4, 1);
    add_floats(f, 8);
    add_dense(f, 3, 4, 4);
}

static inline tagnode_head *head_of(const head_file *f) {
    tagnode_head *head = NULL;
    tagnode_message why = {""};
    if (!CHECK(tagnode_head_load(f->bytes, f->size, &head, &why) == TAGNODE_OK)) {
        fprintf(stderr, "the message is: %s\n", why.text);
        exit(EXIT_FAILURE);
    }
    return head;
}
