/* host.h - what the window and its panel need of the face that opens it. */
#pragma once

#include "core/view.h"

enum {
    TAGPLUG_WINDOW_WIDTH = 960, /* at scale 1, and the height: what a host gets that does not ask */
    TAGPLUG_WINDOW_HEIGHT = 560
};

/* What a face does for its window. Values are the core's, not those of ports or shares. */
typedef struct {
    void *context;
    tagplug *core;
    const tagplug_view *view;
    float (*get)(void *context, uint32_t parameter); /* as the host has it, or will soon */
    /* A person's change, which the host may record: one begin, any number of sets, one end. */
    void (*begin)(void *context, uint32_t parameter);
    void (*set)(void *context, uint32_t parameter, float value);
    void (*end)(void *context, uint32_t parameter);
} tagplug_window_host;
