/* presets_none.c - for a build that was given no presets. */
#include "core/presets.h"

const uint32_t tagplug_preset_count = 0;
const tagplug_preset tagplug_presets[1];
