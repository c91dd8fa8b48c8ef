/* vst3_units.c - the groups of parameters: unit 0 for the whole plugin, then one for each slot. */
#include "vst3_face.h"
#include "vst3_text.h"

VST_INTERFACE(units)

static int32_t count(void *self) {
    return 1 + TAGPLUG_SLOTS;
}

static int32_t info(void *self, int32_t index, vst_unit *info) {
    if (index < 0 || index >= count(self)) return VST_INVALID_ARGUMENT;
    *info = (vst_unit){.id = index, .parent = index > 0 ? 0 : -1, .programs = -1};
    const char *name =
        index > 0 ? tagnode_plugin_parameter_info(tagplug_field_of((uint32_t)index - 1, 0))->group
                  : VST_NAME;
    vst_to_utf16(name, info->name, sizeof info->name / sizeof *info->name);
    return VST_OK;
}

static int32_t selected(void *self) {
    return face_of_units(self)->selected;
}

static int32_t select_unit(void *self, int32_t id) {
    if (id < 0 || id >= count(self)) return VST_INVALID_ARGUMENT;
    face_of_units(self)->selected = id;
    return VST_OK;
}

static int32_t of_bus(void *self, int32_t media, int32_t direction, int32_t bus, int32_t channel,
                      int32_t *id) {
    *id = 0;
    return VST_OK;
}

/* There are no programs. */

static int32_t program_list_count(void *self) {
    return 0;
}

static int32_t program_list(void *self, int32_t index, void *info) {
    return VST_FALSE;
}

// NOLINTNEXTLINE(readability-non-const-parameter): its type is that of the table
static int32_t program_name(void *self, int32_t list, int32_t program, vst_text name) {
    return VST_FALSE;
}

static int32_t program_info(void *self, int32_t list, int32_t program, const char *what,
                            vst_text value) {
    return program_name(self, list, program, value);
}

static int32_t has_pitch_names(void *self, int32_t list, int32_t program) {
    return program_name(self, list, program, NULL);
}

static int32_t pitch_name(void *self, int32_t list, int32_t program, int16_t pitch, vst_text name) {
    return program_name(self, list, program, name);
}

static int32_t set_program(void *self, int32_t list, int32_t program, vst_stream *data) {
    return program_name(self, list, program, NULL);
}

const vst_units_table vst_units = {
    .unknown = {units_query, units_ref, units_unref},
    .count = count,
    .info = info,
    .program_list_count = program_list_count,
    .program_list = program_list,
    .program_name = program_name,
    .program_info = program_info,
    .has_pitch_names = has_pitch_names,
    .pitch_name = pitch_name,
    .selected = selected,
    .select = select_unit,
    .of_bus = of_bus,
    .set_program = set_program,
};
