/* fuzz.h - shared by the fuzzers, each of which passes arbitrary bytes to a reader and checks the
 * guarantees of what it accepts. `make fuzz` links them with libFuzzer; the tests link files.c,
 * which runs them on files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tagnode.h"

#define PROMISE(condition) promise((condition), #condition, __FILE__, __LINE__)

// NOLINTNEXTLINE(misc-use-internal-linkage): libFuzzer calls it
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void promise(bool holds, const char *text, const char *file, int line) {
    if (holds) return;
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, text);
    abort();
}

/* A message is a printable sentence that fits. */
static inline void check_sentence(const tagnode_message *why) {
    const size_t length = strlen(why->text);
    PROMISE(length > 20 && length < sizeof why->text - 1 && why->text[length - 1] == '.');
    for (size_t i = 0; i < length; ++i) PROMISE(why->text[i] >= ' ' && why->text[i] <= '~');
}

/* A copy of the exact size, so that AddressSanitizer finds reads beyond it. The size determines
 * the alignment, so that the input alone determines everything. */
typedef struct {
    unsigned char *memory, *bytes;
} exact;

static inline exact copy_exactly(const uint8_t *data, size_t size) {
    const size_t shift = size % 4;
    exact copy = {.memory = malloc(size + shift > 0 ? size + shift : 1)};
    if (copy.memory == NULL) abort();
    copy.bytes = copy.memory + shift;
    if (size > 0) memcpy(copy.bytes, data, size);
    return copy;
}

static inline uint32_t next_random(uint32_t *state) { /* xorshift32; Marsaglia, 2003 */
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}
