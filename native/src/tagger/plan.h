/* plan.h - the order in which the rows of a model are computed, which of them overlapping windows
 * share, and the cost.
 *
 * Windows of `patch` mel frames start at every `hop`-th frame. The key of row r of a tensor in the
 * window that starts at frame s is s + r. A row is shared if it is the same for every window that
 * contains it: if nothing that it depends on touched padding or an edge row. Those are rows `left`
 * .. rows - right - 1 of a tensor; they are computed once, as soon as frame key + `lag` has
 * arrived, and kept in a ring by their key. The others, the edges, are computed for each window
 * after its last frame. As each row is computed by the same arithmetic either way, results are bit
 * for bit those of the whole window computed from scratch.
 *
 * If each patch is normalised by its own values, windows have no equal rows: the mel frames go to a
 * tensor in front of the graph's input, and everything from there on is edges.
 *
 * Steps that pass rows on one by one to a single reader form a chain, which processes a row all the
 * way, so that only the last tensor of a chain is kept. Edges are computed a few rows at a time if
 * that is cheaper for a step of the chain, as it is where a row is short and the weights are many.
 */
#pragma once

#include "tagger/ops.h"
#include "tagger/patch_steps.h"

typedef struct {
    bool shared;          /* some rows are; otherwise `left` is all of them */
    uint32_t left, right; /* edge rows at either end */
    int32_t lag; /* mel frames by which the last frame that a shared row depends on is ahead of its
                    key */
    uint32_t rows;
    size_t row_bytes; /* in memory: with TAGGER_ROW_SLACK, a multiple of 64 */
    bool kept;        /* has memory: the last of a chain, or the input */
} tagger_placement;

typedef struct {
    uint32_t first,
        count;          /* in `order`: the steps, in the order in which a row passes through them */
    uint32_t together;  /* edge rows that are computed together, at most */
    uint64_t row_cost;  /* multiply-adds for a row */
    uint32_t part_cost; /* of the most expensive part */
    uint32_t output;    /* the tensor that is kept */
} tagger_chain;

typedef struct {
    const tagger_graph *graph;
    uint32_t steps, chains;
    tagger_step *step;
    uint32_t *order; /* step indices, chain after chain */
    tagger_chain *chain;
    tagger_placement *placement; /* of each tensor */
    uint32_t tensors;            /* those of the graph, then those in front of it */
    uint32_t input;              /* the tensor of the mel frames */
    bool alone;
    tagnode_patch_norm patch_norm;
    uint32_t patch, bands;
    uint32_t most_reads; /* largest number of row pointers of a step */
    size_t most_row;     /* bytes of the longest row within a chain */
    uint32_t most_together;
} tagger_plan;

/* Plans a graph whose input holds the card's patch_frames * bands floats, with patch_frames rows.
 * If `alone`, windows share nothing: all rows are edges, which takes more memory and less time for
 * one. Returns OK, ERROR_MODEL, ERROR_UNSUPPORTED or ERROR_MEMORY. The graph must outlive the plan.
 * [main] */
tagnode_status tagger_plan_create(const tagger_graph *graph, const tagnode_card *card,
                                  const kernels_table *kernels, bool alone, tagger_plan *plan,
                                  tagnode_message *why);
void tagger_plan_destroy(tagger_plan *plan);

/* The cost of windows that are `hop` frames apart, in multiply-adds. */
typedef struct {
    uint64_t edges; /* the edges of a window, and everything after the last time axis */
    uint32_t part;  /* the most expensive part */
} tagger_cost;
tagger_cost tagger_plan_cost(const tagger_plan *plan);

/* The shared rows that mel frame `index` completes. */
uint64_t tagger_frame_cost(const tagger_plan *plan, uint32_t hop, int64_t index);
