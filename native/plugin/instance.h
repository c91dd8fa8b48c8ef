/* instance.h - what an instance of the plugin is made of, for the files of the core only. */
#ifndef TAGPLUG_INSTANCE_H
#define TAGPLUG_INSTANCE_H

#include <stdatomic.h>

#include "core.h"
#include "effects.h"
#include "midi.h"
#include "models.h"
#include "slots.h"
#include "system.h"

/* Samples that are heard and played at once. Values are worked out at
 * every TAGPLUG_GRID-th sample since activation, so that blocks do not matter. */
enum { TAGPLUG_PIECE = 512 };

/* What one model needs to hear with, made off the audio thread; one without a node for "measuring
 * only" and for models that cannot be had. */
typedef struct {
    float hop; /* s, as asked for */
    tagplug_status_code status;
    tagplug_model *model; /* NULL without */
    tagnode *node;
    float *values;                 /* of a descriptor frame */
    float window, latency, worked; /* s */
    int64_t begin;                 /* position at which the node began to hear */
} tagplug_ear;

struct tagplug {
    _Atomic float parameters[TAGPLUG_PARAMETERS];
    _Atomic uint32_t changes;  /* of input parameters */
    _Atomic uint32_t revision; /* of texts */
    _Atomic bool offline;
    char *bundle;

    /* Set by activate: */
    bool hears; /* at rates that a node takes, and with memory for it */
    uint32_t rate, channels;
    tagnode *measuring; /* the signals; it has no model, so that a swap does not touch them */

    /* The audio thread's: */
    int64_t clock; /* samples since activate or reset */
    uint32_t seen_changes;
    bool changed;                           /* seen_changes is not to be trusted */
    uint32_t controllers[TAGPLUG_SLOTS][3]; /* MIDI: mode, controller, channel */
    bool bypassed;
    tagplug_ear *ear;
    tagplug_slots slots;
    tagplug_effects effects;
    tagplug_midi_state midi;
    float room[2][TAGPLUG_PIECE];

    /* The way to and from it: what it is to hear with next, and what it no longer needs. */
    _Atomic(tagplug_ear *) next, former;

    /* For who loads models, under `loading`: what was made last. */
    tagplug_lock loading;
    tagplug_model *served;
    uint32_t served_choice;
    float served_hop;
    bool is_missing;

    /* The service's: */
    float sent[TAGPLUG_SLOTS];
    uint16_t sent_port;
    struct tagplug *following;

    /* The model whose labels are shown, and names that it may not have; under `naming`. */
    tagplug_lock naming;
    tagplug_model *shown;
    uint32_t shown_choice;
    bool shown_refused; /* its file is damaged: not to be read again for each text */
    struct {
        char name[256];
        float source; /* the name stands for the slot's source while that is this number */
    } kept[TAGPLUG_SLOTS];
    char trouble[256]; /* why there is no model, or "" */
};

static inline float tagplug_read(const tagplug *plugin, uint32_t parameter) TAGNODE_NONBLOCKING {
    return atomic_load_explicit(&plugin->parameters[parameter], memory_order_relaxed);
}

static inline void tagplug_write(tagplug *plugin, uint32_t parameter, float value)
    TAGNODE_NONBLOCKING {
    atomic_store_explicit(&plugin->parameters[parameter], value, memory_order_relaxed);
}

#endif
