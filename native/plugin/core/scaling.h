/* scaling.h - values within their ranges, and as shares of them. */
#pragma once

#include "parameters/parameters.h"

/* Within the range; integers are rounded, and an id that is none becomes the next lower one. NaN
 * becomes the default. [any] */
float tagplug_clamp(uint32_t parameter, float value) TAGNODE_NONBLOCKING;

/* 0 to 1 and back, for hosts whose parameters are normalised; both clamp. [any] */
float tagplug_normalise(uint32_t parameter, float value) TAGNODE_NONBLOCKING;
float tagplug_denormalise(uint32_t parameter, float share) TAGNODE_NONBLOCKING;

/* The text of a choice's id, NULL if there is none. [any] */
const char *tagplug_choice_text(uint32_t parameter, uint32_t id) TAGNODE_NONBLOCKING;

/* The target with this id. [any] */
const tagnode_plugin_target *tagplug_target_of(tagplug_target id) TAGNODE_NONBLOCKING;
