/* knobs.c - the one table of modulation knobs: names, units, limits, defaults. The checks and their
 * error messages follow from it, and bindings read it with tagnode_knob_info(). */
#include "automation/knobs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/message.h"

enum { KNOBS = TAGNODE_KNOB_MAX + 1 };

typedef struct {
    tagnode_knob info;
    size_t offset; /* of the field in tagnode_mapping */
} entry;

static const char *const GATES[] = {"none", "above", "below"};
static const char *const CURVES[] = {"lin", "log", "exp"};
#define COUNT(names) ((uint32_t)(sizeof(names) / sizeof(names)[0]))
static const char *const COMBINES[] = {"sum", "max"};

#define NUMBER(field, unit, low, high, start, meaning)                                             \
    {{#field, unit, meaning, TAGNODE_KNOB_NUMBER, low, high, start, NULL, 0},                      \
     offsetof(tagnode_mapping, field)}
#define SECONDS(field, start, meaning) NUMBER(field, "s", 0, 600, start, meaning)
#define TOGGLE(field, meaning)                                                                     \
    {{#field, "", meaning, TAGNODE_KNOB_TOGGLE, 0, 1, 0, NULL, 0}, offsetof(tagnode_mapping, field)}
#define CHOICE(field, names, meaning)                                                              \
    {{#field, "", meaning, TAGNODE_KNOB_CHOICE, 0, COUNT(names) - 1, 0, names, COUNT(names)},      \
     offsetof(tagnode_mapping, field)}
#define INF ((double)INFINITY)

static const entry TABLE[KNOBS] = {
    [TAGNODE_KNOB_MEDIAN] =
        NUMBER(median, "s", 0, 10, 0,
               "Takes the median of the results of this time, before the gate or range: what lasts "
               "for less "
               "than half of it is ignored, a change is followed half of it later."),
    [TAGNODE_KNOB_GATE] =
        CHOICE(gate, GATES,
               "Switches between 0 and 1 at the threshold, on above or below it; with none the "
               "descriptor's range from low to high is used."),
    [TAGNODE_KNOB_THRESHOLD] =
        NUMBER(threshold, "descriptor", -INF, INF, 0, "Value at which the gate opens."),
    [TAGNODE_KNOB_HYSTERESIS] =
        NUMBER(hysteresis, "descriptor", 0, INF, 0,
               "How far beyond the threshold the descriptor must return before the gate closes."),
    [TAGNODE_KNOB_LOW] = NUMBER(low, "descriptor", -INF, INF, 0,
                                "Without a gate: the descriptor value mapped to 0."),
    [TAGNODE_KNOB_HIGH] = NUMBER(high, "descriptor", -INF, INF, 1,
                                 "Without a gate: the descriptor value mapped to 1."),
    [TAGNODE_KNOB_INVERT] = TOGGLE(invert, "Replaces x by 1 - x after the gate or range."),
    [TAGNODE_KNOB_HOLD] =
        SECONDS(hold, 0, "How long a value is held before it is allowed to fall."),
    [TAGNODE_KNOB_DELAY] = SECONDS(delay, 0, "Delays every change by this time."),
    [TAGNODE_KNOB_ATTACK] = SECONDS(attack, 0.05, "Time constant of a rise: 63 % of a step."),
    [TAGNODE_KNOB_RELEASE] = SECONDS(release, 0.5, "Time constant of a fall: 63 % of a step."),
    [TAGNODE_KNOB_DEPTH] =
        NUMBER(depth, "", 0, 1, 1, "Share of the way from min to max that is used."),
    [TAGNODE_KNOB_CURVE] =
        CHOICE(curve, CURVES,
               "Shape from min to max: lin has equal steps, log equal ratios (min and max above "
               "0), exp the square."),
    [TAGNODE_KNOB_MIN] = NUMBER(min, "parameter", -INF, INF, 0, "The parameter at 0."),
    [TAGNODE_KNOB_MAX] = NUMBER(max, "parameter", -INF, INF, 1, "The parameter at 1."),
};

_Static_assert(sizeof(tagnode_gate) == sizeof(unsigned), "a choice is stored as an unsigned");
_Static_assert(sizeof(tagnode_curve) == sizeof(unsigned), "a choice is stored as an unsigned");

uint32_t tagnode_knob_count(void) {
    return KNOBS;
}

const tagnode_knob *tagnode_knob_info(uint32_t knob) {
    return knob < KNOBS ? &TABLE[knob].info : NULL;
}

const char *tagnode_combine_name(uint32_t combine) {
    return combine < COUNT(COMBINES) ? COMBINES[combine] : NULL;
}

/* ---- one knob ---- */

static double read_knob(const tagnode_mapping *mapping, uint32_t knob) TAGNODE_NONBLOCKING {
    const char *field = (const char *)mapping + TABLE[knob].offset;
    unsigned choice;
    float number;
    bool toggle;
    switch (TABLE[knob].info.kind) {
    case TAGNODE_KNOB_CHOICE: memcpy(&choice, field, sizeof choice); return choice;
    case TAGNODE_KNOB_TOGGLE: memcpy(&toggle, field, sizeof toggle); return toggle;
    case TAGNODE_KNOB_NUMBER: memcpy(&number, field, sizeof number); return number;
    }
    return NAN;
}

static void write_knob(tagnode_mapping *mapping, uint32_t knob, double value) TAGNODE_NONBLOCKING {
    char *field = (char *)mapping + TABLE[knob].offset;
    if (TABLE[knob].info.kind == TAGNODE_KNOB_CHOICE) {
        const unsigned choice = (unsigned)value;
        memcpy(field, &choice, sizeof choice);
    } else if (TABLE[knob].info.kind == TAGNODE_KNOB_TOGGLE) {
        const bool toggle = value != 0;
        memcpy(field, &toggle, sizeof toggle);
    } else {
        const float number = (float)value;
        memcpy(field, &number, sizeof number);
    }
}

static bool accepts(const tagnode_knob *knob, double value) TAGNODE_NONBLOCKING {
    const bool within = isfinite((float)value) && value >= knob->low && value <= knob->high;
    return within && (knob->kind == TAGNODE_KNOB_NUMBER || value == floor(value));
}

/* "none, above or below" */
static void join_choices(const tagnode_knob *knob, char *text, size_t size) {
    size_t at = 0;
    for (uint32_t i = 0; i < knob->choice_count && at < size; ++i) {
        const char *between = i == 0 ? "" : i + 1 == knob->choice_count ? " or " : ", ";
        at += (size_t)snprintf(text + at, size - at, "%s%s", between, knob->choices[i]);
    }
}

static tagnode_status refuse(const tagnode_knob *knob, double value, tagnode_message *why) {
    const char *name = knob->name, *unit = strcmp(knob->unit, "s") == 0 ? " s" : "";
    char choices[128];
    if (knob->kind == TAGNODE_KNOB_CHOICE) {
        join_choices(knob, choices, sizeof choices);
        return tagnode_refuse(why, "%s is choice number %g; it must be 0 to %g: %s.", name, value,
                              knob->high, choices);
    }
    if (knob->kind == TAGNODE_KNOB_TOGGLE)
        return tagnode_refuse(why, "%s is %g; it must be 0 or 1.", name, value);
    if (isfinite(knob->high))
        return tagnode_refuse(why, "%s is %g%s; it must be %g to %g%s.", name, value, unit,
                              knob->low, knob->high, unit);
    if (isfinite(knob->low))
        return tagnode_refuse(why, "%s is %g; it must be finite and at least %g.", name, value,
                              knob->low);
    return tagnode_refuse(why, "%s is %g; it must be finite.", name, value);
}

/* ---- a mapping ---- */

tagnode_mapping tagnode_mapping_default(void) {
    tagnode_mapping mapping = {0};
    for (uint32_t i = 0; i < KNOBS; ++i) write_knob(&mapping, i, TABLE[i].info.default_value);
    return mapping;
}

double tagnode_mapping_get(const tagnode_mapping *mapping, uint32_t knob) {
    return knob < KNOBS ? read_knob(mapping, knob) : NAN;
}

tagnode_status tagnode_mapping_set(tagnode_mapping *mapping, uint32_t knob, double value,
                                   tagnode_message *why) {
    if (knob >= KNOBS)
        return tagnode_refuse(why, "There is no knob %u; they are 0 to %d.", knob, KNOBS - 1);
    if (!accepts(&TABLE[knob].info, value)) return refuse(&TABLE[knob].info, value, why);
    write_knob(mapping, knob, value);
    return TAGNODE_OK;
}

/* Conditions on several knobs. */
static bool has_range(const tagnode_mapping *m) TAGNODE_NONBLOCKING {
    return m->gate != TAGNODE_GATE_NONE || m->low != m->high;
}

static bool has_ratios(const tagnode_mapping *m) TAGNODE_NONBLOCKING {
    return m->curve != TAGNODE_CURVE_LOG || (m->min > 0 && m->max > 0);
}

/* Returns the first knob outside its limits, or KNOBS. */
static uint32_t find_fault(const tagnode_mapping *m) TAGNODE_NONBLOCKING {
    uint32_t knob = 0;
    while (knob < KNOBS && accepts(&TABLE[knob].info, read_knob(m, knob))) ++knob;
    return knob;
}

bool tagnode_mapping_is_valid(const tagnode_mapping *mapping) {
    return find_fault(mapping) == KNOBS && has_range(mapping) && has_ratios(mapping);
}

tagnode_status tagnode_mapping_check(const tagnode_mapping *m, tagnode_message *why) {
    const uint32_t knob = find_fault(m);
    if (knob < KNOBS) return refuse(&TABLE[knob].info, read_knob(m, knob), why);
    if (!has_range(m))
        return tagnode_refuse(why, "low and high are both %g; without a gate they must differ.",
                              m->low);
    if (!has_ratios(m))
        return tagnode_refuse(why, "min is %g and max is %g; a log curve needs both above 0.",
                              m->min, m->max);
    return TAGNODE_OK;
}
