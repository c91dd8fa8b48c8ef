/* analysis.h - the model that an instance runs: prepared here off the audio thread, passed to it,
 * and freed here. */
#pragma once

#include "instance.h"

/* Whether update has something to do; frees the analysis that the audio thread has returned. False
 * while another thread updates. [the background thread] */
bool tagplug_analysis_due(tagplug *plugin, bool retry);

/* Prepares the model that the parameters ask for, unless it is the one prepared last, and passes it
 * to the audio thread; frees the one that the audio thread has returned. `retry` tries a missing
 * file again. [a loading thread, and process when offline] */
void tagplug_analysis_update(tagplug *plugin, bool retry);

/* Prepares the first one, for an instance that is being activated. [main] */
void tagplug_analysis_begin(tagplug *plugin);
void tagplug_analysis_end(tagplug *plugin); /* [main] */

/* Replaces the analysis by the one that was passed, if any. [audio] */
void tagplug_analysis_swap(tagplug *plugin) TAGNODE_NONBLOCKING;
