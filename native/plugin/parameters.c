#include "parameters.h"

#include <math.h>
#include <stddef.h>

static const char *const toggles[] = {"off", "on"};
static const char *const models[] = {"measuring only", "scene",   "musicnn-mtt", "musicnn-msd",
                                     "vgg-mtt",        "vgg-msd", "custom-1",    "custom-2",
                                     "custom-3",       "custom-4"};
static const char *const modes[] = {"range", "above", "below"};
static const char *const curves[] = {"lin", "exp", "log"};
static const char *const targets[] = {"none",  "gain",  "low-pass", "high-pass",
                                      "width", "drive", "delay"};
static const char *const midi_modes[] = {"off", "7-bit", "14-bit"};
static const char *const statuses[] = {"ok",          "loading", "model missing", "model refused",
                                       "sample rate", "memory"};

#define GLOBAL(symbol, name, unit, low, high, start, scale, choices, about)                        \
    {symbol, name, "", unit, low, high, start, scale, choices, false, about}
#define FIELD(n, symbol, name, unit, low, high, start, scale, choices, about)                      \
    {"slot" #n "_" symbol,                                                                         \
     "Slot " #n " " name,                                                                          \
     "Slot " #n,                                                                                   \
     unit,                                                                                         \
     low,                                                                                          \
     high,                                                                                         \
     start,                                                                                        \
     scale,                                                                                        \
     choices,                                                                                      \
     false,                                                                                        \
     about}
#define SECONDS(n, symbol, start, about)                                                           \
    FIELD(n, symbol, symbol, "s", 0, 10, start, TAGPLUG_LINEAR, NULL, about)
#define SHARE(n, symbol, start, about)                                                             \
    FIELD(n, symbol, symbol, "", 0, 1, start, TAGPLUG_LINEAR, NULL, about)
#define CHOICE(n, symbol, high, choices, about)                                                    \
    FIELD(n, symbol, symbol, "", 0, high, 0, TAGPLUG_CHOICE, choices, about)
#define OUTPUT(symbol, name, group, unit, high, scale, choices, about)                             \
    {symbol, name, group, unit, 0, high, 0, scale, choices, true, about}

/* clang-format off */
#define SLOT(n, cc)                                                                                \
    FIELD(n, "source", "source", "", 0, 255, 0, TAGPLUG_INTEGER, NULL,                             \
          "What moves the slot: nothing, a signal, or a label of the model or of its heads."),     \
    CHOICE(n, "mode", 2, modes,                                                                       \
           "Whether the source goes through a range, or opens a gate above or below a threshold."),\
    SHARE(n, "threshold", 0.5F, "Where the gate opens, as a share of the source's usual range."),  \
    SHARE(n, "hysteresis", 0.05F, "How far back over the threshold the gate closes."),             \
    SHARE(n, "low", 0, "Where the range begins; may be above high."),                              \
    SHARE(n, "high", 1, "Where the range ends."),                                                  \
    FIELD(n, "invert", "invert", "", 0, 1, 0, TAGPLUG_TOGGLE, toggles,                             \
          "Turns the range or the gate round."),                                                   \
    SECONDS(n, "hold", 0, "How long a value stays when it begins to fall."),                       \
    SECONDS(n, "delay", 0, "How much later all of it happens."),                                   \
    SECONDS(n, "attack", 0.05F, "Time to cover 63 % of a rise."),                                  \
    SECONDS(n, "release", 0.5F, "Time to cover 63 % of a fall."),                                  \
    CHOICE(n, "curve", 2, curves, "lin: even; exp: slow then fast; log: fast then slow."),            \
    SHARE(n, "min", 0, "The slot's value at rest, as a share of the target's range."),             \
    SHARE(n, "max", 1, "The slot's value when moved all the way; may be below min."),              \
    CHOICE(n, "target", TAGPLUG_TARGETS - 1, targets, "The effect inside the plugin that the slot moves."),             \
    FIELD(n, "midi", "MIDI", "", 0, 2, 0, TAGPLUG_CHOICE, midi_modes,                              \
          "Whether the value is sent as a MIDI controller, and how fine."),                        \
    FIELD(n, "cc", "controller", "", 0, 127, cc, TAGPLUG_INTEGER, NULL,                            \
          "MIDI controller, 0 to 127; 14-bit ones are 0 to 31."),                                  \
    FIELD(n, "channel", "channel", "", 1, 16, 1, TAGPLUG_INTEGER, NULL, "MIDI channel.")
#define VALUE(n)                                                                                   \
    OUTPUT("slot" #n "_value", "Slot " #n " value", "Slot " #n, "", 1, TAGPLUG_LINEAR, NULL,       \
           "The slot's value, as a share of the target's range.")
/* clang-format on */

static const tagplug_parameter table[TAGPLUG_PARAMETERS] = {
    GLOBAL("bypass", "Bypass", "", 0, 1, 0, TAGPLUG_TOGGLE, toggles,
           "Audio passes untouched; the plugin goes on hearing."),
    GLOBAL("model", "Model", "", 0, TAGPLUG_MODELS - 1, 1, TAGPLUG_CHOICE, models,
           "What names the sound."),
    GLOBAL("hop", "Hop", "s", 0.05F, 2, 0.1F, TAGPLUG_LOG, NULL,
           "Time between two answers of the model."),
    GLOBAL("delay_time", "Delay time", "s", 0.01F, 2, 0.375F, TAGPLUG_LOG, NULL,
           "Time between two echoes of the delay."),
    GLOBAL("delay_feedback", "Delay feedback", "", 0, 0.95F, 0.4F, TAGPLUG_LINEAR, NULL,
           "How much of an echo comes back as the next one."),
    GLOBAL("osc_port", "OSC port", "", 0, 65535, 0, TAGPLUG_INTEGER, NULL,
           "UDP port on this machine that slot values are sent to as OSC; 0 is off."),
    SLOT(1, 20),
    SLOT(2, 21),
    SLOT(3, 22),
    SLOT(4, 23),
    SLOT(5, 24),
    SLOT(6, 25),
    SLOT(7, 26),
    SLOT(8, 27),
    VALUE(1),
    VALUE(2),
    VALUE(3),
    VALUE(4),
    VALUE(5),
    VALUE(6),
    VALUE(7),
    VALUE(8),
    OUTPUT("status", "Status", "", "", TAGPLUG_STATUSES - 1, TAGPLUG_CHOICE, statuses,
           "Whether the plugin hears, or why not."),
    OUTPUT("window", "Window", "", "s", 60, TAGPLUG_LINEAR, NULL,
           "How much sound the model hears at once; 0 without a model."),
    OUTPUT("latency", "Answer latency", "", "s", 60, TAGPLUG_LINEAR, NULL,
           "Time from the end of a window to its answer; audio itself is not delayed."),
    OUTPUT("worked_hop", "Worked hop", "", "s", 60, TAGPLUG_LINEAR, NULL,
           "Time between two answers as the model keeps it."),
};

const tagplug_parameter *tagplug_about(uint32_t parameter) {
    return parameter < TAGPLUG_PARAMETERS ? &table[parameter] : NULL;
}

float tagplug_clamp(uint32_t parameter, float value) {
    const tagplug_parameter *p = tagplug_about(parameter);
    if (p == NULL) return 0;
    if (isnan(value)) return p->start;
    const float within = value < p->low ? p->low : value > p->high ? p->high : value;
    return p->scale >= TAGPLUG_INTEGER ? floorf(within + 0.5F) : within;
}

float tagplug_normalise(uint32_t parameter, float value) {
    const tagplug_parameter *p = tagplug_about(parameter);
    if (p == NULL) return 0;
    const double x = tagplug_clamp(parameter, value), low = p->low, high = p->high;
    if (p->scale == TAGPLUG_LOG) return (float)(log(x / low) / log(high / low));
    return (float)((x - low) / (high - low));
}

float tagplug_denormalise(uint32_t parameter, float share) {
    const tagplug_parameter *p = tagplug_about(parameter);
    if (p == NULL) return 0;
    if (isnan(share)) return p->start;
    const double x = share < 0 ? 0 : share > 1 ? 1 : share, low = p->low, high = p->high;
    if (x == 1) return p->high; /* not a rounding beside it */
    const double value =
        p->scale == TAGPLUG_LOG ? low * pow(high / low, x) : low + (high - low) * x;
    return tagplug_clamp(parameter, (float)value);
}
