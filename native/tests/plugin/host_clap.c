/* host_clap.c - a host for CLAP, strict about its rules. */

#include "clap/clap_abi.h"
#include "host.h"
#include "worker/library.h"

enum { PIECE = 100 /* bytes that a stream moves at once */ };

static const cl_factory *factory;
static const cl_preset_factory *preset_factory;

typedef struct {
    const cl_plugin *plugin;
    const cl_params *params;
    const cl_state *state;
    const cl_tail *tail;
    cl_host host;
    bool active;
    _Atomic bool wanted;
    host *owner;
    unsigned presets_loaded, preset_errors; /* that the plugin reported */
    cl_event_param_value in[HOST_MOST_CHANGES];
    uint32_t in_count;
} rack;

static rack *rack_of(const host *self) TAGNODE_NONBLOCKING {
    return self->instance;
}

static uint32_t id_of(uint32_t parameter) TAGNODE_NONBLOCKING {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    return about != NULL ? about->id : UINT32_MAX;
}

#if defined(TAGPLUG_STATIC)
extern const cl_entry clap_entry;
#endif

void host_load(const char *path) {
    const cl_entry *entry = NULL;
#if defined(TAGPLUG_STATIC)
    (void)path;
    entry = &clap_entry;
#else
    void *library = tagnode_library_open(path);
    if (library == NULL) {
        fprintf(stderr, "%s\n", tagnode_library_error());
        exit(EXIT_FAILURE);
    }
    entry = tagnode_library_symbol(library, "clap_entry");
#endif
    CHECK(entry->version.major == 1);
    CHECK(entry->init(path != NULL ? path : ""));
    CHECK(entry->get_factory("no.such-factory") == NULL);
    factory = entry->get_factory(CL_FACTORY);
    preset_factory = entry->get_factory(CL_PRESET_FACTORY);
    CHECK(preset_factory != NULL && entry->get_factory(CL_PRESET_FACTORY_DRAFT) == preset_factory);
}

/* ----------------------------------------------------------------------- the plugin's host --- */

static void rescan(const cl_host *host_of_it, uint32_t flags) {
    rack *self = host_of_it->host_data;
    if ((flags & CL_RESCAN_TEXT) != 0) ++self->owner->text_changes;
}

static void ignore_clear(const cl_host *it, uint32_t id, uint32_t flags) {
    (void)it;
    (void)id;
    (void)flags;
}

static void ignore(const cl_host *it) {
    (void)it;
}

static void request_callback(const cl_host *it) TAGNODE_NONBLOCKING {
    rack *self = it->host_data;
    self->wanted = true;
}

static void preset_error(const cl_host *it, uint32_t kind, const char *location, const char *key,
                         int32_t system_error, const char *message) {
    rack *self = it->host_data;
    (void)kind;
    (void)location;
    (void)key;
    CHECK(system_error == 0 && message != NULL && strlen(message) > 10);
    ++self->preset_errors;
}

static void preset_loaded(const cl_host *it, uint32_t kind, const char *location, const char *key) {
    rack *self = it->host_data;
    CHECK(kind == CL_PRESETS_IN_PLUGIN && location == NULL && key != NULL);
    ++self->presets_loaded;
}

static const void *host_extension(const cl_host *it, const char *id) {
    static const cl_host_params params = {rescan, ignore_clear, ignore};
    static const cl_host_preset_load presets = {preset_error, preset_loaded};
    (void)it;
    if (strcmp(id, CL_PRESET_LOAD) == 0) return &presets;
    return strcmp(id, CL_PARAMS) == 0 ? &params : NULL;
}

host *host_open(void) {
    host *self = calloc(1, sizeof *self);
    rack *made = calloc(1, sizeof *made);
    self->instance = made;
    made->owner = self;
    made->host = (cl_host){.version = CL_VERSION,
                           .host_data = made,
                           .name = "tests",
                           .vendor = "",
                           .url = "",
                           .host_version = "1",
                           .get_extension = host_extension,
                           .request_restart = ignore,
                           .request_process = ignore,
                           .request_callback = request_callback};
    made->plugin = factory->create(factory, &made->host, TAGNODE_PLUGIN_CLAP_ID);
    CHECK(made->plugin != NULL && made->plugin->init(made->plugin));
    made->params = made->plugin->get_extension(made->plugin, CL_PARAMS);
    made->state = made->plugin->get_extension(made->plugin, CL_STATE);
    made->tail = made->plugin->get_extension(made->plugin, CL_TAIL);
    return self;
}

void host_close(host *self) {
    host_deactivate(self);
    rack_of(self)->plugin->destroy(rack_of(self)->plugin);
    free(self->instance);
    free(self);
}

void host_activate(host *self, double rate, uint32_t max_frames, bool offline) {
    rack *it = rack_of(self);
    const cl_render *render = it->plugin->get_extension(it->plugin, CL_RENDER);
    CHECK(render->set(it->plugin, offline ? CL_RENDER_OFFLINE : CL_RENDER_REALTIME));
    host_deactivate(self);
    CHECK(it->plugin->activate(it->plugin, rate, 1, max_frames));
    CHECK(it->plugin->start_processing(it->plugin));
    it->active = true;
}

void host_deactivate(host *self) {
    rack *it = rack_of(self);
    if (!it->active) return;
    it->plugin->stop_processing(it->plugin);
    it->plugin->deactivate(it->plugin);
    it->active = false;
}

void host_connect_sidechain(host *self, bool connected) { /* CLAP's hosts do not say */
    (void)self;
    (void)connected;
}

/* ---------------------------------------------------------------------------------- events --- */

static uint32_t in_size(const cl_input_events *list) TAGNODE_NONBLOCKING {
    const rack *it = list->context;
    return it->in_count;
}

static const cl_event *in_get(const cl_input_events *list, uint32_t index) TAGNODE_NONBLOCKING {
    const rack *it = list->context;
    return &it->in[index].header;
}

typedef struct {
    host *owner;
    uint32_t frames, latest;
} outbox;

static bool try_push(const cl_output_events *list, const cl_event *event) TAGNODE_NONBLOCKING {
    outbox *box = list->context;
    host *self = box->owner;
    if (event->space != 0 || event->time < box->latest || event->time >= box->frames)
        self->in_order = false;
    box->latest = event->time;
    if (event->type == CL_EVENT_MIDI) {
        const cl_event_midi *midi = (const cl_event_midi *)(const void *)event;
        if (self->midi_count == sizeof self->midi / sizeof *self->midi) return false;
        self->midi[self->midi_count++] =
            (tagplug_midi){event->time, {midi->bytes[0], midi->bytes[1], midi->bytes[2]}};
    } else if (event->type == CL_EVENT_PARAM_VALUE) {
        const cl_event_param_value *value = (const cl_event_param_value *)(const void *)event;
        if (self->moved_count == sizeof self->moved / sizeof *self->moved) return false;
        self->moved[self->moved_count++] = (host_change){
            event->time, tagnode_plugin_parameter_find(value->parameter), (float)value->value};
    }
    return true;
}

static void take_changes(rack *it, const host_change *changes, uint32_t count) TAGNODE_NONBLOCKING {
    it->in_count = count < HOST_MOST_CHANGES ? count : HOST_MOST_CHANGES;
    for (uint32_t i = 0; i < it->in_count; ++i)
        it->in[i] = (cl_event_param_value){.header = {.size = sizeof it->in[i],
                                                      .time = changes[i].offset,
                                                      .type = CL_EVENT_PARAM_VALUE},
                                           .parameter = id_of(changes[i].parameter),
                                           .note = -1,
                                           .port = -1,
                                           .channel = -1,
                                           .key = -1,
                                           .value = changes[i].value};
    it->owner->midi_count = it->owner->moved_count = 0;
    it->owner->in_order = true;
}

void host_process(host *self, const float *const *input, float *const *output, uint32_t frames,
                  const host_change *changes, uint32_t change_count) TAGNODE_NONBLOCKING {
    rack *it = rack_of(self);
    take_changes(it, changes, change_count);
    outbox box = {self, frames > 0 ? frames : 1, 0};
    const cl_input_events in = {it, in_size, in_get};
    const cl_output_events out = {&box, try_push};
    const cl_audio_buffer from[2] = {
        {.data32 = (float **)(void *)input, .channel_count = 2},
        {.data32 = (float **)(void *)self->sidechain, .channel_count = self->sidechain_channels}};
    cl_audio_buffer to = {
        .data32 = (float **)(void *)output, .channel_count = 2, .constant_mask = UINT64_MAX};
    const cl_process data = {.steady_time = -1,
                             .frames = frames,
                             .inputs = from,
                             .outputs = &to,
                             .input_count = input == NULL                  ? 0
                                            : self->sidechain_channels > 0 ? 2
                                                                           : 1,
                             .output_count = output != NULL,
                             .in_events = &in,
                             .out_events = &out};
    if (it->plugin->process(it->plugin, &data) != CL_PROCESS_CONTINUE) self->in_order = false;
    self->constant = to.constant_mask;
}

void host_flush(host *self, const host_change *changes, uint32_t change_count) {
    rack *it = rack_of(self);
    take_changes(it, changes, change_count);
    outbox box = {self, 1, 0};
    const cl_input_events in = {it, in_size, in_get};
    const cl_output_events out = {&box, try_push};
    it->params->flush(it->plugin, &in, &out);
}

void host_idle(host *self) {
    rack *it = rack_of(self);
    if (!it->wanted) return;
    it->wanted = false;
    it->plugin->on_main_thread(it->plugin);
}

/* -------------------------------------------------------------------- parameters and state --- */

float host_get(host *self, uint32_t parameter) {
    double value = NAN;
    return rack_of(self)->params->get_value(rack_of(self)->plugin, id_of(parameter), &value)
               ? (float)value
               : NAN;
}

float host_default(host *self, uint32_t parameter) {
    cl_param info = {.start = NAN};
    CHECK(rack_of(self)->params->get_info(rack_of(self)->plugin, parameter, &info));
    return (float)info.start;
}

bool host_text(host *self, uint32_t parameter, float value, char *text, size_t size) {
    rack *it = rack_of(self);
    return it->params->value_to_text(it->plugin, id_of(parameter), value, text, (uint32_t)size);
}

bool host_value(host *self, uint32_t parameter, const char *text, float *value) {
    rack *it = rack_of(self);
    double found = 0;
    if (!it->params->text_to_value(it->plugin, id_of(parameter), text, &found)) return false;
    *value = (float)found;
    return true;
}

const char *host_unit(host *self, uint32_t parameter) {
    (void)self;
    (void)parameter;
    return "";
}

uint32_t host_tail(host *self) {
    return rack_of(self)->tail->get(rack_of(self)->plugin);
}

typedef struct {
    unsigned char *bytes;
    size_t size, at;
} tape;

static int64_t tape_read(const cl_istream *stream, void *bytes, uint64_t size) {
    tape *it = stream->context;
    size_t count = it->size - it->at;
    if (count > PIECE) count = PIECE;
    if (count > size) count = (size_t)size;
    memcpy(bytes, it->bytes + it->at, count);
    it->at += count;
    return (int64_t)count;
}

static int64_t tape_write(const cl_ostream *stream, const void *bytes, uint64_t size) {
    tape *it = stream->context;
    size_t count = it->size - it->at;
    if (count == 0) return -1;
    if (count > PIECE) count = PIECE;
    if (count > size) count = (size_t)size;
    memcpy(it->bytes + it->at, bytes, count);
    it->at += count;
    return (int64_t)count;
}

size_t host_save(host *self, void *bytes, size_t capacity) {
    tape it = {bytes, capacity, 0};
    const cl_ostream stream = {&it, tape_write};
    return rack_of(self)->state->save(rack_of(self)->plugin, &stream) ? it.at : 0;
}

bool host_restore(host *self, const void *bytes, size_t size) {
    tape it = {(unsigned char *)bytes, size, 0}; /* only read */
    const cl_istream stream = {&it, tape_read};
    return rack_of(self)->state->load(rack_of(self)->plugin, &stream);
}

/* ---------------------------------------------------------------------- what only CLAP has --- */

static void test_factory_knows_one_plugin(void) {
    CHECK(factory->count(factory) == 1);
    const cl_descriptor *about = factory->descriptor(factory, 0);
    CHECK(strcmp(about->id, TAGNODE_PLUGIN_CLAP_ID) == 0 && strcmp(about->name, "Tagnode") == 0);
    CHECK(about->features != NULL && strcmp(about->features[0], "audio-effect") == 0);
    CHECK(factory->descriptor(factory, 1) == NULL);
    const cl_host any = {.version = CL_VERSION, .get_extension = host_extension};
    CHECK(factory->create(factory, &any, "org.pyplugin.other") == NULL);
}

static void test_ports_are_stereo_and_midi(void) {
    host *self = host_open();
    const cl_plugin *plugin = rack_of(self)->plugin;
    const cl_audio_ports *audio = plugin->get_extension(plugin, CL_AUDIO_PORTS);
    const cl_note_ports *notes = plugin->get_extension(plugin, CL_NOTE_PORTS);
    cl_audio_port port = {.id = 1};
    for (int input = 0; input < 2; ++input) {
        CHECK(audio->count(plugin, input) == (input ? 2 : 1));
        CHECK(audio->get(plugin, 0, input, &port));
        CHECK(port.channel_count == 2 && strcmp(port.type, CL_PORT_STEREO) == 0);
        CHECK(port.in_place_pair == port.id && port.flags == CL_AUDIO_PORT_MAIN);
        CHECK(!audio->get(plugin, input ? 2 : 1, input, &port));
    }
    CHECK(audio->get(plugin, 1, true, &port) && port.id == 1 && port.flags == 0);
    CHECK(port.channel_count == 2 && port.in_place_pair == CL_INVALID_ID);
    CHECK(strcmp(port.name, "Sidechain") == 0);
    cl_note_port controllers;
    CHECK(notes->count(plugin, true) == 0 && notes->count(plugin, false) == 1);
    CHECK(notes->get(plugin, 0, false, &controllers) && !notes->get(plugin, 0, true, &controllers));
    CHECK(controllers.dialects == CL_DIALECT_MIDI && controllers.preferred == CL_DIALECT_MIDI);
    const cl_latency *latency = plugin->get_extension(plugin, CL_LATENCY);
    CHECK(latency->get(plugin) == 0);
    CHECK(plugin->get_extension(plugin, "no.such-extension") == NULL);
    host_close(self);
}

static void test_parameters_are_those_of_the_table(void) {
    host *self = host_open();
    const rack *it = rack_of(self);
    CHECK(it->params->count(it->plugin) == TAGPLUG_PARAMETERS);
    cl_param info;
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) {
        const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(i);
        CHECK(it->params->get_info(it->plugin, i, &info) && info.id == about->id);
        CHECK(strcmp(info.name, about->name) == 0 && strcmp(info.module, about->group) == 0);
        CHECK(info.low == about->low && info.high == about->high && info.start == about->start);
        CHECK(((info.flags & CL_PARAM_READONLY) != 0) == about->output);
        CHECK(((info.flags & CL_PARAM_AUTOMATABLE) != 0) == !about->output);
        CHECK(((info.flags & CL_PARAM_STEPPED) != 0) == (about->scale >= TAGNODE_SCALE_INTEGER));
        CHECK(((info.flags & CL_PARAM_BYPASS) != 0) == (i == TAGPLUG_BYPASS));
    }
    CHECK(!it->params->get_info(it->plugin, TAGPLUG_PARAMETERS, &info));
    double value = 0;
    CHECK(!it->params->get_value(it->plugin, UINT32_MAX, &value));
    host_close(self);
}

/* An indexer and a receiver, which keeps what it gets. */
enum { MOST_PRESETS = 64 };

typedef struct {
    unsigned locations, presets, ids, descriptions, errors;
    char keys[MOST_PRESETS][128];
} shelf;

static bool declare_filetype(const cl_preset_indexer *indexer, const cl_preset_filetype *type) {
    (void)indexer;
    return CHECK(type->name != NULL && type->extension[0] != '.');
}

static bool declare_location(const cl_preset_indexer *indexer, const cl_preset_location *location) {
    shelf *self = indexer->indexer_data;
    ++self->locations;
    return CHECK(location->name[0] != '\0' && location->kind == CL_PRESETS_IN_PLUGIN &&
                 location->location == NULL && location->flags == CL_PRESETS_OF_FACTORY);
}

static const void *indexer_extension(const cl_preset_indexer *indexer, const char *id) {
    (void)indexer;
    (void)id;
    return NULL;
}

static shelf *shelf_of(const cl_preset_receiver *receiver) {
    return receiver->receiver_data;
}

static void on_error(const cl_preset_receiver *it, int32_t system_error, const char *message) {
    CHECK(system_error == 0 && message[0] != '\0');
    ++shelf_of(it)->errors;
}

static bool begin_preset(const cl_preset_receiver *it, const char *name, const char *key) {
    shelf *self = shelf_of(it);
    CHECK(name[0] != '\0' && key[0] != '\0' && self->presets < MOST_PRESETS);
    for (unsigned i = 0; i < self->presets; ++i) CHECK(strcmp(self->keys[i], key) != 0);
    (void)snprintf(self->keys[self->presets++], sizeof *self->keys, "%s", key);
    return true;
}

static void add_plugin_id(const cl_preset_receiver *it, const cl_universal_id *id) {
    CHECK(strcmp(id->abi, "clap") == 0 && strcmp(id->id, TAGNODE_PLUGIN_CLAP_ID) == 0);
    CHECK(++shelf_of(it)->ids == shelf_of(it)->presets);
}

static void set_text(const cl_preset_receiver *it, const char *text) {
    CHECK(shelf_of(it)->presets > 0 && text[0] != '\0');
}

static void set_description(const cl_preset_receiver *it, const char *text) {
    set_text(it, text);
    ++shelf_of(it)->descriptions;
}

static void set_flags(const cl_preset_receiver *it, uint32_t flags) {
    CHECK(shelf_of(it)->presets > 0 && flags < 16);
}

static void set_timestamps(const cl_preset_receiver *it, uint64_t created, uint64_t modified) {
    CHECK(shelf_of(it)->presets > 0 && created <= modified);
}

static void add_extra(const cl_preset_receiver *it, const char *key, const char *value) {
    set_text(it, key);
    set_text(it, value);
}

static shelf read_shelf(void) {
    shelf self = {.presets = 0};
    const cl_preset_indexer indexer = {.version = {1, 2, 0},
                                       .name = "tests",
                                       .indexer_data = &self,
                                       .declare_filetype = declare_filetype,
                                       .declare_location = declare_location,
                                       .get_extension = indexer_extension};
    const cl_preset_receiver receiver = {.receiver_data = &self,
                                         .on_error = on_error,
                                         .begin = begin_preset,
                                         .add_plugin_id = add_plugin_id,
                                         .set_soundpack_id = set_text,
                                         .set_flags = set_flags,
                                         .add_creator = set_text,
                                         .set_description = set_description,
                                         .set_timestamps = set_timestamps,
                                         .add_feature = set_text,
                                         .add_extra_info = add_extra};
    CHECK(preset_factory->count(preset_factory) == 1);
    CHECK(preset_factory->descriptor(preset_factory, 1) == NULL);
    const cl_preset_provider_descriptor *about = preset_factory->descriptor(preset_factory, 0);
    CHECK(preset_factory->create(preset_factory, &indexer, "no.such.provider") == NULL);
    const cl_preset_provider *provider =
        preset_factory->create(preset_factory, &indexer, about->id);
    CHECK(provider->descriptor == about && self.locations == 0); /* not before init */
    CHECK(provider->init(provider));
    if (self.locations > 0)
        CHECK(provider->get_metadata(provider, CL_PRESETS_IN_PLUGIN, NULL, &receiver));
    CHECK(self.errors == 0);
    CHECK(!provider->get_metadata(provider, CL_PRESETS_IN_FILES, "/x", &receiver));
    CHECK(self.errors == 1);
    CHECK(provider->get_extension(provider, "no.such-extension") == NULL);
    provider->destroy(provider);
    return self;
}

static void test_presets_are_listed_and_loaded(void) {
    static unsigned char first[TAGPLUG_STATE_MOST], again[TAGPLUG_STATE_MOST];
    const shelf all = read_shelf();
    host *self = host_open();
    const rack *it = rack_of(self);
    const cl_preset_load *load = it->plugin->get_extension(it->plugin, CL_PRESET_LOAD);
    CHECK(load == it->plugin->get_extension(it->plugin, CL_PRESET_LOAD_DRAFT));
    CHECK(!load->from_location(it->plugin, CL_PRESETS_IN_PLUGIN, NULL, "no-such-preset"));
    CHECK(!load->from_location(it->plugin, CL_PRESETS_IN_PLUGIN, NULL, NULL));
    CHECK(!load->from_location(it->plugin, CL_PRESETS_IN_FILES, "/x", NULL));
    CHECK(it->preset_errors == 3);
    if (all.presets == 0) puts("skipped: presets; give cmake -DTAGNODE_PRESETS=FILE");
    CHECK(all.ids == all.presets && all.descriptions == all.presets);
    host_activate(self, 48000, 512, false);
    for (unsigned i = 0; i < all.presets; ++i) { /* one after the other, each as on a new one */
        host *fresh = host_open();
        const rack *other = rack_of(fresh);
        const unsigned before = self->text_changes;
        CHECK(load->from_location(it->plugin, CL_PRESETS_IN_PLUGIN, NULL, all.keys[i]));
        CHECK(self->text_changes > before && it->presets_loaded == i + 1);
        CHECK(load->from_location(other->plugin, CL_PRESETS_IN_PLUGIN, NULL, all.keys[i]));
        const size_t size = host_save(self, first, sizeof first);
        CHECK(size > 0 && host_save(fresh, again, sizeof again) == size);
        CHECK(memcmp(first, again, size) == 0);
        if (strcmp(all.keys[i], "duck-under-voice") == 0) check_duck_under_voice(self);
        host_close(fresh);
    }
    host_close(self);
}

static void test_the_constant_mask_is_true(void) {
    host *self = host_open();
    static float in[2][100], out[2][100];
    const float *const input[2] = {in[0], in[1]};
    float *const output[2] = {out[0], out[1]};
    host_activate(self, 48000, 100, false);
    for (int i = 0; i < 100; ++i) in[0][i] = in[1][i] = 0.25F;
    host_process(self, input, output, 100, NULL, 0);
    CHECK(self->constant == 3);
    in[1][99] = 0.125F;
    host_process(self, input, output, 100, NULL, 0);
    CHECK(self->constant == 1);
    host_process(self, input, output, 0, NULL, 0);
    CHECK(self->constant == 0);
    host_close(self);
}

/* The ports are those of the channels, and audio passes from the ones to the others. */
static void check_channels(host *self, uint32_t inputs, uint32_t outputs) {
    const cl_plugin *plugin = rack_of(self)->plugin;
    const cl_audio_ports *ports = plugin->get_extension(plugin, CL_AUDIO_PORTS);
    cl_audio_port from = {.type = ""}, to = {.type = ""};
    CHECK(ports->get(plugin, 0, true, &from) && ports->get(plugin, 0, false, &to));
    CHECK(from.channel_count == inputs && to.channel_count == outputs);
    CHECK(strcmp(from.type, inputs == 1 ? CL_PORT_MONO : CL_PORT_STEREO) == 0);
    CHECK(strcmp(to.type, outputs == 1 ? CL_PORT_MONO : CL_PORT_STEREO) == 0);
    CHECK((from.in_place_pair == to.id) == (inputs == outputs));
    float *noise = white_noise(1400, 3), out[2][700];
    float *in[2] = {noise, noise + 700}, *played[2] = {out[0], out[1]};
    const cl_audio_buffer input = {.data32 = in, .channel_count = inputs};
    cl_audio_buffer output = {.data32 = played, .channel_count = outputs};
    const cl_process data = {
        .frames = 700, .inputs = &input, .outputs = &output, .input_count = 1, .output_count = 1};
    host_activate(self, 48000, 700, false);
    CHECK(plugin->process(plugin, &data) == CL_PROCESS_CONTINUE);
    for (uint32_t c = 0; c < outputs; ++c)
        CHECK(memcmp(out[c], in[inputs == 1 ? 0 : c], sizeof out[c]) == 0);
    free(noise);
}

static void test_configurations_of_ports(void) {
    static const uint32_t due[][2] = {{2, 2}, {1, 1}, {1, 2}};
    host *self = host_open();
    const cl_plugin *plugin = rack_of(self)->plugin;
    const cl_audio_configs *configs = plugin->get_extension(plugin, CL_AUDIO_CONFIGS);
    CHECK(configs->count(plugin) == 3);
    for (uint32_t i = 0; i < 3; ++i) {
        cl_audio_config config;
        CHECK(configs->get(plugin, i, &config));
        CHECK(config.input_channels == due[i][0] && config.output_channels == due[i][1]);
        CHECK(config.input_ports == 2 && config.output_ports == 1);
        host_deactivate(self);
        CHECK(configs->select(plugin, config.id));
        check_channels(self, due[i][0], due[i][1]);
        CHECK(!configs->select(plugin, config.id)); /* it is active */
    }
    cl_audio_config none;
    CHECK(!configs->get(plugin, 3, &none));
    host_deactivate(self);
    CHECK(!configs->select(plugin, 3));
    host_close(self);
}

static void test_ports_are_configured_together(void) {
    host *self = host_open();
    const cl_plugin *plugin = rack_of(self)->plugin;
    const cl_configurable *any = plugin->get_extension(plugin, CL_CONFIGURABLE);
    CHECK(plugin->get_extension(plugin, CL_CONFIGURABLE_DRAFT) == any);
    const cl_audio_request requests[] = {
        {true, 0, 1, CL_PORT_MONO, NULL}, {false, 0, 1, CL_PORT_MONO, NULL},
        {true, 1, 1, NULL, NULL},         {true, 0, 2, CL_PORT_MONO, NULL},
        {true, 0, 6, "surround", NULL},   {false, 1, 2, CL_PORT_STEREO, NULL}};
    const cl_audio_request stereo = {true, 0, 2, CL_PORT_STEREO, NULL};
    for (uint32_t i = 3; i < 6; ++i) CHECK(!any->can_apply(plugin, requests + i, 1));
    CHECK(!any->can_apply(plugin, requests + 1, 1)); /* stereo to mono */
    CHECK(any->can_apply(plugin, requests, 3) && any->apply(plugin, requests, 3));
    check_channels(self, 1, 1);
    CHECK(!any->can_apply(plugin, requests, 3)); /* it is active */
    host_deactivate(self);
    CHECK(!any->can_apply(plugin, &stereo, 1) && !any->apply(plugin, &stereo, 1));
    check_channels(self, 1, 1);
    host_close(self);
}

void host_test_format(void) {
    test_the_constant_mask_is_true();
    test_configurations_of_ports();
    test_ports_are_configured_together();
    test_factory_knows_one_plugin();
    test_ports_are_stereo_and_midi();
    test_parameters_are_those_of_the_table();
    test_presets_are_listed_and_loaded();
}

unsigned host_failures(void) {
    return tally.failed;
}
