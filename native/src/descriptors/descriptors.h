/* descriptors.h - the measured descriptors, from raw samples and from the power spectra of a
 * front-end, which node/signals.c passes on.
 *
 * Samples are processed first; `mark` stores what they measure so far, and `take` returns the
 * oldest mark together with the measurements of the spectra pushed since. */
#pragma once

#include "tagnode.h"

enum { TAGNODE_SIGNALS = TAGNODE_SIGNAL_END };

typedef struct tagnode_descriptors tagnode_descriptors;

/* For a node with this setup; `spectra` are the settings of the spectra, `marks` is the largest
 * number of marks not yet taken. Returns OK or ERROR_MEMORY. */
tagnode_status tagnode_descriptors_create(const tagnode_setup *setup,
                                          const tagnode_frontend_settings *spectra, size_t marks,
                                          tagnode_descriptors **descriptors);
void tagnode_descriptors_destroy(tagnode_descriptors *descriptors);
void tagnode_descriptors_reset(tagnode_descriptors *descriptors) TAGNODE_NONBLOCKING;

/* Processes `frames` samples of each channel from `offset` on. */
void tagnode_descriptors_process(tagnode_descriptors *descriptors, const float *const *input,
                                 size_t offset, size_t frames) TAGNODE_NONBLOCKING;

/* Stores what is measured of the samples so far. */
void tagnode_descriptors_mark(tagnode_descriptors *descriptors) TAGNODE_NONBLOCKING;

/* Processes the power spectrum of the next mel frame. */
void tagnode_descriptors_push(tagnode_descriptors *descriptors, const float *power)
    TAGNODE_NONBLOCKING;

/* Writes TAGNODE_SIGNALS values: those of the oldest mark and of the last spectrum. */
void tagnode_descriptors_take(tagnode_descriptors *descriptors, float *values) TAGNODE_NONBLOCKING;
