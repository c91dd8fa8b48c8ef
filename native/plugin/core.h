/* core.h - the plugin without a format: parameters, slots, effects, state, models. The faces (lv2,
 * clap, vst3) translate between a host and this, and nothing else.
 *
 * Threads: [main] may allocate and wait; only one thread at a time is in [main] functions of an
 * instance, but it need not always be the same. [audio] never allocates, locks, waits or calls the
 * system. [any] is all. [main] functions that say so may run while [audio] ones do. */
#ifndef TAGPLUG_CORE_H
#define TAGPLUG_CORE_H

#include <stddef.h>

#include "parameters.h"
#include "tagnode.h"

typedef struct tagplug tagplug;

/* A MIDI message and its place in the block. */
typedef struct {
    uint32_t offset; /* samples */
    uint8_t bytes[3];
} tagplug_midi;

enum {
    TAGPLUG_MIDI_MOST = 256 /* messages a block, at most 16 each 256 samples; what goes beyond is
                               thinned, not lost, and never so in up to 4096 samples */
};

/* Makes an instance. `bundle` is a folder whose scene.tagnode takes the place of the one that is
 * compiled in (NULL: none). Cheap: nothing is loaded before activate, unless labels are asked for.
 * [main] Returns NULL when there is no memory. */
tagplug *tagplug_create(const char *bundle);
void tagplug_destroy(tagplug *plugin); /* NULL is fine; deactivates. [main] */

/* Gets ready for blocks of up to `max_frames` (1 up) at `rate` Hz, with 1 or 2 channels; `offline`:
 * process may take its time (models are loaded here and now, and swaps wait). The first model is
 * loaded here, so that its answers begin with the first sample; later ones on a thread of our own.
 * Never fails for what a host may ask: an unsupported rate, a missing model, no memory leave the
 * audio passing through and say so in TAGPLUG_STATUS. May be called again: deactivates first.
 * [main, not beside audio] */
void tagplug_activate(tagplug *plugin, double rate, uint32_t max_frames, uint32_t channels,
                      bool offline);
void tagplug_deactivate(tagplug *plugin); /* [main, not beside audio] */

/* Sets an input parameter (clamped; output parameters and unknown numbers are ignored), and reads
 * any parameter. [any, beside audio] */
void tagplug_set(tagplug *plugin, uint32_t parameter, float value) TAGNODE_NONBLOCKING;
float tagplug_get(const tagplug *plugin, uint32_t parameter) TAGNODE_NONBLOCKING;

/* Plays one stretch of a block; between two stretches parameters may be set, which makes them
 * sample-accurate: faces cut a block where events are. `input` and `output` may be the same
 * buffers. `frames` may be 0, and more than max_frames is done in pieces. MIDI messages of this
 * stretch are appended to `midi` (room for TAGPLUG_MIDI_MOST messages a block, `*count` of them
 * taken already), their offsets counted from this stretch's beginning plus `offset`; NULL for
 * nowhere. After deactivate audio passes untouched; before the first activate nothing is done,
 * since the number of channels is not known. [audio] */
void tagplug_process(tagplug *plugin, const float *const *input, float *const *output,
                     uint32_t frames, tagplug_midi *midi, uint32_t *count, uint32_t offset)
    TAGNODE_NONBLOCKING;

/* Forgets what was heard and empties the effects. [audio] */
void tagplug_reset(tagplug *plugin) TAGNODE_NONBLOCKING;

/* Offline (freewheel) on or off from the next block on. [any] */
void tagplug_set_offline(tagplug *plugin, bool offline) TAGNODE_NONBLOCKING;

/* A value as text with its unit, as a host shows it: "-12.0 dB", "speech", "0.15 s"; and back
 * (false if it is none). What min, max, threshold … mean depends on the slot's target and source,
 * and label names on the model. [main, beside audio] */
void tagplug_text(const tagplug *plugin, uint32_t parameter, float value, char *text, size_t size);
bool tagplug_value(const tagplug *plugin, uint32_t parameter, const char *text, float *value);

/* One sentence on how things are: what is heard with, or why not and what to do. [main, beside
 * audio] */
void tagplug_explain(const tagplug *plugin, tagnode_message *sentence);

/* Changes when texts of parameters do (labels of another model): hosts are then told. [any] */
uint32_t tagplug_revision(const tagplug *plugin) TAGNODE_NONBLOCKING;

/* The state: little-endian, "TAGSTATE", uint32 version 1, then entries (uint16 key, uint16 length,
 * bytes). Parameters are kept by symbol, sources by name ("tag.speech", "signal.rms_db",
 * "head.mood.happy"), so that they survive another model and another version; unknown entries are
 * skipped, absent ones take their default. At most 64 KiB. save returns the size, and writes when
 * that is within `capacity`. load returns OK or ERROR_ARGUMENT with a sentence, and then nothing
 * has changed. [main, beside audio] */
enum { TAGPLUG_STATE_MOST = 65536 };
size_t tagplug_save(const tagplug *plugin, void *bytes, size_t capacity);
tagnode_status tagplug_load(tagplug *plugin, const void *bytes, size_t size, tagnode_message *why);

#endif
