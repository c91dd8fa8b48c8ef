#include "slots.h"

#include <math.h>

#include "models.h"

/* Changes that may wait in an automation: 10 s of delay at a signal frame each 16 ms, and the
 * frames of a piece. */
enum { QUEUE = 1024 };

/* ---- settings ---- */

tagplug_slot tagplug_slot_of(const float *parameters, uint32_t number) {
    const float *p = parameters + tagplug_field_of(number, TAGPLUG_SOURCE);
    tagplug_slot slot = {
        .source = (uint32_t)p[TAGPLUG_SOURCE],
        .mapping = {.low = p[TAGPLUG_LOW],
                    .high = p[TAGPLUG_HIGH],
                    .attack = p[TAGPLUG_ATTACK],
                    .release = p[TAGPLUG_RELEASE],
                    .depth = 1,
                    .max = 1},
        .curve = (uint32_t)p[TAGPLUG_CURVE],
        .min = p[TAGPLUG_MIN],
        .max = p[TAGPLUG_MAX],
        .target = (tagplug_target)p[TAGPLUG_TARGET],
    };
    tagnode_mapping *m = &slot.mapping;
    if (slot.source == 0) { /* at rest, whatever the other knobs say */
        m->low = 0;
        m->high = 1;
        return slot;
    }
    m->gate = (tagnode_gate)p[TAGPLUG_MODE];
    m->threshold = p[TAGPLUG_THRESHOLD];
    m->hysteresis = p[TAGPLUG_HYSTERESIS];
    m->invert = p[TAGPLUG_INVERT] != 0;
    m->hold = p[TAGPLUG_HOLD];
    m->delay = p[TAGPLUG_DELAYED];
    if (m->low == m->high) m->high += 1e-6F; /* a gate, nearly */
    return slot;
}

static bool same(const tagnode_mapping *a, const tagnode_mapping *b) TAGNODE_NONBLOCKING {
    return a->gate == b->gate && a->threshold == b->threshold && a->hysteresis == b->hysteresis &&
           a->low == b->low && a->high == b->high && a->invert == b->invert && a->hold == b->hold &&
           a->delay == b->delay && a->attack == b->attack && a->release == b->release;
}

/* Where a value lies in its source's usual range. Automations hear shares, so that one source takes
 * another's place with no change of knobs: what was heard last stays until there is something new.
 */
static float share_of(uint32_t source, float value) TAGNODE_NONBLOCKING {
    if (source > tagnode_signal_count()) return value;
    const tagnode_signal *about = tagnode_signal_info(source - 1);
    return (float)(((double)value - about->low) / ((double)about->high - about->low));
}

/* ---- life ---- */

bool tagplug_slots_create(tagplug_slots *slots, double rate, const float *parameters) {
    *slots = (tagplug_slots){.rate = rate};
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        slots->slot[i] = tagplug_slot_of(parameters, i);
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
    /* The first value that is heard is then a step like others, and not a jump. */
    tagnode_automation_push(automation, 0, 0, -HUGE_VALF);
}

void tagplug_slots_reset(tagplug_slots *slots) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) rest(slots->automation[i]);
}

/* ---- at work ---- */

void tagplug_slots_change(tagplug_slots *slots, const float *parameters, int64_t position) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const tagplug_slot now = tagplug_slot_of(parameters, i);
        tagnode_automation *a = slots->automation[i];
        if (!same(&now.mapping, &slots->slot[i].mapping))
            (void)tagnode_automation_change(a, 0, &now.mapping);
        if (position == 0) rest(a); /* nothing has moved yet */
        if (now.source == 0 && slots->slot[i].source != 0)
            tagnode_automation_push(a, 0, position, 0);
        slots->slot[i] = now;
    }
}

void tagplug_slots_hear(tagplug_slots *slots, uint32_t first, uint32_t count, const float *values,
                        int64_t position) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const uint32_t source = slots->slot[i].source;
        if (source < first || source - first >= count) continue;
        tagnode_automation_push(slots->automation[i], 0, position,
                                share_of(source, values[source - first]));
    }
}

void tagplug_slots_work(tagplug_slots *slots, int64_t position) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const tagplug_slot *slot = &slots->slot[i];
        float x = tagnode_automation_at(slots->automation[i], position);
        if (slot->curve == 1) x = x * x;
        if (slot->curve == 2) x = 1 - (1 - x) * (1 - x);
        const float value = slot->min + (slot->max - slot->min) * x;
        slots->value[i] = value < 0 ? 0 : value > 1 ? 1 : value; /* whatever rounding did */
    }
}

bool tagplug_slots_target(const tagplug_slots *slots, tagplug_target target, float *share) {
    bool any = false;
    float sum = 0;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        if (slots->slot[i].target != target) continue;
        if (!any) sum = slots->slot[i].min;
        any = true;
        sum += slots->value[i] - slots->slot[i].min;
    }
    *share = sum < 0 ? 0 : sum > 1 ? 1 : sum;
    return any;
}
