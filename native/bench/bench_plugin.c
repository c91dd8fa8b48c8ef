/* bench_plugin.c - measures the plugin's core, without a face and a host:
 *
 *   MODEL [SECONDS]
 *
 * MODEL is the value of TAGPLUG_MODEL. Prints a name and a value a line: seconds to create and
 * activate, the first time in the process and with the model already loaded; for a callback of 64
 * and of 512 samples at 48 kHz, in stereo, its share of the deadline (median and 99.9 %), with
 * effects off and all on; the work of two instances relative to one; seconds to load a state. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/tagplug.h"

enum { RATE = 48000, MOST = 512, ROUNDS = 5 };

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

static double worked(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Runs one block of noise through the plugins, one after the other; returns the seconds. */
static double play(tagplug *const *plugins, int instances, uint32_t frames,
                   double (*time_now)(void), uint32_t *random) {
    static float room[2][MOST];
    float *const audio[2] = {room[0], room[1]};
    fill(room[0], random);
    fill(room[1], random);
    const double begin = time_now();
    for (int i = 0; i < instances; ++i)
        tagplug_process(plugins[i], (const float *const *)audio, audio, frames, NULL, NULL, 0);
    return time_now() - begin;
}

static void measure(tagplug *plugin, uint32_t frames, double seconds, const char *what) {
    const size_t count = (size_t)(seconds * RATE / frames);
    double *taken = malloc(count * sizeof *taken);
    uint32_t random = 1;
    if (taken == NULL) exit(EXIT_FAILURE);
    for (size_t i = 0; i < count; ++i)
        taken[i] = play(&plugin, 1, frames, now, &random) * RATE / frames;
    qsort(taken, count, sizeof *taken, ascending);
    printf("%s_%u_median %g\n", what, frames, taken[count / 2]);
    printf("%s_%u_most %g\n", what, frames, taken[count - 1 - count / 1000]);
    free(taken);
}

/* Processor time, the minimum of several rounds, so that other load does not count. A model has
 * nothing to do until its window is full, so the warm-up comes before the rounds. */
static double least(tagplug *const *plugins, int instances, double seconds) {
    double best = HUGE_VAL;
    uint32_t first = 1;
    const double window = tagplug_get(plugins[0], TAGPLUG_WINDOW);
    for (int i = 0; i < (int)(2 * window * RATE / MOST); ++i)
        (void)play(plugins, instances, MOST, worked, &first);
    for (int round = 0; round < ROUNDS; ++round) {
        uint32_t random = 1;
        double sum = 0;
        for (int i = 0; i < (int)(seconds * RATE / MOST / ROUNDS); ++i)
            sum += play(plugins, instances, MOST, worked, &random);
        if (sum < best) best = sum;
    }
    return best;
}

static tagplug *begin(float model, const char *what) {
    const double start = now();
    tagplug *plugin = tagplug_create(NULL);
    if (plugin == NULL) exit(EXIT_FAILURE);
    tagplug_set(plugin, TAGPLUG_MODEL, model);
    tagplug_activate(plugin, RATE, 2);
    printf("activate_%s %g\n", what, now() - start);
    if (tagplug_get(plugin, TAGPLUG_STATUS) != TAGPLUG_STATUS_OK) {
        tagnode_message why;
        tagplug_explain(plugin, &why);
        fprintf(stderr, "%s\n", why.text);
        exit(EXIT_FAILURE);
    }
    return plugin;
}

static void all_effects(tagplug *plugin) {
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const float source = i % 2 ? 1 : 103; /* rms_db, drums */
        tagplug_set(plugin, tagplug_field_of(i, TAGPLUG_SOURCE), source);
        tagplug_set(plugin, tagplug_field_of(i, TAGPLUG_TARGET),
                    (float)(1 + i % (TAGPLUG_TARGETS - 1)));
    }
}

int main(int count, char **arguments) {
    const float model = count > 1 ? strtof(arguments[1], NULL) : 1;
    const double seconds = count > 2 ? strtod(arguments[2], NULL) : 20;
    tagplug *plugins[2];
    plugins[0] = begin(model, "first");
    plugins[1] = begin(model, "again");
    const double one = least(plugins, 1, seconds);
    printf("two_instances %g\n", least(plugins, 2, seconds) / one);
    for (int effects = 0; effects < 2; ++effects) {
        if (effects) all_effects(plugins[0]);
        for (uint32_t frames = 64; frames <= MOST; frames *= 8)
            measure(plugins[0], frames, seconds, effects ? "effects" : "off");
    }
    static unsigned char state[TAGPLUG_STATE_MOST];
    const size_t size = tagplug_save(plugins[0], state, sizeof state);
    const double start = now();
    for (int i = 0; i < 100; ++i) (void)tagplug_load(plugins[1], state, size, NULL);
    printf("load_state %g\n", (now() - start) / 100);
    tagplug_destroy(plugins[1]);
    tagplug_destroy(plugins[0]);
    return EXIT_SUCCESS;
}
