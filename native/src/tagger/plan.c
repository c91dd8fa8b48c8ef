#include "tagger/plan.h"

#include <stdlib.h>
#include <string.h>

#include "support/message.h"

/* How far the rows that a step reads extend around its own row. */
static bool reads_beside(const tagger_step *step, const tagger_placement *placement) {
    if (step->by_position) return false;
    for (uint32_t i = 0; i < step->reads; ++i) {
        const tagger_reads *read = &step->read[i];
        if (read->all || read->stride != 1 || !placement[read->tensor].shared) return false;
    }
    return step->reads > 0;
}

static int32_t at_least(int32_t value, int32_t least) {
    return value > least ? value : least;
}

/* Computes which rows of a step's output are shared, from those of its inputs. */
static void place_output(const tagger_plan *plan, const tagger_step *step) {
    tagger_placement *placement = plan->placement;
    tagger_placement *out = &placement[step->output];
    const int32_t rows = (int32_t)step->rows;
    int32_t left = 0, right = 0, lag = INT32_MIN;
    const bool beside = !plan->alone && reads_beside(step, placement);
    for (uint32_t i = 0; beside && i < step->reads; ++i) {
        const tagger_reads *read = &step->read[i];
        const tagger_placement *in = &placement[read->tensor];
        const int32_t low = read->first, high = low + (int32_t)((read->count - 1) * read->dilation);
        left = at_least((int32_t)in->left - low, left);
        right = at_least(rows - (int32_t)in->rows + (int32_t)in->right + high, right);
        lag = at_least(high + in->lag, lag);
    }
    out->rows = step->rows;
    out->shared = beside && left + right < rows;
    out->left = out->shared ? (uint32_t)left : step->rows;
    out->right = out->shared ? (uint32_t)right : 0;
    out->lag = out->shared ? lag : 0;
}

static bool is_graph_output(const tagger_graph *graph, uint32_t tensor) {
    for (uint32_t i = 0; i < graph->outputs; ++i)
        if (graph->output[i] == tensor) return true;
    return false;
}

/* Returns the one step that reads a tensor, or -1 for none or several. */
static int32_t only_reader(const tagger_plan *plan, uint32_t tensor) {
    int32_t found = -1;
    for (uint32_t s = 0; s < plan->steps; ++s)
        for (uint32_t i = 0; i < plan->step[s].reads; ++i)
            if (plan->step[s].read[i].tensor == tensor) {
                if (found >= 0) return -1;
                found = (int32_t)s;
            }
    return found;
}

/* Returns the step that a row of this step's output is passed to without being kept, or -1. */
static int32_t follower(const tagger_plan *plan, uint32_t index) {
    const tagger_step *step = &plan->step[index];
    if (is_graph_output(plan->graph, step->output)) return -1;
    const int32_t next = only_reader(plan, step->output);
    if (next < 0) return -1;
    const tagger_step *reader = &plan->step[next];
    const tagger_reads *read = &reader->read[0];
    const bool row_by_row = reader->reads == 1 && !read->all && read->first == 0 &&
                            read->count == 1 && read->stride == 1 && reader->rows == step->rows;
    const bool alike =
        plan->placement[reader->output].shared == plan->placement[step->output].shared;
    return row_by_row && alike ? next : -1;
}

/* Returns the multiply-adds for `rows` rows of a chain, computed together. */
static uint64_t cost_of(const tagger_plan *plan, const tagger_chain *chain, uint32_t rows) {
    uint64_t cost = 0;
    for (uint32_t i = 0; i < chain->count; ++i) {
        const tagger_division into =
            tagger_divide(&plan->step[plan->order[chain->first + i]], rows);
        cost += (uint64_t)into.parts * into.part_cost;
    }
    return cost;
}

/* Finds the costs of a chain: of a row, and of the most expensive part of any number of rows. */
static void weigh(const tagger_plan *plan, tagger_chain *chain) {
    for (uint32_t i = 0; i < chain->count; ++i) { /* as many as every step can that has a limit */
        const uint32_t limit = plan->step[plan->order[chain->first + i]].together;
        if (limit > 0 && (chain->together == 0 || limit < chain->together)) chain->together = limit;
    }
    if (chain->together == 0) chain->together = 1;
    for (uint32_t i = 0; i < chain->count; ++i)
        for (uint32_t rows = 1; rows <= chain->together; ++rows) {
            const tagger_step *step = &plan->step[plan->order[chain->first + i]];
            const uint32_t cost = tagger_divide(step, rows).part_cost;
            if (cost > chain->part_cost) chain->part_cost = cost;
        }
    chain->row_cost = cost_of(plan, chain, 1);
}

/* Follows a row from step `first` on, as long as a single reader processes it row by row. */
static void follow(tagger_plan *plan, uint32_t first, bool *taken, uint32_t *placed) {
    tagger_chain *chain = &plan->chain[plan->chains++];
    chain->first = *placed;
    for (int32_t at = (int32_t)first; at >= 0 && *placed < plan->steps;
         at = follower(plan, (uint32_t)at)) {
        const tagger_step *step = &plan->step[at];
        taken[at] = true;
        plan->order[(*placed)++] = (uint32_t)at;
        chain->output = step->output;
    }
    chain->count = *placed - chain->first;
    weigh(plan, chain);
    if (chain->together > plan->most_together) plan->most_together = chain->together;
    plan->placement[chain->output].kept = true;
}

static tagnode_status form_chains(tagger_plan *plan, tagnode_message *why) {
    bool *taken = calloc(plan->steps + 1, sizeof *taken);
    plan->order = calloc(plan->steps + 1, sizeof *plan->order);
    plan->chain = calloc(plan->steps + 1, sizeof *plan->chain);
    const bool whole = taken != NULL && plan->order != NULL && plan->chain != NULL;
    uint32_t placed = 0;
    for (uint32_t s = 0; whole && s < plan->steps; ++s)
        if (!taken[s]) follow(plan, s, taken, &placed);
    free(taken);
    return whole ? TAGNODE_OK : tagnode_no_memory(why, "the plan of a model");
}

static void measure(tagger_plan *plan) {
    for (uint32_t s = 0; s < plan->steps; ++s) {
        tagger_step *step = &plan->step[s];
        for (uint32_t i = 0; i < step->reads; ++i)
            step->pointers += step->read[i].all ? plan->placement[step->read[i].tensor].rows
                                                : step->read[i].count;
        if (step->pointers > plan->most_reads) plan->most_reads = step->pointers;
        if (plan->placement[step->output].row_bytes > plan->most_row)
            plan->most_row = plan->placement[step->output].row_bytes;
    }
}

static size_t kept_bytes(size_t row_bytes) {
    return (row_bytes + TAGGER_ROW_SLACK + 63) / 64 * 64;
}

/* Returns the one operation that reads a tensor, or -1 for none or several. */
static int32_t only_consumer(const tagger_graph *graph, uint32_t tensor) {
    int32_t found = -1;
    for (uint32_t op = 0; op < graph->ops; ++op)
        for (uint32_t i = 0; i < graph->op[op].inputs; ++i)
            if (graph->op[op].input[i] == (int32_t)tensor) {
                if (found >= 0) return -1;
                found = (int32_t)op;
            }
    return found;
}

/* Prepares one step for each operation, except those that are merged into the one before. */
static tagnode_status prepare_steps(tagger_plan *plan, bool *absorbed, const kernels_table *kernels,
                                    tagnode_message *why) {
    const tagger_graph *graph = plan->graph;
    for (uint32_t op = 0; op < graph->ops; ++op) {
        if (absorbed[op]) continue;
        tagger_step *step = &plan->step[plan->steps];
        const tagnode_status status = tagger_step_prepare(graph, op, kernels, step, why);
        if (status != TAGNODE_OK) return status;
        ++plan->steps;
        for (bool more = true; more && !is_graph_output(graph, step->output);) {
            const int32_t next = only_consumer(graph, step->output);
            more = next >= 0 && tagger_step_absorb(graph, (uint32_t)next, step);
            if (more) absorbed[next] = true;
        }
        plan->placement[step->output].row_bytes =
            kept_bytes(tagger_row_bytes(&graph->tensor[step->output]));
        place_output(plan, step);
    }
    return TAGNODE_OK;
}

static tagnode_status check_input(const tagger_graph *graph, uint32_t patch, uint32_t bands,
                                  tagnode_message *why) {
    const tagger_tensor *input = &graph->tensor[graph->input];
    if (input->type != TAGGER_FLOAT32 || tagger_rows(input) != patch ||
        input->elements != (size_t)patch * bands)
        return tagnode_report(
            why, TAGNODE_ERROR_MODEL,
            "The model takes %u rows, %zu elements in total; its card has %u frames of %u bands.",
            tagger_rows(input), input->elements, patch, bands);
    return TAGNODE_OK;
}

/* Places the mel frames, and the steps that normalise them. */
static tagnode_status place_input(tagger_plan *plan, const tagnode_card *card,
                                  tagnode_message *why) {
    const tagger_graph *graph = plan->graph;
    const size_t row_bytes = tagger_row_bytes(&graph->tensor[graph->input]);
    const bool normalised = plan->patch_norm != TAGNODE_PATCH_NONE;
    const size_t frame_bytes = normalised ? tagger_patch_frame_bytes(plan->bands) : row_bytes;
    plan->placement[plan->input] = (tagger_placement){
        .shared = true, .rows = plan->patch, .row_bytes = kept_bytes(frame_bytes), .kept = true};
    if (!normalised) return TAGNODE_OK;
    const tagger_patch_tensors tensors = {.frames = plan->input, .scale = plan->input + 1};
    plan->steps = 2;
    const tagnode_status status =
        tagger_patch_prepare(card, graph->input, tensors, plan->step, why);
    if (status != TAGNODE_OK) return status;
    plan->placement[tensors.scale].row_bytes = kept_bytes(tagger_patch_scale_bytes());
    plan->placement[graph->input].row_bytes = kept_bytes(row_bytes);
    place_output(plan, &plan->step[0]);
    place_output(plan, &plan->step[1]);
    return TAGNODE_OK;
}

tagnode_status tagger_plan_create(const tagger_graph *graph, const tagnode_card *card,
                                  const kernels_table *kernels, bool alone, tagger_plan *plan,
                                  tagnode_message *why) {
    memset(plan, 0, sizeof *plan);
    plan->graph = graph;
    plan->alone = alone;
    plan->patch = card->patch_frames;
    plan->bands = card->frontend.bands;
    plan->patch_norm = card->patch_norm;
    const bool normalised = plan->patch_norm != TAGNODE_PATCH_NONE;
    plan->tensors = graph->tensors + (normalised ? 2 : 0);
    plan->input = normalised ? graph->tensors : graph->input;
    tagnode_status status = check_input(graph, plan->patch, plan->bands, why);
    if (status != TAGNODE_OK) return status;
    plan->step = calloc(graph->ops + 3, sizeof *plan->step);
    plan->placement = calloc(plan->tensors, sizeof *plan->placement);
    bool *absorbed = calloc(graph->ops + 1, sizeof *absorbed);
    if (plan->step == NULL || plan->placement == NULL || absorbed == NULL)
        status = tagnode_no_memory(why, "the plan of a model");
    if (status == TAGNODE_OK) status = place_input(plan, card, why);
    if (status == TAGNODE_OK) status = prepare_steps(plan, absorbed, kernels, why);
    free(absorbed);
    if (status == TAGNODE_OK) status = form_chains(plan, why);
    if (status == TAGNODE_OK)
        measure(plan);
    else
        tagger_plan_destroy(plan);
    return status;
}

void tagger_plan_destroy(tagger_plan *plan) {
    for (uint32_t s = 0; s < plan->steps; ++s) tagger_step_free(&plan->step[s]);
    free(plan->step);
    free(plan->order);
    free(plan->chain);
    free(plan->placement);
    memset(plan, 0, sizeof *plan);
}

/* Returns whether the shared row with this key belongs to any window. */
static bool is_needed(const tagger_placement *placement, int64_t key, uint32_t hop) {
    const int64_t latest = key - placement->left; /* latest possible start of the window */
    if (latest < 0) return false;
    const int64_t begin = latest / hop * hop;
    return key < begin + placement->rows - placement->right;
}

static uint64_t edges_cost(const tagger_plan *plan, const tagger_chain *chain, uint32_t rows) {
    const uint32_t rest = rows % chain->together;
    return rows / chain->together * cost_of(plan, chain, chain->together) +
           (rest > 0 ? cost_of(plan, chain, rest) : 0);
}

tagger_cost tagger_plan_cost(const tagger_plan *plan) {
    tagger_cost cost = {0};
    for (uint32_t c = 0; c < plan->chains; ++c) {
        const tagger_chain *chain = &plan->chain[c];
        const tagger_placement *place = &plan->placement[chain->output];
        cost.edges += edges_cost(plan, chain, place->left) + edges_cost(plan, chain, place->right);
        if (chain->part_cost > cost.part) cost.part = chain->part_cost;
    }
    return cost;
}

uint64_t tagger_frame_cost(const tagger_plan *plan, uint32_t hop, int64_t index) {
    uint64_t cost = 0;
    for (uint32_t c = 0; c < plan->chains; ++c) {
        const tagger_placement *place = &plan->placement[plan->chain[c].output];
        const int64_t key = index - place->lag;
        if (place->shared && key >= 0 && is_needed(place, key, hop))
            cost += plan->chain[c].row_cost;
    }
    return cost;
}
