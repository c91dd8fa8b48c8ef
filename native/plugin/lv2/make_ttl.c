/* make_ttl.c - writes manifest.ttl and tagnode.ttl from the table of parameters. Runs where the
 * plugin is built: make_ttl FOLDER BINARY [WINDOW], the file names of the plugin's library in that
 * folder, and of that of its window. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/models.h"
#include "core/tagplug.h"
#include "lv2_abi.h"
#include "lv2_ports.h"

static const char *const prefixes = "@prefix atom: <http://lv2plug.in/ns/ext/atom#> .\n"
                                    "@prefix doap: <http://usefulinc.com/ns/doap#> .\n"
                                    "@prefix foaf: <http://xmlns.com/foaf/0.1/> .\n"
                                    "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n"
                                    "@prefix midi: <http://lv2plug.in/ns/ext/midi#> .\n"
                                    "@prefix pg: <http://lv2plug.in/ns/ext/port-groups#> .\n"
                                    "@prefix pprops: <http://lv2plug.in/ns/ext/port-props#> .\n"
                                    "@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .\n"
                                    "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
                                    "@prefix rsz: <http://lv2plug.in/ns/ext/resize-port#> .\n"
                                    "@prefix state: <http://lv2plug.in/ns/ext/state#> .\n"
                                    "@prefix ui: <http://lv2plug.in/ns/extensions/ui#> .\n"
                                    "@prefix units: <http://lv2plug.in/ns/extensions/units#> .\n"
                                    "@prefix urid: <http://lv2plug.in/ns/ext/urid#> .\n\n";

static FILE *opened(const char *folder, const char *name) {
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = length < (int)sizeof path ? fopen(path, "wb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "%s/%s cannot be written.\n", folder, name);
        exit(EXIT_FAILURE);
    }
    fputs(prefixes, file);
    return file;
}

static void closed(FILE *file) {
    const int failed = ferror(file);
    if (fclose(file) == 0 && failed == 0) return;
    fputs("The disk is full.\n", stderr);
    exit(EXIT_FAILURE);
}

/* A string of Turtle. */
static void put_string(FILE *file, const char *text) {
    fputc('"', file);
    for (; *text != '\0'; ++text) {
        if (*text == '"' || *text == '\\') fputc('\\', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

/* The shortest decimal number that reads back as this value. */
static void put_number(FILE *file, float value) {
    char text[32];
    for (int digits = 1; digits <= 9; ++digits) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    fputs(text, file);
}

/* ---- the parts of a parameter's port ---- */

static void put_unit(FILE *file, const char *unit) {
    static const char *const known[][2] = {{"s", "s"},   {"ms", "ms"}, {"Hz", "hz"},
                                           {"dB", "db"}, {"%", "pc"},  {"BPM", "bpm"}};
    if (*unit == '\0') return;
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (strcmp(unit, known[i][0]) == 0) {
            fprintf(file, " ;\n\t\tunits:unit units:%s", known[i][1]);
            return;
        }
    fprintf(stderr, "put_unit has no LV2 unit for %s; add it.\n", unit);
    exit(EXIT_FAILURE);
}

/* ---- menus ---- */

/* The field of a slot, whose menu is that of all slots, or a symbol of the whole plugin. */
static const char *menu_of(uint32_t parameter) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    return about->slot == 0 ? about->symbol : strchr(about->symbol, '_') + 1;
}

/* What a menu is written to: references to its points from a port, or the points themselves, which
 * all slots share. */
typedef struct {
    FILE *file;
    const char *menu;
    bool define;
} menu;

static void put_point(const menu *to, const char *label, uint32_t value) {
    if (!to->define) {
        fprintf(to->file, " ;\n\t\tlv2:scalePoint _:%s%04u", to->menu, value);
        return;
    }
    fprintf(to->file, "\n_:%s%04u\n\trdfs:label ", to->menu, value);
    put_string(to->file, label);
    fprintf(to->file, " ;\n\trdf:value %u .\n", value);
}

/* The signals, and the labels of the model that is compiled in. Labels of other models have numbers
 * too, but a menu here is the same for all models. */
static void put_sources(const menu *to) {
    tagplug_model *model = NULL;
    char text[512];
    (void)tagplug_model_take(TAGPLUG_MODEL_SCENE, NULL, &model, NULL);
    put_point(to, "none", 0);
    for (uint32_t id = 1; id <= TAGNODE_PLUGIN_SOURCE_MAX; ++id) {
        const tagnode_signal *signal = tagnode_signal_info(tagnode_plugin_source_signal(id));
        const bool label = model != NULL && model->label_of[id] != TAGPLUG_NO_LABEL;
        if (signal != NULL) put_point(to, signal->name, id);
        if (!label) continue;
        const tagplug_label *found = &model->labels[model->label_of[id]];
        (void)snprintf(text, sizeof text, "%s%s%s", found->head != NULL ? found->head : "",
                       found->head != NULL ? ": " : "", found->text);
        put_point(to, text, id);
    }
    tagplug_model_release(model);
}

/* Whether it has a menu. */
static bool put_menu(const menu *to, uint32_t parameter) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    uint32_t slot = 0;
    if (tagplug_is_source(parameter, &slot)) {
        put_sources(to);
        return true;
    }
    if (about->scale != TAGNODE_SCALE_CHOICE) return false;
    for (uint32_t i = 0; i < about->choice_count; ++i)
        put_point(to, about->choices[i].text, about->choices[i].id);
    return true;
}

static void put_menus(FILE *file) {
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i)
        if (tagnode_plugin_parameter_info(i)->slot <= 1)
            (void)put_menu(&(menu){file, menu_of(i), true}, i);
}

static void put_scale(FILE *file, uint32_t parameter, const tagnode_plugin_parameter *about) {
    if (put_menu(&(menu){file, menu_of(parameter), false}, parameter)) {
        fputs(" ;\n\t\tlv2:portProperty lv2:integer , lv2:enumeration", file);
        return;
    }
    if (about->scale == TAGNODE_SCALE_LOG)
        fputs(" ;\n\t\tlv2:portProperty pprops:logarithmic", file);
    if (about->scale == TAGNODE_SCALE_INTEGER) fputs(" ;\n\t\tlv2:portProperty lv2:integer", file);
    if (about->scale == TAGNODE_SCALE_TOGGLE) fputs(" ;\n\t\tlv2:portProperty lv2:toggled", file);
}

/* ---- groups and ports ---- */

/* "Slot 1" as a name in an address: slot1. Parameters of the whole plugin have a group too, whose
 * name sorts first: some hosts sort by it, and show what has none at the end. */
static void put_group_name(FILE *file, const char *group) {
    for (; *group != '\0'; ++group)
        if (*group != ' ')
            fputc(*group >= 'A' && *group <= 'Z' ? *group - 'A' + 'a' : *group, file);
}

static const char *group_of(uint32_t parameter) {
    const char *group = tagnode_plugin_parameter_info(parameter)->group;
    return *group == '\0' ? "Main" : group;
}

static void put_parameter(FILE *file, uint32_t parameter) {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    const bool enabled = parameter == TAGPLUG_BYPASS;
    fprintf(file, " , [\n\t\ta lv2:%sPort , lv2:ControlPort ;\n\t\tlv2:index %u ;\n",
            about->output ? "Output" : "Input", tagplug_lv2_port(parameter));
    fprintf(file, "\t\tlv2:symbol \"%s\" ;\n\t\tlv2:name ", enabled ? "enabled" : about->symbol);
    put_string(file, enabled ? "Enabled" : about->name);
    fputs(" ;\n\t\trdfs:comment ", file);
    put_string(file, enabled ? "Off: audio passes unchanged; the analysis goes on." : about->about);
    fputs(" ;\n\t\tlv2:default ", file);
    put_number(file, enabled ? 1 - about->start : about->start);
    fputs(" ;\n\t\tlv2:minimum ", file);
    put_number(file, about->low);
    fputs(" ;\n\t\tlv2:maximum ", file);
    put_number(file, about->high);
    if (enabled) fputs(" ;\n\t\tlv2:designation lv2:enabled", file);
    put_unit(file, about->unit);
    put_scale(file, parameter, about);
    fputs(" ;\n\t\tpg:group <" TAGNODE_PLUGIN_URI "#", file);
    put_group_name(file, group_of(parameter));
    fputs(">\n\t]", file);
}

/* ---- the rest ---- */

static void put_audio(FILE *file, uint32_t port, const char *kind, const char *symbol,
                      const char *name, const char *side) {
    fprintf(file,
            "%s [\n\t\ta lv2:%sPort , lv2:AudioPort ;\n\t\tlv2:index %u ;\n"
            "\t\tlv2:symbol \"%s\" ;\n\t\tlv2:name \"%s\" ;\n\t\tpg:group <" TAGNODE_PLUGIN_URI
            "#%s> ;\n\t\tlv2:designation pg:%s\n\t]",
            port == 0 ? "\tlv2:port" : " ,", kind, port, symbol, name,
            strcmp(kind, "Input") == 0 ? "in" : "out", side);
}

static void put_own_ports(FILE *file) {
    put_audio(file, TAGPLUG_LV2_IN_LEFT, "Input", "in_left", "In left", "left");
    put_audio(file, TAGPLUG_LV2_IN_RIGHT, "Input", "in_right", "In right", "right");
    put_audio(file, TAGPLUG_LV2_OUT_LEFT, "Output", "out_left", "Out left", "left");
    put_audio(file, TAGPLUG_LV2_OUT_RIGHT, "Output", "out_right", "Out right", "right");
    fprintf(file,
            " , [\n\t\ta lv2:OutputPort , atom:AtomPort ;\n\t\tlv2:index %d ;\n"
            "\t\tlv2:symbol \"midi\" ;\n\t\tlv2:name \"MIDI\" ;\n"
            "\t\trdfs:comment \"Controllers of the slots that send MIDI.\" ;\n"
            "\t\tatom:bufferType atom:Sequence ;\n\t\tatom:supports midi:MidiEvent ;\n"
            "\t\tlv2:portProperty lv2:connectionOptional ;\n\t\trsz:minimumSize %d\n\t]",
            TAGPLUG_LV2_MIDI, 16 + TAGPLUG_LV2_MESSAGE * TAGPLUG_MIDI_MOST);
    fprintf(file,
            " , [\n\t\ta lv2:InputPort , lv2:ControlPort ;\n\t\tlv2:index %d ;\n"
            "\t\tlv2:symbol \"freewheel\" ;\n\t\tlv2:name \"Freewheel\" ;\n"
            "\t\trdfs:comment \"Set by the host while it does not run in real time.\" ;\n"
            "\t\tlv2:default 0 ;\n\t\tlv2:minimum 0 ;\n\t\tlv2:maximum 1 ;\n"
            "\t\tlv2:designation lv2:freeWheeling ;\n"
            "\t\tlv2:portProperty lv2:toggled , lv2:connectionOptional ,\n"
            "\t\t\tpprops:notOnGUI , pprops:notAutomatic\n\t]",
            TAGPLUG_LV2_FREEWHEEL);
    fprintf(file,
            " , [\n\t\ta lv2:OutputPort , lv2:ControlPort ;\n\t\tlv2:index %d ;\n"
            "\t\tlv2:symbol \"audio_delay\" ;\n\t\tlv2:name \"Audio delay\" ;\n"
            "\t\trdfs:comment \"Latency of the audio in samples: always 0.\" ;\n"
            "\t\tlv2:default 0 ;\n\t\tlv2:minimum 0 ;\n\t\tlv2:maximum %d ;\n"
            "\t\tlv2:designation lv2:latency ;\n\t\tunits:unit units:frame ;\n"
            "\t\tlv2:portProperty lv2:reportsLatency , lv2:integer , lv2:connectionOptional ,\n"
            "\t\t\tpprops:notOnGUI\n\t]",
            TAGPLUG_LV2_DELAY, TAGNODE_MAX_RATE); /* hosts want a range: a second */
}

static void put_sidechain(FILE *file, uint32_t port, const char *side) {
    fprintf(file,
            " , [\n\t\ta lv2:InputPort , lv2:AudioPort ;\n\t\tlv2:index %u ;\n"
            "\t\tlv2:symbol \"sidechain_%s\" ;\n\t\tlv2:name \"Sidechain %s\" ;\n"
            "\t\trdfs:comment \"Analysed instead of the main input if that is chosen.\" ;\n"
            "\t\tpg:group <" TAGNODE_PLUGIN_URI "#sidechain> ;\n\t\tlv2:designation pg:%s ;\n"
            "\t\tlv2:portProperty lv2:connectionOptional , lv2:isSideChain\n\t]",
            port, side, side, side);
}

static void put_groups(FILE *file) {
    fputs("\n<" TAGNODE_PLUGIN_URI "#sidechain>\n\ta pg:StereoGroup , pg:InputGroup ;\n"
          "\tlv2:symbol \"sidechain\" ;\n\tlv2:name \"Sidechain\" ;\n"
          "\tpg:sideChainOf <" TAGNODE_PLUGIN_URI "#in> .\n",
          file);
    static const char *const sides[][3] = {{"in", "In", "Input"}, {"out", "Out", "Output"}};
    for (size_t i = 0; i < 2; ++i)
        fprintf(file,
                "\n<" TAGNODE_PLUGIN_URI "#%s>\n\ta pg:StereoGroup , pg:%sGroup ;\n"
                "\tlv2:symbol \"%s\" ;\n\tlv2:name \"%s\" .\n",
                sides[i][0], sides[i][2], sides[i][0], sides[i][1]);
    const char *last = "";
    for (uint32_t i = 0; i < TAGPLUG_INPUTS; ++i) {
        const char *group = group_of(i);
        if (strcmp(group, last) == 0) continue;
        last = group;
        fputs("\n<" TAGNODE_PLUGIN_URI "#", file);
        put_group_name(file, group);
        fputs(">\n\ta pg:Group ;\n\tlv2:symbol \"", file);
        put_group_name(file, group);
        fprintf(file, "\" ;\n\tlv2:name \"%s\" .\n", group);
    }
}

static void put_plugin(FILE *file) {
    fprintf(file,
            "<" TAGNODE_PLUGIN_URI ">\n\ta lv2:Plugin , lv2:AnalyserPlugin , doap:Project ;\n"
            "\tdoap:name \"Tagnode\" ;\n"
            "\tdoap:shortdesc \"Automates parameters by detected content.\" ;\n"
            "\tdoap:license <http://usefulinc.com/doap/licenses/mit> ;\n"
            "\tdoap:maintainer [ a foaf:Person ; foaf:name \"pyplugin\" ] ;\n"
            "\tlv2:minorVersion %d ;\n\tlv2:microVersion %d ;\n"
            "\tlv2:optionalFeature lv2:hardRTCapable , urid:map ,\n"
            "\t\t<http://lv2plug.in/ns/ext/log#log> ;\n"
            "\tlv2:extensionData state:interface ;\n"
            "\tpg:mainInput <" TAGNODE_PLUGIN_URI "#in> ;\n"
            "\tpg:mainOutput <" TAGNODE_PLUGIN_URI "#out> ;\n",
            TAGNODE_VERSION_MINOR, TAGNODE_VERSION_PATCH);
    put_own_ports(file);
    for (uint32_t port = TAGPLUG_LV2_PARAMETERS; port < TAGPLUG_LV2_PORTS; ++port) {
        if (port == TAGPLUG_LV2_SIDECHAIN_LEFT) put_sidechain(file, port, "left");
        if (port == TAGPLUG_LV2_SIDECHAIN_RIGHT) put_sidechain(file, port, "right");
        for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i)
            if (tagplug_lv2_port(i) == port) put_parameter(file, i);
    }
    fputs(" .\n", file);
    put_menus(file);
    put_groups(file);
}

static void put_window(FILE *manifest, const char *library, const char *kind) {
    fprintf(manifest,
            "\n<" TAGNODE_PLUGIN_URI "> ui:ui <" TAGPLUG_LV2_WINDOW "> .\n\n"
            "<" TAGPLUG_LV2_WINDOW ">\n\ta ui:%s ;\n\tlv2:binary <%s> ;\n"
            "\tlv2:requiredFeature ui:idleInterface , ui:parent ,\n"
            "\t\t<" LV2_INSTANCE_ACCESS "> , <" LV2_DATA_ACCESS "> ;\n"
            "\tlv2:optionalFeature ui:resize , ui:touch , <" LV2_OPTIONS "> , urid:map ;\n"
            "\tlv2:extensionData ui:idleInterface , ui:resize .\n",
            kind, library);
}

int main(int count, char **arguments) {
    if (count != 3 && count != 5) {
        fputs("make_ttl FOLDER BINARY [WINDOW X11UI|WindowsUI]\n", stderr);
        return EXIT_FAILURE;
    }
    FILE *manifest = opened(arguments[1], "manifest.ttl");
    fprintf(manifest,
            "<" TAGNODE_PLUGIN_URI ">\n\ta lv2:Plugin ;\n\tlv2:binary <%s> ;\n"
            "\trdfs:seeAlso <tagnode.ttl> .\n",
            arguments[2]);
    if (count == 5) put_window(manifest, arguments[3], arguments[4]);
    closed(manifest);
    FILE *plugin = opened(arguments[1], "tagnode.ttl");
    put_plugin(plugin);
    closed(plugin);
    return EXIT_SUCCESS;
}
