/* abi_dpf.c - our declarations of CLAP and VST 3 beside those that others keep: the headers in
 * Debian's dpf-source. Sizes, offsets and numbers are compared when this compiles (as C with
 * -fms-extensions, which travesty wants), ids and names when it runs. */
#include <stddef.h>

#include "../check.h"
#include "clap/clap_abi.h"
#include "vst3/vst3_abi.h"

/* travesty names some structs as C++ does. */
typedef struct v3_event_handler v3_event_handler;
typedef struct v3_timer_handler v3_timer_handler;
typedef struct v3_unit_info v3_unit_info;
typedef struct v3_program_list_info v3_program_list_info;

#include <clap/entry.h>
#include <clap/ext/audio-ports.h>
#include <clap/ext/gui.h>
#include <clap/ext/latency.h>
#include <clap/ext/note-ports.h>
#include <clap/ext/params.h>
#include <clap/ext/state.h>
#include <clap/ext/timer-support.h>
#include <clap/plugin-factory.h>
#include <travesty/audio_processor.h>
#include <travesty/bstream.h>
#include <travesty/component.h>
#include <travesty/edit_controller.h>
#include <travesty/factory.h>
#include <travesty/unit.h>
#include <travesty/view.h>

#define VALUE(ours, theirs) _Static_assert((int64_t)(ours) == (int64_t)(theirs), #ours)
#define SIZE(ours, theirs)                                                                         \
    _Static_assert(sizeof(ours) == sizeof(theirs) && _Alignof(ours) == _Alignof(theirs), #ours)
#define FIELD(ours, field, theirs, their_field)                                                    \
    _Static_assert(offsetof(ours, field) == offsetof(theirs, their_field) &&                       \
                       sizeof(((ours *)NULL)->field) == sizeof(((theirs *)NULL)->their_field),     \
                   #ours "." #field)

/* ------------------------------------------------------------------------------------ CLAP --- */

VALUE(CL_NAME_SIZE, CLAP_NAME_SIZE);
VALUE(CL_PATH_SIZE, CLAP_PATH_SIZE);
VALUE(CL_EVENT_DONT_RECORD, CLAP_EVENT_DONT_RECORD);
VALUE(CL_EVENT_PARAM_VALUE, CLAP_EVENT_PARAM_VALUE);
VALUE(CL_EVENT_GESTURE_BEGIN, CLAP_EVENT_PARAM_GESTURE_BEGIN);
VALUE(CL_EVENT_GESTURE_END, CLAP_EVENT_PARAM_GESTURE_END);
VALUE(CL_EVENT_MIDI, CLAP_EVENT_MIDI);
VALUE(CL_PROCESS_CONTINUE, CLAP_PROCESS_CONTINUE);
VALUE(CL_AUDIO_PORT_MAIN, CLAP_AUDIO_PORT_IS_MAIN);
VALUE(CL_DIALECT_MIDI, CLAP_NOTE_DIALECT_MIDI);
VALUE(CL_PARAM_STEPPED, CLAP_PARAM_IS_STEPPED);
VALUE(CL_PARAM_READONLY, CLAP_PARAM_IS_READONLY);
VALUE(CL_PARAM_BYPASS, CLAP_PARAM_IS_BYPASS);
VALUE(CL_PARAM_AUTOMATABLE, CLAP_PARAM_IS_AUTOMATABLE);
VALUE(CL_RESCAN_VALUES, CLAP_PARAM_RESCAN_VALUES);
VALUE(CL_RESCAN_TEXT, CLAP_PARAM_RESCAN_TEXT);

SIZE(cl_version, clap_version_t);
FIELD(cl_version, major, clap_version_t, major);
FIELD(cl_version, minor, clap_version_t, minor);
FIELD(cl_version, revision, clap_version_t, revision);

SIZE(cl_event, clap_event_header_t);
FIELD(cl_event, size, clap_event_header_t, size);
FIELD(cl_event, time, clap_event_header_t, time);
FIELD(cl_event, space, clap_event_header_t, space_id);
FIELD(cl_event, type, clap_event_header_t, type);
FIELD(cl_event, flags, clap_event_header_t, flags);

SIZE(cl_event_param_value, clap_event_param_value_t);
FIELD(cl_event_param_value, header, clap_event_param_value_t, header);
FIELD(cl_event_param_value, parameter, clap_event_param_value_t, param_id);
FIELD(cl_event_param_value, cookie, clap_event_param_value_t, cookie);
FIELD(cl_event_param_value, note, clap_event_param_value_t, note_id);
FIELD(cl_event_param_value, port, clap_event_param_value_t, port_index);
FIELD(cl_event_param_value, channel, clap_event_param_value_t, channel);
FIELD(cl_event_param_value, key, clap_event_param_value_t, key);
FIELD(cl_event_param_value, value, clap_event_param_value_t, value);

SIZE(cl_event_midi, clap_event_midi_t);
FIELD(cl_event_midi, port, clap_event_midi_t, port_index);
FIELD(cl_event_midi, bytes, clap_event_midi_t, data);

SIZE(cl_input_events, clap_input_events_t);
FIELD(cl_input_events, context, clap_input_events_t, ctx);
FIELD(cl_input_events, size, clap_input_events_t, size);
FIELD(cl_input_events, get, clap_input_events_t, get);
SIZE(cl_output_events, clap_output_events_t);
FIELD(cl_output_events, context, clap_output_events_t, ctx);
FIELD(cl_output_events, try_push, clap_output_events_t, try_push);

SIZE(cl_audio_buffer, clap_audio_buffer_t);
FIELD(cl_audio_buffer, data32, clap_audio_buffer_t, data32);
FIELD(cl_audio_buffer, data64, clap_audio_buffer_t, data64);
FIELD(cl_audio_buffer, channel_count, clap_audio_buffer_t, channel_count);
FIELD(cl_audio_buffer, latency, clap_audio_buffer_t, latency);
FIELD(cl_audio_buffer, constant_mask, clap_audio_buffer_t, constant_mask);

SIZE(cl_process, clap_process_t);
FIELD(cl_process, steady_time, clap_process_t, steady_time);
FIELD(cl_process, frames, clap_process_t, frames_count);
FIELD(cl_process, transport, clap_process_t, transport);
FIELD(cl_process, inputs, clap_process_t, audio_inputs);
FIELD(cl_process, outputs, clap_process_t, audio_outputs);
FIELD(cl_process, input_count, clap_process_t, audio_inputs_count);
FIELD(cl_process, output_count, clap_process_t, audio_outputs_count);
FIELD(cl_process, in_events, clap_process_t, in_events);
FIELD(cl_process, out_events, clap_process_t, out_events);

SIZE(cl_host, clap_host_t);
FIELD(cl_host, version, clap_host_t, clap_version);
FIELD(cl_host, host_data, clap_host_t, host_data);
FIELD(cl_host, name, clap_host_t, name);
FIELD(cl_host, vendor, clap_host_t, vendor);
FIELD(cl_host, url, clap_host_t, url);
FIELD(cl_host, host_version, clap_host_t, version);
FIELD(cl_host, get_extension, clap_host_t, get_extension);
FIELD(cl_host, request_restart, clap_host_t, request_restart);
FIELD(cl_host, request_process, clap_host_t, request_process);
FIELD(cl_host, request_callback, clap_host_t, request_callback);

SIZE(cl_descriptor, clap_plugin_descriptor_t);
FIELD(cl_descriptor, version, clap_plugin_descriptor_t, clap_version);
FIELD(cl_descriptor, id, clap_plugin_descriptor_t, id);
FIELD(cl_descriptor, name, clap_plugin_descriptor_t, name);
FIELD(cl_descriptor, vendor, clap_plugin_descriptor_t, vendor);
FIELD(cl_descriptor, url, clap_plugin_descriptor_t, url);
FIELD(cl_descriptor, manual_url, clap_plugin_descriptor_t, manual_url);
FIELD(cl_descriptor, support_url, clap_plugin_descriptor_t, support_url);
FIELD(cl_descriptor, plugin_version, clap_plugin_descriptor_t, version);
FIELD(cl_descriptor, description, clap_plugin_descriptor_t, description);
FIELD(cl_descriptor, features, clap_plugin_descriptor_t, features);

SIZE(cl_plugin, clap_plugin_t);
FIELD(cl_plugin, descriptor, clap_plugin_t, desc);
FIELD(cl_plugin, plugin_data, clap_plugin_t, plugin_data);
FIELD(cl_plugin, init, clap_plugin_t, init);
FIELD(cl_plugin, destroy, clap_plugin_t, destroy);
FIELD(cl_plugin, activate, clap_plugin_t, activate);
FIELD(cl_plugin, deactivate, clap_plugin_t, deactivate);
FIELD(cl_plugin, start_processing, clap_plugin_t, start_processing);
FIELD(cl_plugin, stop_processing, clap_plugin_t, stop_processing);
FIELD(cl_plugin, reset, clap_plugin_t, reset);
FIELD(cl_plugin, process, clap_plugin_t, process);
FIELD(cl_plugin, get_extension, clap_plugin_t, get_extension);
FIELD(cl_plugin, on_main_thread, clap_plugin_t, on_main_thread);

SIZE(cl_factory, clap_plugin_factory_t);
FIELD(cl_factory, count, clap_plugin_factory_t, get_plugin_count);
FIELD(cl_factory, descriptor, clap_plugin_factory_t, get_plugin_descriptor);
FIELD(cl_factory, create, clap_plugin_factory_t, create_plugin);

SIZE(cl_entry, clap_plugin_entry_t);
FIELD(cl_entry, version, clap_plugin_entry_t, clap_version);
FIELD(cl_entry, init, clap_plugin_entry_t, init);
FIELD(cl_entry, deinit, clap_plugin_entry_t, deinit);
FIELD(cl_entry, get_factory, clap_plugin_entry_t, get_factory);

SIZE(cl_audio_port, clap_audio_port_info_t);
FIELD(cl_audio_port, id, clap_audio_port_info_t, id);
FIELD(cl_audio_port, name, clap_audio_port_info_t, name);
FIELD(cl_audio_port, flags, clap_audio_port_info_t, flags);
FIELD(cl_audio_port, channel_count, clap_audio_port_info_t, channel_count);
FIELD(cl_audio_port, type, clap_audio_port_info_t, port_type);
FIELD(cl_audio_port, in_place_pair, clap_audio_port_info_t, in_place_pair);
SIZE(cl_audio_ports, clap_plugin_audio_ports_t);
FIELD(cl_audio_ports, count, clap_plugin_audio_ports_t, count);
FIELD(cl_audio_ports, get, clap_plugin_audio_ports_t, get);

SIZE(cl_note_port, clap_note_port_info_t);
FIELD(cl_note_port, id, clap_note_port_info_t, id);
FIELD(cl_note_port, dialects, clap_note_port_info_t, supported_dialects);
FIELD(cl_note_port, preferred, clap_note_port_info_t, preferred_dialect);
FIELD(cl_note_port, name, clap_note_port_info_t, name);
SIZE(cl_note_ports, clap_plugin_note_ports_t);
FIELD(cl_note_ports, count, clap_plugin_note_ports_t, count);
FIELD(cl_note_ports, get, clap_plugin_note_ports_t, get);

SIZE(cl_param, clap_param_info_t);
FIELD(cl_param, id, clap_param_info_t, id);
FIELD(cl_param, flags, clap_param_info_t, flags);
FIELD(cl_param, cookie, clap_param_info_t, cookie);
FIELD(cl_param, name, clap_param_info_t, name);
FIELD(cl_param, module, clap_param_info_t, module);
FIELD(cl_param, low, clap_param_info_t, min_value);
FIELD(cl_param, high, clap_param_info_t, max_value);
FIELD(cl_param, start, clap_param_info_t, default_value);

SIZE(cl_params, clap_plugin_params_t);
FIELD(cl_params, count, clap_plugin_params_t, count);
FIELD(cl_params, get_info, clap_plugin_params_t, get_info);
FIELD(cl_params, get_value, clap_plugin_params_t, get_value);
FIELD(cl_params, value_to_text, clap_plugin_params_t, value_to_text);
FIELD(cl_params, text_to_value, clap_plugin_params_t, text_to_value);
FIELD(cl_params, flush, clap_plugin_params_t, flush);
SIZE(cl_host_params, clap_host_params_t);
FIELD(cl_host_params, rescan, clap_host_params_t, rescan);
FIELD(cl_host_params, clear, clap_host_params_t, clear);
FIELD(cl_host_params, request_flush, clap_host_params_t, request_flush);

SIZE(cl_istream, clap_istream_t);
FIELD(cl_istream, context, clap_istream_t, ctx);
FIELD(cl_istream, read, clap_istream_t, read);
SIZE(cl_ostream, clap_ostream_t);
FIELD(cl_ostream, context, clap_ostream_t, ctx);
FIELD(cl_ostream, write, clap_ostream_t, write);
SIZE(cl_state, clap_plugin_state_t);
FIELD(cl_state, save, clap_plugin_state_t, save);
FIELD(cl_state, load, clap_plugin_state_t, load);
SIZE(cl_latency, clap_plugin_latency_t);
FIELD(cl_latency, get, clap_plugin_latency_t, get);

static void test_clap_names(void) {
    CHECK(CL_INVALID_ID == CLAP_INVALID_ID);
    CHECK(CL_VERSION.major == CLAP_VERSION_MAJOR && CL_VERSION.minor == CLAP_VERSION_MINOR &&
          CL_VERSION.revision == CLAP_VERSION_REVISION);
    CHECK(strcmp(CL_FACTORY, CLAP_PLUGIN_FACTORY_ID) == 0);
    CHECK(strcmp(CL_AUDIO_PORTS, CLAP_EXT_AUDIO_PORTS) == 0);
    CHECK(strcmp(CL_PORT_MONO, CLAP_PORT_MONO) == 0);
    CHECK(strcmp(CL_PORT_STEREO, CLAP_PORT_STEREO) == 0);
    CHECK(strcmp(CL_NOTE_PORTS, CLAP_EXT_NOTE_PORTS) == 0);
    CHECK(strcmp(CL_PARAMS, CLAP_EXT_PARAMS) == 0);
    CHECK(strcmp(CL_STATE, CLAP_EXT_STATE) == 0);
    CHECK(strcmp(CL_LATENCY, CLAP_EXT_LATENCY) == 0);
    CHECK(strcmp(CL_GUI, CLAP_EXT_GUI) == 0);
    CHECK(strcmp(CL_WINDOW_X11, CLAP_WINDOW_API_X11) == 0);
    CHECK(strcmp(CL_WINDOW_WIN32, CLAP_WINDOW_API_WIN32) == 0);
    CHECK(strcmp(CL_TIMER, CLAP_EXT_TIMER_SUPPORT) == 0);
}

/* ----------------------------------------------------------------------------------- VST 3 --- */

VALUE(VST_OK, V3_OK);
VALUE(VST_FALSE, V3_FALSE);
VALUE(VST_NO_INTERFACE, V3_NO_INTERFACE);
VALUE(VST_INVALID_ARGUMENT, V3_INVALID_ARG);
VALUE(VST_NOT_IMPLEMENTED, V3_NOT_IMPLEMENTED);
VALUE(VST_OUT_OF_MEMORY, V3_NOMEM);
VALUE(VST_AUDIO, V3_AUDIO);
VALUE(VST_EVENT, V3_EVENT);
VALUE(VST_INPUT, V3_INPUT);
VALUE(VST_OUTPUT, V3_OUTPUT);
VALUE(VST_BUS_MAIN, V3_MAIN);
VALUE(VST_BUS_DEFAULT_ACTIVE, V3_DEFAULT_ACTIVE);
VALUE(VST_SPEAKERS_STEREO, V3_SPEAKER_L | V3_SPEAKER_R);
VALUE(VST_SPEAKERS_MONO, V3_SPEAKER_M);
VALUE(VST_REALTIME, V3_REALTIME);
VALUE(VST_PREFETCH, V3_PREFETCH);
VALUE(VST_OFFLINE, V3_OFFLINE);
VALUE(VST_SAMPLE_32, V3_SAMPLE_32);
VALUE(VST_SAMPLE_64, V3_SAMPLE_64);
VALUE(VST_EVENT_MIDI_CC, V3_EVENT_LEGACY_MIDI_CC_OUT);
VALUE(VST_RESTART_VALUES, V3_RESTART_PARAM_VALUES_CHANGED);
VALUE(VST_RESTART_TITLES, V3_RESTART_PARAM_TITLES_CHANGED);
VALUE(VST_PARAMETER_AUTOMATABLE, V3_PARAM_CAN_AUTOMATE);
VALUE(VST_PARAMETER_READ_ONLY, V3_PARAM_READ_ONLY);
VALUE(VST_PARAMETER_LIST, V3_PARAM_IS_LIST);
VALUE(VST_PARAMETER_PROGRAM, V3_PARAM_PROGRAM_CHANGE);
VALUE(VST_PARAMETER_BYPASS, V3_PARAM_IS_BYPASS);

SIZE(vst_unknown, struct v3_funknown);
FIELD(vst_unknown, query, struct v3_funknown, query_interface);
FIELD(vst_unknown, ref, struct v3_funknown, ref);
FIELD(vst_unknown, unref, struct v3_funknown, unref);
SIZE(vst_plugin_base, struct v3_plugin_base);
FIELD(vst_plugin_base, initialize, struct v3_plugin_base, initialize);
FIELD(vst_plugin_base, terminate, struct v3_plugin_base, terminate);
SIZE(vst_stream_table, struct v3_bstream);
FIELD(vst_stream_table, read, struct v3_bstream, read);
FIELD(vst_stream_table, write, struct v3_bstream, write);
FIELD(vst_stream_table, seek, struct v3_bstream, seek);
FIELD(vst_stream_table, tell, struct v3_bstream, tell);

SIZE(vst_factory_info, struct v3_factory_info);
FIELD(vst_factory_info, vendor, struct v3_factory_info, vendor);
FIELD(vst_factory_info, url, struct v3_factory_info, url);
FIELD(vst_factory_info, email, struct v3_factory_info, email);
FIELD(vst_factory_info, flags, struct v3_factory_info, flags);
SIZE(vst_class, struct v3_class_info);
FIELD(vst_class, id, struct v3_class_info, class_id);
FIELD(vst_class, cardinality, struct v3_class_info, cardinality);
FIELD(vst_class, category, struct v3_class_info, category);
FIELD(vst_class, name, struct v3_class_info, name);
SIZE(vst_class_2, struct v3_class_info_2);
FIELD(vst_class_2, name, struct v3_class_info_2, name);
FIELD(vst_class_2, flags, struct v3_class_info_2, class_flags);
FIELD(vst_class_2, sub_categories, struct v3_class_info_2, sub_categories);
FIELD(vst_class_2, vendor, struct v3_class_info_2, vendor);
FIELD(vst_class_2, version, struct v3_class_info_2, version);
FIELD(vst_class_2, sdk_version, struct v3_class_info_2, sdk_version);
SIZE(vst_class_3, struct v3_class_info_3);
FIELD(vst_class_3, name, struct v3_class_info_3, name);
FIELD(vst_class_3, flags, struct v3_class_info_3, class_flags);
FIELD(vst_class_3, sub_categories, struct v3_class_info_3, sub_categories);
FIELD(vst_class_3, vendor, struct v3_class_info_3, vendor);
FIELD(vst_class_3, version, struct v3_class_info_3, version);
FIELD(vst_class_3, sdk_version, struct v3_class_info_3, sdk_version);
SIZE(vst_factory_table, struct v3_plugin_factory_3);
FIELD(vst_factory_table, info, struct v3_plugin_factory, get_factory_info);
FIELD(vst_factory_table, count, struct v3_plugin_factory, num_classes);
FIELD(vst_factory_table, class_info, struct v3_plugin_factory, get_class_info);
FIELD(vst_factory_table, create, struct v3_plugin_factory, create_instance);
FIELD(vst_factory_table, class_info_2, struct v3_plugin_factory_2, get_class_info_2);
FIELD(vst_factory_table, class_info_3, struct v3_plugin_factory_3, get_class_info_utf16);
FIELD(vst_factory_table, set_host, struct v3_plugin_factory_3, set_host_context);

SIZE(vst_bus, struct v3_bus_info);
VALUE(VST_BUS_MAIN, V3_MAIN);
VALUE(VST_BUS_AUX, V3_AUX);
VALUE(VST_BUS_DEFAULT_ACTIVE, V3_DEFAULT_ACTIVE);
FIELD(vst_bus, media, struct v3_bus_info, media_type);
FIELD(vst_bus, direction, struct v3_bus_info, direction);
FIELD(vst_bus, channels, struct v3_bus_info, channel_count);
FIELD(vst_bus, name, struct v3_bus_info, bus_name);
FIELD(vst_bus, type, struct v3_bus_info, bus_type);
FIELD(vst_bus, flags, struct v3_bus_info, flags);
SIZE(vst_component_table, struct v3_component);
FIELD(vst_component_table, controller_class, struct v3_component, get_controller_class_id);
FIELD(vst_component_table, set_io_mode, struct v3_component, set_io_mode);
FIELD(vst_component_table, bus_count, struct v3_component, get_bus_count);
FIELD(vst_component_table, bus_info, struct v3_component, get_bus_info);
FIELD(vst_component_table, routing_info, struct v3_component, get_routing_info);
FIELD(vst_component_table, activate_bus, struct v3_component, activate_bus);
FIELD(vst_component_table, set_active, struct v3_component, set_active);
FIELD(vst_component_table, set_state, struct v3_component, set_state);
FIELD(vst_component_table, get_state, struct v3_component, get_state);

SIZE(vst_setup, struct v3_process_setup);
FIELD(vst_setup, process_mode, struct v3_process_setup, process_mode);
FIELD(vst_setup, sample_size, struct v3_process_setup, symbolic_sample_size);
FIELD(vst_setup, max_frames, struct v3_process_setup, max_block_size);
FIELD(vst_setup, rate, struct v3_process_setup, sample_rate);
SIZE(vst_queue_table, struct v3_param_value_queue);
FIELD(vst_queue_table, parameter, struct v3_param_value_queue, get_param_id);
FIELD(vst_queue_table, count, struct v3_param_value_queue, get_point_count);
FIELD(vst_queue_table, point, struct v3_param_value_queue, get_point);
FIELD(vst_queue_table, add, struct v3_param_value_queue, add_point);
SIZE(vst_changes_table, struct v3_param_changes);
FIELD(vst_changes_table, count, struct v3_param_changes, get_param_count);
FIELD(vst_changes_table, queue, struct v3_param_changes, get_param_data);
FIELD(vst_changes_table, add, struct v3_param_changes, add_param_data);
SIZE(vst_midi_cc, struct v3_event_legacy_midi_cc_out);
FIELD(vst_midi_cc, controller, struct v3_event_legacy_midi_cc_out, cc_number);
FIELD(vst_midi_cc, channel, struct v3_event_legacy_midi_cc_out, channel);
FIELD(vst_midi_cc, value, struct v3_event_legacy_midi_cc_out, value);
FIELD(vst_midi_cc, value_2, struct v3_event_legacy_midi_cc_out, value2);
SIZE(vst_event, struct v3_event);
FIELD(vst_event, bus, struct v3_event, bus_index);
FIELD(vst_event, offset, struct v3_event, sample_offset);
FIELD(vst_event, quarters, struct v3_event, ppq_position);
FIELD(vst_event, flags, struct v3_event, flags);
FIELD(vst_event, type, struct v3_event, type);
FIELD(vst_event, of.midi_cc, struct v3_event, midi_cc_out);
SIZE(vst_events_table, struct v3_event_list);
FIELD(vst_events_table, count, struct v3_event_list, get_event_count);
FIELD(vst_events_table, get, struct v3_event_list, get_event);
FIELD(vst_events_table, add, struct v3_event_list, add_event);
SIZE(vst_audio_bus, struct v3_audio_bus_buffers);
FIELD(vst_audio_bus, channels, struct v3_audio_bus_buffers, num_channels);
FIELD(vst_audio_bus, silence, struct v3_audio_bus_buffers, channel_silence_bitset);
FIELD(vst_audio_bus, samples.of_32, struct v3_audio_bus_buffers, channel_buffers_32);
FIELD(vst_audio_bus, samples.of_64, struct v3_audio_bus_buffers, channel_buffers_64);
SIZE(vst_data, struct v3_process_data);
FIELD(vst_data, process_mode, struct v3_process_data, process_mode);
FIELD(vst_data, sample_size, struct v3_process_data, symbolic_sample_size);
FIELD(vst_data, frames, struct v3_process_data, nframes);
FIELD(vst_data, input_count, struct v3_process_data, num_input_buses);
FIELD(vst_data, output_count, struct v3_process_data, num_output_buses);
FIELD(vst_data, inputs, struct v3_process_data, inputs);
FIELD(vst_data, outputs, struct v3_process_data, outputs);
FIELD(vst_data, in_changes, struct v3_process_data, input_params);
FIELD(vst_data, out_changes, struct v3_process_data, output_params);
FIELD(vst_data, in_events, struct v3_process_data, input_events);
FIELD(vst_data, out_events, struct v3_process_data, output_events);
FIELD(vst_data, context, struct v3_process_data, ctx);
SIZE(vst_processor_table, struct v3_audio_processor);
FIELD(vst_processor_table, set_arrangements, struct v3_audio_processor, set_bus_arrangements);
FIELD(vst_processor_table, get_arrangement, struct v3_audio_processor, get_bus_arrangement);
FIELD(vst_processor_table, can_process, struct v3_audio_processor, can_process_sample_size);
FIELD(vst_processor_table, latency, struct v3_audio_processor, get_latency_samples);
FIELD(vst_processor_table, setup, struct v3_audio_processor, setup_processing);
FIELD(vst_processor_table, set_processing, struct v3_audio_processor, set_processing);
FIELD(vst_processor_table, process, struct v3_audio_processor, process);
FIELD(vst_processor_table, tail, struct v3_audio_processor, get_tail_samples);
SIZE(vst_requirements_table, struct v3_process_context_requirements);
FIELD(vst_requirements_table, get, struct v3_process_context_requirements,
      get_process_context_requirements);

SIZE(vst_handler_table, struct v3_component_handler);
FIELD(vst_handler_table, begin_edit, struct v3_component_handler, begin_edit);
FIELD(vst_handler_table, perform_edit, struct v3_component_handler, perform_edit);
FIELD(vst_handler_table, end_edit, struct v3_component_handler, end_edit);
FIELD(vst_handler_table, restart, struct v3_component_handler, restart_component);
SIZE(vst_parameter, struct v3_param_info);
FIELD(vst_parameter, id, struct v3_param_info, param_id);
FIELD(vst_parameter, title, struct v3_param_info, title);
FIELD(vst_parameter, short_title, struct v3_param_info, short_title);
FIELD(vst_parameter, unit, struct v3_param_info, units);
FIELD(vst_parameter, steps, struct v3_param_info, step_count);
FIELD(vst_parameter, start, struct v3_param_info, default_normalised_value);
FIELD(vst_parameter, unit_id, struct v3_param_info, unit_id);
FIELD(vst_parameter, flags, struct v3_param_info, flags);
SIZE(vst_controller_table, struct v3_edit_controller);
FIELD(vst_controller_table, set_component_state, struct v3_edit_controller, set_component_state);
FIELD(vst_controller_table, set_state, struct v3_edit_controller, set_state);
FIELD(vst_controller_table, get_state, struct v3_edit_controller, get_state);
FIELD(vst_controller_table, count, struct v3_edit_controller, get_parameter_count);
FIELD(vst_controller_table, info, struct v3_edit_controller, get_parameter_info);
FIELD(vst_controller_table, text_of, struct v3_edit_controller, get_parameter_string_for_value);
FIELD(vst_controller_table, value_of, struct v3_edit_controller, get_parameter_value_for_string);
FIELD(vst_controller_table, to_plain, struct v3_edit_controller, normalised_parameter_to_plain);
FIELD(vst_controller_table, from_plain, struct v3_edit_controller, plain_parameter_to_normalised);
FIELD(vst_controller_table, get, struct v3_edit_controller, get_parameter_normalised);
FIELD(vst_controller_table, set, struct v3_edit_controller, set_parameter_normalised);
FIELD(vst_controller_table, set_handler, struct v3_edit_controller, set_component_handler);
FIELD(vst_controller_table, create_view, struct v3_edit_controller, create_view);
SIZE(vst_unit, struct v3_unit_info);
FIELD(vst_unit, id, struct v3_unit_info, id);
FIELD(vst_unit, parent, struct v3_unit_info, parent_unit_id);
FIELD(vst_unit, name, struct v3_unit_info, name);
FIELD(vst_unit, programs, struct v3_unit_info, program_list_id);
SIZE(vst_program_list, struct v3_program_list_info);
FIELD(vst_program_list, id, struct v3_program_list_info, id);
FIELD(vst_program_list, name, struct v3_program_list_info, name);
FIELD(vst_program_list, count, struct v3_program_list_info, programCount);
SIZE(vst_units_table, struct v3_unit_information);
FIELD(vst_units_table, count, struct v3_unit_information, get_unit_count);
FIELD(vst_units_table, info, struct v3_unit_information, get_unit_info);
FIELD(vst_units_table, program_list_count, struct v3_unit_information, get_program_list_count);
FIELD(vst_units_table, program_list, struct v3_unit_information, get_program_list_info);
FIELD(vst_units_table, program_name, struct v3_unit_information, get_program_name);
FIELD(vst_units_table, program_info, struct v3_unit_information, get_program_info);
FIELD(vst_units_table, has_pitch_names, struct v3_unit_information, has_program_pitch_names);
FIELD(vst_units_table, pitch_name, struct v3_unit_information, get_program_pitch_name);
FIELD(vst_units_table, selected, struct v3_unit_information, get_selected_unit);
FIELD(vst_units_table, select, struct v3_unit_information, select_unit);
FIELD(vst_units_table, of_bus, struct v3_unit_information, get_unit_by_bus);
FIELD(vst_units_table, set_program, struct v3_unit_information, set_unit_program_data);

/* The window of a CLAP. */
SIZE(cl_gui, clap_plugin_gui_t);
FIELD(cl_gui, is_supported, clap_plugin_gui_t, is_api_supported);
FIELD(cl_gui, preferred, clap_plugin_gui_t, get_preferred_api);
FIELD(cl_gui, create, clap_plugin_gui_t, create);
FIELD(cl_gui, destroy, clap_plugin_gui_t, destroy);
FIELD(cl_gui, set_scale, clap_plugin_gui_t, set_scale);
FIELD(cl_gui, get_size, clap_plugin_gui_t, get_size);
FIELD(cl_gui, can_resize, clap_plugin_gui_t, can_resize);
FIELD(cl_gui, resize_hints, clap_plugin_gui_t, get_resize_hints);
FIELD(cl_gui, adjust_size, clap_plugin_gui_t, adjust_size);
FIELD(cl_gui, set_size, clap_plugin_gui_t, set_size);
FIELD(cl_gui, set_parent, clap_plugin_gui_t, set_parent);
FIELD(cl_gui, set_transient, clap_plugin_gui_t, set_transient);
FIELD(cl_gui, suggest_title, clap_plugin_gui_t, suggest_title);
FIELD(cl_gui, show, clap_plugin_gui_t, show);
FIELD(cl_gui, hide, clap_plugin_gui_t, hide);
SIZE(cl_resize_hints, clap_gui_resize_hints_t);
FIELD(cl_resize_hints, horizontally, clap_gui_resize_hints_t, can_resize_horizontally);
FIELD(cl_resize_hints, keep_aspect, clap_gui_resize_hints_t, preserve_aspect_ratio);
FIELD(cl_resize_hints, aspect_height, clap_gui_resize_hints_t, aspect_ratio_height);
SIZE(cl_host_gui, clap_host_gui_t);
FIELD(cl_host_gui, closed, clap_host_gui_t, closed);
SIZE(cl_timer, clap_plugin_timer_support_t);
SIZE(cl_host_timer, clap_host_timer_support_t);
FIELD(cl_host_timer, start, clap_host_timer_support_t, register_timer);
FIELD(cl_host_timer, stop, clap_host_timer_support_t, unregister_timer);
SIZE(cl_event_gesture, clap_event_param_gesture_t);
FIELD(cl_event_gesture, parameter, clap_event_param_gesture_t, param_id);

/* The window of a VST 3. */
SIZE(vst_view_table, struct v3_plugin_view);
FIELD(vst_view_table, is_supported, struct v3_plugin_view, is_platform_type_supported);
FIELD(vst_view_table, attached, struct v3_plugin_view, attached);
FIELD(vst_view_table, removed, struct v3_plugin_view, removed);
FIELD(vst_view_table, on_wheel, struct v3_plugin_view, on_wheel);
FIELD(vst_view_table, on_key_down, struct v3_plugin_view, on_key_down);
FIELD(vst_view_table, on_key_up, struct v3_plugin_view, on_key_up);
FIELD(vst_view_table, get_size, struct v3_plugin_view, get_size);
FIELD(vst_view_table, on_size, struct v3_plugin_view, on_size);
FIELD(vst_view_table, on_focus, struct v3_plugin_view, on_focus);
FIELD(vst_view_table, set_frame, struct v3_plugin_view, set_frame);
FIELD(vst_view_table, can_resize, struct v3_plugin_view, can_resize);
FIELD(vst_view_table, check_size, struct v3_plugin_view, check_size_constraint);
SIZE(vst_rect, struct v3_view_rect);
FIELD(vst_rect, bottom, struct v3_view_rect, bottom);
SIZE(vst_frame_table, struct v3_plugin_frame);
SIZE(vst_scale_table, struct v3_plugin_view_content_scale);
SIZE(vst_timer_table, struct v3_timer_handler);
SIZE(vst_loop_table, struct v3_run_loop);
FIELD(vst_loop_table, add_events, struct v3_run_loop, register_event_handler);
FIELD(vst_loop_table, remove_events, struct v3_run_loop, unregister_event_handler);
FIELD(vst_loop_table, add_timer, struct v3_run_loop, register_timer);
FIELD(vst_loop_table, remove_timer, struct v3_run_loop, unregister_timer);

static bool same(const vst_id ours, const v3_tuid theirs) {
    return memcmp(ours, theirs, sizeof(vst_id)) == 0;
}

static void test_vst3_ids(void) {
    CHECK(same((const vst_id)VST_UNKNOWN_ID, v3_funknown_iid));
    CHECK(same((const vst_id)VST_PLUGIN_BASE_ID, v3_plugin_base_iid));
    CHECK(same((const vst_id)VST_FACTORY_ID, v3_plugin_factory_iid));
    CHECK(same((const vst_id)VST_FACTORY_2_ID, v3_plugin_factory_2_iid));
    CHECK(same((const vst_id)VST_FACTORY_3_ID, v3_plugin_factory_3_iid));
    CHECK(same((const vst_id)VST_COMPONENT_ID, v3_component_iid));
    CHECK(same((const vst_id)VST_PROCESSOR_ID, v3_audio_processor_iid));
    CHECK(same((const vst_id)VST_REQUIREMENTS_ID, v3_process_context_requirements_iid));
    CHECK(same((const vst_id)VST_CONTROLLER_ID, v3_edit_controller_iid));
    CHECK(same((const vst_id)VST_UNITS_ID, v3_unit_information_iid));
    CHECK(same((const vst_id)VST_VIEW_ID, v3_plugin_view_iid));
    CHECK(same((const vst_id)VST_SCALE_ID, v3_plugin_view_content_scale_iid));
    CHECK(same((const vst_id)VST_TIMER_ID, v3_timer_handler_iid));
    CHECK(same((const vst_id)VST_LOOP_ID, v3_run_loop_iid));
    CHECK(strcmp(VST_WINDOW_X11, V3_VIEW_PLATFORM_TYPE_X11) == 0);
    CHECK(strcmp(VST_WINDOW_HWND, V3_VIEW_PLATFORM_TYPE_HWND) == 0);
}

int main(void) {
    test_clap_names();
    test_vst3_ids();
    return closing_line();
}
