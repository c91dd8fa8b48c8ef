/* test_inline.c - the inline runtime in a node: every result is that of its whole window computed
 * from scratch, bit for bit and at its position, for any hop, rate, block size and input; also for
 * windows that start with silence before the stream. */
#include <pthread.h>

#include "head_file.h"
#include "inline_rig.h"
#include "node/ensemble.h"

/* ---- bit for bit ---- */

/* Tests all hops and blocks at the rate of that index, with the model of that name. */
static void check_whole_windows(tagnode_model *model, const tagnode_card *card, const char *name,
                                size_t rate) {
    const uint32_t hops[] = {1, 2, 5, 7, 11, 12, 13, 17, 23, PATCH};
    const size_t length = RATES[rate] * 6 / 10;
    float *signal = white_noise(length, 3);
    expected is = expected_of(model, card, RATES[rate], signal, length);
    for (size_t h = 0; h < sizeof hops / sizeof *hops; ++h) {
        host *self = host_of(model, card, RATES[rate], hops[h]);
        for (size_t b = 0; b < BLOCK_COUNT; ++b) {
            if ((b + rate + h) % 3 != 0 && BLOCKS[b] < 441)
                continue; /* a third of the slow cases */
            process(self, signal, length, BLOCKS[b]);
            if (!CHECK(mistakes(self, &is, hops[h]) == 0))
                fprintf(stderr, "%s%s, %u Hz, hop %u, blocks of %u\n", name,
                        card->silence_before ? " after silence" : "", RATES[rate], hops[h],
                        BLOCKS[b]);
            CHECK(self->counters.fresh > 0);
        }
        host_destroy(self);
    }
    expected_free(&is);
    free(signal);
}

static void test_results_match_whole_windows(void) {
    tagnode_card card = card_of();
    for (int m = 0; m < 2 * MODELS; ++m) {
        card.silence_before = m >= MODELS;
        tagnode_model *model = model_of(m % MODELS, &card);
        for (size_t r = 0; r < RATE_COUNT; ++r)
            check_whole_windows(model, &card, NAMES[m % MODELS], r);
        tagnode_model_release(model);
    }
}

/* Each patch is normalised by itself, and with it the windows that begin before the stream. */
static void test_normalised_patches_match_whole_windows(void) {
    for (unsigned norm = TAGNODE_PATCH_Z_SCORE; norm <= TAGNODE_PATCH_RELATIVE_DB; ++norm) {
        tagnode_card card = card_of();
        card.patch_norm = (tagnode_patch_norm)norm;
        card.patch_range = 3;
        card.silence_before = norm % 2 == 0;
        card.frontend.framing = (tagnode_framing)(norm / 2 % 2);
        tagnode_model *model = model_of((int)(norm / 2 % MODELS), &card);
        for (size_t r = norm % 2; r < RATE_COUNT; r += 2)
            check_whole_windows(model, &card, tagnode_patch_norm_name(norm), r);
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
            expected is = expected_of(model, &card, rates[r], noise, length);
            for (uint32_t hop = 1; hop <= PATCH; hop += 5) {
                host *self = host_of(model, &card, rates[r], hop);
                for (size_t b = 0; b < BLOCK_COUNT; ++b) {
                    process(self, noise, length, BLOCKS[b]);
                    if (!CHECK(mistakes(self, &is, hop) == 0))
                        fprintf(stderr, "mel hop %u, %u Hz, hop %u, blocks of %u\n", mel_hops[i],
                                rates[r], hop, BLOCKS[b]);
                }
                host_destroy(self);
            }
            expected_free(&is);
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
        card.patch_norm = m % MODELS == 0 ? TAGNODE_PATCH_NONE : TAGNODE_PATCH_Z_SCORE;
        tagnode_model *model = model_of(m % MODELS, &card);
        expected is = expected_of(model, &card, MODEL_RATE, after, length);
        for (uint32_t hop = 1; hop <= PATCH; hop += 11) {
            host *self = host_of(model, &card, MODEL_RATE, hop);
            for (size_t at = 1; at < length; at += 211) {
                process(self, before, at, 64);
                process(self, after, length, 441);
                CHECK(mistakes(self, &is, hop) == 0);
            }
            host_destroy(self);
        }
        expected_free(&is);
        tagnode_model_release(model);
    }
    free(before);
    free(after);
}

/* ---- silence before the stream ---- */

static void check_after_silence(tagnode_model *model, const tagnode_card *card, uint32_t hop,
                                uint32_t block) {
    const size_t length = 10000, before = (size_t)MEL_HOP * hop * (PATCH / hop + 1);
    float *signal = calloc(before + length, sizeof *signal), *noise = white_noise(length, hop);
    if (signal == NULL) abort();
    memcpy(signal + before, noise, length * sizeof *noise);
    host *self = host_of(model, card, MODEL_RATE, hop);
    host *whole = host_with(model, card, MODEL_RATE, hop, true);
    process(self, noise, length, block);
    process(whole, signal, before + length, block);
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

/* Digital silence as input, and silence assumed before the stream: the results are the same. */
static void test_silence_before_a_stream_equals_silent_input(void) {
    const tagnode_log logs[] = {TAGNODE_LOG_LOG10_1P, TAGNODE_LOG_OFFSET, TAGNODE_LOG_DB,
                                TAGNODE_LOG_NONE};
    const double parameters[] = {10000, 0.01, 1e-9, 0};
    for (int m = 0; m < MODELS; ++m)
        for (int l = 0; l < 4; ++l) {
            tagnode_card card = card_of();
            card.silence_before = true;
            card.patch_norm = l == 3 ? TAGNODE_PATCH_MAX : TAGNODE_PATCH_NONE;
            card.frontend.log = logs[l];
            card.frontend.log_parameter = parameters[l];
            tagnode_model *model = model_of(m, &card);
            for (uint32_t hop = 1; hop <= PATCH; ++hop)
                check_after_silence(model, &card, hop, BLOCKS[hop % BLOCK_COUNT]);
            tagnode_model_release(model);
        }
}

static void test_whole_windows_equals_a_card_without_silence_before(void) {
    const size_t length = 8000;
    tagnode_card card = card_of();
    card.silence_before = true;
    float *signal = white_noise(length, 6);
    for (int m = 0; m < MODELS; ++m) {
        tagnode_model *model = model_of(m, &card);
        expected is = expected_of(model, &card, MODEL_RATE, signal, length);
        for (uint32_t hop = 1; hop <= PATCH; ++hop) {
            host *self = host_with(model, &card, MODEL_RATE, hop, true);
            process(self, signal, length, 441);
            CHECK(mistakes(self, &is, hop) == 0);
            host_destroy(self);
        }
        expected_free(&is);
        tagnode_model_release(model);
    }
    free(signal);
}

/* Two models whose cards have silence_before as in `first` and `second`. After `at` samples the
 * second one replaces the first, with its own first window; at the beginning at once, if silence is
 * allowed there. */
static void check_swap(bool first, bool second, size_t at, uint32_t hop) {
    const size_t length = 12000;
    tagnode_card cards[] = {card_of(), card_of()};
    cards[0].silence_before = first;
    cards[1].silence_before = second;
    tagnode_model *models[] = {model_of(0, &cards[0]), model_of(1, &cards[1])};
    float *signal = white_noise(length, 7);
    expected is[] = {expected_of(models[0], &cards[0], MODEL_RATE, signal, length),
                     expected_of(models[1], &cards[1], MODEL_RATE, signal, length)};
    host *self = host_of(models[0], &cards[0], MODEL_RATE, hop);
    if (at > 0) callback(self, signal, (uint32_t)at, false);
    CHECK(tagnode_swap(self->node, 0, models[1], NULL) == TAGNODE_OK);
    for (size_t done = at; done < length; done += 100)
        callback(self, signal + done, (uint32_t)(length - done < 100 ? length - done : 100), false);
    size_t frames = 0, from_new = 0; /* mel frames before the swap, results after it */
    while (is[0].ready[frames] <= (int64_t)at) ++frames;
    for (size_t i = 0; i < self->count; ++i) {
        const size_t ends = (PATCH - 1) % hop + 1 + i * hop; /* mel frames */
        const bool whole = ends >= PATCH;
        const int which = (whole && ends - PATCH >= frames) || (frames == 0 && second);
        const bool full = whole || cards[which].silence_before;
        CHECK(self->frames[i].state == (full ? TAGNODE_FRESH : TAGNODE_WARMING));
        if (full)
            CHECK(equals(self, i,
                         whole ? &is[which].results[ends - PATCH] : &is[which].early[ends - 1]));
        from_new += (size_t)which;
    }
    CHECK(from_new > 1 && self->counters.swaps == 1 && self->counters.late == 0);
    self->primed = second; /* after a reset it starts as any other */
    process(self, signal, length, 64);
    CHECK(mistakes(self, &is[1], hop) == 0);
    host_destroy(self);
    for (int i = 0; i < 2; ++i) {
        expected_free(&is[i]);
        tagnode_model_release(models[i]);
    }
    free(signal);
}

static void test_a_swapped_model_starts_with_the_input_after_the_swap(void) {
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
    expected is[8];
    float *signal[8];
    uint32_t hop[8];
    size_t wrong;
} group; /* the hosts of one thread */

static void *play(void *context) {
    group *all = context;
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
    static group groups[4];
    pthread_t threads[4];
    tagnode_card card = card_of();
    card.silence_before = true;
    tagnode_model *model = model_of(0, &card);
    for (uint32_t t = 0; t < 4; ++t)
        for (uint32_t i = 0; i < 8; ++i) {
            const size_t length = RATES[i] / 2;
            groups[t].signal[i] = white_noise(length, 8 * t + i + 1);
            groups[t].is[i] = expected_of(model, &card, RATES[i], groups[t].signal[i], length);
            groups[t].hop[i] = (8 * t + i) % PATCH + 1;
            groups[t].self[i] = host_of(model, &card, RATES[i], groups[t].hop[i]);
        }
    for (size_t t = 0; t < 4; ++t) CHECK(pthread_create(&threads[t], NULL, play, &groups[t]) == 0);
    for (size_t t = 0; t < 4; ++t) {
        CHECK(pthread_join(threads[t], NULL) == 0);
        CHECK(groups[t].wrong == 0);
        for (size_t i = 0; i < 8; ++i) {
            host_destroy(groups[t].self[i]);
            expected_free(&groups[t].is[i]);
            free(groups[t].signal[i]);
        }
    }
    tagnode_model_release(model);
}

/* ---- the samples of a window ---- */

/* An event loud enough that even the outermost sample of a Hann window differs from silence. */
static const float LOUD = 1e9F;

static void check_step(const host *self, int64_t at, const result *silence) {
    bool depends = false;
    for (size_t i = 0; i < self->count; ++i) {
        const tagnode_frame *frame = &self->frames[i];
        if (frame->state != TAGNODE_FRESH) continue;
        if (frame->end + self->latency.resampler <= at) CHECK(equals(self, i, silence));
        if (frame->end > at && !depends) {
            depends = true;
            CHECK(!equals(self, i, silence));
        }
    }
    CHECK(depends);
}

/* `apart`: input samples between two samples at the model's rate. */
static void check_impulse(const host *self, int64_t at, int64_t apart, const result *silence) {
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

static void test_a_window_depends_on_exactly_its_samples(void) {
    const uint32_t rates[] = {8000, 16000, 44100, 192000}, blocks[] = {64, 441, MOST_BLOCK};
    const tagnode_card card = card_of();
    uint32_t random = 5;
    for (int m = 0; m < MODELS; ++m) {
        tagnode_model *model = model_of(m, &card);
        for (size_t r = 0; r < 4; ++r) {
            const size_t length = rates[r];
            float *signal = calloc(length, sizeof *signal), *noise = white_noise(length, 11);
            expected is = expected_of(model, &card, rates[r], signal, rates[r] / 3);
            for (uint32_t turn = 0; turn < 24; ++turn) {
                const uint32_t hop = (uint32_t[]){1, 5, PATCH}[turn % 3];
                host *self = host_of(model, &card, rates[r], hop);
                const size_t at = next_number(&random) % (length * 6 / 10);
                memset(signal, 0, length * sizeof *signal);
                signal[at] = LOUD;
                process(self, signal, length, blocks[turn / 3 % 3]);
                check_impulse(self, (int64_t)at, rates[r] / MODEL_RATE + 2, &is.results[0]);
                for (size_t i = at + 1; i < length; ++i) signal[i] = LOUD * noise[i];
                process(self, signal, length, blocks[turn / 3 % 3]);
                check_step(self, (int64_t)at, &is.results[0]);
                host_destroy(self);
            }
            expected_free(&is);
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

static void check_finite(tagnode_model *model, const tagnode_card *card, size_t rate,
                         const float *signal, size_t length) {
    expected is = expected_of(model, card, RATES[rate], signal, length);
    host *self = host_of(model, card, RATES[rate], 5);
    process(self, signal, length, 64);
    CHECK(mistakes(self, &is, 5) == 0);
    for (size_t i = 0; i < self->count; ++i)
        for (int v = 0; v < VALUES + EMBEDDING; ++v)
            CHECK(isfinite(v < VALUES ? self->values[i][v] : self->embeddings[i][v - VALUES]));
    host_destroy(self);
    expected_free(&is);
}

/* Each model as it is, then with normalised patches of no logarithm. */
static void test_no_input_gives_non_finite_results(void) {
    const size_t length = 16000;
    float *signal = calloc(length, sizeof *signal);
    for (int m = 0; m < 2 * MODELS; ++m) {
        tagnode_card card = card_of();
        if (m >= MODELS) card.frontend.log = TAGNODE_LOG_NONE;
        if (m >= MODELS) card.patch_norm = m % 2 ? TAGNODE_PATCH_Z_SCORE : TAGNODE_PATCH_MAX;
        tagnode_model *model = model_of(m % MODELS, &card);
        for (unsigned kind = 0; kind < 7; ++kind) {
            for (size_t i = 0; i < length; ++i) signal[i] = odd_sample(kind, i);
            for (size_t r = 0; r < RATE_COUNT; r += 2)
                check_finite(model, &card, r, signal, length);
        }
        tagnode_model_release(model);
    }
    free(signal);
}

/* ---- heads ---- */

/* A head's values are those of the embedding in the same frame, for any block size. */
static void heads_follow(tagnode_model *model, const tagnode_placed_head *placed, uint32_t block) {
    enum { LENGTH = 44100, HEAD_VALUES = 2 };
    const tagnode_setup setup = {.sample_rate = 44100,
                                 .channels = 1,
                                 .max_frames = MOST_BLOCK,
                                 .hop = 0.04,
                                 .embedding = 1,
                                 .queue = 16};
    const tagnode_parts parts = {
        .models = &model, .model_count = 1, .heads = placed, .head_count = 1};
    float *signal = white_noise(LENGTH, 9), values[VALUES + HEAD_VALUES], embedding[EMBEDDING];
    tagnode *node = NULL;
    tagnode_frame frame;
    size_t fresh = 0;
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(tagnode_prepare(node, &parts, &setup, NULL) == TAGNODE_OK);
    CHECK(tagnode_value_count(node) == VALUES + HEAD_VALUES);
    for (uint32_t at = 0; at + block <= LENGTH; at += block) {
        const float *input = signal + at;
        tagnode_process(node, &input, block);
        while (tagnode_read(node, &frame, values, embedding, 1) == 1) {
            float by_head[HEAD_VALUES] = {0};
            if (frame.state == TAGNODE_FRESH) {
                ++fresh;
                CHECK(tagnode_head_run(placed->head, embedding, 1, by_head, NULL) == TAGNODE_OK);
            }
            CHECK(memcmp(values + VALUES, by_head, sizeof by_head) == 0);
        }
    }
    CHECK(fresh > 10);
    tagnode_destroy(node);
    free(signal);
}

static void test_heads_match_the_embedding_in_their_frame(void) {
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

/* A part whose cost was underestimated: no work is done before the first result of any model is
 * due. It is finished then, counted, and the same. */
static void test_results_that_are_not_ready_are_late_and_right(void) {
    const tagnode_card card = card_of();
    tagnode_model *models[MODELS] = {model_of(0, &card), model_of(1, &card), model_of(2, &card)};
    const tagnode_ensemble_setup setup = {
        .ticks = {PATCH, 3, 1}, .frame_samples = MEL_HOP, .burst = MEL_HOP, .wanted = {3, 3, 3}};
    tagnode_ensemble *ensemble = NULL;
    CHECK(tagnode_ensemble_create(models, MODELS, &setup, &ensemble, NULL) == TAGNODE_OK);
    const uint32_t latency = tagnode_ensemble_latency(ensemble);
    CHECK(tagnode_ensemble_start(ensemble, latency, NULL) == TAGNODE_OK);
    float *mel = white_noise((size_t)PATCH * BANDS, 12);
    for (int i = 0; i < PATCH; ++i) tagnode_ensemble_push(ensemble, mel + (size_t)i * BANDS);
    const float *const *outputs[MODELS];
    uint64_t late = 10;
    CHECK(tagnode_ensemble_take(ensemble, 0, outputs, &late));
    CHECK(late == 10 + MODELS);
    for (int m = 0; m < MODELS; ++m) {
        result is;
        float *const whole[] = {is.values, is.embedding};
        CHECK(tagnode_model_run(models[m], mel, whole, NULL) == TAGNODE_OK);
        CHECK(memcmp(outputs[m][0], is.values, sizeof is.values) == 0);
        CHECK(memcmp(outputs[m][1], is.embedding, sizeof is.embedding) == 0);
        tagnode_model_release(models[m]);
    }
    free(mel);
    tagnode_ensemble_destroy(ensemble);
}

int main(void) {
    if (!read_files()) return EXIT_FAILURE;
    test_results_match_whole_windows();
    test_normalised_patches_match_whole_windows();
    test_any_mel_hop_even_of_one_sample();
    test_reset_in_the_middle_of_a_window();
    test_silence_before_a_stream_equals_silent_input();
    test_whole_windows_equals_a_card_without_silence_before();
    test_a_swapped_model_starts_with_the_input_after_the_swap();
    test_32_nodes_with_one_model_on_four_threads();
    test_a_window_depends_on_exactly_its_samples();
    test_no_input_gives_non_finite_results();
    test_heads_match_the_embedding_in_their_frame();
    test_results_that_are_not_ready_are_late_and_right();
    free_files();
    return closing_line();
}
