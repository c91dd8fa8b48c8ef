/* sources.h - the names of sources in texts and states. All [main]; `names_lock` is held, but for
 * tagplug_show_chosen. */
#pragma once

#include "instance.h"

/* Shows the labels of this model (NULL: none) from now on; it is retained. A source that was kept
 * by its name gets the number that the name has in this model. */
void tagplug_show(tagplug *plugin, uint32_t id, tagplug_model *model);

/* Shows the labels of the model that is chosen, if it exists, and is not being loaded already.
 * Takes `names_lock`, but not while it reads a file. */
void tagplug_show_chosen(tagplug *plugin);

/* The descriptor's name of a slot's source: "signal.rms_db", "tag.speech"; "" if it has none. */
void tagplug_source_name(const tagplug *plugin, uint32_t slot, uint32_t source, char *name,
                         size_t size);
