#include "slots.h"

#include <float.h>
#include <math.h>

#include "scaling.h"

/* Changes that may wait in an automation: 10 s of delay at one signal frame every 16 ms, and the
 * frames of a piece. */
enum { QUEUE = 1024 };

/* ---- settings ---- */

/* Gate, range and times, as automations take them. */
static tagnode_mapping envelope_of(const float *p) TAGNODE_NONBLOCKING {
    tagnode_mapping m = {.median = p[TAGPLUG_MEDIAN],
                         .gate = (tagnode_gate)p[TAGPLUG_GATE],
                         .threshold = p[TAGPLUG_THRESHOLD],
                         .hysteresis = p[TAGPLUG_HYSTERESIS],
                         .low = p[TAGPLUG_LOW],
                         .high = p[TAGPLUG_HIGH],
                         .invert = p[TAGPLUG_INVERT] != 0,
                         .hold = p[TAGPLUG_HOLD],
                         .delay = p[TAGPLUG_DELAY],
                         .attack = p[TAGPLUG_ATTACK],
                         .release = p[TAGPLUG_RELEASE]};
    if (p[TAGPLUG_SOURCE] == 0) /* at rest, whatever the other knobs are */
        m = (tagnode_mapping){
            .high = 1, .attack = p[TAGPLUG_ATTACK], .release = p[TAGPLUG_RELEASE]};
    if (m.low == m.high) m.high += 1e-6F; /* nearly a gate */
    return m;
}

static tagplug_slot slot_of(const float *parameters, uint32_t number) TAGNODE_NONBLOCKING {
    const float *p = parameters + tagplug_field_of(number, TAGPLUG_SOURCE);
    tagplug_slot slot = {.source = (uint32_t)p[TAGPLUG_SOURCE],
                         .signal = tagnode_plugin_source_signal((uint32_t)p[TAGPLUG_SOURCE]),
                         .mapping = envelope_of(p),
                         .rest = p[TAGPLUG_MIN],
                         .target = (tagplug_target)p[TAGPLUG_TARGET],
                         .about = tagplug_target_of((tagplug_target)p[TAGPLUG_TARGET]),
                         .combine = (tagnode_combine)p[TAGPLUG_COMBINE]};
    tagnode_mapping *m = &slot.mapping;
    m->depth = p[TAGPLUG_DEPTH];
    m->min = (float)tagnode_plugin_target_value(slot.about, p[TAGPLUG_MIN]);
    m->max = (float)tagnode_plugin_target_value(slot.about, p[TAGPLUG_MAX]);
    m->curve = (tagnode_curve)p[TAGPLUG_CURVE];
    /* No ratio leads to 0; denormals are 0 on the audio thread. */
    if (m->curve == TAGNODE_CURVE_LOG && !(m->min >= FLT_MIN && m->max >= FLT_MIN))
        m->curve = TAGNODE_CURVE_LIN;
    return slot;
}

static bool same(const tagnode_mapping *a, const tagnode_mapping *b) TAGNODE_NONBLOCKING {
    return a->median == b->median && a->gate == b->gate && a->threshold == b->threshold &&
           a->hysteresis == b->hysteresis && a->low == b->low && a->high == b->high &&
           a->invert == b->invert && a->hold == b->hold && a->delay == b->delay &&
           a->attack == b->attack && a->release == b->release && a->depth == b->depth &&
           a->curve == b->curve && a->min == b->min && a->max == b->max;
}

/* Automations get shares of a signal's usual range, so that one source replaces another with no
 * change of knobs: the last value stays until there is a new one. */
static float share_of(uint32_t signal, float value) TAGNODE_NONBLOCKING {
    const tagnode_signal *about = tagnode_signal_info(signal);
    return (float)(((double)value - about->low) / ((double)about->high - about->low));
}

/* ---- life ---- */

bool tagplug_slots_create(tagplug_slots *slots, double rate, const float *parameters) {
    *slots = (tagplug_slots){0};
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        slots->slot[i] = slot_of(parameters, i);
        if (tagnode_automation_create(&slots->slot[i].mapping, 1, TAGNODE_COMBINE_SUM, rate, QUEUE,
                                      &slots->automation[i], NULL) != TAGNODE_OK) {
            tagplug_slots_destroy(slots);
            return false;
        }
    }
    tagplug_slots_reset(slots);
    return true;
}

void tagplug_slots_destroy(tagplug_slots *slots) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        tagnode_automation_destroy(slots->automation[i]);
        slots->automation[i] = NULL;
    }
}

static void rest(tagnode_automation *automation) TAGNODE_NONBLOCKING {
    tagnode_automation_reset(automation);
    /* The first value of the source is then a step like others, not a jump. */
    tagnode_automation_push(automation, 0, 0, -HUGE_VALF);
}

void tagplug_slots_reset(tagplug_slots *slots) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) rest(slots->automation[i]);
}

/* ---- at work ---- */

void tagplug_slots_change(tagplug_slots *slots, const float *parameters, int64_t position) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const tagplug_slot now = slot_of(parameters, i);
        tagnode_automation *a = slots->automation[i];
        if (!same(&now.mapping, &slots->slot[i].mapping))
            (void)tagnode_automation_change(a, 0, &now.mapping);
        if (position == 0) rest(a); /* nothing has moved yet */
        if (now.source == 0 && slots->slot[i].source != 0)
            tagnode_automation_push(a, 0, position, 0);
        slots->slot[i] = now;
    }
}

void tagplug_slots_push_signals(tagplug_slots *slots, const float *values, int64_t position) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const uint32_t signal = slots->slot[i].signal;
        if (signal == UINT32_MAX) continue;
        tagnode_automation_push(slots->automation[i], 0, position,
                                share_of(signal, values[signal]));
    }
}

void tagplug_slots_push_labels(tagplug_slots *slots, const uint16_t *label_of, const float *values,
                               int64_t position) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const uint16_t label = label_of[slots->slot[i].source];
        if (label == TAGPLUG_NO_LABEL) continue; /* the slot keeps its value */
        tagnode_automation_push(slots->automation[i], 0, position, values[label]);
    }
}

static float share_within(const tagnode_plugin_target *target, double value) TAGNODE_NONBLOCKING {
    const double share = tagnode_plugin_target_share(target, value);
    return (float)(share < 0 ? 0 : share > 1 ? 1 : share);
}

void tagplug_slots_evaluate(tagplug_slots *slots, int64_t position) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const tagplug_slot *slot = &slots->slot[i];
        slots->moved[i] = tagnode_automation_at(slots->automation[i], position);
        /* At rest exactly what min is set to, without the rounding of the way there and back. */
        slots->value[i] = slots->moved[i] == slot->mapping.min
                              ? slot->rest
                              : share_within(slot->about, slots->moved[i]);
    }
}

bool tagplug_slots_target(const tagplug_slots *slots, tagplug_target target, float *share) {
    const tagplug_slot *first = NULL;
    double sum = 0, farthest = 0, way = -1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const tagplug_slot *slot = &slots->slot[i];
        if (slot->target != target) continue;
        if (first == NULL) {
            first = slot;
            sum = slot->mapping.min;
            *share = slots->value[i];
        }
        const double moved = (double)slots->moved[i] - slot->mapping.min;
        sum += moved;
        ++count;
        if (fabs(moved) <= way) continue;
        way = fabs(moved);
        farthest = slots->moved[i];
    }
    if (count > 1)
        *share = share_within(first->about, first->combine == TAGNODE_COMBINE_MAX ? farthest : sum);
    return first != NULL;
}
