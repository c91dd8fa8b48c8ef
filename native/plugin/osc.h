/* osc.h - slot values as OSC messages. */
#ifndef TAGPLUG_OSC_H
#define TAGPLUG_OSC_H

#include <stddef.h>
#include <stdint.h>

enum { TAGPLUG_OSC_SIZE = 24 };

/* Writes "/tagnode/slot/N" ,f value; slots are counted from 0 here and from 1 there. */
void tagplug_osc(uint32_t slot, float value, unsigned char packet[TAGPLUG_OSC_SIZE]);

#endif
