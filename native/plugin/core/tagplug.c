/* tagplug.c - an instance of the plugin: its life, its parameters, its audio. */
#include "instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "osc.h"
#include "support/floatenv.h"
#include "support/message.h"
#include "support/waiting.h"

enum {
    OSC_PASSES = 2,     /* of the background thread, between two messages of a slot */
    RETRY_PASSES = 200, /* between two attempts to load a missing file */
    MOST_SIGNALS = 99   /* their source ids are 1 to 99 */
};

/* ---- beside the audio ---- */

static void send_values(tagplug *plugin) {
    const uint16_t port = (uint16_t)tagplug_read(plugin, TAGPLUG_OSC_PORT);
    const bool other = port != plugin->sent_port;
    plugin->sent_port = port;
    if (port == 0) return;
    if (plugin->socket < 0) plugin->socket = tagplug_udp_open();
    if (plugin->socket < 0) return;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const float value = tagplug_read(plugin, TAGPLUG_VALUE_1 + i);
        if (value == plugin->sent[i] && !other) continue;
        plugin->sent[i] = value;
        unsigned char packet[TAGPLUG_OSC_MOST];
        const size_t size = tagplug_osc(i, value, packet);
        tagplug_udp_send(plugin->socket, port, packet, size);
    }
}

static bool run_job(void *context, uint32_t pass) {
    tagplug *plugin = context;
    if (pass % OSC_PASSES == 0) send_values(plugin);
    return tagplug_analysis_due(plugin, pass % RETRY_PASSES == 0);
}

static void load_job(void *context) {
    tagplug_analysis_update(context, true);
}

/* ---- life ---- */

static void clear_live(tagplug *plugin) {
    for (uint32_t i = 0; i < TAGNODE_SIGNAL_END; ++i)
        atomic_store(&plugin->live_signals[i], tagnode_signal_info(i)->low);
    for (uint32_t i = 0; i <= TAGNODE_PLUGIN_SOURCE_MAX; ++i)
        atomic_store(&plugin->live_labels[i], 0);
}

tagplug *tagplug_create(const char *bundle) {
    tagplug *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) return NULL;
    const tagplug_lock fresh = TAGPLUG_LOCK;
    plugin->loading = plugin->names_lock = fresh;
    plugin->job = (tagplug_job){.run = run_job, .load = load_job, .context = plugin};
    plugin->socket = -1;
    if (bundle != NULL) {
        plugin->bundle = malloc(strlen(bundle) + 1);
        if (plugin->bundle == NULL) {
            free(plugin);
            return NULL;
        }
        memcpy(plugin->bundle, bundle, strlen(bundle) + 1);
    }
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i)
        tagplug_write(plugin, i, tagnode_plugin_parameter_info(i)->start);
    clear_live(plugin);
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

/* Prepares the signals, which need no model, the slots and the effects. */
static bool prepare(tagplug *plugin) {
    const tagnode_setup setup = {.sample_rate = plugin->rate,
                                 .channels = plugin->channels,
                                 .max_frames = TAGPLUG_PIECE,
                                 .queue = 64,
                                 .signal_hop = 0.016,
                                 .silence_db = -60,
                                 .silence_hold = 0.5,
                                 .mel_queue = TAGPLUG_LIVE_MELS};
    float parameters[TAGPLUG_INPUTS];
    all_parameters(plugin, parameters);
    return tagnode_create(&plugin->measuring) == TAGNODE_OK &&
           tagnode_prepare(plugin->measuring, NULL, &setup, NULL) == TAGNODE_OK &&
           tagplug_slots_create(&plugin->slots, plugin->rate, parameters) &&
           tagplug_effects_create(&plugin->effects, plugin->rate, plugin->channels);
}

static void report_trouble(tagplug *plugin, tagplug_status_code status, const char *sentence) {
    tagplug_write(plugin, TAGPLUG_STATUS, (float)status);
    tagplug_lock_take(&plugin->names_lock);
    (void)snprintf(plugin->trouble, sizeof plugin->trouble, "%s", sentence);
    tagplug_lock_give(&plugin->names_lock);
}

void tagplug_activate(tagplug *plugin, double rate, uint32_t channels) {
    tagplug_deactivate(plugin);
    plugin->channels = channels > 1 ? 2 : channels;
    if (!(rate >= TAGNODE_MIN_RATE && rate <= TAGNODE_MAX_RATE)) {
        tagnode_message why;
        (void)tagnode_report(
            &why, TAGNODE_OK,
            "The sample rate is %g Hz; audio passes, but is analysed from %d to %d Hz only.", rate,
            TAGNODE_MIN_RATE, TAGNODE_MAX_RATE);
        report_trouble(plugin, TAGPLUG_STATUS_RATE, why.text);
        return;
    }
    plugin->rate = (uint32_t)lround(rate);
    if (plugin->channels == 0) return;
    if (!prepare(plugin)) {
        tagplug_deactivate(plugin);
        report_trouble(plugin, TAGPLUG_STATUS_MEMORY, "No memory for the analysis; audio passes.");
        return;
    }
    plugin->active = true;
    tagplug_analysis_begin(plugin);
    tagplug_reset(plugin);
    tagplug_background_add(&plugin->job);
}

void tagplug_deactivate(tagplug *plugin) {
    if (plugin->active) tagplug_background_remove(&plugin->job);
    plugin->active = false;
    if (plugin->socket >= 0) tagplug_udp_close(plugin->socket);
    plugin->socket = -1;
    tagplug_analysis_end(plugin);
    tagnode_destroy(plugin->measuring);
    plugin->measuring = NULL;
    tagplug_slots_destroy(&plugin->slots);
    tagplug_effects_destroy(&plugin->effects);
    for (uint32_t i = TAGPLUG_INPUTS; i < TAGPLUG_PARAMETERS; ++i) tagplug_write(plugin, i, 0);
    clear_live(plugin);
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

uint32_t tagplug_changes(const tagplug *plugin) {
    return atomic_load_explicit(&plugin->changes, memory_order_relaxed);
}

void tagplug_set_offline(tagplug *plugin, bool offline) {
    atomic_store(&plugin->offline, offline);
}

uint32_t tagplug_revision(const tagplug *plugin) {
    return atomic_load(&plugin->revision);
}

/* Applies changed parameters, before the analysis of the call, whose results go to the current
 * sources; values and effects follow at the next point of the grid. */
static void apply_changes(tagplug *plugin) TAGNODE_NONBLOCKING {
    const uint32_t changes = atomic_load_explicit(&plugin->changes, memory_order_acquire);
    if (changes == plugin->seen_changes && !plugin->changed) return;
    plugin->seen_changes = changes;
    plugin->changed = false;
    float parameters[TAGPLUG_INPUTS];
    all_parameters(plugin, parameters);
    plugin->bypassed = parameters[TAGPLUG_BYPASS] != 0;
    plugin->keyed = parameters[TAGPLUG_ANALYSIS_INPUT] == TAGPLUG_ANALYSE_SIDECHAIN;
    tagplug_slots_change(&plugin->slots, parameters, plugin->clock);
    tagplug_effects_delay(&plugin->effects, parameters[TAGPLUG_DELAY_TIME],
                          parameters[TAGPLUG_DELAY_FEEDBACK]);
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i)
        for (uint32_t k = 0; k < 3; ++k)
            plugin->controllers[i][k] =
                (uint32_t)parameters[tagplug_field_of(i, (tagplug_field)(TAGPLUG_MIDI + k))];
}

static void evaluate_slots(tagplug *plugin) TAGNODE_NONBLOCKING {
    tagplug_slots_evaluate(&plugin->slots, plugin->clock);
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i)
        tagplug_write(plugin, TAGPLUG_VALUE_1 + i, plugin->slots.value[i]);
}

/* ---- analysis ---- */

void tagplug_reset(tagplug *plugin) {
    if (!plugin->active) return;
    plugin->clock = 0;
    plugin->changed = true;
    tagnode_reset(plugin->measuring);
    if (plugin->analysis != NULL) {
        plugin->analysis->begin = 0;
        if (plugin->analysis->node != NULL) tagnode_reset(plugin->analysis->node);
    }
    tagplug_slots_reset(&plugin->slots);
    tagplug_effects_reset(&plugin->effects);
    tagplug_midi_reset(&plugin->midi);
    apply_changes(plugin);
    evaluate_slots(plugin); /* so that they are right before the first block */
}

/* Whether a window assumes silence before its model was loaded, where there was sound. */
static bool is_guess(const tagplug_analysis *analysis, const tagnode_frame *frame)
    TAGNODE_NONBLOCKING {
    return analysis->begin > 0 && frame->start == 0 &&
           tagnode_first_frames(analysis->node) < analysis->model->card.patch_frames;
}

static void publish_signals(tagplug *plugin, const float *signals) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < TAGNODE_SIGNAL_END; ++i)
        atomic_store_explicit(&plugin->live_signals[i], signals[i], memory_order_relaxed);
}

static void publish_labels(tagplug *plugin, const tagplug_analysis *analysis) TAGNODE_NONBLOCKING {
    const tagplug_model *model = analysis->model;
    for (uint32_t i = 0; i < model->label_count; ++i)
        atomic_store_explicit(&plugin->live_labels[model->labels[i].source], analysis->values[i],
                              memory_order_relaxed);
}

/* Frames of MusiCNN's front-end, log10(1 + 10000 x), where a sine of full scale has about 6. */
static void publish_mel(tagplug *plugin) TAGNODE_NONBLOCKING {
    const float full = 6;
    float mel[TAGNODE_MAX_BANDS], largest[TAGPLUG_VIEW_BANDS];
    const uint32_t bands = tagnode_band_count(plugin->measuring);
    uint32_t count = atomic_load_explicit(&plugin->mel_count, memory_order_relaxed);
    while (tagnode_read_mel(plugin->measuring, mel, 1) == 1) {
        memset(largest, 0, sizeof largest);
        for (uint32_t i = 0; i < bands; ++i) {
            float *to = &largest[i * TAGPLUG_VIEW_BANDS / bands];
            *to = mel[i] > *to ? mel[i] : *to;
        }
        for (uint32_t i = 0; i < TAGPLUG_VIEW_BANDS; ++i)
            atomic_store_explicit(&plugin->live_mel[count % TAGPLUG_LIVE_MELS][i],
                                  largest[i] < full ? largest[i] / full : 1, memory_order_relaxed);
        atomic_store_explicit(&plugin->mel_count, ++count, memory_order_release);
    }
}

static void analyse(tagplug *plugin, const float *const *input, uint32_t frames)
    TAGNODE_NONBLOCKING {
    tagnode_frame frame;
    float signals[MOST_SIGNALS];
    const bool watched = atomic_load_explicit(&plugin->watchers, memory_order_relaxed) > 0;
    tagnode_process(plugin->measuring, input, frames);
    while (tagnode_read_signals(plugin->measuring, &frame, signals, 1) == 1) {
        tagplug_slots_push_signals(&plugin->slots, signals, frame.emitted);
        if (watched) publish_signals(plugin, signals);
    }
    if (watched) publish_mel(plugin);
    tagplug_analysis *analysis = plugin->analysis;
    if (analysis == NULL || analysis->node == NULL) return;
    tagnode_process(analysis->node, input, frames);
    while (tagnode_read(analysis->node, &frame, analysis->values, NULL, 1) == 1) {
        if (frame.state != TAGNODE_FRESH || is_guess(analysis, &frame)) continue;
        tagplug_slots_push_labels(&plugin->slots, analysis->model->label_of, analysis->values,
                                  analysis->begin + frame.emitted);
        if (watched) publish_labels(plugin, analysis);
    }
}

/* ---- audio ---- */

/* Where MIDI goes in this call. */
typedef struct {
    tagplug_midi *messages;
    uint32_t *count, offset;
} midi_output;

/* Evaluates slots and sets out effects at a point of the grid. */
static void update(tagplug *plugin, const midi_output *midi, uint32_t offset) TAGNODE_NONBLOCKING {
    evaluate_slots(plugin);
    for (uint32_t i = TAGPLUG_TARGET_GAIN; i < TAGPLUG_TARGETS; ++i) {
        float share = 0;
        const bool any = tagplug_slots_target(&plugin->slots, (tagplug_target)i, &share);
        tagplug_effects_aim(&plugin->effects, (tagplug_target)i, any && !plugin->bypassed, share);
    }
    tagplug_effects_step(&plugin->effects);
    if (midi->messages == NULL || plugin->clock % TAGPLUG_MIDI_GRID != 0) return;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const uint32_t *to = plugin->controllers[i];
        tagplug_midi_send(&plugin->midi, i, plugin->slots.value[i], to[0], to[1], to[2],
                          midi->offset + offset, midi->messages, midi->count);
    }
}

static const float silence[TAGPLUG_PIECE];

/* Analyses the sidechain from `at` on, with as many channels as the main input has. */
static void analyse_key(tagplug *plugin, const float *const *sidechain, uint32_t at,
                        uint32_t frames) TAGNODE_NONBLOCKING {
    const float *key[2] = {silence, silence};
    for (uint32_t c = 0; c < 2 && sidechain != NULL; ++c) key[c] = sidechain[c] + at;
    if (plugin->channels == 1 && key[0] != key[1]) {
        for (uint32_t i = 0; i < frames; ++i) plugin->key[i] = 0.5F * (key[0][i] + key[1][i]);
        key[0] = plugin->key;
    }
    analyse(plugin, key, frames);
}

/* Evaluates, analyses and processes a piece in the plugin's buffer, `at` samples into the call. */
static void process_piece(tagplug *plugin, const float *const *sidechain, uint32_t at,
                          uint32_t frames, const midi_output *midi) TAGNODE_NONBLOCKING {
    const float *copy[2] = {plugin->buffer[0], plugin->buffer[1]};
    if (plugin->keyed)
        analyse_key(plugin, sidechain, at, frames);
    else
        analyse(plugin, copy, frames);
    for (uint32_t done = 0; done < frames;) {
        const uint32_t place = (uint32_t)(plugin->clock % TAGPLUG_GRID);
        if (place == 0) update(plugin, midi, at + done);
        const uint32_t left = frames - done, rest = TAGPLUG_GRID - place;
        const uint32_t part = left < rest ? left : rest;
        float *audio[2] = {plugin->buffer[0] + done, plugin->buffer[1] + done};
        if (tagplug_effects_busy(&plugin->effects))
            tagplug_effects_process(&plugin->effects, audio, place, part);
        plugin->clock += part;
        done += part;
    }
}

/* Offline, process may wait for a model, so that renders are repeatable; the checkers allow it. */
TAGNODE_UNCHECKED_BEGIN
static void update_offline(tagplug *plugin) TAGNODE_NONBLOCKING {
    tagnode_let_wait();
    tagplug_analysis_update(plugin, false);
    tagnode_forbid_waiting();
}
TAGNODE_UNCHECKED_END

void tagplug_process(tagplug *plugin, const float *const *input, float *const *output,
                     uint32_t frames, tagplug_midi *midi, uint32_t *count, uint32_t offset) {
    tagplug_process_keyed(plugin, input, NULL, output, frames, midi, count, offset);
}

void tagplug_process_keyed(tagplug *plugin, const float *const *input,
                           const float *const *sidechain, float *const *output, uint32_t frames,
                           tagplug_midi *midi, uint32_t *count, uint32_t offset) {
    if (plugin->active && atomic_load_explicit(&plugin->offline, memory_order_relaxed))
        update_offline(plugin);
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    const midi_output to_midi = {midi, count, offset};
    if (plugin->active) {
        tagplug_analysis_swap(plugin);
        apply_changes(plugin);
    }
    for (uint32_t at = 0; at < frames; at += TAGPLUG_PIECE) {
        /* Through a copy, since a host may give the same buffers for input and output, in any
         * order. */
        const uint32_t piece = frames - at < TAGPLUG_PIECE ? frames - at : TAGPLUG_PIECE;
        for (uint32_t c = 0; c < plugin->channels; ++c)
            memcpy(plugin->buffer[c], input[c] + at, piece * sizeof **input);
        if (plugin->active) process_piece(plugin, sidechain, at, piece, &to_midi);
        for (uint32_t c = 0; c < plugin->channels; ++c)
            memcpy(output[c] + at, plugin->buffer[c], piece * sizeof **output);
    }
    tagnode_floatenv_leave(saved);
}
