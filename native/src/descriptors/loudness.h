/* loudness.h - loudness by BS.1770-4 and EBU Tech 3341, at any rate, in constant memory. */
#pragma once

#include "descriptors/vectors.h"

enum {
    TAGNODE_LOUDNESS_STEPS = 300, /* of 10 ms, in the 3 s that are kept */
    TAGNODE_LOUDNESS_BINS = 4000, /* of 0.02 LU, from -70 to +10 LUFS and above */
    TAGNODE_LOUDNESS_PAIRS = (TAGNODE_MAX_CHANNELS + 1) / 2
};

typedef struct {
    /* Two second-order sections in transposed direct form, on two channels at once. */
    double shelf[5], high_pass[2]; /* b0 b1 b2 a1 a2; a1 a2 with b = 1 -2 1 */
    uint32_t counted;              /* channels with a weight */
    uint32_t channel[TAGNODE_MAX_CHANNELS];
    double weight[TAGNODE_MAX_CHANNELS];
    struct {
        tagnode_pair shelf[2], high_pass[2], energy;
    } state[TAGNODE_LOUDNESS_PAIRS];

    double step_samples;                  /* in 10 ms, on average */
    double steps[TAGNODE_LOUDNESS_STEPS]; /* weighted energies; a ring, always full */
    uint32_t at;                          /* index of the next step */
    uint64_t count;                       /* steps so far */

    /* Gating blocks by loudness and in total: sums of their mean squares, and counts. */
    tagnode_pair bins[TAGNODE_LOUDNESS_BINS], all;
    uint32_t loudest; /* the highest bin in use */
    float integrated; /* LUFS */
} tagnode_loudness;

typedef struct {
    float momentary, short_term, integrated;
} tagnode_loudness_reading;

void tagnode_loudness_init(tagnode_loudness *loudness, uint32_t sample_rate, uint32_t channels);
void tagnode_loudness_reset(tagnode_loudness *loudness) TAGNODE_NONBLOCKING;

/* Returns the power gain of the K-weighting at a frequency in radians a sample. */
double tagnode_loudness_gain(const tagnode_loudness *loudness, double angle);

/* Processes `length` finite samples of each channel. */
void tagnode_loudness_process(tagnode_loudness *loudness, const float *const *samples,
                              size_t length) TAGNODE_NONBLOCKING;

/* Ends a step. Called every 10 ms. */
void tagnode_loudness_step(tagnode_loudness *loudness) TAGNODE_NONBLOCKING;

/* `progress` (0 to 1): the share of the current step that has been processed. */
tagnode_loudness_reading tagnode_loudness_read(const tagnode_loudness *loudness, double progress)
    TAGNODE_NONBLOCKING;
