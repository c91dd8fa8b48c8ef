/* presets.h - the presets that come with the plugin, compiled in; python -m pyplugin.daw.presets
 * writes their C file from presets/. Their names are permanent: hosts keep them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name, *description; /* UTF-8 */
    const unsigned char *state;     /* for tagplug_load_preset */
    size_t size;
} tagplug_preset;

extern const tagplug_preset tagplug_presets[];
extern const uint32_t tagplug_preset_count; /* 0 where the build was given none */
