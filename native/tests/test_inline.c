/* test_inline.c - the inline runtime in a node: every answer is that of its whole window computed
 * afresh, bit for bit and at its position, whatever the hop, the rate, the blocks and the input. So
 * it is with windows that begin with silence before the stream.
 *
 * The two small models are made by data/make.py. With TAGNODE_MODELS naming a folder that has
 * musicnn-mtt.tflite, the work of each callback is measured on that one too. */
#include <pthread.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "check.h"
#include "frontend/frontend.h"
#include "head_file.h"
#include "tagger/sliced.h"

enum {
    BANDS = 8,
    PATCH = 24,
    VALUES = 3,
    EMBEDDING = 5,
    MODEL_RATE = 16000,
    MEL_HOP = 128,
    MOST_BLOCK = 8192,
    MOST_ANSWERS = 1024,
    MODELS = 2
};

static const char *const NAMES[MODELS] = {"padded", "valid"};
static const uint32_t RATES[] = {8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000};
static const uint32_t BLOCKS[] = {1, 17, 64, 441, 512, MOST_BLOCK, 0}; /* 0: drawn for each */
enum { RATE_COUNT = sizeof RATES / sizeof *RATES, BLOCK_COUNT = sizeof BLOCKS / sizeof *BLOCKS };

typedef struct {
    unsigned char *bytes;
    size_t size;
} file;

typedef struct {
    float values[VALUES], embedding[EMBEDDING];
} answer;

static file files[MODELS];

/* ---- the audio thread ---- */

typedef struct {
    tagnode *node;
    size_t count;
    tagnode_frame frames[MOST_ANSWERS];
    float values[MOST_ANSWERS][VALUES], embeddings[MOST_ANSWERS][EMBEDDING];
    tagnode_counters counters;
    tagnode_latency latency;
    bool primed; /* answers from the first tick on */
} host;

static void callback(host *self, const float *input, uint32_t frames, bool reset)
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

/* Forgets what was before, then hears all of the signal. */
static void hear(host *self, const float *signal, size_t length, uint32_t block) {
    uint32_t random = 77;
    for (size_t at = 0; at < length;) {
        size_t size = block != 0 ? block : next_number(&random) % 3000;
        if (size > length - at) size = length - at;
        callback(self, signal + at, (uint32_t)size, at == 0);
        at += size;
    }
}

/* ---- the main thread ---- */

static file read_file(const char *folder, const char *name) {
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

static tagnode_card card_of(void) {
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

static tagnode_model *model_of(int which, const tagnode_card *card) {
    tagnode_model *model = NULL;
    tagnode_message why = {""};
    if (!CHECK(tagnode_model_load_inline(files[which].bytes, files[which].size, card, &model,
                                         &why) == TAGNODE_OK)) {
        fprintf(stderr, "the message is: %s\n", why.text);
        exit(EXIT_FAILURE);
    }
    return model;
}

static host *host_with(tagnode_model *model, const tagnode_card *card, uint32_t rate, uint32_t hop,
                       bool whole_windows) {
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

static host *host_of(tagnode_model *model, const tagnode_card *card, uint32_t rate, uint32_t hop) {
    return host_with(model, card, rate, hop, false);
}

static void host_destroy(host *self) {
    tagnode_destroy(self->node);
    free(self);
}

/* What is true of a signal: the mel frames, when each is there, and the answer to each patch. */
typedef struct {
    size_t length, mels, patches;
    float *mel;
    int64_t *ready;
    answer *answers; /* to the patch that begins at each mel frame */
    answer *early;   /* to the patch of silence that each of the first mel frames ends */
} truth;

/* A patch of silence, and room for another one. */
static float *silence_of(const tagnode_card *card, uint32_t rate) {
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

static void tell_early(truth *is, tagnode_model *model, const tagnode_card *card, uint32_t rate) {
    float *mel = silence_of(card, rate);
    const size_t count = is->mels < PATCH - 1 ? is->mels : PATCH - 1;
    memcpy(mel + (size_t)PATCH * BANDS, is->mel, count * BANDS * sizeof *mel);
    for (size_t i = 0; i < count; ++i) {
        float *const outputs[] = {is->early[i].values, is->early[i].embedding};
        CHECK(tagnode_model_run(model, mel + (i + 1) * BANDS, outputs, NULL) == TAGNODE_OK);
    }
    free(mel);
}

static truth truth_of(tagnode_model *model, const tagnode_card *card, uint32_t rate,
                      const float *signal, size_t length) {
    tagnode_frontend *frontend = NULL;
    CHECK(tagnode_frontend_create(&card->frontend, rate, 1, &frontend, NULL) == TAGNODE_OK);
    const size_t room = tagnode_frontend_capacity(frontend, length);
    truth is = {.length = length,
                .mel = calloc(room * BANDS, sizeof(float)),
                .ready = calloc(room, sizeof(int64_t)),
                .answers = calloc(room, sizeof(answer)),
                .early = calloc(PATCH, sizeof(answer))};
    if (is.mel == NULL || is.ready == NULL || is.answers == NULL || is.early == NULL) abort();
    is.mels = tagnode_frontend_process(frontend, &signal, length, is.mel);
    is.patches = is.mels < PATCH ? 0 : is.mels - PATCH + 1;
    for (size_t i = 0; i < is.mels; ++i) is.ready[i] = tagnode_frontend_ready(frontend, (int64_t)i);
    for (size_t i = 0; i < is.patches; ++i) {
        float *const outputs[] = {is.answers[i].values, is.answers[i].embedding};
        CHECK(tagnode_model_run(model, is.mel + i * BANDS, outputs, NULL) == TAGNODE_OK);
    }
    if (card->silence_before) tell_early(&is, model, card, rate);
    tagnode_frontend_destroy(frontend);
    return is;
}

static void truth_free(truth *is) {
    free(is->mel);
    free(is->ready);
    free(is->answers);
    free(is->early);
}

static bool equals(const host *self, size_t index, const answer *is) {
    return memcmp(self->values[index], is->values, sizeof is->values) == 0 &&
           memcmp(self->embeddings[index], is->embedding, sizeof is->embedding) == 0;
}

/* How many things about what was heard are wrong: positions, states, values, missing or surplus
 * frames, counters. */
static size_t mistakes(const host *self, const truth *is, uint32_t hop) {
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
                !equals(self, tick, whole ? &is->answers[frame + 1 - PATCH] : &is->early[frame]);
        fresh += full;
        ++tick;
    }
    wrong += self->count != tick;
    wrong += counters->fresh != fresh || counters->position != (int64_t)is->length;
    wrong += latency.total != latency.resampler + latency.compute;
    return wrong + counters->late + counters->held + counters->failures + counters->dropped;
}

/* ---- bit for bit ---- */

/* All hops and blocks at the rate of that index, by the model of that name. */
static void check_whole_windows(tagnode_model *model, const tagnode_card *card, const char *name,
                                size_t rate) {
    const uint32_t hops[] = {1, 2, 5, 7, 11, 12, 13, 17, 23, PATCH};
    const size_t length = RATES[rate] * 6 / 10;
    float *signal = white_noise(length, 3);
    truth is = truth_of(model, card, RATES[rate], signal, length);
    for (size_t h = 0; h < sizeof hops / sizeof *hops; ++h) {
        host *self = host_of(model, card, RATES[rate], hops[h]);
        for (size_t b = 0; b < BLOCK_COUNT; ++b) {
            if ((b + rate + h) % 3 != 0 && BLOCKS[b] < 441) continue; /* a third of the slow */
            hear(self, signal, length, BLOCKS[b]);
            if (!CHECK(mistakes(self, &is, hops[h]) == 0))
                fprintf(stderr, "%s%s, %u Hz, hop %u, blocks of %u\n", name,
                        card->silence_before ? " after silence" : "", RATES[rate], hops[h],
                        BLOCKS[b]);
            CHECK(self->counters.fresh > 0);
        }
        host_destroy(self);
    }
    truth_free(&is);
    free(signal);
}

static void test_answers_are_those_of_whole_windows(void) {
    tagnode_card card = card_of();
    for (int m = 0; m < 2 * MODELS; ++m) {
        card.silence_before = m >= MODELS;
        tagnode_model *model = model_of(m % MODELS, &card);
        for (size_t r = 0; r < RATE_COUNT; ++r)
            check_whole_windows(model, &card, NAMES[m % MODELS], r);
        tagnode_model_release(model);
    }
}

static void test_any_mel_hop_even_of_one_sample(void) {
    const uint32_t mel_hops[] = {1, 3, 16, 64};
    const float *const noise = white_noise(MOST_BLOCK, 4);
    for (size_t i = 0; i < 4; ++i) {
        tagnode_card card = card_of();
        card.frontend.hop = mel_hops[i];
        card.silence_before = i < 2;
        tagnode_model *model = model_of((int)(i % MODELS), &card);
        const uint32_t rates[] = {8000, 16000, 48000};
        for (size_t r = 0; r < 3; ++r) {
            const size_t length = 200 + mel_hops[i] * (size_t)40 * rates[r] / MODEL_RATE;
            truth is = truth_of(model, &card, rates[r], noise, length);
            for (uint32_t hop = 1; hop <= PATCH; hop += 5) {
                host *self = host_of(model, &card, rates[r], hop);
                for (size_t b = 0; b < BLOCK_COUNT; ++b) {
                    hear(self, noise, length, BLOCKS[b]);
                    if (!CHECK(mistakes(self, &is, hop) == 0))
                        fprintf(stderr, "mel hop %u, %u Hz, hop %u, blocks of %u\n", mel_hops[i],
                                rates[r], hop, BLOCKS[b]);
                }
                host_destroy(self);
            }
            truth_free(&is);
        }
        tagnode_model_release(model);
    }
    free((void *)noise);
}

static void test_reset_in_the_middle_of_a_window(void) {
    const size_t length = 6000;
    tagnode_card card = card_of();
    float *before = white_noise(length, 8), *after = white_noise(length, 9);
    for (int m = 0; m < 2 * MODELS; ++m) {
        card.silence_before = m >= MODELS;
        tagnode_model *model = model_of(m % MODELS, &card);
        truth is = truth_of(model, &card, MODEL_RATE, after, length);
        for (uint32_t hop = 1; hop <= PATCH; hop += 11) {
            host *self = host_of(model, &card, MODEL_RATE, hop);
            for (size_t heard = 1; heard < length; heard += 211) {
                hear(self, before, heard, 64);
                hear(self, after, length, 441);
                CHECK(mistakes(self, &is, hop) == 0);
            }
            host_destroy(self);
        }
        truth_free(&is);
        tagnode_model_release(model);
    }
    free(before);
    free(after);
}

/* ---- silence before the stream ---- */

static void check_after_silence(tagnode_model *model, const tagnode_card *card, uint32_t hop,
                                uint32_t block) {
    const size_t length = 8000, before = (size_t)MEL_HOP * hop * (PATCH / hop + 1);
    float *signal = calloc(before + length, sizeof *signal), *noise = white_noise(length, hop);
    if (signal == NULL) abort();
    memcpy(signal + before, noise, length * sizeof *noise);
    host *self = host_of(model, card, MODEL_RATE, hop);
    host *whole = host_with(model, card, MODEL_RATE, hop, true);
    hear(self, noise, length, block);
    hear(whole, signal, before + length, block);
    const size_t ticks = before / MEL_HOP / hop;
    CHECK(self->count > PATCH / hop && whole->count == self->count + ticks);
    for (size_t i = 0; i < self->count; ++i) {
        CHECK(self->frames[i].state == TAGNODE_FRESH);
        CHECK(whole->frames[i + ticks].state == TAGNODE_FRESH);
        CHECK(whole->frames[i + ticks].emitted == self->frames[i].emitted + (int64_t)before);
        CHECK(memcmp(self->values[i], whole->values[i + ticks], sizeof self->values[i]) == 0);
        CHECK(memcmp(self->embeddings[i], whole->embeddings[i + ticks],
                     sizeof self->embeddings[i]) == 0);
    }
    CHECK(self->counters.late + whole->counters.late == 0);
    host_destroy(self);
    host_destroy(whole);
    free(signal);
    free(noise);
}

/* Digital silence that was heard and silence that is taken for what was before: the same. */
static void test_silence_before_a_stream_is_silence_that_was_heard(void) {
    const tagnode_log logs[] = {TAGNODE_LOG_LOG10_1P, TAGNODE_LOG_OFFSET, TAGNODE_LOG_DB,
                                TAGNODE_LOG_NONE};
    const double parameters[] = {10000, 0.01, 1e-9, 0};
    for (int m = 0; m < MODELS; ++m)
        for (int l = 0; l < 4; ++l) {
            tagnode_card card = card_of();
            card.silence_before = true;
            card.frontend.log = logs[l];
            card.frontend.log_parameter = parameters[l];
            tagnode_model *model = model_of(m, &card);
            for (uint32_t hop = 1; hop <= PATCH; ++hop)
                check_after_silence(model, &card, hop, BLOCKS[hop % BLOCK_COUNT]);
            tagnode_model_release(model);
        }
}

static void test_whole_windows_are_what_a_card_without_the_flag_gives(void) {
    const size_t length = 8000;
    tagnode_card card = card_of();
    card.silence_before = true;
    float *signal = white_noise(length, 6);
    for (int m = 0; m < MODELS; ++m) {
        tagnode_model *model = model_of(m, &card);
        truth is = truth_of(model, &card, MODEL_RATE, signal, length);
        for (uint32_t hop = 1; hop <= PATCH; ++hop) {
            host *self = host_with(model, &card, MODEL_RATE, hop, true);
            hear(self, signal, length, 441);
            CHECK(mistakes(self, &is, hop) == 0);
            host_destroy(self);
        }
        truth_free(&is);
        tagnode_model_release(model);
    }
    free(signal);
}

/* Two models with cards that say `first` and `second`. After `at` samples the second one takes the
 * first one's place, with its own first window: at the beginning at once if that may be silence. */
static void check_swap(bool first, bool second, size_t at, uint32_t hop) {
    const size_t length = 12000;
    tagnode_card cards[] = {card_of(), card_of()};
    cards[0].silence_before = first;
    cards[1].silence_before = second;
    tagnode_model *models[] = {model_of(0, &cards[0]), model_of(1, &cards[1])};
    float *signal = white_noise(length, 7);
    truth is[] = {truth_of(models[0], &cards[0], MODEL_RATE, signal, length),
                  truth_of(models[1], &cards[1], MODEL_RATE, signal, length)};
    host *self = host_of(models[0], &cards[0], MODEL_RATE, hop);
    if (at > 0) callback(self, signal, (uint32_t)at, false);
    CHECK(tagnode_swap(self->node, 0, models[1], NULL) == TAGNODE_OK);
    for (size_t done = at; done < length; done += 100)
        callback(self, signal + done, (uint32_t)(length - done < 100 ? length - done : 100), false);
    size_t heard = 0, news = 0; /* mel frames before the swap, answers after it */
    while (is[0].ready[heard] <= (int64_t)at) ++heard;
    for (size_t i = 0; i < self->count; ++i) {
        const size_t ends = (PATCH - 1) % hop + 1 + i * hop; /* mel frames */
        const bool whole = ends >= PATCH;
        const int which = (whole && ends - PATCH >= heard) || (heard == 0 && second);
        const bool full = whole || cards[which].silence_before;
        CHECK(self->frames[i].state == (full ? TAGNODE_FRESH : TAGNODE_WARMING));
        if (full)
            CHECK(equals(self, i,
                         whole ? &is[which].answers[ends - PATCH] : &is[which].early[ends - 1]));
        news += (size_t)which;
    }
    CHECK(news > 1 && self->counters.swaps == 1 && self->counters.late == 0);
    self->primed = second; /* after a reset it begins as any other */
    hear(self, signal, length, 64);
    CHECK(mistakes(self, &is[1], hop) == 0);
    host_destroy(self);
    for (int i = 0; i < 2; ++i) {
        truth_free(&is[i]);
        tagnode_model_release(models[i]);
    }
    free(signal);
}

static void test_what_is_swapped_in_begins_with_what_it_hears(void) {
    const uint32_t hops[] = {2, 7, 12};
    for (int h = 0; h < 3; ++h)
        for (int cards = 0; cards < 4; ++cards) {
            check_swap(cards & 1, cards & 2, 0, hops[h]);
            check_swap(cards & 1, cards & 2, 100, hops[h]);
            check_swap(cards & 1, cards & 2, 300, hops[h]);
            check_swap(cards & 1, cards & 2, 5000, hops[h]);
        }
}

typedef struct {
    host *self[8];
    truth is[8];
    float *signal[8];
    uint32_t hop[8];
    size_t wrong;
} band; /* of hosts on one thread */

static void *play(void *context) {
    band *all = context;
    for (size_t at = 0; at < all->is[7].length; at += 64)
        for (size_t i = 0; i < 8; ++i) {
            const size_t left = at < all->is[i].length ? all->is[i].length - at : 0;
            if (left > 0)
                callback(all->self[i], all->signal[i] + at, (uint32_t)(left < 64 ? left : 64),
                         false);
        }
    for (size_t i = 0; i < 8; ++i) all->wrong += mistakes(all->self[i], &all->is[i], all->hop[i]);
    return NULL;
}

static void test_32_nodes_with_one_model_on_four_threads(void) {
    static band bands[4];
    pthread_t threads[4];
    tagnode_card card = card_of();
    card.silence_before = true;
    tagnode_model *model = model_of(0, &card);
    for (uint32_t t = 0; t < 4; ++t)
        for (uint32_t i = 0; i < 8; ++i) {
            const size_t length = RATES[i] / 2;
            bands[t].signal[i] = white_noise(length, 8 * t + i + 1);
            bands[t].is[i] = truth_of(model, &card, RATES[i], bands[t].signal[i], length);
            bands[t].hop[i] = (8 * t + i) % PATCH + 1;
            bands[t].self[i] = host_of(model, &card, RATES[i], bands[t].hop[i]);
        }
    for (size_t t = 0; t < 4; ++t) CHECK(pthread_create(&threads[t], NULL, play, &bands[t]) == 0);
    for (size_t t = 0; t < 4; ++t) {
        CHECK(pthread_join(threads[t], NULL) == 0);
        CHECK(bands[t].wrong == 0);
        for (size_t i = 0; i < 8; ++i) {
            host_destroy(bands[t].self[i]);
            truth_free(&bands[t].is[i]);
            free(bands[t].signal[i]);
        }
    }
    tagnode_model_release(model);
}

/* ---- hours ---- */

static size_t bytes_in_use(void) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

/* The same second or so again and again, a whole number of mel frames and of hops. */
static void test_nothing_drifts_or_grows_in_two_hours(void) {
    enum { HOP = 4, PERIOD = 32 / HOP };
    static answer first[PERIOD];
    tagnode_card card = card_of();
    card.frontend.sample_rate = 8000;
    card.frontend.hop = 256;
    card.frontend.fmax = 4000;
    tagnode_model *model = model_of(0, &card);
    host *self = host_of(model, &card, 8000, HOP);
    float *noise = white_noise(MOST_BLOCK, 10);
    const int64_t blocks = (int64_t)2 * 3600 * 8000 / MOST_BLOCK;
    int64_t ticks = 0, end = 0, wrong = 0;
    size_t before = 0;
    for (int64_t b = 0; b < blocks; ++b) {
        callback(self, noise, MOST_BLOCK, false);
        if (b == 4) before = bytes_in_use();
        for (size_t i = 0; i < self->count; ++i, ++ticks) {
            if (ticks == 0) end = self->frames[0].end;
            wrong += self->frames[i].end != end + ticks * HOP * 256;
            wrong += self->frames[i].emitted - self->frames[i].end != self->latency.total;
            answer *slot = &first[ticks % PERIOD];
            if (ticks >= 2 * PERIOD && ticks < 3 * PERIOD) {
                memcpy(slot->values, self->values[i], sizeof slot->values);
                memcpy(slot->embedding, self->embeddings[i], sizeof slot->embedding);
            } else if (ticks >= 3 * PERIOD) {
                wrong += !equals(self, i, slot);
            }
        }
        self->count = 0;
    }
    CHECK(wrong == 0);
    CHECK(bytes_in_use() == before);
    CHECK(self->counters.position == blocks * MOST_BLOCK);
    CHECK(self->counters.mel_frames == (uint64_t)blocks * MOST_BLOCK / 256);
    CHECK(ticks > blocks * PERIOD - 10);
    CHECK(self->counters.late + self->counters.held + self->counters.dropped == 0);
    host_destroy(self);
    free(noise);
    tagnode_model_release(model);
}

/* ---- what a window hears ---- */

/* An event as loud as lets the outermost sample of a Hann window be told from silence. */
static const float LOUD = 1e9F;

static void check_step(const host *self, int64_t at, const answer *silence) {
    bool heard = false;
    for (size_t i = 0; i < self->count; ++i) {
        const tagnode_frame *frame = &self->frames[i];
        if (frame->state != TAGNODE_FRESH) continue;
        if (frame->end + self->latency.resampler <= at) CHECK(equals(self, i, silence));
        if (frame->end > at && !heard) {
            heard = true;
            CHECK(!equals(self, i, silence));
        }
    }
    CHECK(heard);
}

/* `apart`: input samples between two of the model's. */
static void check_impulse(const host *self, int64_t at, int64_t apart, const answer *silence) {
    for (size_t i = 0; i < self->count; ++i) {
        const tagnode_frame *frame = &self->frames[i];
        const int64_t reach = self->latency.resampler;
        if (frame->state != TAGNODE_FRESH) continue;
        if (frame->end + reach <= at || frame->start > at + reach)
            CHECK(equals(self, i, silence));
        else if (frame->start + apart < at && at < frame->end)
            CHECK(!equals(self, i, silence));
    }
}

static void test_a_window_hears_what_it_says_it_hears(void) {
    const uint32_t rates[] = {8000, 16000, 44100, 192000}, blocks[] = {64, 441, MOST_BLOCK};
    const tagnode_card card = card_of();
    uint32_t random = 5;
    for (int m = 0; m < MODELS; ++m) {
        tagnode_model *model = model_of(m, &card);
        for (size_t r = 0; r < 4; ++r) {
            const size_t length = rates[r];
            float *signal = calloc(length, sizeof *signal), *noise = white_noise(length, 11);
            truth is = truth_of(model, &card, rates[r], signal, rates[r] / 3);
            for (uint32_t turn = 0; turn < 24; ++turn) {
                const uint32_t hop = (uint32_t[]){1, 5, PATCH}[turn % 3];
                host *self = host_of(model, &card, rates[r], hop);
                const size_t at = next_number(&random) % (length * 6 / 10);
                memset(signal, 0, length * sizeof *signal);
                signal[at] = LOUD;
                hear(self, signal, length, blocks[turn / 3 % 3]);
                check_impulse(self, (int64_t)at, rates[r] / MODEL_RATE + 2, &is.answers[0]);
                for (size_t i = at + 1; i < length; ++i) signal[i] = LOUD * noise[i];
                hear(self, signal, length, blocks[turn / 3 % 3]);
                check_step(self, (int64_t)at, &is.answers[0]);
                host_destroy(self);
            }
            truth_free(&is);
            free(signal);
            free(noise);
        }
        tagnode_model_release(model);
    }
}

static float odd_sample(unsigned kind, size_t i) {
    switch (kind) {
    case 0: return 0;
    case 1: return i / 80 % 2 == 0 ? 1.0F : -1.0F;
    case 2: return i % 2 == 0 ? 1.0F : -1.0F;
    case 3: return i % 3 == 0 ? 1e-41F : -1e-39F;
    case 4: return i % 7 == 0 ? NAN : 0.5F;
    case 5: return i % 5 == 0 ? INFINITY : -3e38F;
    default: return i / 700 % 2 == 0 ? 3e38F : 1e-30F;
    }
}

static void test_no_input_gives_what_is_not_a_number(void) {
    const size_t length = 16000;
    const tagnode_card card = card_of();
    float *signal = calloc(length, sizeof *signal);
    for (int m = 0; m < MODELS; ++m) {
        tagnode_model *model = model_of(m, &card);
        for (unsigned kind = 0; kind < 7; ++kind)
            for (size_t r = 0; r < RATE_COUNT; r += 2) {
                for (size_t i = 0; i < length; ++i) signal[i] = odd_sample(kind, i);
                truth is = truth_of(model, &card, RATES[r], signal, length);
                host *self = host_of(model, &card, RATES[r], 5);
                hear(self, signal, length, 64);
                CHECK(mistakes(self, &is, 5) == 0);
                for (size_t i = 0; i < self->count; ++i)
                    for (int v = 0; v < VALUES + EMBEDDING; ++v)
                        CHECK(isfinite(v < VALUES ? self->values[i][v]
                                                  : self->embeddings[i][v - VALUES]));
                host_destroy(self);
                truth_free(&is);
            }
        tagnode_model_release(model);
    }
    free(signal);
}

/* ---- files that are not what they should be ---- */

static void run_if_sound(const unsigned char *bytes, size_t size, unsigned *sound) {
    const tagnode_card card = card_of();
    static float patch[PATCH * BANDS];
    answer got;
    float *const outputs[] = {got.values, got.embedding};
    tagnode_model *model = NULL;
    tagnode_message why = {""};
    const tagnode_status status = tagnode_model_load_inline(bytes, size, &card, &model, &why);
    if (status == TAGNODE_OK) {
        ++*sound;
        CHECK(tagnode_model_run(model, patch, outputs, NULL) == TAGNODE_OK);
    } else {
        CHECK(status == TAGNODE_ERROR_MODEL || status == TAGNODE_ERROR_UNSUPPORTED);
        CHECK(model == NULL && says(&why, ""));
    }
    tagnode_model_release(model);
}

static void test_damaged_files_are_refused_or_harmless(void) {
    for (int m = 0; m < MODELS; ++m) {
        const size_t size = files[m].size;
        unsigned char *bytes = malloc(size);
        unsigned sound = 0;
        if (bytes == NULL) abort();
        for (size_t cut = 0; cut < size; cut += 13) {
            unsigned char *exact = malloc(cut + 1); /* so that a sanitizer sees the end */
            if (exact == NULL) abort();
            memcpy(exact, files[m].bytes, cut);
            run_if_sound(exact, cut, &sound);
            free(exact);
        }
        CHECK(sound == 0);
        memcpy(bytes, files[m].bytes, size);
        for (size_t at = 0; at < size; ++at) {
            bytes[at] ^= (unsigned char)(at % 3 == 0 ? 0x80 : at % 3 == 1 ? 0x01 : 0xff);
            run_if_sound(bytes, size, &sound);
            bytes[at] = files[m].bytes[at];
        }
        CHECK(sound > 0); /* weights may be anything */
        free(bytes);
    }
}

static void refuses(const tagnode_card *card, tagnode_status status, const char *part) {
    tagnode_model *model = NULL;
    tagnode_message why = {""};
    CHECK(tagnode_model_load_inline(files[0].bytes, files[0].size, card, &model, &why) == status);
    CHECK(model == NULL && says(&why, part));
}

static void test_cards_that_contradict_the_file_are_refused(void) {
    tagnode_card card = card_of();
    card.patch_frames = PATCH - 1;
    refuses(&card, TAGNODE_ERROR_MODEL, "23");
    card = card_of();
    card.frontend.bands = BANDS + 1;
    refuses(&card, TAGNODE_ERROR_MODEL, "9 bands");
    card.patch_frames = 8; /* as many numbers, in another shape */
    card.frontend.bands = PATCH;
    refuses(&card, TAGNODE_ERROR_MODEL, "24");
    card = card_of();
    card.output_size[1] = EMBEDDING + 1;
    refuses(&card, TAGNODE_ERROR_MODEL, "6");
    card = card_of();
    card.outputs = 3;
    card.output_size[2] = 1;
    refuses(&card, TAGNODE_ERROR_MODEL, "3");
    card = card_of();
    card.outputs = 0;
    refuses(&card, TAGNODE_ERROR_ARGUMENT, "outputs");
    card = card_of();
    card.patch_frames = 0;
    refuses(&card, TAGNODE_ERROR_ARGUMENT, "patch");
}

/* ---- bounded work ---- */

/* The work of each callback at 48 kHz in `hops` hops, once the first windows are done; from the
 * first callback on where silence counts for what was before. It may
 * be 1.18 times the mean, since results are wanted a little sooner than at the very last, and then
 * one part that cannot be divided. In models that are worth the trouble that is less than 1.5
 * times. */
static void check_work(const char *name, const file *bytes, const tagnode_card *card, double hop,
                       uint32_t block, uint32_t hops) {
    enum { RATE = 48000 };
    tagger_graph graph;
    tagnode_sliced *sliced = NULL;
    tagnode_frontend *frontend = NULL;
    const uint32_t mel_hop = card->frontend.hop, model_rate = card->frontend.sample_rate;
    const uint32_t frames = (uint32_t)(hop * model_rate / mel_hop + 0.5);
    const double frame_samples = (double)mel_hop * RATE / model_rate;
    CHECK(tagger_graph_read(bytes->bytes, bytes->size, &graph, NULL) == TAGNODE_OK);
    CHECK(tagnode_sliced_create(&graph, card, frames, frame_samples, &sliced, NULL) == TAGNODE_OK);
    CHECK(tagnode_sliced_start(sliced, tagnode_sliced_latency(sliced), 64, NULL) == TAGNODE_OK);
    const float silence[TAGNODE_MAX_BANDS] = {0};
    const uint32_t silent = card->patch_frames - 1 - (card->patch_frames - 1) % frames;
    if (card->silence_before)
        CHECK(tagnode_sliced_prime(sliced, silence, silent, NULL) == TAGNODE_OK);
    tagnode_sliced_reset(sliced, card->silence_before);
    CHECK(tagnode_frontend_create(&card->frontend, RATE, 1, &frontend, NULL) == TAGNODE_OK);
    float *mel = calloc(tagnode_frontend_capacity(frontend, block) * card->frontend.bands, 4);
    float *noise = white_noise(RATE + block, 12);
    const uint32_t warm = (uint32_t)((card->patch_frames + 2 * frames) * frame_samples / block);
    const uint32_t calls = warm + (uint32_t)(frames * frame_samples * hops / block);
    uint64_t most = 0, sum = 0, idle = 0;
    for (uint32_t i = 0; i < calls; ++i) {
        const float *input = noise + (size_t)i * block % RATE;
        const uint64_t before = tagnode_sliced_spent(sliced);
        const size_t mels = tagnode_frontend_process(frontend, &input, block, mel);
        for (size_t j = 0; j < mels; ++j)
            tagnode_sliced_push(sliced, mel + j * card->frontend.bands);
        tagnode_sliced_advance(sliced, block);
        const uint64_t work = tagnode_sliced_spent(sliced) - before;
        if (i >= warm || card->silence_before) most = work > most ? work : most;
        if (i < warm) continue;
        sum += work;
        idle += work == 0;
    }
    const double mean = (double)sum / (calls - warm);
    printf(
        "%s%s, hop %u mel frames, blocks of %u: %.0f multiply-adds a callback, %llu at most: %.2f "
        "times; "
        "%.0f %% rest\n",
        name, card->silence_before ? " after silence" : "", frames, block, mean,
        (unsigned long long)most, (double)most / mean, 100.0 * (double)idle / (calls - warm));
    tagger_plan plan;
    CHECK(tagger_plan_create(&graph, card->patch_frames, card->frontend.bands, kernels_select(),
                             &plan, NULL) == TAGNODE_OK);
    const uint32_t part = tagger_plan_cost(&plan).part;
    tagger_plan_destroy(&plan);
    CHECK((double)most <= 1.2 * mean + part);
    CHECK((double)most <= 1.5 * mean || mean < 3.0 * part); /* where parts are small */
    tagnode_frontend_destroy(frontend);
    tagnode_sliced_destroy(sliced);
    tagger_graph_free(&graph);
    free(mel);
    free(noise);
}

static void test_work_is_even_from_callback_to_callback(void) {
    tagnode_card card = card_of();
    for (int m = 0; m < 2 * MODELS; ++m) {
        card.silence_before = m >= MODELS;
        check_work(NAMES[m % MODELS], &files[m % MODELS], &card, 0.1, 64, 16);
        check_work(NAMES[m % MODELS], &files[m % MODELS], &card, 0.1, 1024, 64);
        check_work(NAMES[m % MODELS], &files[m % MODELS], &card, 0.192, 1024, 64);
    }
    const char *folder = getenv("TAGNODE_MODELS");
    file musicnn = {NULL, 0};
    if (folder != NULL) musicnn = read_file(folder, "musicnn-mtt");
    if (musicnn.bytes == NULL) {
        puts("skipped: the work of musicnn-mtt; TAGNODE_MODELS names the folder that has it");
        return;
    }
    tagnode_card real = {.frontend = {.sample_rate = 16000,
                                      .frame = 512,
                                      .fft = 512,
                                      .hop = 256,
                                      .bands = 96,
                                      .mel_norm = TAGNODE_NORM_SLANEY,
                                      .log = TAGNODE_LOG_LOG10_1P,
                                      .log_parameter = 10000,
                                      .fmax = 8000},
                         .patch_frames = 187,
                         .outputs = 4,
                         .output_size = {50, 50, 200, 200}};
    check_work("musicnn-mtt", &musicnn, &real, 0.1, 64, 20);
    check_work("musicnn-mtt", &musicnn, &real, 0.25, 64, 8);
    check_work("musicnn-mtt", &musicnn, &real, 1, 64, 2);
    check_work("musicnn-mtt", &musicnn, &real, 2.992, 64, 1);
    real.silence_before = true; /* as if it were one to say so */
    check_work("musicnn-mtt", &musicnn, &real, 0.1, 64, 20);
    check_work("musicnn-mtt", &musicnn, &real, 0.25, 64, 8);
    free(musicnn.bytes);
}

/* A head gives what it gives of the embedding in the same frame, in any blocks. */
static void heads_follow(tagnode_model *model, const tagnode_placed_head *placed, uint32_t block) {
    enum { LENGTH = 44100, SAID = 2 };
    const tagnode_setup setup = {.sample_rate = 44100,
                                 .channels = 1,
                                 .max_frames = MOST_BLOCK,
                                 .hop = 0.04,
                                 .embedding = 1,
                                 .queue = 16};
    const tagnode_parts parts = {
        .models = &model, .model_count = 1, .heads = placed, .head_count = 1};
    float *signal = white_noise(LENGTH, 9), values[VALUES + SAID], embedding[EMBEDDING];
    tagnode *node = NULL;
    tagnode_frame frame;
    size_t fresh = 0;
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(tagnode_prepare(node, &parts, &setup, NULL) == TAGNODE_OK);
    CHECK(tagnode_value_count(node) == VALUES + SAID);
    for (uint32_t at = 0; at + block <= LENGTH; at += block) {
        const float *input = signal + at;
        tagnode_process(node, &input, block);
        while (tagnode_read(node, &frame, values, embedding, 1) == 1) {
            float expected[SAID] = {0};
            if (frame.state == TAGNODE_FRESH) {
                ++fresh;
                CHECK(tagnode_head_run(placed->head, embedding, 1, expected, NULL) == TAGNODE_OK);
            }
            CHECK(memcmp(values + VALUES, expected, sizeof expected) == 0);
        }
    }
    CHECK(fresh > 10);
    tagnode_destroy(node);
    free(signal);
}

static void test_heads_speak_of_the_embedding_in_their_frame(void) {
    static head_file f;
    const tagnode_card card = card_of();
    begin_file(&f, 1);
    add_dense(&f, 2, EMBEDDING, 3);
    const tagnode_placed_head placed = {.head = head_of(&f), .output = 1};
    for (int which = 0; which < MODELS; ++which) {
        tagnode_model *model = model_of(which, &card);
        for (uint32_t block = 17; block < MOST_BLOCK; block *= 5)
            heads_follow(model, &placed, block);
        tagnode_model_release(model);
    }
    tagnode_head_release(placed.head);
}

int main(int count, char **arguments) {
    const char *only = count > 1 ? arguments[1] : "";
    for (int m = 0; m < MODELS; ++m) {
        files[m] = read_file(TAGNODE_TEST_DATA, NAMES[m]);
        if (files[m].bytes == NULL) {
            fprintf(stderr, "no %s.tflite in " TAGNODE_TEST_DATA "\n", NAMES[m]);
            return EXIT_FAILURE;
        }
    }
    if (strcmp(only, "work") != 0) {
        test_answers_are_those_of_whole_windows();
        test_any_mel_hop_even_of_one_sample();
        test_reset_in_the_middle_of_a_window();
        test_silence_before_a_stream_is_silence_that_was_heard();
        test_whole_windows_are_what_a_card_without_the_flag_gives();
        test_what_is_swapped_in_begins_with_what_it_hears();
        test_32_nodes_with_one_model_on_four_threads();
        test_nothing_drifts_or_grows_in_two_hours();
        test_a_window_hears_what_it_says_it_hears();
        test_no_input_gives_what_is_not_a_number();
        test_damaged_files_are_refused_or_harmless();
        test_cards_that_contradict_the_file_are_refused();
        test_heads_speak_of_the_embedding_in_their_frame();
    }
    test_work_is_even_from_callback_to_callback();
    for (int m = 0; m < MODELS; ++m) free(files[m].bytes);
    return closing_line();
}
