/* make_docs.c - prints docs/plugin-parameters.md from the table of parameters, with the symbols
 * that LV2 hosts, presets and states know them by. The slots are alike, so the first stands for
 * all. */
#include <stdio.h>

#include "parameters.h"

static void put_range(const tagplug_parameter *p) {
    if (p->choices != NULL) {
        const int last = (int)p->high;
        for (int i = 0; i <= last; ++i) printf("%s%s", i == 0 ? "" : ", ", p->choices[i]);
        return;
    }
    printf("%g to %g%s%s", (double)p->low, (double)p->high, *p->unit == '\0' ? "" : " ", p->unit);
}

static void put_start(const tagplug_parameter *p) {
    if (p->output) return;
    if (p->choices != NULL)
        printf("%s", p->choices[(int)p->start]);
    else
        printf("%g", (double)p->start);
}

static void put_row(uint32_t number) {
    const tagplug_parameter *p = tagplug_about(number);
    printf("| %s | `%s` | ", p->name, p->symbol);
    put_range(p);
    printf(" | ");
    put_start(p);
    printf(" | %s |\n", p->about);
}

static void put_table(const char *title, uint32_t first, uint32_t end) {
    printf("\n## %s\n\n| name | symbol | range | default | |\n|---|---|---|---|---|\n", title);
    for (uint32_t i = first; i < end; ++i) put_row(i);
}

int main(void) {
    printf("# Parameters of the plugin\n\n"
           "Printed by `build/plugins/plugin/tagnode_make_docs` from the table that the plugin is "
           "built of.\n[plugin.md](plugin.md) says what they are for.\n");
    put_table("The whole", 0, TAGPLUG_GLOBALS);
    put_table("Slot 1, and so on to 8", TAGPLUG_GLOBALS, TAGPLUG_GLOBALS + TAGPLUG_FIELDS);
    put_table("What can be read", TAGPLUG_INPUTS, TAGPLUG_PARAMETERS);
    return 0;
}
