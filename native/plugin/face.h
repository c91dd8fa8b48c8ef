/* face.h - what the CLAP and the VST3 face share: a block with whatever buffers a host gives, and
 * how long things go on after the last sound. */
#ifndef TAGPLUG_FACE_H
#define TAGPLUG_FACE_H

#include "core.h"

/* What a host looks up in the file. */
#if defined(_WIN32)
#define FACE_API __attribute__((dllexport))
#else
#define FACE_API TAGNODE_API
#endif

enum {
    FACE_CHANNELS = 2,
    FACE_SPARE = 512,
    FACE_PIECE = 4096 /* samples in which the core cannot have more to say than fits */
};

/* The block being played. Channels that the host does not give are heard as silence, and what
 * would go to them goes nowhere. */
typedef struct {
    const float *input[FACE_CHANNELS];
    float *output[FACE_CHANNELS];
    bool lacking; /* a channel is a spare one: no piece may be longer than that */
    uint32_t midi_count;
    tagplug_midi midi[TAGPLUG_MIDI_MOST];
    float silence[FACE_SPARE], waste[FACE_SPARE];
} face_block;

/* Begins a block; either list of channels may be NULL or short. A lone input channel stands for
 * both. [audio] */
void face_begin(face_block *block, const float *const *input, uint32_t inputs, float *const *output,
                uint32_t outputs) TAGNODE_NONBLOCKING;

/* Plays samples from `from` on, `until` at the most, and returns how far it got. What `midi` then
 * holds is to be sent before the next call. [audio] */
uint32_t face_play(face_block *block, tagplug *core, uint32_t from, uint32_t until)
    TAGNODE_NONBLOCKING;

/* Changes when texts may have: with the model's labels, and with what slots are set to, since their
 * values are shown in the units of source and target. [any] */
uint32_t face_texts(const tagplug *core) TAGNODE_NONBLOCKING;

/* Samples after the last sound until all is at rest to 0.1 %: envelopes, which hosts hear of only
 * while they process, and the echoes. [any] */
uint32_t face_tail(const tagplug *core, double rate);

#endif
