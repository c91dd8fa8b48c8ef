/* clap_face.c - the plugin as a CLAP. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clap_abi.h"
#include "clap_presets.h"
#include "clap_window.h"
#include "face/face.h"

enum { INPUT, SIDECHAIN, OUTPUT }; /* audio ports */

typedef struct {
    cl_plugin plugin; /* first: hosts hold a pointer to it */
    tagplug *core;
    const cl_host *host;
    const cl_host_params *host_params; /* NULL: the host has no such extension */
    double rate;
    uint32_t channels[3]; /* of the main input, the sidechain, the output */
    bool active;
    _Atomic uint64_t texts; /* of which the host was notified */
    clap_window *window;    /* NULL: this build has none */
    face_outputs outputs;
    face_block block;
} face;

static face *face_of(const cl_plugin *plugin) TAGNODE_NONBLOCKING {
    return plugin->plugin_data;
}

/* ---------------------------------------------------------------------------------- events --- */

static void apply(face *self, const cl_event *event) TAGNODE_NONBLOCKING {
    if (event->space != 0 || event->type != CL_EVENT_PARAM_VALUE) return;
    const cl_event_param_value *change = (const cl_event_param_value *)(const void *)event;
    tagplug_set(self->core, tagnode_plugin_parameter_find(change->parameter), (float)change->value);
}

static void send_midi(const face_block *block, const cl_output_events *out) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < block->midi_count; ++i) {
        const tagplug_midi *message = block->midi + i;
        const cl_event_midi event = {
            .header = {.size = sizeof event, .time = message->offset, .type = CL_EVENT_MIDI},
            .bytes = {message->bytes[0], message->bytes[1], message->bytes[2]}};
        out->try_push(out, &event.header);
    }
}

/* Processes a part of the block and returns its end. */
static uint32_t process_part(face *self, uint32_t from, uint32_t until, const cl_output_events *out)
    TAGNODE_NONBLOCKING {
    while (from < until) {
        from = face_process(&self->block, self->core, from, until);
        if (out != NULL) send_midi(&self->block, out);
    }
    return from;
}

/* Sends outputs that are due, at the end of a block. */
static void send_outputs(face *self, uint32_t time, const cl_output_events *out)
    TAGNODE_NONBLOCKING {
    for (uint32_t i = TAGPLUG_INPUTS; i < TAGPLUG_PARAMETERS; ++i) {
        const float value = tagplug_get(self->core, i);
        if (!face_outputs_due(&self->outputs, i - TAGPLUG_INPUTS, value)) continue;
        const cl_event_param_value event = {.header = {.size = sizeof event,
                                                       .time = time,
                                                       .type = CL_EVENT_PARAM_VALUE,
                                                       .flags = CL_EVENT_DONT_RECORD},
                                            .parameter = tagnode_plugin_parameter_info(i)->id,
                                            .note = -1,
                                            .port = -1,
                                            .channel = -1,
                                            .key = -1,
                                            .value = value};
        if (out->try_push(out, &event.header))
            face_outputs_note(&self->outputs, i - TAGPLUG_INPUTS, value);
    }
}

/* Requests a callback on the main thread when texts have changed. */
static void notice_texts(face *self) TAGNODE_NONBLOCKING {
    const uint64_t texts = face_texts(self->core);
    if (atomic_exchange_explicit(&self->texts, texts, memory_order_relaxed) != texts)
        self->host->request_callback(self->host);
}

static void on_main_thread(const cl_plugin *plugin) {
    const face *self = face_of(plugin);
    if (self->host_params != NULL)
        self->host_params->rescan(self->host, CL_RESCAN_VALUES | CL_RESCAN_TEXT);
}

static void flush(const cl_plugin *plugin, const cl_input_events *in, const cl_output_events *out)
    TAGNODE_NONBLOCKING {
    face *self = face_of(plugin);
    const uint32_t count = in != NULL ? in->size(in) : 0;
    if (self->window != NULL && out != NULL) clap_window_send(self->window, out);
    for (uint32_t i = 0; i < count; ++i) apply(self, in->get(in, i));
    face_outputs_advance(&self->outputs, 0);
    if (out != NULL) send_outputs(self, 0, out);
    notice_texts(self);
}

/* --------------------------------------------------------------------------------- process --- */

static int32_t process(const cl_plugin *plugin, const cl_process *data) TAGNODE_NONBLOCKING {
    face *self = face_of(plugin);
    const cl_audio_buffer *input = data->input_count > 0 ? data->inputs : NULL;
    const cl_audio_buffer *output = data->output_count > 0 ? data->outputs : NULL;
    face_begin(&self->block, input != NULL ? (const float *const *)input->data32 : NULL,
               input != NULL ? input->channel_count : 0, output != NULL ? output->data32 : NULL,
               output != NULL ? output->channel_count : 0);
    if (input != NULL && data->input_count > 1)
        face_sidechain(&self->block, (const float *const *)input[1].data32, input[1].channel_count);
    const cl_input_events *in = data->in_events;
    const cl_output_events *out = data->out_events;
    const uint32_t count = in != NULL ? in->size(in) : 0;
    uint32_t at = 0;
    if (self->window != NULL && out != NULL) clap_window_send(self->window, out);
    for (uint32_t i = 0; i < count; ++i) {
        const cl_event *event = in->get(in, i);
        if (event->time < data->frames) at = process_part(self, at, event->time, out);
        apply(self, event);
    }
    (void)process_part(self, at, data->frames, out);
    if (output != NULL)
        data->outputs->constant_mask =
            output->data32 == NULL ? 0
                                   : face_constant((const float *const *)output->data32,
                                                   output->channel_count, data->frames, false);
    face_outputs_advance(&self->outputs, data->frames);
    if (out != NULL) send_outputs(self, data->frames > 0 ? data->frames - 1 : 0, out);
    notice_texts(self);
    return CL_PROCESS_CONTINUE; /* in silence too: slots still move */
}

static void reset(const cl_plugin *plugin) TAGNODE_NONBLOCKING {
    tagplug_reset(face_of(plugin)->core);
}

static bool start_processing(const cl_plugin *plugin) TAGNODE_NONBLOCKING {
    return true;
}

static void stop_processing(const cl_plugin *plugin) TAGNODE_NONBLOCKING {}

static bool activate(const cl_plugin *plugin, double rate, uint32_t min_frames,
                     uint32_t max_frames) {
    face *self = face_of(plugin);
    self->rate = rate;
    face_outputs_prepare(&self->outputs, rate);
    tagplug_activate(self->core, rate, self->channels[OUTPUT]);
    self->active = true;
    return true;
}

static void deactivate(const cl_plugin *plugin) {
    face *self = face_of(plugin);
    tagplug_deactivate(self->core);
    self->active = false;
}

/* ----------------------------------------------------------------------------------- ports --- */

static void copy_text(char *to, size_t size, const char *from) {
    (void)snprintf(to, size, "%s", from);
}

static uint32_t audio_port_count(const cl_plugin *plugin, bool input) {
    return input ? 2 : 1;
}

static const char *type_of(uint32_t channels) {
    return channels == 1 ? CL_PORT_MONO : CL_PORT_STEREO;
}

static bool audio_port(const cl_plugin *plugin, uint32_t index, bool input, cl_audio_port *port) {
    static const char *const names[] = {"Input", "Sidechain", "Output"};
    if (index >= audio_port_count(plugin, input)) return false;
    const uint32_t which = input ? index : OUTPUT, *channels = face_of(plugin)->channels;
    const bool pairs = which != SIDECHAIN && channels[INPUT] == channels[OUTPUT];
    *port = (cl_audio_port){.id = index,
                            .flags = which == SIDECHAIN ? 0 : CL_AUDIO_PORT_MAIN,
                            .channel_count = channels[which],
                            .type = type_of(channels[which]),
                            .in_place_pair = pairs ? 0 : CL_INVALID_ID};
    copy_text(port->name, sizeof port->name, names[which]);
    return true;
}

/* Main inputs and outputs that fit together; the id is the index. */
static const struct {
    const char *name;
    uint32_t input, output;
} configs[] = {{"Stereo", 2, 2}, {"Mono", 1, 1}, {"Mono to stereo", 1, 2}};
enum { CONFIGS = sizeof configs / sizeof *configs };

static uint32_t config_count(const cl_plugin *plugin) {
    return CONFIGS;
}

static bool config_get(const cl_plugin *plugin, uint32_t index, cl_audio_config *config) {
    if (index >= CONFIGS) return false;
    *config = (cl_audio_config){.id = index,
                                .input_ports = audio_port_count(plugin, true),
                                .output_ports = audio_port_count(plugin, false),
                                .has_input = true,
                                .input_channels = configs[index].input,
                                .input_type = type_of(configs[index].input),
                                .has_output = true,
                                .output_channels = configs[index].output,
                                .output_type = type_of(configs[index].output)};
    copy_text(config->name, sizeof config->name, configs[index].name);
    return true;
}

static bool config_select(const cl_plugin *plugin, uint32_t id) {
    face *self = face_of(plugin);
    if (id >= CONFIGS || self->active) return false;
    self->channels[INPUT] = configs[id].input;
    self->channels[OUTPUT] = configs[id].output;
    return true;
}

/* Writes the channels that there are after the requests; false where they do not fit together. */
static bool requested(const cl_plugin *plugin, const cl_audio_request *requests, uint32_t count,
                      uint32_t channels[3]) {
    memcpy(channels, face_of(plugin)->channels, sizeof face_of(plugin)->channels);
    for (uint32_t i = 0; i < count; ++i) {
        const cl_audio_request *each = requests + i;
        if (each->port >= audio_port_count(plugin, each->is_input) || each->channel_count < 1 ||
            each->channel_count > FACE_CHANNELS ||
            (each->type != NULL && strcmp(each->type, type_of(each->channel_count)) != 0))
            return false;
        channels[each->is_input ? each->port : OUTPUT] = each->channel_count;
    }
    return channels[INPUT] <= channels[OUTPUT];
}

static bool can_configure(const cl_plugin *plugin, const cl_audio_request *requests,
                          uint32_t count) {
    uint32_t channels[3];
    return !face_of(plugin)->active && requested(plugin, requests, count, channels);
}

static bool configure(const cl_plugin *plugin, const cl_audio_request *requests, uint32_t count) {
    face *self = face_of(plugin);
    uint32_t channels[3];
    if (self->active || !requested(plugin, requests, count, channels)) return false;
    memcpy(self->channels, channels, sizeof channels);
    return true;
}

static uint32_t note_port_count(const cl_plugin *plugin, bool input) {
    return input ? 0 : 1;
}

static bool note_port(const cl_plugin *plugin, uint32_t index, bool input, cl_note_port *port) {
    if (input || index > 0) return false;
    *port = (cl_note_port){
        .dialects = CL_DIALECT_MIDI, .preferred = CL_DIALECT_MIDI, .name = "Controllers"};
    return true;
}

/* ------------------------------------------------------------------------------ parameters --- */

static uint32_t param_count(const cl_plugin *plugin) {
    return TAGPLUG_PARAMETERS;
}

static bool param_info(const cl_plugin *plugin, uint32_t index, cl_param *info) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(index);
    if (about == NULL) return false;
    *info =
        (cl_param){.id = about->id, .low = about->low, .high = about->high, .start = about->start};
    info->flags = about->output ? CL_PARAM_READONLY : CL_PARAM_AUTOMATABLE;
    if (about->scale >= TAGNODE_SCALE_INTEGER) info->flags |= CL_PARAM_STEPPED;
    if (about->scale == TAGNODE_SCALE_CHOICE) info->flags |= CL_PARAM_ENUM;
    if (index == TAGPLUG_BYPASS) info->flags |= CL_PARAM_BYPASS;
    copy_text(info->name, sizeof info->name, about->name);
    copy_text(info->module, sizeof info->module, about->group);
    return true;
}

static bool param_value(const cl_plugin *plugin, uint32_t id, double *value) {
    const uint32_t parameter = tagnode_plugin_parameter_find(id);
    if (parameter == UINT32_MAX) return false;
    *value = tagplug_get(face_of(plugin)->core, parameter);
    return true;
}

static bool value_to_text(const cl_plugin *plugin, uint32_t id, double value, char *text,
                          uint32_t size) {
    const uint32_t parameter = tagnode_plugin_parameter_find(id);
    if (parameter == UINT32_MAX || size == 0) return false;
    tagplug_text(face_of(plugin)->core, parameter, (float)value, text, size);
    return true;
}

static bool text_to_value(const cl_plugin *plugin, uint32_t id, const char *text, double *value) {
    const uint32_t parameter = tagnode_plugin_parameter_find(id);
    float found = 0;
    if (parameter == UINT32_MAX || !tagplug_value(face_of(plugin)->core, parameter, text, &found))
        return false;
    *value = found;
    return true;
}

/* ----------------------------------------------------------------------------------- state --- */

static bool save(const cl_plugin *plugin, const cl_ostream *stream) {
    char *bytes = malloc(TAGPLUG_STATE_MOST);
    if (bytes == NULL) return false;
    const size_t size = tagplug_save(face_of(plugin)->core, bytes, TAGPLUG_STATE_MOST);
    size_t done = 0;
    while (done < size) {
        const int64_t written = stream->write(stream, bytes + done, size - done);
        if (written <= 0) break;
        done += (size_t)written;
    }
    free(bytes);
    return size > 0 && done == size; /* 0: no memory */
}

static bool load(const cl_plugin *plugin, const cl_istream *stream) {
    enum { ROOM = TAGPLUG_STATE_MOST + 1 }; /* one more, so that a longer one is refused */
    const face *self = face_of(plugin);
    char *bytes = malloc(ROOM);
    if (bytes == NULL) return false;
    size_t size = 0;
    int64_t read = 0;
    while (size < ROOM && (read = stream->read(stream, bytes + size, ROOM - size)) > 0)
        size += (size_t)read;
    const bool loaded = read >= 0 && tagplug_load(self->core, bytes, size, NULL) == TAGNODE_OK;
    free(bytes);
    if (loaded) on_main_thread(plugin);
    return loaded;
}

static bool load_preset(const cl_plugin *plugin, uint32_t kind, const char *location,
                        const char *key) {
    const face *self = face_of(plugin);
    const bool loaded = clap_preset_load(self->core, self->host, kind, location, key);
    if (loaded) on_main_thread(plugin);
    return loaded;
}

/* -------------------------------------------------------------------- the other extensions --- */

static uint32_t latency(const cl_plugin *plugin) {
    return 0;
}

static uint32_t tail(const cl_plugin *plugin) {
    const face *self = face_of(plugin);
    return face_tail(self->core, self->rate);
}

static bool needs_real_time(const cl_plugin *plugin) {
    return false;
}

static bool set_render(const cl_plugin *plugin, int32_t mode) {
    if (mode != CL_RENDER_REALTIME && mode != CL_RENDER_OFFLINE) return false;
    tagplug_set_offline(face_of(plugin)->core, mode == CL_RENDER_OFFLINE);
    return true;
}

static const void *extension(const cl_plugin *plugin, const char *id) {
    static const cl_audio_ports audio_ports = {audio_port_count, audio_port};
    static const cl_audio_configs audio_configs = {config_count, config_get, config_select};
    static const cl_configurable configurable = {can_configure, configure};
    static const cl_note_ports note_ports = {note_port_count, note_port};
    static const cl_params params = {param_count,   param_info,    param_value,
                                     value_to_text, text_to_value, flush};
    static const cl_state state = {save, load};
    static const cl_preset_load presets = {load_preset};
    static const cl_latency no_latency = {latency};
    static const cl_tail tails = {tail};
    static const cl_render render = {needs_real_time, set_render};
    static const struct {
        const char *id;
        const void *table;
    } all[] = {{CL_AUDIO_PORTS, &audio_ports},
               {CL_AUDIO_CONFIGS, &audio_configs},
               {CL_CONFIGURABLE, &configurable},
               {CL_CONFIGURABLE_DRAFT, &configurable},
               {CL_NOTE_PORTS, &note_ports},
               {CL_PARAMS, &params},
               {CL_STATE, &state},
               {CL_PRESET_LOAD, &presets},
               {CL_PRESET_LOAD_DRAFT, &presets},
               {CL_LATENCY, &no_latency},
               {CL_TAIL, &tails},
               {CL_RENDER, &render}};
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        if (strcmp(id, all[i].id) == 0) return all[i].table;
    return clap_window_extension(face_of(plugin)->window, id);
}

/* ---------------------------------------------------------------------------- life and entry ---
 */

static bool init(const cl_plugin *plugin) {
    face *self = face_of(plugin);
    self->host_params = self->host->get_extension(self->host, CL_PARAMS);
    self->core = tagplug_create(NULL);
    if (self->core == NULL) return false;
    self->texts = face_texts(self->core);
    self->window = clap_window_create(self->core, self->host, self->host_params);
    return true;
}

clap_window *clap_window_of(const cl_plugin *plugin) {
    return face_of(plugin)->window;
}

static void destroy(const cl_plugin *plugin) {
    face *self = face_of(plugin);
    clap_window_destroy(self->window);
    tagplug_destroy(self->core);
    free(self);
}

static const char *const features[] = {"audio-effect", "analyzer", "multi-effects",
                                       "stereo",       "mono",     NULL};

static const cl_descriptor descriptor = {
    .version = {1, 1, 1},
    .id = TAGNODE_PLUGIN_CLAP_ID,
    .name = TAGNODE_PLUGIN_NAME,
    .vendor = "pyplugin",
    .url = "",
    .manual_url = "",
    .support_url = "",
    .plugin_version = TAGNODE_VERSION,
    .description = "Automates effects and controllers by detected content.",
    .features = features};

static uint32_t plugin_count(const cl_factory *factory) {
    return 1;
}

static const cl_descriptor *plugin_descriptor(const cl_factory *factory, uint32_t index) {
    return index == 0 ? &descriptor : NULL;
}

static const cl_plugin *create(const cl_factory *factory, const cl_host *host, const char *id) {
    if (host == NULL || host->version.major < 1 || strcmp(id, descriptor.id) != 0) return NULL;
    face *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->host = host;
    self->rate = 48000;
    for (int i = 0; i < 3; ++i) self->channels[i] = FACE_CHANNELS;
    face_outputs_clear(&self->outputs);
    self->plugin = (cl_plugin){.descriptor = &descriptor,
                               .plugin_data = self,
                               .init = init,
                               .destroy = destroy,
                               .activate = activate,
                               .deactivate = deactivate,
                               .start_processing = start_processing,
                               .stop_processing = stop_processing,
                               .reset = reset,
                               .process = process,
                               .get_extension = extension,
                               .on_main_thread = on_main_thread};
    return &self->plugin;
}

static bool entry_init(const char *path) {
    return true;
}

static void entry_deinit(void) {}

static const void *get_factory(const char *id) {
    static const cl_factory factory = {plugin_count, plugin_descriptor, create};
    return strcmp(id, CL_FACTORY) == 0 ? (const void *)&factory : clap_preset_factory(id);
}

extern FACE_API const cl_entry clap_entry;
const cl_entry clap_entry = {
    .version = {1, 1, 1}, .init = entry_init, .deinit = entry_deinit, .get_factory = get_factory};
