#include "osc.h"

#include <string.h>

/* OSC 1.0: the address and the type tags end in 0 and fill multiples of 4; numbers are big-endian.
 */
void tagplug_osc(uint32_t slot, float value, unsigned char packet[TAGPLUG_OSC_SIZE]) {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    memcpy(packet, "/tagnode/slot/1\0,f\0", 20);
    packet[14] = (unsigned char)('1' + slot);
    for (int i = 0; i < 4; ++i) packet[20 + i] = (unsigned char)(bits >> (24 - 8 * i));
}
