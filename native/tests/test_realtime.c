/* test_realtime.c - a host whose callback does everything that an audio thread may do.
 *
 * With TAGNODE_SANITIZE=realtime the callback ends the process, with status 43, as soon as anything
 * in it allocates, locks or makes a system call; -Wfunction-effects checks the same at compile
 * time. In other builds it is a sweep through rates, block sizes and events. */
#include <stdatomic.h>
#include <time.h>

#include "check.h"
#include "head_file.h"

#if defined(__has_feature)
#if __has_feature(realtime_sanitizer)
#define TRACKED
#include <sys/wait.h>
#include <unistd.h>
#endif
#endif

enum { BANDS = 16, PATCH = 8, MOST_BLOCK = 4096, CHANNELS = 2, VALUES = 2 + 3 };

typedef struct {
    float input[PATCH * BANDS], output[2], embedding[BANDS];
    _Atomic int failing;
    _Atomic int64_t runs;
} fake;

static int invoke(void *handle) {
    fake *self = handle;
    void *burst = malloc(1000); /* real runtimes do this; the worker's thread may */
    self->output[0] = burst != NULL ? self->input[0] : -1;
    self->output[1] = self->input[PATCH * BANDS - 1];
    free(burst);
    atomic_fetch_add(&self->runs, 1);
    return atomic_load(&self->failing);
}

typedef struct {
    tagnode *node;
    tagnode_frontend *frontend;
    tagnode_automation *automation;
    float mel[64 * BANDS];
    float parameter;
    uint64_t fresh, held, measured;
} host;

/* ---- the audio thread ---- */

static void callback(host *self, const float *const *input, uint32_t frames, bool reset)
    TAGNODE_NONBLOCKING {
    tagnode_frame frame;
    float values[VALUES], embedding[BANDS];
    if (reset) {
        tagnode_reset(self->node);
        tagnode_frontend_reset(self->frontend);
        tagnode_automation_reset(self->automation);
    }
    tagnode_process(self->node, input, frames);
    while (tagnode_read(self->node, &frame, values, embedding, 1) == 1) {
        self->fresh += frame.state == TAGNODE_FRESH;
        self->held += frame.state == TAGNODE_HELD;
        tagnode_automation_push(self->automation, 0, frame.emitted, values[VALUES - 1]);
    }
    float signals[TAGNODE_SIGNAL_END];
    while (tagnode_read_signals(self->node, &frame, signals, 1) == 1) ++self->measured;
    while (tagnode_read_mel(self->node, self->mel, 64) == 64) self->parameter = self->mel[0];
    const tagnode_counters counters = tagnode_get_counters(self->node);
    const tagnode_steps steps = {.grid = 64, .most = 512, .tolerance = 0.01F};
    int64_t begins[10];
    float parameters[10];
    (void)tagnode_automation_plan(&self->automation, 1, counters.position, counters.position + 512,
                                  &steps, begins, parameters, 10);
    self->parameter = parameters[0];
    self->parameter += (float)tagnode_get_latency(self->node).total;
    self->parameter += (float)tagnode_value_count(self->node);
    if (tagnode_frontend_capacity(self->frontend, frames) <= 64)
        (void)tagnode_frontend_process(self->frontend, input, frames, self->mel);
    self->parameter += (float)tagnode_frontend_replaced(self->frontend);
}

/* ---- the main thread ---- */

static tagnode_card card_of(uint32_t fft, tagnode_log log) {
    return (tagnode_card){.frontend = {.sample_rate = 16000,
                                       .frame = fft,
                                       .fft = fft,
                                       .hop = fft / 8,
                                       .bands = BANDS,
                                       .spectrum = (tagnode_spectrum)(fft % 3 % 2),
                                       .log = log,
                                       .log_parameter = 0.01,
                                       .fmax = 8000},
                          .patch_frames = PATCH,
                          .outputs = 2,
                          .output_size = {2, BANDS}};
}

static host *host_of(fake *model, const tagnode_card *card, uint32_t rate) {
    host *self = calloc(1, sizeof *self);
    const tagnode_interpreter interpreter = {.invoke = invoke,
                                             .handle = model,
                                             .input = model->input,
                                             .output = {model->output, model->embedding}};
    const tagnode_setup setup = {.sample_rate = rate,
                                 .channels = CHANNELS,
                                 .max_frames = MOST_BLOCK,
                                 .hop = (double)card->frontend.hop / 16000,
                                 .compute_latency = 0.2,
                                 .embedding = 1,
                                 .queue = 16,
                                 .signal_hop = 0.02,
                                 .silence_db = -60,
                                 .silence_hold = 0.1,
                                 .mel_queue = 4};
    const tagnode_mapping mapping = {.high = 1,
                                     .hold = 0.05F,
                                     .delay = 0.02F,
                                     .depth = 1,
                                     .attack = 0.1F,
                                     .release = 0.5F,
                                     .curve = (tagnode_curve)(rate % 3),
                                     .min = 20,
                                     .max = 20000};
    static head_file head;
    whole_head(&head, BANDS);
    const tagnode_placed_head placed = {.head = head_of(&head), .output = 1};
    tagnode_model *made = NULL;
    CHECK(tagnode_model_from_interpreter(&interpreter, card, &made, NULL) == TAGNODE_OK);
    CHECK(tagnode_create(&self->node) == TAGNODE_OK);
    const tagnode_parts parts = {
        .models = &made, .model_count = 1, .heads = &placed, .head_count = 1};
    CHECK(tagnode_prepare(self->node, &parts, &setup, NULL) == TAGNODE_OK);
    CHECK(tagnode_value_count(self->node) == VALUES);
    tagnode_model_release(made);
    tagnode_head_release(placed.head);
    CHECK(tagnode_frontend_create(&card->frontend, rate, CHANNELS, &self->frontend, NULL) ==
          TAGNODE_OK);
    CHECK(tagnode_automation_create(&mapping, 1, TAGNODE_COMBINE_SUM, rate, 4, &self->automation,
                                    NULL) == TAGNODE_OK);
    return self;
}

static void host_destroy(host *self) {
    tagnode_destroy(self->node);
    tagnode_frontend_destroy(self->frontend);
    tagnode_automation_destroy(self->automation);
    free(self);
}

/* One second of audio: the model fails in the second quarter, the host resets at the half. */
static void run(host *self, fake *model, uint32_t rate, uint32_t block) {
    float *noise = white_noise(2 * MOST_BLOCK, rate);
    noise[5] = NAN;
    noise[6] = 1e-41F;
    for (uint32_t at = 0; at < rate; at += block) {
        atomic_store(&model->failing, at >= rate / 4 && at < rate / 2);
        const float *input[CHANNELS] = {noise + at % MOST_BLOCK, noise};
        callback(self, input, block, at >= rate / 2 && at - rate / 2 < block);
        if (at % 8192 < block) nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    }
    free(noise);
}

static void test_callback_is_realtime_safe_at_every_rate_and_block(void) {
    const uint32_t rates[] = {8000, 16000, 22050, 44100, 44101, 48000, 96000, 192000};
    const uint32_t blocks[] = {1, 32, 441, 512, MOST_BLOCK};
    for (size_t r = 0; r < 8; ++r) {
        fake model = {.failing = 0};
        const tagnode_card card = card_of(256U << r % 5, (tagnode_log)(r % 4));
        host *self = host_of(&model, &card, rates[r]);
        for (size_t b = 0; b < 5; ++b) {
            run(self, &model, rates[r], blocks[b]);
            nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL); /* time for the worker */
            CHECK(tagnode_get_counters(self->node).replaced > 0);
        }
        CHECK(self->fresh + self->held > 0);
        CHECK(self->measured > 0);
        CHECK(isfinite(self->parameter));
        CHECK(atomic_load(&model.runs) > 1);
        host_destroy(self);
    }
}

/* ---- the tracker detects violations ---- */

#if defined(TRACKED)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wfunction-effects"
static void offend(unsigned which) TAGNODE_NONBLOCKING {
    void *volatile memory = NULL; /* keeps the compiler from removing the allocation */
    if (which == 0) memory = malloc(16);
    free(memory);
    if (which == 1) nanosleep(&(struct timespec){.tv_nsec = 1}, NULL);
    if (which == 2) (void)fputs("written\n", stderr);
}
#pragma clang diagnostic pop

static void test_tracker_detects_violations(void) {
    for (unsigned which = 0; which < 4; ++which) {
        (void)fflush(NULL);
        const pid_t child = fork();
        if (child == 0) {
            (void)freopen("/dev/null", "w", stderr);
            offend(which);
            _exit(0);
        }
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (which < 3 ? 43 : 0));
    }
}
#else
static void test_tracker_detects_violations(void) {
    puts("skipped: the tracker itself; build with clang and TAGNODE_SANITIZE=realtime");
}
#endif

int main(void) {
    test_tracker_detects_violations();
    test_callback_is_realtime_safe_at_every_rate_and_block();
    return closing_line();
}
