/* vst3_controller.c - parameters as a host's interface shows them. */
#include <string.h>

#include "vst3_face.h"
#include "vst3_text.h"

enum { TEXT = sizeof(vst_text) / sizeof(int16_t) };

VST_INTERFACE(controller)

static int32_t initialize(void *self, void *context) {
    vst_face *face = face_of_controller(self);
    return face->component->base.initialize((void *)&face->component, context);
}

static int32_t terminate(void *self) {
    vst_face *face = face_of_controller(self);
    return face->component->base.terminate((void *)&face->component);
}

/* ----------------------------------------------------------------------------------- state --- */

static int32_t set_component_state(void *self, vst_stream *stream) {
    return VST_OK; /* the component, which is this object, has it */
}

static int32_t set_state(void *self, vst_stream *stream) {
    return stream != NULL ? vst_load(face_of_controller(self), stream) : VST_INVALID_ARGUMENT;
}

static int32_t get_state(void *self, vst_stream *stream) {
    return stream != NULL ? vst_save(face_of_controller(self), stream) : VST_INVALID_ARGUMENT;
}

/* ------------------------------------------------------------------------------ parameters --- */

/* The choice of a program comes after the parameters of the table. */
static int32_t count(void *self) {
    return TAGPLUG_PARAMETERS + (vst_program_count() > 0 ? 1 : 0);
}

static void program_info(vst_parameter *info) {
    *info = (vst_parameter){.id = TAGPLUG_PROGRAM_ID,
                            .steps = (int32_t)vst_program_count() - 1,
                            .flags = VST_PARAMETER_PROGRAM | VST_PARAMETER_LIST};
    vst_to_utf16("Program", info->title, TEXT);
    vst_to_utf16("Program", info->short_title, TEXT);
}

static uint32_t program_of(double value) {
    const uint32_t last = vst_program_count() - 1;
    return value >= 1 ? last : value > 0 ? (uint32_t)(value * last + 0.5) : 0;
}

static double program_value(uint32_t program) {
    return (double)program / (vst_program_count() - 1);
}

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool same(const char *one, const char *two) {
    for (; *one != '\0' && lower(*one) == lower(*two); ++one) ++two;
    return *one == *two;
}

static bool find_program(const char *text, double *value) {
    for (uint32_t i = 0; i < vst_program_count(); ++i) {
        if (!same(text, vst_program_name(i))) continue;
        *value = program_value(i);
        return true;
    }
    return false;
}

static bool is_program(uint32_t id) {
    return id == TAGPLUG_PROGRAM_ID && vst_program_count() > 0;
}

static int32_t info(void *self, int32_t index, vst_parameter *info) {
    if (index == TAGPLUG_PARAMETERS && vst_program_count() > 0) {
        program_info(info);
        return VST_OK;
    }
    const tagnode_plugin_parameter *about =
        index >= 0 ? tagnode_plugin_parameter_info((uint32_t)index) : NULL;
    if (about == NULL) return VST_INVALID_ARGUMENT;
    *info = (vst_parameter){.id = about->id,
                            .start = tagplug_normalise((uint32_t)index, about->start),
                            .unit_id = (int32_t)about->slot};
    vst_to_utf16(about->name, info->title, TEXT);
    vst_to_utf16(about->name, info->short_title, TEXT);
    vst_to_utf16(about->unit, info->unit, TEXT);
    info->flags = about->output ? VST_PARAMETER_READ_ONLY : VST_PARAMETER_AUTOMATABLE;
    if (about->scale >= TAGNODE_SCALE_INTEGER) info->steps = (int32_t)(about->high - about->low);
    if (about->scale == TAGNODE_SCALE_CHOICE) info->flags |= VST_PARAMETER_LIST;
    if (index == TAGPLUG_BYPASS) info->flags |= VST_PARAMETER_BYPASS;
    return VST_OK;
}

/* A unit that the parameter always has is in its info, and hosts show it after the text. One that
 * changes with the slot's source or target stays in the text. */
static void cut_unit(char *text, const char *unit) {
    const size_t length = strlen(text), tail = strlen(unit);
    if (tail > 0 && length > tail + 1 && strcmp(text + length - tail, unit) == 0)
        text[length - tail - 1] = '\0';
}

static int32_t text_of(void *self, uint32_t id, double value, vst_text text) {
    const uint32_t parameter = tagnode_plugin_parameter_find(id);
    char utf8[4 * TEXT];
    if (is_program(id)) {
        vst_to_utf16(vst_program_name(program_of(value)), text, TEXT);
        return VST_OK;
    }
    if (parameter == UINT32_MAX) return VST_INVALID_ARGUMENT;
    tagplug_text(face_of_controller(self)->core, parameter,
                 tagplug_denormalise(parameter, (float)value), utf8, sizeof utf8);
    cut_unit(utf8, tagnode_plugin_parameter_info(parameter)->unit);
    vst_to_utf16(utf8, text, TEXT);
    return VST_OK;
}

static int32_t value_of(void *self, uint32_t id, const int16_t *text, double *value) {
    const uint32_t parameter = tagnode_plugin_parameter_find(id);
    char utf8[4 * TEXT];
    float found = 0;
    if (text == NULL) return VST_INVALID_ARGUMENT;
    vst_to_utf8(text, utf8, sizeof utf8);
    if (is_program(id)) return find_program(utf8, value) ? VST_OK : VST_FALSE;
    if (parameter == UINT32_MAX) return VST_INVALID_ARGUMENT;
    if (!tagplug_value(face_of_controller(self)->core, parameter, utf8, &found)) return VST_FALSE;
    *value = tagplug_normalise(parameter, found);
    return VST_OK;
}

static double to_plain(void *self, uint32_t id, double value) {
    if (is_program(id)) return program_of(value);
    return tagplug_denormalise(tagnode_plugin_parameter_find(id), (float)value);
}

static double from_plain(void *self, uint32_t id, double plain) {
    if (is_program(id)) return program_value((uint32_t)plain);
    return tagplug_normalise(tagnode_plugin_parameter_find(id), (float)plain);
}

static double get(void *self, uint32_t id) {
    vst_face *face = face_of_controller(self);
    if (is_program(id)) return program_value(vst_program(face));
    const uint32_t parameter = tagnode_plugin_parameter_find(id);
    const bool asked = parameter < TAGPLUG_INPUTS && atomic_load(&face->asked[parameter].set);
    return tagplug_normalise(parameter, asked ? atomic_load(&face->asked[parameter].value)
                                              : tagplug_get(face->core, parameter));
}

static int32_t set(void *self, uint32_t id, double value) {
    vst_face *face = face_of_controller(self);
    const uint32_t parameter = tagnode_plugin_parameter_find(id);
    if (is_program(id)) vst_set_program(face, program_of(value));
    if (parameter == UINT32_MAX && !is_program(id)) return VST_INVALID_ARGUMENT;
    if (parameter < TAGPLUG_INPUTS) {
        atomic_store(&face->asked[parameter].value, tagplug_denormalise(parameter, (float)value));
        atomic_store(&face->asked[parameter].set, true);
        if (!face->active) vst_settle(face);
    }
    vst_notice_texts(face); /* hosts set outputs here too, also after a model has changed */
    return VST_OK;
}

void vst_notice_texts(vst_face *face) {
    const uint64_t texts = face_texts(face->core);
    if (face->handler == NULL || !vst_on_main_thread(face) || texts == face->texts) return;
    face->texts = texts; /* first: the host may call back from within restart */
    (void)face->handler->table->restart(face->handler, VST_RESTART_TITLES | VST_RESTART_VALUES);
}

static int32_t set_handler(void *self, vst_handler *handler) {
    vst_face *face = face_of_controller(self);
    if (handler != NULL) (void)handler->table->unknown.ref(handler);
    if (face->handler != NULL) (void)face->handler->table->unknown.unref(face->handler);
    face->handler = handler;
    return VST_OK;
}

static void *create_view(void *self, const char *name) {
    const bool editor = name != NULL && strcmp(name, VST_VIEW_EDITOR) == 0;
    return editor ? vst_view_create(face_of_controller(self)) : NULL;
}

const vst_controller_table vst_controller = {
    .base = {{controller_query, controller_ref, controller_unref}, initialize, terminate},
    .set_component_state = set_component_state,
    .set_state = set_state,
    .get_state = get_state,
    .count = count,
    .info = info,
    .text_of = text_of,
    .value_of = value_of,
    .to_plain = to_plain,
    .from_plain = from_plain,
    .get = get,
    .set = set,
    .set_handler = set_handler,
    .create_view = create_view,
};
