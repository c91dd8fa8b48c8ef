/* clap_presets.h - the presets that are compiled in, for CLAP hosts: their list, and loading one.
 */
#pragma once

#include "clap_abi.h"
#include "core/tagplug.h"

/* The factory with one of these ids; NULL for another. [any] */
const cl_preset_factory *clap_preset_factory(const char *id);

/* Loads the preset of a location and reports the outcome to the host, which may have no extension
 * for that. [main] */
bool clap_preset_load(tagplug *core, const cl_host *host, uint32_t kind, const char *location,
                      const char *key);
