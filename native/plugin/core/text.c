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

static void put_label(const tagplug_label *label, char *text, size_t size) {
    if (label->head == NULL)
        (void)snprintf(text, size, "%s", label->text);
    else
        (void)snprintf(text, size, "%s: %s", label->head, label->text);
}

static const char *const absent = " (not in this model)";

static void put_source(tagplug *plugin, uint32_t slot, uint32_t source, char *text, size_t size) {
    const tagnode_signal *signal = tagnode_signal_info(tagnode_plugin_source_signal(source));
    const tagplug_model *model = plugin->shown;
    char name[TAGPLUG_NAME_MOST];
    if (source == 0) {
        (void)snprintf(text, size, "none");
    } else if (signal != NULL) {
        (void)snprintf(text, size, "%s", signal->name);
    } else if (model != NULL && model->label_of[source] != TAGPLUG_NO_LABEL) {
        put_label(&model->labels[model->label_of[source]], text, size);
    } else {
        tagplug_source_name(plugin, slot, source, name, sizeof name);
        (void)snprintf(text, size, "%s%s", name, name[0] == '\0' ? "-" : absent);
    }
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

static char lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool same(const char *one, const char *two) {
    for (; *one != '\0' && lower(*one) == lower(*two); ++one) ++two;
    return *one == *two;
}

/* Reads a number with a point or a comma, whatever the host's locale is; a unit may follow. */
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

/* A label of the model by its text or its name, or a name that has a number without the model. */
static uint32_t find_label_source(const tagplug *plugin, const char *text) {
    const tagplug_model *model = plugin->shown;
    for (uint32_t i = 0; model != NULL && i < model->label_count; ++i) {
        char own[2 * TAGPLUG_NAME_MOST];
        put_label(&model->labels[i], own, sizeof own);
        if (model->labels[i].source != 0 && same(text, own)) return model->labels[i].source;
    }
    char name[TAGPLUG_NAME_MOST];
    const size_t length = strlen(text), tail = strlen(absent);
    const bool marked = length > tail && strcmp(text + length - tail, absent) == 0;
    (void)snprintf(name, sizeof name, "%.*s", (int)(marked ? length - tail : length), text);
    const uint32_t found = tagplug_source_number(plugin, name);
    if (found < TAGNODE_PLUGIN_SOURCE_OTHER ||
        (model != NULL && tagplug_find_label(model, name) != UINT32_MAX))
        return found;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i)
        if (strcmp(plugin->kept[i].name, name) == 0) return plugin->kept[i].source;
    return 0;
}

static bool take_source(tagplug *plugin, const char *text, float *value) {
    if (same(text, "none")) {
        *value = 0;
        return true;
    }
    for (uint32_t i = 0; i <= TAGNODE_PLUGIN_SOURCE_MAX; ++i) {
        const tagnode_signal *about = tagnode_signal_info(tagnode_plugin_source_signal(i));
        if (about == NULL || !same(text, about->name)) continue;
        *value = (float)i;
        return true;
    }
    tagplug_show_chosen(plugin);
    tagplug_lock_take(&plugin->names_lock);
    const uint32_t found = find_label_source(plugin, text);
    tagplug_lock_give(&plugin->names_lock);
    *value = (float)found;
    return found != 0;
}

bool tagplug_value(const tagplug *plugin, uint32_t parameter, const char *text, float *value) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    uint32_t slot = 0;
    range shown;
    double number = 0;
    if (about == NULL || text == NULL) return false;
    while (*text == ' ') ++text;
    if (tagplug_is_source(parameter, &slot) && take_source((tagplug *)plugin, text, value))
        return true;
    for (uint32_t i = 0; i < about->choice_count; ++i)
        if (same(text, about->choices[i].text)) {
            *value = (float)about->choices[i].id;
            return true;
        }
    if (parameter == TAGPLUG_OSC_PORT && same(text, "off")) {
        *value = 0;
        return true;
    }
    if (about->choices != NULL || !take_number(text, &number)) return false;
    if (range_of(plugin, parameter, &shown)) {
        if (shown.ratios && number <= 0) number = shown.low;
        number = tagnode_plugin_target_share(&shown, number);
    }
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
