/* test_head.c - heads: their arithmetic, damaged files, and heads in a node, bit for bit equal to
 * the head of the frame's embedding, for any runtime and block size. */
#include <time.h>

#include "fake_model.h"
#include "guarded.h"
#include "head_file.h"

/* ---- arithmetic ---- */

static void test_dense_stage_is_its_sum_for_any_size(void) {
    static head_file f;
    for (uint32_t outputs = 1; outputs < 40; outputs += 3) {
        for (uint32_t inputs = 1; inputs < 70; inputs += 23) {
            begin_file(&f, 1);
            const size_t at = f.size + 16;
            add_dense(&f, outputs, inputs, 1);
            float weights[40 * 71], x[70], y[40];
            memcpy(weights, f.bytes + at, (size_t)outputs * (inputs + 1) * sizeof(float));
            for (uint32_t i = 0; i < inputs; ++i) x[i] = (float)drawn(&f);
            tagnode_head *head = head_of(&f);
            CHECK(tagnode_head_inputs(head) == inputs && tagnode_head_outputs(head) == outputs);
            CHECK(tagnode_head_run(head, x, 1, y, NULL) == TAGNODE_OK);
            for (uint32_t i = 0; i < outputs; ++i) {
                double sum = weights[outputs * inputs + i];
                for (uint32_t j = 0; j < inputs; ++j) sum += (double)weights[i * inputs + j] * x[j];
                CHECK_NEAR(y[i], sum > 0 ? sum : 0, 1e-5);
            }
            tagnode_head_release(head);
        }
    }
}

static void test_non_finite_input_gives_finite_values(void) {
    static head_file f;
    whole_head(&f, 7);
    tagnode_head *head = head_of(&f);
    const float strange[] = {NAN, INFINITY, -INFINITY, 3e38F, -3e38F, 1e-41F, 0};
    for (size_t i = 0; i < 7; ++i) {
        float x[7], y[3];
        for (size_t j = 0; j < 7; ++j) x[j] = strange[(i + j) % (i + 1)];
        CHECK(tagnode_head_run(head, x, 1, y, NULL) == TAGNODE_OK);
        CHECK(isfinite(y[0]) && isfinite(y[1]) && isfinite(y[2]));
    }
    tagnode_head_release(head);
}

/* ---- damage ---- */

/* Refused with a message, or valid: it can be run. */
static bool refused(const unsigned char *bytes, size_t size) {
    static float x[65536], y[65536];
    tagnode_head *head = NULL;
    tagnode_message why = {""};
    guarded copy = guard(size); /* so that reading past the end is fatal */
    memcpy(copy.data, bytes, size);
    const tagnode_status status = tagnode_head_load(copy.data, size, &head, &why);
    unguard(&copy);
    if (status != TAGNODE_OK) {
        CHECK(status == TAGNODE_ERROR_MODEL && head == NULL);
        CHECK(message_has(&why, "ead"));
        return true;
    }
    CHECK(tagnode_head_inputs(head) <= 65536 && tagnode_head_outputs(head) <= 65536);
    CHECK(tagnode_head_run(head, x, 1, y, NULL) == TAGNODE_OK);
    for (uint32_t i = 0; i < tagnode_head_outputs(head); ++i) CHECK(isfinite(y[i]));
    tagnode_head_release(head);
    return false;
}

static void test_a_cut_or_longer_file_is_refused(void) {
    static head_file f;
    whole_head(&f, 7);
    CHECK(!refused(f.bytes, f.size));
    for (size_t size = 0; size < f.size; ++size) CHECK(refused(f.bytes, size));
    CHECK(refused(f.bytes, f.size + 1) && refused(f.bytes, f.size + 4));
}

static void test_every_changed_byte_is_refused_or_valid(void) {
    static head_file f;
    whole_head(&f, 7);
    size_t sound = 0;
    for (size_t at = 0; at < f.size; ++at) {
        const unsigned char flips[] = {0xff, 0x80, 0x01};
        for (size_t i = 0; i < 3; ++i) {
            f.bytes[at] ^= flips[i];
            sound += !refused(f.bytes, f.size);
            f.bytes[at] ^= flips[i];
        }
    }
    CHECK(sound > 0 && sound < 3 * f.size);
}

/* Words of the stages' tables, where sizes are, replaced by values at their limits. */
static void test_random_sizes_are_refused_or_valid(void) {
    static head_file f, bad;
    static const uint32_t LIMITS[] = {0,          1,          2,        15,         16,
                                      17,         65535,      65536,    65537,      1U << 20,
                                      0x3fffffff, 0x40000000, 1u << 31, 0xffffffff, 0xfffffff0,
                                      0x80000001, 3,          5};
    whole_head(&f, 7);
    uint32_t random = 5;
    for (int round = 0; round < 20000; ++round) {
        memcpy(bad.bytes, f.bytes, f.size);
        for (uint32_t changes = next_number(&random) % 3 + 1; changes > 0; --changes) {
            const size_t at = next_number(&random) % (f.size / 4) * 4;
            bad.size = at;
            add_word(&bad, LIMITS[next_number(&random) % (sizeof LIMITS / sizeof *LIMITS)]);
        }
        (void)refused(bad.bytes, f.size - (round % 4 == 3 ? next_number(&random) % f.size : 0));
    }
}

/* ---- in a node ---- */

enum { HEADS = 3, HEAD_VALUES = 3 + 5 + 2, ALL = VALUES + HEAD_VALUES };

/* Two heads on the embedding, one on the activations. */
static void heads_of(tagnode_placed_head *placed) {
    static head_file f;
    whole_head(&f, BANDS);
    placed[0] = (tagnode_placed_head){.head = head_of(&f), .output = 1};
    begin_file(&f, 1);
    add_dense(&f, 5, VALUES, 3);
    placed[1] = (tagnode_placed_head){.head = head_of(&f), .output = 0};
    begin_file(&f, 1);
    add_kernel(&f, 9, BANDS, 2, 1);
    placed[2] = (tagnode_placed_head){.head = head_of(&f), .output = 1};
}

static void release_all(const tagnode_placed_head *placed) {
    for (size_t i = 0; i < HEADS; ++i) tagnode_head_release(placed[i].head);
}

static tagnode *node_with(tagnode_model *model, const tagnode_placed_head *placed, uint32_t count,
                          int32_t embedding) {
    tagnode *node = NULL;
    tagnode_message why = {""};
    tagnode_setup setup = setup_of(44100);
    setup.embedding = embedding;
    const tagnode_parts parts = {
        .models = &model, .model_count = 1, .heads = placed, .head_count = count};
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    if (!CHECK(tagnode_prepare(node, &parts, &setup, &why) == TAGNODE_OK))
        fprintf(stderr, "the message is: %s\n", why.text);
    return node;
}

typedef struct {
    size_t count;
    tagnode_frame frames[512];
    float values[512][ALL], bands[512][BANDS];
} head_results;

static void process(tagnode *node, const float *signal, size_t length, uint32_t block,
                    head_results *into) {
    uint32_t random = 77;
    into->count = 0;
    tagnode_reset(node);
    for (size_t at = 0; at < length;) {
        size_t size = block != 0 ? block : next_number(&random) % 3000;
        if (size > length - at) size = length - at;
        const float *input = signal + at;
        tagnode_process(node, &input, (uint32_t)size);
        into->count += tagnode_read(node, into->frames + into->count, into->values[into->count],
                                    into->bands[into->count], 512 - into->count);
        at += size;
    }
}

static void test_heads_match_their_window_in_any_blocks(void) {
    static head_results with, again;
    static fake self;
    const uint32_t blocks[] = {1, 64, 441, 8192, 0};
    float *signal = white_noise(44100, 3);
    tagnode_placed_head placed[HEADS];
    heads_of(placed);
    tagnode_model *model = model_of(&self);
    tagnode *node = node_with(model, placed, HEADS, 1);
    CHECK(tagnode_value_count(node) == ALL && tagnode_embedding_count(node) == BANDS);
    process(node, signal, 44100, 512, &with);
    CHECK(with.count > 20);
    for (size_t i = 0; i < with.count; ++i) {
        float expected[HEAD_VALUES] = {0}, *into = expected;
        const float *const taken[] = {with.values[i], with.bands[i]};
        if (with.frames[i].state == TAGNODE_FRESH)
            for (size_t j = 0; j < HEADS; into += tagnode_head_outputs(placed[j++].head))
                CHECK(tagnode_head_run(placed[j].head, taken[placed[j].output], 1, into, NULL) ==
                      TAGNODE_OK);
        CHECK(memcmp(with.values[i] + VALUES, expected, sizeof expected) == 0);
    }
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i) {
        process(node, signal, 44100, blocks[i], &again);
        CHECK(again.count == with.count);
        CHECK(memcmp(again.values, with.values, with.count * sizeof *with.values) == 0);
    }
    tagnode_destroy(node);
    tagnode_model_release(model);
    release_all(placed);
    free(signal);
}

static void test_heads_do_not_depend_on_the_embedding_or_change_other_values(void) {
    static head_results with, without;
    static fake self;
    float *signal = white_noise(44100, 4);
    tagnode_placed_head placed[HEADS];
    heads_of(placed);
    tagnode_model *model = model_of(&self);
    tagnode *alone = node_with(model, NULL, 0, -1);
    const tagnode_latency before = tagnode_get_latency(alone);
    memset(&without, 0, sizeof without);
    process(alone, signal, 44100, 512, &without);
    tagnode_destroy(alone);
    tagnode *node = node_with(model, placed, HEADS, -1);
    CHECK(tagnode_embedding_count(node) == 0);
    CHECK(tagnode_get_latency(node).total == before.total);
    process(node, signal, 44100, 512, &with);
    CHECK(with.count == without.count);
    for (size_t i = 0; i < with.count; ++i) {
        CHECK(same_frame(&with.frames[i], &without.frames[i]));
        CHECK(memcmp(with.values[i], without.values[i], VALUES * sizeof(float)) == 0);
    }
    CHECK(with.values[with.count - 1][VALUES] != 0);
    tagnode_destroy(node);
    tagnode_model_release(model);
    release_all(placed);
    free(signal);
}

static void test_heads_that_do_not_match_are_refused(void) {
    static fake self;
    tagnode_message why = {""};
    tagnode_placed_head placed[HEADS], wrong;
    heads_of(placed);
    tagnode_model *model = model_of(&self);
    tagnode *node = node_with(model, placed, HEADS, 1);
    const tagnode_setup setup = setup_of(44100);
    const struct {
        uint32_t model, output, count;
        const char *word;
    } cases[] = {{1, 1, 1, "model 1"},
                 {0, 2, 1, "output 2"},
                 {0, 0, 1, "takes 12 floats"},
                 {0, 1, TAGNODE_MAX_HEADS + 1, "0 to 32"}};
    for (size_t i = 0; i < 4; ++i) {
        wrong = (tagnode_placed_head){
            .head = placed[0].head, .model = cases[i].model, .output = cases[i].output};
        const tagnode_parts parts = {
            .models = &model, .model_count = 1, .heads = &wrong, .head_count = cases[i].count};
        CHECK(tagnode_prepare(node, &parts, &setup, &why) == TAGNODE_ERROR_ARGUMENT);
        CHECK(message_has(&why, cases[i].word));
    }
    CHECK(tagnode_value_count(node) == ALL); /* the node kept its former setup */
    tagnode_destroy(node);
    tagnode_model_release(model);
    release_all(placed);
}

/* ---- timing ---- */

static void print_time(const char *what, const head_file *f) {
    tagnode_head *head = head_of(f);
    static float x[200 * 200], y[200 * 40];
    for (size_t i = 0; i < 200 * 200; ++i) x[i] = (float)(i % 31) / 31;
    struct timespec begin, end;
    double least = 1e9;
    for (int round = 0; round < 30; ++round) {
        clock_gettime(CLOCK_MONOTONIC, &begin);
        CHECK(tagnode_head_run(head, x, 200, y, NULL) == TAGNODE_OK);
        clock_gettime(CLOCK_MONOTONIC, &end);
        const double taken =
            (double)(end.tv_sec - begin.tv_sec) * 1e6 + (double)(end.tv_nsec - begin.tv_nsec) / 1e3;
        if (taken / 200 < least) least = taken / 200;
    }
    printf("%s of 200 floats: %.2f us a head\n", what, least);
    tagnode_head_release(head);
}

static void print_times(void) {
    static head_file f;
    begin_file(&f, 2);
    begin_stage(&f, 1, 1, 200, 0);
    add_floats(&f, 400);
    add_dense(&f, 8, 200, 4);
    print_time("linear", &f);
    begin_file(&f, 3);
    begin_stage(&f, 1, 1, 200, 0);
    add_floats(&f, 400);
    add_dense(&f, 100, 200, 1);
    add_dense(&f, 8, 100, 4);
    print_time("network, 100 hidden,", &f);
    begin_file(&f, 2);
    begin_stage(&f, 2, 100, 200, 0);
    for (int rank = 0; rank < 100; ++rank)
        for (uint32_t i = 0; i < 200; ++i) add_float(&f, (float)rank / 100);
    add_dense(&f, 8, 200, 4);
    print_time("quantiles and linear", &f);
    begin_file(&f, 1);
    add_kernel(&f, 500, 200, 8, 0);
    print_time("500 support vectors", &f);
}

int main(void) {
    test_dense_stage_is_its_sum_for_any_size();
    test_non_finite_input_gives_finite_values();
    test_a_cut_or_longer_file_is_refused();
    test_every_changed_byte_is_refused_or_valid();
    test_random_sizes_are_refused_or_valid();
    test_heads_match_their_window_in_any_blocks();
    test_heads_do_not_depend_on_the_embedding_or_change_other_values();
    test_heads_that_do_not_match_are_refused();
    print_times();
    return closing_line();
}
