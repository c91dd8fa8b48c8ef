/* test_inline_files.c - model files for the inline runtime: damaged ones, and cards that contradict
 * them. */
#include "inline_rig.h"
#include "tagger/plan.h"

static void run_if_valid(const unsigned char *bytes, size_t size, unsigned *sound) {
    const tagnode_card card = card_of();
    static float patch[PATCH * BANDS];
    result got;
    float *const outputs[] = {got.values, got.embedding};
    tagnode_model *model = NULL;
    tagnode_message why = {""};
    const tagnode_status status = tagnode_model_load_inline(bytes, size, &card, &model, &why);
    if (status == TAGNODE_OK) {
        ++*sound;
        CHECK(tagnode_model_run(model, patch, outputs, NULL) == TAGNODE_OK);
    } else {
        CHECK(status == TAGNODE_ERROR_MODEL || status == TAGNODE_ERROR_UNSUPPORTED);
        CHECK(model == NULL && message_has(&why, ""));
    }
    tagnode_model_release(model);
}

static void test_damaged_files_are_refused_or_harmless(void) {
    for (int m = 0; m < MODELS; ++m) {
        const size_t size = files[m].size;
        unsigned char *bytes = malloc(size);
        unsigned sound = 0;
        if (bytes == NULL) abort();
        for (size_t cut = 0; cut < size; cut += 13) {
            unsigned char *exact = malloc(cut + 1); /* so that a sanitizer detects the end */
            if (exact == NULL) abort();
            memcpy(exact, files[m].bytes, cut);
            run_if_valid(exact, cut, &sound);
            free(exact);
        }
        CHECK(sound == 0);
        memcpy(bytes, files[m].bytes, size);
        for (size_t at = 0; at < size; ++at) {
            bytes[at] ^= (unsigned char)(at % 3 == 0 ? 0x80 : at % 3 == 1 ? 0x01 : 0xff);
            run_if_valid(bytes, size, &sound);
            bytes[at] = files[m].bytes[at];
        }
        CHECK(sound > 0); /* any weights are valid */
        free(bytes);
    }
}

static void refuses(const tagnode_card *card, tagnode_status status, const char *part) {
    tagnode_model *model = NULL;
    tagnode_message why = {""};
    CHECK(tagnode_model_load_inline(files[0].bytes, files[0].size, card, &model, &why) == status);
    CHECK(model == NULL && message_has(&why, part));
}

static void test_cards_that_contradict_the_file_are_refused(void) {
    tagnode_card card = card_of();
    card.patch_frames = PATCH - 1;
    refuses(&card, TAGNODE_ERROR_MODEL, "23");
    card = card_of();
    card.frontend.bands = BANDS + 1;
    refuses(&card, TAGNODE_ERROR_MODEL, "9 bands");
    card.patch_frames = 8; /* as many values, in another shape */
    card.frontend.bands = PATCH;
    refuses(&card, TAGNODE_ERROR_MODEL, "24");
    card = card_of();
    card.output_size[1] = EMBEDDING + 1;
    refuses(&card, TAGNODE_ERROR_MODEL, "6");
    card = card_of();
    card.outputs = 3;
    card.output_size[2] = 1;
    refuses(&card, TAGNODE_ERROR_MODEL, "3");
    card = card_of();
    card.outputs = 0;
    refuses(&card, TAGNODE_ERROR_ARGUMENT, "outputs");
    card = card_of();
    card.patch_frames = 0;
    refuses(&card, TAGNODE_ERROR_ARGUMENT, "patch");
}

/* One row of each of three inputs; there is memory for as many. */
static void test_a_plan_counts_the_rows_that_a_step_reads(void) {
    const file got = read_file(TAGNODE_TEST_DATA "/fuzz/graph", "25-concatenation-float32");
    tagger_graph graph;
    tagger_plan plan;
    tagnode_message why = {""};
    CHECK(tagger_graph_read(got.bytes, got.size, &graph, &why) == TAGNODE_OK);
    const tagnode_card card = {.patch_frames = 4, .frontend.bands = 12};
    CHECK(tagger_plan_create(&graph, &card, kernels_select(), false, &plan, &why) == TAGNODE_OK);
    CHECK(plan.steps == 1 && plan.most_reads == 3);
    tagger_plan_destroy(&plan);
    tagger_graph_free(&graph);
    free(got.bytes);
}

int main(void) {
    if (!read_files()) return EXIT_FAILURE;
    test_damaged_files_are_refused_or_harmless();
    test_cards_that_contradict_the_file_are_refused();
    test_a_plan_counts_the_rows_that_a_step_reads();
    free_files();
    return closing_line();
}
