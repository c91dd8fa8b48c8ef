/* test_signals.c - the guarantees of signal frames: one clock, any block sizes, and levels as
 * documented. Loudness, spectra and tempo are compared with other programs in
 * tests/node/test_signals.py. */

#include "descriptors/median.h"
#include "descriptors/tempo.h"
#include "fake_model.h"
#include "system.h"

enum { MOST = 3000, SILENCE_DB = -40, SIGNALS = TAGNODE_SIGNAL_END };
static const double HOLD = 0.15;

typedef struct {
    size_t count;
    tagnode_frame frames[MOST];
    float values[MOST][SIGNALS];
} measured;

static tagnode_setup plain_setup(uint32_t rate, uint32_t channels) {
    return (tagnode_setup){.sample_rate = rate,
                           .channels = channels,
                           .max_frames = 8192,
                           .queue = MOST,
                           .signal_hop = 0.016,
                           .silence_db = SILENCE_DB,
                           .silence_hold = HOLD};
}

static tagnode *plain_node(const tagnode_setup *setup) {
    tagnode *node = NULL;
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(tagnode_prepare(node, NULL, setup, NULL) == TAGNODE_OK);
    return node;
}

static void read_signals(tagnode *node, measured *into) {
    into->count += tagnode_read_signals(node, into->frames + into->count, into->values[into->count],
                                        MOST - into->count);
}

/* Blocks of `block` samples; 0: random sizes. */
static void measure(tagnode *node, const float *const *signal, uint32_t channels, size_t length,
                    uint32_t block, measured *into) {
    uint32_t random = 77;
    into->count = 0;
    for (size_t at = 0; at < length;) {
        size_t size = block != 0 ? block : next_number(&random) % 3000;
        if (size > length - at) size = length - at;
        const float *input[TAGNODE_MAX_CHANNELS];
        for (uint32_t c = 0; c < channels; ++c) input[c] = signal[c] + at;
        tagnode_process(node, input, (uint32_t)size);
        at += size;
    }
    read_signals(node, into);
}

/* Noise that is loud, then silent, then very quiet, in turns of 0.3 s; and a hum. */
static float *eventful(uint32_t rate, size_t length, uint32_t seed) {
    float *x = white_noise(length, seed);
    const float gains[] = {0.5F, 0, 0.3F, 0.001F};
    for (size_t i = 0; i < length; ++i) {
        const double hum = 0.001 * sin((double)i * 350 / rate);
        x[i] = gains[i * 10 / (3 * (size_t)rate) % 4] * (x[i] + (float)hum);
    }
    return x;
}

static bool same(const measured *a, const measured *b) {
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; ++i)
        if (!same_frame(&a->frames[i], &b->frames[i])) return false;
    return memcmp(a->values, b->values, a->count * sizeof a->values[0]) == 0;
}

static const uint32_t RATES[] = {8000, 11025, 16000, 44100, 48000, 96000, 192000};
enum { RATE_COUNT = sizeof RATES / sizeof RATES[0] };

static void test_any_partition_into_blocks_gives_the_same_bits(void) {
    static measured expected, got;
    const uint32_t blocks[] = {1, 17, 441, 8192, 0};
    for (size_t r = 0; r < RATE_COUNT; ++r) {
        const uint32_t channels = 1 + (uint32_t)r % 3;
        const size_t length = RATES[r] * 3 / 2;
        float *signal[3];
        for (uint32_t c = 0; c < 3; ++c) signal[c] = eventful(RATES[r], length, c + 1);
        const tagnode_setup setup = plain_setup(RATES[r], channels);
        tagnode *node = plain_node(&setup);
        measure(node, (const float *const *)signal, channels, length, 512, &expected);
        CHECK(expected.count > 80);
        for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; ++b) {
            tagnode_reset(node);
            measure(node, (const float *const *)signal, channels, length, blocks[b], &got);
            CHECK(same(&got, &expected));
        }
        tagnode_destroy(node);
        for (uint32_t c = 0; c < 3; ++c) free(signal[c]);
    }
}

/* MusiCNN's mel frame k covers model samples 256 k - 256 to 256 k + 255. */
static void test_a_frame_matches_its_mel_frame_and_is_emitted_on_time(void) {
    for (size_t r = 0; r < RATE_COUNT; ++r) {
        const int64_t rate = RATES[r], hop = 1 + (int64_t)r % 3;
        tagnode_setup setup = plain_setup(RATES[r], 1);
        setup.signal_hop = 0.016 * (double)hop;
        tagnode *node = plain_node(&setup);
        const tagnode_latency latency = tagnode_get_latency(node);
        CHECK(latency.compute == 0 && latency.frontend == 0);
        CHECK(latency.total == latency.resampler);
        float *signal = white_noise(RATES[r], 1);
        int64_t tick = 0;
        for (int64_t at = 0; at < rate / 3; at += 3) {
            const float *input = signal + at;
            tagnode_process(node, &input, 3);
            tagnode_frame frame;
            float values[SIGNALS];
            while (tagnode_read_signals(node, &frame, values, 1) == 1) {
                const int64_t k = tick++ * hop;
                const int64_t start = floor_divide((256 * k - 256) * rate, 16000);
                const int64_t end = floor_divide((256 * k + 255) * rate, 16000) + 1;
                CHECK(frame.start == (start > 0 ? start : 0));
                CHECK(frame.end == end);
                CHECK(frame.emitted == end + latency.total);
                CHECK(frame.emitted > at && frame.emitted <= at + 3);
                CHECK(frame.state == TAGNODE_FRESH);
            }
        }
        CHECK(tick > 15 / hop);
        free(signal);
        tagnode_destroy(node);
    }
}

/* ---- levels ---- */

static double mean_square(const float *const *signal, uint32_t channels, int64_t end,
                          int64_t window) {
    double sum = 0;
    for (uint32_t c = 0; c < channels; ++c)
        for (int64_t i = end > window ? end - window : 0; i < end; ++i)
            sum += (double)signal[c][i] * signal[c][i];
    return sum / ((double)window * channels);
}

static float highest(const float *const *signal, uint32_t channels, int64_t end, int64_t window) {
    float most = 0;
    for (uint32_t c = 0; c < channels; ++c)
        for (int64_t i = end > window ? end - window : 0; i < end; ++i)
            most = fabsf(signal[c][i]) > most ? fabsf(signal[c][i]) : most;
    return most;
}

static double decibel(double power) {
    return power > 1e-12 ? 10 * log10(power) : -120;
}

/* Returns whether each check of the last 50 ms, every 10 ms up to `end`, found them quiet for HOLD.
 */
static bool is_silent(const float *const *signal, uint32_t channels, uint32_t rate, int64_t end) {
    const int64_t window = (rate + 10) / 20;
    const double quiet = pow(10, SILENCE_DB / 10.0);
    int64_t since = 0;
    for (int64_t look = 1; look * rate / 100 <= end; ++look) {
        const int64_t at = look * rate / 100;
        const bool is_quiet = mean_square(signal, channels, at, window) < quiet;
        since = !is_quiet ? -1 : since < 0 ? at : since;
    }
    return since >= 0 && mean_square(signal, channels, end, window) < quiet &&
           end - since >= llround(HOLD * rate);
}

static void test_levels_and_silence_are_exact_up_to_the_end_of_the_frame(void) {
    static measured got;
    for (size_t r = 0; r < RATE_COUNT; ++r) {
        const uint32_t rate = RATES[r], channels = 1 + (uint32_t)(r + 1) % 3;
        const size_t length = rate * 6 / 5;
        float *made[3];
        for (uint32_t c = 0; c < 3; ++c) made[c] = eventful(rate, length, c + 7);
        const float *const *signal = (const float *const *)made;
        const tagnode_setup setup = plain_setup(rate, channels);
        tagnode *node = plain_node(&setup);
        measure(node, signal, channels, length, 512, &got);
        size_t silent = 0;
        for (size_t i = 0; i < got.count; ++i) {
            const int64_t end = got.frames[i].end, window = (rate + 10) / 20;
            const double square = mean_square(signal, channels, end, window);
            const double peak = highest(signal, channels, end, window);
            const float *values = got.values[i];
            CHECK_NEAR(values[TAGNODE_SIGNAL_RMS_DB], decibel(square), 1e-3);
            CHECK_NEAR(values[TAGNODE_SIGNAL_PEAK_DB], decibel(peak * peak), 1e-4);
            CHECK_NEAR(values[TAGNODE_SIGNAL_CREST_DB],
                       square > 1e-12 ? decibel(peak * peak) - decibel(square) : 0, 1e-3);
            CHECK(values[TAGNODE_SIGNAL_TRUE_PEAK_DB] >= values[TAGNODE_SIGNAL_PEAK_DB]);
            CHECK(values[TAGNODE_SIGNAL_SILENCE] == is_silent(signal, channels, rate, end));
            silent += values[TAGNODE_SIGNAL_SILENCE] == 1;
        }
        CHECK(silent > 5 && silent < got.count - 5);
        tagnode_destroy(node);
        for (uint32_t c = 0; c < 3; ++c) free(made[c]);
    }
}

/* Frame k ends at sample 256 k + 256, and digital silence is quiet from the first sample on. */
static void test_silence_begins_exactly_after_its_hold(void) {
    static measured got;
    static const float zeros[8000];
    const float *input = zeros;
    for (int more = 0; more < 2; ++more) {
        tagnode_setup setup = plain_setup(16000, 1);
        setup.silence_hold = (2560 + more) / 16000.0;
        tagnode *node = plain_node(&setup);
        measure(node, &input, 1, 8000, 512, &got);
        CHECK(got.count > 20 && got.frames[9].end == 2560);
        for (size_t i = 0; i < got.count; ++i)
            CHECK(got.values[i][TAGNODE_SIGNAL_SILENCE] ==
                  (got.frames[i].end >= 2560 + more ? 1 : 0));
        tagnode_destroy(node);
    }
}

static void test_non_finite_samples_count_as_0_and_large_ones_as_1e12(void) {
    static measured expected, got;
    const size_t length = 24000;
    float *clean = eventful(44100, length, 3), *broken = eventful(44100, length, 3);
    for (size_t i = 100; i < length; i += 997) {
        const float odd[] = {NAN, INFINITY, -INFINITY, 1e30F, -1e13F};
        const float means[] = {0, 0, 0, 1e12F, -1e12F};
        broken[i] = odd[i % 5];
        clean[i] = means[i % 5];
    }
    const tagnode_setup setup = plain_setup(44100, 2);
    tagnode *node = plain_node(&setup);
    const float *const one[] = {clean, clean}, *const other[] = {broken, clean};
    measure(node, one, 2, length, 512, &expected);
    CHECK(tagnode_get_counters(node).replaced == 0);
    tagnode_reset(node);
    measure(node, other, 2, length, 512, &got);
    CHECK(tagnode_get_counters(node).replaced > 0);
    CHECK(same(&got, &expected));
    for (size_t i = 0; i < got.count; ++i)
        for (size_t s = 0; s < SIGNALS; ++s) CHECK(isfinite(got.values[i][s]));
    tagnode_destroy(node);
    free(clean);
    free(broken);
}

/* ---- the node ---- */

static void test_every_nth_frame_matches_except_for_the_largest_change(void) {
    static measured each, some;
    const uint32_t hop = 5;
    float *signal = eventful(22050, 33000, 4);
    const float *input = signal;
    tagnode_setup setup = plain_setup(22050, 1);
    tagnode *node = plain_node(&setup);
    measure(node, &input, 1, 33000, 512, &each);
    setup.signal_hop = 0.016 * hop;
    CHECK(tagnode_prepare(node, NULL, &setup, NULL) == TAGNODE_OK);
    measure(node, &input, 1, 33000, 512, &some);
    CHECK(some.count == (each.count + hop - 1) / hop);
    for (size_t i = 0; i < some.count; ++i)
        for (size_t s = 0; s < SIGNALS; ++s) {
            float value = each.values[i * hop][s];
            if (s == TAGNODE_SIGNAL_FLUX || s == TAGNODE_SIGNAL_ONSET)
                for (size_t k = i > 0 ? (i - 1) * hop + 1 : 0; k < i * hop; ++k)
                    value = each.values[k][s] > value ? each.values[k][s] : value;
            CHECK(some.values[i][s] == value);
        }
    tagnode_destroy(node);
    free(signal);
}

static void test_signals_do_not_change_the_models_results(void) {
    static results without, with;
    static measured signals;
    static fake model;
    float *signal = eventful(44100, 66150, 5);
    tagnode_setup setup = setup_of(44100);
    tagnode *node = node_of(&model, &setup);
    feed(node, signal, 66150, 512, &without);
    tagnode_destroy(node);
    setup.signal_hop = 0.01;
    node = node_of(&model, &setup);
    feed(node, signal, 66150, 512, &with);
    CHECK(with.count == without.count);
    CHECK(memcmp(with.frames, without.frames, sizeof with.frames) == 0);
    CHECK(memcmp(with.values, without.values, sizeof with.values) == 0);
    read_signals(node, &signals);
    CHECK(signals.count > 140 && signals.count < 151);
    tagnode_destroy(node);
    free(signal);
}

static void test_mel_frames_shorter_than_a_sample_have_signals_too(void) {
    static measured got;
    static fake model;
    tagnode_card card = card_of();
    card.frontend.sample_rate = 48000;
    card.frontend.frame = card.frontend.fft = 256;
    card.frontend.hop = 1;
    const tagnode_interpreter interpreter = interpreter_of(&model);
    tagnode_model *made = NULL;
    CHECK(tagnode_model_from_interpreter(&interpreter, &card, &made, NULL) == TAGNODE_OK);
    tagnode_setup setup = setup_of(8000);
    setup.hop = 10 / 48000.0;
    setup.signal_hop = 1e-6;
    tagnode *node = NULL;
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(prepare_model(node, made, &setup, NULL) == TAGNODE_OK);
    tagnode_model_release(made);
    float *signal = white_noise(400, 9);
    const float *input = signal;
    measure(node, &input, 1, 400, 77, &got);
    CHECK(got.count == tagnode_get_counters(node).mel_frames);
    CHECK(got.count > 1800);
    for (size_t i = 0; i < got.count; ++i) {
        const double square = mean_square(&input, 1, got.frames[i].end, 400);
        CHECK(got.frames[i].end == ((int64_t)i + 127) / 6 + 1);
        CHECK_NEAR(got.values[i][TAGNODE_SIGNAL_RMS_DB], decibel(square), 1e-3);
    }
    tagnode_destroy(node);
    free(signal);
}

static void test_the_ring_keeps_a_whole_block_and_the_newest_frames(void) {
    static measured got;
    float *signal = white_noise(TAGNODE_MAX_BLOCK, 6);
    const float *input = signal;
    tagnode_setup setup = plain_setup(48000, 1);
    setup.max_frames = TAGNODE_MAX_BLOCK;
    setup.queue = 2;
    tagnode *node = plain_node(&setup);
    tagnode_process(node, &input, TAGNODE_MAX_BLOCK);
    read_signals(node, &got);
    CHECK(got.count == (TAGNODE_MAX_BLOCK - tagnode_get_latency(node).total) / 768);
    CHECK(got.frames[0].start == 0);
    for (int i = 0; i < 2; ++i) tagnode_process(node, &input, TAGNODE_MAX_BLOCK);
    got.count = 0;
    read_signals(node, &got);
    CHECK(got.frames[got.count - 1].emitted > 3 * TAGNODE_MAX_BLOCK - 768);
    tagnode_destroy(node);
    free(signal);
}

static void test_a_node_without_a_model_has_signals_only(void) {
    float *signal = white_noise(16000, 8);
    const tagnode_setup setup = plain_setup(16000, 1);
    tagnode *node = plain_node(&setup);
    feed(node, signal, 16000, 0, NULL);
    tagnode_frame frame;
    float values[SIGNALS];
    CHECK(tagnode_read(node, &frame, values, NULL, 1) == 0);
    CHECK(tagnode_value_count(node) == 0);
    CHECK(tagnode_embedding_count(node) == 0);
    CHECK(tagnode_hop_frames(node) == 0);
    const tagnode_counters counters = tagnode_get_counters(node);
    CHECK(counters.position == 16000 && counters.mel_frames == 62);
    CHECK(counters.fresh + counters.held + counters.late + counters.dropped == 0);
    CHECK(tagnode_read_signals(node, &frame, values, 1) == 1);
    tagnode_destroy(node);
    static fake model;
    const tagnode_setup other = setup_of(16000); /* with signal_hop 0 */
    node = node_of(&model, &other);
    feed(node, signal, 16000, 0, NULL);
    CHECK(tagnode_read_signals(node, &frame, values, 1) == 0);
    tagnode_destroy(node);
    free(signal);
}

static void refuse(const tagnode_setup *setup, const char *named) {
    tagnode *node = NULL;
    tagnode_message why = {""};
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(tagnode_prepare(node, NULL, setup, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, named));
    tagnode_destroy(node);
}

static void test_setups_out_of_range_are_refused_with_a_sentence(void) {
    const double hops[] = {0, -0.1, 60.001, NAN, INFINITY};
    const double levels[] = {-120.1, 0.1, NAN, -INFINITY}, holds[] = {-0.1, 3600.1, NAN, INFINITY};
    for (size_t i = 0; i < 5; ++i) {
        tagnode_setup setup = plain_setup(16000, 1);
        setup.signal_hop = hops[i];
        refuse(&setup, "signal hop");
    }
    for (size_t i = 0; i < 4; ++i) {
        tagnode_setup setup = plain_setup(16000, 1);
        setup.silence_db = levels[i];
        refuse(&setup, "Silence");
        setup = plain_setup(16000, 1);
        setup.silence_hold = holds[i];
        refuse(&setup, "hold");
    }
}

static void test_each_signal_has_a_name_of_its_own_and_a_range(void) {
    CHECK(tagnode_signal_count() == SIGNALS);
    for (uint32_t i = 0; i < SIGNALS; ++i) {
        const tagnode_signal *signal = tagnode_signal_info(i);
        if (!CHECK(signal != NULL)) continue;
        CHECK(signal->low < signal->high);
        CHECK(strlen(signal->meaning) > 0);
        for (uint32_t j = 0; j < i; ++j)
            CHECK(strcmp(signal->name, tagnode_signal_info(j)->name) != 0);
    }
    CHECK(tagnode_signal_info(SIGNALS) == NULL);
    CHECK(tagnode_signal_info(UINT32_MAX) == NULL);
}

/* A sorting network that works on all sequences of zeros and ones works on any numbers (Knuth, The
 * Art of Computer Programming 3, 5.3.4, theorem Z). */
static void test_medians_are_medians(void) {
    enum { INPUTS = 1 << TAGNODE_MEDIAN };
    static float rows[TAGNODE_MEDIAN][INPUTS], median[INPUTS];
    const float *pointers[TAGNODE_MEDIAN];
    for (unsigned r = 0; r < TAGNODE_MEDIAN; ++r) {
        pointers[r] = rows[r];
        for (unsigned i = 0; i < INPUTS; ++i) rows[r][i] = (float)(i >> r & 1);
    }
    tagnode_median(pointers, INPUTS, median);
    for (unsigned i = 0; i < INPUTS; ++i) {
        unsigned ones = 0;
        for (unsigned r = 0; r < TAGNODE_MEDIAN; ++r) ones += i >> r & 1;
        CHECK(median[i] == (ones > TAGNODE_MEDIAN / 2 ? 1 : 0));
    }
}

/* Onsets are smoothed by binomial weights, 1 2 1, whose autocorrelation is binomial too: 6 4 1 0.
 * The mean of the onsets, which is subtracted, is near 0 after one of them. */
static void test_an_onset_is_smoothed_by_binomial_weights(void) {
    static const double binomial[] = {6, 4, 1, 0, 0, 0};
    tagnode_tempo tempo;
    CHECK(tagnode_tempo_create(&tempo, 0.016, 0) == TAGNODE_OK);
    for (int i = 0; i < 500; ++i) tagnode_tempo_push(&tempo, i == 490 ? 10 : 0);
    for (int lag = 1; lag < 6; ++lag)
        CHECK_NEAR((double)tempo.correlation[lag] / (double)tempo.correlation[0], binomial[lag] / 6,
                   0.05);
    tagnode_tempo_destroy(&tempo);
}

/* A correlation with a peak at each multiple of 31 lags of 16 ms. The length of a beat is read at
 * four beats, at the vertex of the parabola through 500, 1000 and 700: 1/8 of a lag after its
 * middle. What is larger just beside the reach of a search is ignored. */
static void test_a_tempo_is_read_from_the_peaks_of_the_correlation(void) {
    const size_t beat = 31;
    for (int beside = -1; beside <= 1; ++beside) {
        tagnode_tempo tempo;
        CHECK(tagnode_tempo_create(&tempo, 0.016, 0) == TAGNODE_OK);
        tempo.filled = 1;
        tempo.correlation[0] = 2000;
        for (size_t i = 1; i <= 4; ++i) tempo.correlation[i * beat] = 1000;
        tempo.correlation[4 * beat - 1] = 500;
        tempo.correlation[4 * beat + 1] = 700;
        if (beside != 0) {
            tempo.correlation[(int)beat + 2 * beside] = 1010;
            tempo.correlation[(int)(2 * beat) + 2 * beside] = 1010;
            tempo.correlation[(int)(4 * beat) + 3 * beside] = 1010;
        }
        const tagnode_tempo_reading got = tagnode_tempo_read(&tempo);
        CHECK_NEAR(got.bpm, 60 / ((4 * beat + 0.125) / 4 * 0.016), 1e-3);
        CHECK_NEAR(got.confidence, 1000 / (2000 + 0.0625 / (1 - exp(-0.016 / 8))), 1e-3);
        tagnode_tempo_destroy(&tempo);
    }
}

int main(void) {
    alarm(240); /* ends a deadlocked test */
    test_any_partition_into_blocks_gives_the_same_bits();
    test_a_frame_matches_its_mel_frame_and_is_emitted_on_time();
    test_levels_and_silence_are_exact_up_to_the_end_of_the_frame();
    test_silence_begins_exactly_after_its_hold();
    test_non_finite_samples_count_as_0_and_large_ones_as_1e12();
    test_every_nth_frame_matches_except_for_the_largest_change();
    test_signals_do_not_change_the_models_results();
    test_mel_frames_shorter_than_a_sample_have_signals_too();
    test_the_ring_keeps_a_whole_block_and_the_newest_frames();
    test_a_node_without_a_model_has_signals_only();
    test_setups_out_of_range_are_refused_with_a_sentence();
    test_each_signal_has_a_name_of_its_own_and_a_range();
    test_medians_are_medians();
    test_an_onset_is_smoothed_by_binomial_weights();
    test_a_tempo_is_read_from_the_peaks_of_the_correlation();
    return closing_line();
}
