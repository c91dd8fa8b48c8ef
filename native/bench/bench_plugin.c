/* bench_plugin.c - the plugin's core, without a face and a host:
 *
 * MODEL [SECONDS]
 *     MODEL is its number in TAGPLUG_MODEL. Seconds to create and activate, the first time in the
 *     process and with the model there already; of a callback of 64 and of 512 samples at 48 kHz,
 * in stereo, as a share of its deadline (median and 99.9 %), with effects off and all on; and of
 *     loading a state. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core.h"

enum { RATE = 48000, MOST = 512 };

static double now(void) {
    struct timespec time;
    (void)timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill(float *samples, uint32_t *random) {
    for (int i = 0; i < MOST; ++i) {
        *random = *random * 1664525U + 1013904223U;
        samples[i] = (float)((double)*random / 8589934592.0 - 0.25);
    }
}

static void measure(tagplug *plugin, uint32_t frames, double seconds, const char *what) {
    const size_t count = (size_t)(seconds * RATE / frames);
    double *taken = malloc(count * sizeof *taken);
    float room[2][MOST];
    float *const audio[2] = {room[0], room[1]};
    uint32_t random = 1;
    if (taken == NULL) exit(EXIT_FAILURE);
    for (size_t i = 0; i < count; ++i) {
        fill(room[0], &random);
        fill(room[1], &random);
        const double begin = now();
        tagplug_process(plugin, (const float *const *)audio, audio, frames, NULL, NULL, 0);
        taken[i] = (now() - begin) * RATE / frames;
    }
    qsort(taken, count, sizeof *taken, ascending);
    printf("%3u samples, %s: %.2f %% of the deadline, 99.9 %% of callbacks below %.2f %%\n", frames,
           what, 100 * taken[count / 2], 100 * taken[count - 1 - count / 1000]);
    free(taken);
}

static tagplug *begin(float model, const char *what) {
    const double start = now();
    tagplug *plugin = tagplug_create(NULL);
    if (plugin == NULL) exit(EXIT_FAILURE);
    tagplug_set(plugin, TAGPLUG_MODEL, model);
    tagplug_activate(plugin, RATE, MOST, 2, false);
    printf("create and activate, %s: %.1f ms\n", what, 1000 * (now() - start));
    return plugin;
}

static void all_effects(tagplug *plugin) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        tagplug_set(plugin, tagplug_field_of(i, TAGPLUG_SOURCE), i % 2 ? 1 : 32);
        tagplug_set(plugin, tagplug_field_of(i, TAGPLUG_TARGET),
                    (float)(1 + i % (TAGPLUG_TARGETS - 1)));
    }
}

int main(int count, char **arguments) {
    const float model = count > 1 ? strtof(arguments[1], NULL) : 1;
    const double seconds = count > 2 ? strtod(arguments[2], NULL) : 20;
    tagplug *first = begin(model, "first"), *plugin = begin(model, "again");
    tagnode_message why;
    tagplug_explain(plugin, &why);
    puts(why.text);
    for (int effects = 0; effects < 2; ++effects) {
        if (effects) all_effects(plugin);
        for (uint32_t frames = 64; frames <= MOST; frames *= 8)
            measure(plugin, frames, seconds, effects ? "all effects" : "effects off");
    }
    static unsigned char state[TAGPLUG_STATE_MOST];
    const size_t size = tagplug_save(plugin, state, sizeof state);
    const double start = now();
    for (int i = 0; i < 100; ++i) (void)tagplug_load(first, state, size, NULL);
    printf("load a state of %zu bytes: %.3f ms\n", size, 10 * (now() - start));
    tagplug_destroy(plugin);
    tagplug_destroy(first);
    return EXIT_SUCCESS;
}
