/* test_plugin_ids.c - all that hosts and projects save of the plugin is as in ids.txt.
 *
 *   test_plugin_ids FILE         compares
 *   test_plugin_ids FILE subset  the same, but what FILE lacks is no failure: a build with more
 * slots test_plugin_ids              prints the content of FILE */
#include <stdarg.h>

#include "../check.h"
#include "lv2/lv2_ports.h"

enum { LINES = 2048, LENGTH = 160 };

static char lines[LINES][LENGTH];
static uint32_t count;

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...) {
    va_list list;
    if (count == LINES) abort();
    va_start(list, format);
    (void)vsnprintf(lines[count++], LENGTH, format, list);
    va_end(list);
}

static void put_parameter(uint32_t index) {
    static const char *const scales[] = {"linear", "log", "integer", "toggle", "choice"};
    const tagnode_plugin_parameter *p = tagnode_plugin_parameter_info(index);
    put("parameter %u %s lv2 port %u, %s %g to %g, %s", p->id, p->symbol, tagplug_lv2_port(index),
        scales[p->scale], (double)p->low, (double)p->high, p->output ? "output" : "input");
    for (uint32_t i = 0; i < p->choice_count; ++i)
        put("choice %s %u: %s", p->symbol, p->choices[i].id, p->choices[i].text);
}

static void put_tables(void) {
    static const char *const kinds[] = {"none", "included", "known", "custom"};
    const tagnode_plugin_target *t = NULL;
    const tagnode_plugin_model *m = NULL;
    for (uint32_t i = 0; (t = tagnode_plugin_target_info(i)) != NULL; ++i)
        put("target %u: %s %g to %g %s%s", t->id, t->name, (double)t->low, (double)t->high, t->unit,
            t->ratios ? ", even ratios" : "");
    for (uint32_t i = 0; (m = tagnode_plugin_model_info(i)) != NULL; ++i)
        put("model %u: %s, %s", m->id, m->name, kinds[m->kind]);
}

/* Numbers of signals and known labels, and the hash of others. */
static void put_sources(void) {
    static const char *const others[] = {"tag.bird", "head.mood.happy", "tag."};
    char name[128];
    put("source range 0 to %d, others from %d", TAGNODE_PLUGIN_SOURCE_MAX,
        TAGNODE_PLUGIN_SOURCE_OTHER);
    for (uint32_t id = 0; id <= TAGNODE_PLUGIN_SOURCE_MAX; ++id) {
        if (!tagnode_plugin_source_name(id, name, sizeof name)) continue;
        put("source %u: %s", id, name);
        CHECK(tagnode_plugin_source_find(name) == id);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; ++i)
        put("hash %s %u", others[i], tagnode_plugin_source_find(others[i]));
    CHECK(tagnode_plugin_source_find("") == 0);
    CHECK(tagnode_plugin_source_find("signal.of_a_later_version") == 0);
}

static void put_all(void) {
    const tagnode_plugin_identity *own = tagnode_plugin_identity_info();
    put("uri %s", own->uri);
    put("clap %s", own->clap_id);
    put("vst3 %08X%08X%08X%08X", own->vst3_class[0], own->vst3_class[1], own->vst3_class[2],
        own->vst3_class[3]);
    put("vst3 program parameter %d", TAGPLUG_PROGRAM_ID);
    put("lv2 in %d %d, out %d %d, midi %d, freewheel %d, delay %d", TAGPLUG_LV2_IN_LEFT,
        TAGPLUG_LV2_IN_RIGHT, TAGPLUG_LV2_OUT_LEFT, TAGPLUG_LV2_OUT_RIGHT, TAGPLUG_LV2_MIDI,
        TAGPLUG_LV2_FREEWHEEL, TAGPLUG_LV2_DELAY);
    put("lv2 sidechain %d %d", TAGPLUG_LV2_SIDECHAIN_LEFT, TAGPLUG_LV2_SIDECHAIN_RIGHT);
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) put_parameter(i);
    put_tables();
    put_sources();
}

static void check_ports(void) {
    bool taken[TAGPLUG_LV2_PORTS] = {false};
    for (uint32_t i = 0; i < TAGPLUG_LV2_PARAMETERS; ++i) taken[i] = true;
    taken[TAGPLUG_LV2_SIDECHAIN_LEFT] = taken[TAGPLUG_LV2_SIDECHAIN_RIGHT] = true;
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) {
        const uint32_t port = tagplug_lv2_port(i);
        if (CHECK(port < TAGPLUG_LV2_PORTS && !taken[port])) taken[port] = true;
    }
}

/* Length of the subject of a line: two words, as "parameter 1003". */
static size_t subject(const char *line) {
    const char *space = strchr(line, ' ');
    const char *second = space == NULL ? NULL : strchr(space + 1, ' ');
    if (strncmp(line, "choice", 6) == 0 && second != NULL) second = strchr(second + 1, ' ');
    return second == NULL ? strlen(line) : (size_t)(second - line);
}

static const char *now_of(const char *line) {
    const size_t length = subject(line);
    for (uint32_t i = 0; i < count; ++i)
        if (subject(lines[i]) == length && strncmp(lines[i], line, length) == 0) return lines[i];
    return "nothing";
}

/* Removes a line that is unchanged. */
static bool matches(const char *line) {
    for (uint32_t i = 0; i < count; ++i)
        if (strcmp(lines[i], line) == 0) {
            memmove(lines + i, lines + i + 1, (count - i - 1) * sizeof *lines);
            --count;
            return true;
        }
    return false;
}

static void compare(FILE *file, bool subset) {
    char line[LENGTH];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (!CHECK(matches(line)))
            fprintf(stderr,
                    "Saved projects know \"%s\"; it is \"%s\" now. "
                    "Leave what exists, and give new things new numbers at the end.\n",
                    line, now_of(line));
    }
    for (uint32_t i = 0; i < count && !subset; ++i)
        if (!CHECK(lines[i][0] == '\0'))
            fprintf(stderr, "\"%s\" is new: add it to ids.txt, where it then stays.\n", lines[i]);
}

int main(int arguments, char **argument) {
    put_all();
    if (arguments < 2) {
        for (uint32_t i = 0; i < count; ++i) puts(lines[i]);
        return EXIT_SUCCESS;
    }
    FILE *file = fopen(argument[1], "r");
    if (file == NULL) {
        fprintf(stderr, "%s cannot be read.\n", argument[1]);
        return EXIT_FAILURE;
    }
    compare(file, arguments > 2);
    check_ports();
    (void)fclose(file);
    return closing_line();
}
