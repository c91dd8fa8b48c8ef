/* host.h - a small host of one plugin format, as the tests of the faces want it. host_clap.c and
 * host_vst3.c are two of them; test_face.c says what both must find. */
#ifndef TAGPLUG_TESTS_HOST_H
#define TAGPLUG_TESTS_HOST_H

#include "../check.h"
#include "core/tagplug.h"

enum { HOST_MOST_CHANGES = 256, HOST_MOST_FRAMES = 8192 };

typedef struct {
    uint32_t offset, parameter;
    float value; /* as the plugin's table has it, not a share */
} host_change;

/* An instance, and what came out of it in the last call besides audio. */
typedef struct {
    uint32_t midi_count, moved_count;
    tagplug_midi midi[2 * TAGPLUG_MIDI_MOST];
    host_change moved[2 * TAGPLUG_PARAMETERS];
    bool in_order;         /* no event lay before the one before it, none outside the block */
    uint32_t text_changes; /* how often the plugin said that texts have changed */
    void *instance;        /* the rest of it */
} host;

/* Loads the plugin's file; NULL for the one that is linked in. */
void host_load(const char *path);

host *host_open(void); /* [main], as are those that name no thread */
void host_close(host *self);
void host_activate(host *self, double rate, uint32_t max_frames, bool offline);
void host_deactivate(host *self);

/* Plays a block with changes in the order of their offsets. NULL channels are not given at all.
 * [audio] */
void host_process(host *self, const float *const *input, float *const *output, uint32_t frames,
                  const host_change *changes, uint32_t change_count) TAGNODE_NONBLOCKING;

/* Hands over changes without a block. [audio] while active, else [main] */
void host_flush(host *self, const host_change *changes, uint32_t change_count);

/* Does what the plugin asked to have done on the main thread. */
void host_idle(host *self);

float host_get(host *self, uint32_t parameter);
bool host_text(host *self, uint32_t parameter, float value, char *text, size_t size);
bool host_value(host *self, uint32_t parameter, const char *text, float *value);
uint32_t host_tail(host *self); /* samples */

/* The state, read and written in small pieces. */
size_t host_save(host *self, void *bytes, size_t capacity);
bool host_restore(host *self, const void *bytes, size_t size);

/* What only this format has. */
void host_test_format(void);

/* Checks of the host's own that did not hold. */
unsigned host_failures(void);

#endif
