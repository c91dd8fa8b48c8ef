/* test_plugin_slots.c - slots move their target as libtagnode's automation moves a parameter in the
 * target's unit: every knob, and any number of slots on one target. */
#include "../check.h"
#include "core/scaling.h"
#include "core/slots.h"

enum { LABEL = 100, ROUNDS = 400, STEPS = 60, RATE = 48000 };

static float parameters[TAGPLUG_INPUTS];
static uint16_t label_of[TAGNODE_PLUGIN_SOURCE_MAX + 1];

static double share(uint32_t *random) {
    return (double)(next_number(random) % 1001) / 1000;
}

static void set(uint32_t slot, tagplug_field field, double value) {
    const uint32_t parameter = tagplug_field_of(slot, field);
    parameters[parameter] = tagplug_clamp(parameter, (float)value);
}

static void at_default(void) {
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i)
        parameters[i] = tagnode_plugin_parameter_info(i)->start;
    for (uint32_t i = 0; i <= TAGNODE_PLUGIN_SOURCE_MAX; ++i) label_of[i] = TAGPLUG_NO_LABEL;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) label_of[LABEL + i] = (uint16_t)i;
}

/* Sets a slot and a mapping to the same random knobs. */
static tagnode_mapping turned(uint32_t slot, const tagnode_plugin_target *target,
                              uint32_t *random) {
    const double min = 0.05 + 0.95 * share(random), max = 0.05 + 0.95 * share(random);
    tagnode_mapping m = {.median = (float)(0.1 * share(random)),
                         .gate = (tagnode_gate)(next_number(random) % 3),
                         .threshold = (float)share(random),
                         .hysteresis = (float)(0.2 * share(random)),
                         .low = (float)(0.4 * share(random)),
                         .high = (float)(0.6 + 0.4 * share(random)),
                         .invert = next_number(random) % 2 == 1,
                         .hold = (float)(0.05 * share(random)),
                         .delay = (float)(0.05 * share(random)),
                         .attack = (float)(0.1 * share(random)),
                         .release = (float)(0.1 * share(random)),
                         .depth = (float)share(random),
                         .curve = (tagnode_curve)(next_number(random) % 3),
                         .min = (float)tagnode_plugin_target_value(target, (float)min),
                         .max = (float)tagnode_plugin_target_value(target, (float)max)};
    if (!(m.min > 0 && m.max > 0) && m.curve == TAGNODE_CURVE_LOG) m.curve = TAGNODE_CURVE_LIN;
    const double values[][2] = {{TAGPLUG_SOURCE, LABEL + slot},
                                {TAGPLUG_MEDIAN, m.median},
                                {TAGPLUG_GATE, m.gate},
                                {TAGPLUG_THRESHOLD, m.threshold},
                                {TAGPLUG_HYSTERESIS, m.hysteresis},
                                {TAGPLUG_LOW, m.low},
                                {TAGPLUG_HIGH, m.high},
                                {TAGPLUG_INVERT, m.invert},
                                {TAGPLUG_HOLD, m.hold},
                                {TAGPLUG_DELAY, m.delay},
                                {TAGPLUG_ATTACK, m.attack},
                                {TAGPLUG_RELEASE, m.release},
                                {TAGPLUG_DEPTH, m.depth},
                                {TAGPLUG_CURVE, m.curve},
                                {TAGPLUG_MIN, min},
                                {TAGPLUG_MAX, max},
                                {TAGPLUG_TARGET, target->id}};
    for (size_t i = 0; i < sizeof values / sizeof *values; ++i)
        set(slot, (tagplug_field)values[i][0], values[i][1]);
    return m;
}

static void compare(uint32_t slots, const tagnode_plugin_target *target, tagnode_combine combine,
                    uint32_t *random) {
    tagnode_mapping mappings[TAGPLUG_SLOTS];
    tagplug_slots plugin;
    tagnode_automation *automation = NULL;
    at_default();
    for (uint32_t i = 0; i < slots; ++i) {
        mappings[i] = turned(i, target, random);
        set(i, TAGPLUG_COMBINE, i == 0 ? combine : 1 - combine); /* the first one decides */
    }
    CHECK(tagplug_slots_create(&plugin, RATE, parameters));
    CHECK(tagnode_automation_create(mappings, slots, combine, RATE, 1024, &automation, NULL) ==
          TAGNODE_OK);
    for (uint32_t i = 0; i < slots; ++i) tagnode_automation_push(automation, i, 0, -HUGE_VALF);
    for (int64_t step = 1; step < STEPS; ++step) {
        float values[TAGPLUG_SLOTS] = {0}, is = -1;
        for (uint32_t i = 0; i < slots; ++i) {
            values[i] = (float)share(random);
            tagnode_automation_push(automation, i, step * 512, values[i]);
        }
        tagplug_slots_push_labels(&plugin, label_of, values, step * 512);
        tagplug_slots_evaluate(&plugin, step * 512 + 128);
        CHECK(tagplug_slots_target(&plugin, (tagplug_target)target->id, &is));
        double due = tagnode_automation_at(automation, step * 512 + 128);
        due = tagnode_plugin_target_share(target, due);
        CHECK_NEAR(is, due < 0 ? 0 : due > 1 ? 1 : due, 5e-6);
    }
    tagnode_automation_destroy(automation);
    tagplug_slots_destroy(&plugin);
}

static void test_slots_move_a_target_as_an_automation_does(void) {
    uint32_t random = 11;
    for (int round = 0; round < ROUNDS; ++round) {
        const tagnode_plugin_target *target = tagnode_plugin_target_info(next_number(&random) % 7);
        compare(1 + next_number(&random) % 4, target, (tagnode_combine)(round % 2), &random);
    }
}

/* The settled value of a slot with a constant label, in the target's unit. */
static double settled(tagplug_target target, double min, double max, double depth,
                      tagnode_curve curve, double level) {
    const tagnode_plugin_target *about = tagplug_target_of(target);
    tagplug_slots plugin;
    at_default();
    set(0, TAGPLUG_SOURCE, LABEL);
    set(0, TAGPLUG_TARGET, target);
    set(0, TAGPLUG_MIN, tagnode_plugin_target_share(about, min));
    set(0, TAGPLUG_MAX, tagnode_plugin_target_share(about, max));
    set(0, TAGPLUG_DEPTH, depth);
    set(0, TAGPLUG_CURVE, curve);
    CHECK(tagplug_slots_create(&plugin, RATE, parameters));
    const float value = (float)level;
    tagplug_slots_push_labels(&plugin, label_of, &value, 0);
    tagplug_slots_evaluate(&plugin, RATE * 10);
    tagplug_slots_destroy(&plugin);
    return tagnode_plugin_target_value(about, plugin.value[0]);
}

static void test_depth_acts_before_the_curve(void) {
    CHECK_NEAR(settled(TAGPLUG_TARGET_GAIN, 0, -48, 0.5, TAGNODE_CURVE_EXP, 1), -12, 1e-4);
    CHECK_NEAR(settled(TAGPLUG_TARGET_GAIN, 0, -48, 0.5, TAGNODE_CURVE_LIN, 1), -24, 1e-4);
}

static void test_curves_are_in_the_unit_of_the_target(void) {
    CHECK_NEAR(settled(TAGPLUG_TARGET_LOW_PASS, 200, 12800, 1, TAGNODE_CURVE_LIN, 0.5), 6500, 0.1);
    CHECK_NEAR(settled(TAGPLUG_TARGET_LOW_PASS, 200, 12800, 1, TAGNODE_CURVE_LOG, 0.5), 1600, 0.1);
    CHECK_NEAR(settled(TAGPLUG_TARGET_LOW_PASS, 200, 12800, 1, TAGNODE_CURVE_EXP, 0.5), 3350, 0.1);
    CHECK_NEAR(settled(TAGPLUG_TARGET_DRIVE, 4, 36, 1, TAGNODE_CURVE_LOG, 0.5), 12, 1e-4);
    /* No ratio leads to 0: even steps. */
    CHECK_NEAR(settled(TAGPLUG_TARGET_DRIVE, 0, 36, 1, TAGNODE_CURVE_LOG, 0.5), 18, 1e-4);
    CHECK_NEAR(settled(TAGPLUG_TARGET_GAIN, -48, -6, 1, TAGNODE_CURVE_LOG, 0.5), -27, 1e-4);
}

/* The fields of slots that are knobs have their names and choices. */
static void test_fields_are_the_knobs_of_libtagnode(void) {
    for (uint32_t i = 0; i < tagnode_knob_count(); ++i) {
        const tagnode_knob *knob = tagnode_knob_info(i);
        char symbol[64];
        const tagnode_plugin_parameter *found = NULL;
        (void)snprintf(symbol, sizeof symbol, "slot1_%s", knob->name);
        for (uint32_t k = 0; k < tagnode_plugin_parameter_count() && found == NULL; ++k)
            if (strcmp(tagnode_plugin_parameter_info(k)->symbol, symbol) == 0)
                found = tagnode_plugin_parameter_info(k);
        if (!CHECK(found != NULL)) continue;
        for (uint32_t k = 0; k < knob->choice_count && k < found->choice_count; ++k)
            CHECK(found->choices[k].id == k &&
                  strcmp(found->choices[k].text, knob->choices[k]) == 0);
        CHECK(knob->choice_count == 0 || knob->choice_count == found->choice_count);
    }
    for (uint32_t i = 0; i < 2; ++i)
        CHECK(strcmp(tagplug_choice_text(tagplug_field_of(0, TAGPLUG_COMBINE), i),
                     tagnode_combine_name(i)) == 0);
}

/* A new signal needs a source id. */
static void test_every_signal_has_a_source(void) {
    for (uint32_t i = 0; i < tagnode_signal_count(); ++i) {
        char name[64];
        (void)snprintf(name, sizeof name, "signal.%s", tagnode_signal_info(i)->name);
        const uint32_t source = tagnode_plugin_source_find(name);
        CHECK(source > 0 && source < 100 && tagnode_plugin_source_signal(source) == i);
    }
    CHECK(tagnode_plugin_source_signal(0) == UINT32_MAX);
    CHECK(tagnode_plugin_source_signal(tagnode_signal_count() + 1) == UINT32_MAX);
}

int main(void) {
    test_fields_are_the_knobs_of_libtagnode();
    test_every_signal_has_a_source();
    test_slots_move_a_target_as_an_automation_does();
    test_depth_acts_before_the_curve();
    test_curves_are_in_the_unit_of_the_target();
    return closing_line();
}
