#include "tagger/run.h"

#include <stdlib.h>
#include <string.h>

#include "support/aligned.h"
#include "support/message.h"

/* The rows of a kept tensor. */
typedef struct {
    unsigned char *ring, *edges; /* shared rows by key; edge rows, left ones first */
    uint32_t capacity;           /* rows of the ring */
} row_store;

typedef enum { SHARED_ROWS, EDGE_ROWS } phase;

struct tagger_run {
    const tagger_plan *plan;
    tagnode_ticks ticks;
    uint32_t results, burst;
    size_t memory_size;
    unsigned char *memory;
    unsigned char *primed; /* copy of the memory after prime, or NULL; and the frames in it */
    uint32_t primed_frames;
    row_store *store;                      /* of each tensor */
    const void **rows;                     /* the rows that the current step reads */
    unsigned char *scratch[2];             /* rows within a chain, those that run together */
    float *(*result)[TAGNODE_MAX_OUTPUTS]; /* of each kept window */
    float *result_memory;

    int64_t frames;    /* pushed */
    int64_t processed; /* frames whose shared rows have been computed */
    int64_t window;    /* to be finished next; earlier results are available */
    int64_t start;     /* its first frame, */
    int64_t rest;      /* and what is left of a frame there, in 1 / ticks.divisor */
    phase phase;
    uint32_t chain, step, part; /* next work: chain, step of the chain, part of the step */
    int64_t row;                /* key of a shared row, index of an edge row; -1: to be found */
    uint32_t count;             /* rows from there on that are computed together */
    tagger_division division;   /* of these rows in the current step */
};

/* ---- memory ---- */

static uint32_t ring_rows(const tagger_run *run, uint32_t tensor) {
    const tagger_placement *place = &run->plan->placement[tensor];
    if (!place->kept || !place->shared) return 0;
    /* Mel frames may be ahead of the work by more than a hop, and arrive several at once. */
    return tensor == run->plan->input
               ? place->rows + 2 * tagnode_ticks_most(&run->ticks) + run->burst
               : place->rows;
}

static size_t lay_out(tagger_run *run, unsigned char *memory) {
    const tagger_plan *plan = run->plan;
    size_t used = 0, floats = 0;
    run->store = tagnode_take_part(memory, &used, plan->tensors * sizeof *run->store);
    run->result = tagnode_take_part(memory, &used, run->results * sizeof *run->result);
    run->rows = (const void **)tagnode_take_part(
        memory, &used, ((size_t)plan->most_reads * plan->most_together + 1) * sizeof *run->rows);
    for (uint32_t i = 0; i < plan->graph->outputs; ++i)
        floats += plan->graph->tensor[plan->graph->output[i]].elements;
    run->result_memory = tagnode_take_part(memory, &used, run->results * floats * sizeof(float));
    for (int i = 0; i < 2; ++i)
        run->scratch[i] = tagnode_take_part(memory, &used, plan->most_row * plan->most_together);
    for (uint32_t t = 0; t < plan->tensors; ++t) {
        const tagger_placement *place = &plan->placement[t];
        if (!place->kept) continue;
        row_store store = {.capacity = ring_rows(run, t)};
        store.ring = tagnode_take_part(memory, &used, store.capacity * place->row_bytes);
        store.edges = tagnode_take_part(memory, &used,
                                        ((size_t)place->left + place->right) * place->row_bytes);
        if (memory != NULL) run->store[t] = store;
    }
    return used;
}

static void point_results(tagger_run *run) {
    const tagger_graph *graph = run->plan->graph;
    float *next = run->result_memory;
    for (uint32_t slot = 0; slot < run->results; ++slot)
        for (uint32_t i = 0; i < graph->outputs; ++i) {
            run->result[slot][i] = next;
            next += graph->tensor[graph->output[i]].elements;
        }
}

tagnode_status tagger_run_create(const tagger_plan *plan, const tagnode_ticks *ticks,
                                 uint32_t results, uint32_t burst, tagger_run **out,
                                 tagnode_message *why) {
    *out = NULL;
    tagger_run *run = calloc(1, sizeof *run);
    if (run != NULL) {
        run->plan = plan;
        run->ticks = *ticks;
        run->results = results;
        run->burst = burst;
        run->memory_size = lay_out(run, NULL);
        run->memory = tagnode_aligned_calloc(run->memory_size);
    }
    if (run == NULL || run->memory == NULL) {
        free(run);
        return tagnode_no_memory(why, "the model");
    }
    lay_out(run, run->memory);
    point_results(run);
    tagger_run_reset(run, 0);
    *out = run;
    return TAGNODE_OK;
}

void tagger_run_destroy(tagger_run *run) {
    if (run == NULL) return;
    tagnode_aligned_free(run->memory);
    free(run->primed);
    free(run);
}

tagnode_status tagger_run_prime(tagger_run *run, const float *mel, uint32_t count,
                                tagnode_message *why) {
    for (uint32_t i = 0; i < count; ++i) {
        tagger_run_push(run, mel);
        tagger_run_advance(run, UINT64_MAX);
    }
    run->primed = malloc(run->memory_size);
    if (run->primed == NULL) return tagnode_no_memory(why, "the model");
    memcpy(run->primed, run->memory, run->memory_size);
    run->primed_frames = count;
    return TAGNODE_OK;
}

void tagger_run_reset(tagger_run *run, int64_t rest) {
    run->frames = run->processed = run->window = run->start = 0;
    run->rest = rest;
    run->phase = SHARED_ROWS;
    run->chain = run->step = run->part = 0;
    run->row = -1;
    run->count = 1;
}

void tagger_run_rewind(tagger_run *run, int64_t rest) {
    tagger_run_reset(run, rest);
    memcpy(run->memory, run->primed, run->memory_size);
    run->frames = run->processed =
        run->primed_frames; /* no window is complete, no work in progress */
}

/* ---- rows ---- */

static void *ring_row(const tagger_run *run, uint32_t tensor, int64_t key) TAGNODE_NONBLOCKING {
    const row_store *store = &run->store[tensor];
    return store->ring + (size_t)(key % store->capacity) * run->plan->placement[tensor].row_bytes;
}

/* Returns row `index` of a tensor in the current window; NULL outside of it. */
static void *window_row(const tagger_run *run, uint32_t tensor, int64_t index) TAGNODE_NONBLOCKING {
    const tagger_placement *place = &run->plan->placement[tensor];
    if (index < 0 || index >= place->rows) return NULL;
    if (index < place->left) return run->store[tensor].edges + (size_t)index * place->row_bytes;
    const int64_t from_right = index - (place->rows - place->right);
    if (from_right >= 0)
        return run->store[tensor].edges + (size_t)(place->left + from_right) * place->row_bytes;
    return ring_row(run, tensor, run->start + index);
}

static void *row_at(const tagger_run *run, uint32_t tensor, int64_t row) TAGNODE_NONBLOCKING {
    return run->phase == SHARED_ROWS ? ring_row(run, tensor, row) : window_row(run, tensor, row);
}

/* Collects the rows that the first step of a chain reads. */
static void gather(tagger_run *run, const tagger_step *step) TAGNODE_NONBLOCKING {
    const void **next = run->rows;
    for (int64_t row = run->row; row < run->row + run->count; ++row)
        for (uint32_t i = 0; i < step->reads; ++i) {
            const tagger_reads *read = &step->read[i];
            const uint32_t count =
                read->all ? run->plan->placement[read->tensor].rows : read->count;
            const int64_t first = read->all ? 0 : row * read->stride + read->first;
            const int64_t apart = read->all ? 1 : read->dilation;
            for (uint32_t j = 0; j < count; ++j)
                *next++ = row_at(run, read->tensor, first + j * apart);
        }
}

/* Those that a later one reads: the results of the step before. */
static void pass_on(tagger_run *run, uint32_t tensor) TAGNODE_NONBLOCKING {
    const size_t apart = run->plan->placement[tensor].row_bytes;
    for (uint32_t i = 0; i < run->count; ++i)
        run->rows[i] = run->scratch[(run->step - 1) % 2] + i * apart;
}

/* ---- the next row ---- */

static const tagger_placement *chain_place(const tagger_run *run) TAGNODE_NONBLOCKING {
    return &run->plan->placement[run->plan->chain[run->chain].output];
}

/* Returns whether any window has the shared row with this key: the latest that starts early enough
 * has it, or none. */
static bool is_needed(const tagger_run *run, const tagger_placement *place, int64_t key)
    TAGNODE_NONBLOCKING {
    const tagnode_ticks *ticks = &run->ticks;
    const int64_t latest = key - place->left; /* possible start */
    if (latest < 0) return false;
    /* From the current window on, or back. */
    const int64_t room = (latest - run->start + 1) * ticks->divisor - 1 - run->rest;
    const int64_t windows = tagnode_floor_divide(room, ticks->step);
    const int64_t begin =
        run->start + tagnode_floor_divide(run->rest + windows * ticks->step, ticks->divisor);
    return key < begin + place->rows - place->right;
}

/* Finds the next frame's shared rows; false when all frames are done or a window can be finished.
 */
static bool find_shared(tagger_run *run) TAGNODE_NONBLOCKING {
    while (run->phase == SHARED_ROWS && run->processed < run->frames) {
        for (; run->chain < run->plan->chains; ++run->chain) {
            const tagger_placement *place = chain_place(run);
            run->row = run->processed - place->lag;
            if (place->shared && is_needed(run, place, run->row)) return true;
        }
        run->chain = 0;
        run->row = -1;
        ++run->processed;
        if (run->processed == run->start + run->plan->patch) run->phase = EDGE_ROWS;
    }
    return false;
}

/* Finds the next edge rows, up to as many as are computed together; left and right ones apart. */
static bool find_edge(tagger_run *run) TAGNODE_NONBLOCKING {
    for (; run->chain < run->plan->chains; ++run->chain) {
        const tagger_placement *place = chain_place(run);
        run->row = run->row < 0 ? 0 : run->row + run->count;
        if (run->row == place->left) run->row = place->rows - place->right;
        if (run->row < place->rows) {
            const int64_t left = (run->row < place->left ? place->left : place->rows) - run->row;
            const uint32_t together = run->plan->chain[run->chain].together;
            run->count = left < together ? (uint32_t)left : together;
            return true;
        }
        run->row = -1;
    }
    return false;
}

static void publish(tagger_run *run) TAGNODE_NONBLOCKING {
    const tagger_graph *graph = run->plan->graph;
    for (uint32_t i = 0; i < graph->outputs; ++i) {
        const uint32_t tensor = graph->output[i];
        const tagger_placement *place = &run->plan->placement[tensor];
        const size_t bytes = graph->tensor[tensor].elements / place->rows * sizeof(float);
        unsigned char *result = (unsigned char *)run->result[run->window % run->results][i];
        for (uint32_t row = 0; row < place->rows; ++row)
            memcpy(result + row * bytes, window_row(run, tensor, row), bytes);
    }
    ++run->window;
    run->rest += run->ticks.step;
    run->start += run->rest / run->ticks.divisor;
    run->rest %= run->ticks.divisor;
    run->phase = SHARED_ROWS;
    run->chain = 0;
    run->row = -1;
    run->count = 1;
}

/* Moves on to the next row that can be computed; false if there is none. */
static bool find_row(tagger_run *run) TAGNODE_NONBLOCKING {
    for (;;) {
        if (find_shared(run)) return true;
        if (run->phase == SHARED_ROWS) return false;
        if (find_edge(run)) return true;
        publish(run);
    }
}

/* ---- work ---- */

static const tagger_step *step_at(const tagger_run *run, uint32_t number) TAGNODE_NONBLOCKING {
    return &run->plan->step[run->plan->order[run->plan->chain[run->chain].first + number]];
}

/* Computes one part of the current rows in one step; `output` is that of the first row. */
static void run_part(const tagger_run *run, const tagger_step *step, char *output)
    TAGNODE_NONBLOCKING {
    const bool alone = step->together == 0; /* row by row */
    const uint32_t at = alone ? run->part / step->parts : 0;
    const size_t apart = run->plan->placement[step->output].row_bytes;
    const uint32_t row = run->phase == SHARED_ROWS ? chain_place(run)->left : (uint32_t)run->row;
    step->run(step, &(tagger_part){.rows = run->rows + (size_t)at * step->pointers,
                                   .output = output + at * apart,
                                   .row = row + at,
                                   .number = run->part - at * step->parts,
                                   .count = alone ? 1 : run->count,
                                   .apart = apart});
}

/* Computes one part of the current rows; true if that finished them. */
static bool do_part(tagger_run *run) TAGNODE_NONBLOCKING {
    const tagger_chain *chain = &run->plan->chain[run->chain];
    const tagger_step *step = step_at(run, run->step);
    const bool last = run->step + 1 == chain->count;
    if (run->part == 0) {
        run->division = tagger_divide(step, run->count);
        if (run->step == 0)
            gather(run, step);
        else
            pass_on(run, step_at(run, run->step - 1)->output);
    }
    run_part(run, step, last ? row_at(run, chain->output, run->row) : run->scratch[run->step % 2]);
    if (++run->part < run->division.parts) return false;
    run->part = 0;
    if (!last) {
        ++run->step;
        return false;
    }
    run->step = 0;
    return true;
}

uint64_t tagger_run_advance(tagger_run *run, uint64_t budget) {
    uint64_t spent = 0;
    while (spent < budget) {
        const bool within = run->step > 0 || run->part > 0;
        if (!within && !find_row(run)) break;
        const bool finished = do_part(run);
        spent += run->division.part_cost;
        if (finished && run->phase == SHARED_ROWS) ++run->chain;
    }
    return spent;
}

void tagger_run_push(tagger_run *run, const float *mel) {
    /* The caller never lets the work fall this far behind; if it does, time is lost rather than
     * rows. */
    const tagger_plan *plan = run->plan;
    const uint32_t room = run->store[plan->input].capacity - plan->patch;
    if (run->frames - run->processed >= room) tagger_run_advance(run, UINT64_MAX);
    void *row = ring_row(run, plan->input, run->frames);
    if (plan->patch_norm == TAGNODE_PATCH_NONE)
        memcpy(row, mel, plan->bands * sizeof *mel);
    else
        tagger_patch_write(plan->patch_norm, plan->bands, mel, row);
    ++run->frames;
}

const float *const *tagger_run_result(const tagger_run *run, int64_t window) {
    if (window < 0 || window >= run->window || window < run->window - run->results) return NULL;
    return (const float *const *)run->result[window % run->results];
}
