/* window_lv2.c - LV2: instance-access, data-access, idle. */

#include "lv2_abi.h"
#include "lv2_ports.h"
#include "window_host.h"
#include "worker/library.h"

struct plug {
    void *instance, *interface;
    float ports[TAGPLUG_LV2_PORTS];
    lv2_feature instance_access;
};

static const lv2_plugin *plugin;
static const lv2_ui *ui;

void plug_load(const char *path) {
    char window[4096];
    (void)snprintf(window, sizeof window, "%stagnode_window%s", plug_folder(), strrchr(path, '.'));
    void *library = tagnode_library_open(path), *interface = tagnode_library_open(window);
    if (library == NULL || interface == NULL) {
        fprintf(stderr, "%s\n", tagnode_library_error());
        exit(EXIT_FAILURE);
    }
    const lv2_plugin *(*first)(uint32_t);
    const lv2_ui *(*second)(uint32_t);
    *(void **)&first = tagnode_library_symbol(library, "lv2_descriptor");
    *(void **)&second = tagnode_library_symbol(interface, "lv2ui_descriptor");
    plugin = first(0);
    ui = second(0);
}

static uint32_t port_of(uint32_t id) {
    return tagplug_lv2_port(tagnode_plugin_parameter_find(id));
}

static uint32_t id_of(uint32_t port) {
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i)
        if (tagplug_lv2_port(i) == port) return tagnode_plugin_parameter_info(i)->id;
    return 0;
}

plug *plug_open(void) {
    plug *self = calloc(1, sizeof *self);
    static const lv2_feature *const none[] = {NULL};
    self->instance = plugin->instantiate(plugin, PLUG_RATE, plug_folder(), none);
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) {
        const uint32_t port = tagplug_lv2_port(i);
        self->ports[port] = i == TAGPLUG_BYPASS ? 1 : tagnode_plugin_parameter_info(i)->start;
        plugin->connect_port(self->instance, port, &self->ports[port]);
    }
    plugin->activate(self->instance);
    return self;
}

void plug_close(plug *self) {
    plug_hide(self);
    plugin->deactivate(self->instance);
    plugin->cleanup(self->instance);
    free(self);
}

void plug_process(plug *self, const float *const *input, float *const *output) {
    for (uint32_t c = 0; c < 2; ++c) {
        plugin->connect_port(self->instance, TAGPLUG_LV2_IN_LEFT + c, (void *)input[c]);
        plugin->connect_port(self->instance, TAGPLUG_LV2_OUT_LEFT + c, output[c]);
    }
    plugin->run(self->instance, PLUG_BLOCK);
}

static void written(void *controller, uint32_t port, uint32_t size, uint32_t protocol,
                    const void *value) {
    plug *self = controller;
    if (!CHECK(protocol == 0 && size == sizeof(float) && port < TAGPLUG_LV2_PORTS)) return;
    memcpy(&self->ports[port], value, sizeof(float));
    plug_edited("set", id_of(port), self->ports[port]);
}

static void touched(void *handle, uint32_t port, bool grabbed) {
    (void)handle;
    plug_edited(grabbed ? "begin" : "end", id_of(port), 0);
}

static uint32_t mapped(void *handle, const char *uri) {
    (void)handle;
    return strcmp(uri, LV2_UI_SCALE) == 0 ? 1 : strcmp(uri, LV2_ATOM_FLOAT) == 0 ? 2 : 3;
}

bool plug_show(plug *self, uintptr_t parent, double scale) {
    const float factor = (float)scale;
    const lv2_option options[] = {{0, 0, 1, sizeof factor, 2, &factor}, {0, 0, 0, 0, 0, NULL}};
    lv2_urid_map map = {NULL, mapped};
    lv2_data_access data = {plugin->extension_data};
    lv2_ui_touch touch = {self, touched};
    void *window = (void *)parent; /* NOLINT(performance-no-int-to-ptr) */
    const lv2_feature parts[] = {{LV2_UI_PARENT, window},
                                 {LV2_INSTANCE_ACCESS, self->instance},
                                 {LV2_DATA_ACCESS, &data},
                                 {LV2_URID_MAP, &map},
                                 {LV2_OPTIONS, (void *)options}};
    static lv2_ui_touch kept; /* features live as long as the interface */
    kept = touch;
    const lv2_feature last = {LV2_UI_TOUCH, &kept};
    const lv2_feature *all[] = {&parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &last, NULL};
    void *widget = NULL;
    self->interface =
        ui->instantiate(ui, TAGNODE_PLUGIN_URI, plug_folder(), written, self, &widget, all);
    if (self->interface == NULL) return false;
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) {
        const uint32_t port = tagplug_lv2_port(i);
        ui->port_event(self->interface, port, sizeof(float), 0, &self->ports[port]);
    }
    return true;
}

void plug_hide(plug *self) {
    if (self->interface != NULL) ui->cleanup(self->interface);
    self->interface = NULL;
}

void plug_tick(plug *self) {
    const lv2_ui_idle *idle = ui->extension_data(LV2_UI_IDLE);
    if (self->interface != NULL) (void)idle->idle(self->interface);
}

bool plug_resize(plug *self, uint32_t width, uint32_t height) {
    const lv2_ui_resize *resize = ui->extension_data(LV2_UI_RESIZE);
    return resize->resize(self->interface, (int)width, (int)height) == 0;
}

void plug_set(plug *self, uint32_t id, double value) {
    const uint32_t port = port_of(id);
    self->ports[port] = (float)value;
    if (self->interface != NULL)
        ui->port_event(self->interface, port, sizeof(float), 0, &self->ports[port]);
}

double plug_get(plug *self, uint32_t id) {
    return self->ports[port_of(id)];
}
