#include "clap_presets.h"

#include <stdlib.h>
#include <string.h>

#include "core/presets.h"
#include "face/face.h"
#include "support/message.h"

/* ------------------------------------------------------------------------------------- list --- */

static const cl_preset_provider_descriptor about = {.version = {1, 2, 0},
                                                    .id = TAGNODE_PLUGIN_CLAP_ID ".presets",
                                                    .name = TAGNODE_PLUGIN_NAME " presets",
                                                    .vendor = "pyplugin"};

static bool init(const cl_preset_provider *provider) {
    const cl_preset_indexer *indexer = provider->provider_data;
    const cl_preset_location own = {.flags = CL_PRESETS_OF_FACTORY,
                                    .name = TAGNODE_PLUGIN_NAME,
                                    .kind = CL_PRESETS_IN_PLUGIN,
                                    .location = NULL};
    return tagplug_preset_count == 0 || indexer->declare_location(indexer, &own);
}

static void destroy(const cl_preset_provider *provider) {
    free((void *)provider);
}

static bool get_metadata(const cl_preset_provider *provider, uint32_t kind, const char *location,
                         const cl_preset_receiver *receiver) {
    static const cl_universal_id plugin = {"clap", TAGNODE_PLUGIN_CLAP_ID};
    if (kind != CL_PRESETS_IN_PLUGIN) {
        receiver->on_error(receiver, 0, "Presets are in the plugin itself, not in files.");
        return false;
    }
    for (uint32_t i = 0; i < tagplug_preset_count; ++i) {
        const tagplug_preset *preset = &tagplug_presets[i];
        if (!receiver->begin(receiver, preset->name, preset->name)) break;
        receiver->add_plugin_id(receiver, &plugin);
        receiver->add_creator(receiver, about.vendor);
        receiver->set_description(receiver, preset->description);
        receiver->add_feature(receiver, "audio-effect");
    }
    return true;
}

static const void *no_extension(const cl_preset_provider *provider, const char *id) {
    return NULL;
}

static uint32_t count(const cl_preset_factory *factory) {
    return 1;
}

static const cl_preset_provider_descriptor *descriptor(const cl_preset_factory *factory,
                                                       uint32_t index) {
    return index == 0 ? &about : NULL;
}

static const cl_preset_provider *create(const cl_preset_factory *factory,
                                        const cl_preset_indexer *indexer, const char *id) {
    cl_preset_provider *made = NULL;
    if (indexer == NULL || id == NULL || strcmp(id, about.id) != 0) return NULL;
    made = malloc(sizeof *made);
    if (made == NULL) return NULL;
    *made = (cl_preset_provider){.descriptor = &about,
                                 .provider_data = (void *)indexer,
                                 .init = init,
                                 .destroy = destroy,
                                 .get_metadata = get_metadata,
                                 .get_extension = no_extension};
    return made;
}

const cl_preset_factory *clap_preset_factory(const char *id) {
    static const cl_preset_factory factory = {count, descriptor, create};
    const bool known =
        strcmp(id, CL_PRESET_FACTORY) == 0 || strcmp(id, CL_PRESET_FACTORY_DRAFT) == 0;
    return known ? &factory : NULL;
}

/* ------------------------------------------------------------------------------------- load --- */

static tagnode_status load(tagplug *core, uint32_t kind, const char *key, tagnode_message *why) {
    if (kind != CL_PRESETS_IN_PLUGIN || key == NULL)
        return tagnode_refuse(why, "Presets are in the plugin itself, under their names.");
    for (uint32_t i = 0; i < tagplug_preset_count; ++i)
        if (strcmp(tagplug_presets[i].name, key) == 0)
            return tagplug_load_preset(core, tagplug_presets[i].state, tagplug_presets[i].size,
                                       why);
    return tagnode_refuse(why, "The plugin has no preset %.64s.", key);
}

bool clap_preset_load(tagplug *core, const cl_host *host, uint32_t kind, const char *location,
                      const char *key) {
    const cl_host_preset_load *reports = host->get_extension(host, CL_PRESET_LOAD);
    if (reports == NULL) reports = host->get_extension(host, CL_PRESET_LOAD_DRAFT);
    tagnode_message why = {""};
    const bool loaded = load(core, kind, key, &why) == TAGNODE_OK;
    if (reports != NULL && loaded) reports->loaded(host, kind, location, key);
    if (reports != NULL && !loaded) reports->on_error(host, kind, location, key, 0, why.text);
    return loaded;
}
