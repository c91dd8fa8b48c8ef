#include "osc.h"

#include <stdio.h>
#include <string.h>

/* OSC 1.0: the address and the type tags end with a 0 and are zero-padded to multiples of 4;
 * numbers are big-endian. */
size_t tagplug_osc(uint32_t slot, float value, unsigned char packet[TAGPLUG_OSC_MOST]) {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    memset(packet, 0, TAGPLUG_OSC_MOST);
    const int length = snprintf((char *)packet, 20, "/tagnode/slot/%u", slot + 1);
    size_t size = ((size_t)length / 4 + 1) * 4;
    packet[size] = ',';
    packet[size + 1] = 'f';
    size += 4;
    for (int i = 0; i < 4; ++i) packet[size++] = (unsigned char)(bits >> (24 - 8 * i));
    return size;
}
