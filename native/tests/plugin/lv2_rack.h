/* lv2_rack.h - a minimal LV2 host for tests: no library, ports from the table of
 * parameters. A program linked with the plugin (TAGPLUG_STATIC) runs that, else the library that
 * its first argument names. */
#pragma once

#include <stdarg.h>

#include "../check.h"
#include "core/tagplug.h"
#include "lv2_abi.h"
#include "lv2_ports.h"
#include "worker/library.h"

#ifndef TAGPLUG_STATIC
#endif

#define LV2_ATOM_FLOAT LV2_NS "ext/atom#Float" /* of a port's value */

enum { MOST = 8192, MIDI_ROOM = 16 + TAGPLUG_LV2_MESSAGE * TAGPLUG_MIDI_MOST };

/* ---- what the host offers ---- */

static struct {
    char uris[64][80];
    char logged[256]; /* the last sentence logged */
} host;

static inline uint32_t map_uri(void *handle, const char *uri) {
    (void)handle;
    for (uint32_t i = 0; i < 64 && uri != NULL; ++i) {
        if (host.uris[i][0] == '\0') snprintf(host.uris[i], sizeof host.uris[i], "%s", uri);
        if (strcmp(host.uris[i], uri) == 0) return i + 1;
    }
    abort();
}

static inline int vlog_it(void *handle, uint32_t type, const char *format, va_list list) {
    (void)handle, (void)type;
    return vsnprintf(host.logged, sizeof host.logged, format, list);
}

static inline int log_it(void *handle, uint32_t type, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const int length = vlog_it(handle, type, format, list);
    va_end(list);
    return length;
}

static inline uint32_t urid(const char *uri) {
    return map_uri(NULL, uri);
}

typedef struct {
    lv2_urid_map map;
    lv2_log log;
    lv2_feature given[2];
    const lv2_feature *list[3];
} features;

/* What a usual host offers. */
static inline void offer(features *offered) {
    *offered = (features){.map = {NULL, map_uri}, .log = {NULL, log_it, vlog_it}};
    offered->given[0] = (lv2_feature){LV2_URID_MAP, &offered->map};
    offered->given[1] = (lv2_feature){LV2_LOG, &offered->log};
    for (size_t i = 0; i < 2; ++i) offered->list[i] = &offered->given[i];
}

/* ---- an instance with its buffers ---- */

typedef struct {
    const lv2_plugin *plugin;
    void *instance;
    features features;
    float ports[TAGPLUG_LV2_PORTS]; /* of control */
    float in[2][MOST], out[2][MOST], side[2][MOST];
    float *played[2]; /* where the outputs go: usually to `out` */
    union {
        lv2_sequence sequence;
        unsigned char bytes[MIDI_ROOM];
    } midi;
    uint32_t midi_room; /* bytes after its atom */
} rack;

static inline const lv2_plugin *plugin_of(int count, char **arguments) {
#ifdef TAGPLUG_STATIC
    (void)count, (void)arguments;
    return lv2_descriptor(0);
#else
    // NOLINTNEXTLINE(*GenericTaint): whoever runs it may name what is run
    void *library = count > 1 ? tagnode_library_open(arguments[1]) : NULL;
    if (library == NULL) {
        fprintf(stderr, "The first argument must be a plugin's library (%s).\n",
                count > 1 ? tagnode_library_error() : "there is none");
        exit(EXIT_FAILURE);
    }
    const lv2_plugin *(*descriptor)(uint32_t) = NULL;
    *(void **)&descriptor = tagnode_library_symbol(library, "lv2_descriptor");
    if (descriptor == NULL) {
        fprintf(stderr, "%s has no lv2_descriptor.\n", arguments[1]);
        exit(EXIT_FAILURE);
    }
    return descriptor(0);
#endif
}

static inline float *port(rack *r, uint32_t parameter) {
    return &r->ports[tagplug_lv2_port(parameter)];
}

static inline float *field(rack *r, uint32_t slot, tagplug_field which) {
    return port(r, tagplug_field_of(slot, which));
}

static inline void ports_at_default(rack *r) {
    memset(r->ports, 0, sizeof r->ports);
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i)
        *port(r, i) = tagnode_plugin_parameter_info(i)->start;
    *port(r, TAGPLUG_BYPASS) = 1; /* "enabled" */
    *port(r, TAGPLUG_MODEL) = 0;  /* measuring only: the host's tests need no model */
}

static inline void connect_audio(rack *r, float *in_left, float *in_right, float *out_left,
                                 float *out_right) {
    float *const all[] = {in_left, in_right, out_left, out_right};
    for (uint32_t i = 0; i < 4; ++i)
        r->plugin->connect_port(r->instance, TAGPLUG_LV2_IN_LEFT + i, all[i]);
    r->played[0] = out_left;
    r->played[1] = out_right;
}

/* NULL: not connected. */
static inline void connect_sidechain(rack *r, float *left, float *right) {
    r->plugin->connect_port(r->instance, TAGPLUG_LV2_SIDECHAIN_LEFT, left);
    r->plugin->connect_port(r->instance, TAGPLUG_LV2_SIDECHAIN_RIGHT, right);
}

/* Gives a new instance its buffers, but no sidechain. */
static inline void wire(rack *r, bool midi) {
    ports_at_default(r);
    r->midi_room = sizeof r->midi - sizeof(lv2_atom);
    for (uint32_t i = TAGPLUG_LV2_FREEWHEEL; i < TAGPLUG_LV2_PORTS; ++i)
        r->plugin->connect_port(r->instance, i, &r->ports[i]);
    connect_sidechain(r, NULL, NULL);
    r->plugin->connect_port(r->instance, TAGPLUG_LV2_MIDI, midi ? &r->midi : NULL);
    connect_audio(r, r->in[0], r->in[1], r->out[0], r->out[1]);
}

/* Without `offered` there are no features and no MIDI. */
static inline rack *inserted(const lv2_plugin *plugin, double rate, bool offered) {
    rack *r = calloc(1, sizeof *r);
    if (r == NULL) abort();
    r->plugin = plugin;
    offer(&r->features);
    r->instance = plugin->instantiate(plugin, rate, "/nowhere/", offered ? r->features.list : NULL);
    if (!CHECK(r->instance != NULL)) exit(closing_line());
    wire(r, offered);
    return r;
}

static inline void removed(rack *r) {
    r->plugin->cleanup(r->instance);
    free(r);
}

static inline rack *playing(const lv2_plugin *plugin, double rate) {
    rack *r = inserted(plugin, rate, true);
    plugin->activate(r->instance);
    return r;
}

static inline void stopped(rack *r) {
    r->plugin->deactivate(r->instance);
    removed(r);
}

static inline void run_block(rack *r, uint32_t frames) {
    r->midi.sequence.atom = (lv2_atom){r->midi_room, 0};
    r->ports[TAGPLUG_LV2_DELAY] = -1;
    r->plugin->run(r->instance, frames);
}

/* Processes `frames` samples of `in`, from `from` on, on both sides. */
static inline void feed(rack *r, const float *in, size_t from, uint32_t frames) {
    memcpy(r->in[0], in + from, frames * sizeof *in);
    for (uint32_t i = 0; i < frames; ++i) r->in[1][i] = -0.5F * in[from + i];
    run_block(r, frames);
}

/* ---- MIDI that came out ---- */

static inline uint32_t messages_in(const rack *r) {
    if (r->midi.sequence.atom.type != urid(LV2_ATOM_SEQUENCE)) return 0;
    return (r->midi.sequence.atom.size - 8) / TAGPLUG_LV2_MESSAGE;
}

static inline lv2_event message_at(const rack *r, uint32_t index, unsigned char *bytes) {
    lv2_event event;
    const unsigned char *at =
        r->midi.bytes + sizeof(lv2_sequence) + (size_t)index * TAGPLUG_LV2_MESSAGE;
    memcpy(&event, at, sizeof event);
    memcpy(bytes, at + sizeof event, 3);
    return event;
}

/* Whether all messages are controllers, sorted and within the block. */
static inline bool midi_is_valid(const rack *r, uint32_t frames) {
    if (r->midi.sequence.atom.size > r->midi_room || r->midi.sequence.unit != 0) return false;
    int64_t last = 0;
    for (uint32_t i = 0; i < messages_in(r); ++i) {
        unsigned char bytes[3];
        const lv2_event event = message_at(r, i, bytes);
        if (event.body.type != urid(LV2_MIDI_EVENT) || event.body.size != 3) return false;
        if (event.frames < last || event.frames >= frames) return false;
        if (bytes[0] >> 4 != 0xB || bytes[1] > 127 || bytes[2] > 127) return false;
        last = event.frames;
    }
    return true;
}

/* ---- state ---- */

typedef struct {
    struct {
        uint32_t key, type;
        size_t size;
        unsigned char bytes[TAGPLUG_STATE_MOST];
    } kept[4];
    size_t count;
} state;

static inline lv2_state_status keep(void *handle, uint32_t key, const void *value, size_t size,
                                    uint32_t type, uint32_t flags) {
    state *all = handle;
    CHECK(flags == (LV2_STATE_POD | LV2_STATE_PORTABLE));
    if (all->count == 4 || size > TAGPLUG_STATE_MOST) return LV2_STATE_NO_SPACE;
    all->kept[all->count].key = key;
    all->kept[all->count].type = type;
    all->kept[all->count].size = size;
    memcpy(all->kept[all->count++].bytes, value, size);
    return LV2_STATE_OK;
}

static inline size_t place_of(const state *all, uint32_t key) {
    size_t i = 0;
    while (i < all->count && all->kept[i].key != key) ++i;
    return i;
}

static inline const void *kept(void *handle, uint32_t key, size_t *size, uint32_t *type,
                               uint32_t *flags) {
    const state *all = handle;
    const size_t i = place_of(all, key);
    if (i == all->count) return NULL;
    *size = all->kept[i].size;
    *type = all->kept[i].type;
    *flags = LV2_STATE_POD | LV2_STATE_PORTABLE;
    return all->kept[i].bytes;
}

static inline const lv2_state *state_of(const rack *r) {
    return r->plugin->extension_data(LV2_STATE);
}

static inline lv2_state_status save_to(const rack *r, state *all) {
    all->count = 0;
    return state_of(r)->save(r->instance, keep, all, 0, r->features.list);
}

static inline lv2_state_status restore_from(const rack *r, state *all) {
    return state_of(r)->restore(r->instance, kept, all, 0, r->features.list);
}
