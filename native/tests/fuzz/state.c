/* state.c - fuzzes the state of the plugin that hosts keep in their projects. What is loaded comes
 * back from a second instance; what is refused changes nothing. */
#include "core/tagplug.h"

#include "../system.h"
#include "fuzz.h"

enum { MOST = TAGPLUG_STATE_MOST + 1024 };

static size_t save(const tagplug *plugin, unsigned char *bytes) {
    const size_t size = tagplug_save(plugin, bytes, MOST);
    PROMISE(size > 0 && size <= TAGPLUG_STATE_MOST);
    return size;
}

static void check_loaded(const tagplug *plugin) {
    static unsigned char first[MOST], again[MOST];
    tagplug *other = tagplug_create("/nowhere");
    if (other == NULL) abort();
    const size_t size = save(plugin, first);
    PROMISE(tagplug_load(other, first, size, NULL) == TAGNODE_OK);
    PROMISE(save(other, again) == size && memcmp(first, again, size) == 0);
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) {
        const float value = tagplug_get(plugin, i);
        char text[64];
        PROMISE(value == tagplug_clamp(i, value) && value == tagplug_get(other, i));
        tagplug_text(plugin, i, value, text, sizeof text);
        PROMISE(strlen(text) < sizeof text);
    }
    tagplug_destroy(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static unsigned char before[MOST], after[MOST];
    if (setenv("PYPLUGIN_MODELS", "/nowhere", 1) != 0) abort(); /* whatever this machine has */
    tagplug *plugin = tagplug_create("/nowhere");
    if (plugin == NULL) abort();
    tagplug_set(plugin, tagplug_field_of(1, TAGPLUG_TARGET), TAGPLUG_TARGET_GAIN);
    const size_t saved = save(plugin, before);
    const exact copy = copy_exactly(data, size);
    tagnode_message why = {""};
    const tagnode_status status = tagplug_load(plugin, copy.bytes, size, &why);
    free(copy.memory);
    if (status == TAGNODE_OK) {
        check_loaded(plugin);
    } else {
        PROMISE(status == TAGNODE_ERROR_ARGUMENT);
        check_sentence(&why);
        PROMISE(save(plugin, after) == saved && memcmp(before, after, saved) == 0);
    }
    tagplug_destroy(plugin);
    return 0;
}
