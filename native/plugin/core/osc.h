/* osc.h - slot values as OSC messages. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { TAGPLUG_OSC_MOST = 28 /* bytes of a message */ };

/* Writes the message "/tagnode/slot/N" ,f value and returns its size; slots are counted from 0 here
 * and from 1 there, up to 99. */
size_t tagplug_osc(uint32_t slot, float value, unsigned char packet[TAGPLUG_OSC_MOST]);
