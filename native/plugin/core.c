/* core.c - an instance, and audio on its way through. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ears.h"
#include "service.h"
#include "support/floatenv.h"
#include "support/message.h"
#include "support/waiting.h"

/* ---- life ---- */

tagplug *tagplug_create(const char *bundle) {
    tagplug *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) return NULL;
    const tagplug_lock fresh = TAGPLUG_LOCK;
    plugin->loading = plugin->naming = fresh;
    if (bundle != NULL) {
        plugin->bundle = malloc(strlen(bundle) + 1);
        if (plugin->bundle == NULL) {
            free(plugin);
            return NULL;
        }
        memcpy(plugin->bundle, bundle, strlen(bundle) + 1);
    }
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i)
        tagplug_write(plugin, i, tagplug_about(i)->start);
    return plugin;
}

void tagplug_destroy(tagplug *plugin) {
    if (plugin == NULL) return;
    tagplug_deactivate(plugin);
    tagplug_model_release(plugin->shown);
    free(plugin->bundle);
    free(plugin);
}

static void all_parameters(const tagplug *plugin, float parameters[TAGPLUG_INPUTS])
    TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) parameters[i] = tagplug_read(plugin, i);
}

/* The signals, which need no model; also what slots and effects need. */
static bool prepare(tagplug *plugin) {
    const tagnode_setup setup = {.sample_rate = plugin->rate,
                                 .channels = plugin->channels,
                                 .max_frames = TAGPLUG_PIECE,
                                 .queue = 64,
                                 .signal_hop = 0.016,
                                 .silence_db = -60,
                                 .silence_hold = 0.5};
    float parameters[TAGPLUG_INPUTS];
    all_parameters(plugin, parameters);
    return tagnode_create(&plugin->measuring) == TAGNODE_OK &&
           tagnode_prepare(plugin->measuring, NULL, &setup, NULL) == TAGNODE_OK &&
           tagplug_slots_create(&plugin->slots, plugin->rate, parameters) &&
           tagplug_effects_create(&plugin->effects, plugin->rate, plugin->channels);
}

static void complain(tagplug *plugin, tagplug_status_code status, const char *sentence) {
    tagplug_write(plugin, TAGPLUG_STATUS, (float)status);
    tagplug_lock_take(&plugin->naming);
    (void)snprintf(plugin->trouble, sizeof plugin->trouble, "%s", sentence);
    tagplug_lock_give(&plugin->naming);
}

void tagplug_activate(tagplug *plugin, double rate, uint32_t max_frames, uint32_t channels,
                      bool offline) {
    (void)max_frames; /* blocks are cut into pieces */
    tagplug_deactivate(plugin);
    plugin->channels = channels > 1 ? 2 : channels;
    tagplug_set_offline(plugin, offline);
    if (!(rate >= TAGNODE_MIN_RATE && rate <= TAGNODE_MAX_RATE)) {
        tagnode_message why;
        (void)tagnode_say(&why, TAGNODE_OK,
                          "The sample rate is %g Hz; sound passes, but is heard from %d to %d Hz.",
                          rate, TAGNODE_MIN_RATE, TAGNODE_MAX_RATE);
        complain(plugin, TAGPLUG_STATUS_RATE, why.text);
        return;
    }
    plugin->rate = (uint32_t)lround(rate);
    if (plugin->channels == 0) return;
    if (!prepare(plugin)) {
        tagplug_deactivate(plugin);
        complain(plugin, TAGPLUG_STATUS_MEMORY, "No memory to hear with; sound passes.");
        return;
    }
    plugin->hears = true;
    tagplug_begin_hearing(plugin);
    tagplug_reset(plugin);
    tagplug_serve(plugin);
}

void tagplug_deactivate(tagplug *plugin) {
    if (plugin->hears) tagplug_unserve(plugin);
    plugin->hears = false;
    tagplug_end_hearing(plugin);
    tagnode_destroy(plugin->measuring);
    plugin->measuring = NULL;
    tagplug_slots_destroy(&plugin->slots);
    tagplug_effects_destroy(&plugin->effects);
    for (uint32_t i = TAGPLUG_INPUTS; i < TAGPLUG_PARAMETERS; ++i) tagplug_write(plugin, i, 0);
}

/* ---- parameters ---- */

void tagplug_set(tagplug *plugin, uint32_t parameter, float value) {
    if (parameter >= TAGPLUG_INPUTS) return;
    tagplug_write(plugin, parameter, tagplug_clamp(parameter, value));
    atomic_fetch_add_explicit(&plugin->changes, 1, memory_order_release);
}

float tagplug_get(const tagplug *plugin, uint32_t parameter) {
    return parameter < TAGPLUG_PARAMETERS ? tagplug_read(plugin, parameter) : 0;
}

void tagplug_set_offline(tagplug *plugin, bool offline) {
    atomic_store(&plugin->offline, offline);
}

uint32_t tagplug_revision(const tagplug *plugin) {
    return atomic_load(&plugin->revision);
}

/* Takes over what was set. Before anything of the call is heard, since what is heard goes to the
 * sources of the moment; values and effects follow at the next point of the grid. */
static void take_changes(tagplug *plugin) TAGNODE_NONBLOCKING {
    const uint32_t changes = atomic_load_explicit(&plugin->changes, memory_order_acquire);
    if (changes == plugin->seen_changes && !plugin->changed) return;
    plugin->seen_changes = changes;
    plugin->changed = false;
    float parameters[TAGPLUG_INPUTS];
    all_parameters(plugin, parameters);
    plugin->bypassed = parameters[TAGPLUG_BYPASS] != 0;
    tagplug_slots_change(&plugin->slots, parameters, plugin->clock);
    tagplug_effects_delay(&plugin->effects, parameters[TAGPLUG_DELAY_TIME],
                          parameters[TAGPLUG_DELAY_FEEDBACK]);
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i)
        for (uint32_t k = 0; k < 3; ++k)
            plugin->controllers[i][k] =
                (uint32_t)parameters[tagplug_field_of(i, (tagplug_field)(TAGPLUG_MIDI + k))];
}

static void work_out_values(tagplug *plugin) TAGNODE_NONBLOCKING {
    tagplug_slots_work(&plugin->slots, plugin->clock);
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i)
        tagplug_write(plugin, TAGPLUG_VALUE_1 + i, plugin->slots.value[i]);
}

/* ---- hearing ---- */

void tagplug_reset(tagplug *plugin) {
    if (!plugin->hears) return;
    plugin->clock = 0;
    plugin->changed = true;
    tagnode_reset(plugin->measuring);
    if (plugin->ear != NULL) {
        plugin->ear->begin = 0;
        if (plugin->ear->node != NULL) tagnode_reset(plugin->ear->node);
    }
    tagplug_slots_reset(&plugin->slots);
    tagplug_effects_reset(&plugin->effects);
    tagplug_midi_reset(&plugin->midi);
    take_changes(plugin);
    work_out_values(plugin); /* so that they are right before the first block */
}

/* Whether a window has silence where there was sound before its model came. */
static bool is_guess(const tagplug_ear *ear, const tagnode_frame *frame) TAGNODE_NONBLOCKING {
    return ear->begin > 0 && frame->start == 0 &&
           tagnode_first_frames(ear->node) < ear->model->card.patch_frames;
}

static void hear(tagplug *plugin, const float *const *input, uint32_t frames) TAGNODE_NONBLOCKING {
    tagnode_frame frame;
    float signals[TAGPLUG_FIRST_LABEL];
    tagnode_process(plugin->measuring, input, frames);
    while (tagnode_read_signals(plugin->measuring, &frame, signals, 1) == 1)
        tagplug_slots_hear(&plugin->slots, 1, tagnode_signal_count(), signals, frame.emitted);
    tagplug_ear *ear = plugin->ear;
    if (ear == NULL || ear->node == NULL) return;
    tagnode_process(ear->node, input, frames);
    while (tagnode_read(ear->node, &frame, ear->values, NULL, 1) == 1)
        if (frame.state == TAGNODE_FRESH && !is_guess(ear, &frame))
            tagplug_slots_hear(&plugin->slots, TAGPLUG_FIRST_LABEL, tagnode_value_count(ear->node),
                               ear->values, ear->begin + frame.emitted);
}

/* ---- playing ---- */

/* Where MIDI goes in this call. */
typedef struct {
    tagplug_midi *messages;
    uint32_t *count, offset;
} midi_way;

/* What is due at a point of the grid. */
static void work(tagplug *plugin, const midi_way *midi, uint32_t offset) TAGNODE_NONBLOCKING {
    work_out_values(plugin);
    for (uint32_t i = TAGPLUG_TARGET_GAIN; i < TAGPLUG_TARGETS; ++i) {
        float share = 0;
        const bool any = tagplug_slots_target(&plugin->slots, (tagplug_target)i, &share);
        tagplug_effects_aim(&plugin->effects, (tagplug_target)i, any && !plugin->bypassed, share);
    }
    tagplug_effects_step(&plugin->effects);
    if (midi->messages == NULL || plugin->clock % TAGPLUG_MIDI_GRID != 0) return;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const uint32_t *to = plugin->controllers[i];
        tagplug_midi_say(&plugin->midi, i, plugin->slots.value[i], to[0], to[1], to[2],
                         midi->offset + offset, midi->messages, midi->count);
    }
}

/* Hears a piece and plays it, `at` samples into the call. The input is kept first, since a host may
 * give the same buffers for both, in any order. */
static void play(tagplug *plugin, const float *const *input, float *const *output, uint32_t at,
                 uint32_t frames, const midi_way *midi) TAGNODE_NONBLOCKING {
    const float *heard[2] = {plugin->room[0], plugin->room[1]};
    for (uint32_t c = 0; c < plugin->channels; ++c)
        memcpy(plugin->room[c], input[c] + at, frames * sizeof **input);
    hear(plugin, heard, frames);
    for (uint32_t done = 0; done < frames;) {
        const uint32_t place = (uint32_t)(plugin->clock % TAGPLUG_GRID);
        if (place == 0) work(plugin, midi, at + done);
        const uint32_t left = frames - done, rest = TAGPLUG_GRID - place;
        const uint32_t part = left < rest ? left : rest;
        float *audio[2] = {plugin->room[0] + done, plugin->room[1] + done};
        if (tagplug_effects_busy(&plugin->effects))
            tagplug_effects_play(&plugin->effects, audio, place, part);
        plugin->clock += part;
        done += part;
    }
    for (uint32_t c = 0; c < plugin->channels; ++c)
        memcpy(output[c] + at, plugin->room[c], frames * sizeof **output);
}

/* Offline a host may be kept waiting for a model, so that renders are repeatable: the checkers are
 * told. */
TAGNODE_UNCHECKED_BEGIN
static void catch_up_offline(tagplug *plugin) TAGNODE_NONBLOCKING {
    tagnode_let_wait();
    tagplug_catch_up(plugin, false);
    tagnode_forbid_waiting();
}
TAGNODE_UNCHECKED_END

void tagplug_process(tagplug *plugin, const float *const *input, float *const *output,
                     uint32_t frames, tagplug_midi *midi, uint32_t *count, uint32_t offset) {
    if (!plugin->hears) {
        for (uint32_t c = 0; c < plugin->channels; ++c)
            if (output[c] != input[c]) memmove(output[c], input[c], frames * sizeof **output);
        return;
    }
    if (atomic_load_explicit(&plugin->offline, memory_order_relaxed)) catch_up_offline(plugin);
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    const midi_way way = {midi, count, offset};
    tagplug_take_ear(plugin);
    take_changes(plugin);
    for (uint32_t at = 0; at < frames; at += TAGPLUG_PIECE)
        play(plugin, input, output, at, frames - at < TAGPLUG_PIECE ? frames - at : TAGPLUG_PIECE,
             &way);
    tagnode_floatenv_leave(saved);
}
