/* test_patch.c - the normalisation of a patch, compared with its formula in double precision, and
 * what each runtime gives a model whose card has one. */
#include "inline_rig.h"
#include "support/patch.h"

enum { NORMS = 5, FLOATS = PATCH * BANDS };

static const double RANGE = 30;

static tagnode_card normalised(tagnode_patch_norm norm) {
    tagnode_card card = card_of();
    card.patch_norm = norm;
    card.patch_range = RANGE;
    return card;
}

/* ---- the oracle ---- */

/* What the header says, over all values at once. */
static void naive(tagnode_patch_norm norm, const float *patch, double *values) {
    double mean = 0, squares = 0, most = patch[0];
    for (size_t i = 0; i < FLOATS; ++i) {
        mean += patch[i] / (double)FLOATS;
        most = fmax(most, patch[i]);
    }
    for (size_t i = 0; i < FLOATS; ++i) squares += (patch[i] - mean) * (patch[i] - mean);
    const double deviation = sqrt(squares / FLOATS);
    for (size_t i = 0; i < FLOATS; ++i) {
        const double x = patch[i];
        const double by[NORMS] = {x, (x - mean) / deviation, x / most, fmax(x, most - RANGE),
                                  fmax(x - most, -RANGE)};
        values[i] = by[norm];
    }
}

static void compare(const tagnode_card *card, const float *patch) {
    float got[FLOATS];
    double right[FLOATS];
    tagnode_patch_normalise(card, patch, got);
    naive(card->patch_norm, patch, right);
    for (size_t i = 0; i < FLOATS; ++i) CHECK_NEAR(got[i], right[i], 3e-6 * (1 + fabs(right[i])));
}

static void test_each_norm_matches_its_formula(void) {
    const double offsets[] = {0, 3, -80, 20}, scales[] = {1, 1e-3, 40, 1e4};
    for (unsigned norm = 0; norm < NORMS; ++norm) {
        const tagnode_card card = normalised((tagnode_patch_norm)norm);
        for (uint32_t seed = 1; seed < 17; ++seed) {
            float *patch = white_noise(FLOATS, seed);
            for (size_t i = 0; i < FLOATS; ++i)
                patch[i] = (float)(offsets[seed % 4] + scales[seed / 4 % 4] * patch[i]);
            compare(&card, patch);
            free(patch);
        }
    }
}

/* What tempo-cnn makes of silence, and of a patch without deviation. */
static void test_equal_values_divide_by_1(void) {
    const float values[] = {0, 1, -13.8155F, 1e-30F, 0.1F};
    for (size_t v = 0; v < 5; ++v) {
        float patch[FLOATS], got[FLOATS];
        for (size_t i = 0; i < FLOATS; ++i) patch[i] = values[v];
        const tagnode_card z_score = normalised(TAGNODE_PATCH_Z_SCORE);
        tagnode_patch_normalise(&z_score, patch, got);
        for (size_t i = 0; i < FLOATS; ++i) CHECK(got[i] == 0);
        const tagnode_card max = normalised(TAGNODE_PATCH_MAX);
        tagnode_patch_normalise(&max, patch, got);
        for (size_t i = 0; i < FLOATS; ++i) CHECK(got[i] == (values[v] == 0 ? 0.0F : 1.0F));
    }
}

/* ---- the runtimes ---- */

/* The result of a patch is that of the normalised patch without a norm, bit for bit. */
static void test_the_inline_runtime_normalises(void) {
    const tagnode_card plain = card_of();
    for (unsigned norm = 0; norm < NORMS; ++norm)
        for (int which = 0; which < MODELS; ++which) {
            const tagnode_card card = normalised((tagnode_patch_norm)norm);
            tagnode_model *model = model_of(which, &card), *other = model_of(which, &plain);
            float *patch = white_noise(FLOATS, norm + 1), given[FLOATS];
            result is, other_is;
            float *const outputs[] = {is.values, is.embedding};
            float *const others[] = {other_is.values, other_is.embedding};
            tagnode_patch_normalise(&card, patch, given);
            CHECK(tagnode_model_run(model, patch, outputs, NULL) == TAGNODE_OK);
            CHECK(tagnode_model_run(other, given, others, NULL) == TAGNODE_OK);
            CHECK(memcmp(&is, &other_is, sizeof is) == 0);
            tagnode_model_release(model);
            tagnode_model_release(other);
            free(patch);
        }
}

static int invoke(void *handle) {
    (void)handle;
    return 0;
}

static void test_an_interpreter_gets_the_normalised_patch(void) {
    static float input[FLOATS], outputs[VALUES + EMBEDDING];
    const tagnode_interpreter interpreter = {
        .invoke = invoke, .handle = input, .input = input, .output = {outputs, outputs + VALUES}};
    for (unsigned norm = 0; norm < NORMS; ++norm) {
        const tagnode_card card = normalised((tagnode_patch_norm)norm);
        tagnode_model *model = NULL;
        float *patch = white_noise(FLOATS, norm + 1), given[FLOATS];
        float *const none[2] = {NULL, NULL};
        CHECK(tagnode_model_from_interpreter(&interpreter, &card, &model, NULL) == TAGNODE_OK);
        tagnode_patch_normalise(&card, patch, given);
        CHECK(tagnode_model_run(model, patch, none, NULL) == TAGNODE_OK);
        CHECK(memcmp(input, given, sizeof input) == 0);
        tagnode_model_release(model);
        free(patch);
    }
}

/* ---- refusals ---- */

static void refuse(const tagnode_card *card, const char *named) {
    tagnode_model *model = NULL;
    tagnode_message why = {""};
    CHECK(tagnode_model_load_inline(files[0].bytes, files[0].size, card, &model, &why) ==
          TAGNODE_ERROR_ARGUMENT);
    CHECK(model == NULL && message_has(&why, named));
}

static void test_cards_out_of_range_are_refused_with_a_sentence(void) {
    const double ranges[] = {0, -1, 1001, NAN};
    for (size_t i = 0; i < 4; ++i) {
        tagnode_card card = normalised(TAGNODE_PATCH_TOP_DB);
        card.patch_range = ranges[i];
        refuse(&card, "patch_range");
        card.patch_norm = TAGNODE_PATCH_RELATIVE_DB;
        refuse(&card, "patch_range");
    }
    tagnode_card card = card_of();
    const uint32_t number = NORMS;
    memcpy(&card.patch_norm, &number, sizeof number);
    refuse(&card, "patch_norm");
}

int main(void) {
    if (!read_files()) return EXIT_FAILURE;
    test_each_norm_matches_its_formula();
    test_equal_values_divide_by_1();
    test_the_inline_runtime_normalises();
    test_an_interpreter_gets_the_normalised_patch();
    test_cards_out_of_range_are_refused_with_a_sentence();
    free_files();
    return closing_line();
}
