/* lv2_ports.h - the ports, and what lv2.c, the TTL and the tests agree on. Numbers and addresses
 * never change: sessions keep them. */
#ifndef TAGPLUG_LV2_PORTS_H
#define TAGPLUG_LV2_PORTS_H

#include "parameters.h"

#define TAGPLUG_LV2_URI "urn:pyplugin:tagnode"
/* Properties of the state: what tagplug_save wrote, an atom:Chunk, and the numbers that the source
 * ports had then, an atom:Vector of atom:Float. */
#define TAGPLUG_LV2_STATE TAGPLUG_LV2_URI "#state"
#define TAGPLUG_LV2_SOURCES TAGPLUG_LV2_URI "#sources"

/* The parameters come after these, in their order. TAGPLUG_BYPASS is the other way round there:
 * LV2 has "enabled". */
enum {
    TAGPLUG_LV2_IN_LEFT,
    TAGPLUG_LV2_IN_RIGHT,
    TAGPLUG_LV2_OUT_LEFT,
    TAGPLUG_LV2_OUT_RIGHT,
    TAGPLUG_LV2_MIDI,
    TAGPLUG_LV2_FREEWHEEL,
    TAGPLUG_LV2_DELAY, /* samples that the audio is late: 0 */
    TAGPLUG_LV2_PARAMETERS
};

enum { TAGPLUG_LV2_PORTS = TAGPLUG_LV2_PARAMETERS + TAGPLUG_PARAMETERS };

/* Bytes of a MIDI message with its time in a sequence. */
enum { TAGPLUG_LV2_MESSAGE = 24 };

#endif
