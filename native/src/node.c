/* node.c - blocks in, descriptor frames out. One clock: everything is told by counts of input
 * samples. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble.h"
#include "frontend/frontend.h"
#include "model.h"
#include "support/floatenv.h"
#include "support/message.h"
#include "support/ring.h"
#include "worker/worker.h"

enum { CHUNK = 512 }; /* samples between two looks at what is due */

/* Everything that prepare makes; a new one replaces the old one whole. */
typedef struct {
    tagnode_setup setup;
    tagnode_card card;    /* of the first model */
    tagnode_model *model; /* the worker's; the ensemble holds its own */
    uint32_t patch;       /* mel frames of the longest window */
    tagnode_frontend *frontend;
    tagnode_worker *worker;     /* runs the model on its thread, or NULL and: */
    tagnode_ensemble *ensemble; /* runs it, or several, in here */
    tagnode_log_ring ring;
    tagnode_latency latency;
    uint32_t hop, first; /* mel frames: between ticks, and until tick 0 */
    uint32_t values, embeddings;
    float *mel;         /* the mel frames of a chunk */
    uint32_t *outgoing; /* the descriptor frame to write next: header, values, embedding */
    uint32_t *incoming; /* the reader's */

    int64_t position, mel_frames, tick;
    int64_t due; /* position at which the next tick is emitted */
    _Atomic int64_t seen_position, seen_mel_frames;
    _Atomic uint64_t fresh, held, late, overruns, replaced, failures;
} core;

struct tagnode {
    core *core;
};

enum { HEADER_WORDS = sizeof(tagnode_frame) / sizeof(uint32_t) };

/* ---- prepare ---- */

static void core_destroy(core *c) {
    if (c == NULL) return;
    tagnode_worker_destroy(c->worker);
    tagnode_ensemble_destroy(c->ensemble);
    tagnode_frontend_destroy(c->frontend);
    tagnode_log_ring_destroy(&c->ring);
    tagnode_model_release(c->model);
    free(c->mel);
    free(c->outgoing);
    free(c->incoming);
    free(c);
}

static tagnode_status check(const tagnode_setup *s, const tagnode_card *card,
                            tagnode_message *why) {
    const tagnode_status bad = TAGNODE_ERROR_ARGUMENT;
    const tagnode_status input = tagnode_frontend_check_input(s->sample_rate, s->channels, why);
    if (input != TAGNODE_OK) return input;
    if (s->max_frames < 1 || s->max_frames > TAGNODE_MAX_BLOCK)
        return tagnode_say(why, bad, "The largest block is %u samples; it must be 1 to %d.",
                           s->max_frames, TAGNODE_MAX_BLOCK);
    const double patch =
        (double)card->patch_frames * card->frontend.hop / card->frontend.sample_rate;
    if (!(s->hop > 0 && s->hop <= patch * (1 + 1e-9)))
        return tagnode_say(
            why, bad, "The hop is %g s; it must be above 0 and at most the model's window of %g s.",
            s->hop, patch);
    if (!(s->compute_latency >= 0 && s->compute_latency <= 60))
        return tagnode_say(why, bad, "The compute latency is %g s; it must be 0 to 60 s.",
                           s->compute_latency);
    if (s->embedding < -1 || s->embedding >= (int32_t)card->outputs)
        return tagnode_say(why, bad,
                           "Embedding %d is asked for; the model has outputs 0 to %u (-1: none).",
                           s->embedding, card->outputs - 1);
    if (s->queue < 2 || s->queue > 65536)
        return tagnode_say(why, bad, "The queue holds %u descriptor frames; it must be 2 to 65536.",
                           s->queue);
    return TAGNODE_OK;
}

static void plan_ticks(core *c) {
    const tagnode_frontend_settings *f = &c->card.frontend;
    const double frames = c->setup.hop * f->sample_rate / f->hop;
    const uint32_t whole = (uint32_t)(frames + 0.5), patch = c->patch;
    c->hop = whole < 1 ? 1 : whole < patch ? whole : patch;
    /* So that one tick falls on the first full window: */
    c->first = (c->patch - 1) % c->hop + 1;
    c->embeddings = c->setup.embedding < 0 ? 0 : c->card.output_size[c->setup.embedding];
}

/* The length of a mel frame's hop in input samples. */
static double frame_samples(const core *c) {
    const tagnode_frontend_settings *f = &c->card.frontend;
    return (double)f->hop * c->setup.sample_rate / f->sample_rate;
}

static tagnode_status start_ensemble(core *c, tagnode_model *const *models, uint32_t count,
                                     tagnode_message *why) {
    const tagnode_ensemble_setup setup = {
        .hop = c->hop,
        .first = c->first,
        .frame_samples = frame_samples(c),
        .least_latency = (uint32_t)ceil(c->setup.compute_latency * c->setup.sample_rate),
        .burst = CHUNK,
        .embedding = c->setup.embedding,
    };
    const tagnode_status status = tagnode_ensemble_create(models, count, &setup, &c->ensemble, why);
    if (status == TAGNODE_OK) c->latency.compute = tagnode_ensemble_latency(c->ensemble);
    return status;
}

static tagnode_status start_worker(core *c, tagnode_message *why) {
    const double frame_seconds = frame_samples(c) / c->setup.sample_rate;
    const tagnode_worker_setup setup = {
        .bands = c->card.frontend.bands,
        .patch = c->card.patch_frames,
        .hop = c->hop,
        .first = c->first,
        .result_size = {c->values, c->embeddings},
        .embedding = c->setup.embedding,
        .results = (uint32_t)(c->setup.compute_latency / (c->hop * frame_seconds)) + 8,
        .burst = (uint32_t)tagnode_frontend_capacity(c->frontend, CHUNK),
        .frame_seconds = frame_seconds,
        .offline = c->setup.offline,
    };
    c->latency.compute = (uint32_t)ceil(c->setup.compute_latency * c->setup.sample_rate);
    tagnode_engine *engine;
    const tagnode_status status = tagnode_model_open(c->model, &engine, why);
    return status != TAGNODE_OK ? status : tagnode_worker_create(engine, &setup, &c->worker, why);
}

static tagnode_status core_create(core *c, tagnode_model *const *models, uint32_t count,
                                  tagnode_message *why) {
    tagnode_status status = tagnode_frontend_create(&c->card.frontend, c->setup.sample_rate,
                                                    c->setup.channels, &c->frontend, why);
    if (status != TAGNODE_OK) return status;
    for (uint32_t i = 0; i < count; ++i) {
        const tagnode_card *card = &models[i]->card;
        c->values += card->output_size[0];
        if (card->patch_frames > c->patch) c->patch = card->patch_frames;
    }
    plan_ticks(c);
    const size_t words = HEADER_WORDS + (size_t)c->values + c->embeddings;
    c->mel = calloc(tagnode_frontend_capacity(c->frontend, CHUNK) * c->card.frontend.bands,
                    sizeof *c->mel);
    c->outgoing = calloc(words, sizeof *c->outgoing);
    c->incoming = calloc(words, sizeof *c->incoming);
    if (c->mel == NULL || c->outgoing == NULL || c->incoming == NULL ||
        tagnode_log_ring_create(&c->ring, words, c->setup.queue) != TAGNODE_OK)
        return tagnode_say(why, TAGNODE_ERROR_MEMORY, "No memory for a node.");
    status = models[0]->sliced || count > 1 ? start_ensemble(c, models, count, why)
                                            : start_worker(c, why);
    c->latency.resampler = tagnode_frontend_delay(c->frontend);
    c->latency.frontend = 0;
    c->latency.total = c->latency.resampler + c->latency.compute;
    return status;
}

static int64_t tick_frame(const core *c, int64_t tick) TAGNODE_NONBLOCKING {
    return c->first + tick * c->hop; /* mel frames that must have come */
}

static void schedule(core *c, int64_t tick) TAGNODE_NONBLOCKING {
    c->tick = tick;
    c->due = tagnode_frontend_ready(c->frontend, tick_frame(c, tick) - 1) + c->latency.compute;
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

tagnode_status tagnode_prepare_many(tagnode *node, tagnode_model *const *models, uint32_t count,
                                    const tagnode_setup *setup, tagnode_message *why) {
    if (count < 1 || count > TAGNODE_MAX_MODELS)
        return tagnode_say(why, TAGNODE_ERROR_ARGUMENT, "There are %u models; it must be 1 to %d.",
                           count, TAGNODE_MAX_MODELS);
    tagnode_status status = TAGNODE_OK;
    tagnode_setup asked = *setup;
    for (uint32_t i = 0; i < count && status == TAGNODE_OK; ++i) {
        status = check(&asked, &models[i]->card, why);
        asked.embedding = -1; /* only the first one's is handed out */
    }
    if (status != TAGNODE_OK) return status;
    core *made = aligned_alloc(64, (sizeof *made + 63) / 64 * 64);
    if (made == NULL) return tagnode_say(why, TAGNODE_ERROR_MEMORY, "No memory for a node.");
    memset(made, 0, sizeof *made);
    tagnode_model_retain(models[0]);
    made->model = models[0];
    made->card = models[0]->card;
    made->setup = *setup;
    status = core_create(made, models, count, why);
    if (status != TAGNODE_OK) {
        core_destroy(made);
        return status;
    }
    schedule(made, 0);
    core_destroy(node->core);
    node->core = made;
    return TAGNODE_OK;
}

tagnode_status tagnode_prepare(tagnode *node, tagnode_model *model, const tagnode_setup *setup,
                               tagnode_message *why) {
    return tagnode_prepare_many(node, &model, 1, setup, why);
}

tagnode_status tagnode_swap(tagnode *node, uint32_t index, tagnode_model *model,
                            tagnode_message *why) {
    if (node->core == NULL || node->core->ensemble == NULL)
        return tagnode_say(why, TAGNODE_ERROR_ARGUMENT,
                           "Only a node prepared with an inline model can swap models.");
    return tagnode_ensemble_swap(node->core->ensemble, index, model, why);
}

/* ---- process ---- */

static void count(_Atomic uint64_t *counter, uint64_t more) TAGNODE_NONBLOCKING {
    if (more > 0) atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* Takes the result of the current tick into the outgoing frame. */
static tagnode_state take_result(core *c) TAGNODE_NONBLOCKING {
    float *values = (float *)(c->outgoing + HEADER_WORDS);
    uint64_t late = 0, failures = 0;
    bool ready = true;
    if (c->ensemble != NULL)
        late =
            tagnode_ensemble_take(c->ensemble, tick_frame(c, c->tick), values, values + c->values);
    else
        ready = tagnode_worker_take(c->worker, c->tick, values, values + c->values, &late,
                                    &failures) == TAGNODE_RESULT_READY;
    count(ready ? &c->fresh : &c->held, 1);
    count(&c->late, late);
    count(&c->failures, failures);
    return ready ? TAGNODE_FRESH : TAGNODE_HELD;
}

/* Emits the descriptor frame of the current tick. */
static void emit(core *c) TAGNODE_NONBLOCKING {
    const int64_t frames = tick_frame(c, c->tick), patch = c->patch;
    tagnode_frame head;
    memset(&head, 0, sizeof head);
    const int64_t start = tagnode_frontend_begin(c->frontend, frames - patch);
    head.start = start > 0 ? start : 0;
    head.emitted = c->due;
    head.end = c->due - c->latency.total;
    head.state = TAGNODE_WARMING;
    if (frames >= patch) head.state = take_result(c);
    memcpy(c->outgoing, &head, sizeof head);
    tagnode_log_ring_write(&c->ring, c->outgoing);
    schedule(c, c->tick + 1);
}

static void hear(core *c, const float *const *input, uint32_t frames) TAGNODE_NONBLOCKING {
    const size_t mels = tagnode_frontend_process(c->frontend, input, frames, c->mel);
    for (size_t i = 0; i < mels; ++i) {
        const float *mel = c->mel + i * c->card.frontend.bands;
        const int64_t index = c->mel_frames++;
        if (c->ensemble != NULL)
            tagnode_ensemble_push(c->ensemble, mel);
        else
            count(&c->overruns, !tagnode_worker_push(c->worker, index, mel));
    }
    if (c->ensemble != NULL) tagnode_ensemble_pay(c->ensemble, frames);
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
        hear(c, moved, frames - at < CHUNK ? frames - at : CHUNK);
    }
    atomic_store_explicit(&c->seen_position, c->position, memory_order_relaxed);
    atomic_store_explicit(&c->seen_mel_frames, c->mel_frames, memory_order_relaxed);
    atomic_store_explicit(&c->replaced, tagnode_frontend_replaced(c->frontend),
                          memory_order_relaxed);
    tagnode_floatenv_leave(saved);
}

void tagnode_reset(tagnode *node) {
    core *c = node->core;
    if (c == NULL) return;
    tagnode_frontend_reset(c->frontend);
    if (c->ensemble != NULL)
        tagnode_ensemble_reset(c->ensemble);
    else
        tagnode_worker_reset(c->worker);
    tagnode_log_ring_clear(&c->ring);
    memset(c->outgoing + HEADER_WORDS, 0,
           ((size_t)c->values + c->embeddings) * sizeof *c->outgoing);
    c->position = c->mel_frames = 0;
    schedule(c, 0);
    atomic_store(&c->seen_position, 0);
    atomic_store(&c->seen_mel_frames, 0);
    _Atomic uint64_t *counters[] = {&c->fresh,    &c->held,     &c->late,
                                    &c->overruns, &c->replaced, &c->failures};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; ++i) atomic_store(counters[i], 0);
}

/* ---- read ---- */

size_t tagnode_read(tagnode *node, tagnode_frame *frames, float *values, float *embeddings,
                    size_t capacity) {
    core *c = node->core;
    size_t taken = 0;
    while (c != NULL && taken < capacity && tagnode_log_ring_read(&c->ring, c->incoming)) {
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

tagnode_latency tagnode_get_latency(const tagnode *node) {
    return node->core == NULL ? (tagnode_latency){0} : node->core->latency;
}

uint32_t tagnode_hop_frames(const tagnode *node) {
    return node->core == NULL ? 0 : node->core->hop;
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
    return (tagnode_counters){
        .position = atomic_load_explicit(&c->seen_position, memory_order_relaxed),
        .mel_frames = (uint64_t)atomic_load_explicit(&c->seen_mel_frames, memory_order_relaxed),
        .fresh = atomic_load_explicit(&c->fresh, memory_order_relaxed),
        .held = atomic_load_explicit(&c->held, memory_order_relaxed),
        .late = atomic_load_explicit(&c->late, memory_order_relaxed),
        .overruns = atomic_load_explicit(&c->overruns, memory_order_relaxed),
        .dropped = tagnode_log_ring_dropped(&c->ring),
        .replaced = atomic_load_explicit(&c->replaced, memory_order_relaxed),
        .failures = atomic_load_explicit(&c->failures, memory_order_relaxed),
        .swaps = c->ensemble == NULL ? 0 : tagnode_ensemble_swapped(c->ensemble),
    };
}
