#include "ears.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "support/message.h"

enum { QUEUE = 64 }; /* descriptor frames; a piece brings some at the most */

static void ear_free(tagplug_ear *ear) {
    if (ear == NULL) return;
    tagnode_destroy(ear->node);
    tagplug_model_release(ear->model);
    free(ear->values);
    free(ear);
}

/* ---- made ---- */

static double window_of(const tagplug_model *model) {
    return (double)model->card.patch_frames * model->card.frontend.hop /
           model->card.frontend.sample_rate;
}

static double hop_of(const tagplug_model *model, double hop) {
    const double window = window_of(model);
    return hop < window ? hop : window;
}

/* Mel frames between two answers, as tagnode_prepare rounds them. */
static double worked_frames(const tagplug_model *model, double hop) {
    const tagnode_frontend_settings *f = &model->card.frontend;
    const double frames = floor(hop_of(model, hop) * f->sample_rate / f->hop + 0.5);
    return frames < 1 ? 1 : frames;
}

static tagplug_status_code prepare(const tagplug *plugin, tagplug_ear *ear, tagnode_message *why) {
    const tagnode_setup setup = {.sample_rate = plugin->rate,
                                 .channels = plugin->channels,
                                 .max_frames = TAGPLUG_PIECE,
                                 .hop = hop_of(ear->model, ear->hop),
                                 .embedding = -1,
                                 .queue = QUEUE};
    const tagnode_parts parts = {.models = &ear->model->model,
                                 .model_count = 1,
                                 .heads = ear->model->heads,
                                 .head_count = ear->model->head_count};
    tagnode_status status = tagnode_create(&ear->node);
    if (status == TAGNODE_OK) status = tagnode_prepare(ear->node, &parts, &setup, why);
    if (status == TAGNODE_OK)
        ear->values = calloc(tagnode_value_count(ear->node), sizeof *ear->values);
    if (status == TAGNODE_OK && ear->values != NULL) {
        ear->window = (float)window_of(ear->model);
        ear->latency = (float)tagnode_get_latency(ear->node).total / (float)plugin->rate;
        ear->worked =
            (float)(tagnode_hop_frames(ear->node) * (double)ear->model->card.frontend.hop /
                    ear->model->card.frontend.sample_rate);
        return TAGPLUG_STATUS_OK;
    }
    tagnode_destroy(ear->node);
    ear->node = NULL;
    const bool memory = status == TAGNODE_OK || status == TAGNODE_ERROR_MEMORY;
    if (memory) (void)tagnode_say(why, TAGNODE_ERROR_MEMORY, "No memory for a model.");
    return memory ? TAGPLUG_STATUS_MEMORY : TAGPLUG_STATUS_MODEL_REFUSED;
}

/* NULL only when there is no memory at all. */
static tagplug_ear *ear_make(tagplug *plugin, uint32_t choice, float hop) {
    tagplug_ear *ear = calloc(1, sizeof *ear);
    if (ear == NULL) return NULL;
    tagnode_message why = {""};
    ear->hop = hop;
    ear->status = tagplug_model_take(choice, plugin->bundle, &ear->model, &why);
    if (ear->status == TAGPLUG_STATUS_OK && ear->model != NULL)
        ear->status = prepare(plugin, ear, &why);
    tagplug_lock_take(&plugin->naming);
    memcpy(plugin->trouble, why.text, sizeof plugin->trouble);
    if (choice != plugin->shown_choice || ear->model != plugin->shown)
        tagplug_show(plugin, choice, ear->model);
    plugin->shown_refused = ear->status == TAGPLUG_STATUS_MODEL_REFUSED;
    tagplug_lock_give(&plugin->naming);
    return ear;
}

/* ---- handed over ---- */

static bool is_served(const tagplug *plugin, uint32_t choice, float hop) {
    const tagplug_model *model = plugin->served;
    return choice == plugin->served_choice &&
           (model == NULL || worked_frames(model, hop) == worked_frames(model, plugin->served_hop));
}

static tagplug_ear *make_next(tagplug *plugin, uint32_t choice, float hop) {
    tagplug_ear *made = ear_make(plugin, choice, hop);
    if (made == NULL) return NULL;
    tagplug_model_release(plugin->served);
    plugin->served = made->model;
    if (made->model != NULL) tagplug_model_retain(made->model);
    plugin->served_choice = choice;
    plugin->served_hop = hop;
    plugin->is_missing = made->status == TAGPLUG_STATUS_MODEL_MISSING;
    return made;
}

void tagplug_catch_up(tagplug *plugin, bool again) {
    tagplug_lock_take(&plugin->loading);
    ear_free(atomic_exchange(&plugin->former, NULL));
    const uint32_t choice = (uint32_t)tagplug_read(plugin, TAGPLUG_MODEL);
    const float hop = tagplug_read(plugin, TAGPLUG_HOP);
    again = again && plugin->is_missing;
    if (again || !is_served(plugin, choice, hop)) {
        if (choice != plugin->served_choice)
            tagplug_write(plugin, TAGPLUG_STATUS, TAGPLUG_STATUS_LOADING);
        tagplug_ear *made = make_next(plugin, choice, hop);
        /* One that was not taken is out of date. */
        if (made != NULL)
            ear_free(atomic_exchange(&plugin->next, made));
        else
            tagplug_write(plugin, TAGPLUG_STATUS, TAGPLUG_STATUS_MEMORY);
    }
    tagplug_lock_give(&plugin->loading);
}

void tagplug_begin_hearing(tagplug *plugin) {
    const uint32_t choice = (uint32_t)tagplug_read(plugin, TAGPLUG_MODEL);
    atomic_store(&plugin->next, make_next(plugin, choice, tagplug_read(plugin, TAGPLUG_HOP)));
    tagplug_take_ear(plugin);
    if (plugin->ear == NULL) tagplug_write(plugin, TAGPLUG_STATUS, TAGPLUG_STATUS_MEMORY);
}

void tagplug_end_hearing(tagplug *plugin) {
    ear_free(atomic_exchange(&plugin->next, NULL));
    ear_free(atomic_exchange(&plugin->former, NULL));
    ear_free(plugin->ear);
    plugin->ear = NULL;
    tagplug_model_release(plugin->served);
    plugin->served = NULL;
}

void tagplug_take_ear(tagplug *plugin) {
    if (atomic_load_explicit(&plugin->next, memory_order_relaxed) == NULL) return;
    if (atomic_load_explicit(&plugin->former, memory_order_acquire) != NULL) return; /* soon */
    tagplug_ear *taken = atomic_exchange(&plugin->next, NULL);
    if (taken == NULL) return;
    atomic_store(&plugin->former, plugin->ear);
    plugin->ear = taken;
    taken->begin = plugin->clock;
    tagplug_write(plugin, TAGPLUG_WINDOW, taken->window);
    tagplug_write(plugin, TAGPLUG_LATENCY, taken->latency);
    tagplug_write(plugin, TAGPLUG_WORKED, taken->worked);
    tagplug_write(plugin, TAGPLUG_STATUS, (float)taken->status);
}
