/* test_plugin_state.c - parameters, texts, the state and model containers, whole and damaged. */
#include <ctype.h>

#include "core/models.h"
#include "rig.h"

/* ---- the table ---- */

static void test_the_table_is_sound(void) {
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) {
        const tagnode_plugin_parameter *p = tagnode_plugin_parameter_info(i);
        if (p == NULL) abort();
        CHECK(p->symbol[0] != '\0' &&
              strspn(p->symbol, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(p->symbol));
        CHECK(p->name[0] != '\0' && p->about[0] != '\0' && p->about[strlen(p->about) - 1] == '.');
        CHECK(p->low < p->high && p->start >= p->low && p->start <= p->high);
        CHECK(p->output == (i >= TAGPLUG_INPUTS));
        CHECK((p->choices == NULL) == (p->choice_count == 0));
        for (uint32_t k = 0; p->choices != NULL && k < p->choice_count; ++k) {
            CHECK(p->choices[k].text[0] != '\0' && (float)p->choices[k].id <= p->high);
            CHECK(k == 0 || p->choices[k].id > p->choices[k - 1].id);
        }
        CHECK(tagnode_plugin_parameter_find(p->id) == i);
        for (uint32_t k = 0; k < i; ++k)
            CHECK(strcmp(p->symbol, tagnode_plugin_parameter_info(k)->symbol) != 0);
    }
    const uint32_t unknown[] = {0, 8, 999, 1000, 1022, 100000, 100005, 100100, UINT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; ++i)
        CHECK(tagnode_plugin_parameter_find(unknown[i]) == UINT32_MAX);
    CHECK(tagnode_plugin_parameter_info(TAGPLUG_PARAMETERS) == NULL);
    const uint32_t cc = tagplug_field_of(7, TAGPLUG_CC);
    CHECK(strcmp(tagnode_plugin_parameter_info(cc)->symbol, "slot8_cc") == 0 &&
          tagnode_plugin_parameter_info(cc)->start == 27);
    CHECK(strcmp(tagnode_plugin_parameter_info(tagplug_field_of(0, TAGPLUG_THRESHOLD))->symbol,
                 "slot1_threshold") == 0);
}

static void test_normalised_values_come_back(void) {
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) {
        const tagnode_plugin_parameter *p = tagnode_plugin_parameter_info(i);
        for (int k = 0; k <= 100; ++k) {
            const float value = tagplug_clamp(i, p->low + (p->high - p->low) * (float)k / 100);
            const float share = tagplug_normalise(i, value);
            CHECK(share >= 0 && share <= 1);
            CHECK_NEAR(tagplug_denormalise(i, share), value, 2e-6 * (p->high - p->low));
        }
        CHECK(tagplug_denormalise(i, 0) == p->low);
        CHECK(tagplug_denormalise(i, 1) == tagplug_clamp(i, p->high));
        CHECK(tagplug_denormalise(i, NAN) == p->start && tagplug_clamp(i, NAN) == p->start);
        const bool ends = tagplug_clamp(i, INFINITY) == p->high;
        CHECK(ends ||
              p->scale == TAGNODE_SCALE_CHOICE); /* those may have room above the last one */
        CHECK(tagplug_clamp(i, -INFINITY) == p->low);
    }
}

/* ---- texts ---- */

static bool reads(const tagplug *p, uint32_t parameter, double value, const char *due) {
    char text[128];
    tagplug_text(p, parameter, (float)value, text, sizeof text);
    if (strcmp(text, due) == 0) return true;
    fprintf(stderr, "it reads: %s\n", text);
    return false;
}

static void test_texts_have_the_units_of_source_and_target(void) {
    tagplug *p = tagplug_create(folder);
    const uint32_t source = tagplug_field_of(0, TAGPLUG_SOURCE);
    const uint32_t min = tagplug_field_of(0, TAGPLUG_MIN);
    const uint32_t threshold = tagplug_field_of(0, TAGPLUG_THRESHOLD);
    CHECK(reads(p, source, 0, "none"));
    CHECK(reads(p, source, 1, "rms_db"));
    CHECK(reads(p, source, MALE_VOCAL, "Male Vocal"));
    CHECK(reads(p, source, GUITAR, "-"));
    set_field(p, 0, TAGPLUG_SOURCE, GUITAR);
    CHECK(reads(p, source, GUITAR, "tag.guitar (not in this model)"));
    set_field(p, 0, TAGPLUG_SOURCE, 700);
    CHECK(reads(p, source, 700, "#700 (not in this model)"));
    set_field(p, 0, TAGPLUG_SOURCE, 0);
    CHECK(reads(p, threshold, 0.5, "0.50"));
    set_field(p, 0, TAGPLUG_SOURCE, 1);
    CHECK(reads(p, threshold, 0.5, "-30.0 dBFS"));
    CHECK(reads(p, tagplug_field_of(0, TAGPLUG_HYSTERESIS), 0.05, "3.0 dB"));
    CHECK(reads(p, min, 0.25, "0.25"));
    set_field(p, 0, TAGPLUG_TARGET, TAGPLUG_TARGET_GAIN);
    CHECK(reads(p, min, 0.8, "0.0 dB"));
    CHECK(reads(p, min, 0.6, "-12.0 dB"));
    CHECK(reads(p, TAGPLUG_VALUE_1, 0.6, "-12.0 dB"));
    set_field(p, 0, TAGPLUG_TARGET, TAGPLUG_TARGET_LOW_PASS);
    CHECK(reads(p, min, 1, "20000 Hz"));
    CHECK(reads(p, TAGPLUG_HOP, 0.15, "0.15 s"));
    CHECK(reads(p, TAGPLUG_DELAY_TIME, 0.01, "0.010 s"));
    CHECK(reads(p, TAGPLUG_MODEL, 1, "scene"));
    CHECK(reads(p, TAGPLUG_OSC_PORT, 0, "off"));
    CHECK(reads(p, TAGPLUG_OSC_PORT, 9000, "9000"));
    CHECK(reads(p, tagplug_field_of(0, TAGPLUG_CHANNEL), 16, "16"));
    CHECK(reads(p, TAGPLUG_STATUS, 2, "model missing"));
    float value = 0;
    CHECK(tagplug_value(p, source, "tag.male-vocal", &value) && value == MALE_VOCAL);
    CHECK(tagplug_value(p, source, "male vocal", &value) && value == MALE_VOCAL);
    CHECK(tagplug_value(p, source, "tag.guitar (not in this model)", &value) && value == GUITAR);
    CHECK(!tagplug_value(p, source, "tag.of-no-model", &value));
    tagplug_destroy(p);
}

/* Whether it is read as this number, in any case too. */
static bool is_read_as(const tagplug *p, const char *text, uint32_t id) {
    const uint32_t source = tagplug_field_of(0, TAGPLUG_SOURCE);
    char capitals[160];
    float back = -1;
    for (size_t i = 0; i < sizeof capitals; ++i)
        capitals[i] = (char)toupper((unsigned char)text[i]);
    const bool same = tagplug_value(p, source, text, &back) && back == (float)id;
    return same && tagplug_value(p, source, capitals, &back) && back == (float)id;
}

/* Any number that a slot has is read as it; as a menu, texts are those of the signals and of
 * `labels` sources of the model, once each, "none", and "-" for all other numbers. */
static void check_all_sources(tagplug *p, uint32_t labels) {
    static char texts[TAGNODE_PLUGIN_SOURCE_MAX + 1][160];
    const uint32_t source = tagplug_field_of(0, TAGPLUG_SOURCE);
    uint32_t named = 0;
    for (uint32_t id = 0; id <= TAGNODE_PLUGIN_SOURCE_MAX; ++id) {
        char text[160];
        tagplug_set(p, source, (float)id);
        tagplug_text(p, source, (float)id, text, sizeof text);
        CHECK(strlen(text) < 128); /* the room that VST 3 has */
        if (!CHECK(is_read_as(p, text, id))) fprintf(stderr, "it is %s of %u\n", text, id);
    }
    tagplug_set(p, source, 0);
    for (uint32_t id = 0; id <= TAGNODE_PLUGIN_SOURCE_MAX; ++id) {
        tagplug_text(p, source, (float)id, texts[id], sizeof texts[id]);
        if (strcmp(texts[id], "-") == 0) continue;
        ++named;
        CHECK(is_read_as(p, texts[id], id));
        for (uint32_t other = 0; other < id; ++other) CHECK(strcmp(texts[other], texts[id]) != 0);
    }
    CHECK(named == 1 + tagnode_signal_count() + labels); /* "none" is number 0 alone */
}

/* Labels of containers from elsewhere may look like anything else that is a source. */
static void test_sources_have_texts_of_their_own_whatever_labels_are_like(void) {
    static char longest[200];
    memset(longest, 'a', sizeof longest - 1);
    static const char *const labels[][LABELS] = {
        {"speech", "Speech", "rms_db"}, /* one name for two; a signal */
        {"none", "106", "#106"},
        {"tag.guitar (not in this model)", "tag.speech", "mood: Happy"}, /* and a head's label */
        {longest, "-", " x "}, /* too long; that of no source */
        {"h\xC3\xA9las", "\xE9\xB3\xA5", "#700 (not in this model)"},
    };
    static file f;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; ++i) {
        make_container(&f, "valid", labels[i], true);
        write_file("plugins/custom-3.tagnode", &f);
        tagplug *p = tagplug_create(folder);
        tagplug_set(p, TAGPLUG_MODEL, CUSTOM_3);
        tagplug_activate(p, 48000, 2);
        CHECK(tagplug_get(p, TAGPLUG_STATUS) == TAGPLUG_STATUS_OK);
        check_all_sources(p, 2 * LABELS); /* and those of the head */
        tagplug_destroy(p);
    }
    tagplug *p = tagplug_create(folder);
    check_all_sources(p, LABELS);
    tagplug_set(p, TAGPLUG_MODEL, TAGPLUG_MODEL_NONE);
    check_all_sources(p, 0);
    tagplug_destroy(p);
}

static void test_texts_are_cut_to_their_room(void) {
    tagplug *p = tagplug_create(folder);
    char small[4] = "abc";
    tagplug_text(p, TAGPLUG_MODEL, 2, small, sizeof small);
    CHECK(strcmp(small, "mus") == 0);
    tagplug_text(p, TAGPLUG_MODEL, 2, small, 0);
    tagplug_destroy(p);
}

/* ---- the state ---- */

static void set_at_random(tagplug *p, uint32_t seed) {
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i)
        tagplug_set(p, i, tagplug_denormalise(i, (float)(next_number(&seed) % 1001) / 1000));
    tagplug_set(p, TAGPLUG_MODEL, SCENE);
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i)
        set_field(p, i, TAGPLUG_SOURCE,
                  i % 2 ? 32 + next_number(&seed) % LABELS : next_number(&seed) % 16);
}

static bool alike(const tagplug *a, const tagplug *b) {
    bool same = true;
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) same &= tagplug_get(a, i) == tagplug_get(b, i);
    return same;
}

static unsigned char saved[TAGPLUG_STATE_MOST];

static void test_a_state_comes_back_whole(void) {
    for (uint32_t seed = 1; seed < 20; ++seed) {
        tagplug *a = tagplug_create(folder), *b = tagplug_create(folder);
        set_at_random(a, seed);
        const size_t size = tagplug_save(a, saved, sizeof saved);
        CHECK(size > 1000 && size <= sizeof saved && size == tagplug_save(a, NULL, 0));
        tagnode_message why;
        CHECK(tagplug_load(b, saved, size, &why) == TAGNODE_OK);
        CHECK(alike(a, b));
        static unsigned char again[TAGPLUG_STATE_MOST];
        CHECK(tagplug_save(b, again, sizeof again) == size && memcmp(saved, again, size) == 0);
        tagplug_destroy(a);
        tagplug_destroy(b);
    }
}

static void test_absent_entries_take_their_default_and_unknown_ones_are_skipped(void) {
    tagplug *p = tagplug_create(folder), *fresh = tagplug_create(folder);
    file f = {.size = 0};
    put_bytes(&f, "TAGSTATE\x09\0\0\0", 12); /* a later version */
    put_bytes(&f,
              "\x01\0\x0b\0\0\0\0\x3f"
              "unknown",
              15);
    put_bytes(&f, "\xfe\xff\x03\0xyz", 7);
    set_at_random(p, 4);
    tagnode_message why;
    CHECK(tagplug_load(p, f.bytes, f.size, &why) == TAGNODE_OK);
    CHECK(alike(p, fresh));
    tagplug_destroy(p);
    tagplug_destroy(fresh);
}

/* A label keeps its number in any model; one that the model lacks is marked. */
static void test_sources_stay_when_the_model_changes(void) {
    tagplug *p = tagplug_create(folder);
    const uint32_t source = tagplug_field_of(0, TAGPLUG_SOURCE);
    const uint32_t other = tagplug_field_of(1, TAGPLUG_SOURCE);
    tagplug_set(p, source, SPEECH);
    tagplug_set(p, other, DRUMS);
    CHECK(reads(p, other, DRUMS, "drums"));
    tagplug_set(p, TAGPLUG_MODEL, CUSTOM_1);
    tagplug_activate(p, 48000, 2);
    CHECK(tagplug_get(p, source) == SPEECH && tagplug_get(p, other) == DRUMS);
    CHECK(reads(p, source, SPEECH, "speech"));
    CHECK(reads(p, other, DRUMS, "tag.drums (not in this model)"));
    tagplug_destroy(p);
}

/* A label without a fixed number is identified by its name in the state. */
static void test_names_of_other_labels_are_kept(void) {
    static unsigned char bytes[TAGPLUG_STATE_MOST], again[TAGPLUG_STATE_MOST];
    const uint32_t source = tagplug_field_of(0, TAGPLUG_SOURCE);
    tagplug *p = tagplug_create(folder), *other = tagplug_create(folder);
    float happy = 0;
    tagplug_set(p, TAGPLUG_MODEL, CUSTOM_1);
    CHECK(tagplug_value(p, source, "mood: Happy", &happy));
    CHECK(happy == (float)tagnode_plugin_source_find("head.mood.happy"));
    tagplug_set(p, source, happy);
    CHECK(reads(p, source, happy, "mood: Happy"));
    tagplug_set(p, TAGPLUG_MODEL, SCENE); /* which does not have it */
    CHECK(reads(p, source, happy, "head.mood.happy (not in this model)"));
    const size_t size = tagplug_save(p, bytes, sizeof bytes);
    CHECK(tagplug_load(other, bytes, size, NULL) == TAGNODE_OK);
    CHECK(reads(other, source, happy, "head.mood.happy (not in this model)"));
    CHECK(tagplug_save(other, again, sizeof again) == size && memcmp(bytes, again, size) == 0);
    float back = 0;
    CHECK(tagplug_value(other, source, "head.mood.happy (not in this model)", &back));
    CHECK(back == happy);
    tagplug_set(other, TAGPLUG_MODEL, CUSTOM_1);
    tagplug_activate(other, 48000, 2);
    CHECK(tagplug_get(other, source) == happy && reads(other, source, happy, "mood: Happy"));
    tagplug_set(other, source, RMS); /* then the name is forgotten */
    tagplug_set(other, TAGPLUG_MODEL, SCENE);
    tagplug_activate(other, 48000, 2);
    CHECK(reads(other, source, happy, "-"));
    tagplug_destroy(other);
    tagplug_destroy(p);
}

/* A state from a computer with a model that this one lacks. */
static void test_states_keep_names_where_the_model_is_missing(void) {
    tagplug *p = tagplug_create(folder);
    set_field(p, 0, TAGPLUG_SOURCE, MALE_VOCAL);
    tagplug_set(p, TAGPLUG_MODEL, CUSTOM_3);
    static unsigned char bytes[TAGPLUG_STATE_MOST], again[TAGPLUG_STATE_MOST];
    const size_t size = tagplug_save(p, bytes, sizeof bytes);
    tagplug *elsewhere = tagplug_create("/nowhere");
    CHECK(tagplug_load(elsewhere, bytes, size, NULL) == TAGNODE_OK);
    tagplug_activate(elsewhere, 48000, 2);
    CHECK(tagplug_get(elsewhere, TAGPLUG_STATUS) == TAGPLUG_STATUS_MODEL_MISSING);
    CHECK(tagplug_save(elsewhere, again, sizeof again) == size);
    CHECK(memcmp(bytes, again, size) == 0);
    tagplug_destroy(elsewhere);
    tagplug_destroy(p);
}

/* The name of a choice or a source overrides the number beside it. */
static void test_names_in_a_state_win_over_numbers(void) {
    static unsigned char bytes[TAGPLUG_STATE_MOST];
    tagplug *p = tagplug_create(folder);
    set_field(p, 2, TAGPLUG_TARGET, TAGPLUG_TARGET_WIDTH);
    set_field(p, 2, TAGPLUG_SOURCE, DRUMS);
    const size_t size = tagplug_save(p, bytes, sizeof bytes);
    for (size_t i = 0; i + 16 < size; ++i) {
        const float target = 2, source = 140;
        if (memcmp(bytes + i + 4, "slot3_target\x02", 13) == 0) memcpy(bytes + i, &target, 4);
        if (memcmp(bytes + i + 4, "slot3_source\x02", 13) == 0) memcpy(bytes + i, &source, 4);
    }
    CHECK(tagplug_load(p, bytes, size, NULL) == TAGNODE_OK);
    CHECK(tagplug_get(p, tagplug_field_of(2, TAGPLUG_TARGET)) == TAGPLUG_TARGET_WIDTH);
    CHECK(tagplug_get(p, tagplug_field_of(2, TAGPLUG_SOURCE)) == DRUMS);
    tagplug_destroy(p);
}

static void test_a_preset_leaves_bypass_and_the_osc_port(void) {
    static const char bytes[] = "TAGSTATE\2\0\0\0" /* one entry: 15 bytes, the depth of 1/8 */
                                "\1\0\x0F\0"
                                "\0\0\0\x3E"
                                "slot1_depth";
    const size_t size = sizeof bytes - 1;
    const uint32_t depth = tagplug_field_of(0, TAGPLUG_DEPTH);
    for (int as_preset = 0; as_preset < 2; ++as_preset) {
        tagplug *p = tagplug_create(folder);
        tagplug_set(p, TAGPLUG_BYPASS, 1);
        tagplug_set(p, TAGPLUG_OSC_PORT, 9000);
        tagplug_set(p, TAGPLUG_HOP, 1);
        CHECK((as_preset ? tagplug_load_preset : tagplug_load)(p, bytes, size, NULL) == TAGNODE_OK);
        CHECK(tagplug_get(p, depth) == 0.125F && tagplug_get(p, TAGPLUG_HOP) == 0.1F);
        CHECK(tagplug_get(p, TAGPLUG_BYPASS) == (as_preset ? 1 : 0));
        CHECK(tagplug_get(p, TAGPLUG_OSC_PORT) == (as_preset ? 9000 : 0));
        tagplug_destroy(p);
    }
}

/* Two names with one hash: the later label of the model takes the next number, in any model. */
static void test_labels_with_one_hash_have_two_numbers(void) {
    static file f;
    static unsigned char bytes[TAGPLUG_STATE_MOST];
    static char texts[2][16];
    const char *labels[LABELS] = {texts[0], texts[1], "guitar"};
    char name[32];
    (void)snprintf(texts[0], sizeof texts[0], "x0");
    const uint32_t first = tagnode_plugin_source_find("tag.x0");
    for (uint32_t i = 1; i < 100000; ++i) {
        (void)snprintf(texts[1], sizeof texts[1], "x%u", i);
        (void)snprintf(name, sizeof name, "tag.x%u", i);
        if (tagnode_plugin_source_find(name) == first) break;
    }
    CHECK(tagnode_plugin_source_find(name) == first);
    make_container(&f, "valid", labels, false);
    write_file("plugins/custom-3.tagnode", &f);
    const uint32_t source = tagplug_field_of(0, TAGPLUG_SOURCE);
    tagplug *p = tagplug_create(folder);
    tagplug_set(p, TAGPLUG_MODEL, CUSTOM_3);
    float one = 0, two = 0;
    CHECK(tagplug_value(p, source, texts[0], &one) && tagplug_value(p, source, texts[1], &two));
    const float next =
        first == TAGNODE_PLUGIN_SOURCE_MAX ? TAGNODE_PLUGIN_SOURCE_OTHER : (float)first + 1;
    CHECK(one == (float)first && two == next);
    /* In a model that has the second name only, a state with it goes to the other number. */
    tagplug_set(p, source, two);
    const size_t size = tagplug_save(p, bytes, sizeof bytes);
    tagplug_destroy(p);
    labels[0] = "flute";
    make_container(&f, "valid", labels, false);
    write_file("plugins/custom-3.tagnode", &f);
    p = tagplug_create(folder);
    CHECK(tagplug_load(p, bytes, size, NULL) == TAGNODE_OK);
    tagplug_activate(p, 48000, 2);
    CHECK(tagplug_get(p, source) == one && reads(p, source, one, texts[1]));
    /* A name that the model lacks does not move to the label that has its number. */
    const size_t again = tagplug_save(p, bytes, sizeof bytes);
    tagplug_destroy(p);
    labels[1] = texts[0];
    make_container(&f, "valid", labels, false);
    write_file("plugins/custom-3.tagnode", &f);
    p = tagplug_create(folder);
    CHECK(tagplug_load(p, bytes, again, NULL) == TAGNODE_OK);
    tagplug_activate(p, 48000, 2);
    char text[64];
    (void)snprintf(text, sizeof text, "%s (not in this model)", name);
    CHECK(tagplug_get(p, source) != one && reads(p, source, tagplug_get(p, source), text));
    tagplug_destroy(p);
}

/* Containers may come from elsewhere: heads whose names have spaces, labels with one and the same
 * name. */
static void test_any_source_of_any_model_comes_back(void) {
    static const char *const labels[LABELS] = {"guitar", "\xE9\xB3\xA5", "\xE6\xB0\xB4"};
    static file f;
    static unsigned char bytes[TAGPLUG_STATE_MOST];
    make_container(&f, "valid", labels, true);
    for (size_t i = 0; i + 4 < f.size; ++i)
        if (memcmp(f.bytes + i, "mood", 4) == 0) memcpy(f.bytes + i, "m od", 4);
    seal(&f);
    write_file("plugins/custom-3.tagnode", &f);
    tagplug_model *model = NULL;
    CHECK(tagplug_model_read(f.bytes, f.size, &model, NULL) == TAGNODE_OK);
    for (uint32_t label = 0; label < 2 * LABELS && model != NULL; ++label) {
        tagplug *p = tagplug_create(folder), *other = tagplug_create(folder);
        const float source = (float)model->labels[label].source;
        CHECK(source > 0 && model->label_of[model->labels[label].source] == label);
        tagplug_set(p, TAGPLUG_MODEL, CUSTOM_3);
        set_field(p, 0, TAGPLUG_SOURCE, source);
        const size_t size = tagplug_save(p, bytes, sizeof bytes);
        CHECK(tagplug_load(other, bytes, size, NULL) == TAGNODE_OK);
        tagplug_activate(other, 48000, 2);
        CHECK(tagplug_get(other, TAGPLUG_STATUS) == TAGPLUG_STATUS_OK);
        CHECK(tagplug_get(other, tagplug_field_of(0, TAGPLUG_SOURCE)) == source);
        tagplug_destroy(p);
        tagplug_destroy(other);
    }
    tagplug_model_free(model);
}

/* A host reads hundreds of texts at once. */
static void test_a_damaged_model_is_read_once_for_its_texts(void) {
    static file f;
    const uint32_t source = tagplug_field_of(0, TAGPLUG_SOURCE);
    make_container(&f, "valid", CUSTOM_LABELS, false);
    f.bytes[f.size / 2] ^= 1;
    write_file("plugins/custom-3.tagnode", &f);
    tagplug *p = tagplug_create(folder);
    tagplug_set(p, TAGPLUG_MODEL, CUSTOM_3);
    tagplug_set(p, source, GUITAR);
    CHECK(reads(p, source, GUITAR, "tag.guitar (not in this model)"));
    f.bytes[f.size / 2] ^= 1;
    write_file("plugins/custom-3.tagnode", &f);
    CHECK(reads(p, source, GUITAR, "tag.guitar (not in this model)"));
    tagplug_activate(p, 48000, 2);
    CHECK(reads(p, source, GUITAR, "guitar"));
    tagplug_destroy(p);
}

static void test_invalid_states_are_refused_and_change_nothing(void) {
    tagplug *p = tagplug_create(folder), *before = tagplug_create(folder);
    set_at_random(p, 6);
    set_at_random(before, 6);
    tagnode_message why = {""};
    CHECK(tagplug_load(p, NULL, 0, &why) == TAGNODE_ERROR_ARGUMENT &&
          message_has(&why, "not one of"));
    CHECK(tagplug_load(p, "TAGSTATE", 8, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(tagplug_load(p, "<?xml version='1.0'?>", 21, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(tagplug_load(p, "TAGSTATE\1\0\0\0", 12, &why) == TAGNODE_ERROR_ARGUMENT &&
          message_has(&why, "version"));
    const size_t size = tagplug_save(before, saved, sizeof saved);
    for (size_t cut = 0; cut < size; ++cut) {
        tagplug *cut_short = tagplug_create(folder);
        const tagnode_status status = tagplug_load(cut_short, saved, cut, NULL);
        CHECK(status == TAGNODE_OK || status == TAGNODE_ERROR_ARGUMENT);
        tagplug_destroy(cut_short);
    }
    CHECK(tagplug_load(p, saved, size - 1, &why) == TAGNODE_ERROR_ARGUMENT &&
          message_has(&why, "cut off"));
    CHECK(alike(p, before));
    static unsigned char large[TAGPLUG_STATE_MOST + 12] = "TAGSTATE\x02";
    CHECK(tagplug_load(p, large, sizeof large, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(alike(p, before));
    tagplug_destroy(p);
    tagplug_destroy(before);
}

/* A state of `size` bytes with one entry, of another version. */
static void fill_state(unsigned char *bytes, size_t size) {
    static const unsigned char head[] = {'T', 'A', 'G', 'S', 'T', 'A', 'T', 'E', 2, 0, 0, 0, 99};
    const size_t rest = size - 16;
    memset(bytes, 0, size);
    memcpy(bytes, head, sizeof head);
    bytes[14] = (unsigned char)rest;
    bytes[15] = (unsigned char)(rest >> 8);
}

static void test_a_state_has_64_KiB_at_most(void) {
    static unsigned char bytes[65537];
    tagplug *p = tagplug_create(folder), *before = tagplug_create(folder);
    set_at_random(p, 9);
    set_at_random(before, 9);
    tagnode_message why = {""};
    fill_state(bytes, 65537);
    CHECK(tagplug_load(p, bytes, 65537, &why) == TAGNODE_ERROR_ARGUMENT &&
          message_has(&why, "more than 64 KiB"));
    CHECK(alike(p, before));
    fill_state(bytes, 65536);
    CHECK(tagplug_load(p, bytes, 65536, &why) == TAGNODE_OK);
    tagplug *fresh = tagplug_create(folder); /* it has no entry of this version */
    CHECK(alike(p, fresh));
    tagplug_destroy(fresh);
    tagplug_destroy(before);
    tagplug_destroy(p);
}

static void test_damaged_states_never_harm(void) {
    tagplug *p = tagplug_create(folder);
    set_at_random(p, 8);
    static unsigned char bytes[TAGPLUG_STATE_MOST];
    const size_t size = tagplug_save(p, saved, sizeof saved);
    uint32_t random = 21, taken = 0;
    for (int round = 0; round < 100000; ++round) {
        memcpy(bytes, saved, size);
        const size_t length = round % 3 == 0 ? 13 + next_number(&random) % (size - 13) : size;
        for (uint32_t k = 1 + next_number(&random) % 4; k > 0; --k)
            bytes[(round % 2 ? 12 : 0) + next_number(&random) % (length - 12)] =
                (unsigned char)next_number(&random);
        taken += tagplug_load(p, bytes, length, NULL) == TAGNODE_OK;
    }
    CHECK(taken > 1000 && taken < 99000);
    bool within = true;
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i)
        within &= tagplug_get(p, i) == tagplug_clamp(i, tagplug_get(p, i));
    CHECK(within);
    tagplug_destroy(p);
}

/* ---- containers ---- */

static void test_a_container_gives_model_labels_and_heads(void) {
    static file f;
    tagplug_model *model = NULL;
    tagnode_message why = {""};
    make_container(&f, "padded", CUSTOM_LABELS, true);
    CHECK(tagplug_model_read(f.bytes, f.size, &model, &why) == TAGNODE_OK);
    CHECK(model->label_count == 2 * LABELS && model->head_count == 1);
    CHECK(strcmp(model->labels[2].text, "flute") == 0 && model->labels[2].head == NULL);
    CHECK(tagplug_find_label(model, "tag.speech") == 1);
    CHECK(tagplug_find_label(model, "head.mood.very-sad") == LABELS + 1);
    CHECK(tagplug_find_label(model, "tag.happy") == UINT32_MAX);
    tagplug_model_free(model);
    tagplug_model_free(NULL);
}

static bool is_refused(const file *f, size_t size, const char *word) {
    tagplug_model *model = NULL;
    tagnode_message why = {""};
    /* A copy of the exact size, so that AddressSanitizer finds reads beyond it. */
    unsigned char *copy = malloc(size + 1);
    memcpy(copy, f->bytes, size);
    const tagnode_status status = tagplug_model_read(copy, size, &model, &why);
    free(copy);
    const bool refused = status != TAGNODE_OK && model == NULL && message_has(&why, word);
    tagplug_model_free(model);
    return refused;
}

static void test_damaged_containers_are_refused_with_a_sentence(void) {
    static file whole, f;
    make_container(&whole, "valid", SCENE_LABELS, true);
    for (size_t size = 0; size < whole.size; size += 1 + size / 40)
        CHECK(is_refused(&whole, size, "damaged"));
    f = whole;
    f.bytes[100] ^= 4;
    CHECK(is_refused(&f, f.size, "checksum"));
    f = whole;
    f.bytes[12] = 9; /* chunks */
    seal(&f);
    CHECK(is_refused(&f, f.size, "ends within a chunk"));
    f = whole;
    memcpy(f.bytes + 16, "CART", 4);
    seal(&f);
    CHECK(is_refused(&f, f.size, "card"));
    f = whole;
    f.bytes[26 + 5 + 4] = 77; /* letters of the name, then the front-end's rate */
    f.bytes[12] = 1;
    seal(&f);
    CHECK(is_refused(&f, f.size, "no network"));
}

static void test_a_card_has_silence_before(void) {
    static file f;
    for (unsigned char value = 0; value < 2; ++value) {
        tagplug_model *model = NULL;
        change_card(&f, 0, value);
        CHECK(tagplug_model_read(f.bytes, f.size, &model, NULL) == TAGNODE_OK);
        if (CHECK(model != NULL)) CHECK(model->card.silence_before == (value == 1));
        tagplug_model_free(model);
    }
    change_card(&f, 0, 2);
    CHECK(is_refused(&f, f.size, "card"));
    change_card(&f, 1, 1);
    CHECK(is_refused(&f, f.size, "card"));
}

/* Each number of a choice is read as that choice; the next one is refused. */
static void test_a_card_has_the_front_end(void) {
    static file f;
    enum { AT = 24 + 2 + 5 + 5 * 4, CHOICES = 9 };
    const unsigned char counts[CHOICES] = {2, 3, 2, 2, 2, 3, 6, 2, 5};
    for (size_t choice = 0; choice < CHOICES; ++choice)
        for (unsigned char value = 0; value <= counts[choice]; ++value) {
            tagplug_model *model = NULL;
            make_container(&f, "valid", SCENE_LABELS, false);
            f.bytes[AT + 4 * choice] = value;
            f.bytes[AT + 4 * CHOICES + 3 * 8 + 7] = 0x40; /* patch_range: 2 dB */
            seal(&f);
            if (value == counts[choice]) {
                CHECK(is_refused(&f, f.size, "card"));
                continue;
            }
            CHECK(tagplug_model_read(f.bytes, f.size, &model, NULL) == TAGNODE_OK);
            if (!CHECK(model != NULL)) continue;
            const tagnode_frontend_settings *s = &model->card.frontend;
            const unsigned got[CHOICES] = {s->window,   s->mel_scale, s->mel_triangles,
                                           s->mel_norm, s->spectrum,  s->exponent,
                                           s->log,      s->framing,   model->card.patch_norm};
            CHECK(got[choice] == value && model->card.patch_range == 2);
            tagplug_model_free(model);
        }
}

static void test_mutated_containers_never_harm(void) {
    static file whole, f;
    uint32_t random = 77;
    make_container(&whole, "valid", SCENE_LABELS, true);
    for (int round = 0; round < 30000; ++round) {
        tagplug_model *model = NULL;
        f = whole;
        if (round % 4 == 0) f.size = 13 + next_number(&random) % (f.size - 13);
        for (uint32_t k = 1 + next_number(&random) % 3; k > 0; --k) {
            /* Mostly where sizes and counts are. */
            const size_t span = round % 3 == 0      ? f.size - 12
                                : f.size - 12 < 200 ? f.size - 12
                                                    : 200;
            f.bytes[12 + next_number(&random) % span] = (unsigned char)next_number(&random);
        }
        seal(&f);
        (void)tagplug_model_read(f.bytes, f.size, &model, NULL);
        tagplug_model_free(model);
    }
    for (int round = 0; round < 20000; ++round) { /* and what is no container at all */
        tagplug_model *model = NULL;
        f.size = 16 + next_number(&random) % 300;
        for (size_t i = 0; i < f.size; ++i) f.bytes[i] = (unsigned char)next_number(&random);
        if (round % 2) memcpy(f.bytes, "TAGMODL2", 8);
        seal(&f);
        CHECK(tagplug_model_read(f.bytes, f.size, &model, NULL) != TAGNODE_OK);
    }
}

static void test_a_model_is_read_once_for_all(void) {
    tagplug_model *one = NULL, *two = NULL;
    CHECK(tagplug_model_take(CUSTOM_1, folder, &one, NULL) == TAGPLUG_STATUS_OK);
    CHECK(tagplug_model_take(CUSTOM_1, folder, &two, NULL) == TAGPLUG_STATUS_OK);
    CHECK(one != NULL && one == two);
    tagplug_model_release(one);
    tagplug_model_release(two);
    CHECK(tagplug_model_take(0, folder, &one, NULL) == TAGPLUG_STATUS_OK && one == NULL);
}

int main(void) {
    make_folder();
    test_the_table_is_sound();
    test_normalised_values_come_back();
    test_texts_have_the_units_of_source_and_target();
    test_texts_are_cut_to_their_room();
    test_a_state_comes_back_whole();
    test_absent_entries_take_their_default_and_unknown_ones_are_skipped();
    test_sources_stay_when_the_model_changes();
    test_names_of_other_labels_are_kept();
    test_states_keep_names_where_the_model_is_missing();
    test_names_in_a_state_win_over_numbers();
    test_labels_with_one_hash_have_two_numbers();
    test_any_source_of_any_model_comes_back();
    test_a_preset_leaves_bypass_and_the_osc_port();
    test_sources_have_texts_of_their_own_whatever_labels_are_like();
    test_a_damaged_model_is_read_once_for_its_texts();
    test_invalid_states_are_refused_and_change_nothing();
    test_a_state_has_64_KiB_at_most();
    test_damaged_states_never_harm();
    test_a_container_gives_model_labels_and_heads();
    test_damaged_containers_are_refused_with_a_sentence();
    test_a_card_has_silence_before();
    test_a_card_has_the_front_end();
    test_mutated_containers_never_harm();
    test_a_model_is_read_once_for_all();
    remove_folder();
    return closing_line();
}
