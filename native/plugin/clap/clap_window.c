#include "clap_window.h"

#include <string.h>

#include "support/aligned.h"
#include "window/window.h"

/* Edits that wait for the audio thread: a preset changes every parameter at once. */
enum { EDITS = 1024 };

typedef struct {
    uint32_t parameter;
    uint16_t type; /* CL_EVENT_... */
    float value;
} edit;

_Static_assert(EDITS > 3 * TAGPLUG_INPUTS, "a preset has room");

struct clap_window {
    tagplug *core;
    const cl_host *host;
    const cl_host_params *params;
    const cl_host_timer *timers;
    tagnode_queue edits;
    tagplug_window *window; /* NULL: not open */
    double scale;
    uint32_t size[2]; /* before it is open */
    uint32_t timer;
    bool created, timed;
};

clap_window *clap_window_create(tagplug *core, const cl_host *host, const cl_host_params *params) {
    clap_window *self = tagnode_aligned_calloc(sizeof *self);
    if (self == NULL) return NULL;
    self->core = core;
    self->host = host;
    self->params = params;
    self->timers = host->get_extension(host, CL_TIMER);
    if (tagnode_queue_create(&self->edits, sizeof(edit), EDITS) == TAGNODE_OK) return self;
    tagnode_aligned_free(self);
    return NULL;
}

/* ----------------------------------------------------------------------------------- edits --- */

/* One that finds no room, since the host neither processes nor flushes, is in the core all the
 * same. */
static void queue(clap_window *self, uint32_t parameter, uint16_t type, float value) {
    edit *next = tagnode_queue_reserve(&self->edits);
    if (next != NULL) {
        *next = (edit){parameter, type, value};
        tagnode_queue_commit(&self->edits);
    }
    if (self->params != NULL) self->params->request_flush(self->host);
}

static float get(void *context, uint32_t parameter) {
    const clap_window *self = context;
    return tagplug_get(self->core, parameter);
}

static void begin(void *context, uint32_t parameter) {
    queue(context, parameter, CL_EVENT_GESTURE_BEGIN, 0);
}

static void set(void *context, uint32_t parameter, float value) {
    clap_window *self = context;
    tagplug_set(self->core, parameter, value);
    queue(self, parameter, CL_EVENT_PARAM_VALUE, value);
}

static void end(void *context, uint32_t parameter) {
    queue(context, parameter, CL_EVENT_GESTURE_END, 0);
}

static bool send(const edit *one, const cl_output_events *out) TAGNODE_NONBLOCKING {
    const uint32_t id = tagnode_plugin_parameter_info(one->parameter)->id;
    if (one->type != CL_EVENT_PARAM_VALUE) {
        const cl_event_gesture event = {.header = {.size = sizeof event, .type = one->type},
                                        .parameter = id};
        return out->try_push(out, &event.header);
    }
    const cl_event_param_value event = {.header = {.size = sizeof event, .type = one->type},
                                        .parameter = id,
                                        .note = -1,
                                        .port = -1,
                                        .channel = -1,
                                        .key = -1,
                                        .value = one->value};
    return out->try_push(out, &event.header);
}

void clap_window_send(clap_window *self, const cl_output_events *out) TAGNODE_NONBLOCKING {
    const edit *next = NULL;
    while ((next = tagnode_queue_peek(&self->edits)) != NULL && send(next, out))
        tagnode_queue_drop(&self->edits);
}

/* ------------------------------------------------------------------------------------- gui --- */

static bool is_supported(const cl_plugin *plugin, const char *api, bool floating) {
    return !floating && strcmp(api, CL_WINDOW_NATIVE) == 0;
}

static bool preferred(const cl_plugin *plugin, const char **api, bool *floating) {
    *api = CL_WINDOW_NATIVE;
    *floating = false;
    return true;
}

static void set_sizes(clap_window *self) {
    self->size[0] = (uint32_t)(TAGPLUG_WINDOW_WIDTH * self->scale + 0.5);
    self->size[1] = (uint32_t)(TAGPLUG_WINDOW_HEIGHT * self->scale + 0.5);
}

static bool create(const cl_plugin *plugin, const char *api, bool floating) {
    clap_window *self = clap_window_of(plugin);
    if (!is_supported(plugin, api, floating) || self->created) return false;
    self->created = true;
    self->scale = tagplug_window_default_scale();
    set_sizes(self);
    return true;
}

static void close_window(clap_window *self) {
    if (self->timed) (void)self->timers->stop(self->host, self->timer);
    tagplug_window_close(self->window);
    self->window = NULL;
    self->timed = false;
}

static void destroy(const cl_plugin *plugin) {
    clap_window *self = clap_window_of(plugin);
    close_window(self);
    self->created = false;
}

void clap_window_destroy(clap_window *self) {
    if (self == NULL) return;
    close_window(self);
    tagnode_queue_destroy(&self->edits);
    tagnode_aligned_free(self);
}

static bool set_scale(const cl_plugin *plugin, double scale) {
    clap_window *self = clap_window_of(plugin);
    self->scale = tagplug_window_scale_of(scale);
    if (self->window != NULL)
        tagplug_window_scale(self->window, self->scale);
    else
        set_sizes(self);
    return true;
}

static bool get_size(const cl_plugin *plugin, uint32_t *width, uint32_t *height) {
    const clap_window *self = clap_window_of(plugin);
    *width = self->size[0];
    *height = self->size[1];
    if (self->window != NULL) tagplug_window_size(self->window, width, height);
    return self->created;
}

static bool can_resize(const cl_plugin *plugin) {
    return true;
}

static bool resize_hints(const cl_plugin *plugin, cl_resize_hints *hints) {
    *hints = (cl_resize_hints){.horizontally = true, .vertically = true};
    return true;
}

static bool adjust_size(const cl_plugin *plugin, uint32_t *width, uint32_t *height) {
    *width = *width > 0 ? *width : 1;
    *height = *height > 0 ? *height : 1;
    return true;
}

static bool set_size(const cl_plugin *plugin, uint32_t width, uint32_t height) {
    clap_window *self = clap_window_of(plugin);
    if (!self->created || width == 0 || height == 0) return false;
    self->size[0] = width;
    self->size[1] = height;
    return self->window == NULL || tagplug_window_resize(self->window, width, height);
}

static bool set_parent(const cl_plugin *plugin, const cl_window *window) {
    clap_window *self = clap_window_of(plugin);
    if (!self->created || self->window != NULL || strcmp(window->api, CL_WINDOW_NATIVE) != 0)
        return false;
    const tagplug_window_host host = {self, self->core, &tagplug_view_table, get, begin, set, end};
    self->window = tagplug_window_open(&host, (uintptr_t)window->id.native, self->scale);
    if (self->window == NULL) return false;
    (void)tagplug_window_resize(self->window, self->size[0], self->size[1]);
    if (tagplug_window_has_timer()) return true;
    self->timed = self->timers->start(self->host, TAGPLUG_WINDOW_PERIOD, &self->timer);
    if (!self->timed) close_window(self);
    return self->timed;
}

static bool set_transient(const cl_plugin *plugin, const cl_window *window) {
    return false; /* it never floats */
}

static void suggest_title(const cl_plugin *plugin, const char *title) {}

static bool show_or_hide(const cl_plugin *plugin, bool shown) {
    const clap_window *self = clap_window_of(plugin);
    if (self->window == NULL) return false;
    tagplug_window_show(self->window, shown);
    return true;
}

static bool show(const cl_plugin *plugin) {
    return show_or_hide(plugin, true);
}

static bool hide(const cl_plugin *plugin) {
    return show_or_hide(plugin, false);
}

static void on_timer(const cl_plugin *plugin, uint32_t id) {
    const clap_window *self = clap_window_of(plugin);
    if (self->window != NULL && id == self->timer) (void)tagplug_window_tick(self->window);
}

const void *clap_window_extension(const clap_window *self, const char *id) {
    static const cl_gui gui = {is_supported, preferred,     create,        destroy,     set_scale,
                               get_size,     can_resize,    resize_hints,  adjust_size, set_size,
                               set_parent,   set_transient, suggest_title, show,        hide};
    static const cl_timer timer = {on_timer};
    if (self == NULL || (self->timers == NULL && !tagplug_window_has_timer())) return NULL;
    if (strcmp(id, CL_GUI) == 0) return &gui;
    return strcmp(id, CL_TIMER) == 0 ? &timer : NULL;
}
