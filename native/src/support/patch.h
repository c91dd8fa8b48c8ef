/* patch.h - normalises a patch by its own values before the model.
 *
 * A patch is measured row by row: first each row by itself, its bands in order, then the rows in
 * order. A result thus does not depend on when the rows were measured. */
#pragma once

#include "tagnode.h"

/* What is known of one row. */
typedef struct {
    double mean, squares; /* squares: the sum of (x - mean)^2; both of TAGNODE_PATCH_Z_SCORE only */
    float largest;
} tagnode_patch_row;

/* What is known of the rows so far; zeros at first. */
typedef struct {
    double mean, squares;
    float largest;
    uint32_t rows;
} tagnode_patch_sum;

/* The normalisation of a patch: max((x - shift) / divisor, floor). */
typedef struct {
    double shift, divisor;
    float floor;
} tagnode_patch_scale;

tagnode_patch_row tagnode_patch_measure(tagnode_patch_norm norm, const float *row, uint32_t bands)
    TAGNODE_NONBLOCKING;
void tagnode_patch_add(tagnode_patch_sum *sum, const tagnode_patch_row *row, uint32_t bands)
    TAGNODE_NONBLOCKING;
tagnode_patch_scale tagnode_patch_scale_of(tagnode_patch_norm norm, double range,
                                           const tagnode_patch_sum *sum, uint32_t bands)
    TAGNODE_NONBLOCKING;
void tagnode_patch_apply(const tagnode_patch_scale *scale, const float *row, uint32_t bands,
                         float *output) TAGNODE_NONBLOCKING;

/* Writes a whole patch, normalised as its card says. */
void tagnode_patch_normalise(const tagnode_card *card, const float *patch, float *output)
    TAGNODE_NONBLOCKING;
