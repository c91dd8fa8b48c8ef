/* test_node.c - the guarantees of an offline node: exact results for any block sizes, input and
 * setup. */

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "fake_model.h"
#include "system.h"

/* ---------------------------------------------------------------------------------- offline --- */

static void test_frames_are_exact_in_any_partition_into_blocks(void) {
    static results got;
    static fake model;
    const uint32_t rates[] = {8000, 16000, 22050, 44100, 48000, 96000, 12345};
    const uint32_t blocks[] = {1, 17, 64, 441, 512, 8192, 0};
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; ++r) {
        const size_t length = rates[r] / 2;
        float *signal = white_noise(length, 1);
        const tagnode_setup setup = setup_of(rates[r]);
        tagnode *node = node_of(&model, &setup);
        const clock_of_node clock = clock_of(node, &setup);
        float *mel = mel_of(signal, rates[r], length);
        for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; ++b) {
            tagnode_reset(node);
            got.count = 0;
            feed(node, signal, length, blocks[b], &got);
            compare(&got, &clock, mel);
            CHECK(count_of(&got, TAGNODE_HELD) == 0);
            CHECK(count_of(&got, TAGNODE_FRESH) > 8);
            int64_t unused = 0;
            const tagnode_frame next = expected_frame(&clock, (int64_t)got.count, &unused);
            CHECK(next.emitted > (int64_t)length); /* none is missing */
            const tagnode_counters counters = tagnode_get_counters(node);
            CHECK(counters.position == (int64_t)length);
            CHECK(counters.fresh == count_of(&got, TAGNODE_FRESH));
            CHECK(counters.held + counters.late + counters.overruns + counters.dropped +
                      counters.replaced + counters.failures ==
                  0);
        }
        tagnode_destroy(node);
        free(mel);
        free(signal);
    }
}

static void test_hop_may_be_one_mel_frame_to_the_whole_patch(void) {
    static results got;
    static fake model;
    float *signal = white_noise(8000, 2), *mel = mel_of(signal, 16000, 8000);
    for (int hop = 1; hop <= PATCH; ++hop) {
        tagnode_setup setup = setup_of(16000);
        setup.hop = (double)hop * MEL_HOP / MODEL_RATE;
        tagnode *node = node_of(&model, &setup);
        const clock_of_node clock = clock_of(node, &setup);
        CHECK(clock.hop == hop);
        got.count = 0;
        feed(node, signal, 8000, 441, &got);
        compare(&got, &clock, mel);
        bool on_first_patch = false;
        for (size_t i = 0; i < got.count; ++i) {
            int64_t mel_frames = 0;
            (void)expected_frame(&clock, (int64_t)i, &mel_frames);
            on_first_patch = on_first_patch || mel_frames == PATCH;
        }
        CHECK(on_first_patch);
        tagnode_destroy(node);
    }
    free(mel);
    free(signal);
}

static void check_silence_before(tagnode_model *model, uint32_t rate, int hop) {
    static results got;
    static const uint32_t blocks[] = {17, 441, 8192, 0};
    const size_t patch = (size_t)PATCH * BANDS;
    float *signal = white_noise(rate, 3), *mel = mel_of(signal, rate, rate);
    float *zeros = calloc(rate, sizeof *zeros), *early = mel_of(zeros, rate, rate);
    memcpy(early + patch, mel, patch * sizeof *mel);
    tagnode_setup setup = setup_of(rate);
    setup.hop = (double)hop * MEL_HOP / MODEL_RATE;
    tagnode *node = NULL;
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    for (int whole = 0; whole < 2; ++whole) {
        setup.whole_windows = whole;
        CHECK(prepare_model(node, model, &setup, NULL) == TAGNODE_OK);
        clock_of_node clock = clock_of(node, &setup);
        if (!whole) clock.early = early;
        for (uint32_t b = 0; b < 4; ++b) {
            got.count = 0;
            feed(node, signal, rate / 2, blocks[b], &got);
            compare(&got, &clock, mel);
            CHECK(count_of(&got, TAGNODE_WARMING) == (whole ? (PATCH - 1) / (size_t)hop : 0));
            CHECK(count_of(&got, TAGNODE_HELD) == 0 && count_of(&got, TAGNODE_FRESH) > 3);
            feed(node, signal, rate / 7 * b + 1, 500, NULL);
            tagnode_reset(node);
        }
    }
    tagnode_destroy(node);
    free(early);
    free(zeros);
    free(mel);
    free(signal);
}

static void test_windows_may_begin_with_silence_before_the_stream(void) {
    static fake model;
    tagnode_card card = card_of();
    card.silence_before = true;
    const tagnode_interpreter interpreter = interpreter_of(&model);
    tagnode_model *made = NULL;
    CHECK(tagnode_model_from_interpreter(&interpreter, &card, &made, NULL) == TAGNODE_OK);
    for (int hop = 1; hop <= PATCH; ++hop) check_silence_before(made, 16000, hop);
    const uint32_t rates[] = {8000, 44100, 48000};
    for (int r = 0; r < 3; ++r) check_silence_before(made, rates[r], 3);
    tagnode_model_release(made);
}

static void test_reading_may_leave_out_values_and_embeddings(void) {
    static fake model;
    float *signal = white_noise(8000, 2);
    tagnode_setup setup = setup_of(16000);
    setup.embedding = -1;
    tagnode *node = node_of(&model, &setup);
    (void)clock_of(node, &setup);
    feed(node, signal, 8000, 512, NULL);
    tagnode_frame frames[3];
    float values[3 * VALUES], embedding = 7;
    CHECK(tagnode_read(node, frames, NULL, NULL, 0) == 0);
    CHECK(tagnode_read(node, frames, NULL, NULL, 2) == 2);
    CHECK(tagnode_read(node, frames, values, &embedding, 3) == 3);
    CHECK(embedding == 7);
    tagnode_destroy(node);
    free(signal);
}

static void test_offline_never_deadlocks(void) {
    /* As many results as possible in a chunk: 8 kHz input, 48 kHz and a mel frame for each sample
     * inside. */
    static fake model;
    tagnode_card card = card_of();
    card.frontend.sample_rate = 48000;
    card.frontend.hop = 1;
    const tagnode_interpreter interpreter = interpreter_of(&model);
    tagnode_model *made = NULL;
    tagnode *node = NULL;
    CHECK(tagnode_model_from_interpreter(&interpreter, &card, &made, NULL) == TAGNODE_OK);
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    tagnode_setup setup = setup_of(8000);
    setup.hop = 1.0 / 48000;
    CHECK(prepare_model(node, made, &setup, NULL) == TAGNODE_OK);
    tagnode_model_release(made);
    float *signal = white_noise(48000, 2);
    feed(node, signal, 1200, 1200, NULL);
    CHECK(tagnode_get_counters(node).fresh > 1000);
    tagnode_destroy(node);

    /* Results discarded by a reset must leave room for new ones. */
    setup = setup_of(16000);
    setup.hop = 0.01;
    setup.compute_latency = 20;
    node = node_of(&model, &setup);
    for (int round = 0; round < 3; ++round) {
        for (int second = 0; second < 25; ++second) feed(node, signal, 16000, 8000, NULL);
        CHECK(tagnode_get_counters(node).fresh > 450);
        tagnode_reset(node);
    }
    tagnode_destroy(node);
    free(signal);
}

/* -------------------------------------------------------------------------------- bad input --- */

static void test_non_finite_samples_are_replaced_and_counted(void) {
    static results got;
    static fake model;
    float *left = white_noise(8000, 5), *right = white_noise(8000, 6);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 30; ++i) left[100 * i + 7] = bad[i % 3];
    right[50] = NAN;
    tagnode_setup setup = setup_of(16000);
    setup.channels = 2;
    tagnode *node = node_of(&model, &setup);
    const clock_of_node clock = clock_of(node, &setup);
    const float *input[] = {left, right};
    tagnode_process(node, input, 8000);
    got.count = 0;
    read_all(node, &got);
    float *mean = calloc(8000, sizeof *mean);
    for (size_t i = 0; i < 8000; ++i)
        mean[i] = ((isfinite(left[i]) ? left[i] : 0) + (isfinite(right[i]) ? right[i] : 0)) * 0.5F;
    float *mel = mel_of(mean, 16000, 8000);
    compare(&got, &clock, mel);
    CHECK(tagnode_get_counters(node).replaced == 31);
    tagnode_reset(node);
    CHECK(tagnode_get_counters(node).replaced == 0);
    tagnode_destroy(node);
    free(mel);
    free(mean);
    free(left);
    free(right);
}

static void test_host_keeps_its_float_environment(void) {
#if defined(__x86_64__)
    static results got;
    static fake model;
    float *signal = white_noise(8000, 5), *mel = mel_of(signal, 16000, 8000);
    for (size_t i = 0; i < 1000; ++i) signal[7000 + i] *= 1e-42F; /* denormal */
    const float *input = signal;
    /* The default; rounding down; up; flushing; with a flag that the host has not yet read. */
    const unsigned environments[] = {0x1f80, 0x3f80, 0x5f80, 0x9fc0, 0x1fa0};
    const tagnode_setup setup = setup_of(16000);
    tagnode *node = node_of(&model, &setup);
    const clock_of_node clock = clock_of(node, &setup);
    for (size_t i = 0; i < sizeof environments / sizeof environments[0]; ++i) {
        const unsigned saved = _mm_getcsr();
        _mm_setcsr(environments[i]);
        tagnode_reset(node);
        tagnode_process(node, &input, 7000);
        const unsigned after = _mm_getcsr();
        tagnode_process(node, &input, 1000);
        const unsigned after_denormals = _mm_getcsr();
        _mm_setcsr(saved);
        CHECK(after == environments[i] && after_denormals == environments[i]);
        got.count = 0;
        read_all(node, &got);
        got.count = got.count > 10 ? 10 : got.count; /* of the first 7000 samples */
        compare(&got, &clock, mel);
    }
    tagnode_destroy(node);
    free(mel);
    free(signal);
#else
    puts("skipped: the float environment, which is tested on x86-64 only");
#endif
}

static void test_more_than_max_frames_is_ignored(void) {
    static fake model;
    float *signal = white_noise(8000, 5);
    const float *input = signal;
    tagnode_setup setup = setup_of(16000);
    setup.max_frames = 100;
    tagnode *node = node_of(&model, &setup);
    tagnode_process(node, &input, 8000);
    CHECK(tagnode_get_counters(node).position == 100);
    tagnode_process(node, NULL, 0);
    CHECK(tagnode_get_counters(node).position == 100);
    tagnode_destroy(node);
    free(signal);
}

static void test_unread_frames_are_dropped_oldest_first_and_counted(void) {
    static results all, got;
    static fake model;
    float *signal = white_noise(16000, 5);
    tagnode_setup setup = setup_of(16000);
    tagnode *node = node_of(&model, &setup);
    all.count = got.count = 0;
    feed(node, signal, 16000, 512, &all);
    tagnode_destroy(node);
    setup.queue = 4;
    node = node_of(&model, &setup);
    feed(node, signal, 16000, 512, NULL);
    CHECK(tagnode_get_counters(node).dropped == all.count - 4);
    read_all(node, &got);
    CHECK(got.count == 4);
    CHECK(tagnode_get_counters(node).dropped == all.count - 4);
    for (size_t i = 0; i < got.count; ++i) {
        const size_t at = all.count - 4 + i;
        CHECK(same_frame(&got.frames[i], &all.frames[at]));
        CHECK(memcmp(got.values[i], all.values[at], sizeof got.values[i]) == 0);
    }
    tagnode_reset(node);
    CHECK(tagnode_get_counters(node).dropped == 0);
    tagnode_destroy(node);
    free(signal);
}

/* -------------------------------------------------------------------------------- preparing --- */

static void test_nothing_happens_before_prepare(void) {
    tagnode *node = NULL;
    float sample = 1;
    const float *input = &sample;
    tagnode_frame frame;
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    tagnode_process(node, &input, 1);
    tagnode_reset(node);
    CHECK(tagnode_read(node, &frame, NULL, NULL, 1) == 0);
    CHECK(tagnode_get_latency(node).total == 0);
    CHECK(tagnode_hop_frames(node) + tagnode_value_count(node) + tagnode_embedding_count(node) ==
          0);
    CHECK(tagnode_get_counters(node).position == 0);
    tagnode_destroy(node);
    tagnode_destroy(NULL);
    tagnode_model_release(NULL);
}

static void test_default_setup_prepares_with_a_model_and_without(void) {
    static fake model;
    const tagnode_setup setup = tagnode_setup_default();
    tagnode_model *made = model_of(&model);
    tagnode *node = NULL;
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(tagnode_prepare(node, NULL, &setup, NULL) == TAGNODE_OK);
    CHECK(tagnode_value_count(node) == 0 && tagnode_get_latency(node).compute == 0);
    CHECK(prepare_model(node, made, &setup, NULL) == TAGNODE_OK);
    CHECK(tagnode_value_count(node) == VALUES && tagnode_embedding_count(node) == 0);
    CHECK(tagnode_get_latency(node).compute == 12000); /* automatic: 0.25 s for a worker */
    CHECK(setup.sample_rate == 48000 && setup.channels == 2 && setup.max_frames == 8192);
    CHECK(setup.silence_db == -60 && setup.silence_hold == 2 && !setup.offline);
    tagnode_model_release(made);
    tagnode_destroy(node);
}

static void test_version_is_the_headers(void) {
    uint32_t major = 99, minor = 99, patch = 99;
    tagnode_version_numbers(&major, &minor, &patch);
    CHECK(major == TAGNODE_VERSION_MAJOR && minor == TAGNODE_VERSION_MINOR);
    CHECK(patch == TAGNODE_VERSION_PATCH);
    char text[48];
    (void)snprintf(text, sizeof text, "%u.%u.%u", major, minor, patch);
    CHECK(strcmp(tagnode_version(), text) == 0 && strcmp(TAGNODE_VERSION, text) == 0);
    tagnode_version_numbers(NULL, NULL, NULL);
}

static void refuse(const tagnode_setup *setup, const char *named) {
    static fake model;
    tagnode *node = NULL;
    tagnode_model *made = model_of(&model);
    tagnode_message why = {""};
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(prepare_model(node, made, setup, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, named));
    CHECK(prepare_model(node, made, setup, NULL) == TAGNODE_ERROR_ARGUMENT);
    tagnode_model_release(made);
    tagnode_destroy(node);
}

#define REFUSE(field, named, ...)                                                                  \
    do {                                                                                           \
        const double numbers[] = {__VA_ARGS__};                                                    \
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {                          \
            tagnode_setup setup = setup_of(44100);                                                 \
            setup.field = numbers[i];                                                              \
            refuse(&setup, named);                                                                 \
        }                                                                                          \
    } while (0)

static void test_setups_out_of_range_are_refused_with_a_sentence(void) {
    REFUSE(hop, "hop", 0, -1, 600.1, NAN, INFINITY);
    REFUSE(compute_latency, "compute latency", -0.001, -2, 60.001, NAN, INFINITY);
    const struct {
        uint32_t rate, channels, max_frames, queue;
        int32_t embedding;
        const char *named;
    } bad[] = {{7999, 1, 64, 8, 0, "sample rate"},
               {192001, 1, 64, 8, 0, "sample rate"},
               {0, 1, 64, 8, 0, "sample rate"},
               {44100, 0, 64, 8, 0, "channels"},
               {44100, 9, 64, 8, 0, "channels"},
               {44100, 1, 0, 8, 0, "block"},
               {44100, 1, TAGNODE_MAX_BLOCK + 1, 8, 0, "block"},
               {44100, 1, 64, 0, 0, "queue"},
               {44100, 1, 64, 1, 0, "queue"},
               {44100, 1, 64, 65537, 0, "queue"},
               {44100, 1, 64, 8, 2, "mbedding"},
               {44100, 1, 64, 8, INT32_MAX, "mbedding"},
               {44100, 1, 64, 8, -2, "mbedding"},
               {44100, 1, 64, 8, INT32_MIN, "mbedding"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        tagnode_setup setup = setup_of(bad[i].rate);
        setup.channels = bad[i].channels;
        setup.max_frames = bad[i].max_frames;
        setup.queue = bad[i].queue;
        setup.embedding = bad[i].embedding;
        refuse(&setup, bad[i].named);
    }
}

static void accept(const tagnode_setup *setup) {
    static fake model;
    tagnode *node = NULL;
    tagnode_model *made = model_of(&model);
    tagnode_message why = {""};
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    if (!CHECK(prepare_model(node, made, setup, &why) == TAGNODE_OK))
        fprintf(stderr, "the message is: %s\n", why.text);
    tagnode_model_release(made);
    tagnode_destroy(node);
}

#define ACCEPT(field, ...)                                                                         \
    do {                                                                                           \
        const double numbers[] = {__VA_ARGS__};                                                    \
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {                          \
            tagnode_setup setup = setup_of(44100);                                                 \
            setup.signal_hop = 0.016;                                                              \
            setup.field = numbers[i];                                                              \
            accept(&setup);                                                                        \
        }                                                                                          \
    } while (0)

/* As tagnode.h has them. */
static void test_setups_at_their_limits_are_accepted(void) {
    ACCEPT(hop, 1e-9, TAGNODE_MAX_HOP);
    ACCEPT(compute_latency, -1, 0, 60);
    ACCEPT(signal_hop, 0, 60);
    ACCEPT(silence_db, -120, 0);
    ACCEPT(silence_hold, 0, 3600);
    const uint32_t limits[][5] = {/* rate, channels, max_frames, queue, mel_queue */
                                  {TAGNODE_MIN_RATE, 1, 1, 2, 0},
                                  {TAGNODE_MAX_RATE, TAGNODE_MAX_CHANNELS, 64, 65536, 65536},
                                  {44100, 1, TAGNODE_MAX_BLOCK, 2, 1}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i)
        for (int32_t embedding = -1; embedding < 2; ++embedding) {
            tagnode_setup setup = setup_of(limits[i][0]);
            setup.channels = limits[i][1];
            setup.max_frames = limits[i][2];
            setup.queue = limits[i][3];
            setup.mel_queue = limits[i][4];
            setup.embedding = embedding;
            accept(&setup);
        }
}

static void refuse_card(const tagnode_card *card, const tagnode_interpreter *interpreter,
                        const char *named) {
    tagnode_model *model = (tagnode_model *)&card;
    tagnode_message why = {""};
    const tagnode_status bad = TAGNODE_ERROR_ARGUMENT;
    CHECK(tagnode_model_from_interpreter(interpreter, card, &model, &why) == bad);
    CHECK(model == NULL);
    CHECK(message_has(&why, named));
}

static void test_cards_at_their_limits_are_accepted(void) {
    static fake model;
    static float much[TAGNODE_MAX_SIZE];
    const uint32_t patches[] = {1, 4096}, outputs[] = {1, TAGNODE_MAX_OUTPUTS},
                   sizes[] = {1, TAGNODE_MAX_SIZE};
    tagnode_interpreter interpreter = interpreter_of(&model);
    for (size_t o = 0; o < TAGNODE_MAX_OUTPUTS; ++o) interpreter.output[o] = much;
    for (size_t i = 0; i < 2; ++i) {
        tagnode_card card = card_of();
        tagnode_model *made = NULL;
        card.patch_frames = patches[i];
        card.outputs = outputs[i];
        for (size_t o = 0; o < TAGNODE_MAX_OUTPUTS; ++o) card.output_size[o] = sizes[i];
        CHECK(tagnode_model_from_interpreter(&interpreter, &card, &made, NULL) == TAGNODE_OK);
        tagnode_model_release(made);
    }
}

static void test_cards_and_interpreters_out_of_range_are_refused_with_a_sentence(void) {
    static fake model;
    const tagnode_interpreter whole = interpreter_of(&model);
    const uint32_t patches[] = {0, 4097}, outputs[] = {0, 9}, sizes[] = {0, TAGNODE_MAX_SIZE + 1};
    for (size_t i = 0; i < 2; ++i) {
        tagnode_interpreter all = whole;
        for (size_t o = 0; o < TAGNODE_MAX_OUTPUTS; ++o) all.output[o] = model.values;
        tagnode_card card = card_of();
        card.patch_frames = patches[i];
        refuse_card(&card, &all, "patch");
        card = card_of();
        card.outputs = outputs[i];
        refuse_card(&card, &all, "outputs");
        card = card_of();
        card.output_size[1] = sizes[i];
        refuse_card(&card, &all, "utput 1");
    }
    tagnode_card card = card_of();
    card.frontend.hop = 0;
    refuse_card(&card, &whole, "hop");
    card = card_of();
    tagnode_interpreter parts[] = {whole, whole, whole};
    parts[0].invoke = NULL;
    parts[1].input = NULL;
    parts[2].output[1] = NULL;
    for (size_t i = 0; i < 3; ++i) refuse_card(&card, &parts[i], "interpreter");
    tagnode_model *made = (tagnode_model *)&card;
    tagnode_message why = {""};
    CHECK(tagnode_model_load_litert(NULL, NULL, 0, &card, &made, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(made == NULL);
    CHECK(message_has(&why, "model file"));
}

static void test_failed_prepare_keeps_the_former_setup(void) {
    static results got;
    static fake model, broken = {.failing = 1};
    float *signal = white_noise(8000, 5), *mel = mel_of(signal, 16000, 8000);
    tagnode_setup setup = setup_of(16000);
    tagnode *node = node_of(&model, &setup);
    const clock_of_node clock = clock_of(node, &setup);
    got.count = 0;
    feed(node, signal, 4000, 512, &got);
    tagnode_model *fails = model_of(&broken);
    tagnode_message why = {""};
    tagnode_setup other = setup_of(44100);
    CHECK(prepare_model(node, fails, &other, &why) == TAGNODE_ERROR_RUNTIME);
    CHECK(message_has(&why, "first run"));
    other.queue = 0;
    CHECK(prepare_model(node, fails, &other, NULL) == TAGNODE_ERROR_ARGUMENT);
    tagnode_model_release(fails);
    feed(node, signal + 4000, 4000, 512, &got);
    compare(&got, &clock, mel);
    CHECK(tagnode_get_counters(node).position == 8000);
    tagnode_destroy(node);
    free(mel);
    free(signal);
}

static void test_prepare_again_starts_over_while_the_old_model_runs(void) {
    static results got;
    static fake model;
    float *signal = white_noise(24000, 5);
    tagnode_setup setup = setup_of(16000);
    setup.offline = false;
    tagnode *node = NULL;
    tagnode_model *made = model_of(&model);
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(prepare_model(node, made, &setup, NULL) == TAGNODE_OK);
    for (uint32_t round = 0; round < 12; ++round) { /* the old worker is in the middle of a run */
        feed(node, signal, 8000, 512, NULL);
        setup = setup_of(round % 2 ? 16000 : 48000);
        setup.offline = round % 3 == 0 || round == 11;
        CHECK(prepare_model(node, made, &setup, NULL) == TAGNODE_OK);
        CHECK(tagnode_get_counters(node).position == 0);
    }
    tagnode_model_release(made);
    const clock_of_node clock = clock_of(node, &setup);
    float *mel = mel_of(signal, 16000, 24000);
    got.count = 0;
    feed(node, signal, 24000, 512, &got);
    compare(&got, &clock, mel);
    CHECK(count_of(&got, TAGNODE_HELD) == 0);
    tagnode_destroy(node);
    free(mel);
    free(signal);
}

static void test_32_nodes_are_independent(void) {
    enum { NODES = 32 };
    static fake models[NODES];
    static results got;
    tagnode *nodes[NODES];
    float *signals[NODES];
    const tagnode_setup setup = setup_of(16000);
    for (uint32_t i = 0; i < NODES; ++i) {
        nodes[i] = node_of(&models[i], &setup);
        signals[i] = white_noise(8000, i + 1);
    }
    for (size_t at = 0; at < 8000; at += 500)
        for (size_t i = 0; i < NODES; ++i) feed(nodes[i], signals[i] + at, 500, 500, NULL);
    for (size_t i = 0; i < NODES; ++i) {
        const clock_of_node clock = clock_of(nodes[i], &setup);
        float *mel = mel_of(signals[i], 16000, 8000);
        got.count = 0;
        read_all(nodes[i], &got);
        compare(&got, &clock, mel);
        CHECK(count_of(&got, TAGNODE_FRESH) > 8);
        free(mel);
    }
    for (size_t i = 0; i < NODES; ++i) {
        tagnode_destroy(nodes[i]);
        free(signals[i]);
    }
}

int main(void) {
    alarm(240); /* ends a deadlocked test */
    test_frames_are_exact_in_any_partition_into_blocks();
    test_hop_may_be_one_mel_frame_to_the_whole_patch();
    test_windows_may_begin_with_silence_before_the_stream();
    test_reading_may_leave_out_values_and_embeddings();
    test_offline_never_deadlocks();
    test_non_finite_samples_are_replaced_and_counted();
    test_host_keeps_its_float_environment();
    test_more_than_max_frames_is_ignored();
    test_unread_frames_are_dropped_oldest_first_and_counted();
    test_nothing_happens_before_prepare();
    test_default_setup_prepares_with_a_model_and_without();
    test_version_is_the_headers();
    test_setups_out_of_range_are_refused_with_a_sentence();
    test_setups_at_their_limits_are_accepted();
    test_cards_at_their_limits_are_accepted();
    test_cards_and_interpreters_out_of_range_are_refused_with_a_sentence();
    test_failed_prepare_keeps_the_former_setup();
    test_prepare_again_starts_over_while_the_old_model_runs();
    test_32_nodes_are_independent();
    return closing_line();
}
