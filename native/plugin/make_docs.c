/* make_docs.c - prints docs/plugin-parameters.md from the table of parameters. The slots are alike,
 * so the first stands for all. */
#include <stdio.h>

#include "core/tagplug.h"

static void put_range(const tagnode_plugin_parameter *p) {
    for (uint32_t i = 0; i < p->choice_count; ++i)
        printf("%s%u %s", i == 0 ? "" : ", ", p->choices[i].id, p->choices[i].text);
    if (p->choices == NULL)
        printf("%g to %g%s%s", (double)p->low, (double)p->high, *p->unit == '\0' ? "" : " ",
               p->unit);
}

static void put_start(uint32_t index, const tagnode_plugin_parameter *p) {
    if (p->output) return;
    if (p->choices != NULL)
        printf("%s", tagplug_choice_text(index, (uint32_t)p->start));
    else
        printf("%g", (double)p->start);
}

static void put_row(uint32_t index) {
    const tagnode_plugin_parameter *p = tagnode_plugin_parameter_info(index);
    printf("| %u | %s | `%s` | ", p->id, p->name, p->symbol);
    put_range(p);
    printf(" | ");
    put_start(index, p);
    printf(" | %s |\n", p->about);
}

static void put_table(const char *title, const char *text, uint32_t first, uint32_t end) {
    printf("\n## %s\n\n%s| id | name | symbol | range | default | |\n|---|---|---|---|---|---|\n",
           title, text);
    for (uint32_t i = first; i < end; ++i) put_row(i);
}

static void put_targets(void) {
    const tagnode_plugin_target *t = NULL;
    printf(
        "\n## Targets\n\n`min` and `max` are shares of the target's range, shown in its unit.\n\n"
        "| id | target | 0 | 1 | steps |\n|---|---|---|---|---|\n");
    for (uint32_t i = 0; (t = tagnode_plugin_target_info(i)) != NULL; ++i)
        printf("| %u | %s | %g%s%s | %g%s%s | %s |\n", t->id, t->name, (double)t->low,
               *t->unit == '\0' ? "" : " ", t->unit, (double)t->high, *t->unit == '\0' ? "" : " ",
               t->unit, t->ratios ? "even ratios" : "even");
}

static void put_sources(void) {
    char name[128];
    printf(
        "\n## Sources\n\n"
        "A number stands for a descriptor, whatever model is loaded. Labels of other models have\n"
        "numbers from %d to %d, by a hash of their name; `tagnode plugins model` prints them.\n\n"
        "| id | descriptor |\n|---|---|\n| 0 | none |\n",
        TAGNODE_PLUGIN_SOURCE_OTHER, TAGNODE_PLUGIN_SOURCE_MAX);
    for (uint32_t id = 1; id < TAGNODE_PLUGIN_SOURCE_OTHER; ++id)
        if (tagnode_plugin_source_name(id, name, sizeof name)) printf("| %u | `%s` |\n", id, name);
}

int main(void) {
    char title[64];
    printf("# Parameters of the plugin\n\n"
           "Printed by `build/plugins/plugin/tagnode_make_docs` from the table that the plugin is "
           "built from.\n[plugin.md](plugin.md) explains them. Ids, symbols and the numbers of "
           "choices and sources never change:\nCLAP and VST 3 hosts keep ids, LV2 hosts and states "
           "symbols.\n");
    put_table("The whole plugin", "", 0, TAGPLUG_GLOBALS);
    (void)snprintf(title, sizeof title, "Slot 1, and so on to %d", TAGPLUG_SLOTS);
    put_table(title, "The ids of slot 2 are 2001, 2002 and so on.\n\n", TAGPLUG_GLOBALS,
              TAGPLUG_GLOBALS + TAGPLUG_FIELDS);
    put_table("Outputs", "", TAGPLUG_INPUTS, TAGPLUG_PARAMETERS);
    printf("\n## Program\n\nVST 3 hosts have one more parameter, %d: the program, which is one of "
           "the presets in the bundle.\n",
           TAGPLUG_PROGRAM_ID);
    put_targets();
    put_sources();
    return 0;
}
