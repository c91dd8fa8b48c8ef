/* parameters.c - the table of the plugin's parameters.
 *
 * Hosts and projects keep the numbers in here: an id, a symbol or a choice never changes and is
 * never used again. What is new gets a new number; a new field, output or group of slots also gets
 * the next `since`. `high` of a choice is part of what VST 3 hosts save (a share of it), so choices
 * that may grow have room. native/tests/plugin/ids.txt has all of it, and a test compares. */
#include "parameters.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- choices ---- */

static const tagnode_plugin_choice toggles[] = {{0, "off"}, {1, "on"}};
static const tagnode_plugin_choice gates[] = {
    {TAGNODE_GATE_NONE, "none"}, {TAGNODE_GATE_ABOVE, "above"}, {TAGNODE_GATE_BELOW, "below"}};
static const tagnode_plugin_choice curves[] = {
    {TAGNODE_CURVE_LIN, "lin"}, {TAGNODE_CURVE_LOG, "log"}, {TAGNODE_CURVE_EXP, "exp"}};
static const tagnode_plugin_choice combines[] = {{TAGNODE_COMBINE_SUM, "sum"},
                                                 {TAGNODE_COMBINE_MAX, "max"}};
static const tagnode_plugin_choice midi_modes[] = {{0, "off"}, {1, "7-bit"}, {2, "14-bit"}};
static const tagnode_plugin_choice statuses[] = {{TAGPLUG_STATUS_OK, "ok"},
                                                 {TAGPLUG_STATUS_LOADING, "loading"},
                                                 {TAGPLUG_STATUS_MODEL_MISSING, "model missing"},
                                                 {TAGPLUG_STATUS_MODEL_REFUSED, "model refused"},
                                                 {TAGPLUG_STATUS_RATE, "sample rate"},
                                                 {TAGPLUG_STATUS_MEMORY, "memory"}};
static const tagnode_plugin_choice analysis_inputs[] = {{TAGPLUG_ANALYSE_MAIN, "main"},
                                                        {TAGPLUG_ANALYSE_SIDECHAIN, "sidechain"}};
enum { MODEL_ROOM = 15, TARGET_ROOM = 15, INPUT_ROOM = 3 };

#define MODELS(X)                                                                                  \
    X(TAGPLUG_MODEL_NONE, "measuring only", TAGNODE_PLUGIN_NO_MODEL)                               \
    X(TAGPLUG_MODEL_SCENE, "scene", TAGNODE_PLUGIN_INCLUDED)                                       \
    X(2, "musicnn-mtt", TAGNODE_PLUGIN_KNOWN)                                                      \
    X(3, "musicnn-msd", TAGNODE_PLUGIN_KNOWN)                                                      \
    X(4, "vgg-mtt", TAGNODE_PLUGIN_KNOWN)                                                          \
    X(5, "vgg-msd", TAGNODE_PLUGIN_KNOWN)                                                          \
    X(6, "custom-1", TAGNODE_PLUGIN_CUSTOM)                                                        \
    X(7, "custom-2", TAGNODE_PLUGIN_CUSTOM)                                                        \
    X(8, "custom-3", TAGNODE_PLUGIN_CUSTOM)                                                        \
    X(9, "custom-4", TAGNODE_PLUGIN_CUSTOM)                                                        \
    X(10, "yamnet", TAGNODE_PLUGIN_KNOWN)

/* Gain is the last stage, so that it ducks the echoes too. */
#define TARGETS(X)                                                                                 \
    X(TAGPLUG_TARGET_NONE, "none", 0, 1, "", 2, false, 0)                                          \
    X(TAGPLUG_TARGET_GAIN, "gain", -48, 12, "dB", 1, false, 6)                                     \
    X(TAGPLUG_TARGET_LOW_PASS, "low-pass", 20, 20000, "Hz", 0, true, 2)                            \
    X(TAGPLUG_TARGET_HIGH_PASS, "high-pass", 20, 20000, "Hz", 0, true, 3)                          \
    X(TAGPLUG_TARGET_WIDTH, "width", 0, 2, "", 2, false, 4)                                        \
    X(TAGPLUG_TARGET_DRIVE, "drive", 0, 36, "dB", 1, false, 1)                                     \
    X(TAGPLUG_TARGET_DELAY, "delay", 0, 1, "", 2, false, 5)

#define MODEL_CHOICE(id, name, kind) {id, name},
#define MODEL_ROW(id, name, kind) {id, name, kind},
#define TARGET_CHOICE(id, name, low, high, unit, places, ratios, stage) {id, name},
#define TARGET_ROW(id, name, low, high, unit, places, ratios, stage)                               \
    {id, name, unit, low, high, places, ratios, stage},

static const tagnode_plugin_choice model_choices[] = {MODELS(MODEL_CHOICE)};
static const tagnode_plugin_model models[] = {MODELS(MODEL_ROW)};
static const tagnode_plugin_choice target_choices[] = {TARGETS(TARGET_CHOICE)};
static const tagnode_plugin_target targets[] = {TARGETS(TARGET_ROW)};

/* ---- rows ---- */

#define NO_CHOICES NULL, 0
#define CHOICES(list) (list), (uint32_t)COUNT(list)
/* What follows `output` are the choices, of two values, and the sentence. */
#define ROW(id, since, slot, field, symbol, name, group, unit, low, high, start, scale, output,    \
            ...)                                                                                   \
    {id,     since,      slot, field, symbol, name,                                                \
     group,  unit,       low,  high,  start,  TAGNODE_SCALE_##scale,                               \
     output, __VA_ARGS__}
#define GLOBAL(id, since, symbol, name, unit, low, high, start, scale, choices, about)             \
    ROW(id, since, 0, 0, symbol, name, "", unit, low, high, start, scale, false, choices, about)
/* A field: its number, its `since`, and so on; `first` is the `since` of its slot. */
#define FIELD(n, first, number, since, symbol, name, unit, low, high, start, scale, choices,       \
              about)                                                                               \
    ROW(1000 * (n) + (number), (since) > (first) ? (since) : (first), n, number,                   \
        "slot" #n "_" symbol, "Slot " #n " " name, "Slot " #n, unit, low, high, start, scale,      \
        false, choices, about)
#define VALUE(n, first)                                                                            \
    ROW(100100 + (n), first, n, 0, "slot" #n "_value", "Slot " #n " value", "Slot " #n, "", 0, 1,  \
        0, LINEAR, true, NO_CHOICES, "The slot's value, as a share of the target's range.")
#define OUTPUT(id, since, symbol, name, unit, high, scale, choices, about)                         \
    ROW(id, since, 0, 0, symbol, name, "", unit, 0, high, 0, scale, true, choices, about)

static const tagnode_plugin_parameter globals[TAGPLUG_GLOBALS] = {
    [TAGPLUG_BYPASS] = GLOBAL(1, 0, "bypass", "Bypass", "", 0, 1, 0, TOGGLE, CHOICES(toggles),
                              "Audio passes unchanged; the analysis goes on."),
    [TAGPLUG_MODEL] = GLOBAL(2, 0, "model", "Model", "", 0, MODEL_ROOM, TAGPLUG_MODEL_SCENE, CHOICE,
                             CHOICES(model_choices), "The model that tags the audio."),
    [TAGPLUG_HOP] = GLOBAL(3, 0, "hop", "Hop", "s", 0.05F, 2, 0.1F, LOG, NO_CHOICES,
                           "Time between two results of the model."),
    [TAGPLUG_DELAY_TIME] = GLOBAL(4, 0, "delay_time", "Delay time", "s", 0.01F, 2, 0.375F, LOG,
                                  NO_CHOICES, "Time between two echoes of the delay effect."),
    [TAGPLUG_DELAY_FEEDBACK] =
        GLOBAL(5, 0, "delay_feedback", "Delay feedback", "", 0, 0.95F, 0.4F, LINEAR, NO_CHOICES,
               "Share of an echo that returns as the next one."),
    [TAGPLUG_OSC_PORT] =
        GLOBAL(6, 0, "osc_port", "OSC port", "", 0, 65535, 0, INTEGER, NO_CHOICES,
               "UDP port on this machine to which slot values are sent as OSC; 0 is off."),
    [TAGPLUG_ANALYSIS_INPUT] =
        GLOBAL(7, 1, "analysis_input", "Analysis input", "", 0, INPUT_ROOM, TAGPLUG_ANALYSE_MAIN,
               CHOICE, CHOICES(analysis_inputs),
               "The input that is analysed; effects act on the main input in any case."),
};

/* clang-format off */
#define SLOT(n, first, cc) {                                                                       \
    [TAGPLUG_SOURCE] = FIELD(n, first, 1, 0, "source", "source", "", 0, TAGNODE_PLUGIN_SOURCE_MAX, \
        0, INTEGER, NO_CHOICES,                                                                    \
        "The descriptor that moves the slot: a measured signal, or a label of the model or of a head."), \
    [TAGPLUG_GATE] = FIELD(n, first, 2, 0, "gate", "gate", "", 0, TAGNODE_GATE_BELOW, 0, CHOICE,   \
        CHOICES(gates),                                                                            \
        "none: the source runs from low to high; above, below: it opens a gate at the threshold."), \
    [TAGPLUG_THRESHOLD] = FIELD(n, first, 3, 0, "threshold", "threshold", "", 0, 1, 0.5F, LINEAR,  \
        NO_CHOICES, "The level at which the gate opens, in the source's unit."),                   \
    [TAGPLUG_HYSTERESIS] = FIELD(n, first, 4, 0, "hysteresis", "hysteresis", "", 0, 1, 0.05F,      \
        LINEAR, NO_CHOICES, "How far back beyond the threshold the gate closes."),                 \
    [TAGPLUG_LOW] = FIELD(n, first, 5, 0, "low", "low", "", 0, 1, 0, LINEAR, NO_CHOICES,           \
        "The source's value that counts as 0; may be above high."),                                \
    [TAGPLUG_HIGH] = FIELD(n, first, 6, 0, "high", "high", "", 0, 1, 1, LINEAR, NO_CHOICES,        \
        "The source's value that counts as 1."),                                                   \
    [TAGPLUG_INVERT] = FIELD(n, first, 7, 0, "invert", "invert", "", 0, 1, 0, TOGGLE,              \
        CHOICES(toggles), "Inverts the gate or the range: 1 - x."),                                \
    [TAGPLUG_HOLD] = FIELD(n, first, 8, 0, "hold", "hold", "s", 0, 10, 0, LINEAR, NO_CHOICES,      \
        "Time for which a value is held before it falls."),                                        \
    [TAGPLUG_DELAY] = FIELD(n, first, 9, 0, "delay", "delay", "s", 0, 10, 0, LINEAR, NO_CHOICES,   \
        "Time by which the movement is delayed."),                                                 \
    [TAGPLUG_ATTACK] = FIELD(n, first, 10, 0, "attack", "attack", "s", 0, 10, 0.05F, LINEAR,       \
        NO_CHOICES, "Time constant of a rise: 63 % of a step."),                                   \
    [TAGPLUG_RELEASE] = FIELD(n, first, 11, 0, "release", "release", "s", 0, 10, 0.5F, LINEAR,     \
        NO_CHOICES, "Time constant of a fall: 63 % of a step."),                                   \
    [TAGPLUG_DEPTH] = FIELD(n, first, 12, 0, "depth", "depth", "", 0, 1, 1, LINEAR, NO_CHOICES,    \
        "Share of the way from min to max; it acts before the curve."),                            \
    [TAGPLUG_CURVE] = FIELD(n, first, 13, 0, "curve", "curve", "", 0, TAGNODE_CURVE_EXP, 0, CHOICE, \
        CHOICES(curves),                                                                           \
        "lin: even steps; log: even ratios, where min and max are above 0 in the target's unit, else lin; exp: square."), \
    [TAGPLUG_MIN] = FIELD(n, first, 14, 0, "min", "min", "", 0, 1, 0, LINEAR, NO_CHOICES,          \
        "The slot's value at rest, in the target's unit."),                                        \
    [TAGPLUG_MAX] = FIELD(n, first, 15, 0, "max", "max", "", 0, 1, 1, LINEAR, NO_CHOICES,          \
        "The slot's value when fully moved, in the target's unit; may be below min."),             \
    [TAGPLUG_TARGET] = FIELD(n, first, 16, 0, "target", "target", "", 0, TARGET_ROOM, 0, CHOICE,   \
        CHOICES(target_choices), "The built-in effect that the slot moves."),                      \
    [TAGPLUG_COMBINE] = FIELD(n, first, 17, 0, "combine", "combine", "", 0, TAGNODE_COMBINE_MAX, 0, \
        CHOICE, CHOICES(combines),                                                                 \
        "How slots with one target combine, as the first of them has it. sum: its min, and how far each slot is from its own min; max: the slot farthest from its min."), \
    [TAGPLUG_MIDI] = FIELD(n, first, 18, 0, "midi", "MIDI", "", 0, 2, 0, CHOICE,                   \
        CHOICES(midi_modes), "Whether the value is sent as a MIDI controller, and in how many bits."), \
    [TAGPLUG_CC] = FIELD(n, first, 19, 0, "cc", "controller", "", 0, 127, cc, INTEGER, NO_CHOICES, \
        "Number of the MIDI controller; 14-bit ones are 0 to 31."),                                \
    [TAGPLUG_CHANNEL] = FIELD(n, first, 20, 0, "channel", "channel", "", 1, 16, 1, INTEGER,        \
        NO_CHOICES, "MIDI channel."),                                                              \
    [TAGPLUG_MEDIAN] = FIELD(n, first, 21, 2, "median", "median", "s", 0, 10, 0, LINEAR, NO_CHOICES, \
        "Takes the median of the source's results of this time: what lasts for less than half of it is ignored, a change is followed half of it later."), \
    }
/* clang-format on */

/* NOLINTBEGIN(bugprone-branch-clone,misc-redundant-expression): `since` of a field and of a slot */
/* Controllers are 20 to 31, which MIDI leaves undefined and which can have 14 bits, then 102 on,
 * which are undefined too. */
static const tagnode_plugin_parameter slots[][TAGPLUG_FIELDS] = {
    SLOT(1, 0, 20),   SLOT(2, 0, 21),   SLOT(3, 0, 22),   SLOT(4, 0, 23),
    SLOT(5, 0, 24),   SLOT(6, 0, 25),   SLOT(7, 0, 26),   SLOT(8, 0, 27),
#if TAGNODE_PLUGIN_SLOTS > 8
    SLOT(9, 3, 28),   SLOT(10, 3, 29),  SLOT(11, 3, 30),  SLOT(12, 3, 31),
    SLOT(13, 3, 102), SLOT(14, 3, 103), SLOT(15, 3, 104), SLOT(16, 3, 105),
#endif
};
/* NOLINTEND(bugprone-branch-clone,misc-redundant-expression) */
static const tagnode_plugin_parameter values[] = {
    VALUE(1, 0),  VALUE(2, 0),  VALUE(3, 0),  VALUE(4, 0),
    VALUE(5, 0),  VALUE(6, 0),  VALUE(7, 0),  VALUE(8, 0),
#if TAGNODE_PLUGIN_SLOTS > 8
    VALUE(9, 3),  VALUE(10, 3), VALUE(11, 3), VALUE(12, 3),
    VALUE(13, 3), VALUE(14, 3), VALUE(15, 3), VALUE(16, 3),
#endif
};
_Static_assert(TAGPLUG_SLOTS >= 1 && TAGPLUG_SLOTS <= COUNT(slots), "each slot has its row");

static const tagnode_plugin_parameter outputs[TAGPLUG_PARAMETERS - TAGPLUG_STATUS] = {
    [0] = OUTPUT(100001, 0, "status", "Status", "", TAGPLUG_STATUS_MEMORY, CHOICE,
                 CHOICES(statuses), "Whether the model runs, or why not."),
    [TAGPLUG_WINDOW - TAGPLUG_STATUS] =
        OUTPUT(100002, 0, "window", "Window", "s", 60, LINEAR, NO_CHOICES,
               "Length of the audio that the model analyses at once; 0 without a model."),
    [TAGPLUG_LATENCY - TAGPLUG_STATUS] =
        OUTPUT(100003, 0, "latency", "Result latency", "s", 60, LINEAR, NO_CHOICES,
               "Time from the end of a window to its result; audio itself is not delayed."),
    [TAGPLUG_ACTUAL_HOP - TAGPLUG_STATUS] =
        OUTPUT(100004, 0, "actual_hop", "Actual hop", "s", 60, LINEAR, NO_CHOICES,
               "Hop as rounded to whole frames of the model."),
};

/* ---- what tagnode.h declares ---- */

const tagnode_plugin_parameter *tagnode_plugin_parameter_info(uint32_t index) {
    if (index < TAGPLUG_GLOBALS) return &globals[index];
    if (index < TAGPLUG_INPUTS)
        return &slots[(index - TAGPLUG_GLOBALS) / TAGPLUG_FIELDS]
                     [(index - TAGPLUG_GLOBALS) % TAGPLUG_FIELDS];
    if (index < TAGPLUG_STATUS) return &values[index - TAGPLUG_VALUE_1];
    if (index < TAGPLUG_PARAMETERS) return &outputs[index - TAGPLUG_STATUS];
    return NULL;
}

uint32_t tagnode_plugin_parameter_find(uint32_t id) {
    const uint32_t slot = id / 1000; /* 0: of the whole plugin; beyond the slots: an output */
    uint32_t i = 0, end = TAGPLUG_GLOBALS;
    if (slot > 0 && slot <= TAGPLUG_SLOTS) {
        i = tagplug_field_of(slot - 1, TAGPLUG_SOURCE);
        end = i + TAGPLUG_FIELDS;
    } else if (slot > 0) {
        i = TAGPLUG_INPUTS;
        end = TAGPLUG_PARAMETERS;
    }
    while (i < end && tagnode_plugin_parameter_info(i)->id != id) ++i;
    return i < end ? i : UINT32_MAX;
}

uint32_t tagnode_plugin_parameter_count(void) {
    return TAGPLUG_PARAMETERS;
}

const tagnode_plugin_model *tagnode_plugin_model_info(uint32_t index) {
    return index < COUNT(models) ? &models[index] : NULL;
}

const tagnode_plugin_target *tagnode_plugin_target_info(uint32_t index) {
    return index < COUNT(targets) ? &targets[index] : NULL;
}

static const tagnode_plugin_identity identity = {
    TAGNODE_PLUGIN_NAME, TAGNODE_PLUGIN_URI, TAGNODE_PLUGIN_CLAP_ID, {TAGNODE_PLUGIN_VST3_CLASS}};

const tagnode_plugin_identity *tagnode_plugin_identity_info(void) {
    return &identity;
}
