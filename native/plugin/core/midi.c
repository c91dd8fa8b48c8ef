#include "midi.h"

void tagplug_midi_reset(tagplug_midi_state *state) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) state->sent[i] = -1;
}

void tagplug_midi_send(tagplug_midi_state *state, uint32_t number, float value, uint32_t mode,
                       uint32_t controller, uint32_t channel, uint32_t offset, tagplug_midi *midi,
                       uint32_t *count) {
    const bool fine = mode == 2;
    if (fine && controller > 31) controller = 31;
    const uint32_t where = mode << 16 | channel << 8 | controller;
    if (where != state->where[number]) state->sent[number] = -1;
    state->where[number] = where;
    const int32_t most = fine ? 16383 : 127, now = (int32_t)((double)value * most + 0.5);
    if (mode == 0 || now == state->sent[number]) return;
    if (*count + (fine ? 2 : 1) > TAGPLUG_MIDI_MOST) return;
    state->sent[number] = now;
    const uint8_t status = (uint8_t)(0xb0 | ((channel - 1) & 15));
    const uint8_t upper = (uint8_t)(fine ? now >> 7 : now);
    midi[(*count)++] = (tagplug_midi){offset, {status, (uint8_t)controller, upper}};
    if (!fine) return;
    midi[(*count)++] =
        (tagplug_midi){offset, {status, (uint8_t)(controller + 32), (uint8_t)(now & 127)}};
}
