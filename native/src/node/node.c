/* node.c - blocks in, descriptor frames out. There is one clock: all times are counts of input
 * samples. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/frontend.h"
#include "heads/head.h"
#include "node/ensemble.h"
#include "node/model.h"
#include "node/node.h"
#include "node/setup.h"
#include "node/signals.h"
#include "support/aligned.h"
#include "support/floatenv.h"
#include "support/message.h"
#include "support/ring.h"
#include "worker/worker.h"

enum { CHUNK = 512 }; /* samples processed between two checks for due frames */

static const double WORKER_LATENCY = 0.25; /* seconds, if automatic */

/* Everything that prepare allocates; a new one replaces the old one as a whole. */
typedef struct {
    tagnode_setup setup;
    tagnode_card card;    /* of the first model; without a model, only its front-end is set */
    tagnode_model *model; /* of the worker; the ensemble retains its own */
    uint32_t models;
    uint32_t activations[TAGNODE_MAX_MODELS]; /* floats of each model */
    uint32_t wanted[TAGNODE_MAX_MODELS];      /* bit i: output i of that model is used */
    tagnode_placed_head heads[TAGNODE_MAX_HEADS];
    uint32_t head_count;
    double *head_room; /* working memory for any one of them */
    uint32_t patch;    /* mel frames of the longest window, 0 without a model */
    uint32_t primed;   /* bit i: model i accepts silence before the stream */
    uint32_t needed;   /* mel frames before the first fresh frame */
    float *silence;    /* the mel frame of silence */
    tagnode_frontend *frontend;
    tagnode_worker *worker;     /* runs the model on its own thread, or NULL and: */
    tagnode_ensemble *ensemble; /* runs one or several within process; both NULL without a model */
    tagnode_signals *signals;   /* or NULL */
    tagnode_log_ring ring;
    tagnode_log_ring mel_ring; /* for tagnode_read_mel() */
    tagnode_latency latency;
    uint32_t hop, first; /* mel frames between ticks, and until tick 0 */
    uint32_t values, embeddings;
    float *worker_values; /* the outputs of the worker, and pointers to each */
    float *outputs[TAGNODE_MAX_OUTPUTS];
    const float *const *results[TAGNODE_MAX_MODELS]; /* the outputs of each model */
    float *mel, *power;     /* the mel frames of a chunk, and their power spectra for signals */
    uint32_t *outgoing;     /* the next descriptor frame: header, values, embedding */
    uint32_t *incoming;     /* the one that the reader copies out */
    uint32_t *incoming_mel; /* and its mel frame */

    int64_t position, mel_frames, tick;
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
    tagnode_worker_destroy(c->worker);
    tagnode_ensemble_destroy(c->ensemble);
    tagnode_signals_destroy(c->signals);
    tagnode_frontend_destroy(c->frontend);
    tagnode_log_ring_destroy(&c->ring);
    tagnode_log_ring_destroy(&c->mel_ring);
    tagnode_model_release(c->model);
    for (uint32_t i = 0; i < c->head_count; ++i) tagnode_head_release(c->heads[i].head);
    free(c->head_room);
    free(c->silence);
    free(c->worker_values);
    free(c->mel);
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

static void plan_ticks(core *c) {
    const tagnode_frontend_settings *f = &c->card.frontend;
    const double frames = c->setup.hop * f->sample_rate / f->hop;
    const uint32_t whole = (uint32_t)(frames + 0.5);
    c->hop = whole < 1 ? 1 : whole;
    /* So that one tick is at the first full window: */
    c->first = (c->patch - 1) % c->hop + 1;
    c->embeddings = c->setup.embedding < 0 ? 0 : c->card.output_size[c->setup.embedding];
}

/* Returns the input samples in the hop of a mel frame. */
static double frame_samples(const core *c) {
    const tagnode_frontend_settings *f = &c->card.frontend;
    return (double)f->hop * c->setup.sample_rate / f->sample_rate;
}

static tagnode_status start_ensemble(core *c, tagnode_model *const *models, uint32_t count,
                                     tagnode_message *why) {
    tagnode_ensemble_setup setup = {
        .hop = c->hop,
        .first = c->first,
        .frame_samples = frame_samples(c),
        .least_latency = (uint32_t)ceil(c->setup.compute_latency * c->setup.sample_rate),
        .burst = CHUNK,
        .primed = c->primed,
        .silence = c->silence,
    };
    memcpy(setup.wanted, c->wanted, sizeof setup.wanted);
    const tagnode_status status = tagnode_ensemble_create(models, count, &setup, &c->ensemble, why);
    if (status == TAGNODE_OK) c->latency.compute = tagnode_ensemble_latency(c->ensemble);
    return status;
}

static tagnode_status start_worker(core *c, tagnode_message *why) {
    const double frame_seconds = frame_samples(c) / c->setup.sample_rate;
    const bool primed = (c->primed & 1) && c->card.silence_before;
    tagnode_worker_setup setup = {
        .bands = c->card.frontend.bands,
        .patch = c->card.patch_frames,
        .hop = c->hop,
        .first = c->first,
        .results = (uint32_t)(c->setup.compute_latency / (c->hop * frame_seconds)) + 8,
        .burst = (uint32_t)tagnode_frontend_capacity(c->frontend, CHUNK),
        .silent = primed ? c->patch - c->first : 0,
        .silence = c->silence,
        .frame_seconds = frame_seconds,
        .offline = c->setup.offline,
    };
    c->latency.compute = (uint32_t)ceil(c->setup.compute_latency * c->setup.sample_rate);
    uint32_t floats = 0;
    for (uint32_t i = 0; i < c->card.outputs; ++i)
        if (c->wanted[0] >> i & 1) floats += setup.output_size[i] = c->card.output_size[i];
    c->worker_values = calloc((size_t)floats + 1, sizeof *c->worker_values);
    if (c->worker_values == NULL) return tagnode_no_memory(why, "a node");
    for (uint32_t i = 0, at = 0; i < c->card.outputs; at += setup.output_size[i++])
        c->outputs[i] = c->worker_values + at;
    c->results[0] = (const float *const *)c->outputs;
    tagnode_engine *engine;
    const tagnode_status status = tagnode_model_open(c->model, &engine, why);
    return status != TAGNODE_OK ? status : tagnode_worker_create(engine, &setup, &c->worker, why);
}

/* Counts the values of a descriptor frame, notes which outputs they come from, and retains the
 * heads. */
static tagnode_status gather(core *c, const tagnode_parts *parts, tagnode_message *why) {
    for (uint32_t i = 0; i < parts->model_count; ++i) {
        const tagnode_card *card = &parts->models[i]->card;
        c->values += c->activations[c->models++] = card->output_size[0];
        c->wanted[i] = 1;
        if (!c->setup.whole_windows) c->primed |= 1U << i;
        if (card->patch_frames > c->patch) c->patch = card->patch_frames;
    }
    if (c->setup.embedding >= 0) c->wanted[0] |= 1U << c->setup.embedding;
    size_t room = 1;
    for (uint32_t i = 0; i < parts->head_count; ++i) {
        const tagnode_placed_head *placed = &parts->heads[i];
        tagnode_head_retain(placed->head);
        c->heads[c->head_count++] = *placed;
        c->values += tagnode_head_outputs(placed->head);
        c->wanted[placed->model] |= 1U << placed->output;
        if (placed->output != 0)
            c->primed &= ~(1U << placed->model); /* the head was trained on full windows */
        if (tagnode_head_room(placed->head) > room) room = tagnode_head_room(placed->head);
    }
    c->head_room = calloc(room, sizeof *c->head_room);
    return c->head_room != NULL ? TAGNODE_OK : tagnode_no_memory(why, "a node");
}

/* Computes when the first fresh frame is due, and the mel frame of silence. */
static tagnode_status plan_start(core *c, const tagnode_parts *parts, tagnode_message *why) {
    c->needed = c->first;
    for (uint32_t i = 0; i < parts->model_count; ++i) {
        const tagnode_card *card = &parts->models[i]->card;
        const bool primed = (c->primed >> i & 1) && card->silence_before;
        while (!primed && c->needed < card->patch_frames) c->needed += c->hop;
    }
    c->silence = calloc(c->card.frontend.bands, sizeof *c->silence);
    if (c->silence == NULL) return tagnode_no_memory(why, "a node");
    tagnode_frontend_silence(c->frontend, c->silence);
    return TAGNODE_OK;
}

static tagnode_status start_models(core *c, const tagnode_parts *parts, tagnode_message *why) {
    tagnode_status status = gather(c, parts, why);
    if (status != TAGNODE_OK) return status;
    plan_ticks(c);
    status = plan_start(c, parts, why);
    if (status != TAGNODE_OK) return status;
    const size_t words = HEADER_WORDS + (size_t)c->values + c->embeddings;
    c->outgoing = calloc(words, sizeof *c->outgoing);
    c->incoming = calloc(words, sizeof *c->incoming);
    if (c->outgoing == NULL || c->incoming == NULL ||
        tagnode_log_ring_create(&c->ring, words, c->setup.queue) != TAGNODE_OK)
        return tagnode_no_memory(why, "a node");
    const bool runs_inline = parts->models[0]->sliced || parts->model_count > 1;
    if (c->setup.compute_latency < 0) c->setup.compute_latency = runs_inline ? 0 : WORKER_LATENCY;
    return runs_inline ? start_ensemble(c, parts->models, parts->model_count, why)
                       : start_worker(c, why);
}

static tagnode_status start_signals(core *c, size_t mels, tagnode_message *why) {
    c->power = calloc(mels * tagnode_frontend_bins(c->frontend), sizeof *c->power);
    if (c->power == NULL) return tagnode_no_memory(why, "a node");
    return tagnode_signals_create(&c->setup, &c->card.frontend, c->frontend, CHUNK, &c->signals,
                                  why);
}

static tagnode_status keep_mel(core *c, tagnode_message *why) {
    const uint32_t bands = c->card.frontend.bands;
    c->incoming_mel = calloc(bands, sizeof *c->incoming_mel);
    if (c->incoming_mel == NULL ||
        tagnode_log_ring_create(&c->mel_ring, bands, c->setup.mel_queue) != TAGNODE_OK)
        return tagnode_no_memory(why, "a node");
    return TAGNODE_OK;
}

static tagnode_status core_create(core *c, const tagnode_parts *parts, tagnode_message *why) {
    tagnode_status status = tagnode_frontend_create(&c->card.frontend, c->setup.sample_rate,
                                                    c->setup.channels, &c->frontend, why);
    if (status != TAGNODE_OK) return status;
    const size_t mels = tagnode_frontend_capacity(c->frontend, CHUNK);
    c->mel = calloc(mels * c->card.frontend.bands, sizeof *c->mel);
    if (c->mel == NULL) return tagnode_no_memory(why, "a node");
    if (parts->model_count > 0) status = start_models(c, parts, why);
    if (status == TAGNODE_OK && c->setup.signal_hop > 0) status = start_signals(c, mels, why);
    if (status == TAGNODE_OK && c->setup.mel_queue > 0) status = keep_mel(c, why);
    c->latency.resampler = tagnode_frontend_delay(c->frontend);
    c->latency.frontend = 0;
    c->latency.total = c->latency.resampler + c->latency.compute;
    return status;
}

static int64_t tick_frame(const core *c, int64_t tick) TAGNODE_NONBLOCKING {
    return c->first + tick * c->hop; /* mel frames needed for the tick */
}

static void schedule(core *c, int64_t tick) TAGNODE_NONBLOCKING {
    c->tick = tick;
    c->due = INT64_MAX;
    if (c->patch == 0) return; /* no model: no descriptor frames */
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

tagnode_status tagnode_prepare(tagnode *node, const tagnode_parts *parts,
                               const tagnode_setup *setup, tagnode_message *why) {
    const tagnode_parts none = {0};
    if (parts == NULL) parts = &none;
    tagnode_status status = tagnode_setup_check(parts, setup, why);
    if (status != TAGNODE_OK) return status;
    core *made = tagnode_aligned_calloc(sizeof *made);
    if (made == NULL) return tagnode_no_memory(why, "a node");
    made->card.frontend = PLAIN_FRONTEND;
    if (parts->model_count > 0) {
        made->model = parts->models[0];
        made->card = made->model->card;
        tagnode_model_retain(made->model);
    }
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
    if (node->core == NULL || node->core->ensemble == NULL)
        return tagnode_refuse(why,
                              "Only a node prepared with inline models can swap them; prepare the "
                              "node anew instead.");
    return tagnode_ensemble_swap(node->core->ensemble, index, model, why);
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

/* Gets the result of the current tick, if there is one, into the outgoing frame. */
static tagnode_state take_result(core *c, int64_t frames) TAGNODE_NONBLOCKING {
    uint64_t late = 0, failures = 0;
    bool ready = true;
    if (c->ensemble != NULL) {
        if (!tagnode_ensemble_take(c->ensemble, frames, c->results, &late)) return TAGNODE_WARMING;
    } else {
        if (frames < c->needed) return TAGNODE_WARMING;
        ready = tagnode_worker_take(c->worker, c->tick, c->outputs, &late, &failures) ==
                TAGNODE_RESULT_READY;
    }
    if (ready) write_values(c);
    count(ready ? &c->fresh : &c->held, 1);
    count(&c->late, late);
    count(&c->failures, failures);
    return ready ? TAGNODE_FRESH : TAGNODE_HELD;
}

/* Emits the descriptor frame of the current tick. */
static void emit(core *c) TAGNODE_NONBLOCKING {
    const int64_t frames = tick_frame(c, c->tick);
    tagnode_frame head;
    memset(&head, 0, sizeof head);
    const int64_t start = tagnode_frontend_begin(c->frontend, frames - c->patch);
    head.start = start > 0 ? start : 0;
    head.emitted = c->due;
    head.end = c->due - c->latency.total;
    head.state = take_result(c, frames);
    memcpy(c->outgoing, &head, sizeof head);
    tagnode_log_ring_write(&c->ring, c->outgoing);
    schedule(c, c->tick + 1);
}

static void push_mel(core *c, int64_t index, const float *mel) TAGNODE_NONBLOCKING {
    if (c->incoming_mel != NULL) tagnode_log_ring_write(&c->mel_ring, (const uint32_t *)mel);
    if (c->ensemble != NULL)
        tagnode_ensemble_push(c->ensemble, mel);
    else if (c->worker != NULL)
        count(&c->overruns, !tagnode_worker_push(c->worker, index, mel));
}

static void process_chunk(core *c, const float *const *input, uint32_t frames) TAGNODE_NONBLOCKING {
    if (c->signals != NULL) tagnode_signals_process(c->signals, input, frames);
    const size_t mels =
        tagnode_frontend_process_spectra(c->frontend, input, frames, c->mel, c->power);
    for (size_t i = 0; i < mels; ++i) {
        push_mel(c, c->mel_frames++, c->mel + i * c->card.frontend.bands);
        if (c->signals != NULL)
            tagnode_signals_push(c->signals, c->power + i * tagnode_frontend_bins(c->frontend));
    }
    if (c->ensemble != NULL) tagnode_ensemble_advance(c->ensemble, frames);
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
    atomic_store_explicit(&c->shown_mel_frames, c->mel_frames, memory_order_relaxed);
    atomic_store_explicit(&c->replaced, tagnode_frontend_replaced(c->frontend),
                          memory_order_relaxed);
    tagnode_floatenv_leave(saved);
}

void tagnode_reset(tagnode *node) {
    core *c = node->core;
    if (c == NULL) return;
    tagnode_frontend_reset(c->frontend);
    if (c->ensemble != NULL) tagnode_ensemble_reset(c->ensemble);
    if (c->worker != NULL) tagnode_worker_reset(c->worker);
    if (c->signals != NULL) tagnode_signals_reset(c->signals);
    if (c->incoming_mel != NULL) tagnode_log_ring_clear(&c->mel_ring);
    if (c->patch > 0) {
        tagnode_log_ring_clear(&c->ring);
        memset(c->outgoing + HEADER_WORDS, 0,
               ((size_t)c->values + c->embeddings) * sizeof *c->outgoing);
    }
    c->position = c->mel_frames = 0;
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
    while (c != NULL && c->patch > 0 && taken < capacity &&
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
        const uint32_t bands = c->card.frontend.bands;
        memcpy(mel + taken++ * bands, c->incoming_mel, bands * sizeof *mel);
    }
    return taken;
}

uint32_t tagnode_band_count(const tagnode *node) {
    return node->core == NULL ? 0 : node->core->card.frontend.bands;
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
        .swaps = c->ensemble == NULL ? 0 : tagnode_ensemble_swapped(c->ensemble),
    };
}
