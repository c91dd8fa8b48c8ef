/* host.h - a small host of one plugin format, for the tests of the faces. host_clap.c and
 * host_vst3.c are two of them; test_face.c has the tests of both. */
#pragma once

#include "../check.h"
#include "core/tagplug.h"

enum { HOST_MOST_CHANGES = 256, HOST_MOST_FRAMES = 8192 };

typedef struct {
    uint32_t offset, parameter;
    float value; /* as the plugin's table has it, not a share */
} host_change;

/* An instance, and its output of the last call besides audio. */
typedef struct {
    uint32_t midi_count, moved_count;
    tagplug_midi midi[2 * TAGPLUG_MIDI_MOST];
    host_change moved[2 * TAGPLUG_PARAMETERS];
    bool in_order;               /* events were sorted and within the block */
    const float *sidechain[2];   /* of the next calls; NULL: without a buffer */
    uint32_t sidechain_channels; /* 0: the host passes no such port */
    uint64_t silent; /* channels of the main input that the host flags as silent, as VST 3 has it */
    uint64_t constant; /* channels of the output that the plugin flagged as constant or silent */
    uint32_t text_changes; /* notifications of changed texts */
    void *instance;        /* of the format */
} host;

/* Loads the plugin's file; NULL for the one that is linked in. */
void host_load(const char *path);

host *host_open(void); /* [main], as all without a thread */
void host_close(host *self);
void host_activate(host *self, double rate, uint32_t max_frames, bool offline);
void host_deactivate(host *self);

/* Connects the sidechain or takes it away, while not active. */
void host_connect_sidechain(host *self, bool connected);

/* Processes a block with changes sorted by offset. NULL channels are not passed.
 * [audio] */
void host_process(host *self, const float *const *input, float *const *output, uint32_t frames,
                  const host_change *changes, uint32_t change_count) TAGNODE_NONBLOCKING;

/* Applies changes without a block. [audio] while active, else [main] */
void host_flush(host *self, const host_change *changes, uint32_t change_count);

/* Runs the callbacks that the plugin requested on the main thread. */
void host_idle(host *self);

float host_get(host *self, uint32_t parameter);
float host_default(host *self, uint32_t parameter);
bool host_text(host *self, uint32_t parameter, float value, char *text, size_t size);
bool host_value(host *self, uint32_t parameter, const char *text, float *value);
/* The unit that the format shows beside a text; "" where it is in the text, or there is none. */
const char *host_unit(host *self, uint32_t parameter);
uint32_t host_tail(host *self); /* samples */

/* The state, read and written in small pieces. */
size_t host_save(host *self, void *bytes, size_t capacity);
bool host_restore(host *self, const void *bytes, size_t size);

/* Whether an instance has what presets/duck-under-voice.toml says, with -48 to 12 dB as 0 to 1. */
void check_duck_under_voice(host *self);

/* Tests of this format only. */
void host_test_format(void);

/* Failed checks of the host itself. */
unsigned host_failures(void);
