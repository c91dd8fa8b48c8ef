/* descriptors.h - all that is measured rather than learned, from raw samples and from the power
 * spectra of a front-end, which signals.c hands across.
 *
 * Samples are heard first; `mark` remembers what they measure up to there, and `take` gives the
 * oldest mark together with what the spectra say that came since. */
#ifndef TAGNODE_DESCRIPTORS_DESCRIPTORS_H
#define TAGNODE_DESCRIPTORS_DESCRIPTORS_H

#include "tagnode.h"

enum { TAGNODE_SIGNALS = TAGNODE_SIGNAL_SILENCE + 1 };

typedef struct tagnode_descriptors tagnode_descriptors;

typedef struct {
    uint32_t sample_rate, channels; /* of the input */
    double silence_db, silence_hold;
    tagnode_frontend_settings spectra; /* that they come from */
    size_t marks;                      /* the most that wait to be taken */
} tagnode_descriptors_setup;

/* Returns OK or ERROR_MEMORY. */
tagnode_status tagnode_descriptors_create(const tagnode_descriptors_setup *setup,
                                          tagnode_descriptors **descriptors);
void tagnode_descriptors_destroy(tagnode_descriptors *descriptors);
void tagnode_descriptors_reset(tagnode_descriptors *descriptors) TAGNODE_NONBLOCKING;

/* Hears `frames` samples of each channel from `offset` on. */
void tagnode_descriptors_process(tagnode_descriptors *descriptors, const float *const *input,
                                 size_t offset, size_t frames) TAGNODE_NONBLOCKING;

/* Remembers level and loudness of what has been heard. */
void tagnode_descriptors_mark(tagnode_descriptors *descriptors) TAGNODE_NONBLOCKING;

/* Takes the power spectrum of the next mel frame. */
void tagnode_descriptors_push(tagnode_descriptors *descriptors, const float *power)
    TAGNODE_NONBLOCKING;

/* Writes TAGNODE_SIGNALS values: the oldest mark, and the last spectrum. */
void tagnode_descriptors_take(tagnode_descriptors *descriptors, float *values) TAGNODE_NONBLOCKING;

#endif
