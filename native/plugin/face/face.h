/* face.h - code shared by the faces: blocks with any set of buffers, and the length of the tail. */
#pragma once

#include "core/tagplug.h"

/* Formats fix the parameters of a face's functions, needed or not. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* Marks symbols that a host looks up. */
#if defined(_WIN32)
#define FACE_API __attribute__((dllexport))
#else
#define FACE_API __attribute__((visibility("default")))
#endif

enum {
    FACE_CHANNELS = 2,
    FACE_SPARE = 512,
    FACE_PIECE = 4096 /* samples that have at most TAGPLUG_MIDI_MOST messages */
};

/* The block in process. Input channels that the host lacks are silence; output for missing channels
 * is discarded. */
typedef struct {
    const float *input[FACE_CHANNELS];
    float *output[FACE_CHANNELS];
    const float *sidechain[FACE_CHANNELS]; /* NULL: there is none */
    bool lacking; /* a channel uses the spare buffers, which limit the length of a piece */
    uint32_t midi_count;
    tagplug_midi midi[TAGPLUG_MIDI_MOST];
    float silence[FACE_SPARE], waste[FACE_SPARE];
} face_block;

/* Begins a block; either list of channels may be NULL or short. A single input channel is
 * used for both. [audio] */
void face_begin(face_block *block, const float *const *input, uint32_t inputs, float *const *output,
                uint32_t outputs) TAGNODE_NONBLOCKING;

/* Gives the block a sidechain, after face_begin. With a channel that is NULL the other one is used
 * for both; with none there is no sidechain. [audio] */
void face_sidechain(face_block *block, const float *const *channels, uint32_t count)
    TAGNODE_NONBLOCKING;

/* Processes samples from `from` on, `until` at the most, and returns the end. The messages in
 * `midi` must be sent before the next call. [audio] */
uint32_t face_process(face_block *block, tagplug *core, uint32_t from, uint32_t until)
    TAGNODE_NONBLOCKING;

enum { FACE_OUTPUTS_A_SECOND = 60 };

/* Bit of each channel whose samples of a block are all the same; `zero`: all 0. Found in the
 * samples themselves, so a tail is never cut. [audio] */
uint64_t face_constant(const float *const *channels, uint32_t count, uint32_t frames, bool zero)
    TAGNODE_NONBLOCKING;

/* Which values of output parameters the host has. They change every 64 samples; it gets at most
 * FACE_OUTPUTS_A_SECOND of each, and always the last one, since a later block sends what an
 * earlier one kept back. An envelope comes to rest in ever smaller steps: below 1e-5 only the one
 * at rest is sent. */
typedef struct {
    uint64_t clock;                 /* samples */
    uint64_t next[TAGPLUG_OUTPUTS]; /* on the clock: when the next value may be sent */
    uint32_t pause;                 /* samples between two values */
    bool flushes;                   /* the block has no samples: no other may follow */
    float sent[TAGPLUG_OUTPUTS];    /* NaN: none yet */
    float held[TAGPLUG_OUTPUTS];    /* that was kept back as a small step */
} face_outputs;

/* Nothing has been sent. [main] */
void face_outputs_clear(face_outputs *outputs);

/* Sets the sample rate. [main, not beside audio] */
void face_outputs_prepare(face_outputs *outputs, double rate);

/* Advances the clock by a block. One without samples sends all that has been kept back. [audio] */
void face_outputs_advance(face_outputs *outputs, uint32_t frames) TAGNODE_NONBLOCKING;

/* Whether `value` of this output, counted from 0, is to be sent; and notes that it was. [audio] */
bool face_outputs_due(face_outputs *outputs, uint32_t output, float value) TAGNODE_NONBLOCKING;
void face_outputs_note(face_outputs *outputs, uint32_t output, float value) TAGNODE_NONBLOCKING;

/* Changes when texts may have: with the model's labels, with a state, and with the sources and
 * targets of slots, in whose units values are shown. [any] */
uint64_t face_texts(const tagplug *core) TAGNODE_NONBLOCKING;

/* Samples after the last sound until envelopes and echoes are at rest to 0.1 %: hosts get values of
 * slots only while they process. [any] */
uint32_t face_tail(const tagplug *core, double rate);
