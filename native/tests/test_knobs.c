/* test_knobs.c - the knob table: a mapping accepts exactly what it lists. */
#include "check.h"

enum { KNOBS = 15 };

static const char *const NAMES[KNOBS] = {"median",  "gate",   "threshold", "hysteresis", "low",
                                         "high",    "invert", "hold",      "delay",      "attack",
                                         "release", "depth",  "curve",     "min",        "max"};

static uint32_t knob_called(const char *name) {
    uint32_t knob = 0;
    while (knob < tagnode_knob_count() && strcmp(tagnode_knob_info(knob)->name, name) != 0) ++knob;
    return knob;
}

static void test_table_lists_the_fields_of_a_mapping_in_order(void) {
    CHECK(tagnode_knob_count() == KNOBS);
    for (uint32_t i = 0; i < KNOBS; ++i) {
        const tagnode_knob *knob = tagnode_knob_info(i);
        CHECK(strcmp(knob->name, NAMES[i]) == 0);
        const size_t length = strlen(knob->meaning);
        CHECK(length > 10 && knob->meaning[length - 1] == '.');
        CHECK(strcmp(knob->unit, "") == 0 || strcmp(knob->unit, "s") == 0 ||
              strcmp(knob->unit, "descriptor") == 0 || strcmp(knob->unit, "parameter") == 0);
        CHECK(knob->default_value >= knob->low && knob->default_value <= knob->high);
        CHECK((knob->kind == TAGNODE_KNOB_CHOICE) == (knob->choices != NULL));
    }
    CHECK(tagnode_knob_info(KNOBS) == NULL && tagnode_knob_info(UINT32_MAX) == NULL);
}

static void test_choices_have_the_names_of_their_enumerations(void) {
    const tagnode_knob *gate = tagnode_knob_info(TAGNODE_KNOB_GATE);
    CHECK(gate->choice_count == 3);
    CHECK(strcmp(gate->choices[TAGNODE_GATE_NONE], "none") == 0);
    CHECK(strcmp(gate->choices[TAGNODE_GATE_ABOVE], "above") == 0);
    CHECK(strcmp(gate->choices[TAGNODE_GATE_BELOW], "below") == 0);
    const tagnode_knob *curve = tagnode_knob_info(TAGNODE_KNOB_CURVE);
    CHECK(curve->choice_count == 3);
    CHECK(strcmp(curve->choices[TAGNODE_CURVE_LIN], "lin") == 0);
    CHECK(strcmp(curve->choices[TAGNODE_CURVE_LOG], "log") == 0);
    CHECK(strcmp(curve->choices[TAGNODE_CURVE_EXP], "exp") == 0);
    CHECK(strcmp(tagnode_combine_name(TAGNODE_COMBINE_SUM), "sum") == 0);
    CHECK(strcmp(tagnode_combine_name(TAGNODE_COMBINE_MAX), "max") == 0);
}

/* Returns whether a setting has exactly these names, separated by spaces. */
static bool has_names(const char *(*name)(uint32_t), const char *expected) {
    char found[128] = "";
    for (uint32_t i = 0; name(i) != NULL; ++i) {
        const size_t at = strlen(found);
        (void)snprintf(found + at, sizeof found - at, i == 0 ? "%s" : " %s", name(i));
    }
    return strcmp(found, expected) == 0 && name(UINT32_MAX) == NULL;
}

static void test_front_end_settings_have_the_names_that_cards_use(void) {
    CHECK(has_names(tagnode_window_name, "hann-periodic hann-symmetric"));
    CHECK(has_names(tagnode_mel_scale_name, "slaney htk none"));
    CHECK(has_names(tagnode_mel_norm_name, "none slaney"));
    CHECK(has_names(tagnode_spectrum_name, "power magnitude"));
    CHECK(has_names(tagnode_log_name, "none log10-1p log-offset db log-floor log-zero"));
    CHECK(has_names(tagnode_mel_triangles_name, "hertz mel"));
    CHECK(has_names(tagnode_exponent_name, "one two half"));
    CHECK(has_names(tagnode_framing_name, "centred from-zero"));
    CHECK(has_names(tagnode_patch_norm_name, "none z-score max top-db relative-db"));
    CHECK(has_names(tagnode_combine_name, "sum max"));
}

static void test_default_mapping_is_valid_and_has_the_defaults_of_the_table(void) {
    const tagnode_mapping m = tagnode_mapping_default();
    CHECK(tagnode_mapping_check(&m, NULL) == TAGNODE_OK);
    for (uint32_t i = 0; i < KNOBS; ++i)
        CHECK(tagnode_mapping_get(&m, i) == (double)(float)tagnode_knob_info(i)->default_value);
    CHECK(m.gate == TAGNODE_GATE_NONE && m.threshold == 0 && m.hysteresis == 0);
    CHECK(m.low == 0 && m.high == 1 && !m.invert && m.hold == 0 && m.delay == 0);
    CHECK(m.attack == 0.05F && m.release == 0.5F && m.depth == 1);
    CHECK(m.curve == TAGNODE_CURVE_LIN && m.min == 0 && m.max == 1);
    tagnode_automation *a;
    CHECK(tagnode_automation_create(&m, 1, TAGNODE_COMBINE_SUM, 48000, 8, &a, NULL) == TAGNODE_OK);
    tagnode_automation_destroy(a);
}

static void test_set_writes_the_field_of_that_name_and_no_other(void) {
    for (uint32_t i = 0; i < KNOBS; ++i) {
        tagnode_mapping m = tagnode_mapping_default();
        CHECK(tagnode_mapping_set(&m, i, 1, NULL) == TAGNODE_OK);
        for (uint32_t j = 0; j < KNOBS; ++j)
            CHECK(tagnode_mapping_get(&m, j) ==
                  (j == i ? 1 : (double)(float)tagnode_knob_info(j)->default_value));
    }
    tagnode_mapping m = tagnode_mapping_default();
    const double values[KNOBS] = {0.5, 2,   -3.5, 0.25, -60, 0,  1, 1.5,
                                  2.5, 3.5, 4.5,  0.75, 2,   20, 30};
    for (uint32_t i = 0; i < KNOBS; ++i)
        CHECK(tagnode_mapping_set(&m, knob_called(NAMES[i]), values[i], NULL) == TAGNODE_OK);
    CHECK(m.median == 0.5F && m.gate == TAGNODE_GATE_BELOW);
    CHECK(m.threshold == -3.5F && m.hysteresis == 0.25F);
    CHECK(m.low == -60 && m.high == 0 && m.invert && m.hold == 1.5F && m.delay == 2.5F);
    CHECK(m.attack == 3.5F && m.release == 4.5F && m.depth == 0.75F);
    CHECK(m.curve == TAGNODE_CURVE_EXP && m.min == 20 && m.max == 30);
}

static void refuse(uint32_t knob, double value, const char *named) {
    const tagnode_mapping before = tagnode_mapping_default();
    tagnode_mapping m = before;
    tagnode_message why = {""};
    CHECK(tagnode_mapping_set(&m, knob, value, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, named));
    CHECK(tagnode_mapping_set(&m, knob, value, NULL) == TAGNODE_ERROR_ARGUMENT);
    for (uint32_t i = 0; i < KNOBS; ++i)
        CHECK(tagnode_mapping_get(&m, i) == tagnode_mapping_get(&before, i));
}

static void test_values_out_of_the_limits_are_refused_with_the_knob_named(void) {
    for (uint32_t i = 0; i < KNOBS; ++i) {
        const tagnode_knob *knob = tagnode_knob_info(i);
        tagnode_mapping m = tagnode_mapping_default();
        const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY,
                              1e300,       knob->low - 1,    knob->high + 1};
        for (size_t j = 0; j < sizeof bad / sizeof *bad; ++j) refuse(i, bad[j], knob->name);
        if (knob->kind != TAGNODE_KNOB_NUMBER) refuse(i, 0.5, knob->name);
        if (isfinite(knob->low)) CHECK(tagnode_mapping_set(&m, i, knob->low, NULL) == TAGNODE_OK);
        if (isfinite(knob->high)) CHECK(tagnode_mapping_set(&m, i, knob->high, NULL) == TAGNODE_OK);
    }
    refuse(TAGNODE_KNOB_GATE, 3, "none, above or below");
    refuse(TAGNODE_KNOB_ATTACK, 700, "attack is 700 s; it must be 0 to 600 s");
    refuse(TAGNODE_KNOB_HYSTERESIS, -1, "at least 0");
    refuse(KNOBS, 0, "knob 15");
    refuse(TAGNODE_KNOB_MEDIAN, 11, "median is 11 s; it must be 0 to 10 s");
    tagnode_mapping m = tagnode_mapping_default();
    CHECK(isnan(tagnode_mapping_get(&m, KNOBS)));
}

static void test_knobs_that_contradict_each_other_are_refused(void) {
    tagnode_mapping m = tagnode_mapping_default();
    tagnode_message why = {""};
    m.low = m.high;
    CHECK(tagnode_mapping_check(&m, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, "low and high are both 1"));
    m.gate = TAGNODE_GATE_ABOVE; /* a gate has no range */
    CHECK(tagnode_mapping_check(&m, &why) == TAGNODE_OK);
    m.curve = TAGNODE_CURVE_LOG;
    CHECK(tagnode_mapping_check(&m, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, "log curve"));
    m.min = 20;
    m.max = 20000;
    CHECK(tagnode_mapping_check(&m, &why) == TAGNODE_OK);
    m.hold = NAN;
    CHECK(tagnode_mapping_check(&m, &why) == TAGNODE_ERROR_ARGUMENT);
    CHECK(message_has(&why, "hold"));
}

int main(void) {
    test_table_lists_the_fields_of_a_mapping_in_order();
    test_choices_have_the_names_of_their_enumerations();
    test_front_end_settings_have_the_names_that_cards_use();
    test_default_mapping_is_valid_and_has_the_defaults_of_the_table();
    test_set_writes_the_field_of_that_name_and_no_other();
    test_values_out_of_the_limits_are_refused_with_the_knob_named();
    test_knobs_that_contradict_each_other_are_refused();
    return closing_line();
}
