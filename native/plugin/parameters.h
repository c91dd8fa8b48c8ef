/* parameters.h - what a host can set and read, declared once: ports, ranges, texts, TTL and the
 * documents come from this table. */
#ifndef TAGPLUG_PARAMETERS_H
#define TAGPLUG_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include "tagnode.h"

enum { TAGPLUG_SLOTS = 8 };

/* Before the slots. Numbers never change: hosts and states keep them. */
typedef enum {
    TAGPLUG_BYPASS,         /* toggle: audio passes bit for bit; hearing goes on */
    TAGPLUG_MODEL,          /* choice, see tagplug_model_names */
    TAGPLUG_HOP,            /* s between two answers, 0.05 to 2, log, default 0.1 */
    TAGPLUG_DELAY_TIME,     /* s, 0.01 to 2, log, default 0.375 */
    TAGPLUG_DELAY_FEEDBACK, /* share, 0 to 0.95, default 0.4 */
    TAGPLUG_OSC_PORT,       /* 0 (off, the default) to 65535, on the loopback interface */
    TAGPLUG_GLOBALS
} tagplug_global;

/* Of each slot; parameter TAGPLUG_GLOBALS + slot * TAGPLUG_FIELDS + field. */
typedef enum {
    TAGPLUG_SOURCE,     /* 0 none; 1 to 15 a signal, tagnode_signal_id + 1; 31 a name that the model
                           does not have, kept for one that does; 32 to 255 a label of the model
                           (and then its heads), 32 + its number. Default 0 */
    TAGPLUG_MODE,       /* choice: range (default), above, below */
    TAGPLUG_THRESHOLD,  /* 0 to 1, default 0.5; this and the next three are shares of the source's
                           usual range (labels 0..1), and shown in its unit */
    TAGPLUG_HYSTERESIS, /* 0 to 1, default 0.05 */
    TAGPLUG_LOW,        /* 0 to 1, default 0: where a range begins; low may be above high */
    TAGPLUG_HIGH,       /* 0 to 1, default 1 */
    TAGPLUG_INVERT,     /* toggle, default off */
    TAGPLUG_HOLD,       /* s, 0 to 10, default 0 */
    TAGPLUG_DELAYED,    /* s, 0 to 10, default 0: the knob "delay" */
    TAGPLUG_ATTACK,     /* s, 0 to 10, default 0.05 */
    TAGPLUG_RELEASE,    /* s, 0 to 10, default 0.5 */
    TAGPLUG_CURVE,      /* choice: lin (default), exp (slow then fast, x^2), log (fast then slow,
                           1 - (1 - x)^2) */
    TAGPLUG_MIN,        /* 0 to 1, default 0: the slot's value at rest; a share of the target's
                           range, and shown in its unit */
    TAGPLUG_MAX,        /* 0 to 1, default 1; may be below min */
    TAGPLUG_TARGET,     /* choice, see tagplug_target */
    TAGPLUG_MIDI,       /* choice: off (default), 7-bit, 14-bit */
    TAGPLUG_CC,         /* controller, 0 to 127, default 20 + slot; 14-bit ones are 0 to 31 */
    TAGPLUG_CHANNEL,    /* 1 to 16, default 1 */
    TAGPLUG_FIELDS
} tagplug_field;

enum { TAGPLUG_INPUTS = TAGPLUG_GLOBALS + TAGPLUG_SLOTS * TAGPLUG_FIELDS };

/* Read-only, after the inputs. */
typedef enum {
    TAGPLUG_VALUE_1 = TAGPLUG_INPUTS, /* 0 to 1, the value of slot 1; the others follow */
    TAGPLUG_STATUS = TAGPLUG_VALUE_1 + TAGPLUG_SLOTS, /* choice, see tagplug_status */
    TAGPLUG_WINDOW,  /* s that the model hears at once; 0 without a model */
    TAGPLUG_LATENCY, /* s from the end of a window to its answer; audio itself has none */
    TAGPLUG_WORKED,  /* s between two answers, as rounded to whole mel frames */
    TAGPLUG_PARAMETERS
} tagplug_output;

/* Where a slot's value goes inside the plugin. Each target's range, and so what min and max mean:
 * an effect that no slot targets is out of the path, and audio then passes bit for bit. */
typedef enum {
    TAGPLUG_TARGET_NONE,      /* out of the plugin only: 0 to 1 */
    TAGPLUG_TARGET_GAIN,      /* -48 to +12 dB; 0.8 is 0 dB */
    TAGPLUG_TARGET_LOW_PASS,  /* 20 to 20000 Hz, even ratios */
    TAGPLUG_TARGET_HIGH_PASS, /* 20 to 20000 Hz, even ratios */
    TAGPLUG_TARGET_WIDTH,     /* 0 (mono) to 2; 0.5 is 1, as it is */
    TAGPLUG_TARGET_DRIVE,     /* 0 to 36 dB */
    TAGPLUG_TARGET_DELAY,     /* send to the delay, 0 to 1 */
    TAGPLUG_TARGETS
} tagplug_target;

typedef enum {
    TAGPLUG_STATUS_OK,
    TAGPLUG_STATUS_LOADING,       /* a model is being loaded; slots hold */
    TAGPLUG_STATUS_MODEL_MISSING, /* its file is not there */
    TAGPLUG_STATUS_MODEL_REFUSED, /* its file is damaged, or no model for the inline runtime */
    TAGPLUG_STATUS_RATE,          /* below 8 or above 192 kHz: audio passes, nothing is heard */
    TAGPLUG_STATUS_MEMORY,
    TAGPLUG_STATUSES
} tagplug_status_code;

/* Choices of TAGPLUG_MODEL. "measuring only" needs no file; "scene" is compiled in; the others are
 * <models>/plugins/<name>.tagnode, made by `pyplugin models get` or `pyplugin plugins model`, where
 * <models> is, as in pyplugin/models/folders.py, $PYPLUGIN_MODELS, else <user
 * data>/pyplugin/models. User data: $XDG_DATA_HOME if it is absolute, else ~/.local/share or
 * ~/Library/Application Support; %LOCALAPPDATA%. */
enum {
    TAGPLUG_MODELS = 10
}; /* measuring only, scene (default), musicnn-mtt, musicnn-msd, vgg-mtt,
      vgg-msd, custom-1 .. custom-4 */

typedef enum {
    TAGPLUG_LINEAR,
    TAGPLUG_LOG,
    TAGPLUG_INTEGER,
    TAGPLUG_TOGGLE,
    TAGPLUG_CHOICE
} tagplug_scale;

typedef struct {
    const char *symbol; /* [a-z0-9_]+: "slot1_threshold"; never changes */
    const char *name;   /* "Slot 1 threshold" */
    const char *group;  /* "", "Slot 1" .. */
    const char *unit;   /* "s", "" */
    float low, high, start;
    tagplug_scale scale;
    const char *const *choices; /* high + 1 of them, or NULL */
    bool output;
    const char *about; /* a sentence */
} tagplug_parameter;

/* NULL from TAGPLUG_PARAMETERS on. [any] */
const tagplug_parameter *tagplug_about(uint32_t parameter) TAGNODE_NONBLOCKING;

/* 0 to 1 and back, for hosts whose parameters are normalised; clamps, rounds what is whole. NaN is
 * the default. [any] */
float tagplug_normalise(uint32_t parameter, float value) TAGNODE_NONBLOCKING;
float tagplug_denormalise(uint32_t parameter, float share) TAGNODE_NONBLOCKING;
float tagplug_clamp(uint32_t parameter, float value) TAGNODE_NONBLOCKING;

static inline uint32_t tagplug_field_of(uint32_t slot, tagplug_field field) {
    return (uint32_t)TAGPLUG_GLOBALS + slot * (uint32_t)TAGPLUG_FIELDS + (uint32_t)field;
}

#endif
