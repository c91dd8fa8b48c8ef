/* lv2_window.c - the window for LV2 hosts, in a library of its own. It reads the plugin in the same
 * process, by instance-access, and writes its ports through the host. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/face.h"
#include "lv2_abi.h"
#include "lv2_ports.h"
#include "window/window.h"

typedef struct {
    tagplug_window *window;
    const tagplug_view *view;
    tagplug *core;
    lv2_ui_write write;
    void *controller;
    const lv2_ui_touch *touch; /* or NULL */
    uint32_t port_of[TAGPLUG_PARAMETERS];
    float ports[TAGPLUG_LV2_PORTS]; /* as the host last had them; NaN: not known yet */
} interface;

/* "bypass" is "enabled" here: the inverse, both ways. */
static float inverted(uint32_t parameter, float value) {
    if (parameter != TAGPLUG_BYPASS) return value;
    return value > 0 ? 0 : 1;
}

/* ---- for the window ---- */

static float get(void *context, uint32_t parameter) {
    const interface *self = context;
    const float port = self->ports[self->port_of[parameter]];
    return isnan(port) ? self->view->get(self->core, parameter)
                       : tagplug_clamp(parameter, inverted(parameter, port));
}

static void touch(const interface *self, uint32_t parameter, bool grabbed) {
    if (self->touch != NULL)
        self->touch->touch(self->touch->handle, self->port_of[parameter], grabbed);
}

static void begin(void *context, uint32_t parameter) {
    touch(context, parameter, true);
}

static void set(void *context, uint32_t parameter, float value) {
    interface *self = context;
    const uint32_t port = self->port_of[parameter];
    const float to = inverted(parameter, value);
    self->ports[port] = to;
    self->write(self->controller, port, sizeof to, 0, &to);
}

static void end(void *context, uint32_t parameter) {
    touch(context, parameter, false);
}

/* ---- for the host ---- */

static void port_event(void *instance, uint32_t port, uint32_t size, uint32_t protocol,
                       const void *value) {
    interface *self = instance;
    if (protocol == 0 && size == sizeof(float) && port < TAGPLUG_LV2_PORTS)
        memcpy(&self->ports[port], value, sizeof(float));
}

static int idle(void *instance) {
    const interface *self = instance;
    return tagplug_window_tick(self->window) ? 0 : 1;
}

static int resize(void *instance, int width, int height) {
    const interface *self = instance;
    const bool valid = width > 0 && height > 0;
    return valid && tagplug_window_resize(self->window, (uint32_t)width, (uint32_t)height) ? 0 : 1;
}

static const void *feature_of(const lv2_feature *const *features, const char *uri) {
    for (; features != NULL && *features != NULL; ++features)
        if (strcmp((*features)->uri, uri) == 0) return (*features)->data;
    return NULL;
}

/* The scale among the host's options; 0: it has none. */
static double scale_of(const lv2_feature *const *features) {
    const lv2_option *options = feature_of(features, LV2_OPTIONS);
    const lv2_urid_map *map = feature_of(features, LV2_URID_MAP);
    if (options == NULL || map == NULL) return 0;
    const uint32_t key = map->map(map->handle, LV2_UI_SCALE);
    const uint32_t type = map->map(map->handle, LV2_ATOM_FLOAT);
    for (; options->key != 0; ++options)
        if (options->key == key && options->type == type && options->size == sizeof(float))
            return *(const float *)options->value;
    return 0;
}

/* False where the host runs the plugin in another process. */
static bool find_plugin(interface *self, const lv2_feature *const *features) {
    void *instance = (void *)feature_of(features, LV2_INSTANCE_ACCESS);
    const lv2_data_access *access = feature_of(features, LV2_DATA_ACCESS);
    if (instance == NULL || access == NULL) return false;
    const tagplug_lv2_view *view = access->data_access(TAGPLUG_LV2_VIEW);
    if (view == NULL) return false;
    self->view = view->view;
    self->core = view->core(instance);
    return true;
}

static void cleanup(void *instance) {
    interface *self = instance;
    tagplug_window_close(self->window);
    free(self);
}

static void *instantiate(const lv2_ui *ui, const char *plugin, const char *bundle,
                         lv2_ui_write write, void *controller, void **widget,
                         const lv2_feature *const *features) {
    const void *parent = feature_of(features, LV2_UI_PARENT);
    interface *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->write = write;
    self->controller = controller;
    self->touch = feature_of(features, LV2_UI_TOUCH);
    for (uint32_t i = 0; i < TAGPLUG_LV2_PORTS; ++i) self->ports[i] = NAN;
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) self->port_of[i] = tagplug_lv2_port(i);
    if (parent != NULL && find_plugin(self, features)) {
        const tagplug_window_host host = {self, self->core, self->view, get, begin, set, end};
        self->window = tagplug_window_open(&host, (uintptr_t)parent, scale_of(features));
    }
    if (self->window == NULL) {
        free(self);
        return NULL;
    }
    *widget = (void *)tagplug_window_native(self->window); /* NOLINT(performance-no-int-to-ptr) */
    const lv2_ui_resize *host = feature_of(features, LV2_UI_RESIZE);
    uint32_t width = 0, height = 0;
    tagplug_window_size(self->window, &width, &height);
    if (host != NULL) (void)host->resize(host->handle, (int)width, (int)height);
    return self;
}

static const void *extension_data(const char *uri) {
    static const lv2_ui_idle idles = {idle};
    static const lv2_ui_resize resizes = {NULL, resize};
    if (strcmp(uri, LV2_UI_IDLE) == 0) return &idles;
    return strcmp(uri, LV2_UI_RESIZE) == 0 ? &resizes : NULL;
}

FACE_API const lv2_ui *lv2ui_descriptor(uint32_t index) {
    static const lv2_ui ui = {TAGPLUG_LV2_WINDOW, instantiate, cleanup, port_event, extension_data};
    return index == 0 ? &ui : NULL;
}
