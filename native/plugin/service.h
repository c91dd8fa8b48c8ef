/* service.h - the process's one thread beside the audio threads: it loads models and sends OSC for
 * all instances that are active. */
#ifndef TAGPLUG_SERVICE_H
#define TAGPLUG_SERVICE_H

#include "core.h"

/* The first instance starts the thread, the last one ends it. If it cannot be started, models stay
 * as they are and no OSC is sent. [main] */
void tagplug_serve(tagplug *plugin);
void tagplug_unserve(tagplug *plugin);

#endif
