/* lv2_ports.h - the ports of lv2.c, the Turtle and the tests. Indexes and addresses
 * never change: sessions keep them. */
#pragma once

#include "core/view.h"

/* Property of the state: what tagplug_save wrote, an atom:Chunk. */
#define TAGPLUG_LV2_STATE TAGNODE_PLUGIN_URI "#state"

/* The window, and what it asks the plugin for as extension data: a tagplug_lv2_view. */
#define TAGPLUG_LV2_WINDOW TAGNODE_PLUGIN_URI "#window"
#define TAGPLUG_LV2_VIEW TAGNODE_PLUGIN_URI "#view"

typedef struct {
    const tagplug_view *view;
    tagplug *(*core)(void *instance);
} tagplug_lv2_view;

/* Parameters come after these, those that are not of the first version after the sidechain.
 * TAGPLUG_BYPASS is inverted there: LV2 has "enabled". */
enum {
    TAGPLUG_LV2_IN_LEFT,
    TAGPLUG_LV2_IN_RIGHT,
    TAGPLUG_LV2_OUT_LEFT,
    TAGPLUG_LV2_OUT_RIGHT,
    TAGPLUG_LV2_MIDI,
    TAGPLUG_LV2_FREEWHEEL,
    TAGPLUG_LV2_DELAY, /* latency of the audio in samples: 0 */
    TAGPLUG_LV2_PARAMETERS
};

enum { TAGPLUG_LV2_SIDECHAIN_LEFT = 185, TAGPLUG_LV2_SIDECHAIN_RIGHT = 186 };

enum {
    TAGPLUG_LV2_SIDECHAIN = 2, /* ports of it */
    TAGPLUG_LV2_PORTS = TAGPLUG_LV2_PARAMETERS + TAGPLUG_PARAMETERS + TAGPLUG_LV2_SIDECHAIN
};

/* Bytes of a MIDI message with its time in a sequence. */
enum { TAGPLUG_LV2_MESSAGE = 24 };

/* The port of a parameter: they are in the order of their `since`, then of the table, so that a new
 * parameter moves none of those before it. */
static inline uint32_t tagplug_lv2_port(uint32_t parameter) {
    const uint32_t since = tagnode_plugin_parameter_info(parameter)->since;
    uint32_t port = TAGPLUG_LV2_PARAMETERS + (since > 0 ? TAGPLUG_LV2_SIDECHAIN : 0);
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) {
        const uint32_t other = tagnode_plugin_parameter_info(i)->since;
        port += other < since || (other == since && i < parameter);
    }
    return port;
}
