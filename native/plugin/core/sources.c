#include "sources.h"

#include <stdio.h>
#include <string.h>

static uint32_t source_of(const tagplug *plugin, uint32_t slot) {
    return (uint32_t)tagplug_read(plugin, tagplug_field_of(slot, TAGPLUG_SOURCE));
}

/* Before other labels are shown: only the model knows the names of sources without a number of
 * their own. */
static void keep_names(tagplug *plugin) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        char name[TAGPLUG_NAME_MOST] = "";
        const uint32_t source = source_of(plugin, i);
        if (source >= TAGNODE_PLUGIN_SOURCE_OTHER)
            tagplug_source_name(plugin, i, source, name, sizeof name);
        memcpy(plugin->kept[i].name, name, sizeof name);
        plugin->kept[i].source = source;
    }
}

/* The number of a kept name in a model: that of its label; else `source`, or the next one that is
 * none of another label. */
static uint32_t number_in(const tagplug_model *model, const char *name, uint32_t source) {
    const uint32_t label = tagplug_find_label(model, name);
    if (label != UINT32_MAX && model->labels[label].source != 0) return model->labels[label].source;
    enum { FIRST = TAGNODE_PLUGIN_SOURCE_OTHER, LAST = TAGNODE_PLUGIN_SOURCE_MAX };
    for (uint32_t k = FIRST; model->label_of[source] != TAGPLUG_NO_LABEL && k <= LAST; ++k)
        source = source == LAST ? FIRST : source + 1;
    return source;
}

void tagplug_show(tagplug *plugin, uint32_t id, tagplug_model *model) {
    keep_names(plugin);
    if (model != NULL) tagplug_model_retain(model);
    tagplug_model_release(plugin->shown);
    plugin->shown = model;
    plugin->shown_id = id;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS && model != NULL; ++i) {
        if (plugin->kept[i].name[0] == '\0') continue;
        const uint32_t source = number_in(model, plugin->kept[i].name, plugin->kept[i].source);
        if (source == plugin->kept[i].source) continue;
        plugin->kept[i].source = source;
        tagplug_set(plugin, tagplug_field_of(i, TAGPLUG_SOURCE), (float)source);
    }
    atomic_fetch_add(&plugin->revision, 1);
}

void tagplug_show_chosen(tagplug *plugin) {
    const uint32_t id = (uint32_t)tagplug_read(plugin, TAGPLUG_MODEL);
    tagplug_lock_take(&plugin->names_lock);
    const bool is_shown =
        id == plugin->shown_id &&
        (plugin->shown != NULL || id == TAGPLUG_MODEL_NONE || plugin->shown_refused);
    tagplug_lock_give(&plugin->names_lock);
    if (is_shown || tagplug_read(plugin, TAGPLUG_STATUS) == TAGPLUG_STATUS_LOADING) return;
    tagplug_model *model = NULL;
    const bool refused =
        tagplug_model_take(id, plugin->bundle, &model, NULL) == TAGPLUG_STATUS_MODEL_REFUSED;
    tagplug_lock_take(&plugin->names_lock);
    plugin->shown_refused = refused;
    if (model != NULL || id != plugin->shown_id) tagplug_show(plugin, id, model);
    tagplug_lock_give(&plugin->names_lock);
    tagplug_model_release(model);
}

/* "" where an earlier label has the same name, since the name would not lead back to this one. */
static void put_label_name(const tagplug_model *model, uint32_t label, char *name, size_t size) {
    tagplug_label_name(&model->labels[label], name, size);
    if (tagplug_find_label(model, name) != label) name[0] = '\0';
}

void tagplug_source_name(const tagplug *plugin, uint32_t slot, uint32_t source, char *name,
                         size_t size) {
    const tagplug_model *model = plugin->shown;
    name[0] = '\0';
    if (source == 0 || tagnode_plugin_source_name(source, name, size)) return;
    if (plugin->kept[slot].name[0] != '\0' && plugin->kept[slot].source == source)
        (void)snprintf(name, size, "%s", plugin->kept[slot].name);
    else if (model != NULL && model->label_of[source] != TAGPLUG_NO_LABEL)
        put_label_name(model, model->label_of[source], name, size);
}
