#include "names.h"

#include <stdio.h>
#include <string.h>

void tagplug_show(tagplug *plugin, uint32_t choice, tagplug_model *model) {
    if (model != NULL) tagplug_model_retain(model);
    tagplug_model_release(plugin->shown);
    plugin->shown = model;
    plugin->shown_choice = choice;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS && model != NULL; ++i) {
        const uint32_t source = tagplug_field_of(i, TAGPLUG_SOURCE);
        if (plugin->kept[i].name[0] == '\0') continue;
        if (tagplug_read(plugin, source) != plugin->kept[i].source) { /* chosen anew since */
            plugin->kept[i].name[0] = '\0';
            continue;
        }
        const uint32_t number = tagplug_source_number(plugin, plugin->kept[i].name);
        plugin->kept[i].source = (float)(number == 0 ? TAGPLUG_KEPT_SOURCE : number);
        tagplug_set(plugin, source, plugin->kept[i].source);
    }
    atomic_fetch_add(&plugin->revision, 1);
}

void tagplug_show_chosen(tagplug *plugin) {
    const uint32_t choice = (uint32_t)tagplug_read(plugin, TAGPLUG_MODEL);
    if (choice == plugin->shown_choice &&
        (plugin->shown != NULL || choice == 0 || plugin->shown_refused))
        return;
    tagplug_model *model = NULL;
    plugin->shown_refused =
        tagplug_model_take(choice, plugin->bundle, &model, NULL) == TAGPLUG_STATUS_MODEL_REFUSED;
    if (model != NULL || choice != plugin->shown_choice) tagplug_show(plugin, choice, model);
    tagplug_model_release(model);
}

/* Writes a label's name; "" where an earlier label has it too, since it would not lead back here.
 */
static void put_label_name(const tagplug_model *model, uint32_t label, char *name, size_t size) {
    tagplug_label_name(&model->labels[label], name, size);
    if (tagplug_find_label(model, name) != label) name[0] = '\0';
}

void tagplug_source_name(const tagplug *plugin, uint32_t slot, char *name, size_t size) {
    const float value = tagplug_read(plugin, tagplug_field_of(slot, TAGPLUG_SOURCE));
    const uint32_t source = (uint32_t)value;
    const tagplug_model *model = plugin->shown;
    if (source >= 1 && source <= tagnode_signal_count())
        (void)snprintf(name, size, "signal.%s", tagnode_signal_info(source - 1)->name);
    else if (plugin->kept[slot].name[0] != '\0' && plugin->kept[slot].source == value)
        (void)snprintf(name, size, "%s", plugin->kept[slot].name);
    else if (source >= TAGPLUG_FIRST_LABEL && model != NULL &&
             source - TAGPLUG_FIRST_LABEL < model->label_count)
        put_label_name(model, source - TAGPLUG_FIRST_LABEL, name, size);
    else
        name[0] = '\0';
}

uint32_t tagplug_source_number(const tagplug *plugin, const char *name) {
    for (uint32_t i = 0; i < tagnode_signal_count() && strncmp(name, "signal.", 7) == 0; ++i)
        if (strcmp(tagnode_signal_info(i)->name, name + 7) == 0) return i + 1;
    if (plugin->shown == NULL) return 0;
    const uint32_t label = tagplug_find_label(plugin->shown, name);
    return label < 256 - TAGPLUG_FIRST_LABEL ? TAGPLUG_FIRST_LABEL + label : 0;
}
