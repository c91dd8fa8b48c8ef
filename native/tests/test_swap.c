/* test_swap.c - models swapped while audio continues: three threads that process, swap and read,
 * with no frame missing, held or late. Several models on one front-end. */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

enum { BANDS = 8, PATCH = 24, VALUES = 3, RATE = 16000, BLOCK = 64, SECONDS = 40 };

typedef struct {
    unsigned char bytes[8192];
    size_t size;
} file;

static file read_file(const char *name) {
    char path[1024];
    file got = {.size = 0};
    (void)snprintf(path, sizeof path, "%s/%s.tflite", TAGNODE_TEST_DATA, name);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) return got;
    got.size = fread(got.bytes, 1, sizeof got.bytes, stream);
    (void)fclose(stream);
    return got;
}

static tagnode_model *load(const char *name) {
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
    const file got = read_file(name);
    tagnode_model *model = NULL;
    tagnode_message why = {""};
    CHECK(tagnode_model_load_inline(got.bytes, got.size, &card, &model, &why) == TAGNODE_OK);
    return model;
}

static tagnode *prepared(tagnode_model *const *models, uint32_t count) {
    const tagnode_setup setup = {.sample_rate = RATE,
                                 .channels = 1,
                                 .max_frames = BLOCK,
                                 .hop = 0.04,
                                 .embedding = -1,
                                 .queue = 65536};
    tagnode *node = NULL;
    tagnode_message why = {""};
    CHECK(tagnode_create(&node) == TAGNODE_OK);
    CHECK(prepare_models(node, models, count, &setup, &why) == TAGNODE_OK);
    return node;
}

typedef struct {
    tagnode *node;
    _Atomic bool done;
    int64_t last;
    size_t frames, gaps, held;
    uint32_t hop_samples;
} stage;

static void callback(tagnode *node, const float *input) TAGNODE_NONBLOCKING {
    tagnode_process(node, &input, BLOCK);
}

static void *play(void *context) {
    stage *self = context;
    float block[BLOCK];
    uint32_t random = 5;
    for (int i = 0; i < SECONDS * RATE / BLOCK; ++i) {
        for (int j = 0; j < BLOCK; ++j) block[j] = (float)next_number(&random) / 4.3e9f - 0.5f;
        callback(self->node, block);
    }
    atomic_store(&self->done, true);
    return NULL;
}

static void note(stage *self, const tagnode_frame *frame) {
    if (self->frames > 0 && frame->emitted != self->last + self->hop_samples) ++self->gaps;
    if (frame->state == TAGNODE_HELD) ++self->held;
    self->last = frame->emitted;
    ++self->frames;
}

static void *read_all(void *context) {
    stage *self = context;
    bool last_round = false;
    for (;;) {
        tagnode_frame frames[16];
        float values[16 * VALUES];
        const size_t count = tagnode_read(self->node, frames, values, NULL, 16);
        for (size_t i = 0; i < count; ++i) note(self, &frames[i]);
        if (count == 0 && last_round) return NULL;
        if (count == 0) last_round = atomic_load(&self->done);
    }
}

static void test_swaps_during_audio(void) {
    tagnode_model *models[2] = {load("padded"), load("valid")};
    tagnode *node = prepared(models, 1);
    stage self = {.node = node, .hop_samples = 128 * tagnode_hop_frames(node)};
    pthread_t player, reader;
    CHECK(pthread_create(&player, NULL, play, &self) == 0);
    CHECK(pthread_create(&reader, NULL, read_all, &self) == 0);
    int swaps = 0;
    for (; !atomic_load(&self.done) && swaps < 2000; ++swaps) {
        tagnode_message why = {""};
        if (!CHECK(tagnode_swap(node, 0, models[(swaps + 1) % 2], &why) == TAGNODE_OK)) break;
    }
    pthread_join(player, NULL);
    pthread_join(reader, NULL);
    const tagnode_counters counters = tagnode_get_counters(node);
    CHECK(swaps > 0);
    CHECK(counters.swaps > 0);
    CHECK(counters.late == 0 && counters.held == 0 && counters.dropped == 0);
    CHECK(self.frames > 900 && self.gaps == 0 && self.held == 0);
    tagnode_destroy(node);
    for (int i = 0; i < 2; ++i) tagnode_model_release(models[i]);
}

/* Models may be released while a node uses them, or is about to. */
static void test_a_swap_that_never_takes_over_is_freed(void) {
    tagnode_model *models[2] = {load("padded"), load("valid")};
    tagnode *node = prepared(models, 2);
    for (int i = 0; i < 3; ++i) CHECK(tagnode_swap(node, 1, models[0], NULL) == TAGNODE_OK);
    const float silence[BLOCK] = {0};
    callback(node, silence);
    CHECK(tagnode_swap(node, 0, models[1], NULL) == TAGNODE_OK);
    CHECK(tagnode_swap(node, 2, models[1], NULL) == TAGNODE_ERROR_ARGUMENT);
    for (int i = 0; i < 2; ++i) tagnode_model_release(models[i]);
    callback(node, silence);
    tagnode_destroy(node);
}

int main(void) {
    test_swaps_during_audio();
    test_a_swap_that_never_takes_over_is_freed();
    return closing_line();
}
