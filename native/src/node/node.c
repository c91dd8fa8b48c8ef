/* node.c - blocks in, descriptor frames out. There is one clock: all times are counts of input
 * samples. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/frontend.h"
#include "heads/head.h"
#include "node/branch.h"
#include "node/model.h"
#include "node/node.h"
#include "node/setup.h"
#include "node/signals.h"
#include "support/aligned.h"
#include "support/floatenv.h"
#include "support/message.h"
#include "support/ring.h"

enum { CHUNK = 512 }; /* samples processed between two checks for due frames */

/* Everything that prepare allocates; a new one replaces the old one as a whole. */
typedef struct {
    tagnode_setup setup;
    tagnode_branch branches[TAGNODE_MAX_MODELS]; /* the first one is the clock */
    uint32_t branch_count;
    uint32_t models;
    uint32_t activations[TAGNODE_MAX_MODELS]; /* floats of each model */
    uint32_t wanted[TAGNODE_MAX_MODELS];      /* bit i: output i of that model is used */
    tagnode_placed_head heads[TAGNODE_MAX_HEADS];
    uint32_t head_count;
    double *head_room;        /* working memory for any one of them */
    uint32_t primed;          /* bit i: model i accepts silence before the stream */
    uint32_t needed;          /* mel frames before the first fresh frame */
    tagnode_signals *signals; /* or NULL */
    tagnode_log_ring ring;
    tagnode_log_ring mel_ring; /* for tagnode_read_mel() */
    tagnode_latency latency;
    uint32_t hop, first; /* mel frames between ticks, and until tick 0 */
    uint32_t values, embeddings;
    const float *const *results[TAGNODE_MAX_MODELS]; /* the outputs of each model */
    float *power;           /* the power spectra of a chunk's mel frames, for signals */
    uint32_t *outgoing;     /* the next descriptor frame: header, values, embedding */
    uint32_t *incoming;     /* the one that the reader copies out */
    uint32_t *incoming_mel; /* and its mel frame */

    int64_t position, tick;
    int64_t due; /* position at which the next tick is emitted */
    _Atomic int64_t shown_position, shown_mel_frames;
    _Atomic uint64_t fresh, held, late, overruns, replaced, failures;
} core;

struct tagnode {
    core *core;
};

enum { HEADER_WORDS = sizeof(tagnode_frame) / sizeof(uint32_t) };

/* ---- prepare ---- */

static void core_destroy(core *c) {
    if (c == NULL) return;
    tagnode_signals_destroy(c->signals);
    for (uint32_t i = 0; i < c->branch_count; ++i) tagnode_branch_close(&c->branches[i]);
    tagnode_log_ring_destroy(&c->ring);
    tagnode_log_ring_destroy(&c->mel_ring);
    for (uint32_t i = 0; i < c->head_count; ++i) tagnode_head_release(c->heads[i].head);
    free(c->head_room);
    free(c->power);
    free(c->outgoing);
    free(c->incoming);
    free(c->incoming_mel);
    tagnode_aligned_free(c);
}

/* MusiCNN's front-end, for signals without a model. */
static const tagnode_frontend_settings PLAIN_FRONTEND = {
    .sample_rate = 16000,
    .frame = 512,
    .fft = 512,
    .hop = 256,
    .bands = 96,
    .log = TAGNODE_LOG_LOG10_1P,
    .log_parameter = 10000,
    .fmax = 8000,
};

/* Adds the models to the branches: each inline model to the one with its front-end and hop, each
 * model of the worker to one of its own. */
static void form_branches(core *c, const tagnode_parts *parts) {
    for (uint32_t i = 0; i < parts->model_count; ++i) {
        tagnode_model *model = parts->models[i];
        const uint32_t every = parts->every != NULL ? parts->every[i] : 1;
        uint32_t at = model->sliced ? 0 : c->branch_count;
        while (at < c->branch_count &&
               !(c->branches[at].model[0]->sliced && c->branches[at].every == every &&
                 tagnode_frontend_equal(&c->branches[at].settings, &model->card.frontend)))
            ++at;
        tagnode_branch *branch = &c->branches[at];
        if (at == c->branch_count) ++c->branch_count;
        branch->settings = model->card.frontend;
        branch->every = every;
        branch->index[branch->count] = i;
        branch->model[branch->count++] = model;
        tagnode_model_retain(model);
        if (model->card.patch_frames > branch->patch) branch->patch = model->card.patch_frames;
    }
    if (c->branch_count > 0) return;
    c->branch_count = 1;
    c->branches[0].settings = PLAIN_FRONTEND;
    c->branches[0].every = 1;
}

static void plan_ticks(core *c) {
    const tagnode_branch *clock = &c->branches[0];
    const double frames = c->setup.hop * clock->settings.sample_rate / clock->settings.hop;
    const uint32_t whole = (uint32_t)(frames + 0.5);
    c->hop = whole < 1 ? 1 : whole;
    /* So that one tick is at the first full window: */
    c->first = (clock->patch - 1) % c->hop + 1;
    for (uint32_t i = 0; i < c->branch_count; ++i)
        tagnode_branch_align(&c->branches[i], clock, c->first, c->hop);
}

/* Counts the values of a descriptor frame, notes which outputs they come from, and retains the
 * heads. */
static tagnode_status gather(core *c, const tagnode_parts *parts, tagnode_message *why) {
    for (uint32_t i = 0; i < parts->model_count; ++i) {
        const tagnode_card *card = &parts->models[i]->card;
        c->values += c->activations[c->models++] = card->embedding_only ? 0 : card->output_size[0];
        c->wanted[i] = 1;
        if (!c->setup.whole_windows) c->primed |= 1U << i;
    }
    if (c->setup.embedding >= 0) {
        c->wanted[0] |= 1U << c->setup.embedding;
        c->embeddings = parts->models[0]->card.output_size[c->setup.embedding];
    }
    size_t room = 1;
    for (uint32_t i = 0; i < parts->head_count; ++i) {
        const tagnode_placed_head *placed = &parts->heads[i];
        tagnode_head_retain(placed->head);
        c->heads[c->head_count++] = *placed;
        c->values += tagnode_head_outputs(placed->head);
        c->wanted[placed->model] |= 1U << placed->output;
        const bool embedding =
            placed->output != 0 || parts->models[placed->model]->card.embedding_only;
        if (embedding && !placed->head->silence_before)
            c->primed &= ~(1U << placed->model); /* the head was trained on full windows */
        if (tagnode_head_room(placed->head) > room) room = tagnode_head_room(placed->head);
    }
    c->head_room = calloc(room, sizeof *c->head_room);
    return c->head_room != NULL ? TAGNODE_OK : tagnode_no_memory(why, "a node");
}

/* Loads all models, then starts them with the latency of the slowest. */
static tagnode_status start_branches(core *c, tagnode_message *why) {
    tagnode_status status = TAGNODE_OK;
    uint32_t latency = 0;
    for (uint32_t i = 0; i < c->branch_count && status == TAGNODE_OK; ++i) {
        tagnode_branch *branch = &c->branches[i];
        status = tagnode_branch_load(branch, &c->setup, c->wanted, c->primed, CHUNK, why);
        if (status != TAGNODE_OK) return status;
        const uint32_t needed = tagnode_branch_latency(branch);
        if (needed > latency) latency = needed;
    }
    for (uint32_t i = 0; i < c->branch_count && status == TAGNODE_OK; ++i)
        status = tagnode_branch_start(&c->branches[i], &c->setup, latency, CHUNK, why);
    c->latency.total = latency;
    return status;
}

static bool is_full(const core *c, int64_t tick) {
    for (uint32_t i = 0; i < c->branch_count; ++i)
        if (!tagnode_branch_is_full(&c->branches[i], tick)) return false;
    return true;
}

static tagnode_status start_models(core *c, const tagnode_parts *parts, tagnode_message *why) {
    tagnode_status status = gather(c, parts, why);
    if (status != TAGNODE_OK) return status;
    const size_t words = HEADER_WORDS + (size_t)c->values + c->embeddings;
    c->outgoing = calloc(words, sizeof *c->outgoing);
    c->incoming = calloc(words, sizeof *c->incoming);
    if (c->outgoing == NULL || c->incoming == NULL ||
        tagnode_log_ring_create(&c->ring, words, c->setup.queue) != TAGNODE_OK)
        return tagnode_no_memory(why, "a node");
    plan_ticks(c);
    status = start_branches(c, why);
    if (status != TAGNODE_OK) return status;
    int64_t tick = 0;
    while (!is_full(c, tick)) ++tick;
    c->needed = c->first + (uint32_t)tick * c->hop;
    return TAGNODE_OK;
}

static tagnode_status start_signals(core *c, size_t mels, tagnode_message *why) {
    const tagnode_branch *clock = &c->branches[0];
    c->power = calloc(mels * tagnode_frontend_bins(clock->frontend), sizeof *c->power);
    if (c->power == NULL) return tagnode_no_memory(why, "a node");
    return tagnode_signals_create(&c->setup, &clock->settings, clock->frontend, CHUNK, &c->signals,
                                  why);
}

static tagnode_status keep_mel(core *c, tagnode_message *why) {
    const uint32_t bands = c->branches[0].settings.bands;
    c->incoming_mel = calloc(bands, sizeof *c->incoming_mel);
    if (c->incoming_mel == NULL ||
        tagnode_log_ring_create(&c->mel_ring, bands, c->setup.mel_queue) != TAGNODE_OK)
        return tagnode_no_memory(why, "a node");
    return TAGNODE_OK;
}

static tagnode_status core_create(core *c, const tagnode_parts *parts, tagnode_message *why) {
    form_branches(c, parts);
    tagnode_status status = TAGNODE_OK;
    for (uint32_t i = 0; i < c->branch_count && status == TAGNODE_OK; ++i)
        status = tagnode_branch_open(&c->branches[i], &c->setup, CHUNK, why);
    if (status != TAGNODE_OK) return status;
    const tagnode_frontend *frontend = c->branches[0].frontend;
    const size_t mels = tagnode_frontend_capacity(frontend, CHUNK);
    c->latency.resampler = c->latency.total = tagnode_frontend_delay(frontend);
    if (parts->model_count > 0) status = start_models(c, parts, why);
    if (status == TAGNODE_OK && c->setup.signal_hop > 0) status = start_signals(c, mels, why);
    if (status == TAGNODE_OK && c->setup.mel_queue > 0) status = keep_mel(c, why);
    c->latency.compute = c->latency.total - c->latency.resampler;
    return status;
}

static void schedule(core *c, int64_t tick) TAGNODE_NONBLOCKING {
    c->tick = tick;
    c->due = INT64_MAX;
    if (c->models == 0) return; /* no descriptor frames */
    const int64_t frames = c->first + tick * c->hop;
    c->due = tagnode_frontend_ready(c->branches[0].frontend, frames - 1) + c->latency.compute;
}

tagnode_status tagnode_create(tagnode **node) {
    *node = calloc(1, sizeof **node);
    return *node == NULL ? TAGNODE_ERROR_MEMORY : TAGNODE_OK;
}

void tagnode_destroy(tagnode *node) {
    if (node == NULL) return;
    core_destroy(node->core);
    free(node);
}

tagnode_status tagnode_prepare(tagnode *node, const tagnode_parts *parts,
                               const tagnode_setup *setup, tagnode_message *why) {
    const tagnode_parts none = {0};
    if (parts == NULL) parts = &none;
    tagnode_status status = tagnode_setup_check(parts, setup, why);
    if (status != TAGNODE_OK) return status;
    core *made = tagnode_aligned_calloc(sizeof *made);
    if (made == NULL) return tagnode_no_memory(why, "a node");
    made->setup = *setup;
    status = core_create(made, parts, why);
    if (status != TAGNODE_OK) {
        core_destroy(made);
        return status;
    }
    schedule(made, 0);
    core_destroy(node->core);
    node->core = made;
    return TAGNODE_OK;
}

const tagnode_setup *tagnode_get_setup(const tagnode *node) {
    return node->core == NULL ? NULL : &node->core->setup;
}

tagnode_status tagnode_swap(tagnode *node, uint32_t index, tagnode_model *model,
                            tagnode_message *why) {
    const core *c = node->core;
    for (uint32_t b = 0; c != NULL && b < c->branch_count; ++b)
        for (uint32_t i = 0; i < c->branches[b].count; ++i)
            if (c->branches[b].index[i] == index && c->branches[b].ensemble != NULL)
                return tagnode_ensemble_swap(c->branches[b].ensemble, i, model, why);
    const uint32_t models = c == NULL ? 0 : c->models;
    if (models > 0 && index >= models)
        return tagnode_refuse(why, "There is no model %u to replace; the node has %u.", index,
                              models);
    return tagnode_refuse(why, "Only inline models of a prepared node can be swapped; prepare the "
                               "node anew instead.");
}

/* ---- process ---- */

static void count(_Atomic uint64_t *counter, uint64_t more) TAGNODE_NONBLOCKING {
    if (more > 0) atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* Writes the outgoing frame's values and embedding. */
static void write_values(core *c) TAGNODE_NONBLOCKING {
    const float *const *const *outputs = c->results;
    float *values = (float *)(c->outgoing + HEADER_WORDS);
    for (uint32_t i = 0; i < c->models; values += c->activations[i++])
        memcpy(values, outputs[i][0], c->activations[i] * sizeof *values);
    for (uint32_t i = 0; i < c->head_count; ++i) {
        const tagnode_placed_head *placed = &c->heads[i];
        tagnode_head_apply(placed->head, outputs[placed->model][placed->output], values,
                           c->head_room);
        values += tagnode_head_outputs(placed->head);
    }
    if (c->embeddings > 0)
        memcpy(values, outputs[0][c->setup.embedding], c->embeddings * sizeof *values);
}

/* Gets the results of the current tick, if all are there, into the outgoing frame. */
static tagnode_state take_result(core *c) TAGNODE_NONBLOCKING {
    uint64_t late = 0, failures = 0;
    bool full = true, ready = true;
    for (uint32_t i = 0; i < c->branch_count; ++i) {
        const tagnode_state state =
            tagnode_branch_take(&c->branches[i], c->tick, c->results, &late, &failures);
        full = full && state != TAGNODE_WARMING;
        ready = ready && state == TAGNODE_FRESH;
    }
    if (!full) return TAGNODE_WARMING;
    if (ready) write_values(c);
    count(ready ? &c->fresh : &c->held, 1);
    count(&c->late, late);
    count(&c->failures, failures);
    return ready ? TAGNODE_FRESH : TAGNODE_HELD;
}

/* Emits the descriptor frame of the current tick. */
static void emit(core *c) TAGNODE_NONBLOCKING {
    tagnode_frame head;
    memset(&head, 0, sizeof head);
    int64_t start = INT64_MAX;
    for (uint32_t i = 0; i < c->branch_count; ++i) {
        const int64_t begin = tagnode_branch_begin(&c->branches[i], c->tick);
        if (begin < start) start = begin;
    }
    head.start = start > 0 ? start : 0;
    head.emitted = c->due;
    head.end = c->due - c->latency.total;
    head.state = take_result(c);
    memcpy(c->outgoing, &head, sizeof head);
    tagnode_log_ring_write(&c->ring, c->outgoing);
    schedule(c, c->tick + 1);
}

static void process_chunk(core *c, const float *const *input, uint32_t frames) TAGNODE_NONBLOCKING {
    const tagnode_branch *clock = &c->branches[0];
    uint64_t overruns = 0;
    if (c->signals != NULL) tagnode_signals_process(c->signals, input, frames);
    const size_t mels = tagnode_branch_process(&c->branches[0], input, frames, c->power, &overruns);
    for (size_t i = 0; i < mels; ++i) {
        const float *mel = clock->mel + i * clock->settings.bands;
        if (c->incoming_mel != NULL) tagnode_log_ring_write(&c->mel_ring, (const uint32_t *)mel);
        if (c->signals != NULL)
            tagnode_signals_push(c->signals, c->power + i * tagnode_frontend_bins(clock->frontend));
    }
    for (uint32_t i = 1; i < c->branch_count; ++i)
        (void)tagnode_branch_process(&c->branches[i], input, frames, NULL, &overruns);
    count(&c->overruns, overruns);
    c->position += frames;
    while (c->due <= c->position) emit(c);
}

void tagnode_process(tagnode *node, const float *const *input, uint32_t frames) {
    core *c = node->core;
    if (c == NULL) return;
    if (frames > c->setup.max_frames) frames = c->setup.max_frames;
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    const float *moved[TAGNODE_MAX_CHANNELS];
    for (uint32_t at = 0; at < frames; at += CHUNK) {
        for (uint32_t channel = 0; channel < c->setup.channels; ++channel)
            moved[channel] = input[channel] + at;
        process_chunk(c, moved, frames - at < CHUNK ? frames - at : CHUNK);
    }
    atomic_store_explicit(&c->shown_position, c->position, memory_order_relaxed);
    atomic_store_explicit(&c->shown_mel_frames, c->branches[0].mel_frames, memory_order_relaxed);
    atomic_store_explicit(&c->replaced, tagnode_frontend_replaced(c->branches[0].frontend),
                          memory_order_relaxed);
    tagnode_floatenv_leave(saved);
}

void tagnode_reset(tagnode *node) {
    core *c = node->core;
    if (c == NULL) return;
    for (uint32_t i = 0; i < c->branch_count; ++i) tagnode_branch_reset(&c->branches[i]);
    if (c->signals != NULL) tagnode_signals_reset(c->signals);
    if (c->incoming_mel != NULL) tagnode_log_ring_clear(&c->mel_ring);
    if (c->models > 0) {
        tagnode_log_ring_clear(&c->ring);
        memset(c->outgoing + HEADER_WORDS, 0,
               ((size_t)c->values + c->embeddings) * sizeof *c->outgoing);
    }
    c->position = 0;
    schedule(c, 0);
    atomic_store(&c->shown_position, 0);
    atomic_store(&c->shown_mel_frames, 0);
    _Atomic uint64_t *counters[] = {&c->fresh,    &c->held,     &c->late,
                                    &c->overruns, &c->replaced, &c->failures};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; ++i) atomic_store(counters[i], 0);
}

/* ---- read ---- */

size_t tagnode_read(tagnode *node, tagnode_frame *frames, float *values, float *embeddings,
                    size_t capacity) {
    core *c = node->core;
    size_t taken = 0;
    while (c != NULL && c->models > 0 && taken < capacity &&
           tagnode_log_ring_read(&c->ring, c->incoming)) {
        const uint32_t *body = c->incoming + HEADER_WORDS;
        memcpy(&frames[taken], c->incoming, sizeof *frames);
        if (values != NULL) memcpy(values + taken * c->values, body, c->values * sizeof *values);
        if (embeddings != NULL)
            memcpy(embeddings + taken * c->embeddings, body + c->values,
                   c->embeddings * sizeof *embeddings);
        ++taken;
    }
    return taken;
}

size_t tagnode_read_signals(tagnode *node, tagnode_frame *frames, float *values, size_t capacity) {
    const core *c = node->core;
    if (c == NULL || c->signals == NULL) return 0;
    return tagnode_signals_read(c->signals, frames, values, capacity);
}

size_t tagnode_read_mel(tagnode *node, float *mel, size_t capacity) {
    core *c = node->core;
    size_t taken = 0;
    while (c != NULL && c->incoming_mel != NULL && taken < capacity &&
           tagnode_log_ring_read(&c->mel_ring, c->incoming_mel)) {
        const uint32_t bands = c->branches[0].settings.bands;
        memcpy(mel + taken++ * bands, c->incoming_mel, bands * sizeof *mel);
    }
    return taken;
}

uint32_t tagnode_band_count(const tagnode *node) {
    return node->core == NULL ? 0 : node->core->branches[0].settings.bands;
}

tagnode_latency tagnode_get_latency(const tagnode *node) {
    return node->core == NULL ? (tagnode_latency){0} : node->core->latency;
}

uint32_t tagnode_hop_frames(const tagnode *node) {
    return node->core == NULL ? 0 : node->core->hop;
}

uint32_t tagnode_first_frames(const tagnode *node) {
    return node->core == NULL ? 0 : node->core->needed;
}

uint32_t tagnode_value_count(const tagnode *node) {
    return node->core == NULL ? 0 : node->core->values;
}

uint32_t tagnode_embedding_count(const tagnode *node) {
    return node->core == NULL ? 0 : node->core->embeddings;
}

tagnode_counters tagnode_get_counters(const tagnode *node) {
    const core *c = node->core;
    if (c == NULL) return (tagnode_counters){0};
    uint64_t swaps = 0;
    for (uint32_t i = 0; i < c->branch_count; ++i)
        if (c->branches[i].ensemble != NULL)
            swaps += tagnode_ensemble_swapped(c->branches[i].ensemble);
    return (tagnode_counters){
        .position = atomic_load_explicit(&c->shown_position, memory_order_relaxed),
        .mel_frames = (uint64_t)atomic_load_explicit(&c->shown_mel_frames, memory_order_relaxed),
        .fresh = atomic_load_explicit(&c->fresh, memory_order_relaxed),
        .held = atomic_load_explicit(&c->held, memory_order_relaxed),
        .late = atomic_load_explicit(&c->late, memory_order_relaxed),
        .overruns = atomic_load_explicit(&c->overruns, memory_order_relaxed),
        .dropped = tagnode_log_ring_dropped(&c->ring),
        .replaced = atomic_load_explicit(&c->replaced, memory_order_relaxed),
        .failures = atomic_load_explicit(&c->failures, memory_order_relaxed),
        .swaps = swaps,
    };
}
