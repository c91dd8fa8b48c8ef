/* test_inline_work.c - the work of the inline runtime: bounded in each callback, and the same after
 * hours. With TAGNODE_MODELS naming a folder that has musicnn-mtt.tflite, its work is measured too.
 */
#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "inline_rig.h"
#include "tagger/sliced.h"

/* ---- hours ---- */

static size_t bytes_in_use(void) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

/* The same second or so repeated, a whole number of mel frames and of hops. */
static void test_nothing_drifts_or_grows_in_two_hours(void) {
    enum { HOP = 4, PERIOD = 32 / HOP };
    static result first[PERIOD];
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
            result *slot = &first[ticks % PERIOD];
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

/* ---- bounded work ---- */

/* The work of each callback at 48 kHz in `hops` hops, once the first windows are done; from the
 * first callback on if silence before the stream is allowed. It may be 1.18 times the mean, since
 * results are ready slightly early, plus one indivisible part. For models of a useful size this is
 * less than 1.5 times. */
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
    const tagnode_ticks ticks = {0, frames, 1};
    CHECK(tagnode_sliced_create(&graph, card, &ticks, frame_samples, &sliced, NULL) == TAGNODE_OK);
    CHECK(tagnode_sliced_start(sliced, tagnode_sliced_latency(sliced), 64, NULL) == TAGNODE_OK);
    const float silence[TAGNODE_MAX_BANDS] = {0};
    const uint32_t silent = card->patch_frames - 1 - (card->patch_frames - 1) % frames;
    if (card->silence_before)
        CHECK(tagnode_sliced_prime(sliced, silence, silent, NULL) == TAGNODE_OK);
    tagnode_sliced_reset(sliced, card->silence_before, 0);
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
    const char *const after = card->silence_before ? " after silence" : "";
    printf("%s%s, norm %s, hop %u mel frames, blocks of %u: %.0f multiply-adds a callback, %llu at "
           "most: %.2f "
           "times; "
           "%.0f %% rest\n",
           name, after, tagnode_patch_norm_name((uint32_t)card->patch_norm), frames, block, mean,
           (unsigned long long)most, (double)most / mean, 100.0 * (double)idle / (calls - warm));
    tagger_plan plan;
    CHECK(tagger_plan_create(&graph, card, kernels_select(), false, &plan, NULL) == TAGNODE_OK);
    const uint32_t part = tagger_plan_cost(&plan).part;
    tagger_plan_destroy(&plan);
    CHECK((double)most <= 1.2 * mean + part);
    CHECK((double)most <= 1.5 * mean || mean < 3.0 * part); /* if parts are small */
    tagnode_frontend_destroy(frontend);
    tagnode_sliced_destroy(sliced);
    tagger_graph_free(&graph);
    free(mel);
    free(noise);
}

static void test_work_is_even_from_callback_to_callback(void) {
    tagnode_card card = card_of();
    for (int m = 0; m < 4 * MODELS; ++m) {
        card.silence_before = m / MODELS % 2 == 1;
        card.patch_norm = m >= 2 * MODELS ? TAGNODE_PATCH_Z_SCORE : TAGNODE_PATCH_NONE;
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
    real.silence_before = true; /* as if its card had it */
    check_work("musicnn-mtt", &musicnn, &real, 0.1, 64, 20);
    check_work("musicnn-mtt", &musicnn, &real, 0.25, 64, 8);
    free(musicnn.bytes);
}

int main(void) {
    if (!read_files()) return EXIT_FAILURE;
    test_nothing_drifts_or_grows_in_two_hours();
    test_work_is_even_from_callback_to_callback();
    free_files();
    return closing_line();
}
