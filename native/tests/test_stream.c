/* test_stream.c - input goes to the node and to the reader, written samples are output: every
 * sample once, in order, or counted. Samples here count up from 1, so that gaps, repetitions and
 * silence can be distinguished. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "check.h"

enum { QUEUE = 1000, MOST = 3000, CHANNELS = TAGNODE_MAX_CHANNELS };

static tagnode_stream *stream_of(tagnode_stream_setup setup) {
    tagnode_stream *stream = NULL;
    tagnode_message why = {""};
    if (!CHECK(tagnode_stream_create(&setup, &stream, &why) == TAGNODE_OK)) {
        fprintf(stderr, "the message is: %s\n", why.text);
        exit(EXIT_FAILURE);
    }
    return stream;
}

/* Writes the numbers `from`, `from` + 1 ... into every channel, with a sign and a scale for each;
 * `is_number` returns whether a sample is one of these. All are exact in float32. */
static float number(uint64_t n, uint32_t channel) {
    return (channel % 2 == 0 ? 1.0F : -1.0F) * (float)n / (float)(1U << channel);
}

static void numbers(float *samples, uint64_t from, size_t frames, uint32_t channels) {
    for (size_t i = 0; i < frames * channels; ++i)
        samples[i] = number(from + i / channels, (uint32_t)(i % channels));
}

static bool is_number(const float *sample, uint64_t n, uint32_t channels) {
    for (uint32_t channel = 0; channel < channels; ++channel)
        if (sample[channel] != number(n, channel)) return false;
    return true;
}

static bool is_silence(const float *samples, size_t count) {
    for (size_t i = 0; i < count; ++i)
        if (samples[i] != 0) return false;
    return true;
}

/* ---- one thread ---- */

static void test_the_lead_is_output_first_then_what_was_written(void) {
    static float in[MOST], out[MOST];
    tagnode_stream *stream =
        stream_of((tagnode_stream_setup){.inputs = 1, .outputs = 1, .queue = QUEUE, .lead = 300});
    CHECK(tagnode_stream_pending(stream) == 300);
    numbers(in, 1, 500, 1);
    CHECK(tagnode_stream_write(stream, in, 500) == 500);
    CHECK(tagnode_stream_pending(stream) == 800);
    CHECK(tagnode_stream_callback(in, out, 700, NULL, 0, stream) == 0);
    CHECK(is_silence(out, 300));
    for (size_t i = 0; i < 400; ++i) CHECK(is_number(out + 300 + i, i + 1, 1));
    CHECK(tagnode_stream_pending(stream) == 100);
    CHECK(tagnode_stream_get_counters(stream).missing == 0);
    tagnode_stream_destroy(stream);
}

static void test_an_empty_queue_gives_silence_and_counts_it(void) {
    static float in[MOST], out[MOST];
    tagnode_stream *stream =
        stream_of((tagnode_stream_setup){.inputs = 1, .outputs = 2, .queue = QUEUE});
    numbers(in, 1, 100, 2);
    CHECK(tagnode_stream_write(stream, in, 100) == 100);
    memset(out, 0xFF, sizeof out);
    (void)tagnode_stream_callback(in, out, 250, NULL, 0, stream);
    for (size_t i = 0; i < 100; ++i) CHECK(is_number(out + 2 * i, i + 1, 2));
    CHECK(is_silence(out + 200, 300));
    CHECK(out[500] != 0); /* samples beyond the block are unchanged */
    CHECK(tagnode_stream_get_counters(stream).missing == 150);
    CHECK(tagnode_stream_read(stream, out, MOST) == 250);
    CHECK(tagnode_stream_read(stream, out, MOST) == 0);
    tagnode_stream_destroy(stream);
}

static void test_a_full_queue_keeps_the_oldest_and_counts_what_is_lost(void) {
    static float in[MOST], out[MOST];
    tagnode_stream *stream = stream_of((tagnode_stream_setup){.inputs = 2, .queue = QUEUE});
    numbers(in, 1, 1300, 2);
    (void)tagnode_stream_callback(in, NULL, 600, NULL, 0, stream);
    (void)tagnode_stream_callback(in + 1200, NULL, 700, NULL, 0, stream);
    CHECK(tagnode_stream_get_counters(stream).lost == 300);
    CHECK(tagnode_stream_get_counters(stream).position == 1300);
    CHECK(tagnode_stream_readable(stream) == QUEUE);
    CHECK(tagnode_stream_read(stream, out, 400) == 400);
    numbers(in, 1301, 10, 2);
    (void)tagnode_stream_callback(in, NULL, 10, NULL, 0, stream);
    CHECK(tagnode_stream_read(stream, out + 800, MOST) == 610);
    for (size_t i = 0; i < QUEUE; ++i) CHECK(is_number(out + 2 * i, i + 1, 2));
    for (size_t i = 0; i < 10; ++i) CHECK(is_number(out + 2 * (QUEUE + i), 1301 + i, 2));
    CHECK(tagnode_stream_get_counters(stream).lost == 300);
    tagnode_stream_destroy(stream);
}

static void test_a_full_output_queue_refuses_samples(void) {
    static float in[MOST], out[MOST];
    tagnode_stream *stream =
        stream_of((tagnode_stream_setup){.outputs = 1, .queue = QUEUE, .lead = QUEUE});
    numbers(in, 1, 800, 1);
    CHECK(tagnode_stream_write(stream, in, 800) == 0);
    (void)tagnode_stream_callback(NULL, out, 300, NULL, 0, stream);
    CHECK(tagnode_stream_write(stream, in, 800) == 300);
    (void)tagnode_stream_callback(NULL, out, QUEUE, NULL, 0, stream);
    for (size_t i = 0; i < 300; ++i) CHECK(is_number(out + 700 + i, i + 1, 1));
    CHECK(tagnode_stream_get_counters(stream).position == 0); /* no input */
    tagnode_stream_destroy(stream);
}

static void test_flags_are_counted_by_side(void) {
    static float in[64], out[64];
    tagnode_stream *stream = stream_of((tagnode_stream_setup){.inputs = 1, .outputs = 1});
    for (unsigned long flags = 0; flags < 32; ++flags)
        (void)tagnode_stream_callback(in, out, 64, NULL, flags, stream);
    const tagnode_stream_counters counters = tagnode_stream_get_counters(stream);
    CHECK(counters.callbacks == 32);
    CHECK(counters.overflows == 24); /* 3 of 4 have flag 1 or 2 set */
    CHECK(counters.underflows == 24);
    tagnode_stream_destroy(stream);
}

static void test_without_queues_silence_goes_out_and_nothing_counts_as_lost(void) {
    static float in[128], out[128];
    tagnode_stream *stream = stream_of((tagnode_stream_setup){.inputs = 2, .outputs = 1});
    memset(out, 0xFF, sizeof out);
    numbers(in, 1, 64, 2);
    (void)tagnode_stream_callback(in, out, 64, NULL, 0, stream);
    CHECK(is_silence(out, 64));
    CHECK(tagnode_stream_read(stream, out, 64) == 0);
    CHECK(tagnode_stream_write(stream, in, 64) == 0);
    CHECK(tagnode_stream_readable(stream) == 0 && tagnode_stream_pending(stream) == 0);
    const tagnode_stream_counters counters = tagnode_stream_get_counters(stream);
    CHECK(counters.lost == 0 && counters.missing == 0 && counters.position == 64);
    tagnode_stream_destroy(stream);
}

/* ---- two threads ---- */

enum { CALLBACKS = 20000, MOST_FRAMES = 700 };

typedef struct {
    tagnode_stream *stream;
    uint32_t inputs, outputs;
    uint64_t came, silent, wrong; /* samples in; silent and wrong samples out */
    _Atomic bool done;
} player;

/* Processes blocks of random sizes; checks that the output counts up, apart from silence. */
static void *play(void *argument) {
    static float in[MOST_FRAMES * CHANNELS], out[MOST_FRAMES * CHANNELS];
    player *self = argument;
    uint32_t random = 9;
    uint64_t expected = 1;
    for (int i = 0; i < CALLBACKS; ++i) {
        const size_t frames = next_number(&random) % MOST_FRAMES;
        numbers(in, self->came + 1, frames, self->inputs);
        (void)tagnode_stream_callback(in, out, frames, NULL, 0, self->stream);
        self->came += frames;
        for (size_t j = 0; j < frames; ++j) {
            const float *sample = out + j * self->outputs;
            if (is_number(sample, expected, self->outputs))
                ++expected;
            else if (is_silence(sample, self->outputs))
                ++self->silent;
            else
                ++self->wrong;
        }
        if (next_number(&random) % 4 == 0) sched_yield();
    }
    atomic_store(&self->done, true);
    return NULL;
}

typedef struct {
    uint64_t got, expected, skipped, wrong, written;
} reader;

/* Reads and writes pieces of random sizes; samples that it does not see were lost. */
static size_t exchange(reader *self, const player *other, uint32_t *random) {
    static float samples[MOST_FRAMES * CHANNELS];
    const size_t got =
        tagnode_stream_read(other->stream, samples, next_number(random) % MOST_FRAMES);
    for (size_t i = 0; i < got; ++i) {
        const uint64_t n = (uint64_t)samples[i * other->inputs];
        self->wrong +=
            n < self->expected || !is_number(samples + i * other->inputs, n, other->inputs);
        self->skipped += n - self->expected;
        self->expected = n + 1;
    }
    self->got += got;
    const size_t frames = next_number(random) % MOST_FRAMES;
    numbers(samples, self->written + 1, frames, other->outputs);
    self->written += tagnode_stream_write(other->stream, samples, frames);
    if (next_number(random) % 64 == 0) sched_yield();
    return got;
}

static void exchange_with_the_audio(uint32_t inputs, uint32_t outputs) {
    player playing = {.inputs = inputs, .outputs = outputs};
    playing.stream = stream_of(
        (tagnode_stream_setup){.inputs = inputs, .outputs = outputs, .queue = QUEUE, .lead = 100});
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, play, &playing) == 0);
    reader self = {.expected = 1};
    uint32_t random = 3;
    while (!atomic_load(&playing.done)) (void)exchange(&self, &playing, &random);
    pthread_join(thread, NULL);
    while (tagnode_stream_readable(playing.stream) > 0) (void)exchange(&self, &playing, &random);
    const tagnode_stream_counters counters = tagnode_stream_get_counters(playing.stream);
    CHECK(self.wrong == 0 && playing.wrong == 0);
    CHECK(counters.callbacks == CALLBACKS);
    CHECK((uint64_t)counters.position == playing.came);
    CHECK(self.got + counters.lost == playing.came);
    CHECK(self.skipped <= counters.lost); /* samples lost at the very end are not seen */
    CHECK(counters.missing + 100 == playing.silent);
    CHECK(self.got > 0 && self.written > 0 && playing.came > playing.silent);
    tagnode_stream_destroy(playing.stream);
}

static void test_samples_stay_in_order_between_two_threads(void) {
    for (uint32_t channels = 1; channels <= CHANNELS; channels *= 2) {
        exchange_with_the_audio(channels, CHANNELS / channels);
        exchange_with_the_audio(channels, channels);
    }
}

/* ---- the node ---- */

enum { BANDS = 8, PATCH = 24, VALUES = 3, RATE = 16000, LENGTH = 4 * RATE, FRAMES = 256 };

static tagnode_model *load(void) {
    const tagnode_card card = {.frontend = {.sample_rate = RATE,
                                            .frame = 256,
                                            .fft = 256,
                                            .hop = 128,
                                            .bands = BANDS,
                                            .log = TAGNODE_LOG_LOG10_1P,
                                            .log_parameter = 10000,
                                            .fmax = 8000},
                               .patch_frames = PATCH,
                               .outputs = 2,
                               .output_size = {VALUES, 5}};
    static unsigned char bytes[8192];
    FILE *file = fopen(TAGNODE_TEST_DATA "/valid.tflite", "rb");
    if (!CHECK(file != NULL)) exit(EXIT_FAILURE);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    tagnode_model *model = NULL;
    CHECK(tagnode_model_load_inline(bytes, size, &card, &model, NULL) == TAGNODE_OK);
    return model;
}

static tagnode *node_of(uint32_t channels, uint32_t max_frames, bool offline) {
    const tagnode_setup setup = {.sample_rate = RATE,
                                 .channels = channels,
                                 .max_frames = max_frames,
                                 .hop = 0.04,
                                 .embedding = -1,
                                 .queue = FRAMES,
                                 .offline = offline};
    tagnode_model *model = load();
    tagnode *node = NULL;
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(prepare_model(node, model, &setup, NULL) == TAGNODE_OK);
    tagnode_model_release(model);
    return node;
}

typedef struct {
    size_t count;
    tagnode_frame frames[FRAMES];
    float values[FRAMES * VALUES];
} results;

static void read_all(tagnode *node, results *into) {
    memset(into, 0, sizeof *into); /* including padding, for memcmp */
    into->count = tagnode_read(node, into->frames, into->values, NULL, FRAMES);
}

static void play_through(tagnode *node, uint32_t channels, const float *interleaved,
                         uint32_t most_frames) {
    tagnode_stream *stream = stream_of((tagnode_stream_setup){.node = node, .inputs = channels});
    uint32_t random = most_frames;
    for (size_t at = 0; at < LENGTH;) {
        size_t frames = 1 + next_number(&random) % most_frames;
        if (frames > LENGTH - at) frames = LENGTH - at;
        (void)tagnode_stream_callback(interleaved + at * channels, NULL, frames, NULL, 0, stream);
        at += frames;
    }
    tagnode_stream_destroy(stream);
}

static void compare_with_process(uint32_t channels) {
    static results expected, got;
    const uint32_t largest[] = {1, 64, 511, 8192, LENGTH};
    float *interleaved = white_noise((size_t)LENGTH * channels, channels);
    float *planar = malloc((size_t)LENGTH * channels * sizeof *planar);
    const float *planes[CHANNELS];
    if (planar == NULL) abort();
    for (size_t i = 0; i < (size_t)LENGTH * channels; ++i)
        planar[i % channels * LENGTH + i / channels] = interleaved[i];
    for (uint32_t i = 0; i < channels; ++i) planes[i] = planar + (size_t)i * LENGTH;
    tagnode *node = node_of(channels, LENGTH, false);
    tagnode_process(node, planes, LENGTH);
    read_all(node, &expected);
    CHECK(expected.count > 50);
    tagnode_destroy(node);
    for (size_t i = 0; i < 5; ++i) {
        node = node_of(channels, largest[i], false);
        play_through(node, channels, interleaved, largest[4 - i]);
        read_all(node, &got);
        CHECK(got.count == expected.count);
        CHECK(memcmp(&got, &expected, sizeof got) == 0);
        tagnode_destroy(node);
    }
    free(planar);
    free(interleaved);
}

static void test_the_node_gets_the_same_input_as_by_process_in_any_blocks(void) {
    compare_with_process(1);
    compare_with_process(2);
    compare_with_process(CHANNELS);
}

/* ---- arguments ---- */

static bool refused(tagnode_stream_setup setup, const char *part) {
    tagnode_stream *stream = (tagnode_stream *)&setup;
    tagnode_message why = {""};
    return tagnode_stream_create(&setup, &stream, &why) == TAGNODE_ERROR_ARGUMENT &&
           stream == NULL && message_has(&why, part) &&
           tagnode_stream_create(&setup, &stream, NULL) == TAGNODE_ERROR_ARGUMENT;
}

static void test_wrong_settings_are_refused_with_a_sentence(void) {
    tagnode *empty = NULL, *live = node_of(2, 512, false), *offline = node_of(2, 512, true);
    CHECK(tagnode_create(&empty) == TAGNODE_OK);
    CHECK(refused((tagnode_stream_setup){.inputs = 9}, "9 inputs"));
    CHECK(refused((tagnode_stream_setup){.outputs = 9}, "9 outputs"));
    CHECK(refused((tagnode_stream_setup){.queue = TAGNODE_MAX_BLOCK + 1}, "1048577"));
    CHECK(refused((tagnode_stream_setup){.queue = 10, .lead = 11}, "11"));
    CHECK(refused((tagnode_stream_setup){.node = empty, .inputs = 2}, "prepared"));
    CHECK(refused((tagnode_stream_setup){.node = live, .inputs = 1}, "2 channels"));
    CHECK(refused((tagnode_stream_setup){.node = live}, "0 inputs"));
    CHECK(refused((tagnode_stream_setup){.node = offline, .inputs = 2}, "offline"));
    tagnode_stream_destroy(NULL);
    tagnode_destroy(empty);
    tagnode_destroy(live);
    tagnode_destroy(offline);
}

static void test_settings_at_their_limits_are_accepted(void) {
    const tagnode_stream_setup limits[] = {
        {.inputs = TAGNODE_MAX_CHANNELS, .outputs = TAGNODE_MAX_CHANNELS, .queue = 10, .lead = 10},
        {.inputs = 1, .outputs = 1, .queue = TAGNODE_MAX_BLOCK},
        {.queue = 0}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i) {
        tagnode_stream *stream = NULL;
        CHECK(tagnode_stream_create(&limits[i], &stream, NULL) == TAGNODE_OK && stream != NULL);
        tagnode_stream_destroy(stream);
    }
}

int main(void) {
    test_the_lead_is_output_first_then_what_was_written();
    test_an_empty_queue_gives_silence_and_counts_it();
    test_a_full_queue_keeps_the_oldest_and_counts_what_is_lost();
    test_a_full_output_queue_refuses_samples();
    test_flags_are_counted_by_side();
    test_without_queues_silence_goes_out_and_nothing_counts_as_lost();
    test_samples_stay_in_order_between_two_threads();
    test_the_node_gets_the_same_input_as_by_process_in_any_blocks();
    test_wrong_settings_are_refused_with_a_sentence();
    test_settings_at_their_limits_are_accepted();
    return closing_line();
}
