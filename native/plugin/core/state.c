/* state.c - the state that a host saves with a project. */
#include <stdlib.h>
#include <string.h>

#include "sources.h"
#include "support/message.h"

/* Keys of entries. A parameter is float32 and its symbol; a name, kept beside the number of a
 * choice or a source, is uint8, the length of the symbol, the symbol, and the name. */
enum { MAGIC = 8, HEADER = 12, ENTRY = 4, PARAMETER_KEY = 1, NAME_KEY = 2 };

/* ---- writing ---- */

typedef struct {
    unsigned char *bytes; /* NULL: only counted */
    size_t size;
} writer;

static void put(writer *to, const void *bytes, size_t size) {
    if (to->bytes != NULL) memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void put_number(writer *to, uint32_t number, size_t size) {
    const unsigned char bytes[4] = {(unsigned char)number, (unsigned char)(number >> 8),
                                    (unsigned char)(number >> 16), (unsigned char)(number >> 24)};
    put(to, bytes, size);
}

static void put_parameter(writer *to, const char *symbol, float value) {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    put_number(to, PARAMETER_KEY, 2);
    put_number(to, (uint32_t)(4 + strlen(symbol)), 2);
    put_number(to, bits, 4);
    put(to, symbol, strlen(symbol));
}

static void put_name(writer *to, const char *symbol, const char *name) {
    if (name == NULL || name[0] == '\0') return;
    put_number(to, NAME_KEY, 2);
    put_number(to, (uint32_t)(1 + strlen(symbol) + strlen(name)), 2);
    put_number(to, (uint32_t)strlen(symbol), 1);
    put(to, symbol, strlen(symbol));
    put(to, name, strlen(name));
}

static void put_all(tagplug *plugin, writer *to) {
    put(to, "TAGSTATE", MAGIC);
    put_number(to, TAGNODE_PLUGIN_STATE_VERSION, 4);
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) {
        const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(i);
        const float value = tagplug_read(plugin, i);
        uint32_t slot = 0;
        put_parameter(to, about->symbol, value);
        if (about->scale == TAGNODE_SCALE_CHOICE)
            put_name(to, about->symbol, tagplug_choice_text(i, (uint32_t)value));
        if (!tagplug_is_source(i, &slot)) continue;
        char name[TAGPLUG_NAME_MOST];
        tagplug_source_name(plugin, slot, (uint32_t)value, name, sizeof name);
        put_name(to, about->symbol, name);
    }
}

size_t tagplug_save(const tagplug *plugin, void *bytes, size_t capacity) {
    tagplug *self = (tagplug *)plugin;                /* the labels shown may be out of date */
    unsigned char *made = malloc(TAGPLUG_STATE_MOST); /* at most 40 KiB are used */
    writer to = {made, 0};
    if (made == NULL) return 0;
    tagplug_show_chosen(self);
    tagplug_lock_take(&self->names_lock);
    put_all(self, &to);
    tagplug_lock_give(&self->names_lock);
    if (to.size <= capacity && bytes != NULL) memcpy(bytes, made, to.size);
    free(made);
    return to.size;
}

/* ---- reading ---- */

typedef struct {
    float values[TAGPLUG_INPUTS];
    struct {
        const unsigned char *bytes; /* in the state; NULL: none */
        size_t size;
    } names[TAGPLUG_INPUTS];
    uint32_t expected; /* the parameter that comes next, if all are there and in order */
} state;

static uint32_t number_at(const unsigned char *bytes, size_t size) {
    uint32_t number = 0;
    for (size_t i = 0; i < size; ++i) number |= (uint32_t)bytes[i] << 8 * i;
    return number;
}

/* The parameter with this symbol; UINT32_MAX for one of another version. */
static uint32_t find_symbol(const unsigned char *symbol, size_t size, uint32_t expected) {
    for (uint32_t k = 0; k < TAGPLUG_INPUTS; ++k) {
        const uint32_t i = (expected + k) % TAGPLUG_INPUTS;
        const char *own = tagnode_plugin_parameter_info(i)->symbol;
        if (strlen(own) == size && memcmp(own, symbol, size) == 0) return i;
    }
    return UINT32_MAX;
}

static bool take_parameter(const unsigned char *bytes, size_t size, state *into) {
    if (size < 5) return false;
    float value = 0;
    const uint32_t bits = number_at(bytes, 4);
    memcpy(&value, &bits, sizeof value);
    const uint32_t parameter = find_symbol(bytes + 4, size - 4, into->expected);
    if (parameter == UINT32_MAX) return true;
    into->values[parameter] = tagplug_clamp(parameter, value);
    into->expected = parameter + 1;
    return true;
}

/* Names are printable; a head's may have spaces. */
static bool is_name(const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < size; ++i)
        if (bytes[i] < 0x20 || bytes[i] == 0x7f) return false;
    return size > 0 && size < TAGPLUG_NAME_MOST;
}

static bool take_name(const unsigned char *bytes, size_t size, state *into) {
    if (size < 1 || size - 1 < bytes[0]) return false;
    const size_t symbol = bytes[0], rest = size - 1 - symbol;
    if (!is_name(bytes + 1 + symbol, rest)) return false;
    const uint32_t parameter = find_symbol(bytes + 1, symbol, into->expected + TAGPLUG_INPUTS - 1);
    if (parameter == UINT32_MAX) return true;
    into->names[parameter].bytes = bytes + 1 + symbol;
    into->names[parameter].size = rest;
    return true;
}

/* The id of a choice by its text, else the number beside it. */
static float chosen(uint32_t parameter, const char *text, float number) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    for (uint32_t i = 0; i < about->choice_count; ++i)
        if (strcmp(about->choices[i].text, text) == 0) return (float)about->choices[i].id;
    return number;
}

/* Applies the names of the state, and keeps those of sources without a fixed number. */
static void apply_names(tagplug *plugin, state *read) {
    memset(plugin->kept, 0, sizeof plugin->kept);
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) {
        char name[TAGPLUG_NAME_MOST];
        uint32_t slot = 0;
        if (read->names[i].bytes == NULL) continue;
        memcpy(name, read->names[i].bytes, read->names[i].size);
        name[read->names[i].size] = '\0';
        if (!tagplug_is_source(i, &slot)) {
            read->values[i] = chosen(i, name, read->values[i]);
            continue;
        }
        const uint32_t fixed = tagnode_plugin_source_find(name);
        if (fixed < TAGNODE_PLUGIN_SOURCE_OTHER) {
            if (fixed != 0) read->values[i] = (float)fixed;
            continue;
        }
        /* Keep the number that it had in its model, if it can be one. */
        if (read->values[i] < TAGNODE_PLUGIN_SOURCE_OTHER) read->values[i] = (float)fixed;
        memcpy(plugin->kept[slot].name, name, sizeof name);
        plugin->kept[slot].source = (uint32_t)read->values[i];
    }
}

static tagnode_status refuse(tagnode_message *why, const char *what) {
    return tagnode_refuse(why, "The state was not loaded: %s; nothing has changed.", what);
}

static tagnode_status take_all(const unsigned char *bytes, size_t size, state *into,
                               tagnode_message *why) {
    if (bytes == NULL || size < HEADER || memcmp(bytes, "TAGSTATE", MAGIC) != 0)
        return refuse(why, "it is not one of this plugin");
    if (size > TAGPLUG_STATE_MOST) return refuse(why, "it has more than 64 KiB");
    if (number_at(bytes + MAGIC, 4) < TAGNODE_PLUGIN_STATE_VERSION)
        return refuse(why, "its version is older than the first release");
    size_t length = 0;
    for (size_t at = HEADER; at < size; at += ENTRY + length) {
        if (size - at < ENTRY) return refuse(why, "it is cut off");
        const uint32_t key = number_at(bytes + at, 2);
        length = number_at(bytes + at + 2, 2);
        if (size - at - ENTRY < length) return refuse(why, "it is cut off");
        const unsigned char *body = bytes + at + ENTRY;
        if ((key == PARAMETER_KEY && !take_parameter(body, length, into)) ||
            (key == NAME_KEY && !take_name(body, length, into)))
            return refuse(why, "an entry of it is damaged");
    }
    return TAGNODE_OK;
}

/* What the state lacks becomes `absent`. */
static tagnode_status load(tagplug *plugin, const void *bytes, size_t size,
                           const float absent[TAGPLUG_INPUTS], tagnode_message *why) {
    state read;
    memset(&read, 0, sizeof read);
    memcpy(read.values, absent, sizeof read.values);
    const tagnode_status status = take_all(bytes, size, &read, why);
    if (status != TAGNODE_OK) return status;
    tagplug_lock_take(&plugin->names_lock);
    apply_names(plugin, &read);
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) tagplug_write(plugin, i, read.values[i]);
    atomic_fetch_add_explicit(&plugin->changes, 1, memory_order_release); /* all at once */
    /* Names get their numbers now where the model is loaded, else when it is. */
    if (plugin->shown_id == (uint32_t)read.values[TAGPLUG_MODEL] && plugin->shown != NULL)
        tagplug_show(plugin, plugin->shown_id, plugin->shown);
    else
        atomic_fetch_add(&plugin->revision, 1);
    tagplug_lock_give(&plugin->names_lock);
    return TAGNODE_OK;
}

static void put_defaults(float values[TAGPLUG_INPUTS]) {
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i)
        values[i] = tagnode_plugin_parameter_info(i)->start;
}

tagnode_status tagplug_load(tagplug *plugin, const void *bytes, size_t size, tagnode_message *why) {
    float absent[TAGPLUG_INPUTS];
    put_defaults(absent);
    return load(plugin, bytes, size, absent, why);
}

tagnode_status tagplug_load_preset(tagplug *plugin, const void *bytes, size_t size,
                                   tagnode_message *why) {
    float absent[TAGPLUG_INPUTS];
    put_defaults(absent);
    absent[TAGPLUG_BYPASS] = tagplug_read(plugin, TAGPLUG_BYPASS);
    absent[TAGPLUG_OSC_PORT] = tagplug_read(plugin, TAGPLUG_OSC_PORT);
    return load(plugin, bytes, size, absent, why);
}
