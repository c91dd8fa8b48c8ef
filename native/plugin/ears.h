/* ears.h - what an instance hears with: made here, handed to the audio thread, and freed here. */
#ifndef TAGPLUG_EARS_H
#define TAGPLUG_EARS_H

#include "instance.h"

/* Makes what the parameters ask for, if it is something else than was made last, and hands it to
 * the audio thread; frees what that no longer needs. `again` tries a missing file once more. [main,
 * the service, and process when offline] */
void tagplug_catch_up(tagplug *plugin, bool again);

/* The first one, for an instance that is being activated. [main] */
void tagplug_begin_hearing(tagplug *plugin);
void tagplug_end_hearing(tagplug *plugin); /* [main] */

/* Takes what has been handed over. [audio] */
void tagplug_take_ear(tagplug *plugin) TAGNODE_NONBLOCKING;

#endif
