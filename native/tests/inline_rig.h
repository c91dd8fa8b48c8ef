/* inline_rig.h - shared by the tests of the inline runtime: two small models, which data/make.py
 * writes, a host that runs a node with one of them, and the expected results, each computed from
 * its whole window. */
#pragma once

#include "check.h"
#include "frontend/frontend.h"

enum {
    BANDS = 8,
    PATCH = 24,
    VALUES = 3,
    EMBEDDING = 5,
    MODEL_RATE = 16000,
    MEL_HOP = 128,
    MOST_BLOCK = 8192,
    MOST_ANSWERS = 1024,
    MODELS = 3
};

static const char *const NAMES[MODELS] = {"padded", "valid", "real"};
static const uint32_t RATES[] = {8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000};
static const uint32_t BLOCKS[] = {1, 17, 64, 441, 512, MOST_BLOCK, 0}; /* random sizes */
enum { RATE_COUNT = sizeof RATES / sizeof *RATES, BLOCK_COUNT = sizeof BLOCKS / sizeof *BLOCKS };

typedef struct {
    unsigned char *bytes;
    size_t size;
} file;

typedef struct {
    float values[VALUES], embedding[EMBEDDING];
} result;

static file files[MODELS];

/* ---- the audio thread ---- */

typedef struct {
    tagnode *node;
    size_t count;
    tagnode_frame frames[MOST_ANSWERS];
    float values[MOST_ANSWERS][VALUES], embeddings[MOST_ANSWERS][EMBEDDING];
    tagnode_counters counters;
    tagnode_latency latency;
    bool primed; /* fresh from the first tick on */
} host;

static inline void callback(host *self, const float *input, uint32_t frames, bool reset)
    TAGNODE_NONBLOCKING {
    if (reset) {
        tagnode_reset(self->node);
        self->count = 0;
    }
    tagnode_process(self->node, &input, frames);
    self->count += tagnode_read(self->node, self->frames + self->count, self->values[self->count],
                                self->embeddings[self->count], MOST_ANSWERS - self->count);
    self->counters = tagnode_get_counters(self->node);
    self->latency = tagnode_get_latency(self->node);
}

/* Resets the node, then processes the whole signal. */
static inline void process(host *self, const float *signal, size_t length, uint32_t block) {
    uint32_t random = 77;
    for (size_t at = 0; at < length;) {
        size_t size = block != 0 ? block : next_number(&random) % 3000;
        if (size > length - at) size = length - at;
        callback(self, signal + at, (uint32_t)size, at == 0);
        at += size;
    }
}

/* ---- the main thread ---- */

static inline file read_file(const char *folder, const char *name) {
    char path[1024];
    file got = {NULL, 0};
    (void)snprintf(path, sizeof path, "%s/%s.tflite", folder, name);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) return got;
    got.bytes = malloc(1 << 22);
    if (got.bytes == NULL) abort();
    got.size = fread(got.bytes, 1, 1 << 22, stream);
    (void)fclose(stream);
    return got;
}

static inline tagnode_card card_of(void) {
    return (tagnode_card){.frontend = {.sample_rate = MODEL_RATE,
                                       .frame = 256,
                                       .fft = 256,
                                       .hop = MEL_HOP,
                                       .bands = BANDS,
                                       .log = TAGNODE_LOG_LOG10_1P,
                                       .log_parameter = 10000,
                                       .fmax = 8000},
                          .patch_frames = PATCH,
                          .outputs = 2,
                          .output_size = {VALUES, EMBEDDING}};
}

static inline tagnode_model *model_of(int which, const tagnode_card *card) {
    tagnode_model *model = NULL;
    tagnode_message why = {""};
    if (!CHECK(tagnode_model_load_inline(files[which].bytes, files[which].size, card, &model,
                                         &why) == TAGNODE_OK)) {
        fprintf(stderr, "the message is: %s\n", why.text);
        exit(EXIT_FAILURE);
    }
    return model;
}

static inline host *host_with(tagnode_model *model, const tagnode_card *card, uint32_t rate,
                              uint32_t hop, bool whole_windows) {
    host *self = calloc(1, sizeof *self);
    tagnode_message why = {""};
    const tagnode_setup setup = {.sample_rate = rate,
                                 .channels = 1,
                                 .max_frames = MOST_BLOCK,
                                 .hop =
                                     (double)hop * card->frontend.hop / card->frontend.sample_rate,
                                 .compute_latency = hop % 5 == 2 ? 0.07 : 0,
                                 .embedding = 1,
                                 .queue = MOST_ANSWERS,
                                 .whole_windows = whole_windows};
    if (self == NULL || tagnode_create(&self->node) != TAGNODE_OK) abort();
    self->primed = card->silence_before && !whole_windows;
    if (!CHECK(prepare_model(self->node, model, &setup, &why) == TAGNODE_OK)) {
        fprintf(stderr, "the message is: %s\n", why.text);
        exit(EXIT_FAILURE);
    }
    CHECK(tagnode_hop_frames(self->node) == hop);
    return self;
}

static inline host *host_of(tagnode_model *model, const tagnode_card *card, uint32_t rate,
                            uint32_t hop) {
    return host_with(model, card, rate, hop, false);
}

static inline void host_destroy(host *self) {
    tagnode_destroy(self->node);
    free(self);
}

/* The expected results for a signal: the mel frames, when each is ready, and the result for each
 * patch. */
typedef struct {
    size_t length, mels, patches;
    float *mel;
    int64_t *ready;
    result *results; /* for the patch that starts at each mel frame */
    result *early;   /* for the patch of silence that each of the first mel frames ends */
} expected;

/* A patch of silence, and room for another one. */
static inline float *silence_of(const tagnode_card *card, uint32_t rate) {
    float *mel = calloc((size_t)2 * PATCH * BANDS, sizeof *mel);
    const size_t length = (size_t)PATCH * card->frontend.hop * rate / MODEL_RATE + rate;
    float *zeros = calloc(length, sizeof *zeros);
    tagnode_frontend *frontend = NULL;
    CHECK(tagnode_frontend_create(&card->frontend, rate, 1, &frontend, NULL) == TAGNODE_OK);
    float *all = calloc(tagnode_frontend_capacity(frontend, length) * BANDS, sizeof *all);
    const float *input = zeros;
    if (mel == NULL || zeros == NULL || all == NULL) abort();
    CHECK(tagnode_frontend_process(frontend, &input, length, all) >= PATCH);
    memcpy(mel, all, (size_t)PATCH * BANDS * sizeof *mel);
    tagnode_frontend_destroy(frontend);
    free(zeros);
    free(all);
    return mel;
}

static inline void compute_early(expected *is, tagnode_model *model, const tagnode_card *card,
                                 uint32_t rate) {
    float *mel = silence_of(card, rate);
    const size_t count = is->mels < PATCH - 1 ? is->mels : PATCH - 1;
    memcpy(mel + (size_t)PATCH * BANDS, is->mel, count * BANDS * sizeof *mel);
    for (size_t i = 0; i < count; ++i) {
        float *const outputs[] = {is->early[i].values, is->early[i].embedding};
        CHECK(tagnode_model_run(model, mel + (i + 1) * BANDS, outputs, NULL) == TAGNODE_OK);
    }
    free(mel);
}

static inline expected expected_of(tagnode_model *model, const tagnode_card *card, uint32_t rate,
                                   const float *signal, size_t length) {
    tagnode_frontend *frontend = NULL;
    CHECK(tagnode_frontend_create(&card->frontend, rate, 1, &frontend, NULL) == TAGNODE_OK);
    const size_t room = tagnode_frontend_capacity(frontend, length);
    expected is = {.length = length,
                   .mel = calloc(room * BANDS, sizeof(float)),
                   .ready = calloc(room, sizeof(int64_t)),
                   .results = calloc(room, sizeof(result)),
                   .early = calloc(PATCH, sizeof(result))};
    if (is.mel == NULL || is.ready == NULL || is.results == NULL || is.early == NULL) abort();
    is.mels = tagnode_frontend_process(frontend, &signal, length, is.mel);
    is.patches = is.mels < PATCH ? 0 : is.mels - PATCH + 1;
    for (size_t i = 0; i < is.mels; ++i) is.ready[i] = tagnode_frontend_ready(frontend, (int64_t)i);
    for (size_t i = 0; i < is.patches; ++i) {
        float *const outputs[] = {is.results[i].values, is.results[i].embedding};
        CHECK(tagnode_model_run(model, is.mel + i * BANDS, outputs, NULL) == TAGNODE_OK);
    }
    if (card->silence_before) compute_early(&is, model, card, rate);
    tagnode_frontend_destroy(frontend);
    return is;
}

static inline void expected_free(expected *is) {
    free(is->mel);
    free(is->ready);
    free(is->results);
    free(is->early);
}

static inline bool equals(const host *self, size_t index, const result *is) {
    return memcmp(self->values[index], is->values, sizeof is->values) == 0 &&
           memcmp(self->embeddings[index], is->embedding, sizeof is->embedding) == 0;
}

/* Returns the number of errors: positions, states, values, missing or surplus frames, counters. */
static inline size_t mistakes(const host *self, const expected *is, uint32_t hop) {
    const tagnode_latency latency = self->latency;
    const tagnode_counters *counters = &self->counters;
    size_t wrong = 0, tick = 0, fresh = 0;
    for (size_t frame = (PATCH - 1) % hop; frame < is->mels; frame += hop) {
        const int64_t due = is->ready[frame] + latency.compute;
        if (due > (int64_t)is->length) break;
        const bool whole = frame + 1 >= PATCH, full = whole || self->primed;
        if (tick >= self->count) return wrong + 1;
        wrong += self->frames[tick].emitted != due;
        wrong += self->frames[tick].end != due - latency.total;
        wrong += self->frames[tick].state != (full ? TAGNODE_FRESH : TAGNODE_WARMING);
        if (full)
            wrong +=
                !equals(self, tick, whole ? &is->results[frame + 1 - PATCH] : &is->early[frame]);
        fresh += full;
        ++tick;
    }
    wrong += self->count != tick;
    wrong += counters->fresh != fresh || counters->position != (int64_t)is->length;
    wrong += latency.total != latency.resampler + latency.compute;
    return wrong + counters->late + counters->held + counters->failures + counters->dropped;
}

/* ---- files ---- */

static inline bool read_files(void) {
    for (int m = 0; m < MODELS; ++m) {
        files[m] = read_file(TAGNODE_TEST_DATA, NAMES[m]);
        if (files[m].bytes == NULL) {
            fprintf(stderr, "no %s.tflite in " TAGNODE_TEST_DATA "\n", NAMES[m]);
            return false;
        }
    }
    return true;
}

static inline void free_files(void) {
    for (int m = 0; m < MODELS; ++m) free(files[m].bytes);
}
