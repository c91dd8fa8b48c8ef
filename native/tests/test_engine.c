/* test_engine.c - the engines of the worker thread; the tests in Python run onnxruntime itself.
 *
 * With TAGNODE_LITERT (a libLiteRt.so) and TAGNODE_MODEL, LiteRT runs as well. The model has a
 * signature, an input of float32 [1, 187, 96] and outputs of TAGNODE_OUTPUTS values, by default
 * "50,50,200,64"; if the first two have one size, they are the activations and their logits. Exit
 * status 0 if nothing failed. */
#include "worker/engines.h"
#include "worker/model_file.h"

#include "check.h"
#include "system.h"

enum { PATCH = 187, BANDS = 96 };

/* ------------------------------------------------------------------------------ interpreter --- */

typedef struct {
    float input[6];
    float sum[1];
    float doubled[6];
    int status;
    unsigned invocations;
    pthread_mutex_t lock;
} adder;

static int add(void *handle) {
    adder *self = handle;
    ++self->invocations;
    self->sum[0] = 0;
    for (size_t i = 0; i < 6; ++i) {
        self->sum[0] += self->input[i];
        self->doubled[i] = 2 * self->input[i];
    }
    return self->status;
}

static tagnode_engine *open_adder(adder *model) {
    const tagnode_card card = {
        .frontend.bands = 2, .patch_frames = 3, .outputs = 2, .output_size = {1, 6}};
    const tagnode_interpreter interpreter = {.invoke = add,
                                             .handle = model,
                                             .input = model->input,
                                             .output = {model->sum, model->doubled}};
    tagnode_engine *engine = NULL;
    tagnode_message why = {""};
    CHECK(tagnode_engine_open_interpreter(&interpreter, &card, &model->lock, &engine, &why) ==
          TAGNODE_OK);
    CHECK(engine != NULL);
    return engine;
}

static void test_interpreter_runs_and_copies(void) {
    adder model = {.status = 0, .lock = PTHREAD_MUTEX_INITIALIZER};
    tagnode_engine *engine = open_adder(&model);
    const float patch[6] = {1, 2, 3, 4, 5, 6};
    float sum[1] = {0};
    float doubled[6] = {0};
    float *outputs[2] = {sum, doubled};
    CHECK(engine->run(engine, patch, outputs) == TAGNODE_OK);
    CHECK(memcmp(model.input, patch, sizeof patch) == 0);
    CHECK(sum[0] == 21.0F);
    CHECK(doubled[0] == 2.0F && doubled[5] == 12.0F);
    engine->close(engine);
    CHECK(model.invocations == 1);
}

static void test_interpreter_skips_null_outputs(void) {
    adder model = {.status = 0, .lock = PTHREAD_MUTEX_INITIALIZER};
    tagnode_engine *engine = open_adder(&model);
    const float patch[6] = {1, 1, 1, 1, 1, 1};
    float doubled[6] = {0};
    float *outputs[2] = {NULL, doubled};
    CHECK(engine->run(engine, patch, outputs) == TAGNODE_OK);
    CHECK(doubled[3] == 2.0F);
    engine->close(engine);
}

static void test_interpreter_reports_a_failing_invoke(void) {
    adder model = {.status = 1, .lock = PTHREAD_MUTEX_INITIALIZER};
    tagnode_engine *engine = open_adder(&model);
    const float patch[6] = {1, 1, 1, 1, 1, 1};
    float sum[1] = {-1};
    float *outputs[2] = {sum, NULL};
    CHECK(engine->run(engine, patch, outputs) == TAGNODE_ERROR_RUNTIME);
    CHECK(sum[0] == -1.0F);
    engine->close(engine);
}

/* ------------------------------------------------------------------------------- model file --- */

static void test_bytes_that_are_not_a_model_are_refused(void) {
    tagnode_message why = {""};
    CHECK(tagnode_model_file_check("", 0, &why) == TAGNODE_ERROR_MODEL);
    CHECK(message_has(&why, "damaged"));
    CHECK(tagnode_model_file_check("\x10\0\0\0TFL", 7, &why) == TAGNODE_ERROR_MODEL);
    CHECK(tagnode_model_file_check("\x10\0\0\0TFL2....", 12, &why) == TAGNODE_ERROR_MODEL);
}

/* Arbitrary bytes: any result is allowed, but no read outside the file (AddressSanitizer checks).
 */
static void test_no_bytes_cause_reads_outside_the_file(void) {
    static const unsigned char mark[] = {'T', 'F', 'L', '3'};
    uint32_t random = 1;
    for (unsigned round = 0; round < 20000; ++round) {
        const size_t size = 8 + next_number(&random) % 120;
        unsigned char *bytes = malloc(size);
        for (size_t i = 0; i < size; ++i) {
            const uint32_t number = next_number(&random);
            bytes[i] = number % 4 != 0 ? 0 : (unsigned char)((number >> 8) % size);
        }
        memcpy(bytes + 4, mark, sizeof mark);
        const tagnode_status status = tagnode_model_file_check(bytes, size, NULL);
        CHECK(status == TAGNODE_OK || status == TAGNODE_ERROR_MODEL);
        free(bytes);
    }
}

/* ----------------------------------------------------------------------- litert, no library --- */

static tagnode_card tagger_card(void) {
    tagnode_card card = {.frontend.bands = BANDS,
                         .patch_frames = PATCH,
                         .outputs = 4,
                         .output_size = {50, 50, 200, 64}};
    const char *text = getenv("TAGNODE_OUTPUTS");
    if (text != NULL) {
        card.outputs = 0;
        while (*text != '\0' && card.outputs < TAGNODE_MAX_OUTPUTS) {
            char *end = NULL;
            card.output_size[card.outputs++] = (uint32_t)strtoul(text, &end, 10);
            text = *end == ',' ? end + 1 : "";
        }
    }
    return card;
}

static void test_missing_library_is_named(void) {
    const tagnode_card card = tagger_card();
    tagnode_engine *engine = (tagnode_engine *)&card;
    tagnode_message why = {""};
    CHECK(tagnode_engine_open_litert("/nowhere/libLiteRt.so", "TFL3", 4, &card, &engine, &why) ==
          TAGNODE_ERROR_RUNTIME);
    CHECK(engine == NULL);
    CHECK(message_has(&why, "/nowhere/libLiteRt.so"));
    CHECK(tagnode_engine_open_litert("/nowhere/libLiteRt.so", "TFL3", 4, &card, &engine, NULL) ==
          TAGNODE_ERROR_RUNTIME);
}

static void test_other_library_is_named_with_the_missing_symbol(void) {
    const tagnode_card card = tagger_card();
    tagnode_engine *engine = NULL;
    tagnode_message why = {""};
    CHECK(tagnode_engine_open_litert(ANOTHER_LIBRARY, "TFL3", 4, &card, &engine, &why) ==
          TAGNODE_ERROR_RUNTIME);
    CHECK(engine == NULL);
    CHECK(message_has(&why, ANOTHER_LIBRARY));
    CHECK(message_has(&why, "LiteRtCompiledModelIsNonCpuFullyAccelerated"));
}

/* ------------------------------------------------------------------ onnxruntime, no library --- */

static void test_onnxruntime_that_is_missing_or_another_library_is_named(void) {
    static const char *const libraries[] = {"/nowhere/libonnxruntime.so", ANOTHER_LIBRARY};
    const tagnode_card card = tagger_card();
    for (size_t i = 0; i < 2; ++i) {
        tagnode_engine *engine = (tagnode_engine *)&card;
        tagnode_message why = {""};
        CHECK(tagnode_engine_open_onnx(libraries[i], "", 0, &card, &engine, &why) ==
              TAGNODE_ERROR_RUNTIME);
        CHECK(engine == NULL);
        CHECK(message_has(&why, libraries[i]));
        CHECK(message_has(&why, i == 0 ? "cannot be loaded" : "OrtGetApiBase"));
    }
}

/* ------------------------------------------------------------------------- litert, for real --- */

typedef struct {
    const char *library;
    unsigned char *bytes;
    size_t size;
} material;

static tagnode_status open_model(const material *from, size_t size, const tagnode_card *card,
                                 tagnode_engine **engine, tagnode_message *why) {
    return tagnode_engine_open_litert(from->library, from->bytes, size, card, engine, why);
}

static bool all_finite(const float *values, size_t count) {
    for (size_t i = 0; i < count; ++i)
        if (!isfinite(values[i])) return false;
    return true;
}

static float largest_difference(const float *a, const float *b, size_t count) {
    float largest = 0;
    for (size_t i = 0; i < count; ++i) largest = fmaxf(largest, fabsf(a[i] - b[i]));
    return largest;
}

static void fill_patch(float *patch, unsigned seed) {
    for (size_t i = 0; i < (size_t)PATCH * BANDS; ++i)
        patch[i] = (float)((i * 7919 + seed) % 1000) / 1000.0F;
}

/* The test network's activations are the logistic function of its logits: an independent oracle for
 * order and arithmetic. */
static bool is_logistic(const float *activations, const float *logits, size_t count) {
    for (size_t i = 0; i < count; ++i)
        if (fabsf(activations[i] - 1.0F / (1.0F + expf(-logits[i]))) > 1e-5F) return false;
    return true;
}

static void test_litert_runs(const material *from, float *patch, float *const *values) {
    const tagnode_card card = tagger_card();
    tagnode_engine *engine = NULL;
    tagnode_message why = {""};
    CHECK(open_model(from, from->size, &card, &engine, &why) == TAGNODE_OK);
    if (engine == NULL) {
        fprintf(stderr, "the message is: %s\n", why.text);
        return;
    }
    fill_patch(patch, 0);
    CHECK(engine->run(engine, patch, values) == TAGNODE_OK);
    for (uint32_t i = 0; i < card.outputs; ++i) CHECK(all_finite(values[i], card.output_size[i]));
    if (card.outputs > 1 && card.output_size[0] == card.output_size[1])
        CHECK(is_logistic(values[0], values[1], card.output_size[0]));
    float *activations = malloc(card.output_size[0] * sizeof *activations);
    float *only[TAGNODE_MAX_OUTPUTS] = {activations};
    CHECK(engine->run(engine, patch, only) == TAGNODE_OK);
    CHECK(largest_difference(activations, values[0], card.output_size[0]) == 0);
    fill_patch(patch, 500);
    CHECK(engine->run(engine, patch, only) == TAGNODE_OK);
    CHECK(largest_difference(activations, values[0], card.output_size[0]) > 0);
    free(activations);
    engine->close(engine);
}

static void test_litert_engines_are_independent(const material *from, float *patch,
                                                float *const *values) {
    const tagnode_card card = tagger_card();
    tagnode_engine *engines[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; ++i) {
        CHECK(open_model(from, from->size, &card, &engines[i], NULL) == TAGNODE_OK);
        if (engines[i] == NULL) return;
    }
    fill_patch(patch, 0);
    CHECK(engines[0]->run(engines[0], patch, values) == TAGNODE_OK);
    engines[0]->close(engines[0]);
    CHECK(engines[1]->run(engines[1], patch, values) == TAGNODE_OK);
    engines[1]->close(engines[1]);
}

static void test_wrong_cards_are_refused(const material *from) {
    tagnode_engine *engine = NULL;
    tagnode_message why = {""};
    tagnode_card card = tagger_card();
    card.frontend.bands = 64;
    CHECK(open_model(from, from->size, &card, &engine, &why) == TAGNODE_ERROR_MODEL);
    CHECK(message_has(&why, "[1, 187, 96") && message_has(&why, "[1, 187, 64]"));
    card = tagger_card();
    card.frontend.bands = PATCH; /* as many values, transposed */
    card.patch_frames = BANDS;
    CHECK(open_model(from, from->size, &card, &engine, &why) == TAGNODE_ERROR_MODEL);
    card = tagger_card();
    card.output_size[card.outputs - 1] += 1;
    CHECK(open_model(from, from->size, &card, &engine, &why) == TAGNODE_ERROR_MODEL);
    char expected[64];
    snprintf(expected, sizeof expected, "%u values", (unsigned)card.output_size[card.outputs - 1]);
    CHECK(message_has(&why, expected));
    card = tagger_card();
    card.output_size[card.outputs++] = 7;
    CHECK(open_model(from, from->size, &card, &engine, &why) == TAGNODE_ERROR_MODEL);
    CHECK(message_has(&why, "outputs"));
    CHECK(engine == NULL);
}

static void test_fewer_outputs_than_the_model_has_are_fine(const material *from, float *patch,
                                                           float *const *values) {
    tagnode_card card = tagger_card();
    card.outputs = 1;
    tagnode_engine *engine = NULL;
    CHECK(open_model(from, from->size, &card, &engine, NULL) == TAGNODE_OK);
    if (engine == NULL) return;
    fill_patch(patch, 0);
    CHECK(engine->run(engine, patch, values) == TAGNODE_OK);
    engine->close(engine);
}

static void test_damaged_files_are_refused(const material *from) {
    const tagnode_card card = tagger_card();
    tagnode_engine *engine = NULL;
    tagnode_message why = {""};
    const size_t sizes[] = {0, 1, 7, 8, 64, from->size / 2, from->size - 4, from->size - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        CHECK(open_model(from, sizes[i], &card, &engine, &why) == TAGNODE_ERROR_MODEL);
        CHECK(message_has(&why, "damaged"));
    }
    for (size_t i = 0; i < 8; ++i) { /* the root's offset and the "TFL3" after it */
        material flipped = *from;
        flipped.bytes[i] ^= 0xFF;
        CHECK(open_model(&flipped, flipped.size, &card, &engine, &why) == TAGNODE_ERROR_MODEL);
        flipped.bytes[i] ^= 0xFF;
    }
    CHECK(engine == NULL);
}

/* LiteRT 2.3.0 ends the process on such a file if it is not refused before. Truncates the name
 * "logits" with a zero. */
static void test_unnamed_outputs_are_refused(const material *from) {
    const tagnode_card card = tagger_card();
    static const unsigned char name[] =
        "\6\0\0\0logits"; /* its length, then the name with its terminator */
    tagnode_engine *engine = NULL;
    tagnode_message why = {""};
    unsigned char *copy = malloc(from->size);
    memcpy(copy, from->bytes, from->size);
    bool found = false;
    for (size_t i = 0; i + sizeof name <= from->size; ++i) {
        if (memcmp(copy + i, name, sizeof name) == 0) {
            copy[i + 6] = '\0';
            found = true;
        }
    }
    if (found) {
        CHECK(tagnode_engine_open_litert(from->library, copy, from->size, &card, &engine, &why) ==
              TAGNODE_ERROR_MODEL);
        CHECK(message_has(&why, "signature"));
    } else {
        puts("skipped: TAGNODE_MODEL has no output named \"logits\"");
    }
    free(copy);
}

static bool read_file(const char *path, material *into) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    bool read = fseek(file, 0, SEEK_END) == 0;
    long size = read ? ftell(file) : -1;
    if (size > 0 && fseek(file, 0, SEEK_SET) == 0) {
        into->size = (size_t)size;
        into->bytes = malloc(into->size);
        read = into->bytes != NULL && fread(into->bytes, 1, into->size, file) == into->size;
    }
    fclose(file);
    return read && size > 0;
}

static void test_litert(void) {
    material from = {.library = getenv("TAGNODE_LITERT")};
    const char *path = getenv("TAGNODE_MODEL");
    if (from.library == NULL || path == NULL) {
        puts("skipped: LiteRT itself; set TAGNODE_LITERT to a libLiteRt.so and TAGNODE_MODEL to a "
             ".tflite");
        return;
    }
    bool read = read_file(path, &from);
    CHECK(read);
    const tagnode_card card = tagger_card();
    float *patch = malloc((size_t)PATCH * BANDS * sizeof *patch);
    float *values[TAGNODE_MAX_OUTPUTS] = {NULL};
    for (uint32_t i = 0; i < card.outputs; ++i)
        values[i] = calloc(card.output_size[i], sizeof *values[i]);
    if (read && patch != NULL) {
        test_litert_runs(&from, patch, values);
        test_litert_engines_are_independent(&from, patch, values);
        test_fewer_outputs_than_the_model_has_are_fine(&from, patch, values);
        test_wrong_cards_are_refused(&from);
        test_damaged_files_are_refused(&from);
        test_unnamed_outputs_are_refused(&from);
    }
    for (uint32_t i = 0; i < card.outputs; ++i) free(values[i]);
    free(patch);
    free(from.bytes);
}

int main(void) {
    test_interpreter_runs_and_copies();
    test_interpreter_skips_null_outputs();
    test_interpreter_reports_a_failing_invoke();
    test_bytes_that_are_not_a_model_are_refused();
    test_no_bytes_cause_reads_outside_the_file();
    test_missing_library_is_named();
    test_other_library_is_named_with_the_missing_symbol();
    test_onnxruntime_that_is_missing_or_another_library_is_named();
    test_litert();
    return closing_line();
}
