/* patch_steps.h - the two steps before a graph whose patches are normalised, each by its own
 * values: one measures a window, the other normalises its rows. Each row of the mel frames' tensor
 * holds the frame and then its measure. */
#pragma once

#include "tagger/ops.h"

/* The tensors in front of those of the graph. */
typedef struct {
    uint32_t frames; /* the mel frames */
    uint32_t scale;  /* of the window: a tagnode_patch_sum, then a tagnode_patch_scale */
} tagger_patch_tensors;

/* Return the bytes of a row of each. */
size_t tagger_patch_frame_bytes(uint32_t bands);
size_t tagger_patch_scale_bytes(void);

/* Prepares both steps; `input` is the graph's. Returns OK or ERROR_MEMORY. [main] */
tagnode_status tagger_patch_prepare(const tagnode_card *card, uint32_t input,
                                    tagger_patch_tensors tensors, tagger_step steps[2],
                                    tagnode_message *why);

/* Writes a mel frame and its measure to a row. */
void tagger_patch_write(tagnode_patch_norm norm, uint32_t bands, const float *mel, void *row)
    TAGNODE_NONBLOCKING;
