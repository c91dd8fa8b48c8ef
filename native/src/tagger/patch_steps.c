#include "tagger/patch_steps.h"

#include "support/aligned.h"
#include "support/patch.h"
#include "tagger/ops_internal.h"

typedef struct {
    tagnode_patch_norm norm;
    double range;
    uint32_t bands, patch;
} normalisation;

typedef struct {
    tagnode_patch_sum sum;
    tagnode_patch_scale scale;
} measured;

enum { ROW_COST = 50 * OPS_COST_FLOAT }; /* of adding a row: a division and doubles, not vectors */

static size_t measure_offset(uint32_t bands) {
    return (bands * sizeof(float) + 7) / 8 * 8;
}

size_t tagger_patch_frame_bytes(uint32_t bands) {
    return measure_offset(bands) + sizeof(tagnode_patch_row);
}

size_t tagger_patch_scale_bytes(void) {
    return sizeof(measured);
}

void tagger_patch_write(tagnode_patch_norm norm, uint32_t bands, const float *mel, void *row) {
    memcpy(row, mel, bands * sizeof *mel);
    const tagnode_patch_row is = tagnode_patch_measure(norm, mel, bands);
    memcpy((char *)row + measure_offset(bands), &is, sizeof is);
}

static void run_measure(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const normalisation *n = step->state;
    const ops_range rows = ops_part(step, n->patch, 1, part);
    measured *is = part->output;
    if (part->number == 0) is->sum = (tagnode_patch_sum){0};
    for (size_t r = rows.begin; r < rows.end; ++r) {
        tagnode_patch_row row;
        memcpy(&row, (const char *)part->rows[r] + measure_offset(n->bands), sizeof row);
        tagnode_patch_add(&is->sum, &row, n->bands);
    }
    if (rows.end == n->patch)
        is->scale = tagnode_patch_scale_of(n->norm, n->range, &is->sum, n->bands);
}

static void run_normalise(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const normalisation *n = step->state;
    const measured *is = part->rows[1];
    tagnode_patch_apply(&is->scale, part->rows[0], n->bands, part->output);
}

static tagnode_status prepare(const tagnode_card *card, tagger_step *step, tagnode_message *why) {
    normalisation *n = step->state = tagnode_aligned_calloc(sizeof *n);
    if (n == NULL) return tagnode_no_memory(why, "the model");
    *n = (normalisation){.norm = card->patch_norm,
                         .range = card->patch_range,
                         .bands = card->frontend.bands,
                         .patch = card->patch_frames};
    return TAGNODE_OK;
}

tagnode_status tagger_patch_prepare(const tagnode_card *card, uint32_t input,
                                    tagger_patch_tensors tensors, tagger_step steps[2],
                                    tagnode_message *why) {
    const uint32_t bands = card->frontend.bands;
    const ops_work measure = {.step = &steps[0]};
    steps[0] = (tagger_step){
        .output = tensors.scale,
        .rows = 1,
        .row_bytes = sizeof(measured),
        .reads = 1,
        .read = {{.tensor = tensors.frames, .all = true}},
        .run = run_measure,
    };
    ops_cut(&measure, card->patch_frames, ROW_COST, 1);
    steps[1] = (tagger_step){
        .output = input,
        .rows = card->patch_frames,
        .row_bytes = (uint32_t)(bands * sizeof(float)),
        .parts = 1,
        .part_cost = 4 * OPS_COST_FLOAT * bands,
        .reads = 2,
        .read = {{.tensor = tensors.frames, .count = 1, .stride = 1, .dilation = 1},
                 {.tensor = tensors.scale, .all = true}},
        .run = run_normalise,
    };
    tagnode_status status = prepare(card, &steps[0], why);
    if (status == TAGNODE_OK) status = prepare(card, &steps[1], why);
    return status;
}
