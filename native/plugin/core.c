/* core.c - an instance: parameters, and audio on its way through. */
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "names.h"

tagplug *tagplug_create(const char *bundle) {
    tagplug *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) return NULL;
    plugin->loading = plugin->naming = (tagplug_lock)TAGPLUG_LOCK;
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

void tagplug_activate(tagplug *plugin, double rate, uint32_t max_frames, uint32_t channels,
                      bool offline) {
    (void)rate;
    (void)max_frames;
    plugin->channels = channels;
    plugin->active = true;
    tagplug_set_offline(plugin, offline);
}

void tagplug_deactivate(tagplug *plugin) {
    plugin->active = false;
}

void tagplug_reset(tagplug *plugin) {
    plugin->clock = 0;
}

void tagplug_process(tagplug *plugin, const float *const *input, float *const *output,
                     uint32_t frames, tagplug_midi *midi, uint32_t *count, uint32_t offset) {
    (void)midi;
    (void)count;
    (void)offset;
    for (uint32_t i = 0; i < plugin->channels; ++i)
        if (output[i] != input[i]) memmove(output[i], input[i], frames * sizeof(float));
}
