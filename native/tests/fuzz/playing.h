/* playing.h - a node that processes audio with a model: any partition into blocks gives the same
 * frames, no result is late, and each is that of its whole window. */
#pragma once

#include <math.h>

#include "fuzz.h"
#include "node/model.h"

enum {
    MOST_SAMPLES = 24000,
    MOST_BLOCK = 512,
    MOST_WORK = 1 << 19,
    MOST_PATCH = 1 << 13,
    BEYOND = 60 /* mel frames after the first window */
};

/* Returns whether a window is computed within a moment. */
static inline bool is_small(const tagger_graph *graph) {
    size_t work = graph->tensor[graph->input].elements;
    if (work > MOST_PATCH) return false;
    for (uint32_t i = 0; i < graph->ops; ++i) {
        const tagger_op *op = &graph->op[i];
        size_t read = 1;
        for (uint32_t k = 0; k < op->inputs; ++k)
            if (op->input[k] >= 0 && graph->tensor[op->input[k]].elements > read)
                read = graph->tensor[op->input[k]].elements;
        work += graph->tensor[op->output].elements * read;
        if (read > MOST_WORK || work > MOST_WORK) return false;
    }
    return true;
}

/* What a node returned for the signal, as one number (FNV-1a), and the activations of the first
 * window that the signal fills. */
typedef struct {
    uint64_t hash, frames, first;
    float *values;
    uint32_t count; /* activations */
    bool complete;
} played;

static inline void add_bytes(played *to, const void *bytes, size_t size) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; ++i) to->hash = (to->hash ^ byte[i]) * 0x100000001b3U;
}

static inline void make_alike(float *values, size_t count) { /* all that are NaN */
    for (size_t i = 0; i < count; ++i)
        if (isnan(values[i])) values[i] = NAN;
}

static inline void add_frames(tagnode *node, played *to, float *values, float *embedding) {
    const size_t count = tagnode_value_count(node), more = tagnode_embedding_count(node);
    const tagnode_latency latency = tagnode_get_latency(node);
    tagnode_frame frame;
    while (tagnode_read(node, &frame, values, embedding, 1) == 1) {
        PROMISE(frame.state == TAGNODE_WARMING || frame.state == TAGNODE_FRESH);
        PROMISE(frame.start >= 0 && frame.start <= frame.end);
        PROMISE(frame.emitted - frame.end == latency.total);
        make_alike(values, count);
        make_alike(embedding, more);
        add_bytes(to, &frame.start, sizeof frame.start);
        add_bytes(to, &frame.emitted, sizeof frame.emitted);
        add_bytes(to, values, count * sizeof *values);
        add_bytes(to, embedding, more * sizeof *embedding);
        if (to->frames++ != to->first) continue;
        PROMISE(frame.state == TAGNODE_FRESH);
        memcpy(to->values, values, to->count * sizeof *values);
        to->complete = true;
    }
}

static inline float *floats(size_t count) {
    float *made = calloc(count + 1, sizeof *made);
    if (made == NULL) abort();
    return made;
}

/* Blocks of the largest size, or random ones. */
static inline void process_all(tagnode *node, const float *signal, size_t length, uint32_t seed,
                               played *to) {
    float *values = floats(tagnode_value_count(node));
    float *embedding = floats(tagnode_embedding_count(node));
    to->hash = 0xcbf29ce484222325U;
    to->frames = 0;
    tagnode_reset(node);
    for (size_t at = 0; at < length;) {
        size_t block = seed == 0 ? MOST_BLOCK : next_random(&seed) % (MOST_BLOCK + 1);
        if (block > length - at) block = length - at;
        const float *const input[2] = {signal + at, signal + at};
        tagnode_process(node, input, (uint32_t)block);
        add_frames(node, to, values, embedding);
        at += block;
    }
    free(values);
    free(embedding);
    const tagnode_counters counters = tagnode_get_counters(node);
    PROMISE(counters.position == (int64_t)length);
    PROMISE(counters.late + counters.held + counters.failures + counters.dropped == 0);
}

/* The first window that the signal fills has its first mel frames. */
static inline void check_whole(tagnode_model *model, const tagnode_setup *setup,
                               const float *signal, size_t length, const played *got) {
    const tagnode_card *card = &model->card;
    tagnode_frontend *frontend = NULL;
    PROMISE(tagnode_frontend_create(&card->frontend, setup->sample_rate, setup->channels, &frontend,
                                    NULL) == TAGNODE_OK);
    const size_t room = tagnode_frontend_capacity(frontend, length);
    const float *const input[2] = {signal, signal};
    float *mel = floats(room * card->frontend.bands), *values = floats(got->count);
    float *outputs[TAGNODE_MAX_OUTPUTS] = {values};
    PROMISE(tagnode_frontend_process(frontend, input, length, mel) >= card->patch_frames);
    PROMISE(tagnode_model_run(model, mel, outputs, NULL) == TAGNODE_OK);
    make_alike(values, got->count);
    PROMISE(memcmp(values, got->values, got->count * sizeof *values) == 0);
    free(mel);
    free(values);
    tagnode_frontend_destroy(frontend);
}

/* Enough samples for the first window and some more. */
static inline size_t length_of(const tagnode_card *card, const tagnode_setup *setup) {
    const double model_samples =
        ((double)card->patch_frames + BEYOND) * card->frontend.hop + 2 * card->frontend.frame;
    const double length = model_samples * setup->sample_rate / card->frontend.sample_rate;
    return length < MOST_SAMPLES ? (size_t)length : MOST_SAMPLES;
}

/* Prepares a node with one model and its heads, and processes noise. `setup` has rate, channels and
 * hop. */
static inline void play(const tagnode_parts *parts, tagnode_setup setup) {
    static float signal[MOST_SAMPLES];
    tagnode *node = NULL;
    tagnode_message why = {""};
    setup.max_frames = MOST_BLOCK;
    setup.queue = 2 * MOST_BLOCK; /* a hop may be as short as a sample */
    setup.offline = true;         /* and its work longer */
    PROMISE(tagnode_create(&node) == TAGNODE_OK);
    if (tagnode_prepare(node, parts, &setup, &why) != TAGNODE_OK) {
        check_sentence(&why);
        tagnode_destroy(node);
        return;
    }
    uint32_t random = 5;
    for (size_t i = 0; i < MOST_SAMPLES; ++i)
        signal[i] = (float)next_random(&random) / 4294967296.0F - 0.5F;
    const tagnode_card *card = &parts->models[0]->card;
    played got = {.values = floats(card->output_size[0]),
                  .count = card->output_size[0],
                  .first = (card->patch_frames - 1) / tagnode_hop_frames(node)};
    const size_t length = length_of(card, &setup);
    process_all(node, signal, length, 0, &got);
    const uint64_t hash = got.hash, frames = got.frames;
    process_all(node, signal, length, 99, &got);
    PROMISE(got.hash == hash && got.frames == frames);
    tagnode_destroy(node);
    if (got.complete) check_whole(parts->models[0], &setup, signal, length, &got);
    free(got.values);
}
