/* parameters.h - the plugin's parameters by their position in the table, for arrays. A position
 * moves when a field is added; hosts and files save ids, symbols and texts, see tagnode.h. */
#pragma once

#include "tagnode.h"

enum { TAGPLUG_SLOTS = TAGNODE_PLUGIN_SLOTS };

/* Parameters of the whole plugin come first. */
typedef enum {
    TAGPLUG_BYPASS,
    TAGPLUG_MODEL,
    TAGPLUG_HOP,
    TAGPLUG_DELAY_TIME,
    TAGPLUG_DELAY_FEEDBACK,
    TAGPLUG_OSC_PORT,
    TAGPLUG_ANALYSIS_INPUT,
    TAGPLUG_GLOBALS
} tagplug_global;

/* Then the fields of each slot, at TAGPLUG_GLOBALS + slot * TAGPLUG_FIELDS + field. */
typedef enum {
    TAGPLUG_SOURCE,
    TAGPLUG_GATE,
    TAGPLUG_THRESHOLD,
    TAGPLUG_HYSTERESIS,
    TAGPLUG_LOW,
    TAGPLUG_HIGH,
    TAGPLUG_INVERT,
    TAGPLUG_HOLD,
    TAGPLUG_DELAY,
    TAGPLUG_ATTACK,
    TAGPLUG_RELEASE,
    TAGPLUG_DEPTH,
    TAGPLUG_CURVE,
    TAGPLUG_MIN,
    TAGPLUG_MAX,
    TAGPLUG_TARGET,
    TAGPLUG_COMBINE,
    TAGPLUG_MIDI,
    TAGPLUG_CC,
    TAGPLUG_CHANNEL,
    TAGPLUG_MEDIAN,
    TAGPLUG_FIELDS
} tagplug_field;

enum { TAGPLUG_INPUTS = TAGPLUG_GLOBALS + TAGPLUG_SLOTS * TAGPLUG_FIELDS };

/* Id of the parameter by which VST 3 hosts choose a program; no other format has it. */
enum { TAGPLUG_PROGRAM_ID = 200001 };

/* Outputs, which are read-only, come last. */
typedef enum {
    TAGPLUG_VALUE_1 = TAGPLUG_INPUTS, /* the value of slot 1; the others follow */
    TAGPLUG_STATUS = TAGPLUG_VALUE_1 + TAGPLUG_SLOTS,
    TAGPLUG_WINDOW = TAGPLUG_STATUS + 1,
    TAGPLUG_LATENCY = TAGPLUG_STATUS + 2,
    TAGPLUG_ACTUAL_HOP = TAGPLUG_STATUS + 3,
    TAGPLUG_PARAMETERS = TAGPLUG_STATUS + 4
} tagplug_output;

enum { TAGPLUG_OUTPUTS = TAGPLUG_PARAMETERS - TAGPLUG_INPUTS };

/* Ids of targets, as states keep them. */
typedef enum {
    TAGPLUG_TARGET_NONE = 0,
    TAGPLUG_TARGET_GAIN = 1,
    TAGPLUG_TARGET_LOW_PASS = 2,
    TAGPLUG_TARGET_HIGH_PASS = 3,
    TAGPLUG_TARGET_WIDTH = 4,
    TAGPLUG_TARGET_DRIVE = 5,
    TAGPLUG_TARGET_DELAY = 6,
    TAGPLUG_TARGETS = 7 /* beyond the last one */
} tagplug_target;

/* Ids of choices of TAGPLUG_STATUS. */
typedef enum {
    TAGPLUG_STATUS_OK = 0,
    TAGPLUG_STATUS_LOADING = 1,       /* a model is being loaded; slots hold their values */
    TAGPLUG_STATUS_MODEL_MISSING = 2, /* its file does not exist */
    TAGPLUG_STATUS_MODEL_REFUSED = 3, /* its file is damaged, or no model for the inline runtime */
    TAGPLUG_STATUS_RATE = 4,          /* below 8 or above 192 kHz: audio passes, no analysis */
    TAGPLUG_STATUS_MEMORY = 5
} tagplug_status_code;

/* Ids of choices of TAGPLUG_MODEL. */
enum { TAGPLUG_MODEL_NONE = 0, TAGPLUG_MODEL_SCENE = 1 };

/* Ids of choices of TAGPLUG_ANALYSIS_INPUT. */
enum { TAGPLUG_ANALYSE_MAIN = 0, TAGPLUG_ANALYSE_SIDECHAIN = 1 };

static inline uint32_t tagplug_field_of(uint32_t slot, tagplug_field field) {
    return (uint32_t)TAGPLUG_GLOBALS + slot * (uint32_t)TAGPLUG_FIELDS + (uint32_t)field;
}

/* Whether it is a slot's source; `slot` is counted from 0. */
static inline bool tagplug_is_source(uint32_t parameter, uint32_t *slot) {
    *slot = tagnode_plugin_parameter_info(parameter)->slot - 1;
    return *slot < TAGPLUG_SLOTS && parameter == tagplug_field_of(*slot, TAGPLUG_SOURCE);
}
