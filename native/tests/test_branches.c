/* test_branches.c - models with different front-ends in one node: each result is that of the whole
 * window that ends with the last mel frame complete at its tick, bit for bit, for any rate, hop and
 * block size; inline and on the worker's thread, with and without silence before the stream. */
#include <stdatomic.h>
#include <time.h>

#include "inline_rig.h"

enum { MOST = 6, MOST_FRAMES = 2048, LENGTH_MS = 1300 };

typedef struct {
    uint32_t count, rate, hop, block;
    double hop_seconds;
    uint32_t every[MOST]; /* ticks that share a result of the model */
    tagnode_card card[MOST];
    tagnode_model *model[MOST];
    tagnode_frontend *frontend[MOST];
    float *mel[MOST], *silence[MOST];
    size_t mels[MOST];
} band;

/* ---- the models ---- */

/* Different rates, hops, framings and norms; the last one's mel frames are further apart than many
 * hops. All take 24 frames of 8 bands. */
static tagnode_card card_number(uint32_t number) {
    tagnode_card card = card_of();
    tagnode_frontend_settings *f = &card.frontend;
    switch (number) {
    case 1:
        f->sample_rate = 11025;
        f->hop = 100;
        f->fmax = 5000;
        card.patch_norm = TAGNODE_PATCH_Z_SCORE;
        break;
    case 2:
        f->frame = 200;
        f->hop = 160;
        f->framing = TAGNODE_FRAMING_FROM_ZERO;
        f->mel_triangles = TAGNODE_TRIANGLES_MEL;
        break;
    case 3:
        f->sample_rate = 44100;
        f->mel_scale = TAGNODE_MEL_NONE;
        f->exponent = TAGNODE_EXPONENT_HALF;
        break;
    case 4:
        f->sample_rate = 8000;
        f->hop = 200;
        f->fmax = 4000;
        break;
    default: break;
    }
    return card;
}

/* For the worker: takes what an inline model would. */
typedef struct {
    float input[PATCH * BANDS], values[VALUES], embedding[EMBEDDING];
} fake;

static int invoke(void *handle) {
    fake *self = handle;
    memset(self->values, 0, sizeof self->values);
    for (size_t i = 0; i < (size_t)PATCH * BANDS; ++i) self->values[i % VALUES] += self->input[i];
    memcpy(self->embedding, self->input, sizeof self->embedding);
    return 0;
}

static tagnode_model *fake_model(fake *self, const tagnode_card *card) {
    const tagnode_interpreter interpreter = {.invoke = invoke,
                                             .handle = self,
                                             .input = self->input,
                                             .output = {self->values, self->embedding}};
    tagnode_model *model = NULL;
    CHECK(tagnode_model_from_interpreter(&interpreter, card, &model, NULL) == TAGNODE_OK);
    return model;
}

/* ---- the expected results ---- */

static int64_t reach_of(const tagnode_frontend_settings *s) {
    const uint32_t lead = s->framing == TAGNODE_FRAMING_FROM_ZERO ? 0 : s->frame / 2;
    return (int64_t)s->frame - lead - 1;
}

/* Mel frames of model m that are complete at the last sample of mel frame `last` of model 0. */
static int64_t complete(const band *b, uint32_t m, int64_t last) {
    const tagnode_frontend_settings *clock = &b->card[0].frontend, *own = &b->card[m].frontend;
    const int64_t end = (last * clock->hop + reach_of(clock)) * own->sample_rate;
    int64_t count = 0;
    while ((count * own->hop + reach_of(own)) * clock->sample_rate <= end) ++count;
    return count;
}

static bool has_window(const band *b, uint32_t m, int64_t frames) {
    return frames >= (b->card[m].silence_before ? 1 : PATCH);
}

/* The patch of model m that ends after so many mel frames. */
static void patch_of(const band *b, uint32_t m, int64_t frames, float *patch) {
    for (int64_t i = 0; i < PATCH; ++i) {
        const int64_t index = frames - PATCH + i;
        const float *mel = index < 0 ? b->silence[m] : b->mel[m] + index * BANDS;
        memcpy(patch + i * BANDS, mel, BANDS * sizeof *patch);
    }
}

static void listen(band *b, const float *signal, size_t length) {
    for (uint32_t m = 0; m < b->count; ++m) {
        CHECK(tagnode_frontend_create(&b->card[m].frontend, b->rate, 1, &b->frontend[m], NULL) ==
              TAGNODE_OK);
        const size_t room = tagnode_frontend_capacity(b->frontend[m], length);
        b->mel[m] = calloc(room * BANDS, sizeof(float));
        b->silence[m] = calloc(BANDS, sizeof(float));
        if (b->mel[m] == NULL || b->silence[m] == NULL) abort();
        tagnode_frontend_silence(b->frontend[m], b->silence[m]);
        b->mels[m] = tagnode_frontend_process(b->frontend[m], &signal, length, b->mel[m]);
    }
}

/* ---- the node ---- */

typedef struct {
    tagnode_frame frame[MOST_FRAMES];
    float values[MOST_FRAMES][MOST * VALUES];
    size_t count;
} outcome;

static void play(tagnode *node, const float *input, uint32_t frames, uint32_t models, outcome *got)
    TAGNODE_NONBLOCKING {
    tagnode_process(node, &input, frames);
    float values[MOST * VALUES];
    while (got->count < MOST_FRAMES &&
           tagnode_read(node, &got->frame[got->count], values, NULL, 1) == 1)
        memcpy(got->values[got->count++], values, (size_t)models * VALUES * sizeof *values);
}

/* The last mel frame of model 0 at a tick. */
static int64_t last_at(uint32_t hop, int64_t tick) {
    return (PATCH - 1) % hop + tick * hop;
}

/* The tick whose window is the last of model m at a tick: one of its turns is at the first full
 * window. Negative: there is none yet. */
static int64_t turn_of(const band *b, uint32_t m, uint32_t hop, int64_t tick) {
    const int64_t every = b->every[m];
    int64_t full = 0;
    while (complete(b, m, last_at(hop, full)) < PATCH) ++full;
    return tick < full % every ? -1 : tick - (tick - full % every) % every;
}

static void check_frame(const band *b, tagnode *node, const outcome *got, size_t tick,
                        int64_t length) {
    const uint32_t hop = tagnode_hop_frames(node);
    const int64_t last = last_at(hop, (int64_t)tick);
    const tagnode_latency latency = tagnode_get_latency(node);
    const int64_t end = tagnode_frontend_ready(b->frontend[0], last) - latency.resampler;
    int64_t start = INT64_MAX;
    bool full = true;
    for (uint32_t m = 0; m < b->count; ++m) {
        const int64_t turn = turn_of(b, m, hop, (int64_t)tick);
        const int64_t frames = turn < 0 ? 0 : complete(b, m, last_at(hop, turn));
        const int64_t begin = tagnode_frontend_begin(b->frontend[m], frames - PATCH);
        start = begin < start ? begin : start;
        full = full && has_window(b, m, frames);
        CHECK(frames <= (int64_t)b->mels[m] || end + latency.total > length);
    }
    const tagnode_frame *frame = &got->frame[tick];
    CHECK(frame->end == end && frame->emitted == end + latency.total);
    CHECK(frame->start == (start > 0 ? start : 0));
    CHECK(frame->state == (full ? TAGNODE_FRESH : TAGNODE_WARMING));
    CHECK((last + 1 >= (int64_t)tagnode_first_frames(node)) == full);
    for (uint32_t m = 0; full && m < b->count; ++m) {
        float patch[PATCH * BANDS], values[VALUES], embedding[EMBEDDING];
        float *const outputs[] = {values, embedding};
        patch_of(b, m, complete(b, m, last_at(hop, turn_of(b, m, hop, (int64_t)tick))), patch);
        CHECK(tagnode_model_run(b->model[m], patch, outputs, NULL) == TAGNODE_OK);
        if (!CHECK(memcmp(values, got->values[tick] + (size_t)m * VALUES, sizeof values) == 0))
            fprintf(stderr, "model %u, tick %zu, %u Hz, hop %g, blocks of %u\n", m, tick, b->rate,
                    b->hop_seconds, b->block);
    }
}

static void check_band(band *b, const float *signal, size_t length) {
    static outcome got;
    tagnode *node = NULL;
    tagnode_message why = {""};
    const tagnode_setup setup = {.sample_rate = b->rate,
                                 .channels = 1,
                                 .max_frames = MOST_BLOCK,
                                 .hop = b->hop_seconds,
                                 .compute_latency = -1,
                                 .embedding = -1,
                                 .queue = MOST_FRAMES,
                                 .offline = true};
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    const tagnode_parts parts = {.models = b->model, .model_count = b->count, .every = b->every};
    if (!CHECK(tagnode_prepare(node, &parts, &setup, &why) == TAGNODE_OK)) {
        fprintf(stderr, "the message is: %s\n", why.text);
        exit(EXIT_FAILURE);
    }
    CHECK(tagnode_value_count(node) == b->count * VALUES);
    for (int round = 0; round < 2; ++round) { /* and once more after a reset */
        uint32_t random = b->block + 7;
        got.count = 0;
        for (size_t at = 0; at < length;) {
            size_t size = b->block != 0 ? b->block : next_number(&random) % 3000;
            if (size > length - at) size = length - at;
            play(node, signal + at, (uint32_t)size, b->count, &got);
            at += size;
        }
        for (size_t tick = 0; tick < got.count; ++tick)
            check_frame(b, node, &got, tick, (int64_t)length);
        const tagnode_counters counters = tagnode_get_counters(node);
        CHECK(counters.late + counters.held + counters.overruns + counters.dropped == 0);
        CHECK(got.count > 1 && counters.fresh > 0);
        tagnode_reset(node);
    }
    tagnode_destroy(node);
}

/* Models `first`, `second` ... of card_number(); bit m of `silence`: silence_before; `every` may be
 * NULL: 1. */
static void check_hops(const uint32_t *numbers, uint32_t count, uint32_t silence, uint32_t rate,
                       double hop, const uint32_t *every, uint32_t block) {
    static fake fakes[MOST];
    band b = {.count = count, .rate = rate, .hop_seconds = hop, .block = block};
    for (uint32_t m = 0; m < count; ++m) b.every[m] = every == NULL ? 1 : every[m];
    const size_t length = (size_t)rate * LENGTH_MS / 1000;
    float *signal = white_noise(length, rate + block);
    for (uint32_t m = 0; m < count; ++m) {
        b.card[m] = card_number(numbers[m] % 10);
        b.card[m].silence_before = silence >> m & 1;
        b.model[m] = numbers[m] >= 10 ? fake_model(&fakes[m], &b.card[m])
                                      : model_of((int)(m % MODELS), &b.card[m]);
    }
    listen(&b, signal, length);
    check_band(&b, signal, length);
    for (uint32_t m = 0; m < count; ++m) {
        tagnode_model_release(b.model[m]);
        tagnode_frontend_destroy(b.frontend[m]);
        free(b.mel[m]);
        free(b.silence[m]);
    }
    free(signal);
}

static void check_models(const uint32_t *numbers, uint32_t count, uint32_t silence, uint32_t rate,
                         double hop, uint32_t block) {
    check_hops(numbers, count, silence, rate, hop, NULL, block);
}

static void test_each_model_has_its_own_front_end(void) {
    const uint32_t sets[][MOST] = {{0, 1, 2}, {1, 0, 3}, {2, 1, 0, 2, 1, 3}, {4, 0, 1}, {3, 4, 1}};
    const uint32_t counts[] = {3, 3, 6, 3, 3};
    const double hops[] = {0.008, 0.05, 0.1, 0.013, 0.2};
    uint32_t turn = 0;
    for (size_t s = 0; s < 5; ++s)
        for (size_t h = 0; h < 5; ++h, ++turn) {
            const uint32_t rate = RATES[turn * 3 % RATE_COUNT];
            check_models(sets[s], counts[s], 0, rate, hops[h], BLOCKS[1 + turn % 6]);
        }
}

static void test_silence_before_a_stream(void) {
    const uint32_t set[] = {0, 1, 2, 4};
    const double hops[] = {0.008, 0.05, 0.1};
    for (uint32_t silence = 1; silence < 16; ++silence)
        check_models(set, 4, silence, RATES[silence % RATE_COUNT], hops[silence % 3],
                     BLOCKS[1 + silence % 6]);
}

/* Numbers from 10 on are models of the worker. */
static void test_models_on_threads_of_their_own(void) {
    const uint32_t sets[][MOST] = {{0, 11, 2}, {11, 0}, {12, 14, 10}, {0, 14}};
    const uint32_t counts[] = {3, 2, 3, 2};
    const double hops[] = {0.02, 0.1};
    for (uint32_t turn = 0; turn < 16; ++turn)
        check_models(sets[turn % 4], counts[turn % 4], turn / 8 ? 7 : 0, RATES[turn % RATE_COUNT],
                     hops[turn / 4 % 2], BLOCKS[2 + turn % 5]);
}

static void test_each_model_has_its_own_hop(void) {
    const uint32_t sets[][MOST] = {{0, 1, 2, 4}, {0, 0, 3, 0}, {1, 0, 14, 1}, {10, 0, 12, 11}};
    const uint32_t every[][MOST] = {{1, 3, 5, 2}, {4, 1, 7, 1}, {2, 2, 9, 1}, {3, 1, 2, 8}};
    const double hops[] = {0.008, 0.05, 0.013};
    for (uint32_t turn = 0; turn < 48; ++turn)
        check_hops(sets[turn % 4], 4, turn / 4 % 3 * 5, RATES[turn % RATE_COUNT],
                   hops[turn / 4 % 3], every[turn / 12], BLOCKS[1 + turn % 6]);
}

static void test_wrong_hops_are_refused(void) {
    const tagnode_card card = card_number(0);
    tagnode_model *model = model_of(0, &card);
    const uint32_t wrong[] = {0, 12001, 4000000000U};
    const tagnode_setup setup = {.sample_rate = 16000,
                                 .channels = 1,
                                 .max_frames = 64,
                                 .hop = 0.05,
                                 .compute_latency = -1,
                                 .embedding = -1,
                                 .queue = 2};
    for (size_t i = 0; i < 3; ++i) {
        tagnode *node = NULL;
        tagnode_message why = {""};
        const tagnode_parts parts = {.models = &model, .model_count = 1, .every = &wrong[i]};
        CHECK(tagnode_create(&node) == TAGNODE_OK);
        CHECK(tagnode_prepare(node, &parts, &setup, &why) == TAGNODE_ERROR_ARGUMENT);
        CHECK(strstr(why.text, "Model 0 has a result at every") != NULL);
        tagnode_destroy(node);
    }
    tagnode_model_release(model);
}

static _Atomic bool gate_closed;
static _Atomic uint32_t begun, runs;

static void sleep_ms(int milliseconds) {
    const struct timespec time = {.tv_nsec = milliseconds * 1000000L};
    nanosleep(&time, NULL);
}

static int invoke_behind_a_gate(void *handle) {
    atomic_fetch_add(&begun, 1);
    while (atomic_load(&gate_closed)) sleep_ms(1);
    const int status = invoke(handle);
    atomic_fetch_add(&runs, 1);
    return status;
}

/* A result that comes after its first frame is in those that share it. */
static void test_a_late_result_is_in_the_rest_of_its_frames(void) {
    static fake self;
    const tagnode_card card = card_number(0);
    const tagnode_interpreter interpreter = {.invoke = invoke_behind_a_gate,
                                             .handle = &self,
                                             .input = self.input,
                                             .output = {self.values, self.embedding}};
    tagnode_model *model = NULL;
    CHECK(tagnode_model_from_interpreter(&interpreter, &card, &model, NULL) == TAGNODE_OK);
    const uint32_t every = 50;
    const tagnode_parts parts = {.models = &model, .model_count = 1, .every = &every};
    const tagnode_setup setup = {.sample_rate = 16000,
                                 .channels = 1,
                                 .max_frames = 100,
                                 .hop = 0.02,
                                 .compute_latency = 0.1,
                                 .embedding = -1,
                                 .queue = 64};
    tagnode *node = NULL;
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(tagnode_prepare(node, &parts, &setup, NULL) == TAGNODE_OK);
    float *signal = white_noise(16000, 9);
    tagnode_frame frame;
    float values[VALUES];
    atomic_store(&gate_closed, true);
    const uint32_t before = atomic_load(&runs), none = atomic_load(&begun);
    uint32_t held = 0, fresh = 0;
    for (size_t at = 0; at + 100 <= 16000 && fresh < 5; at += 100) {
        const float *input = signal + at;
        tagnode_process(node, &input, 100);
        const bool full = tagnode_get_counters(node).mel_frames >= PATCH; /* and not yet due */
        for (int i = 0; full && i < 5000 && atomic_load(&begun) == none; ++i) sleep_ms(1);
        while (tagnode_read(node, &frame, values, NULL, 1) == 1) {
            held += frame.state == TAGNODE_HELD;
            fresh += frame.state == TAGNODE_FRESH;
        }
        if (held != 3 || !atomic_load(&gate_closed)) continue;
        CHECK(fresh == 0);
        atomic_store(&gate_closed, false);
        for (int i = 0; i < 5000 && atomic_load(&runs) == before; ++i) sleep_ms(1);
        sleep_ms(20); /* until the worker has passed it on */
    }
    CHECK(held == 3 && fresh == 5);
    CHECK(memcmp(values, self.values, sizeof values) == 0);
    CHECK(tagnode_get_counters(node).late == 1);
    atomic_store(&gate_closed, false);
    tagnode_destroy(node);
    tagnode_model_release(model);
    free(signal);
}

/* A model without activations adds no values; its output 0 is an embedding as the others are. */
static void test_a_model_may_have_an_embedding_only(void) {
    tagnode_card cards[] = {card_number(0), card_number(1)};
    cards[0].embedding_only = true;
    tagnode_model *models[] = {model_of(0, &cards[0]), model_of(1, &cards[1])};
    const size_t length = 16000;
    float *signal = white_noise(length, 5);
    const tagnode_setup setup = {.sample_rate = 16000,
                                 .channels = 1,
                                 .max_frames = MOST_BLOCK,
                                 .hop = 0.05,
                                 .compute_latency = -1,
                                 .embedding = 0,
                                 .queue = 64};
    static tagnode_frame frames[2][64];
    static float values[2][64 * 2 * VALUES], embeddings[2][64 * VALUES];
    size_t count[2];
    for (int plain = 0; plain < 2; ++plain) {
        tagnode *node = NULL;
        tagnode_card same = cards[0];
        same.embedding_only = false;
        tagnode_model *first = model_of(0, &same);
        tagnode_model *given[] = {plain ? first : models[0], models[1]};
        CHECK(tagnode_create(&node) == TAGNODE_OK);
        CHECK(prepare_models(node, given, 2, &setup, NULL) == TAGNODE_OK);
        CHECK(tagnode_value_count(node) == (plain ? 2 * VALUES : VALUES));
        CHECK(tagnode_embedding_count(node) == VALUES);
        for (size_t at = 0; at < length; at += 500) {
            const float *input = signal + at;
            tagnode_process(node, &input, 500);
        }
        count[plain] = tagnode_read(node, frames[plain], values[plain], embeddings[plain], 64);
        tagnode_destroy(node);
        tagnode_model_release(first);
    }
    CHECK(count[0] == count[1] && count[0] > 10);
    CHECK(memcmp(embeddings[0], embeddings[1], count[0] * VALUES * sizeof(float)) == 0);
    for (size_t i = 0; i < count[0]; ++i)
        CHECK(memcmp(values[0] + i * VALUES, values[1] + (2 * i + 1) * VALUES,
                     VALUES * sizeof(float)) == 0);
    free(signal);
    for (int m = 0; m < 2; ++m) tagnode_model_release(models[m]);
}

static void test_a_swap_is_within_its_branch(void) {
    tagnode_card cards[] = {card_number(0), card_number(1)};
    tagnode_model *models[] = {model_of(0, &cards[0]), model_of(0, &cards[1])};
    tagnode_model *other = model_of(1, &cards[1]);
    tagnode_setup setup = tagnode_setup_default();
    setup.channels = 1;
    tagnode *node = NULL;
    tagnode_message why = {""};
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(tagnode_swap(node, 0, other, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(prepare_models(node, models, 2, &setup, NULL) == TAGNODE_OK);
    CHECK(tagnode_swap(node, 0, other, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, "another mel spectrogram"));
    CHECK(tagnode_swap(node, 2, other, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, "no model 2"));
    CHECK(tagnode_swap(node, 1, other, &why) == TAGNODE_OK);
    float *signal = white_noise(48000, 3);
    const float *input = signal;
    for (int i = 0; i < 8; ++i) tagnode_process(node, &input, 6000);
    CHECK(tagnode_get_counters(node).swaps == 1);
    tagnode_destroy(node);
    free(signal);
    tagnode_model_release(models[0]);
    tagnode_model_release(models[1]);
    tagnode_model_release(other);
}

int main(void) {
    if (!read_files()) return EXIT_FAILURE;
    test_each_model_has_its_own_front_end();
    test_silence_before_a_stream();
    test_models_on_threads_of_their_own();
    test_each_model_has_its_own_hop();
    test_wrong_hops_are_refused();
    test_a_late_result_is_in_the_rest_of_its_frames();
    test_a_model_may_have_an_embedding_only();
    test_a_swap_is_within_its_branch();
    free_files();
    return closing_line();
}
