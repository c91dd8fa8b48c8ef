/* instance.h - what an instance of the plugin consists of, for the files of the core only. */
#pragma once

#include <stdatomic.h>

#include "effects.h"
#include "midi.h"
#include "models.h"
#include "slots.h"
#include "system/background.h"
#include "system/system.h"
#include "tagplug.h"
#include "view.h"

/* Samples that are analysed and processed at once. Slots are evaluated at every TAGPLUG_GRID-th
 * sample since activation, so block sizes make no difference. */
enum { TAGPLUG_PIECE = 512, TAGPLUG_LIVE_MELS = 16 };

/* One model and its node, prepared off the audio thread; without a node for "measuring only" and
 * for models that cannot be loaded. */
typedef struct {
    float hop; /* s, as asked for */
    tagplug_status_code status;
    tagplug_model *model; /* NULL without */
    tagnode *node;
    float *values;                   /* of a descriptor frame */
    float window, latency, hop_used; /* s */
    int64_t begin;                   /* position of the node's first sample */
} tagplug_analysis;

struct tagplug {
    _Atomic float parameters[TAGPLUG_PARAMETERS];
    _Atomic uint32_t changes;  /* of input parameters */
    _Atomic uint32_t revision; /* of texts */
    _Atomic bool offline;
    char *bundle;

    /* Set by activate: */
    bool active; /* at rates that a node takes, and with memory for it */
    uint32_t rate, channels;
    tagnode *measuring; /* the signals; without a model, so that a swap does not touch them */

    /* The audio thread's: */
    int64_t clock; /* samples since activate or reset */
    uint32_t seen_changes;
    bool changed;                           /* seen_changes is not valid */
    uint32_t controllers[TAGPLUG_SLOTS][3]; /* MIDI: mode, controller, channel */
    bool bypassed, keyed;                   /* the latter: the sidechain is analysed */
    tagplug_analysis *analysis;
    tagplug_slots slots;
    tagplug_effects effects;
    tagplug_midi_state midi;
    float buffer[2][TAGPLUG_PIECE], key[TAGPLUG_PIECE];

    /* For windows: the latest results, by signal and by a label's source; written while there are
     * watchers. */
    _Atomic uint32_t watchers;
    _Atomic float live_signals[TAGNODE_SIGNAL_END];
    _Atomic float live_labels[TAGNODE_PLUGIN_SOURCE_MAX + 1];
    _Atomic uint32_t mel_count; /* frames that were written to live_mel, the newest last */
    _Atomic float live_mel[TAGPLUG_LIVE_MELS][TAGPLUG_VIEW_BANDS];

    /* To and from the audio thread: the next analysis, and the last one, to be freed. */
    _Atomic(tagplug_analysis *) waiting, returned;

    /* What was prepared last; under `loading`. */
    tagplug_lock loading;
    tagplug_model *prepared;
    uint32_t prepared_id;
    float prepared_hop;
    bool is_missing;

    /* The background thread's: */
    tagplug_job job;
    float sent[TAGPLUG_SLOTS];
    uint16_t sent_port;
    intptr_t socket; /* -1: none */

    /* The model whose labels are shown, and names that it may not have; under `names_lock`. */
    tagplug_lock names_lock;
    tagplug_model *shown;
    uint32_t shown_id;
    bool shown_refused; /* its file is damaged: not to be read again for each text */
    struct {
        char name[TAGPLUG_NAME_MOST];
        uint32_t source; /* the name is that of this source */
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
