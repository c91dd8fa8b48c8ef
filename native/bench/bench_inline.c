/* bench_inline.c - measures the inline runtime, within one process:
 *
 *   patch LIBRARY INT8 FLOAT
 *       Seconds for a whole patch, engine by engine; a line for each line of standard input.
 *   float LIBRARY MODEL
 *       The same of a float model.
 *   stream MODEL SOUND HOP BLOCK SECONDS
 *       Processor seconds for this duration of sound.
 *   station MODEL SOUND HOP SIGNALS SECONDS
 *       Runs this duration of sound as the radio monitor does, with signals every SIGNALS seconds;
 *       for a tool that counts.
 *   callback KIND LIBRARY MODEL SOUND HOP BLOCK SECONDS CORE OUTPUT
 *       Seconds of each callback, as float32 to a file.
 *   load MODEL SOUND
 *       Seconds to load and to prepare, bytes allocated, resident now and at most, in KiB.
 *
 * SOUND is mono at 48 kHz, float32 without a header. Models have MusiCNN's front-end; if one does
 * not have 187 frames and 50 tags, MODEL is FRAMES:TAGS:FILE, or FRAMES:TAGS:BANDS:FILE for the
 * mode float, which has no front-end. */
#define _GNU_SOURCE /* NOLINT */
#include <malloc.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/kernels.h"
#include "node/model.h"
#include "support/floatenv.h"
#include "tagnode.h"

enum {
    RATE = 48000,
    TAGS = 50,
    PATCH = 187,
    BANDS = 96,
    WARM_UP = 4 * RATE,       /* samples: longer than the window */
    OTHER_WORK = 2 * 1048576, /* bytes that pass through the caches between two callbacks */
};

static const tagnode_card musicnn_card = {
    .frontend = {.sample_rate = 16000,
                 .frame = 512,
                 .fft = 512,
                 .hop = 256,
                 .bands = BANDS,
                 .window = TAGNODE_WINDOW_HANN_PERIODIC,
                 .mel_scale = TAGNODE_MEL_SLANEY,
                 .mel_norm = TAGNODE_NORM_SLANEY,
                 .spectrum = TAGNODE_SPECTRUM_POWER,
                 .log = TAGNODE_LOG_LOG10_1P,
                 .log_parameter = 10000,
                 .fmin = 0,
                 .fmax = 8000},
    .patch_frames = PATCH,
    .outputs = 1,
    .output_size = {TAGS},
};

static double seconds_of(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double now(void) {
    return seconds_of(CLOCK_MONOTONIC);
}

static void must(tagnode_status status, const tagnode_message *why) {
    if (status == TAGNODE_OK) return;
    fprintf(stderr, "%s\n", why->text);
    exit(1);
}

static void *allocate(size_t bytes) {
    void *memory = calloc(1, bytes + 1);
    if (memory == NULL) abort();
    return memory;
}

static void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fprintf(stderr, "%s cannot be read.\n", path);
        exit(1);
    }
    const long length = ftell(file);
    if (length < 0 || fseek(file, 0, SEEK_SET) != 0) abort();
    *size = (size_t)length;
    void *bytes = allocate(*size);
    if (fread(bytes, 1, *size, file) != *size) abort();
    (void)fclose(file);
    return bytes;
}

/* A model for LiteRT, or for the inline runtime if there is no library. */
static tagnode_model *load(const char *library, const char *path) {
    tagnode_card card = musicnn_card;
    char *rest;
    const unsigned long frames = strtoul(path, &rest, 10);
    if (rest != path && *rest == ':') {
        card.patch_frames = (uint32_t)frames;
        card.output_size[0] = (uint32_t)strtoul(rest + 1, &rest, 10);
        path = rest + 1;
        const unsigned long bands = strtoul(path, &rest, 10);
        if (rest != path && *rest == ':') {
            card.frontend.bands = (uint32_t)bands;
            path = rest + 1;
        }
    }
    size_t size;
    void *bytes = read_file(path, &size);
    tagnode_model *model;
    tagnode_message why;
    must(library == NULL ? tagnode_model_load_inline(bytes, size, &card, &model, &why)
                         : tagnode_model_load_litert(library, bytes, size, &card, &model, &why),
         &why);
    free(bytes);
    return model;
}

static tagnode_engine *open_engine(const char *library, const char *path) {
    tagnode_model *model = load(library, path); /* kept until the program ends */
    tagnode_engine *engine;
    tagnode_message why;
    must(tagnode_model_open(model, &engine, &why), &why);
    return engine;
}

/* ---- sound ---- */

/* Repeats a recording. */
typedef struct {
    float *samples;
    size_t length, at;
} player;

static player open_player(const char *path) {
    size_t bytes;
    player made = {.samples = read_file(path, &bytes)};
    made.length = bytes / sizeof(float);
    if (made.length < RATE) abort();
    return made;
}

static const float *next_block(player *sound, uint32_t frames) {
    if (sound->at + frames > sound->length) sound->at = 0;
    const float *block = sound->samples + sound->at;
    sound->at += frames;
    return block;
}

static tagnode *open_node(tagnode_model *model, double hop, double signals, uint32_t block) {
    tagnode *node;
    if (tagnode_create(&node) != TAGNODE_OK) abort();
    const tagnode_setup setup = {.sample_rate = RATE,
                                 .channels = 2,
                                 .max_frames = block,
                                 .hop = hop,
                                 .signal_hop = signals,
                                 .compute_latency = 0.25,
                                 .embedding = -1,
                                 .queue = 64};
    const tagnode_parts parts = {.models = &model, .model_count = 1};
    tagnode_message why;
    must(tagnode_prepare(node, &parts, &setup, &why), &why);
    return node;
}

static void analyse(tagnode *node, const float *block, uint32_t frames) {
    const float *channels[] = {block, block};
    tagnode_process(node, channels, frames);
}

/* Not inlined, so that a profiler can separate it from the warm-up. */
__attribute__((noinline)) static void steady_state(tagnode *node, player *sound, uint32_t block,
                                                   uint32_t blocks) {
    for (uint32_t i = 0; i < blocks; ++i) analyse(node, next_block(sound, block), block);
}

/* ---- patch ---- */

enum { MOST_ENGINES = 8, TURNS = 3, MOST_TAGS = 65536, MOST_VALUES = 1 << 20 };

static void time_engine(const char *name, tagnode_engine *engine, const float *patch) {
    static float tags[MOST_TAGS];
    float *outputs[TAGNODE_MAX_OUTPUTS] = {tags};
    double best = 1e9;
    for (int i = 0; i < TURNS; ++i) {
        const double start = now();
        if (engine->run(engine, patch, outputs) != TAGNODE_OK) abort();
        const double taken = now() - start;
        if (taken < best) best = taken;
    }
    printf("%s %.9f ", name, best);
}

typedef struct {
    int count;
    const char *name[MOST_ENGINES];
    tagnode_engine *engine[MOST_ENGINES];
} engines;

static void add_engine(engines *all, const char *name, const char *library, const char *model) {
    all->name[all->count] = name;
    all->engine[all->count++] = open_engine(library, model);
}

/* The inline runtime, with every table of kernels that this machine has. */
static void add_inline(engines *all, const char *model) {
    const kernels_table *table;
    for (uint32_t i = 0; (table = kernels_at(i)) != NULL; ++i) {
        if (setenv("TAGNODE_ISA", table->name, 1) != 0) abort();
        add_engine(all, table->name, NULL, model);
    }
}

static int time_engines(const engines *all) {
    float *patch = allocate(MOST_VALUES * sizeof *patch);
    for (int i = 0; i < MOST_VALUES; ++i) patch[i] = 3.5F * (0.5F + 0.5F * sinf(0.37F * (float)i));
    while (getchar() != EOF) {
        for (int i = 0; i < all->count; ++i) time_engine(all->name[i], all->engine[i], patch);
        printf("\n");
        (void)fflush(stdout);
    }
    return 0;
}

static int time_patch(char **arguments) {
    engines all = {0};
    add_inline(&all, arguments[1]);
    if (arguments[0][0] != '\0') {
        add_engine(&all, "int8,_CompiledModel", arguments[0], arguments[1]);
        add_engine(&all, "float,_CompiledModel", arguments[0], arguments[2]);
    }
    return time_engines(&all);
}

static int time_float(char **arguments) {
    engines all = {0};
    add_inline(&all, arguments[1]);
    if (arguments[0][0] != '\0')
        add_engine(&all, "float,_CompiledModel", arguments[0], arguments[1]);
    return time_engines(&all);
}

/* ---- stream ---- */

static int time_stream(char **arguments) {
    player sound = open_player(arguments[1]);
    const double hop = strtod(arguments[2], NULL);
    const uint32_t block = (uint32_t)strtoul(arguments[3], NULL, 10);
    const double blocks = strtod(arguments[4], NULL) * RATE / block;
    tagnode *node = open_node(load(NULL, arguments[0]), hop, 0, block);
    for (uint32_t done = 0; done < WARM_UP; done += block)
        analyse(node, next_block(&sound, block), block);
    const double start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    steady_state(node, &sound, block, (uint32_t)(blocks + 0.5));
    printf("%.9f\n", seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start);
    const tagnode_counters counters = tagnode_get_counters(node);
    if (counters.late > 0) fprintf(stderr, "%d results were late.\n", (int)counters.late);
    return counters.late > 0;
}

/* ---- callback ---- */

typedef struct {
    tagnode *node;          /* of the inline runtime or of the worker, or NULL and: */
    tagnode_engine *engine; /* LiteRT, run in the callback, or NULL and: */
    double wait;            /* idles for this many seconds */
    tagnode_frontend *frontend;
    float *mel;    /* of one block */
    float *frames; /* the last PATCH mel frames, stored twice so that a window is contiguous */
    uint32_t hop;  /* mel frames */
    int64_t frames_seen;
} host;

/* What a plug-in does that runs the whole model in its callback. */
static void analyse_by_litert(host *self, const float *block, uint32_t frames) {
    const float *channels[] = {block, block};
    const size_t mels = tagnode_frontend_process(self->frontend, channels, frames, self->mel);
    for (size_t i = 0; i < mels; ++i) {
        const size_t place = (size_t)(self->frames_seen++ % PATCH);
        float *row = self->frames + place * BANDS;
        memcpy(row, self->mel + i * BANDS, BANDS * sizeof *row);
        memcpy(row + (size_t)PATCH * BANDS, row, BANDS * sizeof *row);
        if (self->frames_seen < PATCH || (self->frames_seen - PATCH) % self->hop != 0) continue;
        float tags[TAGS], *outputs[TAGNODE_MAX_OUTPUTS] = {tags};
        const float *window = self->frames + (place + 1) * BANDS;
        if (self->engine->run(self->engine, window, outputs) != TAGNODE_OK) abort();
    }
}

static void call_back(host *self, const float *block, uint32_t frames) {
    if (self->node != NULL) {
        analyse(self->node, block, frames);
        tagnode_frame frame;
        float tags[TAGS];
        (void)tagnode_read(self->node, &frame, tags, NULL, 1);
    } else if (self->engine != NULL) {
        analyse_by_litert(self, block, frames);
    } else {
        const double end = now() + self->wait;
        while (now() < end) {}
    }
}

static host open_host(const char *kind, const char *library, const char *model, double hop,
                      uint32_t block) {
    host made = {0};
    if (strcmp(kind, "inline") == 0) {
        made.node = open_node(load(NULL, model), hop, 0, block);
    } else if (strcmp(kind, "worker") == 0) {
        made.node = open_node(load(library, model), hop, 0, block);
    } else if (strcmp(kind, "litert") == 0) {
        tagnode_message why;
        made.engine = open_engine(library, model);
        must(tagnode_frontend_create(&musicnn_card.frontend, RATE, 2, &made.frontend, &why), &why);
        made.mel =
            allocate(tagnode_frontend_capacity(made.frontend, block) * BANDS * sizeof(float));
        made.frames = allocate((size_t)2 * PATCH * BANDS * sizeof(float));
        made.hop = (uint32_t)(hop * 62.5 + 0.5);
    } else {
        made.wait = strtod(kind, NULL);
    }
    return made;
}

/* Other work of a host between two callbacks, for the caches. */
static void other_work(unsigned char *memory) {
    for (size_t i = 0; i < OTHER_WORK; i += 64) ++memory[i];
}

static void sleep_until(double time) {
    const struct timespec at = {.tv_sec = (time_t)time,
                                .tv_nsec = (long)((time - floor(time)) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {}
}

static void play(host *self, player *sound, uint32_t block, float *taken, size_t calls,
                 bool in_real_time) {
    unsigned char *memory = allocate(OTHER_WORK);
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    for (uint32_t done = 0; done < WARM_UP; done += block)
        call_back(self, next_block(sound, block), block);
    const double begin = now();
    for (size_t i = 0; i < calls; ++i) {
        if (in_real_time) sleep_until(begin + (double)(i * block) / RATE);
        const float *samples = next_block(sound, block);
        other_work(memory);
        const double start = now();
        call_back(self, samples, block);
        taken[i] = (float)(now() - start);
    }
    tagnode_floatenv_leave(saved);
    free(memory);
}

static void stay_on(size_t core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores) != 0) perror("sched_setaffinity");
}

static int time_callback(char **arguments) {
    const double hop = strtod(arguments[4], NULL), seconds = strtod(arguments[6], NULL);
    const uint32_t block = (uint32_t)strtoul(arguments[5], NULL, 10);
    host self = open_host(arguments[0], arguments[1], arguments[2], hop, block);
    stay_on(strtoul(arguments[7], NULL, 10)); /* not earlier: a worker's thread may use all cores */
    player sound = open_player(arguments[3]);
    const size_t calls = (size_t)(seconds * RATE / block);
    float *taken = allocate(calls * sizeof *taken);
    play(&self, &sound, block, taken, calls, strcmp(arguments[0], "worker") == 0);
    FILE *output = fopen(arguments[8], "wb");
    if (output == NULL || fwrite(taken, sizeof *taken, calls, output) != calls) abort();
    free(taken);
    free(sound.samples);
    return fclose(output);
}

/* ---- station ---- */

static int run_station(char **arguments) {
    enum { BLOCK = 4096 };
    player sound = open_player(arguments[1]);
    const double hop = strtod(arguments[2], NULL), signals = strtod(arguments[3], NULL);
    const double blocks = strtod(arguments[4], NULL) * RATE / BLOCK;
    tagnode *node = open_node(load(NULL, arguments[0]), hop, signals, BLOCK);
    steady_state(node, &sound, BLOCK, (uint32_t)(blocks + 0.5));
    return 0;
}

/* ---- load ---- */

static size_t allocated(void) {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Reads a line of the kernel's statistics, in KiB. */
static long resident(const char *name) {
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0) kib = strtol(line + strlen(name), NULL, 10);
    if (status != NULL) (void)fclose(status);
    return kib;
}

static int time_load(char **arguments) {
    size_t size;
    void *bytes = read_file(arguments[0], &size);
    tagnode_model *model;
    tagnode_message why;
    const size_t before = allocated();
    const double start = now();
    must(tagnode_model_load_inline(bytes, size, &musicnn_card, &model, &why), &why);
    const double loaded = now();
    tagnode *node = open_node(model, 0.25, 0, 64);
    const double prepared = now();
    const size_t after = allocated();
    free(bytes);
    FILE *sound = fopen(arguments[1], "rb");
    float block[64];
    while (sound != NULL && fread(block, sizeof block, 1, sound) == 1) analyse(node, block, 64);
    printf("%.9f %.9f %zu %ld %ld\n", loaded - start, prepared - loaded, after - before,
           resident("VmRSS:"), resident("VmHWM:"));
    return sound == NULL ? 1 : fclose(sound);
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        int arguments;
        int (*run)(char **arguments);
    } modes[] = {{"patch", 3, time_patch},       {"float", 2, time_float},
                 {"stream", 5, time_stream},     {"station", 5, run_station},
                 {"callback", 9, time_callback}, {"load", 2, time_load}};
    for (size_t i = 0; count > 1 && i < sizeof modes / sizeof modes[0]; ++i)
        if (strcmp(arguments[1], modes[i].name) == 0 && count == modes[i].arguments + 2)
            return modes[i].run(arguments + 2);
    fprintf(stderr,
            "usage: bench_inline patch | stream | station | callback | load ...; see its source\n");
    return 2;
}
