/* lv2.c - the plugin for LV2 hosts. No feature is required: without urid:map there is neither MIDI
 * nor a state besides the ports.
 *
 * Control ports belong to the host, which restores them itself. So a port takes effect when it
 * changes, and at the first run. After a restore a port with the value of the state changes
 * nothing; a port with another value takes effect. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/face.h"
#include "lv2_abi.h"
#include "lv2_ports.h"

typedef struct {
    uint32_t sequence, midi, chunk, state, error, warning;
} terms;

typedef struct {
    tagplug *plugin;
    double rate;
    const lv2_urid_map *map; /* or NULL */
    const lv2_log *log;      /* or NULL */
    terms terms;             /* zeros without a map */
    void *ports[TAGPLUG_LV2_PORTS];
    uint32_t port_of[TAGPLUG_PARAMETERS];
    float seen[TAGPLUG_INPUTS]; /* values of the ports at the last run; NaN: none yet */
    face_block block;
} face;

/* ---- sound ---- */

static void connect_port(void *instance, uint32_t port, void *location) TAGNODE_NONBLOCKING {
    face *self = instance;
    if (port < TAGPLUG_LV2_PORTS) self->ports[port] = location;
}

static void *parameter_port(const face *self, uint32_t parameter) TAGNODE_NONBLOCKING {
    return self->ports[self->port_of[parameter]];
}

/* "bypass" is "enabled" here: the inverse, both ways. */
static float inverted(uint32_t parameter, float value) TAGNODE_NONBLOCKING {
    if (parameter != TAGPLUG_BYPASS) return value;
    return value > 0 ? 0 : 1;
}

static void read_ports(face *self) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) {
        const float *port = parameter_port(self, i);
        if (port == NULL) continue;
        const float value = *port;
        if (value == self->seen[i]) continue;
        self->seen[i] = value;
        tagplug_set(self->plugin, i, inverted(i, value));
    }
    const float *freewheel = self->ports[TAGPLUG_LV2_FREEWHEEL];
    tagplug_set_offline(self->plugin, freewheel != NULL && *freewheel > 0);
}

static void write_ports(const face *self) TAGNODE_NONBLOCKING {
    for (uint32_t i = TAGPLUG_INPUTS; i < TAGPLUG_PARAMETERS; ++i) {
        float *port = parameter_port(self, i);
        if (port != NULL) *port = tagplug_get(self->plugin, i);
    }
    float *delay = self->ports[TAGPLUG_LV2_DELAY];
    if (delay != NULL) *delay = 0;
}

/* Begins an empty sequence; `room` is the size of the host's buffer for messages. */
static lv2_sequence *begin_midi(const face *self, size_t *room) TAGNODE_NONBLOCKING {
    lv2_sequence *port = self->ports[TAGPLUG_LV2_MIDI];
    const size_t head = sizeof *port - sizeof port->atom;
    if (port == NULL || self->map == NULL || port->atom.size < head) return NULL;
    *room = port->atom.size - head;
    *port = (lv2_sequence){.atom = {(uint32_t)head, self->terms.sequence}};
    return port;
}

/* Messages that do not fit are dropped. */
static void write_midi(const face *self, lv2_sequence *port, size_t *room) TAGNODE_NONBLOCKING {
    unsigned char *at = (unsigned char *)&port->atom + sizeof port->atom + port->atom.size;
    for (uint32_t i = 0; i < self->block.midi_count && *room >= TAGPLUG_LV2_MESSAGE; ++i) {
        const tagplug_midi *message = &self->block.midi[i];
        const lv2_event event = {.frames = message->offset,
                                 .body = {sizeof message->bytes, self->terms.midi}};
        memset(at, 0, TAGPLUG_LV2_MESSAGE);
        memcpy(at, &event, sizeof event);
        memcpy(at + sizeof event, message->bytes, sizeof message->bytes);
        at += TAGPLUG_LV2_MESSAGE;
        port->atom.size += TAGPLUG_LV2_MESSAGE;
        *room -= TAGPLUG_LV2_MESSAGE;
    }
}

static void run(void *instance, uint32_t frames) TAGNODE_NONBLOCKING {
    face *self = instance;
    const float *const input[] = {self->ports[TAGPLUG_LV2_IN_LEFT],
                                  self->ports[TAGPLUG_LV2_IN_RIGHT]};
    const float *const sidechain[] = {self->ports[TAGPLUG_LV2_SIDECHAIN_LEFT],
                                      self->ports[TAGPLUG_LV2_SIDECHAIN_RIGHT]};
    float *const output[] = {self->ports[TAGPLUG_LV2_OUT_LEFT], self->ports[TAGPLUG_LV2_OUT_RIGHT]};
    size_t room = 0;
    read_ports(self);
    face_begin(&self->block, input, FACE_CHANNELS, output, FACE_CHANNELS);
    face_sidechain(&self->block, sidechain, FACE_CHANNELS);
    lv2_sequence *midi = begin_midi(self, &room);
    for (uint32_t at = 0; at < frames;) {
        at = face_process(&self->block, self->plugin, at, frames);
        if (midi != NULL) write_midi(self, midi, &room);
    }
    write_ports(self);
}

/* ---- state ---- */

static void log_sentence(const face *self, uint32_t type, const char *sentence) {
    if (self->log != NULL) self->log->print(self->log->handle, type, "tagnode: %s\n", sentence);
}

static lv2_state_status save(void *instance, lv2_store store, void *handle, uint32_t flags,
                             const lv2_feature *const *features) {
    const face *self = instance;
    if (self->map == NULL) return LV2_STATE_NO_FEATURE;
    void *bytes = malloc(TAGPLUG_STATE_MOST);
    if (bytes == NULL) return LV2_STATE_NO_SPACE;
    const uint32_t how = LV2_STATE_POD | LV2_STATE_PORTABLE;
    const size_t size = tagplug_save(self->plugin, bytes, TAGPLUG_STATE_MOST);
    lv2_state_status status = LV2_STATE_NO_SPACE;
    if (size > 0 && size <= TAGPLUG_STATE_MOST)
        status = store(handle, self->terms.state, bytes, size, self->terms.chunk, how);
    free(bytes);
    return status;
}

static lv2_state_status restore(void *instance, lv2_retrieve retrieve, void *handle, uint32_t flags,
                                const lv2_feature *const *features) {
    face *self = instance;
    if (self->map == NULL) return LV2_STATE_NO_FEATURE;
    size_t size = 0;
    uint32_t type = 0, how = 0;
    const void *bytes = retrieve(handle, self->terms.state, &size, &type, &how);
    if (bytes == NULL) return LV2_STATE_NO_PROPERTY;
    if (type != self->terms.chunk) return LV2_STATE_BAD_TYPE;
    tagnode_message why = {""};
    if (tagplug_load(self->plugin, bytes, size, &why) != TAGNODE_OK) {
        log_sentence(self, self->terms.error, why.text);
        return LV2_STATE_UNKNOWN;
    }
    /* The values of the ports, if the host restores them as they were. */
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i)
        self->seen[i] = inverted(i, tagplug_get(self->plugin, i));
    return LV2_STATE_OK;
}

/* ---- life ---- */

static const void *feature_of(const lv2_feature *const *features, const char *uri) {
    for (; features != NULL && *features != NULL; ++features)
        if (strcmp((*features)->uri, uri) == 0) return (*features)->data;
    return NULL;
}

static uint32_t number_of(const lv2_urid_map *map, const char *uri) {
    return map->map(map->handle, uri);
}

static terms terms_of(const lv2_urid_map *map) {
    return (terms){
        .sequence = number_of(map, LV2_ATOM_SEQUENCE),
        .midi = number_of(map, LV2_MIDI_EVENT),
        .chunk = number_of(map, LV2_ATOM_CHUNK),
        .state = number_of(map, TAGPLUG_LV2_STATE),
        .error = number_of(map, LV2_LOG_ERROR),
        .warning = number_of(map, LV2_LOG_WARNING),
    };
}

static void cleanup(void *instance) {
    face *self = instance;
    tagplug_destroy(self->plugin);
    free(self);
}

static void *instantiate(const lv2_plugin *plugin, double rate, const char *bundle,
                         const lv2_feature *const *features) {
    face *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->rate = rate;
    self->map = feature_of(features, LV2_URID_MAP);
    self->plugin = tagplug_create(NULL);
    if (self->plugin == NULL) {
        free(self);
        return NULL;
    }
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) self->seen[i] = NAN;
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) self->port_of[i] = tagplug_lv2_port(i);
    if (self->map == NULL) return self;
    self->terms = terms_of(self->map);
    self->log = feature_of(features, LV2_LOG);
    return self;
}

static void activate(void *instance) {
    face *self = instance;
    tagplug_activate(self->plugin, self->rate, FACE_CHANNELS);
    if (tagplug_get(self->plugin, TAGPLUG_STATUS) == TAGPLUG_STATUS_OK) return;
    tagnode_message why = {""};
    tagplug_explain(self->plugin, &why);
    log_sentence(self, self->terms.warning, why.text);
}

static void deactivate(void *instance) {
    const face *self = instance;
    tagplug_deactivate(self->plugin);
}

static tagplug *core_of(void *instance) {
    return ((face *)instance)->plugin;
}

static const void *extension_data(const char *uri) {
    static const lv2_state state = {save, restore};
    static const tagplug_lv2_view view = {&tagplug_view_table, core_of};
    if (strcmp(uri, TAGPLUG_LV2_VIEW) == 0) return &view;
    return strcmp(uri, LV2_STATE) == 0 ? &state : NULL;
}

FACE_API const lv2_plugin *lv2_descriptor(uint32_t index) {
    static const lv2_plugin plugin = {TAGNODE_PLUGIN_URI, instantiate, connect_port,  activate, run,
                                      deactivate,         cleanup,     extension_data};
    return index == 0 ? &plugin : NULL;
}
