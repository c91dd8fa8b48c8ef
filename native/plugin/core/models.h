/* models.h - the models of a process, each of which is read once. */
#pragma once

#include "container.h"
#include "slots.h"

/* Returns the model with this id, with a reference; there is one of it in a process. The
 * included one comes from `bundle` if scene.tagnode is in there. Without a model ("measuring only")
 * the status is TAGPLUG_STATUS_OK too. The files of the others are
 * <models>/plugins/<name>.tagnode, where <models> is, as in pyplugin/models/folders.py,
 * $PYPLUGIN_MODELS, else <user data>/pyplugin/models; user data: $XDG_DATA_HOME if it is absolute,
 * else ~/.local/share or ~/Library/Application Support; %LOCALAPPDATA%. [main] */
tagplug_status_code tagplug_model_take(uint32_t id, const char *bundle, tagplug_model **model,
                                       tagnode_message *why);
void tagplug_model_retain(tagplug_model *model);  /* [main] */
void tagplug_model_release(tagplug_model *model); /* NULL is fine. [main] */
