/* abi_lv2.c - lv2_abi.h beside the headers of lv2-dev: sizes, offsets, values, addresses. */
#include <lv2/atom/atom.h>
#include <lv2/buf-size/buf-size.h>
#include <lv2/core/lv2.h>
#include <lv2/data-access/data-access.h>
#include <lv2/instance-access/instance-access.h>
#include <lv2/log/log.h>
#include <lv2/midi/midi.h>
#include <lv2/options/options.h>
#include <lv2/state/state.h>
#include <lv2/ui/ui.h>
#include <lv2/urid/urid.h>

/* Both declare these. */
#define lv2_descriptor tagplug_lv2_descriptor
#define lv2ui_descriptor tagplug_lv2ui_descriptor
#include "../check.h"
#include "lv2_abi.h"
#include "lv2_ports.h"

#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #ours)
#define SAME_PLACE(ours, a, theirs, b)                                                             \
    _Static_assert(offsetof(ours, a) == offsetof(theirs, b), #ours "." #a);                        \
    _Static_assert(sizeof(((ours *)0)->a) == sizeof(((theirs *)0)->b), #ours "." #a)

SAME_SIZE(lv2_feature, LV2_Feature);
SAME_PLACE(lv2_feature, uri, LV2_Feature, URI);
SAME_PLACE(lv2_feature, data, LV2_Feature, data);

SAME_SIZE(lv2_plugin, LV2_Descriptor);
SAME_PLACE(lv2_plugin, uri, LV2_Descriptor, URI);
SAME_PLACE(lv2_plugin, instantiate, LV2_Descriptor, instantiate);
SAME_PLACE(lv2_plugin, connect_port, LV2_Descriptor, connect_port);
SAME_PLACE(lv2_plugin, activate, LV2_Descriptor, activate);
SAME_PLACE(lv2_plugin, run, LV2_Descriptor, run);
SAME_PLACE(lv2_plugin, deactivate, LV2_Descriptor, deactivate);
SAME_PLACE(lv2_plugin, cleanup, LV2_Descriptor, cleanup);
SAME_PLACE(lv2_plugin, extension_data, LV2_Descriptor, extension_data);

SAME_SIZE(lv2_urid_map, LV2_URID_Map);
SAME_PLACE(lv2_urid_map, handle, LV2_URID_Map, handle);
SAME_PLACE(lv2_urid_map, map, LV2_URID_Map, map);

SAME_SIZE(lv2_log, LV2_Log_Log);
SAME_PLACE(lv2_log, handle, LV2_Log_Log, handle);
SAME_PLACE(lv2_log, print, LV2_Log_Log, printf);
SAME_PLACE(lv2_log, vprint, LV2_Log_Log, vprintf);

SAME_SIZE(lv2_atom, LV2_Atom);
SAME_PLACE(lv2_atom, size, LV2_Atom, size);
SAME_PLACE(lv2_atom, type, LV2_Atom, type);
SAME_SIZE(lv2_sequence, LV2_Atom_Sequence);
SAME_PLACE(lv2_sequence, unit, LV2_Atom_Sequence, body.unit);
SAME_PLACE(lv2_sequence, pad, LV2_Atom_Sequence, body.pad);
SAME_SIZE(lv2_event, LV2_Atom_Event);
SAME_PLACE(lv2_event, frames, LV2_Atom_Event, time.frames);
SAME_PLACE(lv2_event, body, LV2_Atom_Event, body);

SAME_SIZE(lv2_state, LV2_State_Interface);
SAME_PLACE(lv2_state, save, LV2_State_Interface, save);
SAME_PLACE(lv2_state, restore, LV2_State_Interface, restore);
SAME_SIZE(lv2_state_status, LV2_State_Status);
SAME_SIZE(lv2_store, LV2_State_Store_Function);
SAME_SIZE(lv2_retrieve, LV2_State_Retrieve_Function);

#define SAME_VALUE(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #ours)
SAME_VALUE(LV2_STATE_OK, LV2_STATE_SUCCESS);
SAME_VALUE(LV2_STATE_UNKNOWN, LV2_STATE_ERR_UNKNOWN);
SAME_VALUE(LV2_STATE_BAD_TYPE, LV2_STATE_ERR_BAD_TYPE);
SAME_VALUE(LV2_STATE_BAD_FLAGS, LV2_STATE_ERR_BAD_FLAGS);
SAME_VALUE(LV2_STATE_NO_FEATURE, LV2_STATE_ERR_NO_FEATURE);
SAME_VALUE(LV2_STATE_NO_PROPERTY, LV2_STATE_ERR_NO_PROPERTY);
SAME_VALUE(LV2_STATE_NO_SPACE, LV2_STATE_ERR_NO_SPACE);
SAME_VALUE(LV2_STATE_POD, LV2_STATE_IS_POD);
SAME_VALUE(LV2_STATE_PORTABLE, LV2_STATE_IS_PORTABLE);

SAME_SIZE(lv2_data_access, LV2_Extension_Data_Feature);
SAME_PLACE(lv2_data_access, data_access, LV2_Extension_Data_Feature, data_access);
SAME_SIZE(lv2_option, LV2_Options_Option);
SAME_PLACE(lv2_option, context, LV2_Options_Option, context);
SAME_PLACE(lv2_option, key, LV2_Options_Option, key);
SAME_PLACE(lv2_option, size, LV2_Options_Option, size);
SAME_PLACE(lv2_option, type, LV2_Options_Option, type);
SAME_PLACE(lv2_option, value, LV2_Options_Option, value);
SAME_SIZE(lv2_ui_touch, LV2UI_Touch);
SAME_PLACE(lv2_ui_touch, touch, LV2UI_Touch, touch);
SAME_SIZE(lv2_ui_resize, LV2UI_Resize);
SAME_PLACE(lv2_ui_resize, resize, LV2UI_Resize, ui_resize);
SAME_SIZE(lv2_ui_idle, LV2UI_Idle_Interface);
SAME_SIZE(lv2_ui, LV2UI_Descriptor);
SAME_PLACE(lv2_ui, uri, LV2UI_Descriptor, URI);
SAME_PLACE(lv2_ui, instantiate, LV2UI_Descriptor, instantiate);
SAME_PLACE(lv2_ui, cleanup, LV2UI_Descriptor, cleanup);
SAME_PLACE(lv2_ui, port_event, LV2UI_Descriptor, port_event);
SAME_PLACE(lv2_ui, extension_data, LV2UI_Descriptor, extension_data);

int main(void) {
    static const char *const uris[][2] = {
        {LV2_ATOM_CHUNK, LV2_ATOM__Chunk},
        {LV2_ATOM_SEQUENCE, LV2_ATOM__Sequence},
        {LV2_LOG, LV2_LOG__log},
        {LV2_LOG_ERROR, LV2_LOG__Error},
        {LV2_LOG_WARNING, LV2_LOG__Warning},
        {LV2_MIDI_EVENT, LV2_MIDI__MidiEvent},
        {LV2_ATOM_FLOAT, LV2_ATOM__Float},
        {LV2_DATA_ACCESS, LV2_DATA_ACCESS_URI},
        {LV2_INSTANCE_ACCESS, LV2_INSTANCE_ACCESS_URI},
        {LV2_OPTIONS, LV2_OPTIONS__options},
        {LV2_UI_IDLE, LV2_UI__idleInterface},
        {LV2_UI_PARENT, LV2_UI__parent},
        {LV2_UI_RESIZE, LV2_UI__resize},
        {LV2_UI_SCALE, LV2_UI__scaleFactor},
        {LV2_UI_TOUCH, LV2_UI__touch},
        {LV2_STATE, LV2_STATE__interface},
        {LV2_URID_MAP, LV2_URID__map},
    };
    for (size_t i = 0; i < sizeof uris / sizeof *uris; ++i)
        CHECK(strcmp(uris[i][0], uris[i][1]) == 0);
    /* A message of three bytes, padded. */
    CHECK(TAGPLUG_LV2_MESSAGE == sizeof(LV2_Atom_Event) + 8);
    return closing_line();
}
