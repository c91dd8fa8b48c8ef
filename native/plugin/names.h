/* names.h - what sources are called, in texts and in the state. All [main]; `naming` is held. */
#ifndef TAGPLUG_NAMES_H
#define TAGPLUG_NAMES_H

#include "instance.h"

/* Shows the labels of this model (NULL: none), which is retained, from now on; sources that are
 * kept by name get the numbers that they have in it. */
void tagplug_show(tagplug *plugin, uint32_t choice, tagplug_model *model);

/* Makes sure that the labels shown are those of the model that is chosen, if it is there. */
void tagplug_show_chosen(tagplug *plugin);

/* The name that a slot's source is kept by: "signal.rms_db", "tag.speech"; "" for none. */
void tagplug_source_name(const tagplug *plugin, uint32_t slot, char *name, size_t size);

/* The number of a source by its name, or 0. */
uint32_t tagplug_source_number(const tagplug *plugin, const char *name);

#endif
