/* host_lilv.c - the bundle as lilv reads it: host_lilv FOLDER/tagnode.lv2/. Ports and their limits
 * are those of the table, and a state that was written as text brings everything back. */
#include <lilv/lilv.h>
#include <lv2/urid/urid.h>

#define TAGPLUG_STATIC
#define lv2_descriptor tagplug_lv2_descriptor /* lv2.h has one of this name */
#include "lv2_rack.h"

#undef lv2_descriptor

/* rack.plugin is a descriptor of lilv's, which is the same but for its name. */
const lv2_plugin *tagplug_lv2_descriptor(uint32_t index) {
    (void)index;
    return NULL;
}

enum { RATE = 48000, BLOCK = 512 };

static LilvWorld *world;
static const LilvPlugin *plugin;
static float *noise;

static const char *unmap_uri(void *handle, uint32_t number) {
    (void)handle;
    return number > 0 && number <= 64 ? host.uris[number - 1] : NULL;
}

static LV2_URID_Map map = {NULL, map_uri};
static LV2_URID_Unmap unmap = {NULL, unmap_uri};

/* ---- the files ---- */

static bool is_text(LilvNode *node, const char *text) {
    const bool same = node != NULL && strcmp(lilv_node_as_string(node), text) == 0;
    lilv_node_free(node);
    return same;
}

static bool is_number(LilvNode *node, float number) {
    const bool same = node != NULL && lilv_node_as_float(node) == number;
    lilv_node_free(node);
    return same;
}

static bool has(const LilvPort *port, const char *property) {
    LilvNode *uri = lilv_new_uri(world, property);
    const bool found = lilv_port_has_property(plugin, port, uri);
    lilv_node_free(uri);
    return found;
}

/* The points of a menu by their values; lilv lists them in the order of their places in memory. */
typedef struct {
    int value;
    char label[64];
} menu_point;

typedef struct {
    unsigned count;
    menu_point points[64];
} point_list;

static int by_value(const void *one, const void *two) {
    return ((const menu_point *)one)->value - ((const menu_point *)two)->value;
}

static point_list points_of(const LilvPort *port) {
    static point_list list;
    LilvScalePoints *points = lilv_port_get_scale_points(plugin, port);
    list.count = 0;
    LILV_FOREACH(scale_points, i, points) {
        const LilvScalePoint *point = lilv_scale_points_get(points, i);
        if (!CHECK(list.count < 64)) break;
        menu_point *to = &list.points[list.count++];
        to->value = (int)lilv_node_as_float(lilv_scale_point_get_value(point));
        (void)snprintf(to->label, sizeof to->label, "%s",
                       lilv_node_as_string(lilv_scale_point_get_label(point)));
    }
    qsort(list.points, list.count, sizeof *list.points, by_value);
    lilv_scale_points_free(points);
    return list;
}

static bool is_control(const LilvPort *port, bool input) {
    LilvNode *control = lilv_new_uri(world, LILV_URI_CONTROL_PORT);
    LilvNode *way = lilv_new_uri(world, input ? LILV_URI_INPUT_PORT : LILV_URI_OUTPUT_PORT);
    const bool is = lilv_port_is_a(plugin, port, control) && lilv_port_is_a(plugin, port, way);
    lilv_node_free(control);
    lilv_node_free(way);
    return is;
}

static void test_the_ports_are_those_of_the_table(void) {
    CHECK(lilv_plugin_get_num_ports(plugin) == TAGPLUG_LV2_PORTS);
    for (uint32_t i = 1; i < TAGPLUG_PARAMETERS; ++i) {
        const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(i);
        const LilvPort *port = lilv_plugin_get_port_by_index(plugin, tagplug_lv2_port(i));
        LilvNode *start, *low, *high;
        CHECK(strcmp(lilv_node_as_string(lilv_port_get_symbol(plugin, port)), about->symbol) == 0);
        CHECK(is_text(lilv_port_get_name(plugin, port), about->name));
        lilv_port_get_range(plugin, port, &start, &low, &high);
        CHECK(is_number(start, about->start));
        CHECK(is_number(low, about->low));
        CHECK(is_number(high, about->high));
        if (about->choices != NULL && about->scale == TAGNODE_SCALE_CHOICE)
            CHECK(points_of(port).count == about->choice_count);
        CHECK(has(port, LILV_NS_LV2 "toggled") == (about->scale == TAGNODE_SCALE_TOGGLE));
        CHECK(has(port, LV2_NS "ext/port-props#logarithmic") ==
              (about->scale == TAGNODE_SCALE_LOG));
    }
}

static void test_the_ports_of_lv2_are_found_by_their_designation(void) {
    static const struct {
        const char *designation;
        uint32_t index;
    } all[] = {{"enabled", TAGPLUG_LV2_PARAMETERS},
               {"freeWheeling", TAGPLUG_LV2_FREEWHEEL},
               {"latency", TAGPLUG_LV2_DELAY}};
    for (size_t i = 0; i < 3; ++i) {
        char uri[128];
        snprintf(uri, sizeof uri, LILV_NS_LV2 "%s", all[i].designation);
        LilvNode *designation = lilv_new_uri(world, uri);
        const LilvPort *port = lilv_plugin_get_port_by_designation(plugin, NULL, designation);
        CHECK(port != NULL && lilv_port_get_index(plugin, port) == all[i].index);
        lilv_node_free(designation);
    }
    CHECK(lilv_plugin_has_latency(plugin));
    CHECK(lilv_plugin_get_latency_port_index(plugin) == TAGPLUG_LV2_DELAY);
    LilvNodes *required = lilv_plugin_get_required_features(plugin);
    CHECK(lilv_nodes_size(required) == 0);
    lilv_nodes_free(required);
}

static void test_every_control_has_a_range_and_the_default_of_a_new_instance(void) {
    tagplug *fresh = tagplug_create(NULL);
    for (uint32_t i = 0; i < TAGPLUG_LV2_PORTS; ++i) {
        const LilvPort *port = lilv_plugin_get_port_by_index(plugin, i);
        if (!is_control(port, true) && !is_control(port, false)) continue;
        LilvNode *start, *low, *high;
        lilv_port_get_range(plugin, port, &start, &low, &high);
        const float range[] = {lilv_node_as_float(low), lilv_node_as_float(start),
                               lilv_node_as_float(high)};
        CHECK(range[0] < range[2] && range[1] >= range[0] && range[1] <= range[2]);
        for (uint32_t k = 0; k < TAGPLUG_INPUTS; ++k)
            if (tagplug_lv2_port(k) == i)
                CHECK(range[1] ==
                      (k == TAGPLUG_BYPASS ? 1 - tagplug_get(fresh, k) : tagplug_get(fresh, k)));
        lilv_node_free(start);
        lilv_node_free(low);
        lilv_node_free(high);
    }
    tagplug_destroy(fresh);
}

static void test_menus_have_each_choice_once(void) {
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) {
        const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(i);
        const point_list list =
            points_of(lilv_plugin_get_port_by_index(plugin, tagplug_lv2_port(i)));
        CHECK(list.count == 0 || about->choices == NULL || list.count == about->choice_count);
        for (unsigned k = 0; k < list.count && about->choices != NULL; ++k)
            CHECK(list.points[k].value == (int)about->choices[k].id &&
                  strcmp(list.points[k].label, about->choices[k].text) == 0);
    }
}

static void test_menus_of_sources_are_the_signals_and_the_included_model(void) {
    static const struct {
        int source;
        const char *label;
    } scene[] = {{100, "speech"}, {101, "singing"}, {102, "music"},      {103, "drums"},
                 {104, "tonal"},  {105, "noise"},   {106, "any: voice"}, {145, "voice"}};
    enum { SCENE = sizeof scene / sizeof *scene };
    for (uint32_t slot = 0; slot < TAGPLUG_SLOTS; ++slot) {
        const uint32_t index = tagplug_lv2_port(tagplug_field_of(slot, TAGPLUG_SOURCE));
        const point_list list = points_of(lilv_plugin_get_port_by_index(plugin, index));
        const unsigned signals = tagnode_signal_count();
        if (!CHECK(list.count == 1 + signals + SCENE)) return;
        const menu_point *at = list.points;
        CHECK(at->value == 0 && strcmp(at->label, "none") == 0);
        for (unsigned k = 0; k < signals; ++k, ++at)
            CHECK(at[1].value == (int)k + 1 &&
                  strcmp(at[1].label, tagnode_signal_info(k)->name) == 0);
        for (unsigned k = 0; k < SCENE; ++k, ++at)
            CHECK(at[1].value == scene[k].source && strcmp(at[1].label, scene[k].label) == 0);
    }
}

/* Units that never change; those of other values depend on the slot. */
static void test_units_are_those_of_the_table(void) {
    LilvNode *unit = lilv_new_uri(world, LV2_NS "extensions/units#unit");
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) {
        const LilvPort *port = lilv_plugin_get_port_by_index(plugin, tagplug_lv2_port(i));
        LilvNode *found = lilv_port_get(plugin, port, unit);
        const bool seconds = strcmp(tagnode_plugin_parameter_info(i)->unit, "s") == 0;
        CHECK((found != NULL) == seconds);
        if (found != NULL) CHECK(is_text(found, LV2_NS "extensions/units#s"));
    }
    lilv_node_free(unit);
}

static void test_ports_of_the_host_are_no_knobs(void) {
    static const uint32_t ports[] = {TAGPLUG_LV2_FREEWHEEL, TAGPLUG_LV2_DELAY};
    for (size_t i = 0; i < 2; ++i) {
        const LilvPort *port = lilv_plugin_get_port_by_index(plugin, ports[i]);
        CHECK(has(port, LV2_NS "ext/port-props#notOnGUI"));
        CHECK(has(port, LILV_NS_LV2 "connectionOptional"));
        CHECK(points_of(port).count == 0);
    }
    CHECK(has(lilv_plugin_get_port_by_index(plugin, TAGPLUG_LV2_FREEWHEEL),
              LV2_NS "ext/port-props#notAutomatic"));
    CHECK(has(lilv_plugin_get_port_by_index(plugin, TAGPLUG_LV2_DELAY),
              LILV_NS_LV2 "reportsLatency"));
}

/* ---- a state as text ---- */

typedef struct {
    LilvInstance *lilv;
    rack rack;
} insert;

/* rack.plugin is lilv's descriptor: the same but for the names. */
static insert *inserted_by_lilv(void) {
    insert *i = calloc(1, sizeof *i);
    if (i == NULL) abort();
    offer(&i->rack.features);
    i->lilv =
        lilv_plugin_instantiate(plugin, RATE, (const LV2_Feature *const *)i->rack.features.list);
    if (!CHECK(i->lilv != NULL)) exit(closing_line());
    i->rack.plugin = (const lv2_plugin *)lilv_instance_get_descriptor(i->lilv);
    i->rack.instance = lilv_instance_get_handle(i->lilv);
    wire(&i->rack, true);
    return i;
}

static void removed_by_lilv(insert *i) {
    lilv_instance_free(i->lilv);
    free(i);
}

static float *port_named(rack *r, const char *symbol) {
    LilvNode *name = lilv_new_string(world, symbol);
    const LilvPort *found = lilv_plugin_get_port_by_symbol(plugin, name);
    lilv_node_free(name);
    return found == NULL ? NULL : &r->ports[lilv_port_get_index(plugin, found)];
}

static const void *get_port(const char *symbol, void *given, uint32_t *size, uint32_t *type) {
    *size = sizeof(float);
    *type = urid(LV2_ATOM_FLOAT);
    return port_named(given, symbol);
}

static void set_port(const char *symbol, void *given, const void *value, uint32_t size,
                     uint32_t type) {
    float *at = port_named(given, symbol);
    if (!CHECK(at != NULL && size == sizeof *at && type == urid(LV2_ATOM_FLOAT))) return;
    memcpy(at, value, sizeof *at);
}

static void play(rack *r, float *out) {
    for (size_t i = 0; i < 20; ++i) {
        feed(r, noise, i * BLOCK, BLOCK);
        memcpy(out + i * BLOCK, r->out[0], BLOCK * sizeof *out);
    }
}

static LilvState *state_of_instance(insert *i) {
    return lilv_state_new_from_instance(plugin, i->lilv, &map, NULL, NULL, NULL, NULL, get_port,
                                        &i->rack, LV2_STATE_POD | LV2_STATE_PORTABLE, NULL);
}

static void test_a_state_written_as_text_brings_everything_back(void) {
    static float first[20 * BLOCK], second[20 * BLOCK];
    insert *a = inserted_by_lilv(), *b = inserted_by_lilv();
    uint32_t seed = 5;
    for (uint32_t i = TAGPLUG_GLOBALS; i < TAGPLUG_INPUTS; ++i)
        *port(&a->rack, i) = tagplug_denormalise(i, (float)(next_number(&seed) % 1000) / 1000);
    *field(&a->rack, 0, TAGPLUG_SOURCE) = 1 + TAGNODE_SIGNAL_RMS_DB;
    *field(&a->rack, 0, TAGPLUG_TARGET) = TAGPLUG_TARGET_GAIN;
    a->rack.plugin->activate(a->rack.instance);
    play(&a->rack, first);
    LilvState *kept_state = state_of_instance(a);
    char *text = lilv_state_to_string(world, &map, &unmap, kept_state, "urn:kept", NULL);
    LilvState *again = lilv_state_new_from_string(world, &map, text);
    if (!CHECK(again != NULL)) exit(closing_line());
    lilv_state_restore(again, b->lilv, set_port, &b->rack, 0, NULL);
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) CHECK(*port(&b->rack, i) == *port(&a->rack, i));
    b->rack.plugin->activate(b->rack.instance);
    play(&b->rack, second);
    CHECK(memcmp(first, second, sizeof first) == 0);
    LilvState *once_more = state_of_instance(b);
    CHECK(lilv_state_equals(kept_state, once_more));
    lilv_state_free(kept_state);
    lilv_state_free(again);
    lilv_state_free(once_more);
    lilv_free(text);
    removed_by_lilv(a);
    removed_by_lilv(b);
}

int main(int count, char **arguments) {
    if (count != 2) {
        fputs("host_lilv FOLDER/tagnode.lv2/\n", stderr);
        return EXIT_FAILURE;
    }
    world = lilv_world_new();
    LilvNode *bundle = lilv_new_file_uri(world, NULL, arguments[1]);
    LilvNode *uri = lilv_new_uri(world, TAGNODE_PLUGIN_URI);
    lilv_world_load_bundle(world, bundle);
    plugin = lilv_plugins_get_by_uri(lilv_world_get_all_plugins(world), uri);
    if (!CHECK(plugin != NULL && lilv_plugin_verify(plugin))) return closing_line();
    noise = white_noise(20 * BLOCK, 1);
    test_the_ports_are_those_of_the_table();
    test_the_ports_of_lv2_are_found_by_their_designation();
    test_every_control_has_a_range_and_the_default_of_a_new_instance();
    test_menus_have_each_choice_once();
    test_menus_of_sources_are_the_signals_and_the_included_model();
    test_units_are_those_of_the_table();
    test_ports_of_the_host_are_no_knobs();
    test_a_state_written_as_text_brings_everything_back();
    free(noise);
    lilv_node_free(uri);
    lilv_node_free(bundle);
    lilv_world_free(world);
    return closing_line();
}
