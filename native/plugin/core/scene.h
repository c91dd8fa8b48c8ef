/* scene.h - scene.tagnode, compiled in; embed.cmake writes its C file. */
#pragma once

#include <stddef.h>

extern const unsigned char tagplug_scene[];
extern const size_t tagplug_scene_size; /* 0 where the build was given none */
