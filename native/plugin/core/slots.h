/* slots.h - descriptors become the values of slots: each source goes through one of libtagnode's
 * automations, which works in the unit of the slot's target. */
#pragma once

#include "container.h"
#include "parameters/parameters.h"

enum { TAGPLUG_GRID = 64 /* samples between two evaluations of a slot */ };

/* The settings of a slot. */
typedef struct {
    uint32_t source;         /* its id */
    uint32_t signal;         /* UINT32_MAX: the source is a label or none */
    tagnode_mapping mapping; /* descriptors as shares of their usual range; min and max in the
                                target's unit */
    float rest;              /* min as a share */
    tagplug_target target;
    const tagnode_plugin_target *about;
    tagnode_combine combine;
} tagplug_slot;

typedef struct {
    tagplug_slot slot[TAGPLUG_SLOTS];
    tagnode_automation *automation[TAGPLUG_SLOTS]; /* NULL before create */
    float moved[TAGPLUG_SLOTS]; /* in the target's unit, at the latest point of the grid */
    float value[TAGPLUG_SLOTS]; /* the same as a share of the target's range */
} tagplug_slots;

/* Allocates the automations; false when there is no memory. `parameters` are the plugin's
 * TAGPLUG_INPUTS. [main] */
bool tagplug_slots_create(tagplug_slots *slots, double rate, const float *parameters);
void tagplug_slots_destroy(tagplug_slots *slots); /* [main] */

/* Applies changed parameters; values continue from where they are. [audio] */
void tagplug_slots_change(tagplug_slots *slots, const float *parameters, int64_t position)
    TAGNODE_NONBLOCKING;

/* From `position` on the signals have these values, tagnode_signal_count() of them. [audio] */
void tagplug_slots_push_signals(tagplug_slots *slots, const float *values, int64_t position)
    TAGNODE_NONBLOCKING;

/* From `position` on the labels of a model have these values; `label_of` has the index of the label
 * for each source id, TAGPLUG_NO_LABEL for none. [audio] */
void tagplug_slots_push_labels(tagplug_slots *slots, const uint16_t *label_of, const float *values,
                               int64_t position) TAGNODE_NONBLOCKING;

/* Evaluates the slots at `position`. [audio] */
void tagplug_slots_evaluate(tagplug_slots *slots, int64_t position) TAGNODE_NONBLOCKING;

/* Back to rest. [audio] */
void tagplug_slots_reset(tagplug_slots *slots) TAGNODE_NONBLOCKING;

/* A target's share of its range from the slots that move it, combined as in tagnode_automation, in
 * the way that the first of them has; false when none moves it. [audio] */
bool tagplug_slots_target(const tagplug_slots *slots, tagplug_target target, float *share)
    TAGNODE_NONBLOCKING;
