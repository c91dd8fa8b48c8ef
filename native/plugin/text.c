/* text.c - values as people read and type them. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "support/message.h"

/* How a share of a range reads: low + (high - low) x, or in even ratios. */
typedef struct {
    double low, high;
    const char *unit;
    int places;
    bool ratios;
} range;

static const range plain = {0, 1, "", 2, false};
static const range targets[TAGPLUG_TARGETS] = {
    [TAGPLUG_TARGET_NONE] = {0, 1, "", 2, false},
    [TAGPLUG_TARGET_GAIN] = {-48, 12, "dB", 1, false},
    [TAGPLUG_TARGET_LOW_PASS] = {20, 20000, "Hz", 0, true},
    [TAGPLUG_TARGET_HIGH_PASS] = {20, 20000, "Hz", 0, true},
    [TAGPLUG_TARGET_WIDTH] = {0, 2, "", 2, false},
    [TAGPLUG_TARGET_DRIVE] = {0, 36, "dB", 1, false},
    [TAGPLUG_TARGET_DELAY] = {0, 1, "", 2, false},
};

/* The range of a slot's source; `difference` is for what is told from one value to another. */
static range source_range(const tagplug *plugin, uint32_t slot, bool difference) {
    const uint32_t source = (uint32_t)tagplug_read(plugin, tagplug_field_of(slot, TAGPLUG_SOURCE));
    if (source < 1 || source > tagnode_signal_count()) return plain;
    const tagnode_signal *about = tagnode_signal_info(source - 1);
    const double width = (double)about->high - about->low;
    range found = {about->low, about->high, about->unit,
                   width > 500 ? 0
                   : width > 2 ? 1
                               : 2,
                   false};
    if (!difference) return found;
    found.low = 0;
    found.high = width;
    if (strncmp(found.unit, "dB", 2) == 0 || strcmp(found.unit, "LUFS") == 0) found.unit = "dB";
    return found;
}

/* The range that a parameter's value is a share of, if it is one. */
static bool range_of(const tagplug *plugin, uint32_t parameter, range *found) {
    uint32_t slot, field = TAGPLUG_MIN;
    if (parameter >= TAGPLUG_VALUE_1 && parameter < TAGPLUG_STATUS) {
        slot = parameter - TAGPLUG_VALUE_1;
    } else {
        if (parameter < TAGPLUG_GLOBALS || parameter >= TAGPLUG_INPUTS) return false;
        slot = (parameter - TAGPLUG_GLOBALS) / TAGPLUG_FIELDS;
        field = (parameter - TAGPLUG_GLOBALS) % TAGPLUG_FIELDS;
    }
    switch (field) {
    case TAGPLUG_THRESHOLD:
    case TAGPLUG_LOW:
    case TAGPLUG_HIGH: *found = source_range(plugin, slot, false); return true;
    case TAGPLUG_HYSTERESIS: *found = source_range(plugin, slot, true); return true;
    case TAGPLUG_MIN:
    case TAGPLUG_MAX:
        *found = targets[(uint32_t)tagplug_read(plugin, tagplug_field_of(slot, TAGPLUG_TARGET))];
        return true;
    default: return false;
    }
}

static bool is_source(uint32_t parameter, uint32_t *slot) {
    if (parameter < TAGPLUG_GLOBALS || parameter >= TAGPLUG_INPUTS) return false;
    *slot = (parameter - TAGPLUG_GLOBALS) / TAGPLUG_FIELDS;
    return (parameter - TAGPLUG_GLOBALS) % TAGPLUG_FIELDS == TAGPLUG_SOURCE;
}

/* ---- to text ---- */

/* Writes a number with a point, whatever the host's locale says. */
static void put_number(double value, int places, const char *unit, char *text, size_t size) {
    const double least = 0.5 * pow(10, -places);
    if (fabs(value) < least) value = 0; /* not -0.0 */
    (void)snprintf(text, size, "%.*f%s%s", places, value, unit[0] == '\0' ? "" : " ", unit);
    char *comma = strchr(text, ',');
    if (comma != NULL) *comma = '.';
}

static void put_label(const tagplug_label *label, char *text, size_t size) {
    if (label->head == NULL)
        (void)snprintf(text, size, "%s", label->text);
    else
        (void)snprintf(text, size, "%s: %s", label->head, label->text);
}

static void put_source(tagplug *plugin, uint32_t slot, float value, char *text, size_t size) {
    const uint32_t source = (uint32_t)value;
    const tagplug_model *model = plugin->shown;
    if (source == 0)
        (void)snprintf(text, size, "none");
    else if (source <= tagnode_signal_count())
        (void)snprintf(text, size, "%s", tagnode_signal_info(source - 1)->name);
    else if (source == TAGPLUG_KEPT_SOURCE && plugin->kept[slot].name[0] != '\0')
        (void)snprintf(text, size, "%s (not in this model)", plugin->kept[slot].name);
    else if (source < TAGPLUG_FIRST_LABEL)
        (void)snprintf(text, size, "- %u", source);
    else if (model != NULL && source - TAGPLUG_FIRST_LABEL < model->label_count)
        put_label(&model->labels[source - TAGPLUG_FIRST_LABEL], text, size);
    else
        (void)snprintf(text, size, "label %u", source - TAGPLUG_FIRST_LABEL + 1);
}

static void put_seconds(double value, char *text, size_t size) {
    put_number(value, value < 0.0995 ? 3 : 2, "s", text, size);
}

void tagplug_text(const tagplug *plugin, uint32_t parameter, float value, char *text, size_t size) {
    const tagplug_parameter *about = tagplug_about(parameter);
    if (size == 0) return;
    text[0] = '\0';
    if (about == NULL) return;
    value = tagplug_clamp(parameter, value);
    uint32_t slot = 0;
    range shown;
    if (is_source(parameter, &slot)) {
        tagplug *self = (tagplug *)plugin; /* what it shows may have to be brought up to date */
        tagplug_lock_take(&self->naming);
        if (value >= TAGPLUG_FIRST_LABEL) tagplug_show_chosen(self);
        put_source(self, slot, value, text, size);
        tagplug_lock_give(&self->naming);
    } else if (range_of(plugin, parameter, &shown)) {
        const double at = shown.ratios ? shown.low * pow(shown.high / shown.low, value)
                                       : shown.low + (shown.high - shown.low) * value;
        put_number(at, shown.places, shown.unit, text, size);
    } else if (about->choices != NULL) {
        (void)snprintf(text, size, "%s", about->choices[(uint32_t)value]);
    } else if (parameter == TAGPLUG_OSC_PORT && value == 0) {
        (void)snprintf(text, size, "off");
    } else if (strcmp(about->unit, "s") == 0) {
        put_seconds(value, text, size);
    } else {
        put_number(value, about->scale == TAGPLUG_INTEGER ? 0 : 2, about->unit, text, size);
    }
}

/* ---- from text ---- */

static char lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool same(const char *one, const char *two) {
    for (; *one != '\0' && lower(*one) == lower(*two); ++one) ++two;
    return *one == *two;
}

/* Reads a number with a point or a comma, whatever the host's locale says, and skips what may
 * follow it: a unit. */
static bool take_number(const char *text, double *number) {
    const bool minus = *text == '-';
    if (*text == '-' || *text == '+') ++text;
    double value = 0, place = 0;
    int digits = 0;
    for (; isdigit((unsigned char)*text) || ((*text == '.' || *text == ',') && place == 0);
         ++text) {
        if (!isdigit((unsigned char)*text)) {
            place = 1;
            continue;
        }
        if (++digits > 30) return false;
        place /= 10;
        value = place == 0 ? 10 * value + (*text - '0') : value + place * (*text - '0');
    }
    while (*text == ' ') ++text;
    if (digits == 0 || isdigit((unsigned char)*text) || *text == '.' || *text == ',') return false;
    if (*text == 'k' || *text == 'K') value *= 1000; /* 2 kHz */
    if (same(text, "ms")) value /= 1000;
    *number = minus ? -value : value;
    return true;
}

static bool take_source(tagplug *plugin, const char *text, float *value) {
    if (same(text, "none")) {
        *value = 0;
        return true;
    }
    for (uint32_t i = 0; i < tagnode_signal_count(); ++i)
        if (same(text, tagnode_signal_info(i)->name)) {
            *value = (float)(i + 1);
            return true;
        }
    tagplug_lock_take(&plugin->naming);
    tagplug_show_chosen(plugin);
    uint32_t found = tagplug_source_number(plugin, text);
    const tagplug_model *model = plugin->shown;
    const uint32_t labels = model == NULL ? 0 : model->label_count;
    for (uint32_t i = 0; i < labels && i < 256 - TAGPLUG_FIRST_LABEL && found == 0; ++i) {
        char own[2 * TAGPLUG_NAME_MOST];
        put_label(&model->labels[i], own, sizeof own);
        if (same(text, own)) found = TAGPLUG_FIRST_LABEL + i;
    }
    tagplug_lock_give(&plugin->naming);
    *value = (float)found;
    return found != 0;
}

bool tagplug_value(const tagplug *plugin, uint32_t parameter, const char *text, float *value) {
    const tagplug_parameter *about = tagplug_about(parameter);
    uint32_t slot = 0;
    range shown;
    double number = 0;
    if (about == NULL || text == NULL) return false;
    while (*text == ' ') ++text;
    if (is_source(parameter, &slot) && take_source((tagplug *)plugin, text, value)) return true;
    for (uint32_t i = 0; about->choices != NULL && i <= (uint32_t)about->high; ++i)
        if (same(text, about->choices[i])) {
            *value = (float)i;
            return true;
        }
    if (parameter == TAGPLUG_OSC_PORT && same(text, "off")) {
        *value = 0;
        return true;
    }
    if (about->choices != NULL || !take_number(text, &number)) return false;
    if (range_of(plugin, parameter, &shown)) {
        if (shown.ratios && number <= 0) number = shown.low;
        number = shown.ratios ? log(number / shown.low) / log(shown.high / shown.low)
                              : (number - shown.low) / (shown.high - shown.low);
    }
    *value = tagplug_clamp(parameter, (float)number);
    return true;
}

/* ---- how things are ---- */

void tagplug_explain(const tagplug *plugin, tagnode_message *sentence) {
    tagplug *self = (tagplug *)plugin; /* its lock is not const */
    const char *model =
        tagplug_about(TAGPLUG_MODEL)->choices[(uint32_t)tagplug_read(plugin, TAGPLUG_MODEL)];
    const uint32_t status = (uint32_t)tagplug_read(plugin, TAGPLUG_STATUS);
    const double window = tagplug_read(plugin, TAGPLUG_WINDOW);
    const double worked = tagplug_read(plugin, TAGPLUG_WORKED);
    tagplug_lock_take(&self->naming);
    if (status == TAGPLUG_STATUS_LOADING)
        (void)tagnode_say(sentence, TAGNODE_OK, "The model %s is being loaded.", model);
    else if (status != TAGPLUG_STATUS_OK && plugin->trouble[0] != '\0')
        (void)snprintf(sentence->text, sizeof sentence->text, "%s", plugin->trouble);
    else if (window > 0)
        (void)tagnode_say(sentence, TAGNODE_OK,
                          "Hears with %s: %.2f s at once, an answer each %.3f s.", model, window,
                          worked);
    else
        (void)tagnode_say(sentence, TAGNODE_OK, "Measures only; no model is at work.");
    tagplug_lock_give(&self->naming);
}
