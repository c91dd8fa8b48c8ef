/* fake_model.h - a model with predictable outputs, and the arithmetic of the results expected from
 * a node.
 *
 * The model returns the mean, the first, the last and the largest value of its patch and, as the
 * embedding, the mean of each band. The expected frames follow from the mel frames of
 * tagnode_frontend (test_frontend.c) and from `expected_frame`. */
#pragma once

#include <stdatomic.h>
#include <time.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#endif

#include "check.h"

enum {
    MODEL_RATE = 16000,
    FRAME = 400,
    FFT = 512,
    MEL_HOP = 160,
    BANDS = 12,
    PATCH = 10,
    VALUES = 4,
    MOST_FRAMES = 4000
};

/* -------------------------------------------------------------------------------- the model --- */

typedef struct {
    float input[PATCH * BANDS];
    float values[VALUES], bands[BANDS];
    _Atomic int failing;     /* the status that runs return */
    _Atomic bool held;       /* true: a run waits until this is false */
    _Atomic int64_t entered; /* runs started */
    _Atomic int64_t runs;    /* runs finished */
} fake;

static inline void compute_outputs(const float *patch, float *values, float *bands) {
    memset(bands, 0, BANDS * sizeof *bands);
    float sum = 0, largest = patch[0];
    for (size_t i = 0; i < (size_t)PATCH * BANDS; ++i) {
        sum += patch[i];
        bands[i % BANDS] += patch[i] / PATCH;
        largest = patch[i] > largest ? patch[i] : largest;
    }
    values[0] = sum / (PATCH * BANDS);
    values[1] = patch[0];
    values[2] = patch[PATCH * BANDS - 1];
    values[3] = largest;
}

static inline void nap(void) {
#if defined(_WIN32)
    Sleep(1); /* nanosleep() of less returns at once */
#else
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
#endif
}

static inline int invoke(void *handle) {
    fake *self = handle;
    atomic_fetch_add(&self->entered, 1);
    while (atomic_load(&self->held)) nap();
    compute_outputs(self->input, self->values, self->bands);
    const int status = atomic_load(&self->failing);
    atomic_fetch_add(&self->runs, 1);
    return status;
}

static inline tagnode_card card_of(void) {
    return (tagnode_card){.frontend = {.sample_rate = MODEL_RATE,
                                       .frame = FRAME,
                                       .fft = FFT,
                                       .hop = MEL_HOP,
                                       .bands = BANDS,
                                       .log = TAGNODE_LOG_LOG10_1P,
                                       .log_parameter = 10000,
                                       .fmin = 50,
                                       .fmax = 7600},
                          .patch_frames = PATCH,
                          .outputs = 2,
                          .output_size = {VALUES, BANDS}};
}

static inline tagnode_interpreter interpreter_of(fake *self) {
    return (tagnode_interpreter){.invoke = invoke,
                                 .handle = self,
                                 .input = self->input,
                                 .output = {self->values, self->bands}};
}

static inline tagnode_model *model_of(fake *self) {
    const tagnode_card card = card_of();
    const tagnode_interpreter interpreter = interpreter_of(self);
    tagnode_model *model = NULL;
    CHECK(tagnode_model_from_interpreter(&interpreter, &card, &model, NULL) == TAGNODE_OK);
    return model;
}

static inline tagnode_setup setup_of(uint32_t rate) {
    return (tagnode_setup){.sample_rate = rate,
                           .channels = 1,
                           .max_frames = 8192,
                           .hop = 0.03,
                           .compute_latency = 0.05,
                           .embedding = 1,
                           .queue = MOST_FRAMES,
                           .offline = true};
}

static inline tagnode *node_of(fake *self, const tagnode_setup *setup) {
    tagnode *node = NULL;
    tagnode_message why = {""};
    tagnode_model *model = model_of(self);
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    if (!CHECK(prepare_model(node, model, setup, &why) == TAGNODE_OK)) {
        fprintf(stderr, "the message is: %s\n", why.text);
        exit(EXIT_FAILURE);
    }
    tagnode_model_release(model); /* the node retains it */
    return node;
}

/* ---------------------------------------------------------------------------------- results --- */

typedef struct {
    size_t count;
    tagnode_frame frames[MOST_FRAMES];
    float values[MOST_FRAMES][VALUES], bands[MOST_FRAMES][BANDS];
} results;

static inline void read_all(tagnode *node, results *into) {
    const size_t at = into->count;
    into->count +=
        tagnode_read(node, into->frames + at, into->values[at], into->bands[at], MOST_FRAMES - at);
}

/* Blocks of `block` samples; 0: random sizes. */
static inline void feed(tagnode *node, const float *signal, size_t length, uint32_t block,
                        results *into) {
    uint32_t random = 77;
    for (size_t at = 0; at < length;) {
        size_t size = block != 0 ? block : next_number(&random) % 3000;
        if (size > length - at) size = length - at;
        const float *input = signal + at;
        tagnode_process(node, &input, (uint32_t)size);
        if (into != NULL) read_all(node, into);
        at += size;
    }
}

/* --------------------------------------------------------------------------- the arithmetic --- */

typedef struct {
    int64_t rate, delay, compute, hop;
    const float *early; /* a patch of silence and the signal's first frames, for windows that start
                           before the stream */
} clock_of_node;

static inline int64_t floor_divide(int64_t a, int64_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* Tick t is due after a number of mel frames such that one tick is at the first full patch. The
 * window of mel frame j is zero-padded to an FFT that is centred on model sample j * MEL_HOP. */
static inline tagnode_frame expected_frame(const clock_of_node *clock, int64_t tick,
                                           int64_t *mel_frames) {
    const int64_t left = FFT / 2 - (FFT - FRAME) / 2;
    *mel_frames = (PATCH - 1) % clock->hop + 1 + tick * clock->hop;
    const int64_t last = (*mel_frames - 1) * MEL_HOP - left + FRAME - 1;
    const int64_t first = (*mel_frames - PATCH) * MEL_HOP - left;
    const int64_t start = floor_divide(first * clock->rate, MODEL_RATE);
    const int64_t end = floor_divide(last * clock->rate, MODEL_RATE) + 1;
    return (tagnode_frame){.start = start > 0 ? start : 0,
                           .end = end,
                           .emitted = end + clock->delay + clock->compute,
                           .state = *mel_frames >= PATCH ? TAGNODE_FRESH : TAGNODE_WARMING};
}

static inline clock_of_node clock_of(tagnode *node, const tagnode_setup *setup) {
    const tagnode_card card = card_of();
    tagnode_frontend *frontend = NULL;
    CHECK(tagnode_frontend_create(&card.frontend, setup->sample_rate, 1, &frontend, NULL) ==
          TAGNODE_OK);
    const clock_of_node clock = {.rate = setup->sample_rate,
                                 .delay = tagnode_frontend_delay(frontend),
                                 .compute =
                                     (int64_t)ceil(setup->compute_latency * setup->sample_rate),
                                 .hop = lround(setup->hop * MODEL_RATE / MEL_HOP)};
    tagnode_frontend_destroy(frontend);
    const tagnode_latency latency = tagnode_get_latency(node);
    CHECK(latency.resampler == clock.delay);
    CHECK(latency.frontend == 0);
    CHECK(latency.compute == clock.compute);
    CHECK(latency.total == clock.delay + clock.compute);
    CHECK(tagnode_hop_frames(node) == clock.hop);
    CHECK(tagnode_value_count(node) == VALUES);
    CHECK(tagnode_embedding_count(node) == (setup->embedding < 0 ? 0 : BANDS));
    return clock;
}

static inline float *mel_of(const float *signal, uint32_t rate, size_t length) {
    const tagnode_card card = card_of();
    tagnode_frontend *frontend = NULL;
    CHECK(tagnode_frontend_create(&card.frontend, rate, 1, &frontend, NULL) == TAGNODE_OK);
    const size_t room = tagnode_frontend_capacity(frontend, length);
    float *mel = calloc(room * BANDS, sizeof *mel);
    (void)tagnode_frontend_process(frontend, &signal, length, mel);
    tagnode_frontend_destroy(frontend);
    return mel;
}

static inline bool same_frame(const tagnode_frame *a, const tagnode_frame *b) {
    return a->start == b->start && a->end == b->end && a->emitted == b->emitted &&
           a->state == b->state;
}

/* Checks that every frame has the expected position, and that fresh values are bit for bit the
 * model's outputs for its mel frames. A held frame repeats the one before. */
static inline void compare(const results *got, const clock_of_node *clock, const float *mel) {
    float values[VALUES] = {0}, bands[BANDS] = {0};
    for (size_t i = 0; i < got->count; ++i) {
        int64_t mel_frames = 0;
        tagnode_frame expected = expected_frame(clock, (int64_t)i, &mel_frames);
        if (clock->early != NULL) expected.state = TAGNODE_FRESH;
        if (expected.state == TAGNODE_FRESH && got->frames[i].state == TAGNODE_HELD)
            expected.state = TAGNODE_HELD;
        CHECK(same_frame(&got->frames[i], &expected));
        if (got->frames[i].state == TAGNODE_FRESH)
            compute_outputs(clock->early != NULL && mel_frames < PATCH
                                ? clock->early + mel_frames * BANDS
                                : mel + (mel_frames - PATCH) * BANDS,
                            values, bands);
        CHECK(memcmp(got->values[i], values, sizeof values) == 0);
        CHECK(memcmp(got->bands[i], bands, sizeof bands) == 0);
    }
}

static inline size_t count_of(const results *got, tagnode_state state) {
    size_t count = 0;
    for (size_t i = 0; i < got->count; ++i) count += got->frames[i].state == state;
    return count;
}
