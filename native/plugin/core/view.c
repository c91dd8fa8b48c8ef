#include "view.h"

#include <math.h>

#include "instance.h"
#include "presets.h"
#include "sources.h"

static void watch(tagplug *plugin, bool on) {
    (void)atomic_fetch_add(&plugin->watchers, on ? 1U : UINT32_MAX);
}

static float live(const tagplug *plugin, uint32_t source) {
    if (source > TAGNODE_PLUGIN_SOURCE_MAX) return 0;
    const uint32_t signal = tagnode_plugin_source_signal(source);
    const tagnode_signal *about = tagnode_signal_info(signal);
    if (about == NULL)
        return atomic_load_explicit(&plugin->live_labels[source], memory_order_relaxed);
    const double value = atomic_load_explicit(&plugin->live_signals[signal], memory_order_relaxed);
    return (float)((value - about->low) / ((double)about->high - about->low));
}

static bool mel(const tagplug *plugin, uint32_t *seen, float bands[TAGPLUG_VIEW_BANDS]) {
    const uint32_t count = atomic_load_explicit(&plugin->mel_count, memory_order_acquire);
    if (count == *seen) return false;
    uint32_t fresh = count - *seen;
    if (fresh > TAGPLUG_LIVE_MELS - 1) fresh = TAGPLUG_LIVE_MELS - 1; /* one may be being written */
    *seen = count;
    for (uint32_t band = 0; band < TAGPLUG_VIEW_BANDS; ++band) {
        bands[band] = 0;
        for (uint32_t i = 1; i <= fresh; ++i)
            bands[band] =
                fmaxf(bands[band],
                      atomic_load_explicit(&plugin->live_mel[(count - i) % TAGPLUG_LIVE_MELS][band],
                                           memory_order_relaxed));
    }
    return true;
}

static uint32_t sources(const tagplug *plugin, uint16_t *ids, uint32_t most) {
    tagplug *self = (tagplug *)plugin; /* the labels shown may be out of date */
    uint32_t count = 0;
    tagplug_show_chosen(self);
    for (uint32_t id = 1; id < TAGNODE_PLUGIN_SOURCE_OTHER && count < most; ++id)
        if (tagnode_plugin_source_signal(id) != UINT32_MAX) ids[count++] = (uint16_t)id;
    tagplug_lock_take(&self->names_lock);
    const tagplug_model *model = self->shown;
    for (uint32_t i = 0; model != NULL && i < model->label_count && count < most; ++i)
        if (model->labels[i].source != 0) ids[count++] = (uint16_t)model->labels[i].source;
    tagplug_lock_give(&self->names_lock);
    return count;
}

static const char *preset_name(uint32_t preset) {
    return preset < tagplug_preset_count ? tagplug_presets[preset].name : NULL;
}

/* By an instance that is never activated. */
static bool preset(const tagplug *plugin, uint32_t number, float *parameters) {
    if (number >= tagplug_preset_count) return false;
    tagplug *other = tagplug_create(plugin->bundle);
    if (other == NULL) return false;
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) tagplug_set(other, i, parameters[i]);
    const tagplug_preset *chosen = &tagplug_presets[number];
    const bool loaded = tagplug_load_preset(other, chosen->state, chosen->size, NULL) == TAGNODE_OK;
    for (uint32_t i = 0; loaded && i < TAGPLUG_INPUTS; ++i) parameters[i] = tagplug_get(other, i);
    tagplug_destroy(other);
    return loaded;
}

const tagplug_view tagplug_view_table = {
    .get = tagplug_get,
    .text = tagplug_text,
    .explain = tagplug_explain,
    .revision = tagplug_revision,
    .watch = watch,
    .live = live,
    .mel = mel,
    .sources = sources,
    .preset_name = preset_name,
    .preset = preset,
};
