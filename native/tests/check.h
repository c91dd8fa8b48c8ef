/* check.h - shared by all test programs: counts of checks that passed and failed, and the last
 * line. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tagnode.h"

static struct {
    unsigned passed, failed;
} tally;

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
#define CHECK_NEAR(actual, expected, tolerance)                                                    \
    check_near((actual), (expected), (tolerance), #actual, __FILE__, __LINE__)

static inline bool check(bool holds, const char *text, const char *file, int line) {
    if (holds) {
        ++tally.passed;
    } else if (++tally.failed <= 20) { /* 20 failures are enough */
        fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    }
    return holds;
}

static inline bool check_near(double actual, double expected, double tolerance, const char *text,
                              const char *file, int line) {
    const bool within = fabs(actual - expected) <= tolerance; /* not for NaN */
    if (!within && tally.failed < 20)
        fprintf(stderr, "%g; expected %g within %g\n", actual, expected, tolerance);
    return check(within, text, file, line);
}

/* Returns whether the message contains `part` and is a sentence with a full stop. */
static inline bool message_has(const tagnode_message *why, const char *part) {
    const size_t length = strlen(why->text);
    const bool sentence = length > 10 && why->text[length - 1] == '.';
    if (sentence && strstr(why->text, part) != NULL) return true;
    fprintf(stderr, "the message is: %s\n", why->text);
    return false;
}

/* Prepares a node with models and no heads. */
static inline tagnode_status prepare_models(tagnode *node, tagnode_model *const *models,
                                            uint32_t count, const tagnode_setup *setup,
                                            tagnode_message *why) {
    const tagnode_parts parts = {.models = models, .model_count = count};
    return tagnode_prepare(node, &parts, setup, why);
}

static inline tagnode_status prepare_model(tagnode *node, tagnode_model *model,
                                           const tagnode_setup *setup, tagnode_message *why) {
    return prepare_models(node, &model, 1, setup, why);
}

static inline int closing_line(void) {
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return tally.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Pseudo-random numbers, the same on every machine (xorshift32; Marsaglia, 2003). */
static inline uint32_t next_number(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static inline float *white_noise(size_t length, uint32_t seed) {
    float *samples = malloc((length + 1) * sizeof *samples);
    if (samples == NULL) abort();
    for (size_t i = 0; i < length; ++i)
        samples[i] = (float)(next_number(&seed) / 2147483648.0 - 1.0);
    return samples;
}
