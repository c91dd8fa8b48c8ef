/* vst3_component.c - the object: its life, buses, state. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "system/system.h"
#include "vst3_face.h"
#include "vst3_text.h"

VST_INTERFACE(component)
VST_INTERFACE(requirements)

/* ------------------------------------------------------------------------------------ life --- */

vst_face *vst_face_create(void) {
    vst_face *face = calloc(1, sizeof *face);
    if (face == NULL) return NULL;
    face->core = tagplug_create(NULL);
    if (face->core == NULL) {
        free(face);
        return NULL;
    }
    face->component = &vst_component;
    face->processor = &vst_processor;
    face->controller = &vst_controller;
    face->requirements = &vst_requirements;
    face->units = &vst_units;
    face->references = 1;
    face->rate = 48000;
    face->channels = face->inputs = face->sidechain = FACE_CHANNELS;
    face->texts = face_texts(face->core);
    face_outputs_clear(&face->outputs);
    for (size_t i = 0; i < TAGPLUG_OUTPUTS; ++i) face->edited[i] = NAN;
    return face;
}

int32_t vst_face_query(vst_face *face, const vst_id id, void **object) {
    static const struct {
        vst_id id;
        size_t place;
    } all[] = {{VST_UNKNOWN_ID, offsetof(vst_face, component)},
               {VST_PLUGIN_BASE_ID, offsetof(vst_face, component)},
               {VST_COMPONENT_ID, offsetof(vst_face, component)},
               {VST_PROCESSOR_ID, offsetof(vst_face, processor)},
               {VST_CONTROLLER_ID, offsetof(vst_face, controller)},
               {VST_REQUIREMENTS_ID, offsetof(vst_face, requirements)},
               {VST_UNITS_ID, offsetof(vst_face, units)}};
    *object = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        if (memcmp(id, all[i].id, sizeof(vst_id)) == 0) *object = (char *)face + all[i].place;
    if (*object == NULL) return VST_NO_INTERFACE;
    (void)vst_face_ref(face);
    return VST_OK;
}

uint32_t vst_face_ref(vst_face *face) {
    return atomic_fetch_add(&face->references, 1) + 1;
}

uint32_t vst_face_unref(vst_face *face) {
    const uint32_t left = atomic_fetch_sub(&face->references, 1) - 1;
    if (left > 0) return left;
    tagplug_destroy(face->core);
    free(face);
    return 0;
}

/* Both read a register. */
TAGNODE_UNCHECKED_BEGIN
static uintptr_t this_thread(void) TAGNODE_NONBLOCKING {
#if defined(_WIN32)
    return GetCurrentThreadId();
#else
    return (uintptr_t)pthread_self();
#endif
}
TAGNODE_UNCHECKED_END

bool vst_on_main_thread(const vst_face *face) TAGNODE_NONBLOCKING {
    return face->main_thread == this_thread();
}

/* A host that treats component and controller as two objects calls both of these twice. */
static int32_t initialize(void *self, void *context) {
    face_of_component(self)->main_thread = this_thread();
    return VST_OK;
}

static int32_t terminate(void *self) {
    vst_face *face = face_of_component(self);
    if (face->handler != NULL) (void)face->handler->table->unknown.unref(face->handler);
    face->handler = NULL;
    tagplug_deactivate(face->core);
    face->active = false;
    return VST_OK;
}

/* ----------------------------------------------------------------------------------- buses --- */

// NOLINTNEXTLINE(readability-non-const-parameter): its type is that of the table
static int32_t controller_class(void *self, vst_id class_id) {
    return VST_FALSE; /* it is this object */
}

static int32_t set_io_mode(void *self, int32_t mode) {
    return VST_NOT_IMPLEMENTED;
}

static int32_t bus_count(void *self, int32_t media, int32_t direction) {
    if (media == VST_AUDIO) return direction == VST_INPUT ? 2 : 1;
    return media == VST_EVENT && direction == VST_OUTPUT ? 1 : 0;
}

static uint32_t channels_of(const vst_face *face, int32_t direction, int32_t index) {
    if (direction == VST_OUTPUT) return face->channels;
    return index == 0 ? face->inputs : face->sidechain;
}

static int32_t bus_info(void *self, int32_t media, int32_t direction, int32_t index,
                        vst_bus *info) {
    if (index < 0 || index >= bus_count(self, media, direction)) return VST_INVALID_ARGUMENT;
    const vst_face *face = face_of_component(self);
    *info = (vst_bus){.media = media,
                      .direction = direction,
                      .channels =
                          media == VST_AUDIO ? (int32_t)channels_of(face, direction, index) : 16,
                      .type = index == 0 ? VST_BUS_MAIN : VST_BUS_AUX,
                      .flags = index == 0 ? VST_BUS_DEFAULT_ACTIVE : 0};
    const char *name = media == VST_EVENT        ? "Controllers"
                       : direction == VST_OUTPUT ? "Output"
                       : index == 0              ? "Input"
                                                 : "Sidechain";
    vst_to_utf16(name, info->name, sizeof info->name / sizeof *info->name);
    return VST_OK;
}

static int32_t routing_info(void *self, void *input, void *output) {
    return VST_NOT_IMPLEMENTED;
}

static int32_t activate_bus(void *self, int32_t media, int32_t direction, int32_t index,
                            uint8_t state) {
    if (index < 0 || index >= bus_count(self, media, direction)) return VST_INVALID_ARGUMENT;
    if (index == 1) atomic_store(&face_of_component(self)->is_keyed, state != 0);
    return VST_OK;
}

static int32_t set_active(void *self, uint8_t state) {
    vst_face *face = face_of_component(self);
    vst_settle(face);
    face->active = state != 0;
    face_outputs_prepare(&face->outputs, face->rate);
    if (face->active)
        tagplug_activate(face->core, face->rate, face->channels);
    else
        tagplug_deactivate(face->core);
    vst_notice_texts(face);
    return VST_OK;
}

/* ----------------------------------------------------------------------------------- state --- */

void vst_settle(vst_face *face) {
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i)
        if (atomic_exchange(&face->asked[i].set, false))
            tagplug_set(face->core, i, atomic_load(&face->asked[i].value));
}

int32_t vst_load(vst_face *face, vst_stream *stream) {
    enum { ROOM = TAGPLUG_STATE_MOST + 1 }; /* one more, so that a longer one is refused */
    char *bytes = malloc(ROOM);
    if (bytes == NULL) return VST_OUT_OF_MEMORY;
    int32_t size = 0, done = 1;
    while (done > 0 && size < ROOM) { /* some hosts return an error at the end: use what was read */
        done = 0;
        (void)stream->table->read(stream, bytes + size, ROOM - size, &done);
        if (done > ROOM - size) done = 0;
        if (done > 0) size += done;
    }
    const bool loaded = tagplug_load(face->core, bytes, (size_t)size, NULL) == TAGNODE_OK;
    free(bytes);
    if (!loaded) return VST_FALSE;
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) atomic_store(&face->asked[i].set, false);
    vst_notice_texts(face);
    return VST_OK;
}

int32_t vst_save(vst_face *face, vst_stream *stream) {
    vst_settle(face);
    char *bytes = malloc(TAGPLUG_STATE_MOST);
    if (bytes == NULL) return VST_OUT_OF_MEMORY;
    const int32_t size = (int32_t)tagplug_save(face->core, bytes, TAGPLUG_STATE_MOST);
    int32_t at = 0, done = 0;
    while (at < size && stream->table->write(stream, bytes + at, size - at, &done) == VST_OK &&
           done > 0 && done <= size - at)
        at += done;
    free(bytes);
    return size > 0 && at == size ? VST_OK : VST_FALSE; /* 0: no memory */
}

static int32_t set_state(void *self, vst_stream *stream) {
    return stream != NULL ? vst_load(face_of_component(self), stream) : VST_INVALID_ARGUMENT;
}

static int32_t get_state(void *self, vst_stream *stream) {
    return stream != NULL ? vst_save(face_of_component(self), stream) : VST_INVALID_ARGUMENT;
}

const vst_component_table vst_component = {
    .base = {{component_query, component_ref, component_unref}, initialize, terminate},
    .controller_class = controller_class,
    .set_io_mode = set_io_mode,
    .bus_count = bus_count,
    .bus_info = bus_info,
    .routing_info = routing_info,
    .activate_bus = activate_bus,
    .set_active = set_active,
    .set_state = set_state,
    .get_state = get_state,
};

/* ------------------------------------------------------------------------------ requirements ---
 */

static uint32_t wanted(void *self) {
    return 0;
}

const vst_requirements_table vst_requirements = {
    {requirements_query, requirements_ref, requirements_unref}, wanted};
