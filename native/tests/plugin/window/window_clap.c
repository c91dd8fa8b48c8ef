/* window_clap.c - CLAP: gui, timer-support, and edits as events. */
#include <pthread.h>

#include "clap/clap_abi.h"
#include "desk.h"
#include "window_host.h"
#include "worker/library.h"

struct plug {
    cl_host host;
    const cl_plugin *plugin;
    uint32_t timers;
    pthread_mutex_t lock;
    plug_change changes[PLUG_CHANGES]; /* for the next block; under the lock */
    uint32_t change_count;
    cl_event_param_value events[PLUG_CHANGES]; /* of the block in process */
    uint32_t event_count;
    double known[TAGPLUG_PARAMETERS]; /* what events said; NaN: nothing */
};

static const cl_entry *entry;

void plug_load(const char *path) {
    void *library = tagnode_library_open(path);
    entry = library != NULL ? tagnode_library_symbol(library, "clap_entry") : NULL;
    if (entry == NULL || !entry->init(path)) {
        fprintf(stderr, "%s\n", tagnode_library_error());
        exit(EXIT_FAILURE);
    }
}

static bool start(const cl_host *host, uint32_t period, uint32_t *id) {
    plug *self = host->host_data;
    CHECK(period >= 30 && period <= 100);
    *id = ++self->timers;
    return true;
}

static bool stop(const cl_host *host, uint32_t id) {
    plug *self = host->host_data;
    CHECK(id == self->timers);
    return true;
}

static void nothing(const cl_host *host) {
    (void)host;
}

static void rescan(const cl_host *host, uint32_t flags) {
    (void)host;
    (void)flags;
}

static void clear(const cl_host *host, uint32_t id, uint32_t flags) {
    (void)host;
    (void)id;
    (void)flags;
}

static const void *extension(const cl_host *host, const char *id) {
    (void)host;
    static const cl_host_timer timer = {start, stop};
    static const cl_host_params params = {rescan, clear, nothing};
    if (strcmp(id, CL_TIMER) == 0) return desk_handles_all() ? NULL : &timer;
    return strcmp(id, CL_PARAMS) == 0 ? &params : NULL;
}

plug *plug_open(void) {
    plug *self = calloc(1, sizeof *self);
    const cl_factory *factory = entry->get_factory(CL_FACTORY);
    self->host = (cl_host){.version = CL_VERSION,
                           .host_data = self,
                           .name = "window_host",
                           .vendor = "",
                           .url = "",
                           .host_version = "1",
                           .get_extension = extension,
                           .request_restart = nothing,
                           .request_process = nothing,
                           .request_callback = nothing};
    (void)pthread_mutex_init(&self->lock, NULL);
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) self->known[i] = NAN;
    self->plugin = factory->create(factory, &self->host, factory->descriptor(factory, 0)->id);
    if (!self->plugin->init(self->plugin) ||
        !self->plugin->activate(self->plugin, PLUG_RATE, 1, PLUG_BLOCK))
        exit(EXIT_FAILURE);
    return self;
}

void plug_close(plug *self) {
    plug_hide(self);
    self->plugin->deactivate(self->plugin);
    self->plugin->destroy(self->plugin);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
}

static uint32_t count(const cl_input_events *list) {
    return ((plug *)list->context)->event_count;
}

static const cl_event *get(const cl_input_events *list, uint32_t index) {
    return &((plug *)list->context)->events[index].header;
}

static bool push(const cl_output_events *list, const cl_event *event) {
    plug *self = list->context;
    if (event->type == CL_EVENT_PARAM_VALUE) {
        const cl_event_param_value *value = (const void *)event;
        const uint32_t parameter = tagnode_plugin_parameter_find(value->parameter);
        self->known[parameter] = value->value;
        if (parameter < TAGPLUG_INPUTS) plug_edited("set", value->parameter, value->value);
    } else if (event->type != CL_EVENT_MIDI) {
        const cl_event_gesture *gesture = (const void *)event;
        plug_edited(event->type == CL_EVENT_GESTURE_BEGIN ? "begin" : "end", gesture->parameter, 0);
    }
    return true;
}

static void take_changes(plug *self) {
    (void)pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < self->change_count; ++i)
        self->events[i] = (cl_event_param_value){
            .header = {.size = sizeof *self->events, .type = CL_EVENT_PARAM_VALUE},
            .parameter = self->changes[i].id,
            .value = self->changes[i].value};
    self->event_count = self->change_count;
    self->change_count = 0;
    (void)pthread_mutex_unlock(&self->lock);
}

void plug_process(plug *self, const float *const *input, float *const *output) {
    cl_audio_buffer from = {.data32 = (float **)input, .channel_count = 2};
    cl_audio_buffer to = {.data32 = (float **)output, .channel_count = 2};
    const cl_input_events in = {self, count, get};
    const cl_output_events out = {self, push};
    const cl_process data = {.frames = PLUG_BLOCK,
                             .inputs = &from,
                             .outputs = &to,
                             .input_count = 1,
                             .output_count = 1,
                             .in_events = &in,
                             .out_events = &out};
    take_changes(self);
    (void)self->plugin->process(self->plugin, &data);
}

static const cl_gui *gui_of(const plug *self) {
    return self->plugin->get_extension(self->plugin, CL_GUI);
}

bool plug_show(plug *self, uintptr_t parent, double scale) {
    const cl_gui *gui = gui_of(self);
    const cl_window window = {.api = CL_WINDOW_NATIVE, .id = {.native = (cl_window_id)parent}};
    uint32_t width = 0, height = 0;
    if (gui == NULL || !gui->create(self->plugin, CL_WINDOW_NATIVE, false)) return false;
    CHECK(!gui->is_supported(self->plugin, CL_WINDOW_NATIVE, true));
    CHECK(gui->set_scale(self->plugin, scale));
    CHECK(gui->get_size(self->plugin, &width, &height) && width > 0 && height > 0);
    if (gui->set_parent(self->plugin, &window)) return gui->show(self->plugin);
    gui->destroy(self->plugin);
    return false;
}

void plug_hide(plug *self) {
    const cl_gui *gui = gui_of(self);
    if (gui != NULL) gui->destroy(self->plugin);
}

void plug_tick(plug *self) {
    const cl_timer *timer = self->plugin->get_extension(self->plugin, CL_TIMER);
    timer->on_timer(self->plugin, self->timers);
}

bool plug_resize(plug *self, uint32_t width, uint32_t height) {
    return gui_of(self)->adjust_size(self->plugin, &width, &height) &&
           gui_of(self)->set_size(self->plugin, width, height);
}

void plug_set(plug *self, uint32_t id, double value) {
    (void)pthread_mutex_lock(&self->lock);
    if (self->change_count < PLUG_CHANGES)
        self->changes[self->change_count++] = (plug_change){id, value};
    (void)pthread_mutex_unlock(&self->lock);
    self->known[tagnode_plugin_parameter_find(id)] = value;
}

double plug_get(plug *self, uint32_t id) {
    const double known = self->known[tagnode_plugin_parameter_find(id)];
    const cl_params *params = self->plugin->get_extension(self->plugin, CL_PARAMS);
    double value = NAN;
    CHECK(params->get_value(self->plugin, id, &value));
    if (!isnan(known)) CHECK(fabs(known - value) < 1e-6); /* events and values agree */
    return value;
}
