/* vst3_units.c - the groups of parameters: unit 0 for the whole plugin, which has the programs,
 * then one for each slot. */
#include "core/presets.h"
#include "vst3_face.h"
#include "vst3_text.h"

VST_INTERFACE(units)

enum { PROGRAMS = 1 /* id of their list */, TEXT = sizeof(vst_text) / sizeof(int16_t) };

static int32_t count(void *self) {
    return 1 + TAGPLUG_SLOTS;
}

static int32_t info(void *self, int32_t index, vst_unit *info) {
    if (index < 0 || index >= count(self)) return VST_INVALID_ARGUMENT;
    const bool lists = index == 0 && vst_program_count() > 0;
    *info =
        (vst_unit){.id = index, .parent = index > 0 ? 0 : -1, .programs = lists ? PROGRAMS : -1};
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

/* ------------------------------------------------------------------------------- programs --- */

uint32_t vst_program_count(void) {
    return tagplug_preset_count > 0 ? 1 + tagplug_preset_count : 0;
}

const char *vst_program_name(uint32_t program) {
    return program == 0 ? "no preset" : tagplug_presets[program - 1].name;
}

uint32_t vst_program(const vst_face *face) {
    return tagplug_changes(face->core) == face->program_changes ? face->program : 0;
}

void vst_set_program(vst_face *face, uint32_t program) {
    if (program == 0 || program >= vst_program_count() || program == vst_program(face)) return;
    const tagplug_preset *preset = &tagplug_presets[program - 1];
    if (tagplug_load_preset(face->core, preset->state, preset->size, NULL) != TAGNODE_OK) return;
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) atomic_store(&face->asked[i].set, false);
    face->program = program;
    face->program_changes = tagplug_changes(face->core);
}

static int32_t program_list_count(void *self) {
    return vst_program_count() > 0 ? 1 : 0;
}

static int32_t program_list(void *self, int32_t index, vst_program_list *info) {
    if (index != 0 || program_list_count(self) == 0) return VST_INVALID_ARGUMENT;
    *info = (vst_program_list){.id = PROGRAMS, .count = (int32_t)vst_program_count()};
    vst_to_utf16("Presets", info->name, TEXT);
    return VST_OK;
}

static bool is_program(int32_t list, int32_t program) {
    return list == PROGRAMS && program >= 0 && (uint32_t)program < vst_program_count();
}

static int32_t program_name(void *self, int32_t list, int32_t program, vst_text name) {
    if (!is_program(list, program)) return VST_INVALID_ARGUMENT;
    vst_to_utf16(vst_program_name((uint32_t)program), name, TEXT);
    return VST_OK;
}

static int32_t program_info(void *self, int32_t list, int32_t program, const char *what,
                            vst_text value) {
    value[0] = 0;
    return VST_FALSE;
}

static int32_t has_pitch_names(void *self, int32_t list, int32_t program) {
    return VST_FALSE;
}

static int32_t pitch_name(void *self, int32_t list, int32_t program, int16_t pitch, vst_text name) {
    name[0] = 0;
    return VST_FALSE;
}

/* Presets are not the host's to change. */
static int32_t set_program(void *self, int32_t list, int32_t program, vst_stream *data) {
    return VST_FALSE;
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
