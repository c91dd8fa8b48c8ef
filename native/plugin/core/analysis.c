#include "analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sources.h"
#include "support/message.h"

enum { QUEUE = 64 }; /* descriptor frames; one piece emits fewer */

static void analysis_free(tagplug_analysis *analysis) {
    if (analysis == NULL) return;
    tagnode_destroy(analysis->node);
    tagplug_model_release(analysis->model);
    free(analysis->values);
    free(analysis);
}

/* ---- prepared ---- */

static double window_of(const tagplug_model *model) {
    return (double)model->card.patch_frames * model->card.frontend.hop /
           model->card.frontend.sample_rate;
}

static double hop_of(const tagplug_model *model, double hop) {
    const double window = window_of(model);
    return hop < window ? hop : window;
}

/* Mel frames between two results, as tagnode_prepare rounds them. */
static double hop_frames(const tagplug_model *model, double hop) {
    const tagnode_frontend_settings *f = &model->card.frontend;
    const double frames = floor(hop_of(model, hop) * f->sample_rate / f->hop + 0.5);
    return frames < 1 ? 1 : frames;
}

static tagplug_status_code prepare(const tagplug *plugin, tagplug_analysis *analysis,
                                   tagnode_message *why) {
    const tagnode_setup setup = {.sample_rate = plugin->rate,
                                 .channels = plugin->channels,
                                 .max_frames = TAGPLUG_PIECE,
                                 .hop = hop_of(analysis->model, analysis->hop),
                                 .embedding = -1,
                                 .queue = QUEUE};
    const tagnode_parts parts = {.models = &analysis->model->model,
                                 .model_count = 1,
                                 .heads = analysis->model->heads,
                                 .head_count = analysis->model->head_count};
    tagnode_status status = tagnode_create(&analysis->node);
    if (status == TAGNODE_OK) status = tagnode_prepare(analysis->node, &parts, &setup, why);
    if (status == TAGNODE_OK)
        analysis->values = calloc(tagnode_value_count(analysis->node), sizeof *analysis->values);
    if (status == TAGNODE_OK && analysis->values != NULL) {
        analysis->window = (float)window_of(analysis->model);
        analysis->latency = (float)tagnode_get_latency(analysis->node).total / (float)plugin->rate;
        analysis->hop_used = (float)(tagnode_hop_frames(analysis->node) *
                                     (double)analysis->model->card.frontend.hop /
                                     analysis->model->card.frontend.sample_rate);
        return TAGPLUG_STATUS_OK;
    }
    tagnode_destroy(analysis->node);
    analysis->node = NULL;
    const bool memory = status == TAGNODE_OK || status == TAGNODE_ERROR_MEMORY;
    if (memory) (void)tagnode_no_memory(why, "a model");
    return memory ? TAGPLUG_STATUS_MEMORY : TAGPLUG_STATUS_MODEL_REFUSED;
}

/* NULL only when there is no memory at all. */
static tagplug_analysis *analysis_make(tagplug *plugin, uint32_t id, float hop) {
    tagplug_analysis *analysis = calloc(1, sizeof *analysis);
    if (analysis == NULL) return NULL;
    tagnode_message why = {""};
    analysis->hop = hop;
    analysis->status = tagplug_model_take(id, plugin->bundle, &analysis->model, &why);
    if (analysis->status == TAGPLUG_STATUS_OK && analysis->model != NULL)
        analysis->status = prepare(plugin, analysis, &why);
    tagplug_lock_take(&plugin->names_lock);
    memcpy(plugin->trouble, why.text, sizeof plugin->trouble);
    if (id != plugin->shown_id || analysis->model != plugin->shown)
        tagplug_show(plugin, id, analysis->model);
    plugin->shown_refused = analysis->status == TAGPLUG_STATUS_MODEL_REFUSED;
    tagplug_lock_give(&plugin->names_lock);
    return analysis;
}

/* ---- passed to the audio thread ---- */

static bool is_prepared(const tagplug *plugin, uint32_t id, float hop) {
    const tagplug_model *model = plugin->prepared;
    return id == plugin->prepared_id &&
           (model == NULL || hop_frames(model, hop) == hop_frames(model, plugin->prepared_hop));
}

static tagplug_analysis *prepare_next(tagplug *plugin, uint32_t id, float hop) {
    tagplug_analysis *next = analysis_make(plugin, id, hop);
    if (next == NULL) return NULL;
    tagplug_model_release(plugin->prepared);
    plugin->prepared = next->model;
    if (next->model != NULL) tagplug_model_retain(next->model);
    plugin->prepared_id = id;
    plugin->prepared_hop = hop;
    plugin->is_missing = next->status == TAGPLUG_STATUS_MODEL_MISSING;
    return next;
}

/* `loading` is held. */
static bool is_due(const tagplug *plugin, bool retry) {
    return (retry && plugin->is_missing) ||
           !is_prepared(plugin, (uint32_t)tagplug_read(plugin, TAGPLUG_MODEL),
                        tagplug_read(plugin, TAGPLUG_HOP));
}

bool tagplug_analysis_due(tagplug *plugin, bool retry) {
    if (!tagplug_lock_try(&plugin->loading)) return false;
    analysis_free(atomic_exchange(&plugin->returned, NULL));
    const bool due = is_due(plugin, retry);
    tagplug_lock_give(&plugin->loading);
    return due;
}

void tagplug_analysis_update(tagplug *plugin, bool retry) {
    tagplug_lock_take(&plugin->loading);
    analysis_free(atomic_exchange(&plugin->returned, NULL));
    const uint32_t id = (uint32_t)tagplug_read(plugin, TAGPLUG_MODEL);
    const float hop = tagplug_read(plugin, TAGPLUG_HOP);
    if (is_due(plugin, retry)) {
        if (id != plugin->prepared_id)
            tagplug_write(plugin, TAGPLUG_STATUS, TAGPLUG_STATUS_LOADING);
        tagplug_analysis *next = prepare_next(plugin, id, hop);
        /* One that is still waiting is out of date. */
        if (next != NULL)
            analysis_free(atomic_exchange(&plugin->waiting, next));
        else
            tagplug_write(plugin, TAGPLUG_STATUS, TAGPLUG_STATUS_MEMORY);
    }
    tagplug_lock_give(&plugin->loading);
}

void tagplug_analysis_begin(tagplug *plugin) {
    const uint32_t id = (uint32_t)tagplug_read(plugin, TAGPLUG_MODEL);
    atomic_store(&plugin->waiting, prepare_next(plugin, id, tagplug_read(plugin, TAGPLUG_HOP)));
    tagplug_analysis_swap(plugin);
    if (plugin->analysis == NULL) tagplug_write(plugin, TAGPLUG_STATUS, TAGPLUG_STATUS_MEMORY);
}

void tagplug_analysis_end(tagplug *plugin) {
    analysis_free(atomic_exchange(&plugin->waiting, NULL));
    analysis_free(atomic_exchange(&plugin->returned, NULL));
    analysis_free(plugin->analysis);
    plugin->analysis = NULL;
    tagplug_model_release(plugin->prepared);
    plugin->prepared = NULL;
}

void tagplug_analysis_swap(tagplug *plugin) {
    if (atomic_load_explicit(&plugin->waiting, memory_order_relaxed) == NULL) return;
    if (atomic_load_explicit(&plugin->returned, memory_order_acquire) != NULL)
        return; /* until it has been freed */
    tagplug_analysis *next = atomic_exchange(&plugin->waiting, NULL);
    if (next == NULL) return;
    atomic_store(&plugin->returned, plugin->analysis);
    plugin->analysis = next;
    next->begin = plugin->clock;
    tagplug_write(plugin, TAGPLUG_WINDOW, next->window);
    tagplug_write(plugin, TAGPLUG_LATENCY, next->latency);
    tagplug_write(plugin, TAGPLUG_ACTUAL_HOP, next->hop_used);
    tagplug_write(plugin, TAGPLUG_STATUS, (float)next->status);
}
