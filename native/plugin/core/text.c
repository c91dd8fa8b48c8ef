/* text.c - values as text, shown and typed. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sources.h"
#include "support/message.h"

/* The range that a share of 0 to 1 is shown in: the same fields as a target. */
typedef tagnode_plugin_target range;

/* The range of a slot's source; `difference` is for a distance between two of its values. */
static range source_range(const tagplug *plugin, uint32_t slot, bool difference) {
    const uint32_t source = (uint32_t)tagplug_read(plugin, tagplug_field_of(slot, TAGPLUG_SOURCE));
    const tagnode_signal *about = tagnode_signal_info(tagnode_plugin_source_signal(source));
    if (about == NULL) return *tagplug_target_of(TAGPLUG_TARGET_NONE); /* 0 to 1 */
    const double width = (double)about->high - about->low;
    range found = {.unit = about->unit,
                   .low = about->low,
                   .high = about->high,
                   .places = width > 500 ? 0
                             : width > 2 ? 1
                                         : 2};
    if (!difference) return found;
    found.low = 0;
    found.high = (float)width;
    if (strncmp(found.unit, "dB", 2) == 0 || strcmp(found.unit, "LUFS") == 0) found.unit = "dB";
    return found;
}

/* The range that a parameter's value is a share of, if it is one. */
static bool range_of(const tagplug *plugin, uint32_t parameter, range *found) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    if (about->slot == 0) return false;
    const uint32_t slot = about->slot - 1;
    const uint32_t field = about->output ? TAGPLUG_MIN : parameter - tagplug_field_of(slot, 0);
    switch (field) {
    case TAGPLUG_THRESHOLD:
    case TAGPLUG_LOW:
    case TAGPLUG_HIGH: *found = source_range(plugin, slot, false); return true;
    case TAGPLUG_HYSTERESIS: *found = source_range(plugin, slot, true); return true;
    case TAGPLUG_MIN:
    case TAGPLUG_MAX: {
        const uint32_t target = tagplug_field_of(slot, TAGPLUG_TARGET);
        *found = *tagplug_target_of((tagplug_target)tagplug_read(plugin, target));
        return true;
    }
    default: return false;
    }
}

/* ---- to text ---- */

/* Writes a number with a point, whatever the host's locale is. */
static void put_number(double value, uint32_t places, const char *unit, char *text, size_t size) {
    const double least = 0.5 * pow(10, -(double)places);
    if (fabs(value) < least) value = 0; /* not -0.0 */
    (void)snprintf(text, size, "%.*f%s%s", (int)places, value, unit[0] == '\0' ? "" : " ", unit);
    char *comma = strchr(text, ',');
    if (comma != NULL) *comma = '.';
}

static char lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool same(const char *one, const char *two) {
    for (; *one != '\0' && lower(*one) == lower(*two); ++one) ++two;
    return *one == *two;
}

/* Copies a text without spaces around it; false for one that is too long or empty. */
static bool take_word(const char *text, char *word, size_t size) {
    while (isspace((unsigned char)*text)) ++text;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) --length;
    if (length == 0 || length >= size) return false;
    memcpy(word, text, length);
    word[length] = '\0';
    return true;
}

static void put_label(const tagplug_label *label, char *text, size_t size) {
    if (label->head == NULL)
        (void)snprintf(text, size, "%s", label->text);
    else
        (void)snprintf(text, size, "%s: %s", label->head, label->text);
}

static const char *const absent = " (not in this model)", *const nothing = "-";

/* What is longer is shown as a number: VST 3 has room for 127 characters. */
enum { SOURCE_MOST = 120 };

/* What "-" is read as: the last number that is kept for signals, and not the number of one. */
enum { NO_SOURCE = 99, LAST_SIGNAL = TAGNODE_SIGNAL_END };
_Static_assert(LAST_SIGNAL < NO_SOURCE, "no signal has this number");

static bool read_source(const tagplug *plugin, uint32_t slot, const char *text, uint32_t *source);

/* Whether a text is short enough, and is read as this source and no other. */
static bool denotes(const tagplug *plugin, uint32_t slot, const char *text, uint32_t source) {
    char word[2 * TAGPLUG_NAME_MOST];
    uint32_t found = 0;
    return strlen(text) <= SOURCE_MOST && take_word(text, word, sizeof word) &&
           read_source(plugin, slot, word, &found) && found == source;
}

/* Hosts make menus of the texts of all numbers: these have the signals and the labels of the model,
 * and what the slot has, even if the model lacks it. Any other number moves nothing and reads "-",
 * not "none": hosts that look the number of a text up would find any of them. Labels may have any
 * text: a source is shown by the first one that denotes it alone. */
static void put_source(const tagplug *plugin, uint32_t slot, uint32_t source, char *text,
                       size_t size) {
    const tagnode_signal *signal = tagnode_signal_info(tagnode_plugin_source_signal(source));
    const tagplug_model *model = plugin->shown;
    const bool present = model != NULL && model->label_of[source] != TAGPLUG_NO_LABEL;
    const bool chosen =
        (uint32_t)tagplug_read(plugin, tagplug_field_of(slot, TAGPLUG_SOURCE)) == source;
    char name[TAGPLUG_NAME_MOST], full[2 * TAGPLUG_NAME_MOST] = "";
    if (source == 0 || signal != NULL) {
        (void)snprintf(text, size, "%s", signal != NULL ? signal->name : "none");
        return;
    }
    if (source == NO_SOURCE || (!present && !chosen)) {
        (void)snprintf(text, size, "%s", nothing);
        return;
    }
    if (present) put_label(&model->labels[model->label_of[source]], full, sizeof full);
    if (!present || !denotes(plugin, slot, full, source)) {
        tagplug_source_name(plugin, slot, source, name, sizeof name);
        (void)snprintf(full, sizeof full, "%s%s", name, present ? "" : absent);
    }
    if (!denotes(plugin, slot, full, source))
        (void)snprintf(full, sizeof full, "#%u%s", source, present ? "" : absent);
    (void)snprintf(text, size, "%s", full);
}

void tagplug_text(const tagplug *plugin, uint32_t parameter, float value, char *text, size_t size) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    if (size == 0) return;
    text[0] = '\0';
    if (about == NULL) return;
    value = tagplug_clamp(parameter, value);
    uint32_t slot = 0;
    range shown;
    if (tagplug_is_source(parameter, &slot)) {
        tagplug *self = (tagplug *)plugin; /* the labels shown may be out of date */
        if (tagnode_plugin_source_signal((uint32_t)value) == UINT32_MAX && value > 0)
            tagplug_show_chosen(self);
        tagplug_lock_take(&self->names_lock);
        put_source(self, slot, (uint32_t)value, text, size);
        tagplug_lock_give(&self->names_lock);
    } else if (range_of(plugin, parameter, &shown)) {
        put_number(tagnode_plugin_target_value(&shown, value), shown.places, shown.unit, text,
                   size);
    } else if (about->choices != NULL) {
        (void)snprintf(text, size, "%s", tagplug_choice_text(parameter, (uint32_t)value));
    } else if (parameter == TAGPLUG_OSC_PORT && value == 0) {
        (void)snprintf(text, size, "off");
    } else if (strcmp(about->unit, "s") == 0) {
        put_number(value, value < 0.0995F ? 3 : 2, "s", text, size);
    } else {
        put_number(value, about->scale == TAGNODE_SCALE_INTEGER ? 0 : 2, about->unit, text, size);
    }
}

/* ---- from text ---- */

/* Reads a number with a point or a comma, whatever the host's locale is, and returns what follows
 * it; NULL if there is none. */
static const char *take_number(const char *text, double *number) {
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
        if (++digits > 30) return NULL;
        place /= 10;
        value = place == 0 ? 10 * value + (*text - '0') : value + place * (*text - '0');
    }
    if (digits == 0) return NULL;
    while (*text == ' ') ++text;
    *number = minus ? -value : value;
    return text;
}

/* By what a number with this unit is to be multiplied; 0: the value has no such unit. */
static double factor_of(const char *typed, const char *unit) {
    static const struct {
        const char *unit, *typed;
        double factor;
    } others[] = {{"s", "sec", 1},     {"s", "ms", 0.001}, {"Hz", "k", 1000},
                  {"Hz", "kHz", 1000}, {"", "%", 0.01},    {"dBFS", "dB", 1},
                  {"dBTP", "dB", 1},   {"LUFS", "dB", 1},  {"LUFS", "LU", 1}};
    if (typed[0] == '\0' || same(typed, unit)) return 1;
    for (size_t i = 0; i < sizeof others / sizeof *others; ++i)
        if (strcmp(unit, others[i].unit) == 0 && same(typed, others[i].typed))
            return others[i].factor;
    return 0;
}

/* A whole number of 0 to `most`. */
static bool take_whole(const char *text, uint32_t most, uint32_t *whole) {
    double number = -1;
    const char *rest = take_number(text, &number);
    if (rest == NULL || *rest != '\0' || !(number >= 0 && number <= most)) return false;
    *whole = (uint32_t)number;
    return *whole == number;
}

/* A source that this slot keeps by its name, or another slot. */
static bool find_kept(const tagplug *plugin, uint32_t slot, const char *name, uint32_t *source) {
    for (uint32_t i = 0; i <= TAGPLUG_SLOTS && name[0] != '\0'; ++i) {
        const uint32_t each = i == 0 ? slot : i - 1;
        if (!same(plugin->kept[each].name, name)) continue;
        *source = plugin->kept[each].source;
        return true;
    }
    return false;
}

/* A descriptor's name in any case: of a label of the model, of one with a number of its own, or one
 * that is kept. */
static bool find_name(const tagplug *plugin, uint32_t slot, const char *name, uint32_t *source) {
    const tagplug_model *model = plugin->shown;
    char own[TAGPLUG_NAME_MOST];
    for (uint32_t i = 0; model != NULL && i < model->label_count; ++i) {
        tagplug_label_name(&model->labels[i], own, sizeof own);
        if (!same(own, name)) continue;
        *source = model->labels[i].source;
        return *source != 0;
    }
    size_t length = 0; /* names with numbers of their own are in lower case */
    for (; name[length] != '\0' && length + 1 < sizeof own; ++length)
        own[length] = lower(name[length]);
    own[length] = '\0';
    *source = tagnode_plugin_source_find(own);
    return (*source != 0 && *source < TAGNODE_PLUGIN_SOURCE_OTHER) ||
           find_kept(plugin, slot, name, source);
}

/* A label as it is shown. */
static bool find_label(const tagplug *plugin, const char *text, uint32_t *source) {
    const tagplug_model *model = plugin->shown;
    char shown[2 * TAGPLUG_NAME_MOST];
    for (uint32_t i = 0; model != NULL && i < model->label_count; ++i) {
        put_label(&model->labels[i], shown, sizeof shown);
        *source = model->labels[i].source;
        if (*source != 0 && same(text, shown)) return true;
    }
    return false;
}

/* "none", "-", "#" and a number, a signal, a label, a name, or a number. `names_lock` is held. */
static bool read_source(const tagplug *plugin, uint32_t slot, const char *text, uint32_t *source) {
    char name[2 * TAGPLUG_NAME_MOST];
    (void)snprintf(name, sizeof name, "%s", text);
    const size_t length = strlen(name), tail = strlen(absent);
    if (length > tail && same(name + length - tail, absent)) name[length - tail] = '\0';
    *source = 0;
    if (same(text, "none")) return true;
    if (same(text, nothing)) {
        *source = NO_SOURCE;
        return true;
    }
    if (name[0] == '#' && take_whole(name + 1, TAGNODE_PLUGIN_SOURCE_MAX, source)) return true;
    for (uint32_t i = 0; i < TAGNODE_SIGNAL_END; ++i)
        if (same(text, tagnode_signal_info(i)->name)) {
            (void)snprintf(name, sizeof name, "signal.%s", tagnode_signal_info(i)->name);
            *source = tagnode_plugin_source_find(name);
            return true;
        }
    return find_label(plugin, text, source) || find_name(plugin, slot, name, source) ||
           take_whole(name, TAGNODE_PLUGIN_SOURCE_MAX, source);
}

static bool take_source(tagplug *plugin, uint32_t slot, const char *text, float *value) {
    uint32_t source = 0;
    tagplug_show_chosen(plugin);
    tagplug_lock_take(&plugin->names_lock);
    const bool found = read_source(plugin, slot, text, &source);
    tagplug_lock_give(&plugin->names_lock);
    if (found) *value = (float)source;
    return found;
}

/* A choice by its text or its number. */
static bool take_choice(const tagnode_plugin_parameter *about, const char *text, float *value) {
    uint32_t id = UINT32_MAX;
    (void)take_whole(text, (uint32_t)about->high, &id);
    for (uint32_t i = 0; i < about->choice_count; ++i) {
        if (about->choices[i].id != id && !same(text, about->choices[i].text)) continue;
        *value = (float)about->choices[i].id;
        return true;
    }
    return false;
}

bool tagplug_value(const tagplug *plugin, uint32_t parameter, const char *text, float *value) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    char word[2 * TAGPLUG_NAME_MOST];
    uint32_t slot = 0;
    range shown;
    double number = 0;
    if (about == NULL || text == NULL || !take_word(text, word, sizeof word)) return false;
    if (tagplug_is_source(parameter, &slot))
        return take_source((tagplug *)plugin, slot, word, value);
    if (about->choices != NULL) return take_choice(about, word, value);
    if (parameter == TAGPLUG_OSC_PORT && same(word, "off")) (void)snprintf(word, sizeof word, "0");
    const bool share = range_of(plugin, parameter, &shown);
    const char *unit = take_number(word, &number);
    if (unit == NULL) return false;
    const bool whole = about->scale == TAGNODE_SCALE_INTEGER;
    const double factor = whole ? *unit == '\0' : factor_of(unit, share ? shown.unit : about->unit);
    if (factor == 0) return false;
    number *= factor;
    if (share && shown.ratios && number <= 0) number = shown.low;
    if (share) number = tagnode_plugin_target_share(&shown, number);
    *value = tagplug_clamp(parameter, (float)number);
    return true;
}

/* ---- the status as a sentence ---- */

void tagplug_explain(const tagplug *plugin, tagnode_message *sentence) {
    tagplug *self = (tagplug *)plugin; /* its lock is not const */
    const char *model =
        tagplug_choice_text(TAGPLUG_MODEL, (uint32_t)tagplug_read(plugin, TAGPLUG_MODEL));
    const uint32_t status = (uint32_t)tagplug_read(plugin, TAGPLUG_STATUS);
    const double window = tagplug_read(plugin, TAGPLUG_WINDOW);
    const double hop = tagplug_read(plugin, TAGPLUG_ACTUAL_HOP);
    tagplug_lock_take(&self->names_lock);
    if (status == TAGPLUG_STATUS_LOADING)
        (void)tagnode_report(sentence, TAGNODE_OK, "The model %s is being loaded.", model);
    else if (status != TAGPLUG_STATUS_OK && plugin->trouble[0] != '\0')
        (void)snprintf(sentence->text, sizeof sentence->text, "%s", plugin->trouble);
    else if (window > 0)
        (void)tagnode_report(sentence, TAGNODE_OK,
                             "The model %s runs: windows of %.2f s, one result every %.3f s.",
                             model, window, hop);
    else
        (void)tagnode_report(sentence, TAGNODE_OK, "Signals are measured; no model runs.");
    tagplug_lock_give(&self->names_lock);
}
