/* slots.h - what is heard becomes eight values: each source through one of libtagnode's
 * automations, then the slot's curve, min and max. */
#ifndef TAGPLUG_SLOTS_H
#define TAGPLUG_SLOTS_H

#include "parameters.h"
#include "tagnode.h"

enum { TAGPLUG_GRID = 64 /* samples between two looks at a slot */ };

/* What a slot is set to, in plain numbers. */
typedef struct {
    uint32_t source;
    tagnode_mapping mapping; /* to 0 .. 1 */
    uint32_t curve;
    float min, max;
    tagplug_target target;
} tagplug_slot;

typedef struct {
    tagplug_slot slot[TAGPLUG_SLOTS];
    tagnode_automation *automation[TAGPLUG_SLOTS]; /* NULL before create */
    float value[TAGPLUG_SLOTS]; /* share of the target's range, at the latest point of the grid */
    double rate;
} tagplug_slots;

/* Reads the settings of slot `number` from `plugin`'s parameters, TAGPLUG_INPUTS floats. [any] */
tagplug_slot tagplug_slot_of(const float *parameters, uint32_t number) TAGNODE_NONBLOCKING;

/* Makes the automations; false when there is no memory. [main] */
bool tagplug_slots_create(tagplug_slots *slots, double rate, const float *parameters);
void tagplug_slots_destroy(tagplug_slots *slots); /* [main] */

/* Takes the parameters as they are now; values go on from where they are. [audio] */
void tagplug_slots_change(tagplug_slots *slots, const float *parameters, int64_t position)
    TAGNODE_NONBLOCKING;

/* From `position` on the sources numbered from `first` have these values. [audio] */
void tagplug_slots_hear(tagplug_slots *slots, uint32_t first, uint32_t count, const float *values,
                        int64_t position) TAGNODE_NONBLOCKING;

/* Works out the values at `position`. [audio] */
void tagplug_slots_work(tagplug_slots *slots, int64_t position) TAGNODE_NONBLOCKING;

/* Back to rest. [audio] */
void tagplug_slots_reset(tagplug_slots *slots) TAGNODE_NONBLOCKING;

/* A target's share of its range from the slots that move it: the first one's min, and how far each
 * is from its own min; false when none does. [audio] */
bool tagplug_slots_target(const tagplug_slots *slots, tagplug_target target, float *share)
    TAGNODE_NONBLOCKING;

#endif
