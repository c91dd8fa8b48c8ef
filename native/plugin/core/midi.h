/* midi.h - slot values as MIDI controllers. */
#pragma once

#include "tagplug.h"

/* Samples between two messages of a slot, a multiple of the grid: 5 ms at 48 kHz, which a MIDI
 * cable can carry. */
enum { TAGPLUG_MIDI_GRID = 256 };

typedef struct {
    int32_t sent[TAGPLUG_SLOTS];   /* the value, -1 for none */
    uint32_t where[TAGPLUG_SLOTS]; /* mode, controller and channel of that */
} tagplug_midi_state;

void tagplug_midi_reset(tagplug_midi_state *state) TAGNODE_NONBLOCKING;

/* Appends the messages of slot `number` at `offset`, if its value has changed: mode (0 off, 1
 * 7-bit, 2 14-bit), controller, channel (1 to 16). A value that does not fit is sent later. [audio]
 */
void tagplug_midi_send(tagplug_midi_state *state, uint32_t number, float value, uint32_t mode,
                       uint32_t controller, uint32_t channel, uint32_t offset, tagplug_midi *midi,
                       uint32_t *count) TAGNODE_NONBLOCKING;
