#include "support/patch.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* In double precision: a row is short, and its mean may be far from 0. */
static void measure_spread(const float *row, uint32_t bands, tagnode_patch_row *is)
    TAGNODE_NONBLOCKING {
    double sum = 0;
    for (uint32_t b = 0; b < bands; ++b) sum += row[b];
    is->mean = sum / bands;
    for (uint32_t b = 0; b < bands; ++b) {
        const double distance = row[b] - is->mean;
        is->squares += distance * distance;
    }
}

tagnode_patch_row tagnode_patch_measure(tagnode_patch_norm norm, const float *row, uint32_t bands) {
    tagnode_patch_row is = {.largest = row[0]};
    if (norm == TAGNODE_PATCH_Z_SCORE)
        measure_spread(row, bands, &is);
    else
        for (uint32_t b = 1; b < bands; ++b) is.largest = row[b] > is.largest ? row[b] : is.largest;
    return is;
}

/* Joins two sets' means and squares after Chan, Golub and LeVeque (1979): no cancellation, and
 * exactly 0 squares if all values are equal. */
void tagnode_patch_add(tagnode_patch_sum *sum, const tagnode_patch_row *row, uint32_t bands) {
    const double before = sum->rows++, distance = row->mean - sum->mean;
    const double share = distance / sum->rows;
    sum->mean += share;
    sum->squares += row->squares + distance * share * before * bands;
    if (before == 0 || row->largest > sum->largest) sum->largest = row->largest;
}

/* A divisor that is 0 counts as 1, and so does one that no normal float has. */
static double divisor_of(double value) TAGNODE_NONBLOCKING {
    return fabs(value) >= FLT_MIN ? value : 1.0;
}

tagnode_patch_scale tagnode_patch_scale_of(tagnode_patch_norm norm, double range,
                                           const tagnode_patch_sum *sum, uint32_t bands) {
    tagnode_patch_scale scale = {.divisor = 1.0, .floor = -FLT_MAX};
    switch (norm) {
    case TAGNODE_PATCH_NONE: break;
    case TAGNODE_PATCH_Z_SCORE:
        scale.shift = sum->mean;
        scale.divisor = divisor_of(sqrt(sum->squares / ((double)sum->rows * bands)));
        break;
    case TAGNODE_PATCH_MAX: scale.divisor = divisor_of(sum->largest); break;
    case TAGNODE_PATCH_TOP_DB: scale.floor = sum->largest - (float)range; break;
    case TAGNODE_PATCH_RELATIVE_DB:
        scale.shift = sum->largest;
        scale.floor = -(float)range;
        break;
    }
    return scale;
}

void tagnode_patch_apply(const tagnode_patch_scale *scale, const float *row, uint32_t bands,
                         float *output) {
    const tagnode_patch_scale s = *scale;
    for (uint32_t b = 0; b < bands; ++b) {
        const float value = (float)((row[b] - s.shift) / s.divisor);
        output[b] = value > s.floor ? value : s.floor;
    }
}

void tagnode_patch_normalise(const tagnode_card *card, const float *patch, float *output) {
    const uint32_t bands = card->frontend.bands, rows = card->patch_frames;
    if (card->patch_norm == TAGNODE_PATCH_NONE) {
        memcpy(output, patch, (size_t)rows * bands * sizeof *patch);
        return;
    }
    tagnode_patch_sum sum = {0};
    for (uint32_t r = 0; r < rows; ++r) {
        const tagnode_patch_row row =
            tagnode_patch_measure(card->patch_norm, patch + (size_t)r * bands, bands);
        tagnode_patch_add(&sum, &row, bands);
    }
    const tagnode_patch_scale scale =
        tagnode_patch_scale_of(card->patch_norm, card->patch_range, &sum, bands);
    for (uint32_t r = 0; r < rows; ++r)
        tagnode_patch_apply(&scale, patch + (size_t)r * bands, bands, output + (size_t)r * bands);
}
