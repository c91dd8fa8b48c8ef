/* state.c - what a host saves with a project. */
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "support/message.h"

/* Keys of entries. A parameter is float32 and its symbol; a source, kept beside its number, is
 * uint8, the slot, and its name. */
enum { MAGIC = 8, HEADER = 12, ENTRY = 4, PARAMETER_KEY = 1, SOURCE_KEY = 2, VERSION = 1 };

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

static void put_source(writer *to, uint32_t slot, const char *name) {
    put_number(to, SOURCE_KEY, 2);
    put_number(to, (uint32_t)(1 + strlen(name)), 2);
    put_number(to, slot, 1);
    put(to, name, strlen(name));
}

static void put_all(tagplug *plugin, writer *to) {
    put(to, "TAGSTATE", MAGIC);
    put_number(to, VERSION, 4);
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i)
        put_parameter(to, tagplug_about(i)->symbol, tagplug_read(plugin, i));
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        char name[TAGPLUG_NAME_MOST];
        tagplug_source_name(plugin, i, name, sizeof name);
        if (name[0] != '\0') put_source(to, i, name);
    }
}

size_t tagplug_save(const tagplug *plugin, void *bytes, size_t capacity) {
    tagplug *self = (tagplug *)plugin; /* what it shows may have to be brought up to date */
    unsigned char *made = malloc(TAGPLUG_STATE_MOST); /* at most 9 KiB are used */
    writer to = {made, 0};
    if (made == NULL) return 0;
    tagplug_lock_take(&self->naming);
    tagplug_show_chosen(self);
    put_all(self, &to);
    tagplug_lock_give(&self->naming);
    if (to.size <= capacity && bytes != NULL) memcpy(bytes, made, to.size);
    free(made);
    return to.size;
}

/* ---- reading ---- */

typedef struct {
    float values[TAGPLUG_INPUTS];
    char names[TAGPLUG_SLOTS][TAGPLUG_NAME_MOST];
    uint32_t expected; /* the parameter that comes next, if all are there and in order */
} state;

static uint32_t number_at(const unsigned char *bytes, size_t size) {
    uint32_t number = 0;
    for (size_t i = 0; i < size; ++i) number |= (uint32_t)bytes[i] << 8 * i;
    return number;
}

/* Names are printable; a head's may have spaces. */
static bool is_name(const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < size; ++i)
        if (bytes[i] < 0x20 || bytes[i] == 0x7f) return false;
    return size > 0 && size < TAGPLUG_NAME_MOST;
}

static bool take_parameter(const unsigned char *bytes, size_t size, state *into) {
    if (size < 5) return false;
    float value = 0;
    const uint32_t bits = number_at(bytes, 4);
    memcpy(&value, &bits, sizeof value);
    for (uint32_t k = 0; k < TAGPLUG_INPUTS; ++k) {
        const uint32_t i = (into->expected + k) % TAGPLUG_INPUTS;
        const char *symbol = tagplug_about(i)->symbol;
        if (strlen(symbol) != size - 4 || memcmp(symbol, bytes + 4, size - 4) != 0) continue;
        into->values[i] = tagplug_clamp(i, value);
        into->expected = i + 1;
        break;
    }
    return true; /* one that is not known is of another version */
}

static bool take_source(const unsigned char *bytes, size_t size, state *into) {
    if (size < 2) return false;
    if (bytes[0] >= TAGPLUG_SLOTS) return true;
    if (!is_name(bytes + 1, size - 1)) return false;
    memcpy(into->names[bytes[0]], bytes + 1, size - 1);
    into->names[bytes[0]][size - 1] = '\0';
    return true;
}

static tagnode_status refuse(tagnode_message *why, const char *what) {
    return tagnode_say(why, TAGNODE_ERROR_ARGUMENT,
                       "The state was not loaded: %s; nothing has changed.", what);
}

static tagnode_status take_all(const unsigned char *bytes, size_t size, state *into,
                               tagnode_message *why) {
    if (bytes == NULL || size < HEADER || memcmp(bytes, "TAGSTATE", MAGIC) != 0)
        return refuse(why, "it is not one of this plugin");
    if (size > TAGPLUG_STATE_MOST) return refuse(why, "it has more than 64 KiB");
    if (number_at(bytes + MAGIC, 4) < VERSION) return refuse(why, "it has no version");
    size_t length = 0;
    for (size_t at = HEADER; at < size; at += ENTRY + length) {
        if (size - at < ENTRY) return refuse(why, "it is cut off");
        const uint32_t key = number_at(bytes + at, 2);
        length = number_at(bytes + at + 2, 2);
        if (size - at - ENTRY < length) return refuse(why, "it is cut off");
        const unsigned char *body = bytes + at + ENTRY;
        if ((key == PARAMETER_KEY && !take_parameter(body, length, into)) ||
            (key == SOURCE_KEY && !take_source(body, length, into)))
            return refuse(why, "an entry of it is damaged");
    }
    return TAGNODE_OK;
}

tagnode_status tagplug_load(tagplug *plugin, const void *bytes, size_t size, tagnode_message *why) {
    state read;
    memset(&read, 0, sizeof read);
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) read.values[i] = tagplug_about(i)->start;
    const tagnode_status status = take_all(bytes, size, &read, why);
    if (status != TAGNODE_OK) return status;
    tagplug_lock_take(&plugin->naming);
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        float *source = &read.values[tagplug_field_of(i, TAGPLUG_SOURCE)];
        if (strncmp(read.names[i], "signal.", 7) == 0) {
            const uint32_t number = tagplug_source_number(plugin, read.names[i]);
            *source = (float)(number == 0 ? TAGPLUG_KEPT_SOURCE : number);
        }
        memcpy(plugin->kept[i].name, read.names[i], sizeof plugin->kept[i].name);
        plugin->kept[i].source = *source;
    }
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) tagplug_write(plugin, i, read.values[i]);
    atomic_fetch_add_explicit(&plugin->changes, 1, memory_order_release); /* all at once */
    /* Names get their numbers at once where the model is here, else when it is. */
    if (plugin->shown_choice == (uint32_t)read.values[TAGPLUG_MODEL] && plugin->shown != NULL)
        tagplug_show(plugin, plugin->shown_choice, plugin->shown);
    else
        atomic_fetch_add(&plugin->revision, 1);
    tagplug_lock_give(&plugin->naming);
    return TAGNODE_OK;
}
