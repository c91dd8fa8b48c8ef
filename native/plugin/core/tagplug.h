/* tagplug.h - the plugin without a format: parameters, slots, effects, state, models. The faces
 * (lv2, clap, vst3) translate between a host and this, and do nothing else. A parameter is its
 * index in the table, see tagnode_plugin_parameter_info; faces translate ids and ports.
 *
 * Threads: [main] may allocate and wait; only one thread at a time is in [main] functions of an
 * instance, but not always the same one. [audio] never allocates, locks, waits or calls the system.
 * [any] is all. [main] functions marked "beside audio" may run while [audio] ones do. */
#pragma once

#include "parameters/parameters.h"
#include "scaling.h"

typedef struct tagplug tagplug;

/* A MIDI message and its place in the block. */
typedef struct {
    uint32_t offset; /* samples */
    uint8_t bytes[3];
} tagplug_midi;

enum {
    TAGPLUG_MIDI_MOST = 32 * TAGPLUG_SLOTS /* messages a block: 2 a slot every 256 samples for 4096
                                              samples; beyond that, values are sent later */
};

/* Creates an instance. `bundle` is a folder whose scene.tagnode replaces the model that is compiled
 * in (NULL: none). Nothing is loaded before activate, unless texts of labels are read. [main]
 * Returns NULL when there is no memory. */
tagplug *tagplug_create(const char *bundle);
void tagplug_destroy(tagplug *plugin); /* NULL is fine; deactivates. [main] */

/* Prepares for blocks of any size at `rate` Hz, with 1 or 2 channels. The first model is loaded
 * here, so that its results begin with the first sample; later ones on the background thread. Does
 * not fail: at an unsupported rate, without a model or without memory audio passes through, and
 * TAGPLUG_STATUS has the reason. May be called again: deactivates first. [main, not beside audio]
 */
void tagplug_activate(tagplug *plugin, double rate, uint32_t channels);
void tagplug_deactivate(tagplug *plugin); /* [main, not beside audio] */

/* Sets an input parameter (clamped; output parameters and unknown numbers are ignored), and reads
 * any parameter. [any, beside audio] */
void tagplug_set(tagplug *plugin, uint32_t parameter, float value) TAGNODE_NONBLOCKING;
float tagplug_get(const tagplug *plugin, uint32_t parameter) TAGNODE_NONBLOCKING;

/* Counts the settings of input parameters, and states, since the instance was made. [any] */
uint32_t tagplug_changes(const tagplug *plugin) TAGNODE_NONBLOCKING;

/* Processes one part of a block; between two parts parameters may be set, which makes them
 * sample-accurate: faces cut a block at its events. `input` and `output` may be the same buffers,
 * in any order. `frames` may be 0. MIDI messages of this part are
 * appended to `midi` (room for TAGPLUG_MIDI_MOST messages a block, `*count` of them used already),
 * their offsets counted from the beginning of this part plus `offset`; NULL discards them. After
 * deactivate audio passes unchanged; before the first activate nothing is written, since the number
 * of channels is not known. [audio] */
void tagplug_process(tagplug *plugin, const float *const *input, float *const *output,
                     uint32_t frames, tagplug_midi *midi, uint32_t *count, uint32_t offset)
    TAGNODE_NONBLOCKING;

/* The same with a sidechain, which TAGPLUG_ANALYSIS_INPUT may choose for the analysis: two
 * channels, the same one twice if it is mono. NULL: none is connected, which is silence. [audio] */
void tagplug_process_keyed(tagplug *plugin, const float *const *input,
                           const float *const *sidechain, float *const *output, uint32_t frames,
                           tagplug_midi *midi, uint32_t *count, uint32_t offset)
    TAGNODE_NONBLOCKING;

/* Resets analysis, slots and effects to the state after activate. [audio] */
void tagplug_reset(tagplug *plugin) TAGNODE_NONBLOCKING;

/* Offline (freewheel) on or off from the next block on: process may then wait (models are loaded in
 * the call, and swaps wait). Off at first. [any] */
void tagplug_set_offline(tagplug *plugin, bool offline) TAGNODE_NONBLOCKING;

/* A value as text with its unit, as a host shows it: "-12.0 dB", "speech", "0.15 s"; and back
 * (false if the text is no value). What min, max, threshold … are in depends on the slot's target
 * and source, and labels on the model. [main, beside audio] */
void tagplug_text(const tagplug *plugin, uint32_t parameter, float value, char *text, size_t size);
bool tagplug_value(const tagplug *plugin, uint32_t parameter, const char *text, float *value);

/* The status as a sentence: which model runs, or why none does and what to do. [main, beside audio]
 */
void tagplug_explain(const tagplug *plugin, tagnode_message *sentence);

/* Changes when texts of parameters do (labels of another model) and with each state that is loaded:
 * hosts are then notified. [any] */
uint32_t tagplug_revision(const tagplug *plugin) TAGNODE_NONBLOCKING;

/* The state: little-endian, "TAGSTATE", uint32 TAGNODE_PLUGIN_STATE_VERSION, then entries (uint16
 * key, uint16 length, bytes), see state.c. Parameters are kept by symbol; choices by text and
 * sources by name ("tag.speech", "signal.rms_db", "head.mood.happy") besides their numbers. Unknown
 * entries are skipped, absent ones get their default. At most 64 KiB. save returns the size, and
 * writes when that is within `capacity`. load returns OK, or ERROR_ARGUMENT with a sentence, and
 * then nothing has changed. [main, beside audio] */
enum { TAGPLUG_STATE_MOST = 65536 };
size_t tagplug_save(const tagplug *plugin, void *bytes, size_t capacity);
tagnode_status tagplug_load(tagplug *plugin, const void *bytes, size_t size, tagnode_message *why);

/* The same, but what a preset has no say in stays as it is unless the state has it: bypass and the
 * OSC port. [main, beside audio] */
tagnode_status tagplug_load_preset(tagplug *plugin, const void *bytes, size_t size,
                                   tagnode_message *why);
