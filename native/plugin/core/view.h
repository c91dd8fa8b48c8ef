/* view.h - what a window reads of an instance. A table of functions, so that the window of the LV2
 * may be in a library of its own, and only that library needs a window system. */
#pragma once

#include "tagplug.h"

enum { TAGPLUG_VIEW_BANDS = 32 };

/* All [main, beside audio]. */
typedef struct {
    float (*get)(const tagplug *plugin, uint32_t parameter);
    void (*text)(const tagplug *plugin, uint32_t parameter, float value, char *text, size_t size);
    void (*explain)(const tagplug *plugin, tagnode_message *sentence);
    uint32_t (*revision)(const tagplug *plugin);

    /* The audio thread publishes what it analyses while at least one window watches. */
    void (*watch)(tagplug *plugin, bool on);

    /* The latest value of a source as a share of its usual range, which automations get too: 0 to
     * 1, or beyond. Signals change every 16 ms, labels at each result of the model. */
    float (*live)(const tagplug *plugin, uint32_t source);

    /* Writes the spectrum since the last call, from low to high: the largest value of each band, 0
     * to 1 on a logarithmic scale. `seen` counts the mel frames that the caller has had; 0 at
     * first. False, and nothing is written, if there is no new one. */
    bool (*mel)(const tagplug *plugin, uint32_t *seen, float bands[TAGPLUG_VIEW_BANDS]);

    /* Writes the sources that a menu offers, at most `most`, and returns their number: the signals,
     * then the labels of the model. */
    uint32_t (*sources)(const tagplug *plugin, uint16_t *ids, uint32_t most);

    /* The presets that are compiled in; NULL after the last. */
    const char *(*preset_name)(uint32_t preset);

    /* Replaces the values of the input parameters, TAGPLUG_INPUTS of them, by those after a preset.
     * False when there is no memory, or no such preset. */
    bool (*preset)(const tagplug *plugin, uint32_t preset, float *parameters);
} tagplug_view;

extern const tagplug_view tagplug_view_table;
