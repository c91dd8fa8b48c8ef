/* timed_lv2.c - sits between an LV2 host and a plugin, and records the duration of each run.
 *
 * Environment: TIMED_PLUGIN, the plugin's shared object; TIMED_OUTPUT, the file that cleanup
 * writes: for each run its frames and its share of the time available. One instance at a time. */
#define _GNU_SOURCE /* NOLINT */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lv2/lv2_abi.h"

enum { MOST = 1 << 20 };

static struct {
    const lv2_plugin *real;
    lv2_plugin timed;
    double rate;
    size_t count;
    struct {
        uint32_t frames;
        float seconds;
    } run[MOST];
} self;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *instantiate(const lv2_plugin *plugin, double rate, const char *bundle,
                         const lv2_feature *const *features) {
    (void)plugin;
    self.rate = rate;
    self.count = 0;
    return self.real->instantiate(self.real, rate, bundle, features);
}

static void run(void *instance, uint32_t frames) {
    const double begin = now();
    self.real->run(instance, frames);
    const double end = now();
    if (self.count == MOST || frames == 0) return;
    self.run[self.count].frames = frames;
    self.run[self.count++].seconds = (float)(end - begin);
}

static void cleanup(void *instance) {
    self.real->cleanup(instance);
    const char *path = getenv("TIMED_OUTPUT");
    FILE *file = path == NULL ? NULL : fopen(path, "w");
    if (file == NULL) return;
    for (size_t i = 0; i < self.count; ++i)
        fprintf(file, "%u %g\n", self.run[i].frames,
                self.run[i].seconds * self.rate / self.run[i].frames);
    (void)fclose(file);
}

const lv2_plugin *lv2_descriptor(uint32_t index) {
    const char *path = getenv("TIMED_PLUGIN");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW);
    const lv2_plugin *(*entry)(uint32_t) = NULL;
    if (library != NULL) *(void **)&entry = dlsym(library, "lv2_descriptor");
    self.real = entry == NULL ? NULL : entry(index);
    if (self.real == NULL) return NULL;
    self.timed = *self.real;
    self.timed.instantiate = instantiate;
    self.timed.run = run;
    self.timed.cleanup = cleanup;
    return &self.timed;
}
